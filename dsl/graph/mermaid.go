package graph

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Mermaid writes the graph as a Mermaid flowchart. The ids of its nodes are made of the steps' ids, so that a change of a
// definition changes the lines of the steps that changed.
func (g *Graph) Mermaid() string {
	var b strings.Builder
	fmt.Fprintf(&b, "---\ntitle: %q\n---\nflowchart TD\n", g.Name)
	if g.Description != "" {
		b.WriteString("  accDescr: " + mermaidText(g.Description) + "\n")
	}
	ids := g.mermaidIDs()
	if len(g.Facts) > 0 {
		lines := make([]string, len(g.Facts))
		for i, f := range g.Facts {
			lines[i] = f.Name + ": " + f.Text
		}
		fmt.Fprintf(&b, "  about[%s]:::about\n", mermaidLabel(lines...))
	}
	in := "" // the round whose nodes are being written
	for _, n := range g.Nodes {
		if n.Round != in {
			if in != "" {
				b.WriteString("  end\n")
			}
			if in = n.Round; in != "" {
				fmt.Fprintf(&b, "  subgraph round_%s[%s]\n", ids[n.ID], mermaidLabel(g.titleOf(in)))
			}
		}
		opening, closing := mermaidShape(n.Kind)
		fmt.Fprintf(&b, "  %s%s%s%s:::%s\n", ids[n.ID], opening, mermaidLabel(n.lines()...), closing, n.class())
	}
	for _, e := range g.Edges {
		arrow := "-->"
		if e.Never || e.Back && len(g.rounds) > 0 {
			arrow = "-.->"
		}
		if e.Label != "" {
			arrow += "|" + mermaidLabel(e.Label) + "|"
		}
		fmt.Fprintf(&b, "  %s %s %s\n", ids[e.From], arrow, ids[e.To])
	}
	if len(g.Exits) > 0 {
		b.WriteString("  subgraph always[\"At any time\"]\n")
		for i, e := range g.Exits {
			fmt.Fprintf(&b, "    when%d[%s]:::about -.-> then%d([%s]):::end_\n", i+1, mermaidLabel(upperFirst(e.When)), i+1, mermaidLabel(e.Text))
		}
		b.WriteString("  end\n")
	}
	for _, c := range palette() {
		fmt.Fprintf(&b, "  classDef %s fill:%s,stroke:%s,color:%s\n", c.class, c.light.fill, c.light.line, c.light.text)
	}
	return b.String()
}

// lines is what a node shows.
func (n *Node) lines() []string {
	head := n.Title
	if n.Step != "" && n.Title != "" {
		head += " · " + n.Step
	}
	all := slices.Concat([]string{head}, n.Text, n.Notes)
	return slices.DeleteFunc(all, func(s string) bool { return s == "" })
}

func mermaidShape(k NodeKind) (opening, closing string) {
	switch {
	case k == NodeStart || k == NodeEnd:
		return "([", "])"
	case k.Decides():
		return "{{", "}}"
	case k == NodeWait:
		return "(", ")"
	}
	return "[", "]"
}

// mermaidIDs gives every node an id that Mermaid takes: letters, digits and underscores, and no word of its own.
func (g *Graph) mermaidIDs() map[string]string {
	ids, taken := make(map[string]string, len(g.Nodes)), map[string]bool{}
	for _, n := range g.Nodes {
		prefix := "step_"
		if n.Step == "" {
			prefix = "at_"
		}
		id := prefix + strings.Map(func(r rune) rune {
			if r == '_' || r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
				return r
			}
			return '_'
		}, strings.Trim(n.ID, "$"))
		unique := id
		for i := 2; taken[unique]; i++ {
			unique = id + "_" + strconv.Itoa(i)
		}
		ids[n.ID], taken[unique] = unique, true
	}
	return ids
}

func mermaidLabel(lines ...string) string {
	escaped := make([]string, len(lines))
	for i, l := range lines {
		escaped[i] = mermaidText(l)
	}
	return `"` + strings.Join(escaped, "<br/>") + `"`
}

// mermaidText escapes a text by Mermaid's entity codes: quotes, brackets and what else Markdown, HTML or Mermaid itself would
// take for theirs. A number or a dash that begins a text would make it a list, and two dollar signs a formula, even as codes.
func mermaidText(s string) string {
	var b strings.Builder
	number, before := true, ' ' // number: only digits so far
	for i, r := range oneLine(s) {
		if r == '$' && before == '$' {
			b.WriteString("#8203;") // a blank without width
		}
		before = r
		list := number && i > 0 && (r == '.' || r == ')') || i == 0 && (r == '-' || r == '+')
		number = number && unicode.IsDigit(r)
		if list || r < unicode.MaxASCII && strings.ContainsRune("\"#&<>`*_~[]{}()|\\:;=^$@%", r) {
			fmt.Fprintf(&b, "#%d;", r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// titleOf is what stands over a round of an interview.
func (g *Graph) titleOf(id string) string {
	for _, r := range g.rounds {
		if r.id == id {
			return r.title
		}
	}
	return id
}
