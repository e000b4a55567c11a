package worker

import (
	"context"
	"time"
)

// SyncLists makes the provider's lists and Rapport's agree, once.
func (w *Worker) SyncLists(ctx context.Context) error {
	_, err := w.syncLists(ctx)
	return err
}

// Rested makes the worker ask the provider again at once.
func (w *Worker) Rested() { w.listsRest = time.Time{} }
