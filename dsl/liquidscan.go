package dsl

import (
	"errors"
	"strings"
)

// liquidToken is one {{ }} or {% %} of a text.
type liquidToken struct {
	tag   bool
	at    int    // where it begins, in bytes
	inner string // what is between the braces
	start int    // where inner begins
}

// word returns the tag's name.
func (t liquidToken) word() string {
	word, _, _ := strings.Cut(strings.TrimSpace(t.inner), " ")
	return word
}

// scanLiquid finds the tokens of a text. A token that is not closed is an error; at is where.
func scanLiquid(src string) (tokens []liquidToken, at int, err error) {
	for pos := 0; ; {
		i := strings.IndexByte(src[pos:], '{')
		if i < 0 || pos+i+1 >= len(src) {
			return tokens, 0, nil
		}
		pos += i
		var closing string
		switch src[pos+1] {
		case '{':
			closing = "}}"
		case '%':
			closing = "%}"
		default:
			pos++
			continue
		}
		end := strings.Index(src[pos+2:], closing)
		if end < 0 {
			return nil, pos, errors.New("a tag is opened with " + src[pos:pos+2] + " and never closed with " + closing)
		}
		inner, start := src[pos+2:pos+2+end], pos+2
		if strings.HasPrefix(inner, "-") {
			inner, start = inner[1:], start+1
		}
		tokens = append(tokens, liquidToken{tag: closing == "%}", at: pos, inner: strings.TrimSuffix(inner, "-"), start: start})
		pos += end + 4
	}
}

// lexeme is a word of a Liquid expression.
type lexeme struct {
	kind byte // p a path, s a text, n a number, o an operator, x anything else
	text string
	at   int // in the token's inner text
}

// lexLiquid cuts the inside of a token into words.
func lexLiquid(s string) []lexeme {
	var all []lexeme
	for i := 0; i < len(s); {
		c := s[i]
		start := i
		switch {
		case c == ' ' || c == '\t' || c == '\n':
			i++
			continue
		case c == '"' || c == '\'':
			end := strings.IndexByte(s[i+1:], c)
			if end < 0 {
				return append(all, lexeme{'x', s[i:], i})
			}
			i += end + 2
			all = append(all, lexeme{'s', s[start+1 : i-1], start})
		case c == '_' || isLetter(c):
			for i < len(s) && (isLetter(s[i]) || isDigit(s[i]) || strings.IndexByte("_-.?", s[i]) >= 0) {
				i++
			}
			all = append(all, word(s[start:i], start))
		case isDigit(c) || c == '-' && i+1 < len(s) && isDigit(s[i+1]):
			i++
			for i < len(s) && (isDigit(s[i]) || s[i] == '.') {
				i++
			}
			all = append(all, lexeme{'n', s[start:i], start})
		default:
			i += operatorLength(s[i:])
			all = append(all, lexeme{operatorKind(s[start:i]), s[start:i], start})
		}
	}
	return all
}

// word tells a path from the words that are operators or constants.
func word(s string, at int) lexeme {
	switch s {
	case "and", "or", "contains", "in":
		return lexeme{'o', s, at}
	case "true", "false", "nil", "null", "empty", "blank":
		return lexeme{'n', s, at}
	}
	return lexeme{'p', s, at}
}

func operatorLength(s string) int {
	for _, op := range []string{"==", "!=", ">=", "<=", "<>"} {
		if strings.HasPrefix(s, op) {
			return 2
		}
	}
	return 1
}

func operatorKind(s string) byte {
	switch s {
	case "==", "!=", ">=", "<=", "<>", ">", "<", "|", ":", ",":
		return 'o'
	}
	return 'x'
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
