package crm_test

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/crm"
)

func receiptOf(number int64, previous string) *crm.ErasureReceipt {
	return &crm.ErasureReceipt{
		Kind: crm.ReceiptKind, ID: "ers_1", Number: number, At: time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC), Candidate: "cnd_1", Mode: crm.RetentionErase,
		Rule: "gdpr/art-17", Reason: "request", By: "R&D <lena>", Rows: map[string]int64{"messages": 3, "candidates": 1}, Tombstones: 4,
		Outside: map[crm.ErasureKind]int64{crm.ErasureRun: 1}, Previous: previous,
	}
}

func TestReceiptIsVerified(t *testing.T) {
	t.Parallel()
	key, err := crm.ParseReceiptKey(crm.MakeReceiptKey())
	if err != nil {
		t.Fatal(err)
	}
	public, err := crm.ParsePublicReceiptKey(crm.PublicReceiptKey(key))
	if err != nil {
		t.Fatal(err)
	}
	signed, err := receiptOf(1, "").Sign(key)
	if err != nil {
		t.Fatal(err)
	}
	pretty, err := json.MarshalIndent(signed, "", "    ")
	if err != nil {
		t.Fatal(err)
	}
	plain := strings.NewReplacer(`\u0026`, "&", `\u003c`, "<", `\u003e`, ">").Replace(string(pretty))
	other := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	for name, tc := range map[string]struct {
		text string
		key  ed25519.PublicKey
		ok   bool
	}{
		"as it was printed":   {string(pretty), public, true},
		"as others print it":  {plain, public, true},
		"with another key":    {plain, ed25519.PublicKey(other[ed25519.SeedSize:]), false},
		"without a key":       {plain, nil, false},
		"with another number": {strings.Replace(plain, `"messages": 3`, `"messages": 2`, 1), public, false},
		"with another name":   {strings.Replace(plain, "cnd_1", "cnd_2", 1), public, false},
		"with more":           {strings.Replace(plain, `"number": 1`, `"number": 1, "more": 1`, 1), public, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var read crm.SignedReceipt
			if err := json.Unmarshal([]byte(tc.text), &read); err != nil {
				t.Fatal(err)
			}
			r, err := read.Verify(tc.key)
			if tc.ok != (err == nil) || err != nil && !errors.Is(err, crm.ErrSignature) {
				t.Fatalf("verified: %v", err)
			}
			if tc.ok && (r.By != "R&D <lena>" || r.Rows["messages"] != 3) {
				t.Errorf("it says %+v", r)
			}
		})
	}
}

func TestReceiptChain(t *testing.T) {
	t.Parallel()
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	public := ed25519.PublicKey(key[ed25519.SeedSize:])
	var chain []crm.SignedReceipt
	previous := ""
	for n := range 3 {
		signed, err := receiptOf(int64(n+1), previous).Sign(key)
		if err != nil {
			t.Fatal(err)
		}
		if previous, err = signed.Hash(); err != nil {
			t.Fatal(err)
		}
		chain = append(chain, signed)
	}
	orphan, err := receiptOf(1, "abc").Sign(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		receipts []crm.SignedReceipt
		ok       bool
	}{
		"all":                      {chain, true},
		"a part":                   {chain[1:], true},
		"none":                     {nil, true},
		"without the second":       {[]crm.SignedReceipt{chain[0], chain[2]}, false},
		"in another order":         {[]crm.SignedReceipt{chain[1], chain[0]}, false},
		"a first one with another": {[]crm.SignedReceipt{orphan}, false},
	} {
		if err := crm.VerifyChain(tc.receipts, public); tc.ok != (err == nil) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestReceiptKeysAreRead(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "x", "YQ==", crm.MakeReceiptKey() + "AA"} {
		if _, err := crm.ParseReceiptKey(text); err == nil {
			t.Errorf("%q is a key", text)
		}
		if _, err := crm.ParsePublicReceiptKey(text); err == nil {
			t.Errorf("%q is a public key", text)
		}
	}
}

func TestErasureIsChecked(t *testing.T) {
	t.Parallel()
	good := crm.Erasure{Candidate: "x", Mode: crm.RetentionAnonymize, Rule: "retention/gone-quiet", Reason: "due", By: "retention"}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*crm.Erasure){
		"a mode":            func(e *crm.Erasure) { e.Mode = "" },
		"a rule in words":   func(e *crm.Erasure) { e.Rule = "She asked" },
		"a reason with @":   func(e *crm.Erasure) { e.Reason = "ana@example.org" },
		"no reason":         func(e *crm.Erasure) { e.Reason = "" },
		"nobody who did it": func(e *crm.Erasure) { e.By = "" },
	} {
		bad := good
		change(&bad)
		if err := bad.Check(); crm.CodeOf(err) != crm.CodeInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}
