package crm

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// ReceiptKind says what a receipt is, and in which form.
const ReceiptKind = "rapport/erasure-receipt/1"

// ErasureReceipt says that something was erased, when, by which rule and how much. It holds nothing that tells of a person: the
// candidate's id is random, and nothing else goes by it any more.
type ErasureReceipt struct {
	Kind       string                `json:"kind"`
	ID         string                `json:"id"`
	Number     int64                 `json:"number"` // from 1, without gaps
	At         time.Time             `json:"at"`
	Candidate  string                `json:"candidate"` // our id
	Mode       string                `json:"mode"`      // erase or anonymize
	Rule       string                `json:"rule"`
	Reason     string                `json:"reason"`
	By         string                `json:"by"`
	Rows       map[string]int64      `json:"rows"`       // how many were deleted, by table
	Tombstones int                   `json:"tombstones"` // keyed hashes that are left
	Outside    map[ErasureKind]int64 `json:"outside"`    // what is done outside the database, by kind
	Previous   string                `json:"previous"`   // SHA-256 of the receipt before, in hex; "" for the first
}

// SignedReceipt is a receipt with the signature of its installation: Ed25519 (RFC 8032) over the JSON of Receipt, without spaces
// between its parts, and with &, < and > written as \u0026, \u003c and \u003e.
type SignedReceipt struct {
	Receipt   json.RawMessage `json:"receipt"`
	Key       string          `json:"key"`       // the public key, in base64; whoever checks compares it with the one they know
	Signature string          `json:"signature"` // base64
}

// Sign signs a receipt.
func (r *ErasureReceipt) Sign(key ed25519.PrivateKey) (SignedReceipt, error) {
	raw, err := json.Marshal(r)
	if err != nil {
		return SignedReceipt{}, fmt.Errorf("encode receipt: %w", err)
	}
	return SignedReceipt{
		Receipt: raw, Key: PublicReceiptKey(key), Signature: base64.StdEncoding.EncodeToString(ed25519.Sign(key, raw)),
	}, nil
}

// ErrSignature says that a receipt is not as it was signed, or not by that key.
var ErrSignature = errors.New("the receipt was changed, or another key has signed it")

// Verify checks a receipt against the key that its installation is known by, and returns what it says. It needs nothing else. The
// error is ErrSignature, or says what cannot be read.
func (s *SignedReceipt) Verify(key ed25519.PublicKey) (ErasureReceipt, error) {
	text, err := s.text()
	if err != nil {
		return ErasureReceipt{}, err
	}
	signature, err := base64.StdEncoding.DecodeString(s.Signature)
	if err != nil || len(key) != ed25519.PublicKeySize || !ed25519.Verify(key, text, signature) {
		return ErasureReceipt{}, ErrSignature
	}
	return s.Read()
}

// Read returns what a receipt says, without checking it.
func (s *SignedReceipt) Read() (ErasureReceipt, error) {
	var r ErasureReceipt
	if err := json.Unmarshal(s.Receipt, &r); err != nil {
		return ErasureReceipt{}, fmt.Errorf("read receipt: %w", err)
	}
	if r.Kind != ReceiptKind {
		return ErasureReceipt{}, fmt.Errorf("read receipt: it is no %s", ReceiptKind)
	}
	return r, nil
}

// Hash is what the next receipt names as its previous one.
func (s *SignedReceipt) Hash() (string, error) {
	text, err := s.text()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

// text is what was signed, whether or not &, < and > were written plainly on the way here.
func (s *SignedReceipt) text() ([]byte, error) {
	var compact, text bytes.Buffer
	if err := json.Compact(&compact, s.Receipt); err != nil {
		return nil, fmt.Errorf("read receipt: %w", err)
	}
	json.HTMLEscape(&text, compact.Bytes())
	return text.Bytes(), nil
}

// VerifyChain checks receipts that follow each other, the first one first, and that none is missing between them.
func VerifyChain(receipts []SignedReceipt, key ed25519.PublicKey) error {
	var before ErasureReceipt
	var hash string
	for i := range receipts {
		r, err := receipts[i].Verify(key)
		if err != nil {
			return fmt.Errorf("receipt %d of the list: %w", i+1, err)
		}
		if i > 0 && (r.Number != before.Number+1 || r.Previous != hash) {
			return fmt.Errorf("receipt %d does not follow %d: one is missing, or was changed", r.Number, before.Number)
		}
		if r.Number == 1 && r.Previous != "" {
			return errors.New("the first receipt names one before it")
		}
		if hash, err = receipts[i].Hash(); err != nil {
			return err
		}
		before = r
	}
	return nil
}

// MakeReceiptKey returns a new key that signs receipts, as ParseReceiptKey reads it.
func MakeReceiptKey() string {
	var seed [ed25519.SeedSize]byte
	rand.Read(seed[:]) // documented never to fail
	return base64.StdEncoding.EncodeToString(seed[:])
}

// ParseReceiptKey reads a key that signs receipts: the base64 of its seed of 32 bytes. The error does not quote it.
func ParseReceiptKey(text string) (ed25519.PrivateKey, error) {
	seed, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil || len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("a receipt key is the base64 of %d bytes: make one with `rapport receipt new-key`", ed25519.SeedSize)
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

// PublicReceiptKey is the key that receipts are checked with, in base64.
func PublicReceiptKey(key ed25519.PrivateKey) string {
	return base64.StdEncoding.EncodeToString(key[ed25519.SeedSize:]) // RFC 8032: the second half
}

// ParsePublicReceiptKey reads a key that receipts are checked with.
func ParsePublicReceiptKey(text string) (ed25519.PublicKey, error) {
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil || len(raw) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("the public key is the base64 of %d bytes: `rapport receipt key` prints it", ed25519.PublicKeySize)
	}
	return raw, nil
}
