package dsl

import (
	"bytes"
	"html"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	htmltoken "golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// linkOfText is a link in a text message, with what may be punctuation behind it.
var linkOfText = regexp.MustCompile(`https?://[^\s<>"]+`)

// Track makes the links of a rendered message lead where link says, and ends a page with the picture at pixel. Without a link or
// a pixel that part stays as it is. The text part of an email keeps its links: there they are read. A text message that would
// become too long stays as it is.
func (r *Rendered) Track(link func(url string) string, pixel string) {
	switch {
	case r.HTML == "" && link != nil:
		if text := trackText(r.Text, link); utf8.RuneCountInString(text) <= maxSMSRunes {
			r.Text = text
		}
	case r.HTML != "":
		r.HTML = trackPage(r.HTML, link, pixel)
	}
}

func trackText(text string, link func(string) string) string {
	return linkOfText.ReplaceAllStringFunc(text, func(found string) string {
		url := strings.TrimRight(found, ".,;:!?)'")
		return link(url) + found[len(url):]
	})
}

// trackPage copies a page as it is, but for where its links lead and for a picture before its end.
func trackPage(page string, link func(string) string, pixel string) string {
	var out bytes.Buffer
	out.Grow(len(page) + len(page)/2)
	tokens := htmltoken.NewTokenizer(strings.NewReader(page))
	for {
		kind := tokens.Next()
		if kind == htmltoken.ErrorToken { // the end: a string is always read
			return out.String()
		}
		raw := slices.Clone(tokens.Raw())
		switch token := tokens.Token(); {
		case kind == htmltoken.StartTagToken && token.DataAtom == atom.A && link != nil:
			raw = follow(&token, raw, link)
		case kind == htmltoken.EndTagToken && token.DataAtom == atom.Body && pixel != "":
			out.WriteString(`<img src="` + html.EscapeString(pixel) + `" width="1" height="1" alt="" style="display:block;border:0;width:1px;height:1px">`)
		}
		out.Write(raw)
	}
}

// follow returns a tag with its link replaced; what leads nowhere in the web stays as it was written.
func follow(tag *htmltoken.Token, raw []byte, link func(string) string) []byte {
	for i := range tag.Attr {
		a := &tag.Attr[i]
		if a.Key != "href" || !webLink(a.Val) {
			continue
		}
		to := link(strings.TrimSpace(a.Val))
		if to == a.Val {
			return raw
		}
		a.Val = to
		return []byte(tag.String())
	}
	return raw
}

// webLink tells whether a link is one by http or https.
func webLink(destination string) bool {
	destination = strings.TrimSpace(destination)
	return safeLink(destination) && !strings.HasPrefix(strings.ToLower(destination), "mailto:")
}
