package postgrestest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rapport-crm/rapport/deploy/embedded/postgres"
)

const (
	serverVariable = "RAPPORT_TEST_POSTGRES"
	dirPrefix      = "rapport-test-postgres-"
	// abandoned is the age at which the folder of a test binary that was killed is swept away.
	abandoned = 2 * time.Hour
)

//nolint:gochecknoglobals // one server per test binary, shared by tests that have nothing else in common
var shared fixture

// fixture is the server of this test binary and what was made on it.
type fixture struct {
	mu        sync.Mutex
	running   bool // between the beginning and the end of Run
	prefix    string
	dir       string
	server    *postgres.Server
	dsn       string // of database postgres; empty until a test needs it
	templates map[string]*template
}

// template is a database that migrate has filled, to be copied.
type template struct {
	database string
	once     sync.Once
	err      error
}

// Run runs the tests of m (a *testing.M, or something around one) and then stops the server that they used.
// It returns the exit code.
func Run(m interface{ Run() int }) int {
	shared.mu.Lock()
	shared.running = true
	shared.prefix = "test_" + strings.ToLower(rand.Text()[:8])
	shared.templates = map[string]*template{}
	shared.mu.Unlock()

	code := m.Run()
	if err := shared.close(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "postgrestest:", err)
		return max(code, 1)
	}
	return code
}

// DSN returns the connection string of the shared server's maintenance database, as superuser. It starts the server.
func DSN(tb testing.TB) string {
	tb.Helper()
	dsn, err := shared.start(context.WithoutCancel(tb.Context()))
	if err != nil {
		tb.Fatalf("start postgres for tests: %v", err)
	}
	return dsn
}

// New returns the connection string of a fresh database for this test, dropped when the test ends. It is a copy of a
// template that migrate filled once for this name (a short word); a nil migrate leaves it empty. Migrate must close its
// connections: a database in use cannot be copied.
func New(tb testing.TB, name string, migrate func(ctx context.Context, dsn string) error) string {
	tb.Helper()
	server := DSN(tb)
	ctx := context.WithoutCancel(tb.Context())
	source := shared.template(name)
	source.once.Do(func() { source.err = source.fill(ctx, server, migrate) })
	if source.err != nil {
		tb.Fatalf("prepare template database %s: %v", name, source.err)
	}
	database := source.database + "_" + strings.ToLower(rand.Text()[:8])
	if err := execute(ctx, server, "CREATE DATABASE "+quote(database)+" TEMPLATE "+quote(source.database)); err != nil {
		tb.Fatalf("copy template database %s: %v", name, err)
	}
	tb.Cleanup(func() {
		if err := drop(ctx, server, database); err != nil {
			tb.Errorf("drop test database: %v", err)
		}
	})
	return withDatabase(server, database)
}

func (tp *template) fill(ctx context.Context, server string, migrate func(context.Context, string) error) error {
	if err := execute(ctx, server, "CREATE DATABASE "+quote(tp.database)); err != nil {
		return err
	}
	if migrate == nil {
		return nil
	}
	return migrate(ctx, withDatabase(server, tp.database))
}

func (f *fixture) template(name string) *template {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.templates[name] == nil {
		f.templates[name] = &template{database: f.prefix + "_" + name}
	}
	return f.templates[name]
}

// start returns the server's connection string, starting it when it is the first to ask.
func (f *fixture) start(ctx context.Context) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.running {
		return "", errors.New("TestMain of this package does not call postgrestest.Run")
	}
	if f.dsn == "" {
		f.dsn = os.Getenv(serverVariable)
	}
	if f.dsn != "" {
		return f.dsn, nil
	}
	sweep()
	dir, err := os.MkdirTemp("", dirPrefix)
	if err != nil {
		return "", fmt.Errorf("make data folder: %w", err)
	}
	server, err := postgres.Start(ctx, postgres.Config{Dir: dir})
	if err != nil {
		return "", errors.Join(err, os.RemoveAll(dir))
	}
	f.dir, f.server, f.dsn = dir, server, server.DSN("postgres")
	return f.dsn, nil
}

// close stops our own server; on somebody else's it drops the templates.
func (f *fixture) close(ctx context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.running = false
	if f.server != nil {
		return errors.Join(f.server.Stop(), os.RemoveAll(f.dir))
	}
	var errs []error
	for _, t := range f.templates {
		errs = append(errs, drop(ctx, f.dsn, t.database))
	}
	return errors.Join(errs...)
}

// sweep removes the folders of test binaries that were killed long ago; their servers died with them.
func sweep() {
	dirs, _ := filepath.Glob(filepath.Join(os.TempDir(), dirPrefix+"*")) // the pattern is well-formed
	for _, dir := range dirs {
		if info, err := os.Stat(dir); err == nil && time.Since(info.ModTime()) > abandoned {
			_ = os.RemoveAll(dir)
		}
	}
}

func execute(ctx context.Context, dsn, sql string) error {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return fmt.Errorf("connect to test server: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, sql); err != nil {
		return fmt.Errorf("%s: %w", sql, err)
	}
	return nil
}

func drop(ctx context.Context, dsn, database string) error {
	return execute(ctx, dsn, "DROP DATABASE IF EXISTS "+quote(database)+" WITH (FORCE)")
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }

// withDatabase returns the connection string of another database on the same server.
func withDatabase(dsn, database string) string {
	u, err := url.Parse(dsn)
	if err != nil {
		return dsn // connecting will report it
	}
	u.Path = "/" + database
	return u.String()
}
