package store

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rapport-crm/rapport/crm"
)

// tombstoneName is the kind of tombstones of ids and external ids. Those of addresses have their channel for a kind, and the same
// hash as suppressions.
const tombstoneName = "name"

// tombstone is what is left of a name or an address.
type tombstone struct {
	hash []byte
	kind string
}

// hashName is the hash of an id or external id, as name_hash in the database makes it too.
func hashName(key []byte, name string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(tombstoneName + ":" + name))
	return mac.Sum(nil)
}

// queueTombstoneKey keeps the key in the form in which name_hash uses it: padded to a block of SHA-256, and combined with the two
// constants of RFC 2104.
func queueTombstoneKey(batch *pgx.Batch, key []byte) {
	var ipad, opad [sha256.BlockSize]byte
	copy(ipad[:], key) // it has 32 bytes
	opad = ipad
	for i := range ipad {
		ipad[i] ^= 0x36
		opad[i] ^= 0x5c
	}
	batch.Queue("insert into tombstone_key (ipad, opad) values ($1, $2) on conflict do nothing", ipad[:], opad[:])
}

// queueTombstones leaves the hashes, and suppresses the addresses. What the provider is yet to be told of them is a job now.
func (e *erasing) queueTombstones(batch *pgx.Batch, erasureID string) {
	graves := e.graves
	if e.log != nil {
		graves = distinct(append(graves, e.log.graves()...))
	}
	for _, g := range graves {
		batch.Queue("insert into tombstones (hash, erasure_id, kind) values ($1, $2, $3) on conflict do nothing", g.hash, erasureID, g.kind)
		if g.kind == tombstoneName {
			continue
		}
		// Of a mailbox that somebody else has too, theirs is the word.
		batch.Queue(`insert into suppressions (address_hash, channel, reason, source, at) select $1, $2, $3, 'erasure', $4
			where not exists (select from contact_points where address_hash = $1) on conflict (address_hash, reason) do update set at = excluded.at`,
			g.hash, g.kind, crm.SuppressedErased, moment(e.At))
		batch.Queue("update suppressions set push = '' where address_hash = $1 and push <> ''", g.hash)
	}
}

// distinct leaves every tombstone once.
func distinct(graves []tombstone) []tombstone {
	seen := map[string]bool{}
	var once []tombstone
	for _, g := range graves {
		if !seen[string(g.hash)] {
			seen[string(g.hash)] = true
			once = append(once, g)
		}
	}
	return once
}

// buried is an erasure that a tombstone of somebody belongs to.
type buried struct {
	hash      []byte
	kind      string
	erasureID string
	rule      string
	at        time.Time
}

func scanBuried(row pgx.CollectableRow) (b buried, err error) {
	err = row.Scan(&b.hash, &b.kind, &b.erasureID, &b.rule, &b.at)
	return b, err
}

// queueBuried reads which names and addresses are those of people who were erased, the last erasure first.
func queueBuried(batch *pgx.Batch, hashes [][]byte, found *[]buried) {
	gather(batch.Queue(`select t.hash, t.kind, e.id, e.rule, e.at from tombstones t join erasures e on e.id = t.erasure_id
		where t.hash = any($1) and e.reopened_at is null order by e.number desc`, hashes), scanBuried, found)
}

// applied is the last application that somebody made whom no record is of.
type applied struct {
	subject string
	at      time.Time
}

func scanApplied(row pgx.CollectableRow) (a applied, err error) {
	err = row.Scan(&a.subject, &a.at)
	return a, err
}

// identityHashes are the hashes by which a person who is written down would be recognised.
func identityHashes(key []byte, c *crm.Candidate) [][]byte {
	var hashes [][]byte
	if c.ExternalID != "" {
		hashes = append(hashes, hashName(key, c.ExternalID))
	}
	for _, channel := range []crm.Channel{crm.Email, crm.SMS} {
		if address := crm.NormalAddress(channel, c.Address(channel)); address != "" {
			hashes = append(hashes, hashAddress(key, channel, address))
		}
	}
	return hashes
}

// erasedError says that somebody was erased whom a source writes down again.
func erasedError(b *buried) error {
	return conflict(fmt.Sprintf("They were erased on %s under the rule %s.", b.at.UTC().Format(time.DateOnly), b.rule),
		"Leave them out. If they have applied anew, send that application as an event (application.submitted) first.")
}

// dropOrphans deletes events that were received for somebody while they were erased. It returns whether there were any.
func (s *Store) dropOrphans(ctx context.Context, candidateID string) (bool, error) {
	tag, err := s.pool.Exec(ctx, `delete from events where candidate_id = $1 and position is null and erased_at($1) is not null
		and not exists (select from candidates where id = $1)`, candidateID)
	if err != nil {
		return false, fmt.Errorf("delete events of somebody who was erased: %w", err)
	}
	return tag.RowsAffected() > 0, nil
}
