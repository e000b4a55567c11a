package store

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rapport-crm/rapport/crm"
)

// suppression is a change to the list of suppressed addresses.
type suppression struct {
	hash    []byte
	channel crm.Channel
	reason  crm.SuppressionReason
	source  string
	at      time.Time
	lift    bool
}

// suppressions are those of an opt-out: of the address that it names, else of the candidate's present one.
func (l *locking) suppressions(o *OptOut) []suppression {
	if o.Purpose != "" {
		return nil
	}
	var hashes [][]byte
	if o.Address != "" {
		hashes = append(hashes, hashAddress(l.key, o.Channel, o.Address))
	} else {
		for _, p := range l.points {
			if p.candidateID == o.CandidateID && p.channel == o.Channel {
				hashes = append(hashes, p.hash)
			}
		}
	}
	var changes []suppression
	for _, hash := range hashes {
		changes = append(changes, suppression{hash, o.Channel, o.Reason, o.Source, instant(o.At), o.Undo})
	}
	return changes
}

// queueSuppressions changes the list. Different addresses are taken in the order of their hash, changes to one in the order
// given.
func queueSuppressions(batch *pgx.Batch, changes []suppression) {
	slices.SortStableFunc(changes, func(a, b suppression) int { return bytes.Compare(a.hash, b.hash) })
	for _, c := range changes {
		if c.lift {
			batch.Queue("delete from suppressions where address_hash = $1 and reason = $2", c.hash, c.reason)
			continue
		}
		batch.Queue(`insert into suppressions (address_hash, channel, reason, source, at) values ($1, $2, $3, $4, $5)
			on conflict (address_hash, reason) do nothing`, c.hash, c.channel, c.reason, c.source, moment(c.at))
	}
}

// Suppressed tells whether an address is suppressed for a reason.
func (s *Store) Suppressed(ctx context.Context, channel crm.Channel, address string, reason crm.SuppressionReason) (bool, error) {
	hash, err := s.addressHash(ctx, channel, address)
	if err != nil {
		return false, err
	}
	found, err := all(ctx, s, pgx.RowTo[bool], "select exists(select from suppressions where address_hash = $1 and reason = $2)", hash, reason)
	if err != nil {
		return false, fmt.Errorf("read suppression: %w", err)
	}
	return found[0], nil
}
