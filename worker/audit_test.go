package worker_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/store"
)

// It is written down outside the database, and signed, how the audit log stands.
func TestCheckpointsOfTheAuditLog(t *testing.T) {
	t.Parallel()
	r := newRig(t, 0)
	log := &page{tries: 1}
	r.checkpoints = log
	if err := r.store.Audit(crm.WithActor(t.Context(), "key_1"), crm.AuditRecord{Action: crm.AuditRead, Kind: "candidate"}); err != nil {
		t.Fatal(err)
	}
	r.work()
	r.until(func() string { return differ("checkpoints", len(log.all()), 1) })
	var signed crm.SignedCheckpoint
	if err := json.Unmarshal(bytes.TrimSpace([]byte(log.all()[0])), &signed); err != nil {
		t.Fatal(err)
	}
	key, _ := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)).Public().(ed25519.PublicKey)
	mark, err := signed.Open(key)
	if err != nil {
		t.Fatal(err)
	}
	hashes, err := r.store.AuditHashes(t.Context(), []int64{mark.Number})
	if err != nil || mark.Number < 1 || hashes[mark.Number] != mark.Hash || !mark.Whole {
		t.Errorf("the checkpoint says %+v, and the log %v, %v", mark, hashes, err)
	}
}

// A worker finds what was changed since the last checkpoint, also of the one before it, and that stays known.
func TestCheckpointsFindABrokenLog(t *testing.T) {
	t.Parallel()
	r := newRig(t, 0)
	told := func() {
		if err := r.store.Audit(t.Context(), crm.AuditRecord{Action: crm.AuditRead, Kind: "candidate"}); err != nil {
			t.Fatal(err)
		}
	}
	checked := func(entries int64) store.AuditChecks {
		stop := r.work()
		defer stop()
		var checks store.AuditChecks
		r.until(func() string {
			var err error
			if checks, err = r.store.AuditChecks(t.Context()); err != nil {
				return err.Error()
			}
			return differ("checked entries", checks.Number, entries)
		})
		return checks
	}
	told()
	if checks := checked(1); !checks.BrokenAt.IsZero() || checks.Since != 0 || checks.Age > time.Minute {
		t.Errorf("a whole log is %+v", checks)
	}
	told()
	conn, err := pgx.Connect(t.Context(), r.dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), "set rapport.break_glass = 'a test'; update audit_log set hash = 'x' where number = 1"); err != nil {
		t.Fatal(err)
	}
	if checks := checked(2); checks.BrokenAt.IsZero() {
		t.Errorf("a log that was changed is %+v", checks)
	}
	told()
	if checks := checked(3); checks.BrokenAt.IsZero() {
		t.Error("it is forgotten that it was changed")
	}
}
