package worker_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"testing"

	"github.com/rapport-crm/rapport/crm"
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
