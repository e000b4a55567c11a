package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// RetentionType is the name under which runs of retention policies are workflows. Their signal is SignalWake.
const RetentionType = "Retention"

// RetentionInput is all that a run carries, also when it continues as new. Everything else is on the run's row.
type RetentionInput struct {
	Policy string `json:"policy"`
}

// RetentionStep asks for the next piece of a run's work.
type RetentionStep struct {
	Policy   string `json:"policy"`
	Workflow string `json:"workflow"` // id
}

// RetentionProgress is how far a run is after a piece of work. It holds numbers, and nobody's id.
type RetentionProgress struct {
	Details string        `json:"details"`           // Markdown
	Ended   bool          `json:"ended,omitempty"`   // there is nothing more to do
	Outcome string        `json:"outcome,omitempty"` // of one that ended
	Asked   bool          `json:"asked,omitempty"`   // a person decides whether it goes on
	Rest    time.Duration `json:"rest,omitempty"`    // really; how long it waits before the next piece
}

// RetentionActivity does the next piece of a run: some seconds of looking at candidates, or of telling and taking.
const RetentionActivity Activity[RetentionStep, RetentionProgress] = "Retain"

const (
	// retentionPieces is how many pieces one execution does before it continues as new.
	retentionPieces = 200
	// retentionReminder is how often a run that asks looks again whether it was answered, should the signal be lost.
	retentionReminder = 24 * time.Hour
)

// Retention is one run of a retention policy over all candidates. Where it is stands on its row: killed at any moment, it goes on there.
func Retention(ctx workflow.Context, in RetentionInput) error {
	wakes := workflow.GetSignalChannel(ctx, SignalWake)
	step := RetentionStep{Policy: in.Policy, Workflow: workflow.GetInfo(ctx).WorkflowExecution.ID}
	for pieces := 0; pieces < retentionPieces && !workflow.GetInfo(ctx).GetContinueAsNewSuggested(); pieces++ {
		// What came before this piece is on the row that it reads.
		for wakes.ReceiveAsync(&Wake{}) {
		}
		p, err := RetentionActivity.Run(inPieces(ctx), step)
		if err != nil {
			return err
		}
		workflow.SetCurrentDetails(ctx, p.Details)
		switch {
		case p.Ended:
			return workflow.UpsertTypedSearchAttributes(ctx, AttributeOutcome.ValueSet(p.Outcome))
		case p.Asked:
			awaitWake(ctx, wakes, retentionReminder, "until somebody says confirm or stop")
		case p.Rest > 0:
			awaitWake(ctx, wakes, p.Rest, "until somebody is to be tried again")
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return workflow.NewContinueAsNewError(ctx, RetentionType, in)
}

// awaitWake waits for a signal, and no longer than said.
func awaitWake(ctx workflow.Context, wakes workflow.ReceiveChannel, most time.Duration, why string) {
	timed, cancel := workflow.WithCancel(ctx)
	defer cancel()
	workflow.NewSelector(ctx).
		AddReceive(wakes, func(c workflow.ReceiveChannel, _ bool) { c.Receive(ctx, &Wake{}) }).
		AddFuture(workflow.NewTimerWithOptions(timed, most, workflow.TimerOptions{Summary: why}), func(workflow.Future) {}).
		AddReceive(ctx.Done(), func(workflow.ReceiveChannel, bool) {}).
		Select(ctx)
}

// inPieces is for a piece of a run: it is tried for ever, and a worker that died with it is noticed soon. A death counts as an attempt, so
// the pauses stay short: a run that is killed many times goes on within seconds each time.
func inPieces(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 5 * time.Minute,
		HeartbeatTimeout:    5 * time.Second,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval:    time.Second,
			BackoffCoefficient: 1.5,
			MaximumInterval:    10 * time.Second,
		},
		Summary: "look at candidates, tell them or take their data",
	})
}
