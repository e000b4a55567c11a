package dsl

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"github.com/rapport-crm/rapport/crm"
)

var expressionPattern = regexp.MustCompile(`(?:^|[\s{,\[-])(?:when|if|while|applies_to):\s+`)

// syntaxProblem reports an error of the YAML library. An expression that should have been quoted is the usual reason, and
// has its own code.
func (r *docReader) syntaxProblem(err error) {
	line, column, message := r.src.first, 1, err.Error()
	if load, ok := errors.AsType[*yaml.LoadError](err); ok {
		message = load.Message
		if load.Mark.Line > 0 {
			line, column = load.Mark.Line+r.src.first-1, load.Mark.Column
		}
	}
	for _, l := range []int{line, line - 1} {
		if at := unquotedExpression(r.src.line(l)); at > 0 {
			r.addQuote(l, at)
			return
		}
	}
	fix := ""
	if strings.Contains(r.src.line(line), "\t") {
		fix = "Indent with spaces: YAML does not take tabs."
	}
	r.addAt(line, column, crm.SeverityError, codeSyntax, "This is not YAML: "+message+".", fix)
}

func (r *docReader) addQuote(line, column int) {
	r.addAt(line, column, crm.SeverityError, codeQuote, "YAML does not read this expression as one text.", "Put the expression in single quotes.")
}

// isExpressionKey tells whether a key's value is a CEL expression.
func isExpressionKey(key string) bool {
	return slices.Contains([]string{"when", "if", "while", "applies_to"}, key)
}

// cutByComma tells whether a plain value in a flow mapping is an expression that a comma cut short.
func cutByComma(v *yaml.Node) bool {
	if v.Kind != yaml.ScalarNode || v.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 {
		return false
	}
	return strings.Count(v.Value, "(") > strings.Count(v.Value, ")") || strings.Count(v.Value, "[") > strings.Count(v.Value, "]")
}

// unquotedExpression returns the column of an expression on the line that YAML cannot read without quotes, or 0.
func unquotedExpression(line string) int {
	m := expressionPattern.FindStringIndex(line)
	if m == nil {
		return 0
	}
	rest := strings.TrimSpace(line[m[1]:])
	if rest == "" || strings.ContainsRune("'|>#", rune(rest[0])) {
		return 0
	}
	if rest[0] == '"' { // a complete double-quoted text with nothing behind it is fine
		if end := strings.LastIndexByte(rest, '"'); end == len(rest)-1 && strings.Count(rest, `"`) == 2 {
			return 0
		}
	}
	return utf8.RuneCountInString(line[:m[1]]) + 1
}
