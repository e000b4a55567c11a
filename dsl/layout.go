package dsl

import (
	"html"
	"regexp"
	"strings"

	"github.com/k3a/html2text"

	"github.com/rapport-crm/rapport/dsl/phrases"
)

var (
	blankLines = regexp.MustCompile(`\n{3,}`)
	linkInText = regexp.MustCompile(`(\S+) <(?:mailto:)?([^<>\s]+)>`)
)

// emailPage puts rendered Markdown into a page that mail programs show alike: one column that fits a phone, the reader's own
// fonts, colours that stay readable in the dark, and the preview text before everything else. What a program needs stands at
// the elements themselves, since some drop the style sheet; Outlook, which knows no max-width, gets a table of its own.
func emailPage(r *Rendered, content, locale string, f *Footer) string {
	lang, dir, start := "en", "auto", "left"
	if locale != "" {
		lang, dir = html.EscapeString(locale), phrases.Direction(locale)
	}
	if dir == "rtl" {
		start = "right"
	}
	language := ` lang="` + lang + `" dir="` + dir + `"`
	var b strings.Builder
	b.WriteString(`<!doctype html><html` + language + `><head><meta charset="utf-8">` +
		`<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="x-apple-disable-message-reformatting">` +
		`<meta name="color-scheme" content="light dark"><meta name="supported-color-schemes" content="light dark">` +
		`<title>` + html.EscapeString(r.Subject) + `</title><style>` + emailStyle + `</style>` + outlookStyle + `</head>` +
		`<body class="page" style="` + pageStyle + `">`)
	b.WriteString(previewHTML(r.Preview))
	// Web mail keeps of the page only what is inside the body, so language and colours are said once more.
	b.WriteString(`<div class="page" role="article" aria-roledescription="email"` + language + ` style="` + pageStyle + `">` +
		`<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0"><tr><td align="center" style="padding:24px 16px">` +
		`<!--[if mso]><table role="presentation" width="600" cellpadding="0" cellspacing="0" border="0"><tr><td><![endif]-->` +
		`<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style="max-width:600px">` +
		`<tr><td class="content" align="` + start + `" style="text-align:start;font:16px/1.55 ` + fontStack + `;overflow-wrap:anywhere;word-break:break-word">`)
	b.WriteString(inlineStyles(start).Replace(content))
	b.WriteString(footerHTML(f, locale))
	b.WriteString(`</td></tr></table><!--[if mso]></td></tr></table><![endif]--></td></tr></table></div></body></html>`)
	return b.String()
}

// previewHTML is what mail programs show after the subject. The spaces keep them from filling it up with the body.
func previewHTML(preview string) string {
	if preview == "" {
		return ""
	}
	return `<div class="preview" style="display:none;max-height:0;overflow:hidden;opacity:0;font-size:1px;line-height:1px;mso-hide:all">` +
		html.EscapeString(preview) + strings.Repeat("&#847; ", 60) + `</div>`
}

func footerHTML(f *Footer, locale string) string {
	if f == nil {
		return ""
	}
	say := footerWords(locale)
	parts := make([]string, 0, 2)
	if f.Address != "" {
		// An address is written in its own direction, whatever the message is written in.
		parts = append(parts, `<span dir="auto" style="unicode-bidi:isolate">`+html.EscapeString(f.Address)+`</span>`)
	}
	var links []string
	for _, l := range []struct{ link, words string }{{f.Unsubscribe, say.unsubscribe}, {f.Preferences, say.preferences}} {
		if safeLink(l.link) {
			links = append(links, `<a href="`+html.EscapeString(l.link)+`" style="color:inherit;text-decoration:underline">`+html.EscapeString(l.words)+`</a>`)
		}
	}
	if len(links) > 0 {
		parts = append(parts, strings.Join(links, " &nbsp;&middot;&nbsp; "))
	}
	return `<div class="footer" style="margin-top:32px;padding-top:16px;border-top:1px solid #c7c7cc;font-size:13px;line-height:1.7;color:#5a5a5f">` +
		strings.Join(parts, "<br>") + `</div>`
}

// emailText is the text part: what the page says, with links written out.
func emailText(content, locale string, f *Footer) string {
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
	say := footerWords(locale)
	parts := []string{text, "", "-- "}
	if f.Address != "" {
		parts = append(parts, f.Address)
	}
	if f.Unsubscribe != "" {
		parts = append(parts, say.unsubscribe+": "+f.Unsubscribe)
	}
	if f.Preferences != "" {
		parts = append(parts, say.preferences+": "+f.Preferences)
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

// footerLinks are the words of the footer's links.
type footerLinks struct{ unsubscribe, preferences string }

// footerWords are in the language of the message, where Rapport knows it.
func footerWords(locale string) footerLinks {
	language, _, _ := strings.Cut(locale, "-")
	switch language {
	case "cy":
		return footerLinks{"Dad-danysgrifio", "Dewisiadau"}
	case "de":
		return footerLinks{"Abmelden", "Einstellungen"}
	case "es":
		return footerLinks{"Darse de baja", "Preferencias"}
	case "fr":
		return footerLinks{"Se désabonner", "Préférences"}
	case "it":
		return footerLinks{"Annulla l'iscrizione", "Le tue scelte"}
	case "nl":
		return footerLinks{"Uitschrijven", "Voorkeuren"}
	case "pl":
		return footerLinks{"Wypisz się", "Preferencje"}
	case "pt":
		return footerLinks{"Cancelar a subscrição", "Preferências"}
	}
	return footerLinks{"Unsubscribe", "Preferences"}
}
