package command

import (
	"regexp"
	"strings"

	"github.com/rapport-crm/rapport/docs"
)

// problemPage is where the page of problem codes is read on the web.
const problemPage = "https://github.com/rapport-crm/rapport/blob/main/docs/problems.md"

// section is what the page of problem codes says about one.
type section struct {
	code, title string
	text        string // Markdown
}

// group is a row of the page's table: what the codes of a hundred have in common.
type group struct{ codes, about string }

// problemSections returns the sections of the page, in its order.
func problemSections() []section {
	var all []section
	for part := range strings.SplitSeq(docs.Problems, "\n## ") {
		heading, text, _ := strings.Cut(part, "\n")
		code, title, _ := strings.Cut(heading, " ")
		if isCode(code) {
			all = append(all, section{code: code, title: title, text: strings.TrimSpace(text)})
		}
	}
	return all
}

// problemGroups returns the rows of the page's table.
func problemGroups() []group {
	var all []group
	for _, m := range regexp.MustCompile(`(?m)^\| (R\d\dxx) \| (.*) \|$`).FindAllStringSubmatch(docs.Problems, -1) {
		all = append(all, group{m[1], m[2]})
	}
	return all
}

func isCode(s string) bool {
	return len(s) == 5 && s[0] == 'R' && strings.Trim(s[1:], "0123456789") == ""
}

// paragraph is the section's first: what the problem is.
func (s section) paragraph() string {
	first, _, _ := strings.Cut(s.text, "\n\n")
	return strings.Join(strings.Fields(first), " ")
}

// link is the section's address. The fragment is made as GitHub makes it: words of lower-case letters and digits, joined by
// hyphens.
func (s section) link() string {
	heading := strings.ToLower(s.code + " " + s.title)
	return problemPage + "#" + strings.ReplaceAll(regexp.MustCompile(`[^\p{L}\p{N}_ -]`).ReplaceAllString(heading, ""), " ", "-")
}
