package dsl

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rapport-crm/rapport/crm"
)

// HoldCondition compiles the condition of a legal hold, which is one over the candidate like that of a pool. It may not read what
// names one person, as it stays on record when they are gone, nor whether there is a hold. The error has crm.CodeInvalid.
func HoldCondition(text string) (*Condition, error) {
	wrong := func(why string) error {
		return &crm.Error{Code: crm.CodeInvalid, Message: "The condition of the hold cannot be used: " + why, Next: "Write a CEL expression over the candidate, as in a pool."}
	}
	set, problems := Check([]File{{Path: "hold", Text: []byte("pool: hold\nwhen: " + quoted(text) + "\n")}}, nil)
	for _, p := range problems {
		if p.Severity == crm.SeverityError {
			return nil, wrong(strings.TrimSpace(p.Message + " " + p.Fix))
		}
	}
	if set == nil || set.Pools["hold"] == nil || set.Pools["hold"].When == nil {
		return nil, wrong("It is empty.")
	}
	c := set.Pools["hold"].When
	for _, field := range []string{"legal_hold", "id", "external_id", "first_name", "last_name", "email", "phone"} {
		if slices.Contains(c.Reads, field) {
			return nil, wrong(fmt.Sprintf("It reads candidate.%s; a hold on one person is placed on that candidate.", field))
		}
	}
	return c, nil
}

// Holding reads the conditions of legal holds, and keeps what it has compiled. It is safe for concurrent use.
type Holding struct {
	mu       sync.Mutex
	compiled map[string]*Condition
}

// Holds tells whether a condition puts somebody under a legal hold. What cannot be evaluated holds: what is deleted cannot be brought
// back. The error says that the condition cannot be read.
func (h *Holding) Holds(text string, facts *crm.Facts, now time.Time) (bool, error) {
	c, err := h.compile(text)
	if err != nil {
		return true, err
	}
	result := c.Eval(&Env{Now: now, Facts: facts, Workspace: &Workspace{}})
	return result.Value || result.Problem != "", nil
}

func (h *Holding) compile(text string) (*Condition, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if c := h.compiled[text]; c != nil {
		return c, nil
	}
	c, err := HoldCondition(text)
	if err != nil {
		return nil, err
	}
	if h.compiled == nil {
		h.compiled = map[string]*Condition{}
	}
	h.compiled[text] = c
	return c, nil
}
