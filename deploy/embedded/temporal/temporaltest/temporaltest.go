package temporaltest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/rapport-crm/rapport/deploy/embedded/postgres/postgrestest"
	"github.com/rapport-crm/rapport/deploy/embedded/temporal"
)

//nolint:gochecknoglobals // one service per test binary, shared by tests that have nothing else in common
var shared fixture

// fixture is the service of this test binary and its two databases.
type fixture struct {
	mu       sync.Mutex
	server   *temporal.Server // nil until a test needs it
	dsn      string           // of the Postgres server
	database string
}

// Run runs the tests of m (a *testing.M, or something around one) and then stops the servers that they used.
// It returns the exit code.
func Run(m interface{ Run() int }) int { return postgrestest.Run(tests{m}) }

// tests runs m and stops Temporal, while Postgres is still there.
type tests struct{ m interface{ Run() int } }

func (t tests) Run() int {
	code := t.m.Run()
	if err := shared.close(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "temporaltest:", err)
		return max(code, 1)
	}
	return code
}

// New returns the shared service. It starts it when it is the first to ask.
func New(tb testing.TB) *temporal.Server {
	tb.Helper()
	dsn := postgrestest.DSN(tb)
	server, err := shared.start(context.WithoutCancel(tb.Context()), dsn)
	if err != nil {
		tb.Fatalf("start temporal for tests: %v", err)
	}
	return server
}

func (f *fixture) start(ctx context.Context, dsn string) (*temporal.Server, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.server != nil {
		return f.server, nil
	}
	f.dsn, f.database = dsn, "temporal_"+strings.ToLower(rand.Text()[:8])
	server, err := temporal.Start(ctx, temporal.Config{DSN: dsn, Database: f.database})
	if err != nil {
		return nil, err
	}
	f.server = server
	return server, nil
}

func (f *fixture) databases() []string { return []string{f.database, f.database + "_visibility"} }

func (f *fixture) close(ctx context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.database == "" {
		return nil
	}
	var errs []error
	if f.server != nil {
		errs = append(errs, f.server.Stop())
	}
	conn, err := pgx.Connect(ctx, f.dsn)
	if err != nil {
		return errors.Join(append(errs, fmt.Errorf("connect to test server: %w", err))...)
	}
	for _, database := range f.databases() {
		_, err := conn.Exec(ctx, "DROP DATABASE IF EXISTS "+pgx.Identifier{database}.Sanitize()+" WITH (FORCE)")
		errs = append(errs, err)
	}
	return errors.Join(append(errs, conn.Close(ctx))...)
}
