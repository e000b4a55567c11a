package worker

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/rapport-crm/rapport/crm"
)

// checkpointEvery is how often, really, it is written down how the audit log stands. What is cut off its end sooner than that after it was
// written is not found.
const checkpointEvery = time.Minute

// checkpoint writes down, in the log and outside the database, how the audit log stands, and looks whether it still begins as it did.
func (w *Worker) checkpoint(ctx context.Context) (more bool, err error) {
	span, err := w.store.AuditSpan(ctx, time.Time{}, time.Time{})
	if err != nil {
		return false, err
	}
	if err := w.compare(ctx); err != nil {
		return false, err
	}
	if span.Number == w.checked.Number && span.Hash == w.checked.Hash {
		return false, nil
	}
	signed, err := w.store.SignCheckpoint(span)
	if err != nil {
		return false, err
	}
	if w.checkpoints != nil {
		line, err := json.Marshal(signed)
		if err != nil {
			return false, fmt.Errorf("encode checkpoint: %w", err)
		}
		if err := w.checkpoints.Append([][]byte{append(line, '\n')}); err != nil {
			return false, fmt.Errorf("write checkpoint: %w", err)
		}
	}
	w.log.InfoContext(ctx, "audit checkpoint", "number", span.Number, "hash", span.Hash, "key", signed.Key, "signature", signed.Signature)
	w.checked = span
	return false, nil
}

// compare looks whether the entry of the last checkpoint is still the same.
func (w *Worker) compare(ctx context.Context) error {
	if w.checked.Number == 0 {
		return nil
	}
	hashes, err := w.store.AuditHashes(ctx, []int64{w.checked.Number})
	if err != nil {
		return err
	}
	if hashes[w.checked.Number] != w.checked.Hash {
		broken := &crm.AuditError{Number: w.checked.Number, Reason: "it is not as it was at the last checkpoint"}
		w.log.ErrorContext(ctx, "the audit log is broken; see `rapport audit verify`", "error", broken)
	}
	return nil
}
