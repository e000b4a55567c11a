package ical

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// line is one property, unfolded: NAME;PARAMETER=VALUE,VALUE:VALUE (RFC 5545, 3.1). Names are in upper case.
type line struct {
	name   string
	params []param
	value  string // as it stands there, escapes and all
}

type param struct {
	name   string
	values []string
}

// param returns a parameter's first value, or "".
func (l *line) param(name string) string {
	for _, p := range l.params {
		if p.name == name && len(p.values) > 0 {
			return p.values[0]
		}
	}
	return ""
}

// unfold calls each with every line of the text, those that were folded put together again. It accepts bare line feeds as well.
func unfold(text []byte, each func(raw string) error) error {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	var whole []byte
	for len(text) > 0 {
		var part []byte
		part, text, _ = bytes.Cut(text, []byte("\n"))
		part = bytes.TrimSuffix(part, []byte("\r"))
		if len(part) > 0 && (part[0] == ' ' || part[0] == '\t') {
			whole = append(whole, part[1:]...)
			continue
		}
		if len(whole) > 0 {
			if err := each(string(whole)); err != nil {
				return err
			}
		}
		whole = append(whole[:0], part...)
	}
	if len(whole) > 0 {
		return each(string(whole))
	}
	return nil
}

// parseLine takes a line apart. It is false for text that is no property: programs that forget to fold leave such lines behind,
// and one of them must not hide a whole calendar.
func parseLine(raw string) (line, bool) {
	end := strings.IndexAny(raw, ";:")
	if end <= 0 {
		return line{}, false
	}
	l := line{name: strings.ToUpper(raw[:end])}
	rest := raw[end:]
	for strings.HasPrefix(rest, ";") {
		name, after, ok := strings.Cut(rest[1:], "=")
		if !ok || strings.ContainsAny(name, ";:\"") {
			return line{}, false
		}
		p := param{name: strings.ToUpper(name)}
		for {
			var value string
			if value, after, ok = parseParam(after); !ok {
				return line{}, false
			}
			p.values = append(p.values, value)
			if !strings.HasPrefix(after, ",") {
				break
			}
			after = after[1:]
		}
		l.params = append(l.params, p)
		rest = after
	}
	if !strings.HasPrefix(rest, ":") {
		return line{}, false
	}
	l.value = rest[1:]
	return l, true
}

// parseParam reads one value of a parameter, quoted or not, and undoes the escapes of RFC 6868.
func parseParam(text string) (value, rest string, ok bool) {
	if strings.HasPrefix(text, `"`) {
		value, rest, ok = strings.Cut(text[1:], `"`)
	} else if end := strings.IndexAny(text, ",;:"); end >= 0 {
		value, rest, ok = text[:end], text[end:], true
	}
	if strings.Contains(value, "^") {
		value = strings.NewReplacer("^n", "\n", "^N", "\n", "^'", `"`, "^^", "^").Replace(value)
	}
	return value, rest, ok
}

// unescape undoes the escapes of a text value (RFC 5545, 3.3.11).
func unescape(value string) string {
	if !strings.Contains(value, `\`) {
		return value
	}
	return strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\N`, "\n", `\;`, ";", `\,`, ",").Replace(value)
}

// writer puts lines together. What it is given is made harmless first, so that no text can end its line.
type writer struct{ b strings.Builder }

// put writes a property whose value is already in its form. parameters are names and values in turn; one without a value is left
// out.
func (w *writer) put(name, value string, parameters ...string) {
	var b strings.Builder
	b.WriteString(name)
	for i := 0; i+1 < len(parameters); i += 2 {
		if parameters[i+1] != "" {
			b.WriteString(";" + parameters[i] + "=" + parameter(parameters[i+1]))
		}
	}
	b.WriteString(":" + printable(value, ""))
	w.fold(b.String())
}

// text writes a property that is text for people; nothing for an empty one.
func (w *writer) text(name, value string) {
	if value = printable(value, "\n"); value != "" {
		w.put(name, strings.NewReplacer(`\`, `\\`, "\n", `\n`, ";", `\;`, ",", `\,`).Replace(value))
	}
}

// fold ends a line and breaks it so that none has more than 75 bytes, never inside of a character (RFC 5545, 3.1).
func (w *writer) fold(text string) {
	const longest = 75
	limit := longest
	for len(text) > limit {
		cut := limit
		for cut > 0 && !utf8.RuneStart(text[cut]) {
			cut--
		}
		w.b.WriteString(text[:cut] + "\r\n ")
		text, limit = text[cut:], longest-1
	}
	w.b.WriteString(text + "\r\n")
}

// parameter puts a value in quotes where it needs them. A quotation mark becomes an apostrophe: the escapes of RFC 6868 would be
// shown as they are by programs that do not know them.
func parameter(value string) string {
	value = strings.TrimSpace(strings.ReplaceAll(printable(value, ""), `"`, "'"))
	if strings.ContainsAny(value, ",;: '") || !isASCII(value) {
		return `"` + value + `"`
	}
	return value
}

// printable replaces control characters, other than those in keep, with spaces. Every kind of line end becomes a line feed first.
func printable(text, keep string) string {
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u2028", "\n", "\u2029", "\n", "\u0085", "\n").Replace(strings.ToValidUTF8(text, "\ufffd"))
	return strings.Map(func(r rune) rune {
		if (r < ' ' || r >= 0x7f && r < 0xa0) && !strings.ContainsRune(keep, r) {
			return ' '
		}
		return r
	}, text)
}

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
