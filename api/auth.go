package api

import (
	"context"
	"crypto/sha256"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/store"
)

// Scopes of API keys. Admin has them all.
const (
	ScopeAdmin            = "admin"
	ScopeEventsRead       = "events:read"
	ScopeEventsWrite      = "events:write"
	ScopeCandidatesRead   = "candidates:read"
	ScopeCandidatesWrite  = "candidates:write"
	ScopeDefinitionsRead  = "definitions:read"
	ScopeDefinitionsWrite = "definitions:write"
	ScopeEnrollmentsRead  = "enrollments:read"
	ScopeEnrollmentsWrite = "enrollments:write"
	ScopeNotesRead        = "notes:read"  // notes, and on the timeline the words of the conversation
	ScopeNotesWrite       = "notes:write" // notes

	ScopeInterviewersRead  = "interviewers:read"
	ScopeInterviewersWrite = "interviewers:write"

	ScopePrivacyRead  = "privacy:read"  // receipts of erasures
	ScopePrivacyWrite = "privacy:write" // erasing

	ScopeAuditRead = "audit:read" // who did what
)

// Scopes lists every scope.
func Scopes() []string {
	return []string{
		ScopeAdmin, ScopeEventsRead, ScopeEventsWrite, ScopeCandidatesRead, ScopeCandidatesWrite,
		ScopeDefinitionsRead, ScopeDefinitionsWrite, ScopeEnrollmentsRead, ScopeEnrollmentsWrite, ScopeNotesRead, ScopeNotesWrite,
		ScopeInterviewersRead, ScopeInterviewersWrite, ScopePrivacyRead, ScopePrivacyWrite, ScopeAuditRead,
	}
}

// keyScheme is the name of the security scheme in the OpenAPI document.
const keyScheme = "key"

// authorize lets a request through whose key has one of the scopes that the operation names.
func (s *server) authorize(ctx huma.Context, next func(huma.Context)) {
	key, problem := s.authenticate(ctx.Context(), ctx.Header("Authorization"))
	if problem == nil {
		problem = permit(key, ctx.Operation())
	}
	if problem != nil {
		s.deny(ctx, problem)
		return
	}
	ctx = huma.WithValue(huma.WithValue(ctx, callerKey, key.Name), scopesKey, scopesOf(&key))
	next(huma.WithContext(ctx, crm.WithActor(ctx.Context(), key.ID)))
}

// deny writes a problem before the operation has begun.
func (s *server) deny(ctx huma.Context, problem *Problem) {
	for name, values := range problem.GetHeaders() {
		ctx.SetHeader(name, values[0])
	}
	s.logProblem(ctx.Context(), problem)
	ctx.SetHeader("Content-Type", problem.ContentType(""))
	ctx.SetStatus(problem.Status)
	if err := s.huma.Marshal(ctx.BodyWriter(), "application/json", problem.complete(requestID(ctx.Context()))); err != nil {
		s.Log.DebugContext(ctx.Context(), "answer not written", "error", err)
	}
}

func (s *server) authenticate(ctx context.Context, header string) (store.Key, *Problem) {
	scheme, secret, found := strings.Cut(strings.TrimSpace(header), " ")
	if !found || !strings.EqualFold(scheme, "Bearer") {
		return store.Key{}, unauthorized("This needs an API key.")
	}
	key, err := s.keys.find(ctx, strings.TrimSpace(secret), time.Now())
	var known *crm.Error
	if errors.As(err, &known) && known.Code != crm.CodeUnavailable {
		return store.Key{}, unauthorized("The API key is not in force.")
	}
	if err != nil {
		return store.Key{}, problemOf(err)
	}
	return key, nil
}

func unauthorized(detail string) *Problem {
	return &Problem{
		Status: http.StatusUnauthorized, Code: CodeUnauthorized, Detail: detail,
		Next: "Send a key that is in force as Authorization: Bearer rk_….",
	}
}

func permit(key store.Key, op *huma.Operation) *Problem {
	scope := scopeOf(op)
	if scope == "" { // a mistake, and nobody may use the operation
		return &Problem{Status: http.StatusForbidden, Code: CodeForbidden, Detail: "Nobody may use this operation."}
	}
	if has := scopesOf(&key); slices.Contains(has, scope) || slices.Contains(has, ScopeAdmin) {
		return nil
	}
	return &Problem{
		Status: http.StatusForbidden, Code: CodeForbidden, Detail: "The API key lacks the scope " + scope + ".",
		Next: "Use a key that has it; an admin can create one with POST /v1/keys.",
	}
}

// scopeOf is the scope that an operation needs, as its OpenAPI description says.
func scopeOf(op *huma.Operation) string {
	if len(op.Security) != 1 || len(op.Security[0][keyScheme]) != 1 {
		return ""
	}
	return op.Security[0][keyScheme][0]
}

// may tells whether the key that a request came with has a scope.
func may(ctx context.Context, scope string) bool {
	scopes, _ := ctx.Value(scopesKey).([]string)
	return slices.Contains(scopes, scope) || slices.Contains(scopes, ScopeAdmin)
}

// caller is the name of the key that a request came with.
func caller(ctx context.Context) string {
	name, _ := ctx.Value(callerKey).(string)
	return name
}

// keyMemory is how long a key that was found is believed without asking the database again: so long a revoked key may
// still work. Single events would otherwise cost two round trips instead of one.
const keyMemory = 5 * time.Second

// maxRemembered bounds the keys in memory.
const maxRemembered = 1000

// keyring remembers keys for a short while.
type keyring struct {
	store *store.Store
	mu    sync.Mutex
	known map[[sha256.Size]byte]knownKey
}

type knownKey struct {
	key   store.Key
	until time.Time
}

func newKeyring(s *store.Store) *keyring {
	return &keyring{store: s, known: map[[sha256.Size]byte]knownKey{}}
}

// find returns the key of a secret. now is real time: the installation's may run faster.
func (r *keyring) find(ctx context.Context, secret string, now time.Time) (store.Key, error) {
	sum := sha256.Sum256([]byte(secret))
	r.mu.Lock()
	entry, ok := r.known[sum]
	r.mu.Unlock()
	if ok && now.Before(entry.until) {
		return entry.key, nil
	}
	key, err := r.store.KeyBySecret(ctx, secret)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		delete(r.known, sum)
		return store.Key{}, err
	}
	if len(r.known) >= maxRemembered {
		clear(r.known)
	}
	r.known[sum] = knownKey{key: key, until: now.Add(keyMemory)}
	return key, nil
}

// forget makes every key be looked up again. It is called when one is revoked, which then holds at once in this process.
func (r *keyring) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.known)
}
