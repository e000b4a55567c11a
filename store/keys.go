package store

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rapport-crm/rapport/crm"
)

// Key is an API key, without its secret, which is only known when it is made.
type Key struct {
	ID         string
	Name       string
	Scopes     []string
	Roles      []string // bundles of further scopes
	CreatedAt  time.Time
	LastUsedAt time.Time // to the minute
	RevokedAt  time.Time
}

const keyColumns = "id, name, scopes, roles, created_at, last_used_at, revoked_at, hash"

// keyRow is a key with the SHA-256 of its secret. The secret is random, so a plain hash is as good as a slow one.
type keyRow struct {
	Key
	hash []byte
}

func scanKey(row pgx.CollectableRow) (k keyRow, err error) {
	err = row.Scan(&k.ID, &k.Name, &k.Scopes, &k.Roles, &k.CreatedAt, at(&k.LastUsedAt), at(&k.RevokedAt), &k.hash)
	return k, err
}

// keyPrefix begins every secret, so that secret scanners know one when they see it: rk_<id>_<random>.
const keyPrefix = "rk_"

const (
	// lastUsedPrecision is how exact a key's last use is kept: not every request should write.
	lastUsedPrecision = time.Minute
	// keyTrust is how long a key that was found valid is taken for valid without asking: not every request should read.
	keyTrust = 5 * time.Second
	// keyringSize bounds how many are remembered.
	keyringSize = 1000
)

// keyring remembers keys that were found valid a moment ago, by the hash of their secret.
type keyring struct {
	mu    sync.Mutex
	valid map[[sha256.Size]byte]trustedKey
}

type trustedKey struct {
	Key
	until time.Time // on the machine's clock, whatever the store's
}

func (k *keyring) find(hash [sha256.Size]byte) (Key, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	key, ok := k.valid[hash]
	return key.Key, ok && time.Now().Before(key.until)
}

func (k *keyring) add(hash [sha256.Size]byte, key Key) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.valid == nil || len(k.valid) >= keyringSize {
		k.valid = map[[sha256.Size]byte]trustedKey{}
	}
	k.valid[hash] = trustedKey{key, time.Now().Add(keyTrust)}
}

func (k *keyring) forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.valid = nil
}

// CreateKey makes an API key with some scopes and returns its secret, which is stored nowhere.
func (s *Store) CreateKey(ctx context.Context, name string, scopes []string, at time.Time) (id, secret string, err error) {
	return s.CreateKeyWithRoles(ctx, name, scopes, nil, at)
}

// CreateKeyWithRoles is CreateKey for a key that has the scopes of some roles too. What a role may is not the store's to know.
func (s *Store) CreateKeyWithRoles(ctx context.Context, name string, scopes, roles []string, at time.Time) (id, secret string, err error) {
	id = crm.NewID(crm.PrefixKey, at)
	secret = keyPrefix + strings.TrimPrefix(id, crm.PrefixKey+"_") + "_" + strings.ToLower(rand.Text())
	hash := sha256.Sum256([]byte(secret))
	batch := &pgx.Batch{}
	batch.Queue("insert into api_keys (id, name, hash, scopes, roles, created_at) values ($1, $2, $3, $4, $5, $6)",
		id, name, hash[:], list(scopes), list(roles), moment(at))
	record := crm.AuditRecord{At: at, Action: crm.AuditCreate, Kind: "key", Object: id, Detail: strings.Join(slices.Concat(roles, scopes), " ")}
	if err := queueAudit(ctx, batch, at, []crm.AuditRecord{record}); err != nil {
		return "", "", err
	}
	if err := s.once(ctx, batch); err != nil {
		return "", "", fmt.Errorf("create key: %w", err)
	}
	return id, secret, nil
}

// KeyBySecret returns the key of a secret. The error has crm.CodeNotFound when there is none or it is revoked: who asks learns
// no difference. A revocation by another process takes five seconds to be seen.
func (s *Store) KeyBySecret(ctx context.Context, secret string) (Key, error) {
	hash := sha256.Sum256([]byte(secret))
	key, known := s.keys.find(hash)
	if !known {
		var err error
		if key, err = s.readKey(ctx, secret, hash); err != nil {
			return Key{}, err
		}
	}
	if now := s.now(); now.Sub(key.LastUsedAt) >= lastUsedPrecision {
		key.LastUsedAt, known = now, false
		if _, err := s.pool.Exec(ctx, "update api_keys set last_used_at = greatest(last_used_at, $2) where id = $1", key.ID, now); err != nil {
			return Key{}, fmt.Errorf("note use of key: %w", err)
		}
	}
	if !known {
		s.keys.add(hash, key)
	}
	return key, nil
}

func (s *Store) readKey(ctx context.Context, secret string, hash [sha256.Size]byte) (Key, error) {
	part, _, ok := strings.Cut(strings.TrimPrefix(secret, keyPrefix), "_")
	if !ok || !strings.HasPrefix(secret, keyPrefix) {
		return Key{}, badKey()
	}
	found, err := all(ctx, s, scanKey, "select "+keyColumns+" from api_keys where id = $1", crm.PrefixKey+"_"+part)
	if err != nil {
		return Key{}, fmt.Errorf("read key: %w", err)
	}
	if len(found) == 0 || subtle.ConstantTimeCompare(found[0].hash, hash[:]) != 1 || !found[0].RevokedAt.IsZero() {
		return Key{}, badKey()
	}
	return found[0].Key, nil
}

func badKey() error {
	return &crm.Error{Code: crm.CodeNotFound, Message: "The API key is not valid.", Next: "Use one that was not revoked."}
}

// ListKeys returns all keys, revoked ones too, the newest first.
func (s *Store) ListKeys(ctx context.Context) ([]Key, error) {
	rows, err := all(ctx, s, scanKey, "select "+keyColumns+" from api_keys order by id desc")
	if err != nil {
		return nil, fmt.Errorf("list keys: %w", err)
	}
	keys := make([]Key, len(rows))
	for i := range rows {
		keys[i] = rows[i].Key
	}
	return keys, nil
}

// RevokeKey ends a key for good. The error has crm.CodeNotFound when there is no such key; revoking twice is fine.
func (s *Store) RevokeKey(ctx context.Context, id string, at time.Time) error {
	var revoked []string
	lock := &pgx.Batch{}
	gather(lock.Queue("update api_keys set revoked_at = coalesce(revoked_at, $2) where id = $1 returning id", id, moment(at)), text, &revoked)
	tx, err := s.begin(ctx, lock)
	if err != nil {
		return fmt.Errorf("revoke key: %w", err)
	}
	defer tx.rollback(ctx)
	if len(revoked) == 0 {
		return notFound("There is no such key.")
	}
	tx.tell(crm.AuditRecord{At: at, Action: crm.AuditRemove, Kind: "key", Object: id})
	err = tx.commit(ctx, &pgx.Batch{})
	s.keys.forget()
	return wrapped("revoke key", err)
}
