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
	broken, err := w.compare(ctx)
	if err != nil {
		return false, err
	}
	if broken { // before it is forgotten
		if err := w.store.CheckedAudit(ctx, &w.checked, true); err != nil {
			return false, err
		}
	}
	if span.Number != w.checked.Number || span.Hash != w.checked.Hash {
		if err := w.writeCheckpoint(ctx, &span); err != nil {
			return false, err
		}
	}
	return false, w.store.CheckedAudit(ctx, &span, false)
}

// writeCheckpoint signs a checkpoint and puts it where it is kept.
func (w *Worker) writeCheckpoint(ctx context.Context, span *crm.AuditCheckpoint) error {
	signed, err := w.store.SignCheckpoint(*span)
	if err != nil {
		return err
	}
	if w.checkpoints != nil {
		line, err := json.Marshal(signed)
		if err != nil {
			return fmt.Errorf("encode checkpoint: %w", err)
		}
		if err := w.checkpoints.Append([][]byte{append(line, '\n')}); err != nil {
			return fmt.Errorf("write checkpoint: %w", err)
		}
	}
	w.log.InfoContext(ctx, "audit checkpoint", "number", span.Number, "hash", span.Hash, "key", signed.Key, "signature", signed.Signature)
	w.checked = *span
	return nil
}

// compare tells whether the entry of the last checkpoint is not as it was. A worker that begins takes the last one from the database,
// which finds less: who changes the log can change that too.
func (w *Worker) compare(ctx context.Context) (broken bool, err error) {
	if w.checked.Number == 0 {
		last, err := w.store.AuditChecks(ctx)
		if err != nil {
			return false, err
		}
		w.checked.Number, w.checked.Hash = last.Number, last.Hash
	}
	if w.checked.Number == 0 {
		return false, nil
	}
	hashes, err := w.store.AuditHashes(ctx, []int64{w.checked.Number})
	if err != nil {
		return false, err
	}
	if hashes[w.checked.Number] != w.checked.Hash {
		broken := &crm.AuditError{Number: w.checked.Number, Reason: "it is not as it was at the last checkpoint"}
		w.log.ErrorContext(ctx, "the audit log is broken; see `rapport audit verify`", "error", broken)
		return true, nil
	}
	return false, nil
}
