package dsl

import (
	"html"
	"regexp"
	"strings"

	"github.com/k3a/html2text"
)

var (
	blankLines = regexp.MustCompile(`\n{3,}`)
	linkInText = regexp.MustCompile(`(\S+) <(?:mailto:)?([^<>\s]+)>`)
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
	b.WriteString(previewHTML(r.Preview))
	b.WriteString(`<table role="presentation" width="100%" cellpadding="0" cellspacing="0"><tr><td align="center" style="padding:24px 16px">` +
		`<div class="content" style="max-width:600px;text-align:start;font:16px/1.55 -apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif">` +
		content)
	b.WriteString(footerHTML(f))
	b.WriteString(`</div></td></tr></table></body></html>`)
	return b.String()
}

// previewHTML is what mail programs show after the subject. The spaces keep them from filling it up with the body.
func previewHTML(preview string) string {
	if preview == "" {
		return ""
	}
	return `<div class="preview" style="display:none;max-height:0;overflow:hidden">` + html.EscapeString(preview) + strings.Repeat("&#847; ", 60) + `</div>`
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
	// A line break behind a tag is layout of the source; html2text would make a blank of it.
	text := html2text.HTML2TextWithOptions(strings.ReplaceAll(content, ">\n", ">"),
		html2text.WithUnixLineBreaks(), html2text.WithListSupport(), html2text.WithLinksInnerText())
	lines := strings.Split(sayOnce(text), "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	text = strings.TrimSpace(blankLines.ReplaceAllString(strings.Join(lines, "\n"), "\n\n"))
	if f == nil {
		return text + "\n"
	}
	parts := []string{text, "", "-- "}
	if f.Address != "" {
		parts = append(parts, f.Address)
	}
	if f.Unsubscribe != "" {
		parts = append(parts, "Unsubscribe: "+f.Unsubscribe)
	}
	if f.Preferences != "" {
		parts = append(parts, "Preferences: "+f.Preferences)
	}
	return strings.Join(parts, "\n") + "\n"
}

// sayOnce shortens "https://a.example <https://a.example>": the words of a link that are its address.
func sayOnce(text string) string {
	return linkInText.ReplaceAllStringFunc(text, func(m string) string {
		words, address, _ := strings.Cut(m, " <")
		if address = strings.TrimPrefix(strings.TrimSuffix(address, ">"), "mailto:"); words == address {
			return words
		}
		return m
	})
}
