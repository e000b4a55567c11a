package crm

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
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
)

// NewID returns an opaque id such as "cnd_06cq3v9k7rk1bn2c5x0e8m4t2g": the prefix, then 26 characters that hold the
// milliseconds of at and 80 random bits, so that ids of one prefix sort by time as text.
func NewID(prefix string, at time.Time) string {
	var raw [16]byte
	binary.BigEndian.PutUint64(raw[:8], uint64(at.UnixMilli())<<16) //nolint:gosec // times before 1970 are not made here
	rand.Read(raw[6:])                                              //nolint:errcheck,gosec // documented never to fail
	// Crockford's alphabet keeps the order of the bytes and leaves out letters that are misread.
	return prefix + "_" + base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding).EncodeToString(raw[:])
}

// HasPrefix tells whether id looks like an id of that prefix.
func HasPrefix(id, prefix string) bool {
	return len(id) == len(prefix)+27 && id[:len(prefix)] == prefix && id[len(prefix)] == '_'
}
