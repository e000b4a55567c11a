package store

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rapport-crm/rapport/store/seal"
)

// Options of a store. The zero value is good.
type Options struct {
	Now      func() time.Time   // the clock; nil: time.Now
	MaxConns int                // of the pool; 0: 20
	Log      *slog.Logger       // of what goes on in the background; nil: nothing is logged
	Seal     seal.Keys          // for what opens people's calendars; without a key none can be stored
	Receipts ed25519.PrivateKey // signs the receipts of erasures; without it nothing can be erased
	Holding  Holding            // reads the conditions of legal holds; without it such a hold stops every erasure
}

// Store is an open database. It is safe for concurrent use.
type Store struct {
	pool  *pgxpool.Pool
	clock func() time.Time
	log   *slog.Logger
	front *front
	bell  *bell
	keys  keyring
	seal  seal.Keys
	audit audit

	receipts ed25519.PrivateKey
	holding  Holding

	adopted atomic.Int64 // how far adoptable has got through the kept events

	keyed   sync.Mutex
	hashKey []byte    // the installation's secret; read once, by hashes
	jobSeal seal.Keys // of the jobs of erasures; read once
}

// Open connects to the database. It neither creates nor changes tables: see Migrate.
func Open(ctx context.Context, dsn string, opts Options) (*Store, error) {
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("read database address: %w", err)
	}
	config.MaxConns = 20
	if opts.MaxConns > 0 {
		config.MaxConns = int32(min(opts.MaxConns, 1000))
	}
	// A process that is stopped in the middle of a transaction must not hold a candidate's lock for ever.
	config.ConnConfig.RuntimeParams["idle_in_transaction_session_timeout"] = "60s"
	config.ConnConfig.RuntimeParams["application_name"] = "rapport"
	config.ConnConfig.RuntimeParams["jit"] = "off" // every statement is short: compiling one takes longer than running it
	config.AfterConnect = func(_ context.Context, conn *pgx.Conn) error {
		registerTypes(conn.TypeMap())
		return nil
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("reach database: %w", err)
	}
	s := &Store{pool: pool, clock: opts.Now, log: opts.Log, seal: opts.Seal, receipts: opts.Receipts, holding: opts.Holding}
	if s.clock == nil {
		s.clock = time.Now
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.bell = newBell(s) //nolint:contextcheck // it outlives the call: Close ends it
	s.front = newFront(s)
	return s, nil
}

// registerTypes makes timestamps come back in UTC instead of the machine's zone.
func registerTypes(types *pgtype.Map) {
	types.RegisterType(&pgtype.Type{
		Name: "timestamptz", OID: pgtype.TimestamptzOID, Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC},
	})
}

// Close finishes what is under way and closes every connection. No method may be called after it.
func (s *Store) Close() {
	s.front.close()
	s.audit.lane.Wait()
	s.bell.close()
	s.pool.Close()
}

// Ping tells whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.pool.Ping(ctx); err != nil {
		return fmt.Errorf("reach database: %w", err)
	}
	return nil
}

// now is the present, in UTC and to the precision that Postgres keeps.
func (s *Store) now() time.Time { return instant(s.clock()) }

// instant brings a time to the form in which it is read back.
func instant(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.UTC().Truncate(time.Microsecond)
}
