package dsl

import (
	"strings"

	"go.yaml.in/yaml/v4"
)

// skip reads white space and comments up to the next token.
func (p *printer) skip() {
	gap := 0
	for p.pos < len(p.src) {
		switch p.src[p.pos] {
		case ' ', '\t':
			gap++
		case '\n':
			p.breaks, gap, p.lineStart = p.breaks+1, 0, p.pos+1
		case '#':
			end := p.lineEnd(p.pos)
			p.comments = append(p.comments, comment{
				text: strings.TrimRight(p.src[p.pos:end], " \t"), breaks: p.breaks, gap: max(gap, 1), column: p.pos - p.lineStart,
			})
			p.pos, p.breaks = end, 0
			continue
		default:
			return
		}
		p.pos++
	}
}

// lineEnd returns the offset of the line's end.
func (p *printer) lineEnd(from int) int {
	if i := strings.IndexByte(p.src[from:], '\n'); i >= 0 {
		return from + i
	}
	return len(p.src)
}

// put writes the token at pos, which takes size bytes of the text, after the comments before it. If it begins a line, that is
// indented by indent.
func (p *printer) put(token string, size, indent int) {
	commentIndent := p.inner(indent)
	p.flushComments(commentIndent, p.pos-p.lineStart)
	switch {
	case p.breaks > 0 && p.out.Len() > 0:
		p.newLine(p.breaks, indent)
		p.lineIndent = indent
	case p.last != "" && !closeTo(p.last, "{[") && !closeTo(token, "}],:"):
		p.out.WriteByte(' ')
	}
	p.out.WriteString(token)
	p.last, p.breaks, p.closed = token, 0, p.closed[:0]
	p.pos += size
}

// closeTo tells whether a token is one of the marks that have no space on one side.
func closeTo(token, marks string) bool { return len(token) == 1 && strings.Contains(marks, token) }

// newLine begins a line; an empty one stays before it, if there was one.
func (p *printer) newLine(breaks, indent int) {
	p.out.WriteString(strings.Repeat("\n", min(breaks, 2)) + strings.Repeat(" ", indent))
}

// flushComments writes the comments before a token that was at column and goes to indent. A comment that stood deeper than
// what follows belongs to a block that has ended, and moves with that.
func (p *printer) flushComments(indent, column int) {
	for _, c := range p.comments {
		switch {
		case p.out.Len() == 0:
		case c.breaks == 0:
			p.out.WriteString(strings.Repeat(" ", c.gap))
		default:
			to, best := indent, column
			for _, l := range p.closed {
				if len(p.open) == 0 && l.column > best && l.column <= c.column {
					to, best = l.indent, l.column
				}
			}
			p.newLine(c.breaks, to)
		}
		p.out.WriteString(c.text)
	}
	p.comments = p.comments[:0]
}

// blockText writes a text behind | or >: its lines are moved as one.
func (p *printer) blockText(n *yaml.Node, indent int) {
	end := p.lineEnd(p.pos)
	header := strings.TrimRight(p.src[p.pos:end], " \t")
	p.put(header, end-p.pos, indent)
	indicators, _, _ := strings.Cut(header, " ")
	if i := strings.IndexAny(indicators, "123456789"); i >= 0 {
		indent += int(indicators[i]-'0') - 2
	}
	lines, was := p.blockLines(n, strings.Contains(indicators, "+"))
	for _, l := range lines {
		p.out.WriteByte('\n')
		if len(l) > was {
			p.out.WriteString(strings.Repeat(" ", indent) + l[was:])
		}
		p.pos += len(l) + 1
	}
	p.lineStart = strings.LastIndexByte(p.src[:p.pos], '\n') + 1
}

// blockLines returns the lines of a block text and how far they are indented. Empty lines at its end are part of it only
// when they are kept.
func (p *printer) blockLines(n *yaml.Node, keep bool) (lines []string, indent int) {
	indent, last := -1, 0 // the first line that is not empty tells how far
	for at := p.pos; at < len(p.src)-1; {
		end := p.lineEnd(at + 1)
		l := p.src[at+1 : end]
		at = end
		content := strings.TrimLeft(l, " ")
		if content == "" && (indent < 0 || len(l) <= indent) {
			lines = append(lines, l)
			continue
		}
		if indent < 0 && strings.Trim(n.Value, " \n") != "" {
			indent = len(l) - len(content) - leading(n.Value)
		}
		if indent < 0 || len(l)-len(content) < indent {
			break
		}
		lines = append(lines, l)
		last = len(lines)
	}
	if !keep {
		lines = lines[:last]
	}
	return lines, max(indent, 0)
}

// leading counts the spaces before the first line of a text that is not empty.
func leading(text string) int {
	for line := range strings.Lines(text) {
		if content := strings.TrimLeft(line, " "); strings.Trim(content, "\n") != "" {
			return len(line) - len(content)
		}
	}
	return 0
}
