package worker

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/store"
	"github.com/rapport-crm/rapport/workflows"
)

const (
	relayBatch = 200
	relayLanes = 16
)

// start starts the workflows of new enrollments. Killed between the start and the mark, it starts again: a run that is there
// is left alone, and one that has already ended finds its row closed.
func (w *Worker) start(ctx context.Context) (more bool, err error) {
	runs, err := w.store.Starting(ctx, relayBatch)
	if err != nil || len(runs) == 0 {
		return false, err
	}
	var mu sync.Mutex
	started := make([]string, 0, len(runs))
	err = each(ctx, runs, func(ctx context.Context, run crm.Enrollment) error {
		if err := w.startRun(ctx, run.ID, run.WorkflowID(), run.Definition, run.CandidateID, run.Version); err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		started = append(started, run.ID)
		return nil
	})
	return len(runs) == relayBatch, errors.Join(err, w.store.MarkStarted(context.WithoutCancel(ctx), started))
}

// signal wakes runs. A wake-up that finds no workflow restarts it from the row.
func (w *Worker) signal(ctx context.Context) (more bool, err error) {
	wakes, err := w.store.Unsignalled(ctx, relayBatch)
	if err != nil || len(wakes) == 0 {
		return false, err
	}
	var mu sync.Mutex
	sent := make([]store.Wake, 0, len(wakes))
	err = each(ctx, wakes, func(ctx context.Context, wake store.Wake) error {
		if err := w.wake(ctx, wake); err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		sent = append(sent, wake)
		return nil
	})
	return len(wakes) == relayBatch, errors.Join(err, w.store.MarkSignalled(context.WithoutCancel(ctx), sent))
}

func (w *Worker) wake(ctx context.Context, wake store.Wake) error {
	err := w.temporal.SignalWorkflow(ctx, wake.WorkflowID, "", workflows.SignalWake, workflows.Wake{N: wake.Wake})
	if _, gone := errors.AsType[*serviceerror.NotFound](err); !gone {
		return wrap("signal workflow", err)
	}
	run, err := w.store.Enrollment(ctx, wake.EnrollmentID)
	if crm.CodeOf(err) == crm.CodeNotFound || (err == nil && !run.Open()) {
		return nil // ended or erased in the meantime: nobody needs to wake
	}
	if err != nil {
		return fmt.Errorf("read enrollment: %w", err)
	}
	w.log.WarnContext(ctx, "workflow missing, restarted from its row", "workflow", wake.WorkflowID)
	return w.startRun(ctx, run.ID, run.WorkflowID(), run.Definition, run.CandidateID, run.Version)
}

func (w *Worker) startRun(ctx context.Context, id, workflowID, definition, candidate string, version int) error {
	_, err := w.temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID:                       workflowID,
		TaskQueue:                w.taskQueue,
		WorkflowIDReusePolicy:    enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		EnableEagerStart:         true,
		StaticSummary:            definition + " v" + strconv.Itoa(version) + " for " + candidate,
		StaticDetails:            "One run of **" + definition + "** (version " + strconv.Itoa(version) + "), enrollment `" + id + "`.",
		TypedSearchAttributes: temporal.NewSearchAttributes(
			workflows.AttributeDefinition.ValueSet(definition),
			workflows.AttributeCandidate.ValueSet(candidate),
			workflows.AttributeVersion.ValueSet(strconv.Itoa(version)),
		),
	}, workflows.TypeOf(workflowID), workflows.SequenceInput{EnrollmentID: id})
	return wrap("start workflow", err)
}

// each does something for all items, a few at a time. It goes on after an error, and returns them all.
func each[T any](ctx context.Context, items []T, do func(context.Context, T) error) error {
	errs := make([]error, len(items))
	lanes := make(chan struct{}, relayLanes)
	var running sync.WaitGroup
	for i, item := range items {
		lanes <- struct{}{}
		running.Go(func() {
			errs[i] = do(ctx, item)
			<-lanes
		})
	}
	running.Wait()
	return errors.Join(errs...)
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}
