package play

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/rapport-crm/rapport/activities"
	"github.com/rapport-crm/rapport/activities/booking"
	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/store/memory"
)

// player is one part being played. Its methods run on one goroutine at a time.
type player struct {
	*Stage
	ctx     context.Context //nolint:containedctx // of the call that plays; workflows and their activities have no other
	part    *Part
	id      string // of the candidate
	store   *memory.Store
	decider *activities.Decider
	caller  *activities.Caller
	booker  *booking.Booker
	offices *offices
	report  string // of the last search for times
	clock   time.Time
	err     error // why it cannot go on
	over    bool  // the end was reached

	script    int       // the next entry
	due       time.Time // when it happens
	last      time.Time // when the one before did
	dates     []date    // of campaigns
	tomorrow  time.Time // when pools that depend on the day are looked at
	wake      func()    // tells the workflow of the stage that something was decided
	lines     []Line
	unsettled map[string]int // message id → its line, until it is sent or not
}

// precision is that of the clock and of all times that are stored. What is aimed at must be as coarse, or it would never come.
const precision = time.Microsecond

func newPlayer(ctx context.Context, s *Stage, given *Part) (*player, error) {
	own := *given
	part := &own
	part.Start, part.Until = part.Start.Truncate(precision), part.Until.Truncate(precision)
	p := &player{Stage: s, ctx: ctx, part: part, clock: part.Start, last: part.Start, wake: func() {}, unsettled: map[string]int{}}
	p.store = memory.New(func() time.Time { return p.clock })
	c := part.Candidate
	c.ID = cmp.Or(c.ID, crm.DeriveID(crm.PrefixCandidate, c.CreatedAt, "played"))
	p.id = c.ID
	apps := slices.Clone(part.Applications)
	for i := range apps {
		apps[i].ID = cmp.Or(apps[i].ID, crm.DeriveID(crm.PrefixApplication, part.Start, apps[i].ExternalID))
	}
	seed := memory.Seed{Candidate: c, Consents: part.Consents, Applications: apps, Pools: s.pools(&c, part, apps)}
	if err := p.store.Add(seed); err != nil {
		return nil, fmt.Errorf("play: %w", err)
	}
	for step, arm := range part.Arms {
		p.store.Settle(part.Of, step, arm)
	}
	p.decider = &activities.Decider{Runs: runs{p}, Library: s.library, Now: func() time.Time { return p.clock }}
	p.booker = p.newBooker()
	p.caller = &activities.Caller{Calls: p.store, Client: answers{p}, Meetings: acting{p}}
	p.aim()
	p.plan()
	return p, nil
}

// pools are those that the candidate is in at the start.
func (s *Stage) pools(c *crm.Candidate, part *Part, apps []crm.Application) []string {
	facts := &crm.Facts{Candidate: *c, Consents: part.Consents, Applications: apps, Pools: slices.Sorted(slices.Values(part.Pools))}
	in := slices.Clone(part.Pools)
	for name, pool := range s.set.Pools {
		if !pool.ByHand() && pool.Member(s.set.Workspace, facts, dsl.Env{Now: part.Start}) {
			in = append(in, name)
		}
	}
	return in
}

// play goes from one thing that happens to the next. As long as no run is open nothing needs a workflow, and the clock is
// simply set.
func (p *player) play() error {
	if err := p.members(); err != nil {
		return err
	}
	for p.err == nil && !p.over && p.ctx.Err() == nil {
		if p.open() {
			p.withWorkflows()
			continue
		}
		next, ok := p.next()
		if !ok || next.After(p.end()) {
			break
		}
		p.clock = later(p.clock, next)
		p.step()
	}
	return cmp.Or(p.err, p.ctx.Err())
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// end is when the play is over at the latest: `until`, else a year after the script, or when the runs end if that is later.
// A run that only an event can end, or that repeats for ever, is not waited for.
func (p *player) end() time.Time {
	last := p.last
	switch {
	case !p.part.Until.IsZero():
		return p.part.Until
	case p.script < len(p.part.Script):
		last = later(p.due, p.clock)
	}
	for _, r := range p.store.Enrollments(p.id) {
		if program := p.set.Programs[r.Definition]; r.Open() && !r.Due.IsZero() && !program.Endless() {
			return last.AddDate(longestRun, 0, 0)
		}
	}
	return last.AddDate(scriptYear, 0, 0)
}

// open tells whether a run is not closed.
func (p *player) open() bool {
	return slices.ContainsFunc(p.store.Enrollments(p.id), func(r crm.Enrollment) bool { return r.Open() })
}

// next is when something happens by itself, whatever runs do; false when nothing will.
func (p *player) next() (time.Time, bool) {
	var at []time.Time
	if p.script < len(p.part.Script) {
		at = append(at, p.due)
	}
	if due := p.store.Due(); !due.IsZero() {
		at = append(at, due)
	}
	// What goes on for ever is not what anybody waits for, once there was a run and the script is over.
	if len(at) > 0 || !p.part.Until.IsZero() || p.open() || len(p.store.Enrollments(p.id)) == 0 {
		for _, d := range p.dates {
			at = append(at, d.at)
		}
		if p.daily {
			at = append(at, p.tomorrow)
		}
	}
	if len(at) == 0 {
		return time.Time{}, false
	}
	return slices.MinFunc(at, time.Time.Compare), true
}

// step lets the next thing happen whose time has come, and all that follows from it at once. It returns whether there was
// one.
func (p *player) step() bool {
	happened := true
	switch {
	case p.err != nil:
		return false
	case p.script < len(p.part.Script) && !p.due.After(p.clock):
		p.err = p.happen(&p.part.Script[p.script])
		p.last = p.due
		p.script++
		p.aim()
	default:
		happened = p.oblige() || p.calendar()
	}
	p.settle()
	return happened && p.err == nil
}

// catchUp lets everything happen whose time has come: what happens at the very end of a wait counts. What only a run's next
// step makes possible is left.
func (p *player) catchUp() {
	for p.script < len(p.part.Script) && !p.due.After(p.clock) && p.possible(&p.part.Script[p.script]) {
		if !p.step() {
			return
		}
	}
}

// settle dispatches events and sends messages until nothing is left to do at this moment.
func (p *player) settle() {
	for p.err == nil {
		dispatched, err := p.dispatch()
		sent, failed := p.send()
		if p.err = cmp.Or(p.err, err, failed); !dispatched && !sent {
			return
		}
	}
}

// dispatch decides what new events lead to, and keeps what is told of it. It returns whether there were any.
func (p *player) dispatch() (bool, error) {
	if len(p.store.Pending()) == 0 {
		return false, nil
	}
	var in *crm.Inbox
	var out *crm.Dispatched
	_, err := p.store.Dispatch(p.ctx, p.id, func(inbox *crm.Inbox) (*crm.Dispatched, error) {
		in, out = inbox, dsl.Dispatch(p.set, inbox, p.clock)
		return out, nil
	})
	if err != nil {
		return true, err
	}
	for i := range out.Events {
		if reason, aside := out.SetAside[out.Events[i].ID]; aside {
			p.add(Line{Kind: LineProblem, Name: out.Events[i].Type, Reason: reason, Problem: "the event was set aside: " + reason})
		}
	}
	for i := range out.Records {
		p.record(&out.Records[i])
	}
	for i := range in.Runs {
		if e, reached := out.Goals[in.Runs[i].ID]; reached {
			p.add(Line{Kind: LineGoal, Definition: in.Runs[i].Definition, Name: e.Type})
		}
	}
	return true, nil
}

// send hands over the messages whose time has come, as the sender would, to a provider that takes all. It returns whether
// there were any.
func (p *player) send() (bool, error) {
	checked := map[*crm.Message]dsl.Clearance{}
	var failed error
	claimed, err := p.store.Claim(p.clock, func(c *memory.Claim) memory.Verdict {
		v, err := p.check(c)
		failed = cmp.Or(failed, err)
		checked[&c.Message] = v
		return memory.Verdict{State: v.State, Reason: v.Reason, NotBefore: v.NotBefore, NotAfter: v.NotAfter, Address: c.Facts.Candidate.Address(c.Message.Channel)}
	})
	for m, v := range checked {
		p.checked(m, v)
	}
	for i := range claimed {
		m := &claimed[i].Message
		err = cmp.Or(err, p.store.Accept(m.ID, p.clock))
		p.accepted(m)
	}
	return len(checked) > 0, cmp.Or(failed, err)
}

// check is the last check before a send.
func (p *player) check(c *memory.Claim) (dsl.Clearance, error) {
	program, err := p.library.Program(p.ctx, c.Message.Hash)
	if err != nil {
		return dsl.Clearance{State: crm.MessageExpired}, err
	}
	if c.Message.Calendar != "" || c.Message.Recipient != "" { // to people of the workspace, or of what is agreed with the candidate
		return p.checkPanel(c), nil
	}
	in, ok := program.Instr(c.Message.Step)
	if !ok || in.Send == nil {
		return dsl.Clearance{State: crm.MessageExpired}, fmt.Errorf("no send step %q in %s", c.Message.Step, program.Name)
	}
	rules := program.Intent(in.Send, c.Message.ID)
	return dsl.LastCheck(p.set.Workspace, &c.Facts, rules, &c.Message, p.clock), nil
}

// checkPanel is the last check of what interviewers get, and of invitations.
func (p *player) checkPanel(c *memory.Claim) dsl.Clearance {
	if p.clock.After(c.Message.NotAfter) {
		return dsl.Clearance{State: crm.MessageExpired, Reason: dsl.ReasonTooLate}
	}
	return dsl.Clearance{State: crm.MessageClaimed}
}

// zone is where the candidate is now.
func (p *player) zone() *time.Location {
	c, err := p.store.Candidate(p.id)
	if err != nil {
		return time.UTC
	}
	return dsl.ZoneOf(&c, p.set.Workspace)
}

// runs lets activities decide on the runs in memory, and keeps the explanations.
type runs struct{ *player }

// Begin implements activities.Runs.
func (r runs) Begin(ctx context.Context, enrollmentID string, _ int64) (activities.Turn, error) {
	turn, err := r.store.Begin(ctx, enrollmentID)
	if err != nil {
		return nil, err
	}
	return &watched{turn, r.player}, nil
}

// watched is a turn whose decision is told.
type watched struct {
	*memory.Turn
	p *player
}

// Commit implements activities.Turn.
func (w *watched) Commit(ctx context.Context, d *crm.Decision) error {
	run := w.Facts().Enrollment
	if err := w.Turn.Commit(ctx, d); err != nil {
		return err
	}
	w.p.decided(&run, d)
	return nil
}

// answers answers calls as the script says.
type answers struct{ *player }

// Do implements activities.Requester: no request is made.
func (a answers) Do(context.Context, crm.Call) (crm.CallResult, error) {
	for _, r := range a.store.Enrollments(a.id) {
		if r.Definition == a.part.Of && r.Progress.Calling == r.Seq && r.Open() {
			if answer, ok := a.part.Calls[r.Progress.At]; ok {
				return answer, nil
			}
		}
	}
	return crm.CallResult{Outcome: crm.CallOK}, nil
}
