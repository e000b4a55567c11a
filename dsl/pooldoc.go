package dsl

import (
	"fmt"
	"maps"
	"slices"

	"go.yaml.in/yaml/v4"

	"github.com/rapport-crm/rapport/crm"
)

// Pool is a talent pool: the candidates of whom a condition is true, or a list kept by hand.
type Pool struct {
	Name        string
	Hash        string
	Description string
	When        *Condition // nil: kept by hand
}

// ByHand tells whether members are put in and taken out by people and steps.
func (p *Pool) ByHand() bool { return p.When == nil }

// pool reads a pool document.
func (r *docReader) pool() *Pool {
	m := r.mapping(r.src.root, placePool)
	if m == nil {
		return nil
	}
	p := &Pool{Name: r.name(m.get("pool")), Hash: hash(r.src.root)}
	if n := m.get("description"); n != nil {
		p.Description, _ = r.text(n, "description")
	}
	if n := m.get("members"); n != nil {
		r.choice(n, placePool, "members")
	}
	when := m.get("when")
	switch {
	case when != nil && m.get("members") != nil:
		r.add(m.keys["members"], codeConflict, "A pool either has a condition or is kept by hand.", "Keep `when`, or `members: by hand`.")
	case when != nil:
		r.serves = noPurpose
		p.When = r.condition(when, &scope{})
	case m.get("members") == nil && len(m.values) == len(r.src.root.Content)/2:
		r.add(r.src.root, codeMissingKey, `A pool needs the key "when", or "members".`, "Write a condition, or `members: by hand`.")
	}
	return p
}

// poolNamed checks the name of a pool, and that it is kept by hand where it has to be.
func (r *docReader) poolNamed(n *yaml.Node, byHand bool) string {
	name := r.name(n)
	if r.voc == nil || name == "" {
		return name
	}
	p, known := r.voc.pools[name]
	switch {
	case !known:
		r.add(n, codePool, fmt.Sprintf("There is no pool %q.", clip(name)), suggest(name, slices.Collect(maps.Keys(r.voc.pools))))
	case byHand && p != nil && !p.ByHand():
		r.add(n, codePool, fmt.Sprintf("The pool %q follows a condition; nobody is put in or taken out.", name), "Change what the condition reads, or make the pool `members: by hand`.")
	}
	return name
}

// Member tells whether a condition puts the candidate of some facts into the pool. What cannot be evaluated is no.
func (p *Pool) Member(ws *Workspace, f *crm.Facts, env Env) bool {
	env.Facts, env.Workspace = f, ws
	return p.When.Eval(&env).Value
}
