package record

import (
	_ "embed"
	"fmt"
	"html/template"
	"strings"
)

//go:embed page.html
var pageSource string

//nolint:gochecknoglobals // a constant: parsed once, never written to
var page = template.Must(template.New("record").Funcs(template.FuncMap{
	"join":  joined,
	"count": func(a Attribute) string { return a.count() },
	"short": func(hash string) string { return hash[:16] },
	"marked": func(s string) template.HTML { // `code` is shown as such
		parts := strings.Split(s, "`")
		for i := range parts {
			if parts[i] = template.HTMLEscapeString(parts[i]); i%2 == 1 {
				parts[i] = "<code>" + parts[i] + "</code>"
			}
		}
		return template.HTML(strings.Join(parts, "")) //nolint:gosec // every part was escaped
	},
}).Parse(pageSource))

// HTML writes the record as a page that needs nothing from anywhere: for screens of any width, in light and dark, and for paper.
func (r *Record) HTML() (string, error) {
	var b strings.Builder
	content := struct {
		*Record

		Title, Origin string
	}{r, r.title(), r.origin()}
	if err := page.Execute(&b, content); err != nil {
		return "", fmt.Errorf("write record: %w", err)
	}
	return b.String(), nil
}
