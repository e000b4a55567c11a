package crm

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"time"
)

// What an entry of the audit log says was done. With the kind of what it was done to it makes a sentence: read timeline.
const (
	AuditRead    = "read"
	AuditList    = "list" // a read of several
	AuditExport  = "export"
	AuditCreate  = "create"
	AuditChange  = "change"
	AuditRemove  = "remove"
	AuditPublish = "publish"
	AuditPause   = "pause"
	AuditResume  = "resume"
	AuditMigrate = "migrate"
	AuditStop    = "stop"
	AuditHold    = "hold"
	AuditRelease = "release"
	AuditMerge   = "merge"
	AuditErase   = "erase"
	AuditRun     = "run"     // what else runs by itself: a retention policy
	AuditConfirm = "confirm" // have it go on that has asked
)

// AuditRecord is what somebody did, before it has its place in the audit log.
type AuditRecord struct {
	At     time.Time // zero: now
	Actor  string    // zero: who the context says; see WithActor
	Action string
	Kind   string      // of what it was done to: candidate, timeline, definition, key
	Object string      // which one, where that is no person: sequence/nurture, key_…
	Detail string      // codes, names of fields and numbers; nothing personal
	Parts  []AuditPart // what is personal: of these the log keeps commitments
}

// AuditPart is something personal that an entry tells. Name says what: candidate, consent, address.
type AuditPart struct {
	Owner string // the id of the candidate with whom it is erased; "": nobody
	Name  string
	Value string
}

// About returns the parts that name candidates.
func About(ids ...string) []AuditPart {
	parts := make([]AuditPart, 0, len(ids))
	seen := make(map[string]bool, len(ids))
	for _, id := range ids {
		if id != "" && !seen[id] {
			seen[id] = true
			parts = append(parts, AuditPart{Owner: id, Name: "candidate", Value: id})
		}
	}
	return parts
}

// AuditEntry is one line of the audit log. Its hash covers all of it and the hash of the line before, so that none can be changed, left
// out, added or moved without every later hash being wrong. It holds nothing personal: of what is, only commitments.
type AuditEntry struct {
	Number      int64     `json:"number"` // from 1, without gaps
	At          time.Time `json:"at"`     // UTC, to the microsecond
	Actor       string    `json:"actor"`  // the id of a key or an interviewer, candidate, or rapport
	Action      string    `json:"action"`
	Kind        string    `json:"kind"`
	Object      string    `json:"object,omitempty"`
	Detail      string    `json:"detail,omitempty"`
	Commitments []string  `json:"commitments,omitempty"` // as Commitment makes them: candidate:9f86…
	Previous    string    `json:"previous"`              // the hash of the entry before, in hex; "" for the first
	Hash        string    `json:"hash"`                  // SHA-256, in hex
}

// AuditOpening is what one commitment of an entry was made from. It is kept beside the log and deleted when its owner is erased; then
// the commitment tells nobody anything, and the log is as whole as before.
type AuditOpening struct {
	Part  int    `json:"part"` // which commitment of the entry, from 0
	Name  string `json:"name"`
	Value string `json:"value"`
	Salt  string `json:"salt"` // 32 random bytes, in hex
}

// AuditLine is an entry with what is still known of its commitments.
type AuditLine struct {
	AuditEntry
	Openings []AuditOpening `json:"openings,omitempty"`
}

// saltSize is as long as the hash: whoever knows the value and not the salt cannot find out that it was meant.
const saltSize = sha256.Size

// Seal returns the commitment to a part and what opens it.
func (p *AuditPart) Seal(number int) (string, AuditOpening) {
	var salt [saltSize]byte
	rand.Read(salt[:]) // documented never to fail
	o := AuditOpening{Part: number, Name: p.Name, Value: p.Value, Salt: hex.EncodeToString(salt[:])}
	return o.Commitment(), o
}

// Commitment is name:HMAC-SHA-256(salt, name:value), the hash in hex.
func (o *AuditOpening) Commitment() string {
	salt, err := hex.DecodeString(o.Salt)
	if err != nil || len(salt) != saltSize || hex.EncodeToString(salt) != o.Salt {
		return ""
	}
	mac := hmac.New(sha256.New, salt)
	mac.Write([]byte(o.Name + ":" + o.Value))
	return o.Name + ":" + hex.EncodeToString(mac.Sum(nil))
}

// Sum is the hash that the entry should have: SHA-256 over its parts, each written as a netstring (its length in bytes, a colon, itself,
// a comma), so that no two entries are written alike. The database computes the same.
func (e *AuditEntry) Sum() string {
	var text strings.Builder
	for _, part := range append([]string{
		"rapport-audit-1", strconv.FormatInt(e.Number, 10), strconv.FormatInt(e.At.UnixMicro(), 10),
		e.Actor, e.Action, e.Kind, e.Object, e.Detail, e.Previous,
	}, e.Commitments...) {
		text.WriteString(strconv.Itoa(len(part)) + ":" + part + ",")
	}
	sum := sha256.Sum256([]byte(text.String()))
	return hex.EncodeToString(sum[:])
}

type actorKey struct{}

// ActorRapport is who acts when nobody else does: the program itself.
const ActorRapport = "rapport"

// ActorCandidate is a candidate who opens a link of theirs. Which one, the entry's parts tell, for as long as that may be known.
const ActorCandidate = "candidate"

// WithActor says on whose behalf something is done: the id of a key or of an interviewer.
func WithActor(ctx context.Context, actor string) context.Context {
	return context.WithValue(ctx, actorKey{}, actor)
}

// ActorOf is on whose behalf something is done.
func ActorOf(ctx context.Context) string {
	if actor, ok := ctx.Value(actorKey{}).(string); ok && actor != "" {
		return actor
	}
	return ActorRapport
}
