package dsl

import "strings"

// fontStack are the reader's own fonts: nothing is loaded before a mail can be read.
const fontStack = `-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif`

// pageStyle are the colours by day, which programs without a style sheet keep, or turn round themselves.
const pageStyle = `margin:0;padding:0;background-color:#ffffff;color:#1c1c1e`

// emailStyle is what can only be said in a style sheet: the colours by night. It has to overrule the elements' own.
const emailStyle = `:root{color-scheme:light dark;supported-color-schemes:light dark}` +
	`@media (prefers-color-scheme:dark){` +
	`.page{background-color:#1c1c1e!important;color:#f2f2f7!important}` +
	`.content a{color:#8ab4f8!important}` +
	`.content .footer,.content .footer a{border-color:#48484a!important;color:#aeaeb2!important}` +
	`.content blockquote,.content hr{border-color:#636366!important}` +
	`.content code{background-color:#2c2c2e!important}}`

// outlookStyle is for Outlook on Windows, which does not know the first names of the list of fonts and then takes Times.
const outlookStyle = `<!--[if mso]><style>body,table,td,p,a,li,h1,h2,h3,h4,h5,h6,div{font-family:'Segoe UI',Arial,sans-serif!important}</style><![endif]-->`

// inlineStyles writes its style into every element that Markdown becomes. start is the side where lines begin. The content
// must be what the converter made: there every < is that of a tag.
func inlineStyles(start string) *strings.Replacer {
	const heading = `margin:24px 0 12px;line-height:1.3;font-weight:600;font-size:`
	elements := []struct{ tag, style string }{
		{"<p>", "margin:0 0 16px"},
		{"<h1>", heading + "24px"},
		{"<h2>", heading + "20px"},
		{"<h3>", heading + "17px"},
		{"<h4>", heading + "16px"},
		{"<h5>", heading + "16px"},
		{"<h6>", heading + "16px"},
		{"<ul>", "margin:0 0 16px;padding:0 0 0 24px"},
		{"<ol", "margin:0 0 16px;padding:0 0 0 24px"},
		{"<li>", "margin:0 0 6px"},
		{"<a ", "color:#0b57d0;text-decoration:underline"},
		{"<img ", "max-width:100%;height:auto;border:0"},
		{"<blockquote>", "margin:0 0 16px;padding:0 0 0 16px;border-" + start + ":3px solid #8e8e93"},
		{"<pre>", "margin:0 0 16px;white-space:pre-wrap"},
		{"<code", "font:14px/1.5 ui-monospace,Consolas,Menlo,monospace;background-color:#f2f2f7"},
		{"<hr>", "margin:24px 0;border:0;border-top:1px solid #c7c7cc"},
	}
	pairs := make([]string, 0, 2*len(elements))
	for _, e := range elements {
		style := e.style
		if start == "right" {
			style = strings.ReplaceAll(strings.ReplaceAll(style, "0 0 0 24px", "0 24px 0 0"), "0 0 0 16px", "0 16px 0 0")
		}
		name := strings.TrimRight(e.tag, "> ")
		pairs = append(pairs, e.tag, name+` style="`+style+`"`+strings.TrimPrefix(e.tag, name))
	}
	return strings.NewReplacer(pairs...)
}
