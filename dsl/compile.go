package dsl

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/rapport-crm/rapport/crm"
)

// compile lays the steps out flat. A step is followed by the blocks that hang on it; every way out of a block is a jump, so
// the order of blocks means nothing to a run.
func (q *sequenceReader) compile() {
	c := &compiler{p: q.p, taken: map[string]bool{}}
	q.p.index, q.p.contains, q.p.layout = map[string]int{}, map[string][]string{}, map[string]site{}
	for id := range q.steps {
		c.taken[id] = true
	}
	c.block(q.all, size(q.all), "")
	for pc := range q.p.Code {
		q.p.index[q.p.Code[pc].ID] = pc
	}
	for id, s := range q.steps {
		if inside := idsInside(s); len(inside) > 0 {
			q.p.contains[id] = inside
		}
	}
	q.p.Listens = listens(q.p)
}

// idsInside lists the ids of the steps that hang on a step, at any depth, sorted.
func idsInside(s *step) []string {
	var ids []string
	for _, child := range s.children() {
		if child.instr.ID != "" {
			ids = append(ids, child.instr.ID)
		}
		ids = append(ids, idsInside(child)...)
	}
	slices.Sort(ids)
	return ids
}

// listens lists every event type that an exit or a wait looks at.
func listens(p *Program) []string {
	types := map[string]bool{"consent.revoked": true}
	state := func(c *Condition) {
		if c != nil {
			for _, t := range c.Events {
				types[t] = true
			}
		}
	}
	match := func(m *Match) {
		for _, t := range m.On {
			types[t] = true
		}
		if m.State() {
			state(m.When)
		}
	}
	for _, m := range p.Exits {
		match(m)
	}
	for i := range p.Code {
		in := &p.Code[i]
		if w := in.WaitFor; w != nil {
			for _, b := range w.Branches {
				match(b.Match)
			}
		}
		if w := in.Wait; w != nil {
			state(w.Until)
		}
		types[eventTaskDone] = types[eventTaskDone] || in.Task != nil && in.Task.Wait
		types[eventAnswered] = types[eventAnswered] || in.Survey != nil
		types[crm.ControlEnded] = types[crm.ControlEnded] || in.Op == OpInterview
	}
	maps.DeleteFunc(types, func(_ string, listened bool) bool { return !listened })
	return sorted(types)
}

// Events that steps themselves wait for.
const (
	eventTaskDone = "task.completed"
	eventAnswered = "survey.answered"
)

// choiceSuffix makes the id of a choose that has an `if`, which is an instruction of its own before it.
const choiceSuffix = "/choice"

// compiler appends instructions to a program.
type compiler struct {
	p     *Program
	taken map[string]bool // ids
	where string          // the block that is being laid out
}

// size counts the instructions that steps take.
func size(steps []*step) int {
	n := 0
	for _, s := range steps {
		n += s.size()
	}
	return n
}

func (s *step) size() int {
	n := 1 + size(s.children())
	if s.guarded() {
		n++
	}
	return n
}

// guarded tells whether a choose has an `if`. An instruction that is skipped goes on to Next, which for a choose is its else:
// so its `if` becomes a choose around it.
func (s *step) guarded() bool { return s.instr.Op == OpChoose && s.instr.If != nil }

// block lays out a list of steps that goes on to next. after names the place for implied ids: the last step with an id.
func (c *compiler) block(steps []*step, next int, after string) {
	for i, s := range steps {
		follow := len(c.p.Code) + s.size()
		if i == len(steps)-1 {
			follow = next
		}
		id := c.step(s, follow, after)
		if s.instr.ID != "" {
			after = id
		}
	}
}

// step lays out one step and its blocks, and returns its id.
func (c *compiler) step(s *step, next int, after string) string {
	in := s.instr
	if in.ID == "" {
		in.ID, in.Implied = c.implied(in.Op, after), true
	}
	c.p.layout[in.ID] = site{c.where, next}
	if s.guarded() {
		c.p.Code = append(c.p.Code, Instr{
			ID: in.ID, Implied: in.Implied, Op: OpChoose, Next: next,
			Choose: &Choose{Arms: []Arm{{If: in.If, Go: len(c.p.Code) + 1}}},
		})
		in.ID, in.Implied, in.If = in.ID+choiceSuffix, true, nil
		c.p.layout[in.ID] = site{c.where, next}
	}
	in.Next = next
	at := len(c.p.Code)
	c.p.Code = append(c.p.Code, in)
	switch in.Op {
	case OpChoose:
		c.choose(at, s, next)
	case OpExperiment:
		c.experiment(at, s, next)
	case OpRepeat:
		c.repeat(at, s)
	case OpSend, OpTask, OpUpdate, OpWait, OpWaitFor, OpEnroll, OpLeave, OpInterview, OpSurvey, OpCall, OpATS, OpEmit, OpExit, OpMeet:
		c.then(at, s, next)
	}
	if s.guarded() {
		return c.p.Code[at-1].ID
	}
	return in.ID
}

func (c *compiler) then(at int, s *step, next int) {
	for _, b := range s.then {
		if c.p.Code[at].Then == nil {
			c.p.Code[at].Then = make(map[string]int, len(s.then))
		}
		c.p.Code[at].Then[b.outcome] = c.branch(b.steps, next, c.p.Code[at].ID+"/"+b.outcome)
	}
}

func (c *compiler) choose(at int, s *step, next int) {
	arms := make([]Arm, 0, len(s.arms))
	id := strings.TrimSuffix(c.p.Code[at].ID, choiceSuffix)
	for i, a := range s.arms {
		arms = append(arms, Arm{If: a.cond, Go: c.branch(a.steps, next, id+"/"+strconv.Itoa(i+1))})
	}
	c.p.Code[at].Choose = &Choose{Arms: arms}
	c.p.Code[at].Next = c.branch(s.otherwise, next, id+"/else")
}

// experiment lays out the arms. The instruction's own is copied, as a step that was read is not changed.
func (c *compiler) experiment(at int, s *step, next int) {
	x := *s.instr.Experiment
	x.Arms = slices.Clone(x.Arms)
	for i := range x.Arms {
		x.Arms[i].Go = c.branch(s.arms[i].steps, next, c.p.Code[at].ID+"/"+x.Arms[i].Name)
	}
	c.p.Code[at].Experiment = &x
}

// repeat lays out what is repeated; its end comes back to the instruction.
func (c *compiler) repeat(at int, s *step) {
	r := *s.instr.Repeat
	r.Go = c.branch(s.do, at, c.p.Code[at].ID+"/do")
	c.p.Code[at].Repeat = &r
}

// branch lays out a block that comes back to next, and returns where it begins.
func (c *compiler) branch(steps []*step, next int, after string) int {
	if len(steps) == 0 {
		return next
	}
	begin, outer := len(c.p.Code), c.where
	c.where = after
	c.block(steps, next, after)
	c.where = outer
	return begin
}

// implied makes an id for a step that has none, from the step before it: "after thanks", "exit after heard/clicked". It has a
// blank, so that it is never an id that was written, and does not depend on what comes later.
func (c *compiler) implied(op Op, after string) string {
	id := "at start"
	if after != "" {
		id = "after " + after
	}
	if op != OpWait {
		id = string(op) + " " + id
	}
	unique := id
	for n := 2; c.taken[unique]; n++ {
		unique = id + " " + strconv.Itoa(n)
	}
	c.taken[unique] = true
	return unique
}
