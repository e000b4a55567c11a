package dsl

import (
	"maps"
	"slices"
	"time"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
)

// absence finds out whether an expression always has a value, or may read something that is not there. In doubt it may.
type absence struct{ ast *ast.AST }

// sure tells whether an expression has a value whatever the facts are. known are the paths that a has() around it has made
// sure of.
func (a absence) sure(e ast.Expr, known map[string]bool) bool {
	switch e.Kind() {
	case ast.LiteralKind, ast.IdentKind:
		return true
	case ast.SelectKind:
		return a.sureField(e, known)
	case ast.CallKind:
		return a.sureCall(e, known)
	case ast.ListKind:
		return a.all(e.AsList().Elements(), known)
	case ast.ComprehensionKind:
		c := e.AsComprehension()
		return a.all([]ast.Expr{c.IterRange(), c.AccuInit(), c.LoopCondition(), c.LoopStep(), c.Result()}, known)
	case ast.MapKind, ast.StructKind, ast.UnspecifiedExprKind:
	}
	return false
}

func (a absence) all(parts []ast.Expr, known map[string]bool) bool {
	return !slices.ContainsFunc(parts, func(e ast.Expr) bool { return !a.sure(e, known) })
}

// sureField tells it of a field, or of has() about one.
func (a absence) sureField(e ast.Expr, known map[string]bool) bool {
	s := e.AsSelect()
	if !a.sure(s.Operand(), known) {
		return false
	}
	return s.IsTestOnly() || surelyKnown(path(s.Operand()), s.FieldName()) || known[chain(e)]
}

// sureCall tells it of a call. What a condition has asked for with has() is there where its answer leads.
func (a absence) sureCall(e ast.Expr, known map[string]bool) bool {
	c := e.AsCall()
	args := c.Args()
	switch c.FunctionName() {
	case operators.Conditional:
		return a.sure(args[0], known) && a.sure(args[1], asked(args[0], true, known)) && a.sure(args[2], asked(args[0], false, known))
	case operators.LogicalAnd:
		return a.sure(args[0], known) && a.sure(args[1], asked(args[0], true, known))
	case operators.LogicalOr:
		return a.sure(args[0], known) && a.sure(args[1], asked(args[0], false, known))
	case "duration", "timestamp", "@date":
		return a.sureMoment(args[len(args)-1], known)
	}
	return neverFails(c.FunctionName()) && a.all(args, known) && (!c.IsMemberFunction() || a.sure(c.Target(), known))
}

// sureMoment tells whether something becomes a moment, or a length of time, for sure: it is one already, or it is written out.
// What is written out for timestamp and duration was computed when the expression was compiled.
func (a absence) sureMoment(e ast.Expr, known map[string]bool) bool {
	if text, ok := literalText(e); ok {
		_, date := parseTime(text)
		_, err := time.ParseDuration(text)
		return date || err == nil
	}
	switch a.ast.GetType(e.ID()).Kind() { //nolint:exhaustive // all others are converted, which may fail
	case types.TimestampKind, types.DurationKind:
		return a.sure(e, known)
	}
	return false
}

// asked adds to what is known the paths of which a condition with this answer has made sure.
func asked(condition ast.Expr, answer bool, known map[string]bool) map[string]bool {
	switch condition.Kind() { //nolint:exhaustive // others make sure of nothing
	case ast.SelectKind:
		if name := chain(condition); answer && condition.AsSelect().IsTestOnly() && name != "" {
			known = maps.Clone(known)
			known[name] = true
		}
	case ast.CallKind:
		c := condition.AsCall()
		switch {
		case c.FunctionName() == operators.LogicalNot:
			return asked(c.Args()[0], !answer, known)
		case answer && c.FunctionName() == operators.LogicalAnd, !answer && c.FunctionName() == operators.LogicalOr:
			return asked(c.Args()[1], answer, asked(c.Args()[0], answer, known))
		}
	}
	return known
}

// chain is the path of a field that is reached by names alone, else "".
func chain(e ast.Expr) string {
	inner := e
	for inner.Kind() == ast.SelectKind {
		inner = inner.AsSelect().Operand()
	}
	if inner.Kind() != ast.IdentKind {
		return ""
	}
	return path(e)
}

// surelyKnown tells whether a field always has a value.
func surelyKnown(owner, name string) bool {
	switch owner {
	case "candidate":
		return slices.Contains([]string{
			"id", "score", "legal_hold", "created_at", "tags", "skills", "functions", "attributes", "applications", "open_applications",
		}, name)
	case "enrollment":
		return name != "event" // who was enrolled by hand has none
	case "event", "enrollment.event":
		return true
	}
	return false
}

// neverFails tells whether a function gives a value for all values of its types. Sums that are too large are not thought of.
func neverFails(function string) bool {
	return slices.Contains([]string{
		operators.Add, operators.Subtract, operators.Multiply, operators.Negate, operators.LogicalNot, operators.NotStrictlyFalse,
		operators.Equals, operators.NotEquals, operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals, operators.In,
		"days", "@days_since", "@consented", "@in_pool", "@enrolled", "size", "startsWith", "endsWith", "contains", "lowerAscii", "upperAscii", "trim",
	}, function)
}
