package graph

import (
	"strconv"
	"strings"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
)

// stepField takes steps.ID.FIELD, or rounds.ID.FIELD, apart.
func stepField(e ast.Expr) (step, field string) {
	parts := strings.Split(path(e), ".")
	if len(parts) != 3 || parts[0] != "steps" && parts[0] != "rounds" {
		return "", ""
	}
	return spaced(parts[1]), parts[2]
}

// clauseOfField puts a field of type bool into words.
func clauseOfField(e ast.Expr) clause {
	step, field := stepField(e)
	message := quoted(step)
	switch what := thing(e); {
	case field == "clicked":
		return clause{yes: "a link in " + message + " was clicked", no: "no link in " + message + " was clicked"}
	case field == "opened":
		return clause{yes: message + " was opened", no: message + " was not opened"}
	case field == "replied":
		return clause{yes: message + " was answered", no: message + " was not answered"}
	case path(e) == "candidate.legal_hold":
		return clause{yes: "there is a legal hold", no: "there is no legal hold"}
	case what != "":
		return clause{yes: what + " is true", no: what + " is not true"}
	}
	return clause{}
}

// thing names what a chain of fields leads to: candidate.last_activity_at is the last activity. It is "" for all else.
func thing(e ast.Expr) string {
	if e.Kind() == ast.CallKind {
		switch c := e.AsCall(); c.FunctionName() {
		case "date", "timestamp", "string", "int", "double":
			if len(c.Args()) == 1 && !c.IsMemberFunction() {
				return thing(c.Args()[0])
			}
		case operators.Index:
			if name, ok := literalText(c.Args()[1]); ok && thing(c.Args()[0]) != "" {
				return spaced(name)
			}
		}
		return ""
	}
	parts := strings.Split(path(e), ".")
	if e.Kind() != ast.SelectKind || parts[0] == "this" {
		return ""
	}
	last := fieldWords(parts[len(parts)-1])
	switch {
	case parts[0] == "application":
		return "the application's " + last
	case parts[0] == "enrollment" && len(parts) > 2:
		return last + " at the start"
	case parts[0] == "enrollment":
		return map[string]string{"sends": "the number of messages so far", "started_at": "the start of the run"}[parts[1]]
	case parts[0] == "steps" && len(parts) > 3:
		return last + " of " + quoted(spaced(parts[1]))
	case parts[0] == "steps":
		return last + " of " + quoted(spaced(parts[len(parts)-2]))
	}
	return last
}

// fieldWords is what people call a field.
func fieldWords(field string) string {
	words := map[string]string{
		"phone": "phone number", "email": "email address", "last_activity_at": "the last activity", "created_at": "the day they were added",
		"last_contacted_at": "the last message to them", "last_decision_at": "the last decision", "applied_at": "the date of applying",
		"closed_at": "the date of closing", "nps": "NPS", "url": "web address",
	}[field]
	if words == "" {
		words = spaced(field)
	}
	return words
}

// valueOfExpr writes a literal, or names what a value is taken from.
func valueOfExpr(e ast.Expr) string {
	switch e.Kind() {
	case ast.LiteralKind:
		switch v := e.AsLiteral().(type) {
		case types.String:
			if v == "" {
				return "empty"
			}
			return spaced(string(v))
		case types.Int:
			return strconv.FormatInt(int64(v), 10)
		case types.Uint:
			return strconv.FormatUint(uint64(v), 10)
		case types.Double:
			return strconv.FormatFloat(float64(v), 'f', -1, 64)
		case types.Bool:
			return strconv.FormatBool(bool(v))
		}
	case ast.SelectKind:
		return thing(e)
	case ast.CallKind, ast.IdentKind, ast.ComprehensionKind, ast.ListKind, ast.MapKind, ast.StructKind, ast.UnspecifiedExprKind:
	}
	return ""
}

// momentOf names a moment: now, a date, some days before or after another one. It is "" for what is none.
func momentOf(e ast.Expr) string {
	switch e.Kind() {
	case ast.IdentKind:
		if e.AsIdent() == "now" {
			return "now"
		}
	case ast.SelectKind:
		if strings.HasSuffix(path(e), "_at") || strings.HasSuffix(path(e), "_date") || strings.HasSuffix(path(e), ".at") {
			return thing(e)
		}
	case ast.CallKind:
		return momentOfCall(e.AsCall())
	case ast.ComprehensionKind, ast.ListKind, ast.LiteralKind, ast.MapKind, ast.StructKind, ast.UnspecifiedExprKind:
	}
	return ""
}

func momentOfCall(c ast.CallExpr) string {
	args := c.Args()
	switch c.FunctionName() {
	case "date", "timestamp":
		if text, ok := literalText(args[0]); ok {
			return text
		}
		return thing(args[0])
	case operators.Add, operators.Subtract:
		at := momentOf(args[0])
		if at == "" || !isCall(args[1], "days") {
			return ""
		}
		n, err := strconv.Atoi(valueOfExpr(args[1].AsCall().Args()[0]))
		switch before := c.FunctionName() == operators.Subtract; {
		case err != nil:
			return ""
		case at == "now" && before:
			return counted(n, "day") + " ago"
		case at == "now":
			return counted(n, "day") + " from now"
		case before:
			return counted(n, "day") + " before " + at
		}
		return counted(n, "day") + " after " + at
	}
	return ""
}

// ofScorecards puts what all, or some, scorecards of a round say into words.
func ofScorecards(macro string, c ast.CallExpr) clause {
	args := c.Args()
	parts := strings.Split(path(c.Target()), ".")
	if !c.IsMemberFunction() || len(args) != 2 || len(parts) != 3 || parts[0] != "rounds" || parts[2] != "scorecards" || args[1].Kind() != ast.CallKind {
		return clause{}
	}
	compares := args[1].AsCall()
	if len(compares.Args()) != 2 || compares.Args()[0].Kind() != ast.SelectKind {
		return clause{}
	}
	says := compared(compares.FunctionName(), compares.Args()[0], compares.Args()[1])
	of := " of " + quoted(spaced(parts[1]))
	switch {
	case says.yes == "" || says.no == "":
		return clause{}
	case macro == "all":
		return clause{yes: "on every scorecard" + of + ", " + says.yes, no: "on some scorecard" + of + ", " + says.no}
	}
	return clause{yes: "on some scorecard" + of + ", " + says.yes, no: "on every scorecard" + of + ", " + says.no}
}
