package dsl

import (
	"fmt"
	"slices"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/rapport-crm/rapport/crm"
)

// flow follows the steps of a sequence as a run does, and reports what no run comes to.
type flow struct{ *paths }

func (f *flow) check() {
	f.block(f.all)
	f.endless()
}

func (f *flow) block(steps []*step) {
	before := goesOn
	for _, s := range steps {
		switch before {
		case runEnds:
			f.warn(s.node, codeUnreachable, "This step is never reached: the run has ended before it.", "Take it out, or give the exit an `if`.")
		case neverEnds:
			f.warn(s.node, codeUnreachable, "This step is never reached: the repeat before it never ends.", "Take it out, or give the repeat `times` or `while`.")
		case goesOn:
		}
		before = s.ending()
		f.choices(s)
		f.branches(s)
		for _, b := range s.blocks() {
			f.block(b)
		}
	}
}

// choices reports alternatives of a choose that an earlier one always takes the place of.
func (f *flow) choices(s *step) {
	if s.instr.Op != OpChoose {
		return
	}
	seen := map[string]int{}
	taken := 0 // the line of an alternative that is always taken
	for i, n := range entriesOfNode(valueOf(s.node, "choose")) {
		if taken != 0 {
			f.warn(n, codeUnreachable, fmt.Sprintf("This alternative is never taken: the one on line %d always is.", taken), "Take one of them out.")
			continue
		}
		if i >= len(s.arms) || s.arms[i].cond == nil {
			continue
		}
		source := s.arms[i].cond.Source
		if line := seen[source]; line != 0 {
			f.warn(n, codeUnreachable, fmt.Sprintf("This alternative is never taken: the one on line %d has the same condition.", line), "Take one of them out.")
			continue
		}
		seen[source] = n.Line
		if s.arms[i].cond.isAlways() {
			taken = n.Line
		}
	}
}

// branches reports what follows an outcome that the step never has.
func (f *flow) branches(s *step) {
	t := s.instr.Task
	if t == nil || !t.Wait || !t.Timeout.IsZero() {
		return
	}
	if then := valueOf(s.node, "then"); then != nil && hasKey(then, OutcomeTimeout) {
		f.warn(keyOf(then, OutcomeTimeout), codeUnreachable, "This branch is never taken: the task has no timeout.", "Add `timeout: 14d` to the task.")
	}
}

// endless warns of repeats that nothing ends.
func (f *flow) endless() {
	leaves := len(f.p.Exits) > 0 || slices.ContainsFunc(f.p.Enroll, func(r *Rule) bool { return r.In != "" && len(r.On) == 0 && r.At.IsZero() })
	if leaves {
		return
	}
	for _, s := range f.order {
		if !s.endless() {
			continue
		}
		if !slices.ContainsFunc(f.order, func(x *step) bool { return x.instr.Op == OpExit && f.isInside(x, s) }) {
			f.warn(keyOf(s.node, "repeat"), codeEndless, "Nothing ends this repeat but an opt-out.", "Give it `times` or `while`, or the sequence an `exit`.")
		}
	}
}

// endless tells whether a step repeats for ever.
func (s *step) endless() bool {
	r := s.instr.Repeat
	return r != nil && r.Times == 0 && (r.While == nil || r.While.isAlways())
}

// ending is how a step leaves a run.
type ending int

const (
	goesOn    ending = iota
	runEnds          // on every path
	neverEnds        // at least on one path, and on no path does anything follow
)

// ending tells whether something can follow the step.
func (s *step) ending() ending {
	if s.instr.If != nil && !s.instr.If.isAlways() {
		return goesOn
	}
	switch s.instr.Op {
	case OpExit:
		return runEnds
	case OpChoose:
		return s.chooseEnding()
	case OpExperiment:
		return together(armSteps(s.arms)...)
	case OpRepeat:
		return s.repeatEnding()
	case OpSend, OpTask, OpUpdate, OpWait, OpWaitFor, OpEnroll, OpLeave, OpInterview, OpSurvey, OpCall, OpATS, OpEmit, OpMeet:
	}
	outcomes := s.outcomes()
	if t := s.instr.Task; t != nil && t.Wait && t.Timeout.IsZero() {
		outcomes = slices.DeleteFunc(outcomes, func(o string) bool { return o == OutcomeTimeout })
	}
	var branches [][]*step
	for _, b := range s.then {
		if slices.Contains(outcomes, b.outcome) {
			branches = append(branches, b.steps)
		}
	}
	if len(branches) < len(outcomes) {
		return goesOn
	}
	return together(branches...)
}

func (s *step) chooseEnding() ending {
	blocks := armSteps(s.arms)
	for i, a := range s.arms {
		if a.cond.isAlways() {
			return together(blocks[:i+1]...)
		}
	}
	if !s.hasElse {
		return goesOn
	}
	return together(append(blocks, s.otherwise)...)
}

func (s *step) repeatEnding() ending {
	switch {
	case s.instr.Repeat.While == nil && of(s.do) == runEnds:
		return runEnds
	case s.endless():
		return neverEnds
	}
	return goesOn
}

func armSteps(arms []arm) [][]*step {
	blocks := make([][]*step, len(arms))
	for i, a := range arms {
		blocks[i] = a.steps
	}
	return blocks
}

// of returns how a list of steps leaves a run.
func of(steps []*step) ending {
	for _, s := range steps {
		if e := s.ending(); e != goesOn {
			return e
		}
	}
	return goesOn
}

// together returns how alternatives leave a run, of which one is taken.
func together(blocks ...[]*step) ending {
	all := goesOn
	for _, b := range blocks {
		e := of(b)
		if e == goesOn {
			return goesOn
		}
		all = max(all, e)
	}
	return all
}

// limits says when a sequence's limit is never the strictest.
func (p *paths) limits() {
	own, n := p.p.Limit, valueOf(p.src.root, "limit")
	if own == nil || n == nil {
		return
	}
	if p.p.Transactional() {
		p.noEffect(n, "Transactional messages count towards no limit.", "Take it out.")
		return
	}
	if p.voc.workspace == nil || p.voc.workspace.Limit == nil {
		return
	}
	if ws := p.voc.workspace.Limit; own.Count >= ws.Count && own.Per.Exact <= ws.Per.Exact {
		p.noEffect(n, fmt.Sprintf("The workspace's limit of %s is always the stricter one.", ws), "Take it out, or make it stricter.")
	}
}

// String writes the limit as the language does. Spans of whole days are shown in days: a limit counts them as 24 hours.
func (l *Limit) String() string {
	const day = 24 * time.Hour
	if l.Per.Exact%day == 0 {
		return fmt.Sprintf("%d/%dd", l.Count, l.Per.Exact/day)
	}
	return fmt.Sprintf("%d/%s", l.Count, l.Per)
}

// noEffect reports a hint.
func (r *docReader) noEffect(n *yaml.Node, message, fix string) {
	r.note(n, crm.SeverityHint, codeNoEffect, message, fix)
}
