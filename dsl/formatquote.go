package dsl

import (
	"slices"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v4"
)

// isCondition tells whether a key's value is a condition.
func isCondition(key string) bool { return key == "applies_to" || isExpressionKey(key) }

// maxQuotes is how often a document is read again after a condition got the quotes that it lacks.
const maxQuotes = 100

// spot is a position in a file, from 1, the column in characters.
type spot struct{ line, column int }

// quoteConditions returns the document with quotes around the conditions that YAML does not read as one text, or nil when it
// has none of these or is broken in another way as well. The error is what parsing the document said.
func quoteConditions(src *source, err error) *source {
	quoted := false
	for range maxQuotes {
		var places []spot
		if err == nil {
			places = misread(src.root, nil)
		} else {
			r := &docReader{src: src}
			r.syntaxProblem(err)
			if p := r.problems[0]; p.Code == codeQuote {
				places = []spot{{p.Line, p.Column}}
			}
		}
		if places == nil {
			break
		}
		lines := slices.Clone(src.lines)
		for _, at := range slices.Backward(places) { // so that the columns before stay right
			line, ok := quoteAt(lines[at.line-src.first], at.column)
			if !ok {
				return nil
			}
			lines[at.line-src.first] = line
		}
		src = &source{file: src.file, first: src.first, text: strings.Join(lines, "\n") + "\n", lines: lines}
		err, quoted = src.parse(), true
	}
	if err != nil || !quoted {
		return nil
	}
	return src
}

// misread finds the conditions that YAML reads as something else than one text: cut by a comma, or as a tag.
func misread(n *yaml.Node, found []spot) []spot {
	if n == nil {
		return found
	}
	for i, c := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 1 && isCondition(n.Content[i-1].Value) {
			tag := c.Style&yaml.TaggedStyle != 0 && strings.ContainsAny(c.Tag, "(.")
			if tag || n.Style&yaml.FlowStyle != 0 && cutByComma(c) {
				found = append(found, spot{c.Line, c.Column})
			}
		}
		found = misread(c, found)
	}
	return found
}

// quoteAt puts the expression that begins at a column (from 1, in runes) of a line in single quotes. Outside of its own
// quotes and brackets, CEL has no comma, no closing bracket and no comment, so that is where the expression ends.
func quoteAt(line string, column int) (string, bool) {
	runes := []rune(line)
	if column < 1 || column > len(runes) || runes[column-1] == '\'' {
		return "", false
	}
	depth, quote, end := 0, rune(0), len(runes)
scan:
	for i := column - 1; i < len(runes); i++ {
		switch r := runes[i]; {
		case quote != 0:
			switch r {
			case '\\':
				i++
			case quote:
				quote = 0
			}
		case r == '"' || r == '\'':
			quote = r
		case strings.ContainsRune("([{", r):
			depth++
		case depth > 0 && strings.ContainsRune(")]}", r):
			depth--
		case strings.ContainsRune(",)]}", r) && depth == 0, r == '#' && unicode.IsSpace(runes[i-1]):
			end = i
			break scan
		}
	}
	expression := strings.TrimSpace(string(runes[column-1 : end]))
	if quote != 0 || depth != 0 || expression == "" {
		return "", false
	}
	rest := string(runes[column-1:])[len(expression):]
	return string(runes[:column-1]) + singleQuoted(expression) + rest, true
}

func singleQuoted(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// quotedCondition returns the text of a condition as it is written in the layout: in single quotes when it stands in a flow
// mapping or was in double quotes.
func quotedCondition(n *yaml.Node, raw string, flow bool) string {
	switch {
	case scalarKind(n) != scalarText:
	case n.Style&yaml.DoubleQuotedStyle != 0:
		if !strings.Contains(raw, "\n") && !strings.ContainsFunc(n.Value, func(r rune) bool { return !unicode.IsPrint(r) }) {
			return singleQuoted(n.Value)
		}
	case n.Style&yaml.SingleQuotedStyle == 0 && flow:
		return singleQuoted(raw)
	}
	return raw
}
