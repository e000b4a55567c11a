package sandbox

import (
	"regexp"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// link is one that a reader of a mail could click.
type link struct {
	URL  string
	Text string
}

var plainURL = regexp.MustCompile(`https?://[^\s<>"']+`)

// links returns a mail's links, each once: those of the HTML, or of the text when there is no HTML.
func (m *Message) links() []link {
	var found []link
	if m.HTML != "" {
		found = htmlLinks(m.HTML)
	} else {
		for _, u := range plainURL.FindAllString(m.Text, -1) {
			found = append(found, link{URL: strings.TrimRight(u, ".,;:!?)")})
		}
	}
	var once []link
	seen := map[string]bool{}
	for _, l := range found {
		if !seen[l.URL] {
			seen[l.URL] = true
			once = append(once, l)
		}
	}
	return once
}

// htmlLinks reads the web links of a document and the words they are on.
func htmlLinks(document string) []link {
	var found []link
	open := false
	tokens := html.NewTokenizer(strings.NewReader(document))
	for {
		switch tokens.Next() {
		case html.ErrorToken: // the end
			return found
		case html.StartTagToken:
			token := tokens.Token()
			if token.DataAtom == atom.A {
				href := attribute(token, "href")
				open = isWebURL(href)
				if open {
					found = append(found, link{URL: href})
				}
			}
		case html.EndTagToken:
			if tokens.Token().DataAtom == atom.A {
				open = false
			}
		case html.TextToken:
			if open {
				last := &found[len(found)-1]
				last.Text = strings.TrimSpace(last.Text + string(tokens.Text()))
			}
		case html.SelfClosingTagToken, html.CommentToken, html.DoctypeToken: // hold no words to press
		}
	}
}

// pictures are the addresses of a mail's pictures in the web.
func (m *Message) pictures() []string {
	var found []string
	tokens := html.NewTokenizer(strings.NewReader(m.HTML))
	for kind := tokens.Next(); kind != html.ErrorToken; kind = tokens.Next() {
		if kind != html.StartTagToken && kind != html.SelfClosingTagToken {
			continue
		}
		if token := tokens.Token(); token.DataAtom == atom.Img && isWebURL(attribute(token, "src")) {
			found = append(found, attribute(token, "src"))
		}
	}
	return found
}

func attribute(token html.Token, name string) string {
	for _, a := range token.Attr {
		if a.Key == name {
			return strings.TrimSpace(a.Val)
		}
	}
	return ""
}

// oneClickURL returns where RFC 8058 says to post a one-click unsubscribe, or nothing when the mail does not offer it. The
// standard wants https; http is taken too because a local Rapport has no certificate.
func (m *Message) oneClickURL() string {
	if !strings.EqualFold(strings.TrimSpace(m.header("List-Unsubscribe-Post")), "List-Unsubscribe=One-Click") {
		return ""
	}
	for part := range strings.SplitSeq(m.header("List-Unsubscribe"), ",") {
		u := strings.Trim(strings.TrimSpace(part), "<>")
		if isWebURL(u) {
			return u
		}
	}
	return ""
}

// withBase makes links in a mail's HTML open a new tab rather than the frame that shows it.
func withBase(document string) string {
	const base = `<base target="_blank">`
	if i := strings.Index(strings.ToLower(document), "<head>"); i >= 0 {
		i += len("<head>")
		return document[:i] + base + document[i:]
	}
	return "<!doctype html>" + base + document
}
