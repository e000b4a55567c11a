package crm_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/crm"
)

// auditChain makes a log of n entries, every third one about somebody.
func auditChain(n int) []crm.AuditLine {
	lines := make([]crm.AuditLine, n)
	previous := ""
	for i := range lines {
		l := &lines[i]
		l.AuditEntry = crm.AuditEntry{
			Number: int64(i + 1), At: time.Date(2026, 11, 2, 9, 0, i, 123_000, time.UTC), Actor: fmt.Sprint("key_", i%5), Action: crm.AuditRead,
			Kind: "candidate", Object: fmt.Sprint("o", i), Detail: "Zürich <&>", Previous: previous,
		}
		if i%3 == 0 {
			part := crm.AuditPart{Owner: "cnd_1", Name: "candidate", Value: "cnd_1"}
			commitment, opening := part.Seal(0)
			l.Commitments, l.Openings = []string{commitment}, []crm.AuditOpening{opening}
		}
		l.Hash = l.Sum()
		previous = l.Hash
	}
	return lines
}

// exportOf writes an export as the API does.
func exportOf(t *testing.T, lines []crm.AuditLine, key ed25519.PrivateKey) []byte {
	t.Helper()
	head := crm.AuditCheckpoint{At: time.Date(2026, 11, 3, 0, 0, 0, 0, time.UTC), First: 1, Number: int64(len(lines)), Whole: true}
	if len(lines) > 0 {
		head.First, head.Previous, head.Number, head.Hash = lines[0].Number, lines[0].Previous, lines[len(lines)-1].Number, lines[len(lines)-1].Hash
	}
	signed, err := head.Sign(key)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	if err := encoder.Encode(signed); err != nil {
		t.Fatal(err)
	}
	for i := range lines {
		if err := encoder.Encode(&lines[i]); err != nil {
			t.Fatal(err)
		}
	}
	return out.Bytes()
}

func auditKeyPair(seed byte) (ed25519.PublicKey, ed25519.PrivateKey) {
	private := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
	return ed25519.PublicKey(private[ed25519.SeedSize:]), private
}

func TestVerifyAudit(t *testing.T) {
	t.Parallel()
	public, private := auditKeyPair(1)
	other, _ := auditKeyPair(2)
	lines := auditChain(10)
	for name, tt := range map[string]struct {
		export []byte
		check  crm.AuditCheck
		want   string // of the error; "": none
	}{
		"whole":         {exportOf(t, lines, private), crm.AuditCheck{Key: public, Whole: true}, ""},
		"unsigned":      {exportOf(t, lines, nil), crm.AuditCheck{Whole: true}, ""},
		"a part":        {exportOf(t, lines[3:7], private), crm.AuditCheck{Key: public}, ""},
		"empty":         {exportOf(t, nil, private), crm.AuditCheck{Key: public, Whole: true}, ""},
		"not the whole": {exportOf(t, lines[3:], private), crm.AuditCheck{Key: public, Whole: true}, "only a part"},
		"another key":   {exportOf(t, lines, private), crm.AuditCheck{Key: other}, "another key"},
		"no signature":  {exportOf(t, lines, nil), crm.AuditCheck{Key: public}, "or none"},
		"no export":     {[]byte("hello\n"), crm.AuditCheck{}, "does not begin"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := crm.VerifyAudit(bytes.NewReader(tt.export), tt.check)
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

// TestVerifyAuditFindsEveryEdit makes 10,000 random edits of an export: of any byte, and of entries as somebody would who writes the
// JSON anew. Those that also compute all later hashes anew are found by the checkpoint, which they cannot sign.
func TestVerifyAuditFindsEveryEdit(t *testing.T) {
	t.Parallel()
	public, private := auditKeyPair(1)
	lines := auditChain(40)
	export := exportOf(t, lines, private)
	head, _, _ := bytes.Cut(export, []byte("\n"))
	var mark crm.SignedCheckpoint
	if err := json.Unmarshal(head, &mark); err != nil {
		t.Fatal(err)
	}
	check := crm.AuditCheck{Key: public, Whole: true, Checkpoints: []crm.SignedCheckpoint{mark}}
	if _, err := crm.VerifyAudit(bytes.NewReader(export), check); err != nil {
		t.Fatal(err)
	}
	dice := rand.New(rand.NewPCG(3, 4))
	for i := range 10_000 {
		edited, what := auditEdit(t, dice, export, lines)
		for bytes.Equal(edited, export) { // what was changed was computed anew
			edited, what = auditEdit(t, dice, export, lines)
		}
		if _, err := crm.VerifyAudit(bytes.NewReader(edited), check); err == nil {
			t.Fatalf("edit %d was not found: %s\n%s", i, what, edited)
		}
	}
}

// auditEdit makes one random edit.
func auditEdit(t *testing.T, dice *rand.Rand, export []byte, lines []crm.AuditLine) ([]byte, string) {
	t.Helper()
	at := dice.IntN(len(export))
	n := dice.IntN(len(lines))
	changed := slices.Clone(lines)
	switch dice.IntN(8) {
	case 0:
		out := bytes.Clone(export)
		out[at] ^= byte(1 + dice.IntN(255))
		return out, fmt.Sprintf("byte %d", at)
	case 1:
		return slices.Delete(bytes.Clone(export), at, at+1), fmt.Sprintf("byte %d left out", at)
	case 2:
		return slices.Insert(bytes.Clone(export), at, byte(dice.IntN(256))), fmt.Sprintf("a byte before %d", at)
	case 3:
		return export[:at], fmt.Sprintf("cut off at %d", at)
	case 4:
		changed = slices.Delete(changed, n, n+1)
	case 5:
		changed = slices.Insert(changed, n, changed[dice.IntN(len(changed))])
	case 6:
		m := (n + 1 + dice.IntN(len(lines)-1)) % len(lines)
		changed[n], changed[m] = changed[m], changed[n]
	case 7:
		changeEntry(dice, &changed[n])
	}
	if dice.IntN(2) == 0 { // and every hash after it anew
		previous := ""
		for i := range changed {
			changed[i].Number, changed[i].Previous = int64(i+1), previous
			changed[i].Hash = changed[i].Sum()
			previous = changed[i].Hash
		}
	}
	head, _, _ := bytes.Cut(export, []byte("\n"))
	_, rest, _ := bytes.Cut(exportOf(t, changed, nil), []byte("\n"))
	if dice.IntN(2) == 0 { // and a first line of their own
		_, stranger := auditKeyPair(9)
		return exportOf(t, changed, stranger), fmt.Sprintf("entry %d, and all of it written anew", n+1)
	}
	return slices.Concat(head, []byte("\n"), rest), fmt.Sprintf("entry %d", n+1)
}

// changeEntry changes one field of an entry.
func changeEntry(dice *rand.Rand, l *crm.AuditLine) {
	l.Commitments, l.Openings = slices.Clone(l.Commitments), slices.Clone(l.Openings)
	kinds := []func(){
		func() { l.Number += int64(1 + dice.IntN(5)) }, func() { l.At = l.At.Add(time.Duration(1+dice.IntN(1000)) * time.Microsecond) },
		func() { l.Actor += "x" }, func() { l.Action = "list" }, func() { l.Kind = "" }, func() { l.Object = l.Detail }, func() { l.Detail += " " },
		func() { l.Commitments = append(l.Commitments, "candidate:00") }, func() { l.Previous += "0" }, func() { l.Hash = strings.ToUpper(l.Hash) + "x" },
	}
	if len(l.Openings) > 0 {
		kinds = append(kinds, func() { l.Openings[0].Value = "cnd_2" }, func() { l.Openings[0].Name = "x" }, func() { l.Openings[0].Part = 1 },
			func() { l.Commitments = nil }, func() { l.Openings[0].Salt = strings.Repeat("00", 32) })
	}
	kinds[dice.IntN(len(kinds))]()
}

func TestVerifyAuditNamesTheFirstBrokenEntry(t *testing.T) {
	t.Parallel()
	lines := auditChain(10)
	lines[6].Actor = "key_somebody"
	lines[8].Detail = "x"
	_, err := crm.VerifyAudit(bytes.NewReader(exportOf(t, lines, nil)), crm.AuditCheck{})
	broken, ok := errors.AsType[*crm.AuditError](err)
	if !ok || broken.Number != 7 {
		t.Errorf("error %v, want one that names entry 7", err)
	}
}
