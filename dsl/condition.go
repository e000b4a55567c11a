package dsl

import (
	"time"

	"github.com/rapport-crm/rapport/crm"
)

// Condition is a compiled CEL expression of type bool.
type Condition struct {
	Source  string
	Reads   []string // candidate fields it reads, sorted
	UsesNow bool     // its value changes by the passing of time alone
}

// Env is what conditions are evaluated on. Fields that a place does not have are nil.
type Env struct {
	Now         time.Time
	Facts       *crm.Facts
	Event       *crm.Event
	Application *crm.Application
	Program     *Program
	Workspace   *Workspace
}

// Result is what a condition gave. A condition that cannot be evaluated is false, and Problem says why, without personal
// values.
type Result struct {
	Value   bool
	Problem string
}

// Eval evaluates the condition. It never panics.
func (c *Condition) Eval(env *Env) Result { return Result{} }
