package dsl

import (
	"errors"
	"fmt"
	"html"
	"io"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/preslavrachev/gomjml/mjml"
	"go.yaml.in/yaml/v4"
	htmltoken "golang.org/x/net/html"

	"github.com/rapport-crm/rapport/dsl/phrases"
)

var (
	errMJML     = errors.New("this cannot be converted")
	fontImports = regexp.MustCompile(`(?s)<!--\[if !mso\]><!--><link href="[^"]*" rel="stylesheet"[^>]*>.*?<!--<!\[endif\]-->`)
	bodyTag     = regexp.MustCompile(`<body[^>]*>`)

	//nolint:gochecknoglobals // guards a variable of the converter's, which every conversion sets
	converting sync.Mutex
)

// mjmlBody reads a body in MJML. It is converted to HTML here and not with every message: the converter sees no values, so
// that no value can become markup, and a sent message costs no conversion.
func (r *docReader) mjmlBody(n *yaml.Node, sc *templateScope) *Text {
	text := r.textOf(n, r.engines.html, sc)
	if text == nil {
		return nil
	}
	m := &mjmlScanner{r: r, node: n, src: text.Source}
	m.scan()
	if m.failed && r.voc != nil {
		return nil
	}
	page, err := m.convert()
	if err != nil {
		m.conversionProblem(err)
		return nil
	}
	compiled, _, err := parseText(r.engines.html, page)
	if err != nil {
		r.add(n, codeMJML, "This cannot be converted: "+clipTo(err.Error(), 160)+".", "")
		return nil
	}
	return compiled
}

// conversionProblem reports what the converter refused, such as an attribute that an element does not have.
func (m *mjmlScanner) conversionProblem(err error) {
	var refused mjml.Error
	if !errors.As(err, &refused) {
		m.r.add(m.node, codeMJML, "This cannot be converted: "+clipTo(err.Error(), 160)+".", "")
		return
	}
	for _, d := range refused.Details {
		at := 0
		if line := d.Line - 2; line >= 0 && line < len(m.lines) { // the frame begins with an empty line
			at = m.lines[line]
		}
		_, name, _ := strings.Cut(d.Message, "'")
		name, _, _ = strings.Cut(name, "'")
		at += max(strings.Index(m.src[at:], name), 0)
		m.add(at, fmt.Sprintf("<%s> has no attribute %q.", d.TagName, name), "")
	}
	if m.r.voc == nil {
		m.r.add(m.node, codeMJML, "This cannot be converted: "+clipTo(err.Error(), 160)+".", "")
	}
}

// fonts are the reader's own, as in messages that are written in Markdown: nothing is loaded before a mail can be read.
const fonts = `<mj-attributes><mj-all font-family="` + fontStack + `"></mj-all></mj-attributes>`

// convert makes HTML of the frame and puts the texts back into it.
func (m *mjmlScanner) convert() (string, error) {
	frame := m.frame.String()
	if strings.Contains(frame, "\n<mj-head>") {
		frame = strings.Replace(frame, "\n<mj-head>", "\n<mj-head>"+fonts, 1)
	} else {
		frame = strings.Replace(frame, "\n<mjml>", "\n<mjml><mj-head>"+fonts+"</mj-head>", 1)
	}
	page, err := convertMJML(frame)
	if err != nil {
		return "", err
	}
	page = fontImports.ReplaceAllString(page, "")
	if !bodyTag.MatchString(page) || !strings.Contains(page, "</body>") {
		return "", errMJML
	}
	var out strings.Builder
	used := make([]bool, len(m.pieces))
	for {
		before, after, found := strings.Cut(page, m.token)
		out.WriteString(before)
		if !found {
			break
		}
		digits, rest, _ := strings.Cut(after, "z")
		i, err := strconv.Atoi(digits)
		if err != nil || i < 0 || i >= len(m.pieces) {
			return "", errMJML
		}
		out.WriteString(m.pieces[i])
		used[i], page = true, rest
	}
	for i, u := range used {
		if !u && strings.TrimSpace(m.pieces[i]) != "" {
			return "", fmt.Errorf("%w: the converter lost %q", errMJML, clip(m.pieces[i]))
		}
	}
	return out.String(), nil
}

// convertMJML calls the converter, one body at a time, and stops its panics.
func convertMJML(frame string) (page string, err error) {
	converting.Lock()
	defer converting.Unlock()
	defer func() {
		if broken := recover(); broken != nil {
			err = errMJML
		}
	}()
	return mjml.Render(frame)
}

// htmlEscaper writes a value as plain words of HTML, also inside an attribute.
type htmlEscaper struct{}

// WriteString implements liquid's Replacer.
func (htmlEscaper) WriteString(w io.Writer, s string) (int, error) {
	if _, err := io.WriteString(w, html.EscapeString(oneLine(s))); err != nil {
		return 0, err
	}
	return len(s), nil
}

// renderPage finishes a page that was made of MJML: subject, preview and footer go in, links that a value made unsafe go out.
func (t *Template) renderPage(out *Rendered, page string, f *Footer) {
	page = strings.Replace(page, "<title></title>", "<title>"+html.EscapeString(out.Subject)+"</title>", 1)
	language := t.Locale
	if language == "" {
		language = "en"
	}
	page = strings.Replace(page, `lang="und"`, `lang="`+html.EscapeString(language)+`"`, 2)
	if t.Locale != "" {
		page = strings.Replace(page, `dir="auto"`, `dir="`+phrases.Direction(t.Locale)+`"`, 2)
	}
	body := bodyTag.FindStringIndex(page)
	head, rest := page[:body[1]], page[body[1]:]
	content, closing := rest[:strings.LastIndex(rest, "</body>")], rest[strings.LastIndex(rest, "</body>"):]
	var text string
	content, text, out.Links = disarmHTML(content)
	out.HTML = head + previewHTML(out.Preview) + content + mjmlFooter(f, t.Locale) + closing
	out.Text = emailText(text, t.Locale, f)
}

// mjmlFooter is the footer in a page of its own style.
func mjmlFooter(f *Footer, locale string) string {
	if f == nil {
		return ""
	}
	return `<div style="max-width:600px;margin:0 auto;padding:0 25px 24px;text-align:center;color:#5a5a5f;` +
		`font:13px/1.5 ` + fontStack + `">` + footerHTML(f, locale) + `</div>`
}

// disarmHTML takes the links out that may not be in a message, and lists the others. text is the page without what only
// some programs show.
func disarmHTML(page string) (safe, text string, links []string) {
	var all, shown strings.Builder
	z := htmltoken.NewTokenizer(strings.NewReader(page))
	for {
		kind := z.Next()
		if kind == htmltoken.ErrorToken {
			return all.String(), shown.String(), links
		}
		raw := string(z.Raw())
		if kind == htmltoken.CommentToken {
			all.WriteString(raw)
			continue
		}
		if kind == htmltoken.StartTagToken || kind == htmltoken.SelfClosingTagToken {
			var found []string
			raw, found = disarmTag(raw, z.Token())
			links = append(links, found...)
		}
		all.WriteString(raw)
		shown.WriteString(raw)
		if kind == htmltoken.EndTagToken {
			shown.WriteString(textLayout(raw))
		}
	}
}

// textLayout is what stands behind the end of a part of a table, when tables are written as text.
func textLayout(endTag string) string {
	switch endTag {
	case "</td>":
		return " "
	case "</tr>", "</table>", "</div>":
		return "<br>"
	}
	return ""
}

// disarmTag rewrites a start tag without its unsafe links.
func disarmTag(raw string, tag htmltoken.Token) (safe string, links []string) {
	keep := tag.Attr[:0:0]
	for _, a := range tag.Attr {
		if a.Key != "href" && a.Key != "src" {
			keep = append(keep, a)
			continue
		}
		if !safeLink(a.Val) {
			continue
		}
		keep = append(keep, a)
		if a.Key == "href" && !strings.HasPrefix(strings.ToLower(a.Val), "mailto:") {
			links = append(links, a.Val)
		}
	}
	if len(keep) == len(tag.Attr) {
		return raw, links
	}
	tag.Attr = keep
	return tag.String(), links
}
