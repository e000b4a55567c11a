package command_test

import (
	"encoding/json"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/deploy/embedded/postgres/postgrestest"
	"github.com/rapport-crm/rapport/deploy/service"
	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/store"
)

// TestServerScripts runs commands as a person does who works with a server. Each script of testdata/server has one of its own, whose clock
// stands at ten o'clock on 6 November 2026 until it is told to go on. Beside rapport a script can say:
//
//	capture NAME REGEXP   the first group of what was printed last is $NAME from then on
//	pass DURATION         the server's clock goes on
//	sql STATEMENT         something happens to the database
//	keep FILE             the worker writes the erasures and checkpoints down beside the database, in FILE and audit-checkpoints.jsonl
func TestServerScripts(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/server/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			s := newScripted(t)
			testscript.Run(t, testscript.Params{
				Files: []string{file}, RequireExplicitExec: true, RequireUniqueNames: true, Setup: s.setup,
				Cmds: map[string]func(*testscript.TestScript, bool, []string){"capture": capture, "pass": s.pass, "sql": s.sql, "keep": s.keep},
			})
		})
	}
}

// scripted is a server for one script.
type scripted struct {
	t          *testing.T
	store      *store.Store
	dsn        string
	url        string
	key        string // of the person who works with it, who may do everything
	receiptKey string
	clock      atomic.Pointer[time.Time]
}

func newScripted(t *testing.T) *scripted {
	t.Helper()
	s := &scripted{t: t, dsn: postgrestest.New(t, "command", store.Migrate), receiptKey: crm.MakeReceiptKey()}
	at := time.Date(2026, 11, 6, 10, 0, 0, 0, time.UTC)
	s.clock.Store(&at)
	receipts, err := crm.ParseReceiptKey(s.receiptKey)
	if err != nil {
		t.Fatal(err)
	}
	now := func() time.Time { return *s.clock.Load() }
	if s.store, err = store.Open(t.Context(), s.dsn, store.Options{MaxConns: 4, Now: now, Receipts: receipts, Holding: (&dsl.Holding{}).Holds}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.store.Close)
	if _, s.key, err = s.store.CreateKey(t.Context(), "lena", []string{api.ScopeAdmin}, now()); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(api.New(api.Config{Store: s.store, Now: now}))
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

func (s *scripted) setup(env *testscript.Env) error {
	for name, value := range map[string]string{"RAPPORT_URL": s.url, "SERVER": s.url, "RAPPORT_API_KEY": s.key, "RAPPORT_RECEIPT_KEY": s.receiptKey, "RAPPORT_DATABASE_URL": s.dsn} {
		env.Setenv(name, value)
	}
	return nil
}

func capture(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: capture NAME REGEXP")
	}
	text := ts.ReadFile("stdout") + ts.ReadFile("stderr")
	found := regexp.MustCompile(`(?m)` + args[1]).FindStringSubmatch(text)
	if len(found) < 2 {
		ts.Fatalf("%s is not in:\n%s", args[1], text)
	}
	ts.Setenv(args[0], found[1])
}

func (s *scripted) pass(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: pass DURATION")
	}
	some, err := time.ParseDuration(args[0])
	ts.Check(err)
	at := s.clock.Load().Add(some)
	s.clock.Store(&at)
}

func (s *scripted) sql(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: sql STATEMENT")
	}
	conn, err := pgx.Connect(s.t.Context(), s.dsn)
	ts.Check(err)
	defer conn.Close(s.t.Context())
	_, err = conn.Exec(s.t.Context(), args[0])
	ts.Check(err)
}

func (s *scripted) keep(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: keep FILE")
	}
	ctx := s.t.Context()
	records, err := s.store.UnloggedErasures(ctx, 1000)
	ts.Check(err)
	lines := make([][]byte, len(records))
	for i := range records {
		lines[i], err = records[i].Line()
		ts.Check(err)
	}
	path := ts.MkAbs(args[0])
	ts.Check(service.ErasureLog{Path: path}.Append(lines))
	ts.Check(s.store.MarkErasuresLogged(ctx, records))
	span, err := s.store.AuditSpan(ctx, time.Time{}, time.Time{})
	ts.Check(err)
	signed, err := s.store.SignCheckpoint(span)
	ts.Check(err)
	line, err := json.Marshal(signed)
	ts.Check(err)
	ts.Check(os.WriteFile(filepath.Join(filepath.Dir(path), "audit-checkpoints.jsonl"), append(line, '\n'), 0o600))
}
