package dsl

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/ext"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl/wallclock"
)

// Limits of an expression. Without a loop or a regular expression an expression costs at most its length, so the cost is
// only counted for those that have one.
const (
	maxExpressionChars = 2_000
	maxExpressionNodes = 500
	maxExpressionDepth = 40
	maxCost            = 100_000
)

// envVariable is how the macros of functions that depend on the facts pass the Env. It cannot be written in an expression.
const envVariable = "@env"

// environments makes the CEL environments of one check: they differ in the types of the event, the enrolling event, and
// whether there is an application.
type environments struct {
	base  *cel.Env
	byKey map[string]*cel.Env
}

// baseEnvironment is what all expressions share. It takes milliseconds to build and never changes.
//
//nolint:gochecknoglobals // a constant, built on first use
var baseEnvironment = sync.OnceValues(newBaseEnvironment)

func newEnvironments() (*environments, error) {
	base, err := baseEnvironment()
	if err != nil {
		return nil, err
	}
	return &environments{base: base, byKey: map[string]*cel.Env{}}, nil
}

// of returns the environment of a scope.
func (e *environments) of(sc *scope) (*cel.Env, error) {
	key := strings.Join(sc.events, ",") + "|" + strings.Join(sc.enroll, ",")
	if sc.application {
		key += "|application"
	}
	if sc.inRun {
		key += "|run"
	}
	if sc.interview {
		key += "|interview"
	}
	if env := e.byKey[key]; env != nil {
		return env, nil
	}
	var vars []cel.EnvOption
	if len(sc.events) > 0 {
		vars = append(vars, cel.Variable("event", cel.ObjectType(typeEvent+":"+strings.Join(sc.events, ","))))
	}
	if sc.inRun {
		vars = append(vars,
			cel.Variable("enrollment", cel.ObjectType(typeEnrollment+":"+strings.Join(sc.enroll, ","))))
	}
	switch {
	case sc.interview:
		vars = append(vars, cel.Variable("rounds", cel.ObjectType(typeRounds)))
	case sc.inRun:
		vars = append(vars, cel.Variable("steps", cel.ObjectType(typeSteps)))
	}
	if sc.application {
		vars = append(vars, cel.Variable("application", cel.ObjectType(typeApplication)))
	}
	env, err := e.base.Extend(vars...)
	if err != nil {
		return nil, err
	}
	e.byKey[key] = env
	return env, nil
}

func newBaseEnvironment() (*cel.Env, error) {
	objects, err := newSchema()
	if err != nil {
		return nil, err
	}
	options := []cel.EnvOption{
		cel.CustomTypeAdapter(adapter{}),
		cel.CustomTypeProvider(objects),
		cel.StdLib(),
		ext.Strings(ext.StringsVersion(0)), // later versions can format and join, which is no use in a condition
		cel.ClearMacros(),
		cel.Macros(cel.HasMacro, cel.AllMacro, cel.ExistsMacro, cel.ExistsOneMacro),
		cel.DefaultUTCTimeZone(true),
		cel.ParserExpressionSizeLimit(maxExpressionChars),
		cel.ParserRecursionLimit(maxExpressionDepth),
		cel.ExpressionNodeLimit(maxExpressionNodes),
		cel.ExpressionNestingDepthLimit(maxExpressionDepth),
		cel.RegexProgramSizeLimit(1_000),
		cel.Variable("candidate", cel.ObjectType(typeCandidate)),
		cel.Variable("now", cel.TimestampType),
		cel.Variable(envVariable, cel.ObjectType(typeEnv)),
	}
	return cel.NewCustomEnv(append(options, functions()...)...)
}

// functions declares the language's own functions. Those that depend on the facts are macros that pass the Env on.
func functions() []cel.EnvOption {
	env, str, at := cel.ObjectType(typeEnv), cel.StringType, cel.TimestampType
	onFacts := func(name string, answer func(env *Env, arg string) bool) cel.EnvOption {
		return cel.Function("@"+name, cel.Overload(name+"_string", []*cel.Type{env, str}, cel.BoolType,
			cel.BinaryBinding(func(e, arg ref.Val) ref.Val {
				o, ok := e.Value().(*Env)
				s, isText := arg.(types.String)
				if !ok || !isText || o.Facts == nil {
					return types.MaybeNoSuchOverloadErr(arg)
				}
				return types.Bool(answer(o, string(s)))
			})))
	}
	return []cel.EnvOption{
		cel.Macros(
			passing("consented", envVariable), passing("in_pool", envVariable), passing("enrolled", envVariable),
			passing("date", envVariable), passing("days_since", "now"),
		),
		onFacts("consented", consented),
		onFacts("in_pool", func(e *Env, pool string) bool { return slices.Contains(e.Facts.Pools, pool) }),
		onFacts("enrolled", func(e *Env, sequence string) bool { return slices.Contains(e.Facts.Enrolled, sequence) }),
		cel.Function("@date",
			cel.Overload("date_string", []*cel.Type{env, str}, at, cel.BinaryBinding(date)),
			cel.Overload("date_timestamp", []*cel.Type{env, at}, at, cel.BinaryBinding(date))),
		cel.Function("@days_since", cel.Overload("days_since_timestamp", []*cel.Type{at, at}, cel.IntType, cel.BinaryBinding(daysSince))),
		cel.Function("days", cel.Overload("days_int", []*cel.Type{cel.IntType}, cel.DurationType, cel.UnaryBinding(days))),
	}
}

// passing is a macro that turns name(x) into @name(variable, x).
func passing(name, variable string) cel.Macro {
	return cel.GlobalMacro(name, 1, func(h cel.MacroExprFactory, _ ast.Expr, args []ast.Expr) (ast.Expr, *cel.Error) {
		return h.NewCall("@"+name, h.NewIdent(variable), args[0]), nil
	})
}

// consented tells whether the purpose may be used on some channel.
func consented(e *Env, purpose string) bool {
	var p Purpose
	if e.Workspace != nil {
		p = e.Workspace.Purposes[purpose]
	}
	return p.allows(e.Facts, purpose, crm.Email, e.Now, e.Workspace) || p.allows(e.Facts, purpose, crm.SMS, e.Now, e.Workspace)
}

// date reads a timestamp or a date, whose midnight is the candidate's.
func date(e, x ref.Val) ref.Val {
	if at, ok := x.(types.Timestamp); ok {
		return at
	}
	env, ok := e.Value().(*Env)
	s, isText := x.(types.String)
	if !ok || !isText || env.Facts == nil {
		return types.MaybeNoSuchOverloadErr(x)
	}
	if t, err := time.Parse(time.RFC3339, string(s)); err == nil {
		return types.Timestamp{Time: t}
	}
	t, err := time.Parse(time.DateOnly, string(s))
	if err != nil {
		return types.NewErr("conversion: not a date")
	}
	return types.Timestamp{Time: wallclock.At(t, ZoneOf(&env.Facts.Candidate, env.Workspace))}
}

// daysSince counts the whole days of 24 hours from a moment until now.
func daysSince(now, at ref.Val) ref.Val {
	n, okNow := now.(types.Timestamp)
	t, okAt := at.(types.Timestamp)
	if !okNow || !okAt {
		return types.MaybeNoSuchOverloadErr(at)
	}
	return types.Int(n.Sub(t.Time) / (24 * time.Hour))
}

// days is n days of 24 hours.
func days(n ref.Val) ref.Val {
	i, ok := n.(types.Int)
	if !ok || i < -100_000 || i > 100_000 {
		return types.NewErr("overflow: too many days")
	}
	return types.Duration{Duration: time.Duration(i) * 24 * time.Hour}
}
