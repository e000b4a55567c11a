package dsl

import (
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// printer writes a document in its layout. It walks the nodes and the text side by side: the nodes say what comes next, the
// text says how the author wrote it, and what stands between two nodes is comments and line breaks.
type printer struct {
	src       string
	pos       int
	lineStart int // offset of the line of pos

	out        strings.Builder
	last       string // the token before, to know whether a space goes behind it
	lineIndent int    // of the line being written, behind its dashes

	breaks   int       // line breaks since the last token or comment
	comments []comment // since the last token
	closed   []level   // block collections that ended since the last token
	open     []int     // flow collections: indentation of the line on which each began

	failed bool // the document has syntax that is left alone
}

// comment is a comment as it stands in the text.
type comment struct {
	text   string
	breaks int // line breaks before it; 0: it stands behind something
	gap    int // columns between it and what it stands behind
	column int // from 0
}

// level is a block collection: where its entries were and where they go.
type level struct{ column, indent int }

// document returns the text of a document, with a newline at its end, or "" when there is nothing. A nil root is a
// document of comments.
func (p *printer) document(root *yaml.Node) string {
	switch {
	case root == nil:
	case root.Kind == yaml.ScalarNode:
		p.failed = true
	default:
		p.value(root, 0)
	}
	p.skip()
	if p.failed = p.failed || p.pos < len(p.src); p.failed {
		return ""
	}
	p.flushComments(0, -1)
	if p.out.Len() == 0 {
		return ""
	}
	return p.out.String() + "\n"
}

// value writes a node whose lines, where it begins some, go to indent.
func (p *printer) value(n *yaml.Node, indent int) {
	flow := len(p.open) > 0 || n.Style&yaml.FlowStyle != 0
	switch {
	case p.failed:
	case n.Kind == yaml.AliasNode, n.Anchor != "", n.Style&yaml.TaggedStyle != 0:
		p.failed = true
	case n.Kind == yaml.ScalarNode:
		p.scalar(n, indent, func(raw string) string { return raw })
	case flow:
		p.flow(n, indent)
	case n.Kind == yaml.MappingNode:
		p.blockMapping(n, indent)
	default:
		p.blockSequence(n, indent)
	}
}

func (p *printer) blockMapping(n *yaml.Node, indent int) {
	p.skip()
	here := level{p.pos - p.lineStart, indent}
	for i := 0; i+1 < len(n.Content) && !p.failed; i += 2 {
		p.pair(n.Content[i], n.Content[i+1], indent, false)
	}
	p.closed = append(p.closed, here)
}

// pair writes a key and its value.
func (p *printer) pair(key, value *yaml.Node, indent int, flow bool) {
	p.skip()
	if p.at("?") && strings.ContainsAny(p.src[p.pos+1:min(p.pos+2, len(p.src))], " \t\n") || key.Kind != yaml.ScalarNode {
		p.failed = true
		return
	}
	p.value(key, indent)
	if p.skip(); !flow {
		p.lineIndent = indent
	}
	if !p.at(":") {
		p.failed = p.failed || !flow
		return
	}
	p.put(":", 1, indent)
	if value.Kind == yaml.ScalarNode && isCondition(key.Value) && value.Anchor == "" && value.Style&yaml.TaggedStyle == 0 {
		p.scalar(value, indent+2, func(raw string) string { return quotedCondition(value, raw, flow) })
		return
	}
	p.value(value, indent+2)
}

func (p *printer) blockSequence(n *yaml.Node, indent int) {
	p.skip()
	here := level{p.pos - p.lineStart, indent}
	for _, item := range n.Content {
		if p.skip(); p.failed || !p.at("-") {
			p.failed = true
			return
		}
		p.put("-", 1, indent)
		p.lineIndent = indent + 2
		if p.skip(); len(p.comments) == 0 && (item.Kind != yaml.ScalarNode || item.Value != "") {
			p.breaks = 0 // an entry begins behind its dash
		}
		p.value(item, indent+2)
	}
	p.closed = append(p.closed, here)
}

// flow writes a collection in brackets, or the lone pair in [a: b].
func (p *printer) flow(n *yaml.Node, indent int) {
	open, shut := "{", "}"
	if n.Kind == yaml.SequenceNode {
		open, shut = "[", "]"
	}
	p.skip()
	bracket := p.at(open)
	if bracket {
		p.put(open, 1, p.inner(indent))
		p.open = append(p.open, p.lineIndent)
	}
	step := 1
	if n.Kind == yaml.MappingNode {
		step = 2
	}
	for i := 0; i+step <= len(n.Content) && !p.failed; i += step {
		if step == 2 {
			p.pair(n.Content[i], n.Content[i+1], p.inner(indent), true)
		} else {
			p.value(n.Content[i], p.inner(indent))
		}
		if p.skip(); bracket && p.at(",") {
			p.put(",", 1, p.inner(indent))
		}
	}
	if !bracket {
		return
	}
	if p.skip(); p.failed || !p.at(shut) {
		p.failed = true
		return
	}
	p.put(shut, 1, p.open[len(p.open)-1])
	p.open = p.open[:len(p.open)-1]
}

// inner is where a line goes that begins here: inside the innermost bracket, else where the block says.
func (p *printer) inner(indent int) int {
	if len(p.open) > 0 {
		return p.open[len(p.open)-1] + 2
	}
	return indent
}

// scalar writes a scalar. edit may change how it is written.
func (p *printer) scalar(n *yaml.Node, indent int, edit func(raw string) string) {
	p.skip()
	if n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		p.blockText(n, indent)
		return
	}
	end := p.scalarEnd(n)
	if p.failed || end == p.pos {
		return
	}
	lines := strings.Split(edit(p.src[p.pos:end]), "\n")
	for i := range lines {
		if i > 0 {
			lines[i] = strings.TrimLeft(lines[i], " \t")
		}
		if i < len(lines)-1 {
			lines[i] = strings.TrimRight(lines[i], " \t")
		}
	}
	p.put(lines[0], end-p.pos, p.inner(indent))
	if len(p.open) > 0 {
		indent = p.lineIndent + 2
	}
	for _, l := range lines[1:] {
		p.out.WriteByte('\n')
		if l != "" {
			p.out.WriteString(strings.Repeat(" ", indent) + l)
		}
	}
	p.lineStart = strings.LastIndexByte(p.src[:p.pos], '\n') + 1
}

// scalarEnd returns the offset behind the scalar at pos.
func (p *printer) scalarEnd(n *yaml.Node) int {
	rest := p.src[p.pos:]
	quote, escape := byte('"'), byte('\\')
	switch {
	case n.Style&yaml.DoubleQuotedStyle != 0:
	case n.Style&yaml.SingleQuotedStyle != 0:
		quote, escape = '\'', '\''
	default:
		return p.plainEnd(n.Value)
	}
	for i := 1; i < len(rest); i++ {
		switch {
		case rest[i] == escape && (escape != quote || strings.HasPrefix(rest[i:], "''")):
			i++
		case rest[i] == quote:
			return p.pos + i + 1
		}
	}
	p.failed = true
	return p.pos
}

// plainEnd returns the offset behind a scalar without quotes: but for white space, the text is the value.
func (p *printer) plainEnd(value string) int {
	at := p.pos
	for _, r := range value {
		if isBlank(r) {
			continue
		}
		for at < len(p.src) && isBlank(rune(p.src[at])) {
			at++
		}
		got, size := utf8.DecodeRuneInString(p.src[at:])
		if p.failed = p.failed || got != r; p.failed {
			return p.pos
		}
		at += size
	}
	return at
}

func isBlank(r rune) bool { return r == ' ' || r == '\t' || r == '\n' }

// at tells whether the text goes on with s.
func (p *printer) at(s string) bool { return strings.HasPrefix(p.src[p.pos:], s) }
