package graph

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/google/cel-go/common"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/parser"

	"github.com/rapport-crm/rapport/dsl"
)

// inWords says what an expression means, as far as there are words for it; else it is the expression as it is written.
func inWords(c *dsl.Condition) string {
	if c == nil {
		return "always"
	}
	source := oneLine(c.Source)
	p, err := parser.NewParser(parser.MaxRecursionDepth(maxExpressionDepth)) // without macros: has(x) stays a call
	if err != nil {
		return source
	}
	tree, issues := p.Parse(common.NewTextSource(c.Source))
	if len(issues.GetErrors()) > 0 {
		return source
	}
	if s := clauseOf(tree.Expr()); s.yes != "" {
		return s.yes
	}
	if m := momentOf(tree.Expr()); m != "" {
		return m
	}
	return source
}

// wordless tells whether there are no words for a condition.
func wordless(c *dsl.Condition) bool { return c != nil && inWords(c) == oneLine(c.Source) }

// question asks whether a condition is true.
func question(c *dsl.Condition) string {
	if wordless(c) {
		return "Is this true: " + inWords(c) + "?"
	}
	return upperFirst(inWords(c)) + "?"
}

// clause is what an expression says, and what its contrary says. Both are "" when there are no words for it.
type clause struct {
	yes, no string
	joined  bool // from others, by and or or
}

// clauseOf puts an expression of type bool into words.
func clauseOf(e ast.Expr) clause {
	switch e.Kind() {
	case ast.CallKind:
		return clauseOfCall(e.AsCall())
	case ast.SelectKind:
		return clauseOfField(e)
	case ast.LiteralKind:
		if b, ok := e.AsLiteral().(types.Bool); ok {
			words := map[types.Bool]string{true: "always", false: "never"}
			return clause{yes: words[b], no: words[!b]}
		}
	case ast.IdentKind, ast.ComprehensionKind, ast.ListKind, ast.MapKind, ast.StructKind, ast.UnspecifiedExprKind:
	}
	return clause{}
}

func clauseOfCall(c ast.CallExpr) clause {
	args := c.Args()
	switch name := c.FunctionName(); name {
	case operators.LogicalAnd, operators.LogicalOr:
		return joined(name, operands(name, c))
	case operators.LogicalNot:
		s := clauseOf(args[0])
		return clause{yes: s.no, no: s.yes, joined: s.joined}
	case operators.Equals, operators.NotEquals, operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals:
		return compared(name, args[0], args[1])
	case operators.In:
		return membership(args[0], args[1])
	case "has":
		if what := thing(args[0]); what != "" {
			what = "the " + strings.TrimPrefix(what, "the ")
			return clause{yes: what + " is known", no: what + " is not known"}
		}
	case "consented":
		return named("has agreed to %s", "has not agreed to %s", args)
	case "in_pool":
		return named("is in the pool %s", "is not in the pool %s", args)
	case "enrolled":
		return named("is in the sequence %s", "is not in the sequence %s", args)
	case "all", "exists":
		return ofScorecards(name, c)
	case "contains", "startsWith", "endsWith":
		return textual(name, c)
	}
	return clause{}
}

// operands lists what is joined by the same operator.
func operands(name string, c ast.CallExpr) []ast.Expr {
	var all []ast.Expr
	for _, e := range c.Args() {
		if e.Kind() == ast.CallKind && e.AsCall().FunctionName() == name {
			all = append(all, operands(name, e.AsCall())...)
		} else {
			all = append(all, e)
		}
	}
	return all
}

// joined writes a and b, a or b. What is joined inside gets its own word, so that it is read as one.
func joined(operator string, all []ast.Expr) clause {
	yes, no := make([]string, len(all)), make([]string, len(all))
	word, contrary, inner, innerNo := "and", "or", "either ", "both "
	if operator == operators.LogicalOr {
		word, contrary, inner, innerNo = contrary, word, innerNo, inner
	}
	for i, e := range all {
		s := clauseOf(e)
		if s.yes == "" || s.no == "" {
			return clause{}
		}
		if s.joined {
			s.yes, s.no = inner+s.yes, innerNo+s.no
		}
		yes[i], no[i] = s.yes, s.no
	}
	return clause{yes: listed(yes, word), no: listed(no, contrary), joined: true}
}

// named fills a text literal into two phrases.
func named(yes, no string, args []ast.Expr) clause {
	name, ok := literalText(args[0])
	if !ok || len(args) != 1 {
		return clause{}
	}
	return clause{yes: fmt.Sprintf(yes, name), no: fmt.Sprintf(no, name)}
}

func textual(function string, c ast.CallExpr) clause {
	if !c.IsMemberFunction() || len(c.Args()) != 1 {
		return clause{}
	}
	what := thing(c.Target())
	part, ok := literalText(c.Args()[0])
	verb := map[string][2]string{
		"contains": {"contains", "does not contain"}, "startsWith": {"begins with", "does not begin with"},
		"endsWith": {"ends with", "does not end with"},
	}[function]
	if what == "" || !ok {
		return clause{}
	}
	return clause{yes: what + " " + verb[0] + " " + quoted(part), no: what + " " + verb[1] + " " + quoted(part)}
}

// membership puts x in y into words.
func membership(item, list ast.Expr) clause {
	if list.Kind() == ast.ListKind {
		what := thing(item)
		var values []string
		for _, e := range list.AsList().Elements() {
			values = append(values, valueOfExpr(e))
		}
		all := listed(values, "or")
		if what == "" || all == "" || strings.Contains(" "+strings.Join(values, " | ")+" ", " | | ") {
			return clause{}
		}
		return clause{yes: what + " is " + all, no: what + " is not " + all}
	}
	what, value := thing(list), valueOfExpr(item)
	if what == "" || value == "" {
		return clause{}
	}
	return clause{yes: what + " include " + value, no: what + " do not include " + value}
}

// compared puts a comparison into words.
func compared(operator string, left, right ast.Expr) clause {
	switch {
	case left.Kind() == ast.LiteralKind && right.Kind() != ast.LiteralKind:
		return compared(mirrored(operator), right, left)
	case isCall(left, "days_since"):
		return since(operator, left.AsCall().Args()[0], valueOfExpr(right))
	case isCall(left, "size"):
		return sized(operator, left.AsCall(), valueOfExpr(right))
	}
	if a, b := momentOf(left), momentOf(right); a != "" && b != "" {
		switch operator {
		case operators.Less, operators.LessEquals:
			return clause{yes: a + " is before " + b, no: a + " is not before " + b}
		case operators.Greater, operators.GreaterEquals:
			return clause{yes: a + " is after " + b, no: a + " is not after " + b}
		}
	}
	if step, field := stepField(left); field == "outcome" {
		return sides(operator, quoted(step)+" ended as ", quoted(step)+" did not end as ", valueOfExpr(right))
	}
	what, value := thing(left), valueOfExpr(right)
	if what == "" || value == "" {
		return clause{}
	}
	if operator != operators.Equals && operator != operators.NotEquals {
		return ordered(operator, what, value)
	}
	return sides(operator, what+" is ", what+" is not ", value)
}

// sides is a clause about being equal.
func sides(operator, yes, no, value string) clause {
	switch {
	case value == "" || operator != operators.Equals && operator != operators.NotEquals:
		return clause{}
	case operator == operators.NotEquals:
		return clause{yes: no + value, no: yes + value}
	}
	return clause{yes: yes + value, no: no + value}
}

// mirrored is the operator with its sides exchanged.
func mirrored(operator string) string {
	switch operator {
	case operators.Less:
		return operators.Greater
	case operators.LessEquals:
		return operators.GreaterEquals
	case operators.Greater:
		return operators.Less
	case operators.GreaterEquals:
		return operators.LessEquals
	}
	return operator
}

func isCall(e ast.Expr, name string) bool {
	return e.Kind() == ast.CallKind && e.AsCall().FunctionName() == name && (len(e.AsCall().Args()) == 1 || e.AsCall().IsMemberFunction())
}

// since puts days_since(x) compared with a number into words.
func since(operator string, at ast.Expr, n string) clause {
	what := thing(at)
	days, err := strconv.Atoi(n)
	if what == "" || err != nil {
		return clause{}
	}
	ago := " " + counted(days, "day") + " ago"
	more := clause{yes: what + " is more than" + ago, no: what + " is at most" + ago}
	least := clause{yes: what + " is at least" + ago, no: what + " is less than" + ago}
	switch operator {
	case operators.Greater:
		return more
	case operators.LessEquals:
		return clause{yes: more.no, no: more.yes}
	case operators.GreaterEquals:
		return least
	case operators.Less:
		return clause{yes: least.no, no: least.yes}
	}
	return sides(operator, what+" is ", what+" is not ", strings.TrimSpace(ago))
}

// sized puts size(x) compared with a number into words.
func sized(operator string, c ast.CallExpr, n string) clause {
	list := c.Target()
	if !c.IsMemberFunction() {
		list = c.Args()[0]
	}
	what := thing(list)
	count, err := strconv.Atoi(n)
	if what == "" || err != nil {
		return clause{}
	}
	if count == 0 || count == 1 && (operator == operators.GreaterEquals || operator == operators.Less) {
		return emptiness(operator, what)
	}
	switch operator {
	case operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals:
		return ordered(operator, "the number of "+what, n)
	}
	return sides(operator, "the number of "+what+" is ", "the number of "+what+" is not ", n)
}

// emptiness is a clause about a list that has, or has not, something in it.
func emptiness(operator, what string) clause {
	none := clause{yes: "has no " + what, no: "has " + what}
	switch operator {
	case operators.Equals, operators.LessEquals, operators.Less:
		return none
	}
	return clause{yes: none.no, no: none.yes}
}

// ordered is a clause about being more or less.
func ordered(operator, what, value string) clause {
	below := clause{yes: what + " is below " + value, no: what + " is at least " + value}
	most := clause{yes: what + " is at most " + value, no: what + " is above " + value}
	switch operator {
	case operators.Less:
		return below
	case operators.GreaterEquals:
		return clause{yes: below.no, no: below.yes}
	case operators.LessEquals:
		return most
	}
	return clause{yes: most.no, no: most.yes}
}
