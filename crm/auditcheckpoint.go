package crm

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// CheckpointKind is what every checkpoint says it is, so that nothing else that the key has signed can be taken for one.
const CheckpointKind = "rapport audit checkpoint"

// AuditCheckpoint says how the audit log stood: which entries there were, and what the last one's hash was. Kept apart from the database,
// it is what finds a log that was cut short, or written anew from some entry on.
type AuditCheckpoint struct {
	Kind     string    `json:"kind"`
	At       time.Time `json:"at"`
	First    int64     `json:"first"`    // the first entry that it speaks of; 1 but in exports
	Previous string    `json:"previous"` // the hash before that
	Number   int64     `json:"number"`   // the last one; First-1: there is none
	Hash     string    `json:"hash"`     // of the last one
	Whole    bool      `json:"whole"`    // there was none after Number then
}

// SignedCheckpoint is a checkpoint with the signature of its installation: Ed25519 (RFC 8032) over the checkpoint's bytes. Without a key
// there is no signature, and whoever can change the file can change the checkpoint.
type SignedCheckpoint struct {
	Checkpoint json.RawMessage `json:"checkpoint"`
	Key        string          `json:"key,omitempty"`       // the public key, in base64; whoever checks compares it with the one they know
	Signature  string          `json:"signature,omitempty"` // base64
}

// Sign signs a checkpoint; with a nil key it is left unsigned.
func (c AuditCheckpoint) Sign(key ed25519.PrivateKey) (SignedCheckpoint, error) {
	c.Kind, c.At = CheckpointKind, c.At.UTC()
	raw, err := json.Marshal(c)
	if err != nil {
		return SignedCheckpoint{}, fmt.Errorf("encode checkpoint: %w", err)
	}
	signed := SignedCheckpoint{Checkpoint: raw}
	if len(key) == ed25519.PrivateKeySize {
		signed.Key = base64.StdEncoding.EncodeToString(key[ed25519.SeedSize:]) // RFC 8032: the second half is the public key
		signed.Signature = base64.StdEncoding.EncodeToString(ed25519.Sign(key, raw))
	}
	return signed, nil
}

// ErrCheckpointSignature says that a checkpoint is not as it was signed, or not by that key.
var ErrCheckpointSignature = errors.New("the checkpoint was changed, or another key has signed it, or none")

// Open checks a checkpoint against the key that its installation is known by, and returns what it says; with a nil key it only reads.
func (s *SignedCheckpoint) Open(key ed25519.PublicKey) (AuditCheckpoint, error) {
	var c AuditCheckpoint
	if key != nil {
		signature, err := base64.StdEncoding.DecodeString(s.Signature)
		if err != nil || base64.StdEncoding.EncodeToString(signature) != s.Signature || len(key) != ed25519.PublicKeySize || !ed25519.Verify(key, s.Checkpoint, signature) ||
			s.Key != base64.StdEncoding.EncodeToString(key) {
			return c, ErrCheckpointSignature
		}
	}
	if err := json.Unmarshal(s.Checkpoint, &c); err != nil {
		return c, fmt.Errorf("read checkpoint: %w", err)
	}
	if raw, err := json.Marshal(c); err != nil || c.Kind != CheckpointKind || !bytes.Equal(raw, s.Checkpoint) {
		return c, fmt.Errorf("read checkpoint: it is no %s as Rapport writes it", CheckpointKind)
	}
	return c, nil
}
