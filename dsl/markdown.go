package dsl

import (
	"bytes"
	"net/url"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer/html"
	gtext "github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// newMarkdown makes a converter: CommonMark with bare links and strikethrough, raw HTML left out, unsafe links left as text.
func newMarkdown(filter *linkFilter) goldmark.Markdown {
	return goldmark.New(
		goldmark.WithExtensions(extension.Linkify, extension.Strikethrough),
		goldmark.WithParserOptions(parser.WithASTTransformers(util.Prioritized(filter, 1000))),
		goldmark.WithRendererOptions(html.WithHardWraps()),
	)
}

// markdown converts an email body to HTML and collects its links.
func markdown(body string) (page string, links []string, err error) {
	filter := &linkFilter{}
	var out bytes.Buffer
	if err := newMarkdown(filter).Convert([]byte(body), &out); err != nil {
		return "", nil, err
	}
	return out.String(), filter.links, nil
}

// linkFilter collects the http and https links of a document and disarms those of other schemes, but for mailto.
type linkFilter struct {
	links []string
}

// Transform implements parser.ASTTransformer.
func (f *linkFilter) Transform(doc *ast.Document, reader gtext.Reader, _ parser.Context) {
	var unsafe []ast.Node
	// The walker returns no error, so neither does Walk.
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		destination, isLink := linkOf(n, reader.Source())
		switch {
		case !isLink:
		case !safeLink(destination):
			unsafe = append(unsafe, n)
		case !strings.HasPrefix(destination, "mailto:") && n.Kind() != ast.KindImage:
			f.links = append(f.links, destination)
		}
		return ast.WalkContinue, nil
	})
	for _, n := range unsafe {
		disarm(n, reader.Source())
	}
}

// linkOf returns where a node leads.
func linkOf(n ast.Node, source []byte) (string, bool) {
	switch link := n.(type) {
	case *ast.Link:
		return string(link.Destination), true
	case *ast.Image:
		return string(link.Destination), true
	case *ast.AutoLink:
		if link.AutoLinkType == ast.AutoLinkEmail {
			return "mailto:" + string(link.Label(source)), true
		}
		return string(link.URL(source)), true
	}
	return "", false
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
