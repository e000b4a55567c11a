package crm

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"strings"
	"time"
)

// Prefixes of ids: what a thing is can be read off its id.
const (
	PrefixCandidate   = "cnd"
	PrefixApplication = "apl"
	PrefixEvent       = "evt"
	PrefixEnrollment  = "enr"
	PrefixMessage     = "msg"
	PrefixTask        = "tsk"
	PrefixDecision    = "dec"
	PrefixKey         = "key"
	PrefixJob         = "job"
	PrefixNote        = "nte"
	PrefixInterviewer = "int"
	PrefixMeeting     = "mtg"
	PrefixCalendar    = "cal"
	PrefixConnection  = "con"
	PrefixErasure     = "ers"
	PrefixHold        = "hld"
	PrefixRequest     = "req"
)

// NewID returns an opaque id such as "cnd_06cq3v9k7rk1bn2c5x0e8m4t2g": the prefix, then 26 characters that hold the
// milliseconds of at and 80 random bits, so that ids of one prefix sort by time as text.
func NewID(prefix string, at time.Time) string {
	var raw [16]byte
	rand.Read(raw[6:]) // documented never to fail
	return encodeID(prefix, at, raw)
}

// DeriveID returns an id of the same form that is made from its parts alone: the same prefix, time and parts give the same
// id. Decisions use it, so that deciding twice on the same facts gives the same rows.
func DeriveID(prefix string, at time.Time, parts ...string) string {
	var raw [16]byte
	sum := sha256.Sum256([]byte(prefix + "\x00" + strings.Join(parts, "\x00")))
	copy(raw[6:], sum[:])
	return encodeID(prefix, at, raw)
}

func encodeID(prefix string, at time.Time, raw [16]byte) string {
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(at.UnixMilli())<<16) // times before 1970 are not made here
	copy(raw[:6], ms[:6])
	// Crockford's alphabet keeps the order of the bytes and leaves out letters that are misread.
	return prefix + "_" + base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding).EncodeToString(raw[:])
}

// HasPrefix tells whether id looks like an id of that prefix.
func HasPrefix(id, prefix string) bool {
	return len(id) == len(prefix)+27 && id[:len(prefix)] == prefix && id[len(prefix)] == '_'
}
