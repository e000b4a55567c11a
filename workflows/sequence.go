package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/rapport-crm/rapport/crm"
)

// Names that clients of the Sequence workflow use. Runs of interviews are the same workflow under a name of their own, so that
// the two are told apart in the Temporal UI.
const (
	SequenceType  = "Sequence"
	InterviewType = "Interview"
	SignalWake    = "wake"  // payload Wake
	QueryState    = "state" // answers State
	TaskQueue     = "rapport"
)

// Search attributes. Those of the start say what the run is; the outcome is set in the run's last task. None is set in
// between: each would be one more action and a third more history.
//
//nolint:gochecknoglobals // constants that Go cannot express as such
var (
	AttributeDefinition = temporal.NewSearchAttributeKeyKeyword("RapportDefinition")
	AttributeCandidate  = temporal.NewSearchAttributeKeyKeyword("RapportCandidate")
	AttributeVersion    = temporal.NewSearchAttributeKeyKeyword("RapportVersion")
	AttributeOutcome    = temporal.NewSearchAttributeKeyKeyword("RapportOutcome")
)

// TypeOf is the name under which the workflow of an id runs.
func TypeOf(workflowID string) string {
	if crm.LoopID(workflowID) {
		return InterviewType
	}
	return SequenceType
}

// SequenceInput is all that a run carries, also when it continues as new. Everything else is on the enrollment's row.
type SequenceInput struct {
	EnrollmentID string `json:"enrollment_id"`
}

// Wake tells a run that something it awaits has happened. It carries no facts: N is the number that the row's wake counter
// had, so that repeated and outdated wake-ups cost nothing.
type Wake struct {
	N int64 `json:"n"`
}

// State answers QueryState.
type State struct {
	EnrollmentID string    `json:"enrollment_id"`
	Decision     int64     `json:"decision"` // the last decision that was followed
	Waiting      string    `json:"waiting,omitempty"`
	Until        time.Time `json:"until,omitzero"`
	Outcome      string    `json:"outcome,omitempty"`
}

// Sequence is one run of a sequence, or of an interview, for one candidate.
func Sequence(ctx workflow.Context, in SequenceInput) error {
	s := &sequence{id: in.EnrollmentID, wakes: workflow.GetSignalChannel(ctx, SignalWake)}
	if err := workflow.SetQueryHandler(ctx, QueryState, func() (State, error) { return s.state(), nil }); err != nil {
		return err
	}
	for {
		answer, err := s.decide(ctx)
		if err != nil {
			return err
		}
		switch answer.Command {
		case crm.CommandWait:
			err = s.wait(ctx)
		case crm.CommandCall:
			err = s.call(ctx)
		case crm.CommandAgain: // the clock it decided by was too old; a timer brings a task with a new one
			err = workflow.Sleep(ctx, time.Second)
		case crm.CommandExit:
			return workflow.UpsertTypedSearchAttributes(ctx, AttributeOutcome.ValueSet(answer.Outcome))
		}
		if err != nil {
			return err
		}
		// Wake-ups not yet received need not be drained: the next run begins with a decision, and that sees all they stand for.
		if workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
			return workflow.NewContinueAsNewError(ctx, workflow.GetInfo(ctx).WorkflowType.Name, in)
		}
	}
}

// sequence is a run's memory: the decision it follows, and the timer that is running for it.
type sequence struct {
	id    string
	wakes workflow.ReceiveChannel
	last  crm.Answer
	timer *timer
}

type timer struct {
	until  time.Time
	fires  workflow.Future
	cancel workflow.CancelFunc
}

// decide asks for the next decision. No error of the database ends a run.
func (s *sequence) decide(ctx workflow.Context) (crm.Answer, error) {
	in := crm.DecideInput{EnrollmentID: s.id, After: s.last.Seq, Now: workflow.Now(ctx)}
	answer, err := DecideActivity.RunLocal(once(ctx), in)
	if err != nil && !temporal.IsCanceledError(ctx.Err()) {
		answer, err = DecideActivity.Run(untilItWorks(ctx), in)
	}
	if err == nil && answer.Command != crm.CommandAgain {
		s.last = answer
		workflow.SetCurrentDetails(ctx, answer.Details)
	}
	return answer, err
}

// call makes the request that the last decision has stored. What came of it is for the next decision.
func (s *sequence) call(ctx workflow.Context) error {
	_, err := CallActivity.Run(aFewTimes(ctx), crm.CallInput{EnrollmentID: s.id, Seq: s.last.Seq})
	return err
}

// wait returns when the time of the last decision has come, or at a wake-up that the decision has not seen.
func (s *sequence) wait(ctx workflow.Context) error {
	s.aim(ctx)
	for {
		woken := false
		selector := workflow.NewSelector(ctx).AddReceive(s.wakes, func(c workflow.ReceiveChannel, _ bool) {
			var w Wake
			c.Receive(ctx, &w)
			woken = w.N > s.last.Seen
		})
		if s.timer != nil {
			selector.AddFuture(s.timer.fires, func(workflow.Future) { woken, s.timer = true, nil })
		}
		selector.AddReceive(ctx.Done(), func(workflow.ReceiveChannel, bool) {})
		selector.Select(ctx)
		if woken || ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// aim sets the timer to the last decision's time. A timer that is already set to it is kept: a wake-up that changes nothing
// costs no timer.
func (s *sequence) aim(ctx workflow.Context) {
	if s.timer != nil && s.timer.until.Equal(s.last.Until) {
		return
	}
	if s.timer != nil {
		s.timer.cancel()
		s.timer = nil
	}
	if s.last.Until.IsZero() {
		return
	}
	timerCtx, cancel := workflow.WithCancel(ctx)
	options := workflow.TimerOptions{Summary: s.last.Summary}
	s.timer = &timer{
		until:  s.last.Until,
		cancel: cancel,
		fires:  workflow.NewTimerWithOptions(timerCtx, s.last.Until.Sub(workflow.Now(ctx)), options),
	}
}

func (s *sequence) state() State {
	return State{
		EnrollmentID: s.id, Decision: s.last.Seq, Waiting: s.last.Summary, Until: s.last.Until, Outcome: s.last.Outcome,
	}
}
