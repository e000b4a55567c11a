package dsl

import (
	"fmt"
	"hash/fnv"
	"strconv"
	"time"

	"github.com/rapport-crm/rapport/crm"
)

// looping tells whether the run has come back to a repeat that it is in.
func (r *run) looping(in *Instr) bool {
	_, begun := r.at.Loops[in.ID]
	return in.Op == OpRepeat && begun
}

// repeat begins the next round when its time has come, or goes on after the last one. The next round begins `every` after
// the last one's begin, or when that one ended if that is later. Rounds that were missed altogether are not made up.
func (r *run) repeat(in *Instr) (int, bool) {
	rep := in.Repeat
	loop, known := r.at.Loops[in.ID]
	if !known {
		loop.Started = r.clock
		r.setLoop(in, loop)
	}
	if rep.Times > 0 && loop.Round >= rep.Times {
		return r.leaveLoop(in, loop.Round), true
	}
	due := rep.Every.Add(loop.Started, r.loc, r.calendar())
	if loop.Round == 0 && rep.Now {
		due = loop.Started
	}
	if due.Before(r.at.Reached) {
		due = r.at.Reached
	}
	r.at.Begun = true
	if due.After(r.now) {
		r.awaitZone(rep.Every)
		return r.sleepAt(in, due, "round "+strconv.Itoa(loop.Round+1))
	}
	if rep.While != nil {
		if r.unsettled(rep.While) {
			return 0, r.awaitSettled(in)
		}
		if res := rep.While.Eval(&r.env); !res.Value {
			r.note(crm.Note{
				Kind: crm.NoteBranch, Step: in.ID, Outcome: "ended", Expression: rep.While.Source, Result: resultText(res),
			})
			return r.leaveLoop(in, loop.Round), true
		}
	}
	if !rep.Every.Add(due, r.loc, r.calendar()).After(r.now) {
		due = r.now // a whole round was missed
	}
	r.setLoop(in, crm.Loop{Round: loop.Round + 1, Started: due})
	r.note(crm.Note{Kind: crm.NoteRound, Step: in.ID, Outcome: strconv.Itoa(loop.Round + 1)})
	if due.After(r.clock) {
		r.clock = due
	}
	return rep.Go, true
}

func (r *run) setLoop(in *Instr, l crm.Loop) {
	if r.at.Loops == nil {
		r.at.Loops = map[string]crm.Loop{}
	}
	r.at.Loops[in.ID] = l
}

// leaveLoop forgets the rounds, so that a repeat inside another begins anew in the outer one's next round.
func (r *run) leaveLoop(in *Instr, rounds int) int {
	delete(r.at.Loops, in.ID)
	return r.record(in, fmt.Sprintf("rounds_%d", rounds), crm.StepState{})
}

// experiment gives the run an arm. It is kept, and the same for every run of the candidate, until the experiment is settled. A
// run keeps its arm also when its candidate is merged into another, for whom the hash would draw anew.
func (r *run) experiment(in *Instr) int {
	x := in.Experiment
	arm, had := r.f.Arms[in.ID], r.at.Steps[in.ID].Outcome
	pick := x.arm(r.f.Enrollment.CandidateID, r.p.Name, in.ID)
	for i := range x.Arms {
		if name := x.Arms[i].Name; name == arm || arm == "" && name == had {
			pick = i
		}
	}
	name := x.Arms[pick].Name
	r.d.Assigned = append(r.d.Assigned, crm.Assignment{Step: in.ID, Arm: name, At: r.now})
	n := crm.Note{Kind: crm.NoteArm, Step: in.ID, Outcome: name}
	if arm == name {
		n.Reason = ReasonSettled
	}
	r.note(n)
	r.record(in, name, crm.StepState{})
	return x.Arms[pick].Go
}

// ReasonSettled says that an arm was not drawn: the experiment is settled.
const ReasonSettled = "settled"

// arm draws by a hash: the same candidate gets the same arm of the same step, whatever else changes.
func (x *Experiment) arm(candidate, sequence, step string) int {
	total := 0
	for i := range x.Arms {
		total += x.Arms[i].Weight
	}
	h := fnv.New64a()
	h.Write([]byte(sequence + "\x00" + step + "\x00" + candidate)) //nolint:gosec // documented never to fail
	draw := int(mix(h.Sum64()) % uint64(max(total, 1)))            //nolint:gosec // weights are small and positive
	for i := range x.Arms {
		if draw -= x.Arms[i].Weight; draw < 0 {
			return i
		}
	}
	return 0
}

// mix spreads a hash over all bits (the finalizer of MurmurHash3): FNV's low bits alone follow the last characters of ids.
func mix(h uint64) uint64 {
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

// survey sends the link and waits for the answer.
func (r *run) survey(in *Instr) (int, bool) {
	if !r.at.Begun {
		return r.send(in)
	}
	state := r.at.Steps[in.ID]
	sent := r.fate(state.MessageID)
	if sent == crm.OutcomeSkipped || sent == crm.OutcomeFailed { // nobody was asked
		return r.conclude(in, sent), true
	}
	due := in.Survey.Timeout.Add(state.At, r.loc, r.calendar())
	for i := range r.f.Events {
		e := &r.f.Events[i]
		if e.Type != eventAnswered || e.Text("message") != state.MessageID || e.ReceivedAt.After(due) {
			continue
		}
		n := eventNote(e)
		n.Kind, n.Step, n.Outcome = crm.NoteBranch, in.ID, outcomeAnswered
		r.note(n)
		state.Result = e.Data["answers"]
		r.at.Steps[in.ID] = state
		return r.conclude(in, outcomeAnswered), true
	}
	if !due.After(r.now) {
		r.clock = maxTime(r.clock, due)
		r.note(crm.Note{Kind: crm.NoteBranch, Step: in.ID, Outcome: OutcomeTimeout})
		return r.conclude(in, OutcomeTimeout), true
	}
	r.d.Awaits = append(r.d.Awaits, eventAnswered)
	if sent == "" {
		r.d.Awaits = append(r.d.Awaits, crm.AwaitSettled)
	}
	r.awaitZone(in.Survey.Timeout)
	return r.sleepAt(in, due, "the answer")
}

func maxTime(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
