package dsl

import (
	"fmt"
	"maps"
	"slices"

	"go.yaml.in/yaml/v4"

	"github.com/rapport-crm/rapport/crm"
)

// step is a step as it was read: an instruction and the blocks that hang on it, before compile lays them out flat.
type step struct {
	node  *yaml.Node
	instr Instr // but for ID of a step without one, Next and Then

	then      []block // by outcome, in listing order
	arms      []arm   // of choose
	otherwise []*step // the else of choose
	hasElse   bool
}

// block is the steps that follow an outcome.
type block struct {
	outcome string
	steps   []*step
}

// arm is an alternative of choose.
type arm struct {
	cond  *Condition
	steps []*step
}

func stepIDs(steps map[string]*step) []string { return slices.Collect(maps.Keys(steps)) }

// outcomes lists how a step can end.
func (s *step) outcomes() []string {
	switch s.instr.Op {
	case OpSend:
		return []string{crm.OutcomeSent, crm.OutcomeSkipped, crm.OutcomeFailed}
	case OpTask:
		return []string{"created"}
	case OpWaitFor:
		names := make([]string, 0, len(s.instr.WaitFor.Branches)+1)
		for _, b := range s.instr.WaitFor.Branches {
			names = append(names, b.Name)
		}
		return append(names, outcomeTimeout)
	case OpUpdate, OpWait, OpChoose, OpExit:
	}
	return nil
}

const outcomeTimeout = "timeout"

// sends tells whether the step or one inside it sends messages.
func (s *step) sends() bool {
	return s.instr.Op == OpSend || slices.ContainsFunc(s.children(), (*step).sends)
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
	return append(all, s.otherwise...)
}

// ends tells whether nothing can follow the step.
func (s *step) ends() bool {
	switch {
	case s.instr.If != nil:
		return false
	case s.instr.Op == OpExit:
		return true
	case s.instr.Op == OpChoose:
		return s.hasElse && endsAll(s.otherwise) && !slices.ContainsFunc(s.arms, func(a arm) bool { return !endsAll(a.steps) })
	}
	return len(s.then) > 0 && len(s.then) == len(s.outcomes()) && !slices.ContainsFunc(s.then, func(b block) bool { return !endsAll(b.steps) })
}

func endsAll(steps []*step) bool { return slices.ContainsFunc(steps, (*step).ends) }

// block reads a list of steps.
func (q *sequenceReader) block(n *yaml.Node, place string) []*step {
	entries := q.list(n, place, false)
	if n.Kind == yaml.SequenceNode && len(entries) == 0 && place == "steps" {
		q.add(n, codeNoSteps, "A sequence has at least one step.", "")
	}
	steps := make([]*step, 0, len(entries))
	ended := false
	for _, e := range entries {
		if ended {
			q.note(e, crm.SeverityWarning, codeUnreachable, "This step is never reached: the run has ended before it.", "Take it out, or give the exit an `if`.")
			ended = false
		}
		if s := q.step(e); s != nil {
			steps = append(steps, s)
			ended = s.ends()
		}
	}
	return steps
}

func stepKinds() []string {
	return []string{"email", "sms", "task", "wait", "wait_for", "choose", "update", "exit"}
}

// step reads one step.
func (q *sequenceReader) step(n *yaml.Node) *step {
	m := q.mapping(n, placeStep, append(stepKinds(), "id", "if", "then")...)
	if m == nil {
		return nil
	}
	kind := q.stepKind(n, m)
	s := &step{node: n}
	if c := m.get("if"); c != nil {
		s.instr.If = q.condition(c, &q.sc)
	}
	if kind != "" {
		q.body(s, kind, m.get(kind))
	}
	q.stepID(s, m, kind)
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
		q.add(n, codeMissingKey, "This step does nothing.", "Give it one of: email, sms, task, wait, wait_for, choose, update, exit.")
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

func needsID(kind string) bool {
	return kind == "email" || kind == "sms" || kind == "task" || kind == "wait_for"
}

// then reads the branches of a step by outcome.
func (q *sequenceReader) then(s *step, n, key *yaml.Node, kind string) {
	if kind != "" && !needsID(kind) {
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
func (q *sequenceReader) body(s *step, kind string, n *yaml.Node) {
	switch kind {
	case "email", "sms":
		s.instr.Op, s.instr.Send = OpSend, q.send(n, crm.Channel(kind))
	case "task":
		s.instr.Op, s.instr.Task = OpTask, q.task(n)
	case "wait":
		s.instr.Op, s.instr.Wait = OpWait, q.wait(n)
	case "wait_for":
		s.instr.Op, s.instr.WaitFor = OpWaitFor, q.waitFor(n)
	case "choose":
		s.instr.Op = OpChoose
		q.choose(s, n)
	case "update":
		s.instr.Op, s.instr.Update = OpUpdate, q.update(n)
	case "exit":
		s.instr.Op, s.instr.Exit = OpExit, q.outcome(n)
	}
}

func (q *sequenceReader) wait(n *yaml.Node) *Wait {
	if n.Kind == yaml.MappingNode {
		q.mapping(n, placeWait)
		return &Wait{}
	}
	return &Wait{For: q.duration(n, "wait")}
}

func (q *sequenceReader) waitFor(n *yaml.Node) *WaitFor {
	w := &WaitFor{}
	entries, ok := q.entries(n, "wait_for")
	timeout := false
	for _, e := range entries {
		if e.key.Value == outcomeTimeout {
			timeout, w.Timeout = true, q.duration(e.value, outcomeTimeout)
			continue
		}
		name := q.word(e.key, "a branch")
		if m := q.match(e.value, placeBranch, "on", "when", "step", "since"); m != nil && name != "" {
			w.Branches = append(w.Branches, Branch{Name: name, Match: m})
		}
	}
	switch {
	case !ok:
	case !timeout:
		q.add(n, codeTimeout, "wait_for needs a timeout: a run must not wait for ever.", "Add `timeout: 14d`.")
	case len(entries) == 1:
		q.add(n, codeMissingKey, "This wait_for waits for nothing but its timeout.", "Name a branch with a match, or use `wait`.")
	}
	return w
}

func (q *sequenceReader) choose(s *step, n *yaml.Node) {
	entries := q.list(n, "choose", false)
	for i, e := range entries {
		m := q.mapping(e, "an alternative of choose", "if", "do", "else")
		if m == nil {
			continue
		}
		if otherwise := m.get("else"); otherwise != nil {
			if i < len(entries)-1 || len(m.values) > 1 {
				q.add(m.keys["else"], codeConflict, "else stands alone, as the last alternative.", "")
			}
			s.otherwise, s.hasElse = q.block(otherwise, "else"), true
			continue
		}
		if !q.require(m, "an alternative of choose", "if", "do") {
			continue
		}
		s.arms = append(s.arms, arm{q.condition(m.get("if"), &q.sc), q.block(m.get("do"), "do")})
	}
	if n.Kind == yaml.SequenceNode && (len(entries) == 0 || len(entries) == 1 && s.hasElse) {
		q.add(n, codeNoSteps, "choose has no alternative with a condition.", "Write a list of {if, do}, and {else: [..]} at its end.")
	}
}
