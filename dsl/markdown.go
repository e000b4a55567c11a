package dsl

import (
	"bytes"
	"net/url"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/renderer/html"
	gtext "github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// newMarkdown makes a converter: CommonMark with bare links and strikethrough, raw HTML left out. It is safe for concurrent
// use.
func newMarkdown() goldmark.Markdown {
	return goldmark.New(
		goldmark.WithExtensions(extension.Linkify, extension.Strikethrough),
		goldmark.WithRendererOptions(html.WithHardWraps()),
	)
}

// convert converts an email body to HTML and collects its http and https links. Links of other schemes are left as text, but
// for mailto.
func convert(md goldmark.Markdown, body string) (page string, links []string, err error) {
	source := []byte(body)
	doc := md.Parser().Parse(gtext.NewReader(source))
	var unsafe []ast.Node
	// The walker returns no error, so neither does Walk.
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		destination, isLink := linkOf(n, source)
		switch {
		case !entering || !isLink:
		case !safeLink(destination):
			unsafe = append(unsafe, n)
		case !strings.HasPrefix(strings.ToLower(destination), "mailto:") && n.Kind() != ast.KindImage:
			links = append(links, destination)
		}
		return ast.WalkContinue, nil
	})
	for _, n := range unsafe {
		disarm(n, source)
	}
	var out bytes.Buffer
	if err := md.Renderer().Render(&out, source, doc); err != nil {
		return "", nil, err
	}
	return out.String(), links, nil
}

// linkOf returns where a node leads.
func linkOf(n ast.Node, source []byte) (string, bool) {
	switch link := n.(type) {
	case *ast.Link:
		return resolved(link.Destination), true
	case *ast.Image:
		return resolved(link.Destination), true
	case *ast.AutoLink:
		if link.AutoLinkType == ast.AutoLinkEmail {
			return "mailto:" + string(link.Label(source)), true
		}
		return string(link.URL(source)), true
	}
	return "", false
}

// resolved returns a destination as the renderer will write it: without backslash escapes and character references.
func resolved(destination []byte) string {
	return string(util.ResolveEntityNames(util.ResolveNumericReferences(util.UnescapePunctuations(destination))))
}

// safeLink tells whether a link may be in a message: an absolute one by http or https, or a mail address.
func safeLink(destination string) bool {
	u, err := url.Parse(destination)
	if err != nil {
		return false
	}
	switch strings.ToLower(u.Scheme) {
	case "http", "https":
		return u.Host != ""
	case "mailto":
		return u.Opaque != ""
	}
	return false
}

// disarm replaces a link by its words.
func disarm(n ast.Node, source []byte) {
	parent := n.Parent()
	if auto, ok := n.(*ast.AutoLink); ok {
		parent.ReplaceChild(parent, n, ast.NewString(util.EscapeHTML(auto.Label(source))))
		return
	}
	for c := n.FirstChild(); c != nil; c = n.FirstChild() {
		parent.InsertBefore(parent, n, c)
	}
	parent.RemoveChild(parent, n)
}
