package mail

import (
	"strings"

	"golang.org/x/net/html"
)

// maxHTMLDepth bounds how deep elements are followed: mail from some programs is nested without end.
const maxHTMLDepth = 500

// htmlText writes an HTML mail as plain text: blocks as lines, and what is quoted with "> " before it, as mail programs do.
func htmlText(source string) string {
	root, err := html.Parse(strings.NewReader(source))
	if err != nil {
		return ""
	}
	p := &page{}
	p.write(root, 0, 0)
	p.end()
	return strings.TrimSpace(strings.Join(p.lines, "\n"))
}

// page is the text as far as it is written.
type page struct {
	lines []string
	line  strings.Builder
	depth int // of quotes around the line
}

func (p *page) write(n *html.Node, quotes, depth int) {
	switch {
	case depth > maxHTMLDepth:
		return
	case n.Type == html.TextNode:
		p.words(n.Data, quotes)
		return
	case n.Type == html.ElementNode:
		switch n.Data {
		case "script", "style", "head", "title", "template":
			return
		case "br":
			p.lineBreak(quotes)
			return
		case "hr":
			p.end()
			p.words(strings.Repeat("_", 32), quotes)
			p.end()
			return
		}
	}
	inside := quotes
	if n.Type == html.ElementNode && n.Data == "blockquote" {
		inside++
	}
	if block(n) {
		p.end()
	}
	for child := n.FirstChild; child != nil; child = child.NextSibling {
		p.write(child, inside, depth+1)
	}
	if block(n) {
		p.end()
	}
	if n.Type == html.ElementNode && n.Data == "p" && len(p.lines) > 0 && p.lines[len(p.lines)-1] != "" {
		p.lines = append(p.lines, "")
	}
}

// words adds a text with its white space made one blank.
func (p *page) words(text string, quotes int) {
	fields := strings.Fields(strings.ReplaceAll(text, "\u00a0", " "))
	spaced := strings.TrimLeft(text, " \t\r\n\u00a0") != text
	if p.line.Len() > 0 && (spaced || len(fields) == 0 && text != "") && !strings.HasSuffix(p.line.String(), " ") {
		p.line.WriteString(" ")
	}
	if len(fields) == 0 {
		return
	}
	if p.line.Len() == 0 {
		p.depth = quotes
	}
	p.line.WriteString(strings.Join(fields, " "))
	if strings.TrimRight(text, " \t\r\n\u00a0") != text {
		p.line.WriteString(" ")
	}
}

func (p *page) lineBreak(quotes int) {
	if p.line.Len() == 0 {
		p.depth = quotes
		p.lines = append(p.lines, strings.TrimSpace(strings.Repeat("> ", quotes)))
		return
	}
	p.end()
}

// end ends the line, if there is anything on it.
func (p *page) end() {
	if text := strings.TrimSpace(p.line.String()); text != "" {
		p.lines = append(p.lines, strings.Repeat("> ", p.depth)+text)
	}
	p.line.Reset()
}

func block(n *html.Node) bool {
	switch n.Data {
	case "p", "div", "blockquote", "tr", "table", "ul", "ol", "li", "pre", "h1", "h2", "h3", "h4", "h5", "h6", "section", "article", "header",
		"footer", "body", "dl", "dt", "dd", "center":
		return n.Type == html.ElementNode
	}
	return false
}
