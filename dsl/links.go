package dsl

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	gtext "github.com/yuin/goldmark/text"
	"go.yaml.in/yaml/v4"

	"github.com/rapport-crm/rapport/crm"
)

// bodyMarkdown checks the Markdown of a body as it stands, before its variables are filled in: where links lead, and that
// there is no HTML.
func (r *docReader) bodyMarkdown(n *yaml.Node, src string) {
	if r.voc == nil {
		return
	}
	masked := []byte(maskLiquid(src))
	doc := goldmark.New().Parser().Parse(gtext.NewReader(masked))
	from := 0
	at := func(offset int, code, message, fix string) {
		line, column := r.src.position(n, utf8.RuneCountInString(src[:min(offset, len(src))]))
		r.addAt(line, column, crm.SeverityError, code, message, fix)
	}
	// The walker returns no error, so neither does Walk.
	_ = ast.Walk(doc, func(node ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch h := node.(type) {
		case *ast.RawHTML:
			at(h.Segments.At(0).Start, codeHTML, "HTML is not used in messages.", "Write Markdown.")
		case *ast.HTMLBlock:
			if h.Lines().Len() > 0 {
				at(h.Lines().At(0).Start, codeHTML, "HTML is not used in messages.", "Write Markdown.")
			}
			return ast.WalkSkipChildren, nil
		}
		if destination, isLink := linkOf(node, masked); isLink && !safeLink(destination) {
			found := strings.Index(string(masked[from:]), destination)
			if found >= 0 {
				from += found
			}
			shown := src[from:min(from+len(destination), len(src))]
			at(from, codeLink, fmt.Sprintf("The link %q leads nowhere.", clip(shown)), "Begin it with https://, mailto: or {{ links.NAME }}.")
		}
		return ast.WalkContinue, nil
	})
}

// maskLiquid replaces what is between Liquid's braces by as many bytes that Markdown takes as plain: a variable by letters, a
// link variable by an address, a tag by blanks.
func maskLiquid(src string) string {
	return liquidPattern.ReplaceAllStringFunc(src, func(t string) string {
		switch inner := strings.TrimSpace(strings.Trim(t, "{}-")); {
		case strings.HasPrefix(t, "{%"):
			return strings.Repeat(" ", len(t))
		case strings.HasPrefix(inner, "links.") && len(t) > len("https://"):
			return "https://" + strings.Repeat("x", len(t)-len("https://"))
		}
		return strings.Repeat("x", len(t))
	})
}
