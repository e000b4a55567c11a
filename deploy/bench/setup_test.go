package bench_test

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"

	"github.com/rapport-crm/rapport/activities/sendgrid"
	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/deploy/embedded/postgres"
	"github.com/rapport-crm/rapport/deploy/embedded/temporal"
	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/store"
	"github.com/rapport-crm/rapport/worker"
)

// servers are a durable Postgres, as in production, and a Temporal server on it once a benchmark needs one.
type servers struct {
	postgres *postgres.Server
	temporal *temporal.Server
	names    atomic.Int64
}

var shared servers //nolint:gochecknoglobals // started once for all benchmarks

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	flag.Parse()
	if flag.Lookup("test.bench").Value.String() == "" { // `go test ./...` comes by, too
		return m.Run()
	}
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "rapport-bench-")
	if err != nil {
		return fail(err)
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil { // Postgres's user has to pass
		return fail(err)
	}
	if shared.postgres, err = postgres.Start(ctx, postgres.Config{Dir: dir, Durable: true}); err != nil {
		return fail(err)
	}
	defer shared.postgres.Stop() //nolint:errcheck // the process ends
	code := m.Run()
	if shared.temporal != nil {
		if err := shared.temporal.Stop(); err != nil {
			return fail(err)
		}
	}
	return code
}

func fail(err error) int {
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// installation is a database of its own and a SendGrid that takes everything; connect adds Temporal.
type installation struct {
	store    *store.Store
	pool     *pgxpool.Pool
	temporal client.Client
	sendgrid *sendgrid.Client
	mails    *atomic.Int64
	queue    string
}

func install(b *testing.B) *installation {
	b.Helper()
	ctx := b.Context()
	name := fmt.Sprint("bench", shared.names.Add(1))
	if err := shared.postgres.CreateDatabase(ctx, name); err != nil {
		b.Fatal(err)
	}
	dsn := shared.postgres.DSN(name)
	if err := store.Migrate(ctx, dsn); err != nil {
		b.Fatal(err)
	}
	in := &installation{queue: name, mails: &atomic.Int64{}}
	var err error
	if in.store, err = store.Open(ctx, dsn, store.Options{MaxConns: 48}); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(in.store.Close)
	if in.pool, err = pgxpool.New(ctx, dsn+"&pool_max_conns=32"); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(in.pool.Close)
	api := http.NewServeMux() // without SendGrid's lists, which the worker asks for too
	api.HandleFunc("POST /v3/mail/send", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Message-Id", fmt.Sprint("m", in.mails.Add(1)))
		w.WriteHeader(http.StatusAccepted)
	})
	mail := httptest.NewServer(api)
	b.Cleanup(mail.Close)
	in.sendgrid = sendgrid.New(sendgrid.Config{APIKey: "SG.bench", BaseURL: mail.URL})
	return in
}

// connect starts the Temporal server if no benchmark before needed it, and connects to it.
func (in *installation) connect(b *testing.B) {
	b.Helper()
	var err error
	if shared.temporal == nil {
		if shared.temporal, err = temporal.Start(context.Background(), temporal.Config{DSN: shared.postgres.DSN("postgres")}); err != nil {
			b.Fatal(err)
		}
	}
	in.temporal, err = client.Dial(client.Options{HostPort: shared.temporal.Address(), Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler))})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(in.temporal.Close)
}

const workspace = `
workspace: bench
calendar: {days: mon-sun, hours: "00:00-24:00", zone: UTC}
from: {email: "Bench <bench@north.example>", address: "1 Way, Leeds"}
---
`

// publish applies definitions.
func (in *installation) publish(b *testing.B, text string) {
	b.Helper()
	set, problems := dsl.Check([]dsl.File{{Path: "bench.yaml", Text: []byte(workspace + text)}}, nil)
	if set == nil {
		b.Fatal(problems)
	}
	if _, err := in.store.ApplyDefinitions(b.Context(), set.Documents, time.Now()); err != nil {
		b.Fatal(err)
	}
}

// candidates adds n people with an address.
func (in *installation) candidates(b *testing.B, n int) {
	b.Helper()
	for from := 0; from < n; from += 500 {
		var writes []store.Write
		for i := from; i < min(n, from+500); i++ {
			writes = append(writes, store.Write{Candidate: crm.Candidate{
				ExternalID: fmt.Sprint("B-", i), FirstName: "Ada", Email: fmt.Sprintf("ada%d@north.example", i), TimeZone: "Europe/London",
			}})
		}
		if _, err := in.store.UpsertCandidates(b.Context(), writes, time.Now()); err != nil {
			b.Fatal(err)
		}
	}
}

// work runs a Rapport worker until the benchmark ends.
func (in *installation) work(b *testing.B) {
	b.Helper()
	w := worker.New(worker.Config{
		Store: in.store, Temporal: in.temporal, TaskQueue: in.queue, PublicURL: "http://localhost",
		Providers: map[crm.Channel]worker.Provider{crm.Email: in.sendgrid}, Log: slog.New(slog.DiscardHandler),
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	b.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			b.Error(err)
		}
	})
}

// count runs a query that gives a number.
func (in *installation) count(b *testing.B, query string) int {
	b.Helper()
	var n int
	if err := in.pool.QueryRow(b.Context(), query).Scan(&n); err != nil {
		b.Fatal(err)
	}
	return n
}

// row prints one line of the table: what was measured, the baseline, and their ratio against the goal.
func row(b *testing.B, what string, ours, baseline float64, unit, goal string) {
	b.Helper()
	b.ReportMetric(ours, "rapport_"+unit)
	b.ReportMetric(baseline, "baseline_"+unit)
	b.ReportMetric(ours/baseline, "ratio")
	b.ReportMetric(0, "ns/op")
	//nolint:forbidigo // the table is what a benchmark is run for
	fmt.Printf("\n%-48s %10.1f  baseline %10.1f  ratio %5.2f  goal %s (%s)\n", what, ours, baseline, ours/baseline, goal, unit)
}
