package dsl

import (
	"errors"
	"strings"
	"time"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"

	"github.com/rapport-crm/rapport/crm"
)

// Condition is a compiled CEL expression of type bool. It is immutable and safe for concurrent use.
type Condition struct {
	Source  string
	Reads   []string // candidate fields it reads, sorted
	Fields  []string // all fields it reads, as it names them: candidate.attributes.band, application.role; sorted
	Steps   []string // ids of the steps it reads, sorted
	Rounds  []string // ids of the rounds it reads, sorted
	Events  []string // event types that can change its value beside candidate.updated, sorted
	UsesNow bool     // its value changes by the passing of time alone

	program cel.Program
	always  verdict  // where that is known without facts
	pools   []string // that it asks about, sorted
	unsure  bool     // it may have no value
	moves   bool     // it reads the clock itself
}

// Env is what conditions are evaluated on. Facts are required; what a place does not have is nil.
type Env struct {
	Now         time.Time
	Facts       *crm.Facts
	Event       *crm.Event
	Application *crm.Application
	Rounds      map[string]*crm.Round // of an interview, by id
	Program     *Program
	Workspace   *Workspace
}

// Result is what a condition gave. A condition that cannot be evaluated is false, and Problem says why in words that hold
// no personal values: "candidate.phone is not known".
type Result struct {
	Value   bool
	Problem string
}

// Eval evaluates the condition. It never panics, and env is not changed.
func (c *Condition) Eval(env *Env) Result {
	if c == nil || c.program == nil || env == nil {
		return Result{Problem: "it was not compiled"}
	}
	out, _, err := c.program.Eval((*activation)(env))
	if err != nil {
		return Result{Problem: evalProblem(err)}
	}
	value, ok := out.(types.Bool)
	if !ok {
		return Result{Problem: "it is not true or false"}
	}
	return Result{Value: bool(value)}
}

// Moment evaluates an expression for a moment. The problem says why there is none, as Result's does.
func (c *Condition) Moment(env *Env) (at time.Time, problem string) {
	if c == nil || c.program == nil || env == nil {
		return time.Time{}, "it was not compiled"
	}
	out, _, err := c.program.Eval((*activation)(env))
	if err != nil {
		return time.Time{}, evalProblem(err)
	}
	t, ok := out.(types.Timestamp)
	if !ok {
		return time.Time{}, "it is not a moment"
	}
	return t.UTC(), ""
}

// evalProblem says why an evaluation gave nothing. CEL's own texts may quote values, so only known ones are told, in our
// words.
func evalProblem(err error) string {
	if unknown, ok := errors.AsType[unknownError](err); ok {
		return unknown.Error()
	}
	text := err.Error()
	for _, p := range []struct{ has, say string }{
		{"no such key", "a key is not there"},
		{"no such attribute", "something it reads is not there"},
		{"cost limit", "it takes too long"},
		{"division by zero", "it divides by zero"},
		{"overflow", "a number is too large"},
		{"no such overload", "values are of the wrong type"},
		{"out of bounds", "a list is too short"},
		{"conver", "a value cannot be converted"},
	} {
		if strings.Contains(text, p.has) {
			return p.say
		}
	}
	return "it cannot be computed"
}

// activation resolves the variables of an expression from an Env, without copying anything.
type activation Env

// ResolveName implements cel.Activation.
func (a *activation) ResolveName(name string) (any, bool) {
	env := (*Env)(a)
	switch name {
	case "candidate":
		return (*candidateView)(env), true
	case "now":
		return env.Now, true
	case "event":
		return env.Event, env.Event != nil
	case "application":
		return env.Application, env.Application != nil
	case "enrollment":
		return (*enrollmentView)(env), true
	case "steps":
		return (*stepsView)(env), true
	case "rounds":
		return (*roundsView)(env), true
	case envVariable:
		return env, true
	}
	return nil, false
}

// Parent implements cel.Activation.
func (a *activation) Parent() cel.Activation { return nil }
