package store

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/rapport-crm/rapport/crm"
)

// addressKeySetting is the setting that holds the secret of address hashes. Without it a list of suppressed addresses
// could be guessed back from their hashes; if it is lost, so is every suppression.
const addressKeySetting = "address_key"

// addressHash is the key under which an address is suppressed: HMAC-SHA256 of "channel:address".
func (s *Store) addressHash(ctx context.Context, channel crm.Channel, address string) ([]byte, error) {
	key, err := s.addressKey(ctx)
	if err != nil {
		return nil, err
	}
	return hashAddress(key, channel, address), nil
}

func hashAddress(key []byte, channel crm.Channel, address string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(string(channel) + ":" + crm.NormalAddress(channel, address)))
	return mac.Sum(nil)
}

func (s *Store) addressKey(ctx context.Context) ([]byte, error) {
	s.keyed.Lock()
	defer s.keyed.Unlock()
	if s.hashKey != nil {
		return s.hashKey, nil
	}
	secret, err := s.Setting(ctx, addressKeySetting, func() (string, error) {
		raw := make([]byte, 32)
		_, err := rand.Read(raw)
		return hex.EncodeToString(raw), err
	})
	if err != nil {
		return nil, err
	}
	key, err := hex.DecodeString(secret)
	if err != nil {
		return nil, fmt.Errorf("read setting %s: %w", addressKeySetting, err)
	}
	s.hashKey = key
	return key, nil
}

// queueContactPoints brings a candidate's contact points up to date with their addresses. Before is nil for a new one.
func queueContactPoints(batch *pgx.Batch, key []byte, before, after *crm.Candidate) {
	for _, channel := range []crm.Channel{crm.Email, crm.SMS} {
		was, is := "", crm.NormalAddress(channel, after.Address(channel))
		if before != nil {
			was = crm.NormalAddress(channel, before.Address(channel))
		}
		switch is {
		case was:
		case "":
			batch.Queue("delete from contact_points where candidate_id = $1 and channel = $2", after.ID, channel)
		default:
			batch.Queue(`insert into contact_points (candidate_id, channel, address, address_hash) values ($1, $2, $3, $4)
				on conflict (candidate_id, channel) do update set address = excluded.address, address_hash = excluded.address_hash`,
				after.ID, channel, is, hashAddress(key, channel, is))
		}
	}
}
