package dsl

import (
	"slices"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"

	"github.com/rapport-crm/rapport/crm"
)

// verdict is what an expression gives without any facts.
type verdict int

const (
	depends verdict = iota // on the facts
	always
	never
)

func (v verdict) not() verdict {
	switch v {
	case always:
		return never
	case never:
		return always
	case depends:
	}
	return depends
}

func verdictOf(b bool) verdict {
	if b {
		return always
	}
	return never
}

// isAlways tells whether a condition is true whatever the facts are.
func (c *Condition) isAlways() bool { return c != nil && c.always == always }

// sayConstant warns of a condition that decides nothing. A pool or a policy for everybody may well say `true`.
func (x *expression) sayConstant(c *Condition) {
	if x.r.voc == nil {
		return
	}
	switch c.always {
	case never:
		x.r.note(x.node, crm.SeverityWarning, codeConstant, "This condition is never true.", "Correct it, or take out what depends on it.")
	case always:
		if x.sc.inRun || len(x.sc.events) > 0 {
			x.r.note(x.node, crm.SeverityWarning, codeConstant, "This condition is always true.", "Correct it, or take it out.")
		}
	case depends:
	}
}

// constant folds what needs no facts: literals, their comparisons, and fields that are held against words of which they can
// only ever be one: `x == "a" && x == "b"` is never true, `x != "a" || x != "b"` always is.
func constant(e ast.Expr) verdict {
	if e.Kind() == ast.LiteralKind {
		if b, ok := e.AsLiteral().(types.Bool); ok {
			return verdictOf(bool(b))
		}
		return depends
	}
	if e.Kind() != ast.CallKind {
		return depends
	}
	args := e.AsCall().Args()
	switch fn := e.AsCall().FunctionName(); fn {
	case operators.LogicalNot:
		return constant(args[0]).not()
	case operators.LogicalAnd:
		return conjunction(parts(e, operators.LogicalAnd), never, demand)
	case operators.LogicalOr:
		return conjunction(parts(e, operators.LogicalOr), always, denial)
	case operators.Conditional:
		if c := constant(args[0]); c != depends {
			return constant(args[map[verdict]int{always: 1, never: 2}[c]])
		}
	case operators.Equals, operators.NotEquals, operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals:
		return comparison(fn, args[0], args[1])
	case operators.In:
		if args[1].Kind() == ast.ListKind && args[1].AsList().Size() == 0 {
			return never
		}
	}
	return depends
}

// parts flattens a chain of one operator.
func parts(e ast.Expr, operator string) []ast.Expr {
	if e.Kind() != ast.CallKind || e.AsCall().FunctionName() != operator {
		return []ast.Expr{e}
	}
	var all []ast.Expr
	for _, arg := range e.AsCall().Args() {
		all = append(all, parts(arg, operator)...)
	}
	return all
}

// conjunction joins the parts of an `and`, whose decisive verdict is never, or of an `or`, whose is always. words says which
// words a part leaves to a field: of an `and` those that make it true, of an `or` those that make it false. When no word is
// left for a field, the whole is decided.
func conjunction(all []ast.Expr, decisive verdict, words func(e ast.Expr) (field string, allowed []string)) verdict {
	settled := true
	left := map[string][]string{}
	for _, part := range all {
		v := constant(part)
		if v == decisive {
			return decisive
		}
		settled = settled && v != depends
		field, allowed := words(part)
		if field == "" {
			continue
		}
		if before, seen := left[field]; seen {
			allowed = slices.DeleteFunc(slices.Clone(before), func(w string) bool { return !slices.Contains(allowed, w) })
		}
		if left[field] = allowed; len(allowed) == 0 {
			return decisive
		}
	}
	if settled {
		return decisive.not()
	}
	return depends
}

// demand returns the words that make `field == "word"` or `field in ["word", ...]` true.
func demand(e ast.Expr) (field string, words []string) { return wordsFor(e, operators.Equals) }

// denial returns the word that makes `field != "word"` false.
func denial(e ast.Expr) (field string, words []string) { return wordsFor(e, operators.NotEquals) }

func wordsFor(e ast.Expr, operator string) (field string, words []string) {
	if e.Kind() != ast.CallKind {
		return "", nil
	}
	args := e.AsCall().Args()
	switch fn := e.AsCall().FunctionName(); {
	case fn == operator:
		for i := range 2 {
			if word, ok := literalText(args[1-i]); ok && isField(args[i]) {
				return path(args[i]), []string{word}
			}
		}
	case fn == operators.In && operator == operators.Equals && isField(args[0]) && args[1].Kind() == ast.ListKind:
		for _, entry := range args[1].AsList().Elements() {
			word, ok := literalText(entry)
			if !ok {
				return "", nil
			}
			words = append(words, word)
		}
		return path(args[0]), words
	}
	return "", nil
}

// isField tells whether an expression is a chain of selections from a name.
func isField(e ast.Expr) bool {
	for e.Kind() == ast.SelectKind && !e.AsSelect().IsTestOnly() {
		e = e.AsSelect().Operand()
	}
	return e.Kind() == ast.IdentKind
}

// comparison compares two literals.
func comparison(operator string, a, b ast.Expr) verdict {
	if a.Kind() != ast.LiteralKind || b.Kind() != ast.LiteralKind {
		return depends
	}
	x, y := a.AsLiteral(), b.AsLiteral()
	switch operator {
	case operators.Equals:
		return verdictOf(x.Equal(y) == types.True)
	case operators.NotEquals:
		return verdictOf(x.Equal(y) != types.True)
	}
	order, ok := compared(x, y)
	if !ok {
		return depends
	}
	switch operator {
	case operators.Less:
		return verdictOf(order < 0)
	case operators.LessEquals:
		return verdictOf(order <= 0)
	case operators.Greater:
		return verdictOf(order > 0)
	}
	return verdictOf(order >= 0)
}

func compared(x, y ref.Val) (int, bool) {
	c, ok := x.(traits.Comparer)
	if !ok {
		return 0, false
	}
	order, ok := c.Compare(y).(types.Int)
	return int(order), ok
}
