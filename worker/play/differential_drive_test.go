package play_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/rapport-crm/rapport/activities"
	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
)

// drive lets a script happen to a store, as the dispatcher, the relays, the workflows and the sender of a worker would, on a
// clock that is set by hand. It tells everything that the store hands out and is given.
type drive struct {
	keeper
	ctx      context.Context //nolint:containedctx // of one drive, which is one call
	set      *dsl.Set
	library  *activities.Library
	decider  *activities.Decider
	caller   *activities.Caller
	clock    time.Time
	followed map[string]int64  // by run: the last decision that its workflow has followed
	provider string            // what it does with messages: takes, refuses, loses; or "" when it does not answer
	stopped  bool              // the sender
	events   map[string]string // ids: the real one to that which follows from its place in the order
	told     []entry
	lines    []line
	turns    int // decisions, dispatches and claims
}

// entry is one thing that was told.
type entry struct{ what, text string }

// maxTurns is when a script has gone on for long enough. Both stores stop there.
const maxTurns = 600

// errEnough ends a drive that has gone on for long enough.
var errEnough = errors.New("enough")

func newDrive(ctx context.Context, k keeper, set *dsl.Set, library *activities.Library) *drive {
	d := &drive{
		keeper: k, ctx: ctx, set: set, library: library, clock: start(), followed: map[string]int64{}, provider: "takes",
		events: map[string]string{},
	}
	d.decider = &activities.Decider{Runs: d, Library: library, Now: d.now}
	d.caller = &activities.Caller{Calls: k, Client: d}
	return d
}

func (d *drive) now() time.Time { return d.clock }

// start is a Friday morning, three weeks before the clocks of Europe go back.
func start() time.Time { return time.Date(2026, 10, 2, 9, 0, 0, 0, time.UTC) }

// play lets a script happen, then enough time pass for what it has begun to come to something.
func (d *drive) play(script []happening) error {
	for i := range script {
		if err := d.pass(script[i].after); err != nil {
			return err
		}
		if err := d.happen(&script[i], strconv.Itoa(i)); err != nil {
			return fmt.Errorf("%s: %w", &script[i], err)
		}
		if err := d.sendAnyway(); err != nil {
			return err
		}
	}
	d.stopped = false
	return d.pass(60 * 24 * time.Hour)
}

// pass lets time pass: everything happens at its time.
func (d *drive) pass(some time.Duration) error {
	end := d.clock.Add(some)
	for {
		next, err := d.work()
		if err != nil {
			return err
		}
		if next.IsZero() || next.After(end) {
			d.clock = end
			return nil
		}
		d.clock = next.UTC()
	}
}

// work does what is to be done at this moment until nothing is left, and returns when there will be more.
func (d *drive) work() (next time.Time, err error) {
	for {
		q, err := d.look(d.ctx)
		if err != nil {
			return time.Time{}, err
		}
		if d.stopped {
			q.send = time.Time{}
		}
		switch {
		case q.pending:
			err = d.dispatchAll()
		case q.starting:
			err = d.startAll()
		case q.woken:
			err = d.wakeAll()
		case !q.due.IsZero() && !q.due.After(d.clock):
			err = d.decideDue()
		case !q.send.IsZero() && !q.send.After(d.clock):
			err = d.send()
		case q.due.IsZero() || !q.send.IsZero() && q.send.Before(q.due):
			return q.send, nil
		default:
			return q.due, nil
		}
		if err != nil {
			return time.Time{}, err
		}
	}
}

func (d *drive) turn() error {
	if d.turns++; d.turns > maxTurns {
		return errEnough
	}
	return nil
}

func (d *drive) dispatchAll() error {
	_, err := d.dispatch(d.ctx, func(in *crm.Inbox) (*crm.Dispatched, error) {
		restore := d.name(in)
		d.tell("inbox", in)
		out := dsl.Dispatch(d.set, in, d.clock)
		d.tell("dispatched", out)
		restore(out)
		for _, r := range out.Records {
			d.lines = append(d.lines, line{r.EnrollmentID, 0, r.Definition, r.At, r.Notes})
		}
		return out, d.turn()
	})
	return err
}

// name gives the events of an inbox ids that follow from their place in the candidate's order, and returns what gives them back
// those that they have. Ids of enrollments are made from that of the event that enrolled, and with them arms and jitter: those
// that Postgres draws at random for what it tells itself would make every drive another one.
func (d *drive) name(in *crm.Inbox) (restore func(*crm.Dispatched)) {
	given := map[string]string{}
	for i := range in.Events {
		e := &in.Events[i]
		id := crm.DeriveID(crm.PrefixEvent, start(), strconv.FormatInt(in.Position+int64(i)+1, 10))
		given[id], d.events[e.ID] = e.ID, id
		e.ID = id
	}
	return func(out *crm.Dispatched) {
		for i := range out.Events {
			out.Events[i].ID = given[out.Events[i].ID]
		}
		aside := map[string]string{}
		for id, reason := range out.SetAside {
			aside[given[id]] = reason
		}
		out.SetAside = aside
		for i := range out.Enrollments {
			if e := out.Enrollments[i].Event; e != nil {
				e.ID = given[e.ID]
			}
		}
		for i := range out.Records {
			for j := range out.Records[i].Notes {
				out.Records[i].Notes[j].EventID = given[out.Records[i].Notes[j].EventID]
			}
		}
	}
}

func (d *drive) startAll() error {
	starting, err := d.starting(d.ctx)
	for i := 0; i < len(starting) && err == nil; i++ {
		err = d.decide(starting[i].run, 0)
	}
	return err
}

func (d *drive) wakeAll() error {
	woken, err := d.woken(d.ctx)
	for i := 0; i < len(woken) && err == nil; i++ {
		d.tell("signal "+woken[i].run, woken[i].n)
		err = d.decide(woken[i].run, d.followed[woken[i].run])
	}
	return err
}

// decideDue lets the runs decide whose timer fires.
func (d *drive) decideDue() error {
	runs, err := d.runs(d.ctx)
	for i := 0; i < len(runs) && err == nil; i++ {
		if r := &runs[i]; r.Open() && !r.Due.IsZero() && !r.Due.After(d.clock) {
			err = d.decide(r.ID, d.followed[r.ID])
		}
	}
	return err
}

// decide asks for a run's next decision, and follows it as its workflow would.
func (d *drive) decide(run string, after int64) error {
	for {
		if err := d.turn(); err != nil {
			return err
		}
		answer, err := d.decider.Decide(d.ctx, crm.DecideInput{EnrollmentID: run, After: after, Now: d.clock})
		if err != nil {
			return err
		}
		d.tell("answer for "+run, answer)
		after, d.followed[run] = answer.Seq, answer.Seq
		if answer.Command != crm.CommandCall {
			return nil
		}
		done, err := d.caller.Call(d.ctx, crm.CallInput{EnrollmentID: run, Seq: answer.Seq})
		if err != nil {
			return err
		}
		d.tell("call of "+run, done)
	}
}

// Begin implements activities.Runs: it tells the facts.
func (d *drive) Begin(ctx context.Context, run string, after int64) (activities.Turn, error) {
	turn, err := d.keeper.Begin(ctx, run, after)
	if err != nil {
		return nil, err
	}
	d.tell("facts of "+run, turn.Facts())
	return &watched{turn, d}, nil
}

// watched is a turn whose decision is told.
type watched struct {
	activities.Turn
	d *drive
}

// Commit implements activities.Turn.
func (w *watched) Commit(ctx context.Context, d *crm.Decision) error {
	run := w.Facts().Enrollment
	w.d.tell("decision of "+run.ID, decision{
		d, d.Notes, d.Progress, d.Awaits, d.Messages, d.Tasks, d.Change, d.Events, d.Assigned, d.Call, d.Withdraw,
	})
	w.d.lines = append(w.d.lines, line{run.ID, d.Seq, run.Definition, d.At, d.Notes})
	return w.Turn.Commit(ctx, d)
}

// decision is one with all that JSON leaves out.
type decision struct {
	*crm.Decision
	Notes    []crm.Note
	Progress crm.Progress
	Awaits   []string
	Messages []crm.Message
	Tasks    []crm.Task
	Change   *crm.CandidateChange
	Events   []crm.Event
	Assigned []crm.Assignment
	Call     *crm.Call
	Withdraw bool
}

// Do implements activities.Requester: every third request fails.
func (d *drive) Do(_ context.Context, r crm.Call) (crm.CallResult, error) {
	if d.turns%3 == 0 {
		return crm.CallResult{Outcome: crm.CallFailed, Reason: "status_500"}, nil
	}
	return crm.CallResult{Outcome: crm.CallOK, Result: map[string]any{"asked": r.Method, "n": d.turns, "list": []int{1, 2}}}, nil
}

// send hands the messages over whose time has come, and writes down what the provider makes of them.
func (d *drive) send() error {
	claimed, err := d.claim(d.ctx, d.clock, func(m *crm.Message, f *crm.Facts) dsl.Clearance {
		facts := *f
		facts.Pools, facts.Had, facts.Arms, facts.Call = nil, nil, nil, nil // the last check does not look at them, and Postgres is not asked
		d.tell("facts for sending "+m.ID, facts)
		v := d.check(m, f)
		d.tell("check of "+m.ID, v)
		return v
	})
	for i := 0; i < len(claimed) && err == nil; i++ {
		err = d.fate(&claimed[i], d.provider)
	}
	return errors.Join(err, d.turn())
}

// sendAnyway looks for messages as the sender does every now and then, also where nothing says that there are any: those of
// paused runs have to stay.
func (d *drive) sendAnyway() error {
	if _, err := d.work(); err != nil || d.stopped {
		return err
	}
	return d.send()
}

// check is the sender's last check.
func (d *drive) check(m *crm.Message, f *crm.Facts) dsl.Clearance {
	program, err := d.library.Program(d.ctx, m.Hash)
	if err != nil {
		return dsl.Clearance{State: crm.MessageExpired, Reason: err.Error()}
	}
	in, _ := program.Instr(m.Step)
	return dsl.LastCheck(d.set.Workspace, f, program.Intent(in.Send, m.ID), m, d.clock)
}

// fate writes down what became of a message that was handed over.
func (d *drive) fate(m *crm.Message, provider string) error {
	switch provider {
	case "takes":
		return d.refused(d.accept(d.ctx, m, d.clock))
	case "refuses":
		return d.refused(d.refuse(d.ctx, m, d.clock))
	case "loses":
		return d.refused(d.unknown(d.ctx, m, d.clock))
	}
	return nil // the sender still waits for an answer
}

// refused tells of an error that a store answers a caller with: both have to say the same. Any other is the drive's.
func (d *drive) refused(err error) error {
	if code := crm.CodeOf(err); code != "" {
		d.tell("refused", code)
		return nil
	}
	return err
}
