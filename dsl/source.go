package dsl

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Limits of what is read at all. They are far above any definition and far below what would hurt.
const (
	maxFileBytes = 1 << 20
	maxDepth     = 40
)

// source is one YAML document and where it stands in its file. The lines of root's nodes are lines of the file.
type source struct {
	file  string
	first int      // line of the file on which text begins
	text  string   // the document's own text
	lines []string // text, by line
	root  *yaml.Node
}

// line returns a line of the file, or "" when it is not part of the document.
func (s *source) line(n int) string {
	if i := n - s.first; i >= 0 && i < len(s.lines) {
		return s.lines[i]
	}
	return ""
}

// splitDocuments cuts a file at its document markers. A marker at the start of a line is one wherever it stands (YAML 1.2,
// 9.1.2), so a syntax error in one document does not hide the others.
func splitDocuments(file, text string) []*source {
	text = strings.TrimPrefix(text, "\ufeff")
	text = strings.ReplaceAll(text, "\r\n", "\n")
	text = strings.ReplaceAll(text, "\r", "\n")
	var all []*source
	var part []string
	start := 1
	flush := func(next int) {
		if hasContent(part) { // the text ends its last line: a block scalar there means the same wherever the document stands
			text := strings.TrimRight(strings.Join(part, "\n"), "\n") + "\n"
			all = append(all, &source{file: file, first: start, text: text, lines: part})
		}
		part, start = nil, next
	}
	for i, line := range strings.Split(text, "\n") {
		rest, isStart := strings.CutPrefix(line, "---")
		switch {
		case isStart && (rest == "" || rest[0] == ' ' || rest[0] == '\t'):
			flush(i + 1)
			if content := strings.TrimSpace(rest); content == "" || content[0] == '#' {
				start = i + 2
			} else {
				part = append(part, "   "+rest) // keeps the columns
			}
		case line == "..." || strings.HasPrefix(line, "... "):
			flush(i + 2)
		default:
			part = append(part, line)
		}
	}
	flush(0)
	return all
}

func hasContent(lines []string) bool {
	for _, l := range lines {
		if l = strings.TrimSpace(l); l != "" && l[0] != '#' {
			return true
		}
	}
	return false
}

// parse fills root. The error is the YAML library's.
func (s *source) parse() error {
	loader, err := yaml.NewLoader(strings.NewReader(s.text))
	if err != nil {
		return err
	}
	var doc yaml.Node
	if err := loader.Load(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return nil
		}
		return err
	}
	if len(doc.Content) == 1 {
		s.root = doc.Content[0]
		return shift(s.root, s.first-1, 0)
	}
	return nil
}

var errTooDeep = errors.New("the document is nested too deeply")

func shift(n *yaml.Node, lines, depth int) error {
	n.Line += lines
	if depth > maxDepth {
		return errTooDeep
	}
	for _, c := range n.Content {
		if err := shift(c, lines, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// hash returns the content hash of a document: that of its node tree as JSON, with comments, quoting and layout gone. The
// order of keys counts, as the branches of a wait_for are ordered by it.
func hash(root *yaml.Node) string {
	var b strings.Builder
	canonical(&b, root)
	sum := sha256.Sum256([]byte(b.String()))
	return hex.EncodeToString(sum[:])
}

func canonical(b *strings.Builder, n *yaml.Node) {
	switch {
	case n.Kind == yaml.MappingNode:
		b.WriteByte('{')
		for i := 0; i+1 < len(n.Content); i += 2 {
			canonical(b, n.Content[i])
			b.WriteByte(':')
			canonical(b, n.Content[i+1])
			b.WriteByte(',')
		}
		b.WriteByte('}')
	case n.Kind == yaml.SequenceNode:
		b.WriteByte('[')
		for _, c := range n.Content {
			canonical(b, c)
			b.WriteByte(',')
		}
		b.WriteByte(']')
	case scalarKind(n) != scalarText:
		b.WriteString(n.Value)
	default:
		quoted, _ := json.Marshal(n.Value) //nolint:errchkjson // a string always has a JSON form
		b.Write(quoted)
	}
}

// position finds the place in the file of the rune at offset in a scalar's value: in a quoted or folded scalar the value
// is not the text. Characters of the value appear in the text in order, but for white space and escapes, so both are walked
// together.
func (s *source) position(n *yaml.Node, offset int) (line, column int) {
	c := cursor{s: s, line: n.Line, col: n.Column - 1, double: n.Style&yaml.DoubleQuotedStyle != 0, single: n.Style&yaml.SingleQuotedStyle != 0}
	switch {
	case c.double, c.single:
		c.col++
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		c.line, c.col = c.line+1, 0
	}
	for i, r := range []rune(n.Value) {
		if r == ' ' || r == '\t' || r == '\n' {
			if i == offset {
				break
			}
			continue
		}
		if !c.seek(r) {
			return n.Line, n.Column
		}
		if i >= offset {
			return c.line, c.col + 1
		}
		c.col += c.width
	}
	return c.line, c.col + 1
}

// cursor walks the text of a scalar.
type cursor struct {
	s              *source
	line, col      int    // col from 0, in runes
	text           []rune // of line textOf
	textOf         int
	width          int // runes that the found character takes in the text
	double, single bool
}

// seek moves to the next place that stands for r.
func (c *cursor) seek(r rune) bool {
	for c.line < c.s.first+len(c.s.lines) {
		if c.textOf != c.line {
			c.text, c.textOf = []rune(c.s.line(c.line)), c.line
		}
		for ; c.col < len(c.text); c.col++ {
			if c.width = c.stands(c.text[c.col:], r); c.width > 0 {
				return true
			}
		}
		c.line, c.col = c.line+1, 0
	}
	return false
}

// stands returns how many runes at the start of text stand for r, or 0.
func (c *cursor) stands(text []rune, r rune) int {
	if c.double && text[0] == '\\' && len(text) > 1 {
		switch text[1] {
		case '"', '\\', '/':
			if text[1] == r {
				return 2
			}
		case 'x', 'u', 'U':
			return 2
		}
		c.col++ // the escape stands for white space
		return 0
	}
	if text[0] != r {
		return 0
	}
	if c.single && r == '\'' {
		return 2
	}
	return 1
}
