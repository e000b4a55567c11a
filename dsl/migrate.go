package dsl

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rapport-crm/rapport/crm"
)

// Land says where a run of one version stands in another, by step id, and returns its progress there. It is a pure function,
// and never lands on an instruction that does not exist.
//
// Where the step that the run stands at is still there, the run stays at it: a wait that was changed ends at its new time,
// counted from the same moment as before. Where it is gone, the run goes on after the last step it has passed that is still
// there, and waits count from when that one was done. Steps that are new before that place are not made up, and no step is
// done again that was done. Where that cannot hold, or nobody can tell which branch the run belongs to, the landing is
// refused and the progress comes back as it was.
func Land(from, to *Program, p crm.Progress) (crm.Progress, crm.Landing) {
	l := &lander{from: from, to: to, p: p, at: p.At}
	if p.At == "" {
		return p, crm.Landing{Kind: crm.LandStays}
	}
	if p.At == EndID {
		return p, crm.Landing{Kind: crm.LandEnds, From: p.At}
	}
	if from.Loop != nil || to.Loop != nil {
		return l.loop()
	}
	was, known := from.Instr(l.at)
	if !known {
		return l.refuse("%s is not a step of the version it runs on.", l.at)
	}
	if _, there := to.Instr(l.at); !there { // a choose that has lost its `if`, or got one
		l.at = strings.TrimSuffix(l.at, choiceSuffix)
	}
	in, there := to.Instr(l.at)
	switch {
	case there && in.Op != was.Op:
		return l.refuse("%s was of the kind %s and is of the kind %s now.", l.at, was.Op, in.Op)
	case !there:
		return l.moved()
	case in.Op == OpTask && p.Begun && !in.Task.Wait: // nobody waits for the task any more
		return l.land(to.layout[in.ID].follow, l.at, nil)
	}
	return l.stays(was, in)
}

// loop lands a run of an interview. What was agreed is on the meeting's row, and the instructions of a round look there: so a run
// stays where it is, as long as there is such a place. One that waits for an answer, or for the interview, whose nudge or reminder is
// gone goes on at the last wait of that kind.
func (l *lander) loop() (crm.Progress, crm.Landing) {
	was, known := l.from.Instr(l.at)
	if !known || l.from.Loop == nil || l.to.Loop == nil {
		return l.refuse("%s is not a place of an interview of this version.", l.at)
	}
	at := l.at
	if in, there := l.to.Instr(at); !there || !sameKind(was, in) {
		if at = l.waitLike(was); at == "" {
			return l.refuse("%s is gone, and nothing like it is left in that round.", l.at)
		}
	}
	out := l.p
	if out.At = at; at == l.at {
		return out, crm.Landing{Kind: crm.LandStays, From: l.p.At, To: at}
	}
	return out, crm.Landing{Kind: crm.LandMoves, From: l.p.At, To: at}
}

// waitLike finds the last wait of a round that waits for the same as one that is gone; "" when there is none.
func (l *lander) waitLike(was *Instr) string {
	if was.Meet == nil || was.Meet.Do != MeetAnswer && was.Meet.Do != MeetUntil {
		return ""
	}
	round, last := l.from.Loop.Rounds[was.Meet.Round].ID, ""
	for i := range l.to.Code {
		in := &l.to.Code[i]
		if in.Meet == nil || l.to.Loop.Rounds[in.Meet.Round].ID != round || in.Meet.Do != was.Meet.Do {
			continue
		}
		if was.Meet.Do == MeetAnswer || in.ID == round+".held" {
			last = in.ID
		}
	}
	return last
}

// sameKind tells whether two instructions do the same kind of thing.
func sameKind(a, b *Instr) bool {
	return a.Op == b.Op && (a.Meet == nil) == (b.Meet == nil) && (a.Meet == nil || a.Meet.Do == b.Meet.Do)
}

// turn is a branch that has to be taken to get somewhere.
type turn struct{ step, branch string }

// turns lists the branches around an instruction, the innermost first.
func (p *Program) turns(id string) []turn {
	var turns []turn
	for where := p.layout[id].where; where != ""; where = p.layout[id].where {
		cut := strings.LastIndexByte(where, '/')
		id = where[:cut]
		turns = append(turns, turn{id, where[cut+1:]})
	}
	return turns
}

// lander is one landing at work.
type lander struct {
	from, to *Program
	p        crm.Progress
	at       string // where the run stands
}

func (l *lander) refuse(format string, args ...any) (crm.Progress, crm.Landing) {
	return l.p, crm.Landing{Kind: crm.LandRefused, From: l.p.At, Reason: fmt.Sprintf(format, args...)}
}

// stays leaves the run where it is.
func (l *lander) stays(was, in *Instr) (crm.Progress, crm.Landing) {
	if t, ok := l.inside(l.to.turns(l.at)); !ok {
		return l.refuse("%s is inside %s now, in a branch that this run has not taken.", l.at, t.step)
	}
	if again := l.again(l.to.index[l.at]); again != "" {
		return l.refuse("%s, which this run has done, comes after %s now.", again, l.at)
	}
	out := l.p
	out.At, out.Loops = l.at, l.loops(l.at)
	if in.Op == OpWaitFor && !sameMatches(was.WaitFor, in.WaitFor) {
		out.Checked = 0 // what has happened since may be what it waits for now
	}
	return out, crm.Landing{Kind: crm.LandStays, From: l.p.At, To: l.at}
}

// moved finds a place for a run whose step is gone: after the nearest of the steps that it has passed.
func (l *lander) moved() (crm.Progress, crm.Landing) {
	passed := l.passed()
	for i, t := range passed {
		near := i == 0
		was, _ := l.from.Instr(t.step)
		in, there := l.to.Instr(t.step)
		switch {
		case there && in.Op != was.Op:
			return l.refuse("%s was of the kind %s and is of the kind %s now.", t.step, was.Op, in.Op)
		case there && t.branch == "":
			return l.land(l.to.layout[t.step].follow, t.step, l.anchor(t.step, near))
		case there:
			branch, ok := l.branch(t)
			if !ok {
				return l.refuse("the branch of %s that this run is in is gone.", t.step)
			}
			return l.land(l.to.begin(t.step, branch), t.step, l.anchor(t.step, near))
		case t.branch == "":
			if last := l.lastInside(t.step); last != "" {
				return l.land(l.to.layout[last].follow, last, l.anchor(last, false))
			}
		}
	}
	if len(passed) > 0 || len(l.p.Steps) > 0 {
		return l.refuse("None of the steps that this run has done is left, so nobody can tell where it belongs.")
	}
	return l.land(0, "", nil)
}

// passed lists what the run has passed on its way to where it stands, the nearest first: the steps before it, and with their
// branch the steps that it is inside of.
func (l *lander) passed() []turn {
	var passed []turn
	id := l.at
	for {
		where := l.from.layout[id].where
		for pc := l.from.index[id] - 1; pc >= 0; pc-- {
			before := l.from.Code[pc].ID
			if l.from.layout[before].where == where && !strings.HasSuffix(before, choiceSuffix) {
				passed = append(passed, turn{step: before})
			}
		}
		if where == "" {
			return passed
		}
		around := l.from.turns(id)[0]
		passed = append(passed, around)
		id = around.step
	}
}

// lastInside returns the step that was done last of those inside a step that is gone, if it is still there.
func (l *lander) lastInside(step string) string {
	last := ""
	for _, id := range slices.Sorted(maps.Keys(l.p.Steps)) {
		s := l.p.Steps[id]
		within := slices.ContainsFunc(l.from.turns(id), func(t turn) bool { return t.step == step })
		if !within || !l.same(id) {
			continue
		}
		if best := l.p.Steps[last]; last == "" || s.Position > best.Position ||
			s.Position == best.Position && (s.At.After(best.At) || s.At.Equal(best.At) && l.from.index[id] > l.from.index[last]) {
			last = id
		}
	}
	return last
}

// same tells whether a step is in both versions and of the same kind.
func (l *lander) same(id string) bool {
	was, known := l.from.Instr(id)
	in, there := l.to.Instr(id)
	return known && there && was.Op == in.Op
}

// anchor is the state of the step that waits count from now, nil where nothing changes: what the run stands at came right
// after it.
func (l *lander) anchor(step string, near bool) *crm.StepState {
	if s, done := l.p.Steps[step]; done && !near && !s.At.IsZero() {
		return &s
	}
	return nil
}

// land puts the run on an instruction, after a step that it has passed.
func (l *lander) land(pc int, after string, anchor *crm.StepState) (crm.Progress, crm.Landing) {
	if after != "" {
		if t, ok := l.inside(l.to.turns(after)); !ok {
			return l.refuse("%s is inside %s now, in a branch that this run has not taken.", after, t.step)
		}
	}
	if again := l.again(pc); again != "" {
		return l.refuse("%s is gone, and %s, which this run has done, comes after the place where it would go on.", l.at, again)
	}
	out := l.p
	out.NotBefore, out.Deferred, out.Checked = time.Time{}, "", 0
	out.LastMessage, out.Begun, out.Calling = "", false, 0
	if anchor != nil {
		out.Reached, out.ReachedPos = anchor.At, anchor.Position
		out.Anchor, out.AnchorMessage = anchor.At, anchor.MessageID
	}
	if pc >= len(l.to.Code) {
		out.At, out.Loops = EndID, nil
		return out, crm.Landing{Kind: crm.LandEnds, From: l.p.At}
	}
	out.At = l.to.Code[pc].ID
	out.Loops = l.loops(out.At)
	return out, crm.Landing{Kind: crm.LandMoves, From: l.p.At, To: out.At}
}

// inside tells whether the run is in all of some branches of the new version, or returns one that it is not in.
func (l *lander) inside(turns []turn) (turn, bool) {
	around := l.from.turns(l.at)
	for _, t := range turns {
		i := slices.IndexFunc(around, func(x turn) bool { return x.step == t.step })
		if i >= 0 {
			if branch, ok := l.branch(around[i]); !ok || branch != t.branch {
				return t, false
			}
			continue
		}
		in, _ := l.to.Instr(t.step)
		s, done := l.p.Steps[t.step]
		before := l.from.index[t.step] < l.from.index[l.at] // else it was done in an earlier round of a repeat
		if !done || s.Outcome != t.branch || !l.same(t.step) || !before || in.Op == OpRepeat {
			return t, false
		}
	}
	return turn{}, true
}

// branch returns what a branch that the run is in is called in the new version. It is false when the step or the branch is
// gone. A branch of a choose is known by its condition, or where that was changed, by its place.
func (l *lander) branch(t turn) (string, bool) {
	if !l.same(t.step) {
		return "", false
	}
	was, in := l.from.chosen(t.step), l.to.chosen(t.step)
	switch {
	case in.Op == OpExperiment:
		return t.branch, slices.ContainsFunc(in.Experiment.Arms, func(a ExperimentArm) bool { return a.Name == t.branch })
	case in.Op != OpChoose || t.branch == "else":
		return t.branch, true
	}
	n, err := strconv.Atoi(t.branch)
	if err != nil || n > len(was.Choose.Arms) {
		return "", false
	}
	condition := was.Choose.Arms[n-1].If.Source
	for i := range in.Choose.Arms {
		if in.Choose.Arms[i].If.Source == condition {
			return strconv.Itoa(i + 1), true
		}
	}
	return t.branch, n <= len(in.Choose.Arms) && len(in.Choose.Arms) == len(was.Choose.Arms)
}

// chosen returns the instruction of a step; of a choose with an `if`, the one with its alternatives.
func (p *Program) chosen(step string) *Instr {
	if in, ok := p.Instr(step + choiceSuffix); ok {
		return in
	}
	in, _ := p.Instr(step)
	return in
}

// begin is where a branch begins; where it has no steps, what comes instead of it.
func (p *Program) begin(step, branch string) int {
	for pc := p.index[step] + 1; pc < len(p.Code); pc++ {
		if p.layout[p.Code[pc].ID].where == step+"/"+branch {
			return pc
		}
	}
	if in, _ := p.Instr(step); in.Op == OpRepeat {
		return p.index[step]
	}
	return p.layout[step].follow
}

// again returns a step that was done and would be done once more by going on at pc, or "". Those that came after the run's
// place before, too, were done in an earlier round of a repeat.
func (l *lander) again(pc int) string {
	if pc >= len(l.to.Code) {
		return ""
	}
	done := slices.Collect(maps.Keys(l.p.Steps))
	for _, t := range l.passed() {
		if in, _ := l.from.Instr(t.step); in.Implied && t.branch == "" {
			done = append(done, t.step)
		}
	}
	slices.Sort(done)
	for _, id := range done {
		in, there := l.to.Instr(id)
		was, known := l.from.Instr(id)
		if !there || id == l.at || l.to.index[id] < pc || known && was.Op != in.Op {
			continue
		}
		earlier := !known || l.from.index[id] < l.from.index[l.at]
		if earlier && !l.nextRound(id, &l.to.Code[pc]) && !l.to.exclusive(id, l.to.Code[pc].ID) {
			return id
		}
	}
	return ""
}

// nextRound tells whether a step is done in every round of the repeat that the run comes back to.
func (l *lander) nextRound(id string, in *Instr) bool {
	inside := func(p *Program, id string) bool {
		return slices.ContainsFunc(p.turns(id), func(t turn) bool { return t.step == in.ID })
	}
	return in.Op == OpRepeat && inside(l.from, l.at) && inside(l.from, id) && inside(l.to, id)
}

// exclusive tells whether two instructions are in different branches of the same step.
func (p *Program) exclusive(a, b string) bool {
	other := p.turns(b)
	return slices.ContainsFunc(p.turns(a), func(t turn) bool {
		return slices.ContainsFunc(other, func(o turn) bool { return o.step == t.step && o.branch != t.branch })
	})
}

// loops keeps the counters of the repeats that a place of the new version is in.
func (l *lander) loops(at string) map[string]crm.Loop {
	kept := maps.Clone(l.p.Loops)
	maps.DeleteFunc(kept, func(id string, _ crm.Loop) bool {
		in, there := l.to.Instr(id)
		return !there || in.Op != OpRepeat ||
			id != at && !slices.ContainsFunc(l.to.turns(at), func(t turn) bool { return t.step == id })
	})
	if len(kept) == 0 {
		return nil
	}
	return kept
}

// sameMatches tells whether two waits wait for the same.
func sameMatches(a, b *WaitFor) bool {
	return slices.EqualFunc(a.Branches, b.Branches, func(x, y Branch) bool {
		m, n := x.Match, y.Match
		when := m.When == nil && n.When == nil || m.When != nil && n.When != nil && m.When.Source == n.When.Source
		return x.Name == y.Name && when && slices.Equal(m.On, n.On) && m.Step == n.Step && m.Since == n.Since
	})
}
