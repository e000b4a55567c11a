package dsl

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"

	"go.yaml.in/yaml/v4"

	"github.com/rapport-crm/rapport/crm"
)

// What a text message holds: alone, and in each part of one that is cut up, which begins with a header of six octets (3GPP
// TS 23.040, 9.2.3.24.1).
const (
	septetsAlone, septetsInPart = 160, 153
	unitsAlone, unitsInPart     = 70, 67
)

// gsmBasic is the default alphabet of phones and gsmExtended what an escape before it adds, which makes it count twice (3GPP
// TS 23.038, 6.2.1 and 6.2.1.1). The escape itself and the page break are left out: neither is a character of a text.
const (
	gsmBasic = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
		"¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
	gsmExtended = "^{}\\[~]|€"
)

// SMSSegments returns as how many messages a text is sent and paid for. A text with a character outside the alphabet of
// phones is sent in UCS-2 throughout, where a message holds less than half as much; unicode tells that.
func SMSSegments(text string) (segments int, unicode bool) {
	if len(foreign(text)) > 0 {
		return unicodeSegments(text), true
	}
	return gsmSegments(text), false
}

// gsmSegments counts the messages of a text in the alphabet of phones. An escape and its character stay together.
func gsmSegments(text string) int {
	total, parts, left := 0, 1, septetsInPart
	for _, r := range text {
		width := 1
		if strings.ContainsRune(gsmExtended, r) {
			width = 2
		}
		total += width
		if left -= width; left < 0 {
			parts, left = parts+1, septetsInPart-width
		}
	}
	switch {
	case total == 0:
		return 0
	case total <= septetsAlone:
		return 1
	}
	return parts
}

// unicodeSegments counts the messages of a text in UCS-2. The two halves of a character beyond it, such as an emoji, stay
// together.
func unicodeSegments(text string) int {
	total, parts, left := 0, 1, unitsInPart
	for _, r := range text {
		width := max(utf16.RuneLen(r), 1)
		total += width
		if left -= width; left < 0 {
			parts, left = parts+1, unitsInPart-width
		}
	}
	if total <= unitsAlone {
		return 1
	}
	return parts
}

// foreign lists the characters of a text that phones do not have in their alphabet, each once.
func foreign(text string) []rune {
	var all []rune
	for _, r := range text {
		if !strings.ContainsRune(gsmBasic, r) && !strings.ContainsRune(gsmExtended, r) && !slices.Contains(all, r) {
			all = append(all, r)
		}
	}
	return all
}

// plainer are what typing programs put for characters of the phone alphabet.
func plainer() map[rune]string {
	return map[rune]string{
		'’': "'", '‘': "'", '‚': "'", '“': `"`, '”': `"`, '„': `"`, '–': "-", '—': "-", '…': "...", '•': "-", '\u00a0': " ", '\u202f': " ",
		'\u2009': " ", '`': "'", '´': "'", '×': "x", '\t': " ", '«': `"`, '»': `"`,
	}
}

// SMSLength returns as how many messages the text is about to be sent and paid for: variables count with a usual length. It is 0
// for email.
func (t *Template) SMSLength() (segments int, unicode bool) {
	if t.Channel != crm.SMS {
		return 0, false
	}
	return SMSSegments(strings.TrimSpace(usualText(t.Body.Source)))
}

// smsLength warns of a text that is sent as more than two messages, and of typographic characters that make it longer.
// Variables count with a usual length.
func (r *docReader) smsLength(n *yaml.Node, t *Text) {
	if t == nil || r.voc == nil {
		return
	}
	text := strings.TrimSpace(usualText(t.Source))
	segments, unicode := SMSSegments(text)
	plain := strings.Map(func(c rune) rune {
		if _, ok := plainer()[c]; ok {
			return '-'
		}
		return c
	}, text)
	fewer, _ := SMSSegments(plain)
	switch cause, fix := because(text); {
	case segments > 2 && unicode:
		r.warn(n, codeLong, fmt.Sprintf("This text is sent, and paid for, as %d messages: %s.", segments, cause), fix)
	case segments > 2:
		r.warn(n, codeLong, fmt.Sprintf("This text has about %d characters: it is sent, and paid for, as %d messages.", len([]rune(text)), segments), "Shorten it, or send an email.")
	case unicode && fewer < segments:
		r.note(n, crm.SeverityHint, codeLong, fmt.Sprintf("This text is sent, and paid for, as %d messages instead of %d: %s.", segments, fewer, cause), fix)
	}
}

// because names the characters that make a text Unicode, and says what could stand for them.
func because(text string) (cause, fix string) {
	var shown, instead []string
	for _, c := range foreign(text) {
		word := string(c)
		if strings.TrimSpace(word) == "" {
			word = fmt.Sprintf("U+%04X", c)
		}
		if plain, ok := plainer()[c]; ok {
			instead = append(instead, strings.Replace(plain, " ", "a blank", 1)+" for "+word)
		}
		shown = append(shown, word)
	}
	fix = "Leave them out, or shorten it."
	if len(instead) > 0 {
		fix = "Write " + strings.Join(instead[:min(len(instead), 6)], ", ") + "."
	}
	return fmt.Sprintf("with %s in it a message holds 70 characters, not 160", strings.Join(shown[:min(len(shown), 6)], " ")), fix
}

// usualText replaces what is between Liquid's braces: a variable by letters of a usual length, a condition by its longest
// branch, a list by three of its entries.
func usualText(src string) string {
	tokens, _, err := scanLiquid(src)
	if err != nil {
		return src
	}
	open := []*alternatives{{}}
	top := func() *alternatives { return open[len(open)-1] }
	pos := 0
	for _, t := range tokens {
		top().text += src[pos:t.at]
		pos = t.end(src)
		words := lexLiquid(t.inner)
		if len(words) == 0 {
			continue
		}
		switch {
		case !t.tag:
			top().text += strings.Repeat("x", usualLength(words[0].text))
		case slices.Contains([]string{"if", "unless", "case", "for", "comment"}, words[0].text):
			open = append(open, &alternatives{block: words[0].text})
		case slices.Contains([]string{"elsif", "else", "when"}, words[0].text):
			top().next()
		case strings.HasPrefix(words[0].text, "end") && len(open) > 1:
			done := top()
			open = open[:len(open)-1]
			top().text += done.longest()
		}
	}
	return open[0].text + src[pos:]
}

// alternatives is an open block: what its longest branch so far says, and the one that is read.
type alternatives struct {
	block, best, text string
}

func (a *alternatives) next() {
	if len([]rune(a.text)) > len([]rune(a.best)) {
		a.best = a.text
	}
	a.text = ""
}

func (a *alternatives) longest() string {
	a.next()
	switch a.block {
	case "comment":
		return ""
	case "for":
		if len(a.best) < 2_000 { // loops in loops would never end
			return strings.Repeat(a.best, 3)
		}
	}
	return a.best
}

// end returns where the token ends in its text.
func (t liquidToken) end(src string) int {
	closing := "}}"
	if t.tag {
		closing = "%}"
	}
	return t.start + strings.Index(src[t.start:], closing) + len(closing)
}

// usualLength is how many characters a variable stands for, by what people's data usually have.
func usualLength(variable string) int {
	_, name, _ := strings.Cut(variable, ".")
	switch {
	case strings.HasPrefix(variable, "links."), strings.HasSuffix(name, "url"):
		return 40
	case name == "first_name":
		return 10
	case name == "last_name":
		return 12
	case name == "email":
		return 25
	case name == "role", strings.HasSuffix(name, ".role"), strings.HasSuffix(name, "title"):
		return 25
	case strings.HasSuffix(name, "_at"):
		return 17 // 12 September 2026
	}
	return 15
}
