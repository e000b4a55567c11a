package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/rapport-crm/rapport/crm"
)

// maxBehind is how far the clock of a workflow may be behind the worker's: what was asked before an outage must not decide
// after it.
const maxBehind = time.Minute

// Runs is where a run's facts are and its decisions go.
type Runs interface {
	// Begin opens a transaction, locks the run's candidate and reads the facts. after is the last decision that the workflow
	// has followed. The error has crm.CodeNotFound when there is no such run.
	Begin(ctx context.Context, enrollmentID string, after int64) (Turn, error)
}

// Turn is the open transaction of one decision. It ends with Commit or Rollback.
type Turn interface {
	Facts() *crm.Facts
	// Generation is the number of the definitions in force.
	Generation() int64
	// Stored returns the decision with that number, if it was made before.
	Stored(seq int64) (crm.Decision, bool)
	Commit(ctx context.Context, d *crm.Decision) error
	Rollback()
}

// Decider decides what runs do next.
type Decider struct {
	Runs    Runs
	Library *Library
	Scale   crm.Scale
	Now     func() time.Time // the worker's real clock
}

// Decide makes the next decision of a run in one transaction, or returns the one that was already made: a workflow that lost
// the answer gets the same again. The error that it returns to Temporal is a code, never a text of the database.
func (a *Decider) Decide(ctx context.Context, in crm.DecideInput) (crm.Answer, error) {
	if a.Now().Sub(in.Now) > maxBehind {
		return crm.Answer{Command: crm.CommandAgain}, nil
	}
	d, err := a.decide(ctx, in)
	if crm.CodeOf(err) == crm.CodeNotFound { // erased: there is nothing left to do
		return crm.Answer{Command: crm.CommandExit, Outcome: crm.OutcomeErased}, nil
	}
	if err != nil {
		return crm.Answer{}, coded("decide", err)
	}
	return crm.Answer{
		Seq: d.Seq, Command: d.Command, Until: a.Scale.RealTime(d.Until), Seen: d.Seen,
		Outcome: d.Outcome, Summary: d.Summary, Details: d.Details,
	}, nil
}

func (a *Decider) decide(ctx context.Context, in crm.DecideInput) (*crm.Decision, error) {
	turn, err := a.Runs.Begin(ctx, in.EnrollmentID, in.After)
	if err != nil {
		return nil, fmt.Errorf("begin: %w", err)
	}
	defer turn.Rollback() // does nothing after a commit
	facts := turn.Facts()
	// A run that has just (re)started, after = 0, follows no decision yet: it gets a new one, made from the row.
	if in.After > 0 && facts.Enrollment.Seq > in.After {
		if stored, ok := turn.Stored(in.After + 1); ok {
			return &stored, nil
		}
	}
	if !facts.Enrollment.Open() {
		return &crm.Decision{Seq: facts.Enrollment.Seq, Command: crm.CommandExit, Outcome: facts.Enrollment.Outcome}, nil
	}
	set, err := a.Library.At(ctx, turn.Generation())
	if err != nil {
		return nil, err
	}
	program, err := a.Library.Program(ctx, facts.Enrollment.Hash)
	if err != nil {
		return nil, err
	}
	d := program.Next(set.Workspace, facts, a.clock(in.Now, &facts.Enrollment))
	if err := turn.Commit(ctx, d); err != nil {
		return nil, fmt.Errorf("commit: %w", err)
	}
	return d, nil
}

// clock is the time that a run decides by. On a scaled clock a timer's latency of a moment would be hours, so a run whose
// time has come, and that nothing else woke, takes the due time for now.
func (a *Decider) clock(workflow time.Time, e *crm.Enrollment) time.Time {
	now := a.Scale.Now(workflow).Truncate(time.Microsecond) // what Postgres keeps: a due time that was read back is the same
	if a.Scale.Scaled() && e.Wake == e.WakeSeen && !e.Due.IsZero() && now.After(e.Due) {
		return e.Due
	}
	return now
}

// coded turns an error into one that may be written to a workflow's history: a code, without the text, which could hold
// personal data.
func coded(what string, err error) error {
	code := "internal"
	var state interface{ SQLState() string }
	switch {
	case errors.As(err, &state):
		code = "sqlstate_" + state.SQLState()
	case errors.Is(err, context.DeadlineExceeded):
		code = "timeout"
	case errors.Is(err, context.Canceled):
		code = "cancelled"
	case crm.CodeOf(err) != "":
		code = string(crm.CodeOf(err))
	}
	return temporal.NewApplicationError(what+": "+code, code)
}
