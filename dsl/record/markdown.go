package record

import (
	"fmt"
	"strings"
)

// Markdown writes the record as a page of GitHub Flavored Markdown.
func (r *Record) Markdown() string {
	var b strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	p("# Record of processing activities\n")
	p("%s. GDPR Art. 30(1). Made on %s of %d documents (`%s`); %s.\n", cell(r.title()), r.MadeOn, r.Definitions, r.Hash[:16], r.origin())
	if len(r.Missing) > 0 {
		p("## What is missing\n")
		table(&b, []string{"what", "article", "add"}, len(r.Missing), func(i int) []string {
			m := r.Missing[i]
			return []string{cell(m.What), m.Article, m.Add}
		})
	}
	p("## Controller\n")
	rows := r.Controller.Rows()
	table(&b, []string{"", ""}, len(rows), func(i int) []string { return []string{rows[i][0], orMissing(cell(rows[i][1]))} })
	p("## Purposes\n")
	table(&b, []string{"purpose", "basis", "what candidates read", "expires"}, len(r.Purposes), func(i int) []string {
		x := r.Purposes[i]
		return []string{cell(x.Name), cell(x.Basis), cell(x.Wording), x.Expires}
	})
	p("## Processing activities\n")
	for i := range r.Activities {
		r.Activities[i].markdown(&b)
	}
	r.markdownData(&b)
	r.markdownEnd(&b)
	return b.String()
}

func (a *Activity) markdown(b *strings.Builder) {
	fmt.Fprintf(b, "### %s %s\n\n", a.Kind, cell(a.Name))
	if a.Description != "" {
		fmt.Fprintf(b, "%s\n\n", cell(a.Description))
	}
	rows := a.Rows()
	table(b, []string{"", ""}, len(rows), func(i int) []string { return []string{rows[i][0], cell(rows[i][1])} })
}

// markdownData writes what is stored, and the attributes.
func (r *Record) markdownData(b *strings.Builder) {
	b.WriteString("## What is stored\n\n")
	table(b, []string{"whose", "category", "what", "for", "from"}, len(r.Stored), func(i int) []string {
		x := r.Stored[i]
		return []string{x.Subject, string(x.Category), cell(x.What), cell(x.For), cell(x.From)}
	})
	b.WriteString("## Declared attributes\n\n")
	table(b, []string{"attribute", "category", "purpose", "note", "used by"}, len(r.Fields), func(i int) []string {
		x := r.Fields[i]
		return []string{cell(x.Name), string(x.Category), cell(x.Purpose), cell(x.Note), cell(joined(x.UsedBy))}
	})
	b.WriteString("## Attributes that are not declared\n\n")
	table(b, []string{"attribute", "candidates", "used by"}, len(r.Undeclared), func(i int) []string {
		x := r.Undeclared[i]
		return []string{cell(x.Name), x.count(), cell(joined(x.UsedBy))}
	})
}

// markdownEnd writes who gets data, how long they are kept and what protects them.
func (r *Record) markdownEnd(b *strings.Builder) {
	b.WriteString("## Recipients\n\n")
	table(b, []string{"recipient", "name", "for", "country", "used by"}, len(r.Recipients), func(i int) []string {
		x := r.Recipients[i]
		return []string{cell(x.ID), orMissing(cell(x.Name)), cell(x.For), orMissing(x.Country), cell(joined(x.UsedBy))}
	})
	b.WriteString("## Transfers to third countries\n\n")
	table(b, []string{"recipient", "country", "safeguard"}, len(r.Transfers), func(i int) []string {
		x := r.Transfers[i]
		return []string{cell(x.Recipient), x.Country, orMissing(cell(x.Safeguard))}
	})
	b.WriteString("## Time limits\n\n")
	table(b, []string{"policy", "applies to", "kept", "after", "then", "notice", "basis"}, len(r.Limits), func(i int) []string {
		x := r.Limits[i]
		return []string{cell(x.Policy), code(x.Applies), x.Keep, code(x.After), x.Then, cell(x.Notice), cell(x.Basis)}
	})
	b.WriteString("## Security\n\n")
	for _, m := range r.Measures {
		fmt.Fprintf(b, "- %s\n", cell(m))
	}
}

// table writes a table, or that there is nothing.
func table(b *strings.Builder, head []string, n int, row func(i int) []string) {
	if n == 0 {
		b.WriteString("None.\n\n")
		return
	}
	fmt.Fprintf(b, "| %s |\n|%s\n", strings.Join(head, " | "), strings.Repeat(" --- |", len(head)))
	for i := range n {
		fmt.Fprintf(b, "| %s |\n", strings.Join(row(i), " | "))
	}
	b.WriteString("\n")
}

// cell writes a text so that Markdown shows it as it is, on one line.
func cell(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	return strings.NewReplacer(`\`, `\\`, "|", `\|`, "<", `\<`, "*", `\*`, "_", `\_`, "`", "\\`", "[", `\[`, "]", `\]`).Replace(s)
}

// code writes a condition. In a table a pipe is escaped even in code.
func code(s string) string {
	if s == "" {
		return ""
	}
	fence := "`"
	for strings.Contains(s, fence) {
		fence += "`"
	}
	return fence + strings.ReplaceAll(strings.Join(strings.Fields(s), " "), "|", `\|`) + fence
}

func orMissing(s string) string {
	if s == "" {
		return "**missing**"
	}
	return s
}
