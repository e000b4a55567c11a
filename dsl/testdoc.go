package dsl

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/rapport-crm/rapport/crm"
)

// testReader reads a test document. Tests are read last, so that what they test is known.
type testReader struct {
	*docReader
	t        *Test
	programs map[string]*Program // the sequences and interviews that have no errors
	p        *Program            // the tested one; nil when it is not known or has errors
	policy   *Retention          // instead of p, if that is what is tested
	ws       *Workspace
	loc      *time.Location // of the candidate at the start
	clock    time.Time      // of the script, as far as it can be known before it is played
	moved    bool           // the script changes the candidate's zone: clock means nothing any more
}

// test reads a test document. programs are the sequences and interviews that have no errors.
func (r *docReader) test(programs map[string]*Program) *Test {
	m := r.mapping(r.src.root, placeTest)
	if m == nil {
		return nil
	}
	t := &testReader{docReader: r, t: &Test{File: r.src.file, Line: r.src.root.Line}, programs: programs, loc: time.UTC}
	if r.voc != nil {
		t.ws = r.voc.workspace
	}
	if n := m.get("test"); n != nil {
		t.t.Name, _ = r.text(n, "a test's name")
	}
	if n := m.get("of"); n != nil {
		t.t.Of = r.name(n)
		t.p = programs[t.t.Of]
		if t.t.Of != "" && r.voc != nil && !t.ofPolicy() {
			if known := slices.Concat(r.voc.sequences, r.voc.interviews); !slices.Contains(known, t.t.Of) {
				r.add(n, codeSequence, fmt.Sprintf("There is no sequence %q.", clip(t.t.Of)), suggest(t.t.Of, known))
			}
		}
	}
	t.attendants(m.get("interviewers"))
	t.before(m)
	t.times(m)
	t.beside(m)
	if n := m.get("arms"); n != nil {
		t.arms(n)
	}
	if n := m.get("calls"); n != nil {
		t.calls(n)
	}
	if n := m.get("script"); n != nil {
		t.script(n)
	}
	if n := m.get("expect"); n != nil {
		for _, e := range r.list(n, "expect", false) {
			if x, ok := t.expected(e); ok {
				t.t.Expect = append(t.t.Expect, x)
			}
		}
	}
	t.onlySequences(m)
	return t.t
}

// before reads the candidate as they are at the start.
func (t *testReader) before(m *mapping) {
	t.t.Candidate.Email = "candidate@candidate.example"
	if t.ws != nil && len(t.ws.Statuses) > 0 {
		t.t.Candidate.Status = t.ws.Statuses[0]
	}
	var c *mapping
	if n := m.get("candidate"); n != nil {
		c = t.mapping(n, placeTestCandidate)
	}
	if c == nil {
		c = &mapping{}
	}
	set := map[string]any{}
	for _, key := range slices.Sorted(maps.Keys(c.values)) {
		e := entry{c.keys[key], c.values[key]}
		switch key {
		case "consents", "pools", "created_at", "last_activity_at", "last_contacted_at", "last_decision_at":
		case "attributes":
			entries, _ := t.entries(e.value, "attributes")
			for _, a := range entries {
				if v, ok := t.attribute(a.key, "attributes."+a.key.Value, a.value); ok {
					set["attributes."+a.key.Value] = v
				}
			}
		default:
			if v, ok := t.fact(key, e.value); ok {
				set[key] = v
			}
		}
	}
	if err := t.t.Candidate.Apply(&crm.CandidateChange{Set: set}); err != nil { // fact gives every field its type
		t.add(m.node, codeShape, upperFirst(err.Error())+".", "")
	}
	t.loc = ZoneOf(&t.t.Candidate, t.ws)
	for key, place := range map[string]*time.Time{
		"created_at": &t.t.Candidate.CreatedAt, "last_activity_at": &t.t.Candidate.LastActivityAt,
		"last_contacted_at": &t.t.Candidate.LastContactedAt, "last_decision_at": &t.t.Candidate.LastDecisionAt,
	} {
		if n := c.get(key); n != nil {
			*place = t.moment(n, key).In(t.loc)
		}
	}
	if n := c.get("consents"); n != nil {
		t.consents(n)
	}
	for _, n := range t.optionalList(c.get("pools"), "pools") {
		t.t.Pools = append(t.t.Pools, t.poolNamed(n, true))
	}
	if n := m.get("applications"); n != nil {
		for _, e := range t.list(n, "applications", false) {
			t.application(e)
		}
	}
}

// fact reads a value of a field of the candidate, in the type that the field has.
func (t *testReader) fact(field string, n *yaml.Node) (any, bool) {
	switch field {
	case "functions", "skills", "tags":
		return t.texts(n, field), true
	case "score":
		return t.number(n, field, -100_000, 100_000), true
	case "legal_hold":
		return t.flag(n, field), true
	}
	text, ok := t.text(n, field)
	if !ok {
		return nil, false
	}
	if text == "none" && slices.Contains([]string{"email", "phone", "status"}, field) {
		return "", true
	}
	switch field {
	case "email":
		t.emailAddress(n, field)
	case "phone":
		if !phonePattern.MatchString(text) {
			t.add(n, codeAddress, fmt.Sprintf("%q is not a phone number.", clip(text)), `Write it with the country code, as "+447700900000".`)
		}
	}
	(&sequenceReader{docReader: t.docReader}).assigned(entry{&yaml.Node{Value: field}, n}, text)
	return text, true
}

func (t *testReader) attribute(key *yaml.Node, name string, n *yaml.Node) (any, bool) {
	if !isAttribute(name) {
		t.add(key, codeID, fmt.Sprintf("%q is not the name of an attribute.", clip(key.Value)), "Write one_word.")
		return nil, false
	}
	return t.free(n), true
}

// consents reads what the candidate agreed to.
func (t *testReader) consents(n *yaml.Node) {
	entries, _ := t.entries(n, "consents")
	for _, e := range entries {
		purpose := t.purposeNamed(e.key)
		if scalarKind(e.value) == scalarBool {
			if strings.EqualFold(e.value.Value, "true") {
				t.t.Consents = append(t.t.Consents, crm.Consent{Purpose: purpose, Channel: crm.Email, Granted: true, Source: "test"})
			}
			continue
		}
		for _, word := range t.texts(e.value, "consents") {
			if !slices.Contains(channels(), word) {
				t.add(e.value, codeValue, fmt.Sprintf("There is no channel %q.", clip(word)), suggest(word, channels()))
				continue
			}
			t.t.Consents = append(t.t.Consents, crm.Consent{Purpose: purpose, Channel: crm.Channel(word), Granted: true, Source: "test"})
		}
	}
}

// purposeNamed checks the name of a purpose.
func (t *testReader) purposeNamed(n *yaml.Node) string {
	name := t.name(n)
	if t.ws == nil || name == "" {
		return name
	}
	if _, known := t.ws.Purposes[name]; !known {
		t.add(n, codePurpose, fmt.Sprintf("The workspace declares no purpose %q.", clip(name)), suggest(name, purposeNames(t.ws)))
	}
	return name
}

func (t *testReader) application(n *yaml.Node) {
	m := t.mapping(n, placeTestApplication)
	if m == nil || m.incomplete {
		return
	}
	a := crm.Application{Status: crm.ApplicationOpen}
	for key, place := range map[string]*string{
		"id": &a.ExternalID, "role": &a.Role, "role_function": &a.RoleFunction, "stage": &a.Stage, "reason": &a.Reason, "source": &a.Source,
	} {
		if v := m.get(key); v != nil {
			*place, _ = t.text(v, key)
		}
	}
	if v := m.get("status"); v != nil {
		a.Status = t.choice(v, placeTestApplication, "status")
	}
	if v := m.get("hiring_manager"); v != nil {
		if who := t.known(v); who != nil {
			a.Manager = who.Email
		}
	}
	for key, place := range map[string]*time.Time{"applied_at": &a.AppliedAt, "closed_at": &a.ClosedAt} {
		if v := m.get(key); v != nil {
			*place = t.moment(v, key).In(t.loc)
		}
	}
	t.t.Applications = append(t.t.Applications, a)
}

// times reads when the test begins and ends.
func (t *testReader) times(m *mapping) {
	if n := m.get("start"); n != nil {
		t.t.Start = t.moment(n, "start").In(t.loc)
	}
	t.clock = t.t.Start
	if n := m.get("until"); n != nil {
		t.t.Until = t.moment(n, "until").In(t.loc)
		if !t.t.Until.IsZero() && !t.t.Until.After(t.t.Start) {
			t.add(n, codeTestTime, "The test ends before it starts.", "Move `until` to a later moment.")
		}
	}
	if t.t.Candidate.CreatedAt.IsZero() {
		t.t.Candidate.CreatedAt = t.t.Start
	}
	t.t.Candidate.UpdatedAt, t.t.Candidate.ScoredAt = t.t.Start, t.t.Start
	for i := range t.t.Consents {
		t.t.Consents[i].At = t.t.Start
	}
}

// arms reads which arms are fixed.
func (t *testReader) arms(n *yaml.Node) {
	entries, _ := t.entries(n, "arms")
	t.t.Arms = make(map[string]string, len(entries))
	for _, e := range entries {
		in := t.step(e.key, "an experiment", OpExperiment)
		arm := t.word(e.value, "an arm")
		t.t.Arms[e.key.Value] = arm
		if in == nil || arm == "" {
			continue
		}
		if names := in.armNames(); !slices.Contains(names, arm) {
			t.add(e.value, codeTestNever, fmt.Sprintf("The experiment %q has no arm %q.", in.ID, clip(arm)), suggest(arm, names))
		}
	}
}

func (in *Instr) armNames() []string {
	var names []string
	if in.Experiment != nil {
		for i := range in.Experiment.Arms {
			names = append(names, in.Experiment.Arms[i].Name)
		}
	}
	return names
}

// calls reads how calls are answered.
func (t *testReader) calls(n *yaml.Node) {
	entries, _ := t.entries(n, "calls")
	t.t.Calls = make(map[string]crm.CallResult, len(entries))
	for _, e := range entries {
		t.step(e.key, "a call", OpCall, OpATS)
		if e.value.Kind != yaml.MappingNode {
			word, _ := t.text(e.value, "the answer of a call")
			if word != crm.CallOK && word != crm.CallFailed && word != "" {
				t.add(e.value, codeValue, fmt.Sprintf("A call does not end with %q.", clip(word)), suggest(word, []string{crm.CallOK, crm.CallFailed}))
			}
			t.t.Calls[e.key.Value] = crm.CallResult{Outcome: word}
			continue
		}
		m := t.mapping(e.value, placeTestCall)
		if m == nil || m.incomplete {
			continue
		}
		answer := crm.CallResult{Outcome: t.choice(m.get("outcome"), placeTestCall, "outcome")}
		if v := m.get("reason"); v != nil {
			answer.Reason = t.word(v, "a reason")
		}
		if v := m.get("result"); v != nil {
			answer.Result = t.free(v)
		}
		t.t.Calls[e.key.Value] = answer
	}
}

// step finds a step of the tested sequence that does one of some things. It is nil when there is none, which was reported, or
// when the sequence is not known.
func (t *testReader) step(n *yaml.Node, what string, ops ...Op) *Instr {
	id, ok := t.text(n, "a step")
	if t.p == nil || !ok {
		return nil
	}
	pc, found := t.p.Find(id)
	switch {
	case !found || pc >= len(t.p.Code) || t.p.Code[pc].Implied:
		t.add(n, codeTestStep, fmt.Sprintf("%s has no step %q.", t.p.Name, clip(id)), suggest(id, t.p.ids(ops...)))
	case !slices.Contains(ops, t.p.Code[pc].Op):
		t.add(n, codeTestStep, fmt.Sprintf("The step %q is not %s.", id, what), suggest("", t.p.ids(ops...)))
	default:
		return &t.p.Code[pc]
	}
	return nil
}

// ids lists the ids of the steps that do one of some things.
func (p *Program) ids(ops ...Op) []string {
	var ids []string
	for i := range p.Code {
		if in := &p.Code[i]; !in.Implied && slices.Contains(ops, in.Op) {
			ids = append(ids, in.ID)
		}
	}
	return ids
}

// free reads any value as JSON has it.
func (t *testReader) free(n *yaml.Node) any {
	switch n.Kind {
	case yaml.MappingNode:
		entries, _ := t.entries(n, "data")
		values := make(map[string]any, len(entries))
		for _, e := range entries {
			values[e.key.Value] = t.free(e.value)
		}
		return values
	case yaml.SequenceNode:
		values := []any{}
		for _, item := range t.list(n, "data", false) {
			values = append(values, t.free(item))
		}
		return values
	case yaml.DocumentNode, yaml.ScalarNode, yaml.AliasNode, yaml.StreamNode:
	}
	if n.Kind == yaml.ScalarNode && scalarKind(n) == scalarNull {
		return nil
	}
	v, _ := t.constant(n, "data")
	return v
}
