package dsl

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/rapport-crm/rapport/crm"
)

// SyntaxError says that a text is not a definitions file. Its problems have no file name.
type SyntaxError struct {
	Problems []crm.Problem // at least one
}

// Error returns the first problem with its line and column.
func (e *SyntaxError) Error() string {
	p := e.Problems[0]
	return fmt.Sprintf("line %d, column %d: %s %s", p.Line, p.Column, p.Code, p.Message)
}

// Format returns a definitions file in its one layout: indented by two spaces, lists one step inside their key, one space
// after colons and commas, `---` between documents, at most one empty line in a row, conditions in single quotes where the
// language asks for them, a newline at the end of every line. Comments, the order of keys, the choice between {a: b} and
// lines, line breaks and the content of block texts stay as they are.
//
// The content of every document stays the same, and with it its hash. The one exception is a condition that YAML cannot
// read as it was meant (R0002): it gets the quotes that it lacks. A document that uses YAML's rarer syntax (anchors, tags,
// keys after a question mark) is left as it is. If a document is not YAML, the error is a *SyntaxError and the text comes
// back unchanged.
func Format(text []byte) ([]byte, error) {
	if p := unreadable(text); p != nil {
		return text, &SyntaxError{Problems: []crm.Problem{*p}}
	}
	var docs []string
	var problems []crm.Problem
	for _, p := range splitParts(string(text)) {
		formatted, problem := p.format()
		if problem != nil {
			problems = append(problems, *problem)
		}
		if formatted != "" {
			docs = append(docs, formatted)
		}
	}
	if problems != nil {
		return text, &SyntaxError{Problems: problems}
	}
	return []byte(strings.Join(docs, "---\n")), nil
}

// unreadable says why a file is not read at all, or nil.
func unreadable(text []byte) *crm.Problem {
	p := &crm.Problem{Line: 1, Column: 1, Code: codeFile, Severity: crm.SeverityError}
	switch {
	case len(text) > maxFileBytes:
		p.Message, p.Fix = "This file is larger than one megabyte.", "Split it."
	case !utf8.Valid(text):
		p.Message, p.Fix = "This file is not text in UTF-8.", "Save it as UTF-8."
	default:
		return nil
	}
	return p
}

// piece is what stands between two document markers, with every comment.
type piece struct {
	first   int // line of the file on which lines begin
	lines   []string
	content bool // more than comments
}

// add takes a line. A byte order mark at the start of a document says nothing.
func (p *piece) add(line string) {
	if !p.content {
		line = strings.TrimLeft(line, "\ufeff")
		p.content = hasContent([]string{line})
	}
	p.lines = append(p.lines, line)
}

// splitParts cuts a file where splitDocuments does, but loses nothing. Comments without a document stand at the start of the
// next document, or at the end of the last.
func splitParts(text string) []*piece {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	text = strings.ReplaceAll(text, "\r", "\n")
	text = strings.TrimSuffix(text, "\n")
	parts := []*piece{{first: 1}}
	for i, line := range strings.Split(text, "\n") {
		last := parts[len(parts)-1]
		rest, isStart := strings.CutPrefix(line, "---")
		end, isEnd := strings.CutPrefix(line, "...")
		switch {
		case isStart && (rest == "" || rest[0] == ' ' || rest[0] == '\t'):
			if rest = strings.TrimRight(rest, " \t"); rest != "" && strings.TrimSpace(rest)[0] != '#' {
				rest = "   " + rest // keeps the columns
			}
			parts = next(parts, i+1, strings.TrimLeft(rest, "\t"))
		case isEnd && (end == "" || end[0] == ' '):
			if end = strings.TrimSpace(end); strings.HasPrefix(end, "#") {
				last.add(end)
			}
			parts = next(parts, i+1, "")
		default:
			last.add(line)
		}
	}
	if n := len(parts) - 1; n > 0 && !parts[n].content {
		parts[n-1].lines = append(parts[n-1].lines, parts[n].lines...)
		parts = parts[:n]
	}
	return parts
}

// next begins a part, or goes on with the last one while that holds no document.
func next(parts []*piece, line int, text string) []*piece {
	last := parts[len(parts)-1]
	if last.content {
		last = &piece{first: line}
		parts = append(parts, last)
	}
	last.add(text)
	return parts
}

// format returns the part in its layout, with a newline at its end.
func (p *piece) format() (string, *crm.Problem) {
	if !p.content {
		printer := printer{src: p.source(p.lines).text}
		return printer.document(nil), nil
	}
	src, err := p.parse()
	if err != nil {
		r := &docReader{src: src}
		r.syntaxProblem(err)
		return "", &r.problems[0]
	}
	printer := printer{src: src.text}
	formatted := printer.document(src.root)
	if printer.failed || !sameContent(src, formatted) {
		return strings.TrimLeft(src.text, "\n"), nil
	}
	return formatted, nil
}

// parse reads the part, after giving conditions the quotes without which YAML misreads them. The error is about the part as
// it was written.
func (p *piece) parse() (*source, error) {
	src := p.source(p.lines)
	err := src.parse()
	if quoted := quoteConditions(src, err); quoted != nil {
		return quoted, nil
	}
	return src, err
}

func (p *piece) source(lines []string) *source {
	return &source{first: p.first, text: strings.Join(lines, "\n") + "\n", lines: lines}
}

// sameContent tells whether a text still says what a document says. The printer should never change that; a formatter that
// is wrong about a definition must not be believed.
func sameContent(was *source, formatted string) bool {
	is := &source{first: 1, text: formatted}
	if is.parse() != nil || is.root == nil || was.root == nil {
		return false
	}
	return hash(is.root) == hash(was.root)
}
