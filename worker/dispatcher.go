package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/store"
)

const (
	dispatchBatch = 256 // candidates looked up at once
	dispatchLanes = 4   // candidates dispatched at the same time
)

// dispatch turns the events of some candidates into enrollments and wake-ups. Candidates are claimed, not events, so each
// one's events keep their order.
func (w *Worker) dispatch(ctx context.Context) (more bool, err error) {
	candidates, err := w.store.PendingCandidates(ctx, dispatchBatch)
	if err != nil || len(candidates) == 0 {
		return false, err
	}
	set, err := w.library.Active(ctx)
	if err != nil {
		return false, err
	}
	var done atomic.Int64
	lanes, ctx := errgroup.WithContext(ctx)
	lanes.SetLimit(dispatchLanes)
	for _, id := range candidates {
		lanes.Go(func() error {
			ok, err := w.dispatchOne(ctx, set, id)
			if ok {
				done.Add(1)
			}
			return err
		})
	}
	err = lanes.Wait()
	// A candidate whose lock somebody holds is left for the next round; when that is all there is, rest first.
	return done.Load() > 0, err
}

// dispatchOne dispatches one candidate's events. Where the database refuses what they lead to, they are tried one by one,
// and the one at fault is set aside: it keeps nobody waiting.
func (w *Worker) dispatchOne(ctx context.Context, set *dsl.Set, candidate string) (bool, error) {
	decide := func(in *crm.Inbox) (*crm.Dispatched, error) { return dsl.Dispatch(set, in, w.now()), nil }
	ok, err := w.store.Dispatch(ctx, candidate, decide)
	if !refused(err) {
		return ok, err
	}
	var event string
	ok, err = w.store.Dispatch(ctx, candidate, func(in *crm.Inbox) (*crm.Dispatched, error) {
		in.Events = in.Events[:min(1, len(in.Events))]
		if len(in.Events) > 0 {
			event = in.Events[0].ID
		}
		return dsl.Dispatch(set, in, w.now()), nil
	})
	if !refused(err) || event == "" {
		return ok, err
	}
	reason := "database_refused_" + store.SQLState(err)
	w.log.ErrorContext(ctx, "event set aside", "event", event, "reason", reason)
	if err := w.store.SetAside(ctx, event, reason); err != nil {
		return false, fmt.Errorf("set event aside: %w", err)
	}
	return true, nil
}

// refused tells whether the database found fault with the data (SQLSTATE classes 22, 23 and 54), so that trying again is no use.
func refused(err error) bool {
	var state interface{ SQLState() string }
	if !errors.As(err, &state) {
		return false
	}
	return slices.Contains([]string{"22", "23", "54"}, state.SQLState()[:2])
}
