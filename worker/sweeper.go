package worker

import (
	"context"
	"errors"
	"time"
)

const (
	sweepEvery = 5 * time.Second
	sweepBatch = 500
	// defaultGrace is how long (really) a run may be overdue before it is woken: longer than a busy worker takes.
	defaultGrace = 30 * time.Second
)

// sweep heals what a crash or a restore left behind: runs whose time has passed although no timer fired, claims of dead
// senders, and events that arrived in the very moment in which their candidate did. It settles experiments too.
func (w *Worker) sweep(ctx context.Context) (more bool, err error) {
	woken, err := w.store.WakeOverdue(ctx, w.scale.Now(time.Now().Add(-w.grace)), sweepBatch)
	if woken > 0 {
		w.log.WarnContext(ctx, "overdue runs woken", "runs", woken)
	}
	lost, leaseErr := w.store.ExpireLeases(ctx, w.now())
	if lost > 0 {
		w.log.WarnContext(ctx, "messages of unknown fate", "messages", lost)
	}
	adopted, adoptErr := w.store.AdoptEvents(ctx, sweepBatch)
	settleErr := w.settle(ctx)
	return woken == sweepBatch || adopted == sweepBatch, errors.Join(err, leaseErr, adoptErr, settleErr)
}
