package dsl

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/rapport-crm/rapport/crm"
)

// step is a step as it was read: an instruction and the blocks that hang on it, before compile lays them out flat.
type step struct {
	node  *yaml.Node
	instr Instr // but for ID of a step without one, Next and Then

	then      []block // by outcome, in listing order
	arms      []arm   // of choose and experiment
	otherwise []*step // the else of choose
	hasElse   bool
	do        []*step // of repeat
}

// block is the steps that follow an outcome.
type block struct {
	outcome string
	steps   []*step
}

// arm is an alternative of choose, or an arm of an experiment.
type arm struct {
	cond  *Condition
	steps []*step
}

func stepIDs(steps map[string]*step) []string { return slices.Collect(maps.Keys(steps)) }

// outcomes lists how a step can end.
func (s *step) outcomes() []string { return s.instr.Outcomes() }

// ends lists how a task step can end.
func (t *Task) ends() []string {
	if !t.Wait {
		return []string{outcomeCreated}
	}
	ends := slices.Clone(t.Outcomes)
	if len(ends) == 0 {
		ends = []string{outcomeDone}
	}
	return append(ends, OutcomeTimeout)
}

// states lists what steps.ID.outcome can be: outcomes, and the arms of an experiment.
func (s *step) states() []string {
	all := append(s.outcomes(), crm.OutcomeSkipped)
	if x := s.instr.Experiment; x != nil {
		for _, a := range x.Arms {
			all = append(all, a.Name)
		}
	}
	return slices.Compact(slices.Sorted(slices.Values(all)))
}

// Outcomes of steps, beside those of messages and calls.
const (
	OutcomeTimeout  = "timeout"
	outcomeCreated  = "created"
	outcomeDone     = "done"
	outcomeAnswered = "answered"
)

// sends tells whether the step or one inside it sends messages.
func (s *step) sends() bool {
	return s.instr.Send != nil || slices.ContainsFunc(s.children(), (*step).sends)
}

// children returns the steps that hang on a step, one level down.
func (s *step) children() []*step {
	var all []*step
	for _, b := range s.then {
		all = append(all, b.steps...)
	}
	for _, a := range s.arms {
		all = append(all, a.steps...)
	}
	all = append(all, s.otherwise...)
	return append(all, s.do...)
}

// block reads a list of steps.
func (q *sequenceReader) block(n *yaml.Node, place string) []*step {
	entries := q.list(n, place, false)
	if n.Kind == yaml.SequenceNode && len(entries) == 0 && place == "steps" {
		q.add(n, codeNoSteps, "A sequence has at least one step.", "")
	}
	steps := make([]*step, 0, len(entries))
	for _, e := range entries {
		if s := q.step(e); s != nil {
			steps = append(steps, s)
		}
	}
	return steps
}

// stepKinds are the keys of a step that say what it does.
func stepKinds() []string {
	return slices.DeleteFunc(keyNames(placeStep), func(name string) bool {
		return slices.Contains([]string{"id", "if", "then", "do"}, name)
	})
}

// step reads one step.
func (q *sequenceReader) step(n *yaml.Node) *step {
	m := q.mapping(n, placeStep)
	if m == nil {
		return nil
	}
	kind := q.stepKind(n, m)
	s := &step{node: n}
	if c := m.get("if"); c != nil {
		s.instr.If = q.condition(c, &q.sc)
	}
	if kind != "" {
		q.body(s, kind, m)
	}
	q.stepID(s, m, kind)
	if do := m.get("do"); do != nil {
		if kind == "repeat" {
			s.do = q.block(do, "do")
		} else if kind != "" {
			q.add(m.keys["do"], codeConflict, "do belongs to repeat.", "Put the steps after it.")
		}
	}
	if t := m.get("then"); t != nil {
		q.then(s, t, m.keys["then"], kind)
	}
	if kind == "" {
		return nil
	}
	return s
}

// stepKind returns the one key that says what a step does.
func (q *sequenceReader) stepKind(n *yaml.Node, m *mapping) string {
	var kinds []string
	for _, k := range stepKinds() {
		if m.get(k) != nil {
			kinds = append(kinds, k)
		}
	}
	switch {
	case len(kinds) > 1:
		q.add(m.keys[kinds[1]], codeConflict, fmt.Sprintf("A step does one thing; this one has %s and %s.", kinds[0], kinds[1]), "Make two steps of it.")
	case len(kinds) == 1:
	case len(m.values) == len(n.Content)/2: // else an unknown key was reported already
		q.add(n, codeMissingKey, "This step does nothing.", "Give it one of: "+strings.Join(stepKinds(), ", ")+".")
	}
	if len(kinds) == 0 {
		return ""
	}
	return kinds[0]
}

// stepID reads the id of a step, and asks for one where the step has outcomes.
func (q *sequenceReader) stepID(s *step, m *mapping, kind string) {
	n := m.get("id")
	if n == nil {
		if needsID(kind) {
			q.add(m.keys[kind], codeNeedsID, fmt.Sprintf("A step with %s needs an id: progress and statistics go by it.", kind), "Add `id: a_word`.")
		}
		return
	}
	id := q.word(n, "an id")
	if id == "" {
		return
	}
	if first := q.steps[id]; first != nil {
		q.add(n, codeStepID, fmt.Sprintf("The id %q is used twice: also on line %d.", id, first.node.Line), "Ids are unique in a sequence, over all branches.")
		return
	}
	s.instr.ID = id
	q.steps[id] = s
}

// needsID tells whether steps of a kind have outcomes, or progress of their own.
func needsID(kind string) bool {
	return slices.Contains([]string{"email", "sms", "task", "wait_for", "experiment", "repeat", "survey", "call", "interview", "ats"}, kind)
}

// branches tells whether steps of a kind can have `then`.
func branches(kind string) bool {
	return needsID(kind) && kind != "experiment" && kind != "repeat"
}

// then reads the branches of a step by outcome.
func (q *sequenceReader) then(s *step, n, key *yaml.Node, kind string) {
	if kind != "" && !branches(kind) {
		q.add(key, codeOutcome, fmt.Sprintf("A step with %s has no outcomes.", kind), "Put the steps after it.")
		return
	}
	entries, _ := q.entries(n, "then")
	for _, e := range entries {
		if kind != "" && !slices.Contains(s.outcomes(), e.key.Value) {
			q.add(e.key, codeOutcome, fmt.Sprintf("This step never ends with %q.", clip(e.key.Value)), suggest(e.key.Value, s.outcomes()))
		}
		s.then = append(s.then, block{e.key.Value, q.block(e.value, "a branch")})
	}
}

// body reads what a step does.
func (q *sequenceReader) body(s *step, kind string, m *mapping) {
	in, n := &s.instr, m.get(kind)
	switch kind {
	case "email", "sms":
		in.Op, in.Send = OpSend, q.send(n, crm.Channel(kind))
	case "task":
		in.Op, in.Task = OpTask, q.task(n)
	case "wait":
		in.Op, in.Wait = OpWait, q.wait(n)
	case "wait_for":
		in.Op, in.WaitFor = OpWaitFor, q.waitFor(n)
	case "choose":
		in.Op = OpChoose
		q.choose(s, n)
	case "experiment":
		in.Op, in.Experiment = OpExperiment, &Experiment{}
		q.experiment(s, n)
	case "repeat":
		in.Op, in.Repeat = OpRepeat, q.repeat(n, m)
	case "update":
		in.Op, in.Update = OpUpdate, q.update(n)
	case "enroll":
		in.Op, in.Sequence = OpEnroll, q.other(n)
	case "leave":
		in.Op, in.Sequence = OpLeave, q.other(n)
	case "interview":
		in.Op, in.Sequence = OpInterview, q.interviewNamed(n)
	case "survey":
		in.Op = OpSurvey
		q.survey(in, n)
	case "call":
		in.Op, in.Call = OpCall, q.call(n)
	case "ats":
		in.Op, in.ATS = OpATS, q.ats(n)
	case "emit":
		in.Op, in.Emit = OpEmit, q.emit(n)
	case "exit":
		in.Op, in.Exit = OpExit, q.outcome(n)
	}
}
