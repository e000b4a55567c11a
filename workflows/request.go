package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/rapport-crm/rapport/crm"
)

// RequestType is the name of the workflow of a candidate's request; its id is request/<id>. It is woken by SignalWake.
const RequestType = "Request"

// RequestActivity does what a request needs now, and says when it needs something again.
const RequestActivity Activity[crm.RequestInput, crm.RequestStep] = "Request"

// RequestState answers QueryState of a request.
type RequestState struct {
	RequestID string    `json:"request_id"`
	Waiting   string    `json:"waiting,omitempty"`
	Until     time.Time `json:"until,omitzero"`
	Outcome   string    `json:"outcome,omitempty"`
}

// Request sees to it that a candidate's request is answered in time: it asks what the request needs, and asks again when it has changed
// or when somebody is to be reminded. Who asks for what is in Postgres only.
func Request(ctx workflow.Context, in crm.RequestInput) error {
	var step crm.RequestStep
	wakes := workflow.GetSignalChannel(ctx, SignalWake)
	err := workflow.SetQueryHandler(ctx, QueryState, func() (RequestState, error) {
		return RequestState{RequestID: in.RequestID, Waiting: step.Summary, Until: step.Until, Outcome: step.Outcome}, nil
	})
	if err != nil {
		return err
	}
	for {
		if step, err = RequestActivity.Run(asked(ctx), in); err != nil {
			return err
		}
		workflow.SetCurrentDetails(ctx, step.Summary)
		if step.Done {
			return workflow.UpsertTypedSearchAttributes(ctx, AttributeOutcome.ValueSet(step.Outcome))
		}
		if err := awaitRequest(ctx, wakes, &step); err != nil {
			return err
		}
		if workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
			return workflow.NewContinueAsNewError(ctx, RequestType, in)
		}
	}
}

// awaitRequest returns when the time of a step has come, or at a wake-up that it has not seen.
func awaitRequest(ctx workflow.Context, wakes workflow.ReceiveChannel, step *crm.RequestStep) error {
	timerCtx, cancel := workflow.WithCancel(ctx)
	defer cancel()
	woken := false
	selector := workflow.NewSelector(ctx).AddReceive(wakes, func(c workflow.ReceiveChannel, _ bool) {
		var w Wake
		c.Receive(ctx, &w)
		woken = w.N > step.Seen
	})
	if !step.Until.IsZero() {
		timer := workflow.NewTimerWithOptions(timerCtx, step.Until.Sub(workflow.Now(ctx)), workflow.TimerOptions{Summary: step.Summary})
		selector.AddFuture(timer, func(workflow.Future) { woken = true })
	}
	selector.AddReceive(ctx.Done(), func(workflow.ReceiveChannel, bool) {})
	for !woken && ctx.Err() == nil {
		selector.Select(ctx)
	}
	return ctx.Err()
}

// asked is for what a request needs: it is tried for as long as it takes, as the time that the law gives runs on.
func asked(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 30 * time.Second,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: 5 * time.Minute},
		Summary:             "see what the request needs",
	})
}
