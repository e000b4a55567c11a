package worker

import (
	"context"
	"errors"
	"sync"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/rapport-crm/rapport/crm"
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

// rightsErase erases for a request.
func (w *Worker) rightsErase(ctx context.Context, e crm.Erasure) error {
	_, err := w.store.Erase(ctx, e)
	return err
}
