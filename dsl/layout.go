package dsl

import (
	"html"
	"strings"

	"github.com/k3a/html2text"
)

// emailPage puts rendered Markdown into a page that mail programs show alike: one column that fits a phone, the reader's own
// fonts, colours that stay readable in the dark, and the preview text before everything else.
func emailPage(r *Rendered, content, locale string, f *Footer) string {
	if locale == "" {
		locale = "en"
	}
	var b strings.Builder
	b.WriteString(`<!doctype html><html lang="` + html.EscapeString(locale) + `" dir="auto"><head><meta charset="utf-8">` +
		`<meta name="viewport" content="width=device-width,initial-scale=1">` +
		`<meta name="color-scheme" content="light dark"><meta name="supported-color-schemes" content="light dark">` +
		`<title>` + html.EscapeString(r.Subject) + `</title><style>` + emailStyle + `</style></head><body class="page">`)
	if r.Preview != "" {
		// The spaces keep mail programs from filling the preview up with the body.
		b.WriteString(`<div class="preview" style="display:none;max-height:0;overflow:hidden">` + html.EscapeString(r.Preview) +
			strings.Repeat("&#847; ", 60) + `</div>`)
	}
	b.WriteString(`<table role="presentation" width="100%" cellpadding="0" cellspacing="0"><tr><td align="center" style="padding:24px 16px">` +
		`<div class="content" style="max-width:600px;text-align:start;font:16px/1.55 -apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif">` +
		content)
	b.WriteString(footerHTML(f))
	b.WriteString(`</div></td></tr></table></body></html>`)
	return b.String()
}

const emailStyle = `:root{color-scheme:light dark;supported-color-schemes:light dark}` +
	`.page{margin:0;background:#ffffff;color:#1c1c1e}a{color:#0b57d0}img{max-width:100%;height:auto}` +
	`blockquote{margin:0;padding-inline-start:16px;border-inline-start:3px solid #8e8e93}` +
	`.footer{margin-top:32px;padding-top:16px;border-top:1px solid #c7c7cc;font-size:13px;color:#5a5a5f}` +
	`@media (prefers-color-scheme:dark){.page{background:#1c1c1e;color:#f2f2f7}a{color:#8ab4f8}.footer{border-color:#48484a;color:#aeaeb2}}`

func footerHTML(f *Footer) string {
	if f == nil {
		return ""
	}
	parts := make([]string, 0, 3)
	if f.Address != "" {
		parts = append(parts, html.EscapeString(f.Address))
	}
	for _, l := range []struct{ link, words string }{{f.Unsubscribe, "Unsubscribe"}, {f.Preferences, "Preferences"}} {
		if safeLink(l.link) {
			parts = append(parts, `<a href="`+html.EscapeString(l.link)+`">`+l.words+`</a>`)
		}
	}
	return `<div class="footer">` + strings.Join(parts, "<br>") + `</div>`
}

// emailText is the text part: what the page says, with links written out.
func emailText(content string, f *Footer) string {
	text := strings.TrimSpace(html2text.HTML2TextWithOptions(content, html2text.WithUnixLineBreaks(), html2text.WithListSupport(), html2text.WithLinksInnerText()))
	if f == nil {
		return text + "\n"
	}
	lines := []string{text, "", "-- "}
	if f.Address != "" {
		lines = append(lines, f.Address)
	}
	if f.Unsubscribe != "" {
		lines = append(lines, "Unsubscribe: "+f.Unsubscribe)
	}
	if f.Preferences != "" {
		lines = append(lines, "Preferences: "+f.Preferences)
	}
	return strings.Join(lines, "\n") + "\n"
}
