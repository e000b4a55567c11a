package worker

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/dsl/retention"
	"github.com/rapport-crm/rapport/store"
	"github.com/rapport-crm/rapport/workflows"
)

const requestsEvery = 2 * time.Second

// wakeRequests starts and wakes the workflows of requests. One that ended, or was lost, is started anew: it finds what is left to do on
// the row.
func (w *Worker) wakeRequests(ctx context.Context) (more bool, err error) {
	unsent, err := w.store.UnsentRequests(ctx, relayBatch)
	if err != nil || len(unsent) == 0 {
		return false, err
	}
	var mu sync.Mutex
	sent := make([]store.UnsentRequest, 0, len(unsent))
	err = each(ctx, unsent, func(ctx context.Context, r store.UnsentRequest) error {
		if err := w.wakeRequest(ctx, &r); err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		sent = append(sent, r)
		return nil
	})
	return len(unsent) == relayBatch, errors.Join(err, w.store.MarkRequestsSent(context.WithoutCancel(ctx), sent))
}

func (w *Worker) wakeRequest(ctx context.Context, r *store.UnsentRequest) error {
	id := (&crm.PrivacyRequest{ID: r.ID}).WorkflowID()
	_, err := w.temporal.SignalWithStartWorkflow(ctx, id, workflows.SignalWake, workflows.Wake{N: r.Wake}, client.StartWorkflowOptions{
		ID:                    id,
		TaskQueue:             w.taskQueue,
		WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		StaticSummary:         "a request for " + string(r.Kind) + " of " + r.CandidateID,
		TypedSearchAttributes: temporal.NewSearchAttributes(workflows.AttributeCandidate.ValueSet(r.CandidateID)),
	}, workflows.RequestType, crm.RequestInput{RequestID: r.ID})
	return wrap("wake workflow of request", err)
}

// keeping is what stands against deleting a candidate's data who asks for it, in the order of their strength: a legal hold (GDPR Art.
// 17(3)(e)), the minimum of a retention policy (Art. 17(3)(b)), what a person has refused until a day, and, of one who was refused before, an
// application that is open now.
func (w *Worker) keeping(ctx context.Context, candidateID string, again bool) (k crm.Keeping, err error) {
	rules, err := w.retainer.active(ctx)
	if err != nil {
		return k, err
	}
	c, err := w.store.RetentionCase(ctx, candidateID, rules.Reads())
	if err != nil {
		return k, err
	}
	now := w.now()
	later := now.AddDate(0, 0, crm.RequestAgainDays)
	v := rules.Judge(&c, now)
	if v.State == retention.Held {
		return crm.Keeping{Ground: crm.RefusalClaims, Again: sooner(v.NextAt, later)}, nil
	}
	if m := v.Minimum(); m != nil {
		return crm.Keeping{Ground: crm.RefusalObligation, By: cmp.Or(m.Basis, m.Policy), Until: m.Until, Again: cmp.Or(m.Until, later)}, nil
	}
	if k, err = w.store.RefusedFor(ctx, candidateID); err != nil || k.Ground != "" {
		return k, err
	}
	if again && v.State == retention.Busy {
		return crm.Keeping{Ground: crm.RefusalStillNeeded, Again: later}, nil
	}
	return k, nil
}

// sooner is the earlier of two moments, of which the first may be unknown.
func sooner(t, other time.Time) time.Time {
	if t.IsZero() || other.Before(t) {
		return other
	}
	return t
}

// rightsErase erases for a request.
func (w *Worker) rightsErase(ctx context.Context, e crm.Erasure) error {
	_, err := w.store.Erase(ctx, e)
	return err
}

// requestLetter is what is told of the request that a message is about, as it is now.
func (w *Worker) requestLetter(ctx context.Context, set *dsl.Set, a *about) (*dsl.RequestLetter, error) {
	event := a.claim.Facts.Enrollment.Event
	if event == nil {
		return nil, errors.New("write about request: the event of its run is gone")
	}
	r, err := w.store.Request(ctx, event.Text("request"))
	if err != nil {
		return nil, err
	}
	company, _ := set.Workspace.Company()
	return &dsl.RequestLetter{
		Event: event.Type, Request: r,
		Name: a.claim.Facts.Candidate.FirstName, Company: company, Purpose: set.Workspace.Wording(r.Purpose), Contact: set.Workspace.Privacy, Zone: a.zone,
	}, nil
}
