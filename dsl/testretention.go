package dsl

import (
	"fmt"
	"maps"
	"slices"

	"go.yaml.in/yaml/v4"

	"github.com/rapport-crm/rapport/crm"
)

// Outcomes of a retention policy, as tests name them.
const (
	OutcomeAnonymized = "anonymized"
	OutcomeErased     = "erased"
	OutcomeKept       = "kept" // when the test ends
)

// Taken is what a policy does with the data, as an outcome.
func (p *Retention) Taken() string {
	if p.Then == crm.RetentionErase {
		return OutcomeErased
	}
	return OutcomeAnonymized
}

// ofPolicy tells whether the test is of a retention policy, and finds it.
func (t *testReader) ofPolicy() bool {
	p, known := t.voc.policies[t.t.Of]
	t.policy = p
	return known
}

// beside reads which other policies are in force.
func (t *testReader) beside(m *mapping) {
	for _, n := range t.optionalList(m.get("beside"), "beside") {
		name := t.name(n)
		if t.voc == nil || !namePattern.MatchString(name) {
			continue
		}
		if _, known := t.voc.policies[name]; !known {
			t.add(n, codeTestNever, fmt.Sprintf("There is no retention policy %q.", clip(name)), suggest(name, slices.Collect(maps.Keys(t.voc.policies))))
		}
		t.t.Beside = append(t.t.Beside, name)
	}
	if n := m.get("beside"); n != nil && t.p != nil {
		t.add(m.keys["beside"], codeTestNever, "Nothing is in force beside a sequence here.", "Only the test of a retention policy names others.")
	}
}

// onlySequences reports what only a sequence can have in its tests.
func (t *testReader) onlySequences(m *mapping) {
	if t.policy == nil {
		return
	}
	refuse := func(n *yaml.Node, key, fix string) {
		t.add(n, codeTestNever, fmt.Sprintf("A retention policy has no %s.", key), fix)
	}
	for _, key := range []string{"arms", "calls"} {
		if m.get(key) != nil {
			refuse(m.keys[key], key, "Take it out.")
		}
	}
	script := m.get("script")
	if script == nil || script.Kind != yaml.SequenceNode {
		return
	}
	for _, e := range script.Content {
		for key, fix := range map[string]string{
			"enroll": "It is about everybody its condition is true for.", "step": "A message.* event without a step is about the notice.",
		} {
			if e.Kind == yaml.MappingNode && hasKey(e, key) {
				refuse(keyOf(e, key), key, fix)
			}
		}
	}
}

// keptReason checks why data are kept.
func (t *testReader) keptReason(n *yaml.Node, m *mapping, x *Expected) {
	outcome := m.get("outcome")
	switch known := crm.KeptReasons(); {
	case t.p != nil || outcome != nil && outcome.Value != OutcomeKept:
		t.add(m.keys["reason"], codeTestNever, "reason says why something is skipped, or why data are kept.", "Take it out.")
	case x.Reason != "" && !slices.Contains(known, x.Reason):
		t.add(n, codeTestNever, fmt.Sprintf("No data are kept for the reason %q.", clip(x.Reason)), suggest(x.Reason, known))
	}
}

// keptUntil reads until when data are kept.
func (t *testReader) keptUntil(m *mapping, x *Expected) {
	n := m.get("until")
	if n == nil {
		return
	}
	x.Until = t.moment(n, "until")
	switch outcome := m.get("outcome"); {
	case outcome == nil || x.Kind != ExpectOutcome:
		t.add(m.keys["until"], codeConflict, "until says how long data are kept.", "It goes with `outcome: kept`.")
	case t.p != nil || outcome.Value != OutcomeKept:
		t.add(m.keys["until"], codeTestNever, "until says how long data are kept.", "It goes with `outcome: kept`, in the test of a retention policy.")
	}
}

// keepable reports an expectation that the tested policy can never meet.
func (t *testReader) keepable(n *yaml.Node, x *Expected) {
	var known []string
	what := "has no " + string(x.Kind)
	notices, outcomes := t.comes()
	switch x.Kind { //nolint:exhaustive // a policy does nothing else
	case ExpectEmail:
		known, what = notices, "sends no email"
	case ExpectSkipped:
		known, what = notices, "has no notice"
		if reasons := []string{ReasonNoAddress, ReasonSuppressed}; x.Reason != "" && !slices.Contains(reasons, x.Reason) {
			t.add(n, codeTestNever, fmt.Sprintf("No notice is skipped for the reason %q.", clip(x.Reason)), suggest(x.Reason, reasons))
		}
	case ExpectOutcome:
		known, what = outcomes, "never ends as"
	}
	if !slices.Contains(known, x.Name) {
		t.add(n, codeTestNever, fmt.Sprintf("%s %s %q.", t.policy.Name, what, clip(x.Name)), suggest(x.Name, known))
	}
}

// comes lists what the tested policy and those beside it may send, and how they may end.
func (t *testReader) comes() (notices, outcomes []string) {
	outcomes = []string{OutcomeKept}
	for _, name := range append([]string{t.t.Of}, t.t.Beside...) {
		p := t.voc.policies[name]
		if p == nil || p.For.IsZero() {
			continue
		}
		outcomes = append(outcomes, p.Taken())
		if p.Notice != nil {
			notices = append(notices, p.Notice.Email)
		}
	}
	return notices, outcomes
}
