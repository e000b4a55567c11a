package dsl

import (
	"fmt"
	"html"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
	htmltoken "golang.org/x/net/html"

	"github.com/rapport-crm/rapport/crm"
)

// mjmlTags are the elements of MJML that bodies may have, each with those it may stand in. Those that need scripts, load fonts
// or icons from elsewhere, or say what the message's own keys say, are left out.
func mjmlTags() map[string][]string {
	content := []string{"mj-column", "mj-hero"}
	return map[string][]string{
		"mjml": {""}, "mj-head": {"mjml"}, "mj-body": {"mjml"},
		"mj-attributes": {"mj-head"}, "mj-style": {"mj-head"}, "mj-breakpoint": {"mj-head"},
		"mj-all": {"mj-attributes"}, "mj-class": {"mj-attributes"},
		"mj-wrapper": {"mj-body"}, "mj-section": {"mj-body", "mj-wrapper"}, "mj-hero": {"mj-body"},
		"mj-group": {"mj-section"}, "mj-column": {"mj-section", "mj-group"},
		"mj-text": content, "mj-button": content, "mj-image": content, "mj-divider": content, "mj-spacer": content, "mj-table": content,
	}
}

// htmlTags are the elements of HTML that may stand in the texts of MJML.
func htmlTags() []string {
	return strings.Fields("a b blockquote br code div em h1 h2 h3 h4 hr i img li ol p s small span strong sub sup table tbody td th thead tr u ul")
}

func htmlAttributes() []string {
	return strings.Fields("align alt bgcolor border cellpadding cellspacing class colspan dir height href lang rel role rowspan src style target title valign width")
}

// variableAttributes are those that may hold variables: in others a value could change how the mail looks.
func variableAttributes() []string { return []string{"href", "src", "alt", "title"} }

// holdsText tells whether an element of MJML holds HTML.
func holdsText(tag string) bool {
	return slices.Contains([]string{"mj-text", "mj-button", "mj-table"}, tag)
}

var mjmlAttribute = regexp.MustCompile(`([^\s=/>"']+)(?:\s*=\s*("[^"]*"|'[^']*'|[^\s"'>]+))?`)

// mjmlScanner goes through a body in MJML. It checks what the converter does not, and takes the texts out: the converter sees
// only the frame, with a token for every text, so that it can neither lose nor change what is in them.
type mjmlScanner struct {
	r      *docReader
	node   *yaml.Node
	src    string
	token  string // how tokens begin
	stack  []element
	blocks []int // for each open block of Liquid, where the element began that it stands in
	frame  strings.Builder
	lines  []int    // for each line of frame, where in src its element begins
	pieces []string // what the tokens stand for
	text   *strings.Builder
	failed bool
}

// element is an element that is open.
type element struct {
	name string
	at   int
}

func (m *mjmlScanner) scan() {
	m.token = "zz"
	for strings.Contains(m.src, m.token) {
		m.token += "q"
	}
	masked := liquidPattern.ReplaceAllStringFunc(m.src, func(s string) string { return strings.Repeat("x", len(s)) })
	z := htmltoken.NewTokenizer(strings.NewReader(masked))
	pos := 0
	for {
		kind := z.Next()
		raw := string(z.Raw())
		at := pos
		pos += len(raw)
		switch kind {
		case htmltoken.ErrorToken:
			m.end()
			return
		case htmltoken.TextToken:
			m.words(at, pos)
		case htmltoken.StartTagToken, htmltoken.SelfClosingTagToken:
			m.open(at, raw, kind == htmltoken.SelfClosingTagToken)
		case htmltoken.EndTagToken:
			name, _ := z.TagName()
			m.close(at, string(name))
		case htmltoken.CommentToken, htmltoken.DoctypeToken: // left out
		}
	}
}

func (m *mjmlScanner) top() string {
	if len(m.stack) == 0 {
		return ""
	}
	return m.stack[len(m.stack)-1].name
}

// piece keeps a text and returns the token that stands for it.
func (m *mjmlScanner) piece(text string) string {
	m.pieces = append(m.pieces, text)
	return m.token + strconv.Itoa(len(m.pieces)-1) + "z"
}

// words takes what stands between tags.
func (m *mjmlScanner) words(from, to int) {
	text := m.src[from:to]
	for _, at := range liquidPattern.FindAllStringIndex(text, -1) {
		m.liquid(from+at[0], text[at[0]:at[1]])
	}
	switch {
	case m.text != nil:
		m.text.WriteString(text)
	case m.top() == "mj-style":
		if liquidPattern.MatchString(text) || strings.Contains(text, "@import") {
			m.add(from, "A style has neither variables nor imports.", "")
		}
		m.frame.WriteString(m.piece(text))
	case len(m.stack) > 0 && mjmlTags()[m.top()] == nil: // was reported
	default:
		if at := strings.IndexFunc(liquidPattern.ReplaceAllStringFunc(text, blanks), isText); at >= 0 {
			m.add(from+at, "Text stands in mj-text, mj-button or mj-table.", "Put it into <mj-text>.")
		}
	}
}

func blanks(s string) string { return strings.Repeat(" ", len(s)) }

func isText(r rune) bool { return !strings.ContainsRune(" \t\r\n", r) }

// liquid follows the blocks of Liquid: one that begins in an element has to end in it, or the HTML would not fit together.
func (m *mjmlScanner) liquid(at int, token string) {
	outside := m.text == nil && m.top() != "mj-style" && (m.top() == "" || mjmlTags()[m.top()] != nil)
	if strings.HasPrefix(token, "{{") {
		if outside {
			m.add(at, "Text stands in mj-text, mj-button or mj-table.", "Put it into <mj-text>.")
		}
		return
	}
	here := -1
	if len(m.stack) > 0 {
		here = m.stack[len(m.stack)-1].at
	}
	switch word := (liquidToken{inner: strings.Trim(token, "{%-}")}).word(); word {
	case "if", "unless", "case", "for", "comment":
		m.blocks = append(m.blocks, here)
	default:
		if len(m.blocks) > 0 && m.blocks[len(m.blocks)-1] != here {
			m.add(at, fmt.Sprintf("{%% %s %%} stands in another element than what it belongs to.", clip(word)), "Begin and end a condition in the same element.")
		}
		if strings.HasPrefix(word, "end") {
			m.blocks = m.blocks[:max(len(m.blocks)-1, 0)]
		}
	}
	switch {
	case !outside:
	case m.top() == "mj-body" || m.top() == "mj-column":
		m.frame.WriteString("<mj-raw>" + m.piece(token) + "</mj-raw>")
	default:
		m.add(at, "A condition stands in mj-body, in mj-column or in a text.", "Move it.")
	}
}

// open takes a start tag.
func (m *mjmlScanner) open(at int, raw string, closed bool) {
	name := strings.ToLower(strings.TrimLeft(mjmlAttribute.FindString(raw), "<"))
	rest := len("<") + len(name)
	if m.text != nil {
		m.html(at, name, raw, closed)
		return
	}
	m.allowed(at, name)
	m.frame.WriteString("\n<" + name)
	m.lines = append(m.lines, at)
	for _, a := range mjmlAttribute.FindAllStringSubmatchIndex(raw[min(rest, len(raw)):], -1) {
		attribute, value := m.attribute(at+rest, a)
		if slices.Contains(variableAttributes(), attribute) {
			value = m.piece(quoteless(value))
		} else {
			value = html.EscapeString(strings.Join(strings.Fields(value), " "))
		}
		m.frame.WriteString(" " + attribute + `="` + value + `"`)
	}
	m.frame.WriteString(">")
	if closed {
		m.frame.WriteString("</" + name + ">")
		return
	}
	m.stack = append(m.stack, element{name, at})
	if holdsText(name) {
		m.text = &strings.Builder{}
	}
}

// allowed checks an element of MJML and where it stands.
func (m *mjmlScanner) allowed(at int, name string) {
	parents, known := mjmlTags()[name]
	defaults := m.top() == "mj-attributes" && known
	switch {
	case name == "mj-preview" || name == "mj-title":
		m.add(at, fmt.Sprintf("<%s> says what the message's own key says.", name), "Use `preview` or `subject`.")
	case !known && strings.HasPrefix(name, "mj"):
		m.add(at, fmt.Sprintf("There is no <%s> in messages.", clip(name)), suggest(name, mjmlNames()))
	case !known:
		m.add(at, fmt.Sprintf("<%s> stands in a text of MJML, not beside one.", clip(name)), "Put it into <mj-text>.")
	case !defaults && !slices.Contains(parents, m.top()):
		where := "at the top"
		if parents[0] != "" {
			where = "in " + strings.Join(parents, " or ")
		}
		m.add(at, fmt.Sprintf("<%s> stands %s.", name, where), "")
	}
}

func mjmlNames() []string {
	names := make([]string, 0, len(mjmlTags()))
	for name := range mjmlTags() {
		names = append(names, name)
	}
	return names
}

// html takes a start tag of HTML in a text.
func (m *mjmlScanner) html(at int, name, raw string, closed bool) {
	void := slices.Contains([]string{"br", "hr", "img"}, name)
	switch {
	case !slices.Contains(htmlTags(), name):
		m.add(at, fmt.Sprintf("<%s> is not used in texts.", clip(name)), suggest(name, htmlTags()))
	case closed && !void:
		m.add(at, fmt.Sprintf("<%s/> is read as <%s>, which is never closed.", name, name), fmt.Sprintf("Write <%s></%s>.", name, name))
	}
	rest := len("<") + len(name)
	m.text.WriteString("<" + name)
	for _, a := range mjmlAttribute.FindAllStringSubmatchIndex(raw[min(rest, len(raw)):], -1) {
		attribute, value := m.attribute(at+rest, a)
		if !slices.Contains(htmlAttributes(), attribute) {
			m.add(at+rest+a[2], fmt.Sprintf("The attribute %q is not used in texts.", clip(attribute)), suggest(attribute, htmlAttributes()))
		}
		m.text.WriteString(" " + attribute + `="` + quoteless(value) + `"`)
	}
	m.text.WriteString(">")
	if !void && !closed {
		m.stack = append(m.stack, element{name, at})
	}
}

// quoteless writes a value so that it can stand in double quotes; what is between Liquid's braces is no part of it.
func quoteless(value string) string {
	var b strings.Builder
	last := 0
	for _, at := range append(liquidPattern.FindAllStringIndex(value, -1), []int{len(value), len(value)}) {
		b.WriteString(strings.ReplaceAll(value[last:at[0]], `"`, "&quot;") + value[at[0]:at[1]])
		last = at[1]
	}
	return b.String()
}

// attribute reads one attribute, found at places after from, and checks its value.
func (m *mjmlScanner) attribute(from int, at []int) (name, value string) {
	name = strings.ToLower(m.src[from+at[2] : from+at[3]])
	if at[4] < 0 {
		return name, ""
	}
	value = strings.Trim(m.src[from+at[4]:from+at[5]], "\"'")
	place := from + at[4] + 1
	switch {
	case strings.Contains(value, "{%"):
		m.add(place, "A condition in an attribute is not used.", "Write the element twice, each in its branch.")
	case strings.Contains(value, "{{") && !slices.Contains(variableAttributes(), name):
		m.add(place, fmt.Sprintf("The attribute %q has no variables.", clip(name)), "Variables stand in texts and in href, src, alt and title.")
	case (name == "href" || name == "src" || name == "background-url") && !safeLink(html.UnescapeString(maskLiquid(value))):
		m.problem(place, codeLink, fmt.Sprintf("The link %q leads nowhere.", clip(value)), "Begin it with https://, mailto: or {{ links.NAME }}.")
	}
	return name, value
}

// close takes an end tag.
func (m *mjmlScanner) close(at int, name string) {
	if m.top() != name {
		message := fmt.Sprintf("</%s> closes nothing.", clip(name))
		if m.top() != "" {
			message = fmt.Sprintf("</%s> stands where <%s> is still open.", clip(name), m.top())
		}
		m.add(at, message, "")
		return
	}
	m.stack = m.stack[:len(m.stack)-1]
	switch {
	case holdsText(name) && m.text != nil:
		m.frame.WriteString(m.piece(m.text.String()) + "</" + name + ">")
		m.text = nil
	case m.text != nil:
		m.text.WriteString("</" + name + ">")
	default:
		m.frame.WriteString("</" + name + ">")
	}
}

func (m *mjmlScanner) end() {
	if len(m.stack) > 0 {
		last := m.stack[len(m.stack)-1]
		m.add(last.at, fmt.Sprintf("<%s> is never closed.", clip(last.name)), "")
	}
	if len(m.blocks) > 0 || m.failed {
		return
	}
	for _, needed := range []string{"<mjml", "<mj-body"} {
		if !strings.Contains(m.frame.String(), "\n"+needed) {
			m.add(0, fmt.Sprintf("A body in MJML needs %s>.", needed), "Write <mjml><mj-body>...</mj-body></mjml>.")
			return
		}
	}
}

func (m *mjmlScanner) add(at int, message, fix string) { m.problem(at, codeMJML, message, fix) }

// problem reports a problem at a byte of the body. What was published before is not judged again.
func (m *mjmlScanner) problem(at int, code, message, fix string) {
	m.failed = true
	if m.r.voc == nil || m.r.full() {
		return
	}
	line, column := m.r.src.position(m.node, utf8.RuneCountInString(m.src[:min(at, len(m.src))]))
	m.r.addAt(line, column, crm.SeverityError, code, message, fix)
}
