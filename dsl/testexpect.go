package dsl

import (
	"fmt"
	"maps"
	"slices"

	"go.yaml.in/yaml/v4"

	"github.com/rapport-crm/rapport/crm"
)

// expected reads a line of what must come.
func (t *testReader) expected(n *yaml.Node) (x Expected, ok bool) {
	m := t.mapping(n, placeExpect)
	if m == nil {
		return x, false
	}
	x.Line = n.Line
	var kinds []Expectation
	for _, kind := range expectations() {
		if m.get(string(kind)) != nil {
			kinds = append(kinds, kind)
		}
	}
	if len(kinds) == 2 && withOutcome(string(kinds[0]), string(kinds[1])) {
		x.Reason = t.word(m.get("outcome"), "an outcome")
		kinds = kinds[:1]
	}
	if len(kinds) != 1 {
		if len(m.values) == len(n.Content)/2 {
			t.add(n, codeMissingKey, "An expectation is about one thing.", "Give it one of email, sms, skipped, task, survey, update, enroll, leave, emit, call, ats, arm and outcome; in the test of an interview also of invitation, cancellation, scorecard, offered and booked.")
		}
		return x, false
	}
	x.Kind = kinds[0]
	t.details(m, &x)
	t.keptUntil(m, &x)
	t.meetingDetails(m, &x)
	name := m.get(string(x.Kind))
	if x.Name, ok = t.text(name, string(x.Kind)); ok && t.p != nil {
		t.possible(name, &x)
	} else if ok && t.policy != nil {
		t.keepable(name, &x)
	}
	return x, ok
}

// details reads what an expectation says beside its name.
func (t *testReader) details(m *mapping, x *Expected) {
	if n := m.get("at"); n != nil {
		x.At = t.moment(n, "at")
	}
	if n := m.get("within"); n != nil {
		x.Within = t.duration(n, "within")
		if m.get("at") == nil {
			t.add(m.keys["within"], codeConflict, "within says how much later than `at` it may be.", "Add `at`, or take within out.")
		}
	}
	if n := m.get("reason"); n != nil {
		x.Reason = t.word(n, "a reason")
		if x.Kind == ExpectOutcome {
			t.keptReason(n, m, x)
		} else if x.Kind != ExpectSkipped {
			t.add(m.keys["reason"], codeConflict, "reason says why something is skipped.", "Take it out.")
		} else if known := skipReasons(); x.Reason != "" && !slices.Contains(known, x.Reason) {
			t.add(n, codeTestNever, fmt.Sprintf("Nothing is skipped for the reason %q.", clip(x.Reason)), suggest(x.Reason, known))
		}
	}
	if n := m.get("of"); n != nil {
		x.Of, _ = t.text(n, "of")
		if x.Kind != ExpectArm {
			t.add(m.keys["of"], codeConflict, "of names the experiment of an arm.", "Take it out.")
		} else {
			t.step(n, "an experiment", OpExperiment)
		}
	}
}

func skipReasons() []string {
	return []string{
		ReasonCondition, ReasonNoAddress, ReasonNotMobile, ReasonSuppressed, ReasonNoConsent, ReasonNoPurpose, ReasonTooLate, ReasonAllHad,
		ReasonUnopened, ReasonMoot, ReasonCap, ReasonQuiet, ReasonWindow, ReasonPaused, string(crm.MessageCancelled),
	}
}

// possible reports an expectation that the tested sequence can never meet.
func (t *testReader) possible(n *yaml.Node, x *Expected) {
	if t.meetingExpected(n, x) {
		return
	}
	var known []string
	what := ""
	switch x.Kind { //nolint:exhaustive // those of interviews are above
	case ExpectEmail, ExpectSMS:
		known, what = t.p.sent(crm.Channel(x.Kind)), "sends no "+string(x.Kind)
	case ExpectSkipped:
		known, what = t.p.skippable(), "has no message and no step"
	case ExpectTask:
		known, what = t.p.names(OpTask), "has no task"
	case ExpectSurvey:
		known, what = t.p.names(OpSurvey), "has no survey step"
	case ExpectUpdate:
		known, what = t.p.ids(OpUpdate), "has no update"
	case ExpectEnroll:
		known, what = t.p.asks(OpEnroll), "has no enroll step"
	case ExpectLeave:
		known, what = t.p.asks(OpLeave), "has no leave step"
	case ExpectEmit:
		known, what = t.p.ids(OpEmit), "has no emit step"
	case ExpectCall:
		known, what = t.p.ids(OpCall), "has no call"
	case ExpectATS:
		known, what = t.p.ids(OpATS), "has no ats step"
	case ExpectArm:
		known, what = t.p.arms(x.Of), "has no arm"
	case ExpectOutcome:
		known, what = t.p.outcomes(), "never ends as"
	}
	if !slices.Contains(known, x.Name) {
		t.add(n, codeTestNever, fmt.Sprintf("%s %s %q.", t.p.Name, what, clip(x.Name)), t.otherName(x, known))
	}
}

// otherName says by which name a message is expected, where its step's id was written.
func (t *testReader) otherName(x *Expected, known []string) string {
	if pc, ok := t.p.Find(x.Name); ok && pc < len(t.p.Code) {
		if in := &t.p.Code[pc]; in.Op == OpSend && len(in.Send.Use) > 0 && slices.Contains(known, in.Send.Use[0]) {
			return fmt.Sprintf("A message is named by its name: %s.", in.Send.Use[0])
		}
	}
	return suggest(x.Name, known)
}

// sent lists the names of what the program sends on a channel.
func (p *Program) sent(ch crm.Channel) []string {
	var names []string
	for i := range p.Code {
		in := &p.Code[i]
		if in.Op != OpSend || in.Send.Channel != ch {
			continue
		}
		if names = append(names, in.Send.Use...); len(in.Send.Use) == 0 && !in.Implied {
			names = append(names, in.ID)
		}
	}
	return names
}

// skippable lists the names of what the program may skip.
func (p *Program) skippable() []string {
	var names []string
	for i := range p.Code {
		in := &p.Code[i]
		if in.Send != nil {
			names = append(names, in.Send.Use...)
		}
		if !in.Implied {
			names = append(names, p.called(in)...)
		}
	}
	return names
}

// names lists all that the steps may be called that do one thing.
func (p *Program) names(op Op) []string {
	var names []string
	for i := range p.Code {
		if in := &p.Code[i]; !in.Implied && in.Op == op {
			names = append(names, p.Names(in, "")...)
		}
	}
	return names
}

// asks lists the ids of enroll or leave steps and the sequences they name.
func (p *Program) asks(op Op) []string {
	var names []string
	for i := range p.Code {
		if in := &p.Code[i]; in.Op == op {
			if names = append(names, in.Sequence); !in.Implied {
				names = append(names, in.ID)
			}
		}
	}
	return names
}

// arms lists the arms of an experiment, or of all.
func (p *Program) arms(of string) []string {
	var names []string
	for i := range p.Code {
		if in := &p.Code[i]; of == "" || in.ID == of {
			names = append(names, in.armNames()...)
		}
	}
	return names
}

// outcomes lists the words that a run can end with.
func (p *Program) outcomes() []string {
	words := map[string]bool{}
	for _, w := range []string{
		crm.OutcomeCompleted, crm.OutcomeOptedOut, crm.OutcomeStopped, crm.OutcomeLeft, crm.OutcomeMerged, crm.OutcomeErased,
	} {
		words[w] = true
	}
	for _, m := range p.Exits {
		words[m.Outcome] = true
	}
	for i := range p.Code {
		if in := &p.Code[i]; in.Op == OpExit {
			words[in.Exit] = true
		}
	}
	return slices.Collect(maps.Keys(words))
}
