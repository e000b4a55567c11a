package activities

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"github.com/rapport-crm/rapport/crm"
)

// maxCallAttempts is how often a request is tried before its step ends as failed: over about an hour.
const maxCallAttempts = 7

// Calls is where the requests of decisions are, and their answers go.
type Calls interface {
	// CallOf returns the request of a decision, and its answer if it is there already. The error has crm.CodeNotFound when
	// there is no such request.
	CallOf(ctx context.Context, enrollmentID string, seq int64) (crm.Call, *crm.CallResult, error)
	// CallDone stores an answer. The first one stays.
	CallDone(ctx context.Context, enrollmentID string, r crm.CallResult) error
}

// Requester makes one HTTP request. Its errors are those that are worth another attempt.
type Requester interface {
	Do(ctx context.Context, r crm.Call) (crm.CallResult, error)
}

// Actor does what interviews ask of calendars. It stores the answer itself, with what it changes. Its errors are those that are
// worth another attempt; crm.CodeNotFound says that the meeting was erased.
type Actor interface {
	Act(ctx context.Context, seq int64, r *crm.Call) (crm.CallResult, error)
}

// Caller makes the HTTP requests of call and ats steps, and has calendars asked for interviews.
type Caller struct {
	Calls    Calls
	Client   Requester
	Meetings Actor // nil: calls of interviews fail as no_calendars
}

// Call makes the request of a decision, unless its answer is there already: a request whose answer was lost on the way is
// made again, with the same idempotency key.
func (a *Caller) Call(ctx context.Context, in crm.CallInput) (crm.CallDone, error) {
	request, done, err := a.Calls.CallOf(ctx, in.EnrollmentID, in.Seq)
	if crm.CodeOf(err) == crm.CodeNotFound { // erased in the meantime: the next decision ends the run
		return crm.CallDone{Outcome: crm.CallFailed}, nil
	}
	if err != nil {
		return crm.CallDone{}, coded("call", err)
	}
	if done != nil {
		return crm.CallDone{Outcome: done.Outcome}, nil
	}
	result, err := a.do(ctx, in.Seq, &request)
	if crm.CodeOf(err) == crm.CodeNotFound {
		return crm.CallDone{Outcome: crm.CallFailed}, nil
	}
	if err != nil {
		again, ok := errors.AsType[*crm.CallError](err)
		if !ok || activity.GetInfo(ctx).Attempt < maxCallAttempts {
			return crm.CallDone{}, retryLater(again, err)
		}
		result = again.Result()
	}
	result.Seq = in.Seq
	if err := a.Calls.CallDone(context.WithoutCancel(ctx), in.EnrollmentID, result); err != nil {
		return crm.CallDone{}, coded("call", err)
	}
	return crm.CallDone{Outcome: result.Outcome}, nil
}

func (a *Caller) do(ctx context.Context, seq int64, r *crm.Call) (crm.CallResult, error) {
	switch {
	case r.Action == "":
		return a.Client.Do(ctx, *r)
	case a.Meetings == nil:
		return crm.CallResult{Outcome: crm.CallFailed, Reason: "no_calendars"}, nil
	}
	return a.Meetings.Act(ctx, seq, r)
}

// retryLater tells Temporal to try again, when the host has asked for it.
func retryLater(again *crm.CallError, err error) error {
	if again == nil {
		return coded("call", err)
	}
	options := temporal.ApplicationErrorOptions{NextRetryDelay: min(again.RetryAfter, time.Hour)} // zero: as the policy says
	return temporal.NewApplicationErrorWithOptions("call: "+again.Reason, again.Reason, options)
}
