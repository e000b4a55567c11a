package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/rapport-crm/rapport/crm"
)

// Activity names an activity with its input and result types. Package worker registers a function of exactly these types
// under the name.
type Activity[In, Out any] string

// DecideActivity asks for the next decision of a run: one transaction in Postgres.
const DecideActivity Activity[crm.DecideInput, crm.Answer] = "Decide"

// CallActivity makes the HTTP request that a decision has stored, and stores the answer. The workflow learns nothing of
// either.
const CallActivity Activity[crm.CallInput, crm.CallDone] = "Call"

// Run executes the activity and waits for its result.
func (a Activity[In, Out]) Run(ctx workflow.Context, in In) (Out, error) {
	var out Out
	err := workflow.ExecuteActivity(ctx, string(a), in).Get(ctx, &out)
	return out, err
}

// RunLocal executes the activity in the worker's own process, within the workflow task, and waits for its result.
func (a Activity[In, Out]) RunLocal(ctx workflow.Context, in In) (Out, error) {
	var out Out
	err := workflow.ExecuteLocalActivity(ctx, string(a), in).Get(ctx, &out)
	return out, err
}

// once is for the usual case: Postgres answers at once, in the same workflow task.
func once(ctx workflow.Context) workflow.Context {
	return workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{
		ScheduleToCloseTimeout: 5 * time.Second,
		RetryPolicy:            &temporal.RetryPolicy{MaximumAttempts: 1},
		Summary:                "decide what comes next",
	})
}

// aFewTimes is for a request to somebody else's server. The activity itself says when it has been tried often enough, and
// notes that as the answer; what ends it from here is only a database that does not answer. The summary says which step asks for what.
func aFewTimes(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 30 * time.Second,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval:    5 * time.Second,
			BackoffCoefficient: 3,
			MaximumInterval:    10 * time.Minute,
		},
		Summary: summary,
	})
}

// untilItWorks is for an outage of Postgres: the run waits it out, however long it takes.
func untilItWorks(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 10 * time.Second,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval:    time.Second,
			BackoffCoefficient: 2,
			MaximumInterval:    time.Minute,
		},
		Summary: "decide what comes next, once the database answers",
	})
}
