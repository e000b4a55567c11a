package command_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/api/client"
	"github.com/rapport-crm/rapport/deploy/command"
	"github.com/rapport-crm/rapport/deploy/embedded/postgres/postgrestest"
	"github.com/rapport-crm/rapport/deploy/embedded/sandbox"
)

// TestMain lets the test's binary be the rapport command, so that it can be killed, and run by scripts.
func TestMain(m *testing.M) {
	run := func() {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
		code := command.Main(ctx, os.Args[1:], os.Stdout, os.Stderr)
		stop()
		os.Exit(code)
	}
	if os.Getenv("RAPPORT_TEST_COMMAND") != "" {
		run()
	}
	testscript.Main(databases{m}, map[string]func(){"rapport": run})
}

// databases are tests some of which need a database.
type databases struct{ m *testing.M }

func (d databases) Run() int { return postgrestest.Run(d.m) }

const (
	kills  = 10
	people = 1500
	events = 20000
)

// Ten times over, everything is killed with SIGKILL at a random moment while events are being sent. No event is lost and no
// message is sent twice.
func TestKilledWhileSendingEvents(t *testing.T) {
	t.Parallel()
	v := &victim{t: t, dir: t.TempDir(), ports: freePorts(t)}
	v.start()
	t.Cleanup(v.stop)
	v.publish()
	v.importPeople()
	file, distinct := v.eventFile()

	var sent atomic.Bool
	result := make(chan error, 1)
	go func() {
		f, err := os.Open(file)
		if err == nil {
			defer f.Close()
			// Small requests, so that there are many moments to be killed at.
			_, err = v.client().SendEvents(context.Background(), f, client.SendOptions{BatchSize: 50, State: file + ".state"})
		}
		sent.Store(true)
		result <- err
	}()
	during := 0
	for range kills {
		time.Sleep(time.Duration(rand.Int64N(int64(700 * time.Millisecond))))
		if !sent.Load() {
			during++
		}
		v.kill()
		v.start()
	}
	t.Logf("%d of %d kills while events were being sent", during, kills)
	if err := <-result; err != nil {
		t.Fatal(err)
	}
	v.until(`select count(*) from events where position is null`, 0)
	v.until(`select count(*) from enrollments where status <> 'closed'`, 0)
	v.until(`select count(*) from messages where state = 'planned'`, 0)

	if n := v.number(`select count(*) from events where source = 'ats'`); n != distinct {
		t.Errorf("%d events are stored, %d distinct ones were sent", n, distinct)
	}
	if n := v.number(`select count(*) from events where type = 'application.submitted'`); n != v.number(`select count(*) from messages`) {
		t.Errorf("%d applications, %d messages in the ledger", n, v.number(`select count(*) from messages`))
	}
	box := v.box()
	if box.Duplicates != 0 {
		t.Errorf("%d messages were sent twice", box.Duplicates)
	}
	// What the ledger says was sent was sent; what was sent and is not said to be so was claimed when the process died.
	certain := v.number(`select count(*) from messages where state in ('accepted', 'settled')`)
	claimed := v.number(`select count(*) from messages where state in ('claimed', 'unknown')`)
	if box.Mails < certain || box.Mails > certain+claimed {
		t.Errorf("the provider took %d messages; the ledger is certain of %d and unsure of %d", box.Mails, certain, claimed)
	}
	t.Logf("%d messages at the provider, %d certain in the ledger, %d unsure", box.Mails, certain, claimed)
}

// victim is a `rapport up` in a process of its own.
type victim struct {
	t     *testing.T
	dir   string
	ports [5]int
	more  []string // arguments
	log   *os.File // of what it logs; nil: the test's output
	cmd   *exec.Cmd
}

// freePorts finds ports that stay free while the process is down: they are below those that systems use for outgoing
// connections, and below those that the Temporal server picks for itself.
func freePorts(t *testing.T) (ports [5]int) {
	t.Helper()
	for i := range ports {
		for try := 0; ; try++ {
			l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(10_000+rand.IntN(10_000))) //nolint:noctx // a local port is taken at once
			if err == nil {
				defer l.Close()
				ports[i] = l.Addr().(*net.TCPAddr).Port
				break
			}
			if try == 100 {
				t.Fatal(err)
			}
		}
	}
	return ports
}

// start starts it and waits until it is ready.
func (v *victim) start() {
	v.t.Helper()
	self, err := os.Executable()
	if err != nil {
		v.t.Fatal(err)
	}
	args := append([]string{
		"up", "--data", filepath.Join(v.dir, "data"), "--api-port", strconv.Itoa(v.ports[0]), "--sandbox-port", strconv.Itoa(v.ports[1]),
		"--ui-port", strconv.Itoa(v.ports[2]), "--temporal-port", strconv.Itoa(v.ports[3]), "--postgres-port", strconv.Itoa(v.ports[4]),
	}, v.more...)
	v.cmd = exec.Command(self, args...) //nolint:noctx // our own binary; it is killed, not cancelled
	v.cmd.Env = append(os.Environ(), "RAPPORT_TEST_COMMAND=1")
	v.cmd.Stderr = v.t.Output()
	if v.log != nil {
		v.cmd.Stderr = v.log
	}
	out, err := v.cmd.StdoutPipe()
	if err != nil {
		v.t.Fatal(err)
	}
	if err := v.cmd.Start(); err != nil {
		v.t.Fatal(err)
	}
	began := time.Now()
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "Ctrl-C") {
			go io.Copy(io.Discard, out) //nolint:errcheck // nothing more is read
			return
		}
	}
	v.t.Fatalf("did not become ready in %s: %v", time.Since(began), v.cmd.Wait())
}

// kill kills it as kill -9 does.
func (v *victim) kill() {
	v.t.Helper()
	if err := v.cmd.Process.Signal(syscall.SIGKILL); err != nil {
		v.t.Fatal(err)
	}
	v.cmd.Wait() //nolint:errcheck // it was killed
}

// stop stops it in order, as Ctrl-C does.
func (v *victim) stop() {
	if err := v.cmd.Process.Signal(os.Interrupt); err != nil {
		v.t.Error(err)
	}
	if err := v.cmd.Wait(); err != nil {
		v.t.Errorf("stopped with %v", err)
	}
}

func (v *victim) client() *client.Client {
	return client.New(fmt.Sprint("http://127.0.0.1:", v.ports[0]), v.key())
}

func (v *victim) key() string {
	key, err := os.ReadFile(filepath.Join(v.dir, "data", "admin.key"))
	if err != nil {
		v.t.Error(err)
	}
	return strings.TrimSpace(string(key))
}

func (v *victim) publish() {
	v.t.Helper()
	_, err := v.client().ApplyDefinitions(v.t.Context(), []api.DefinitionFile{{Path: "kill.yaml", Text: `
workspace: kill
calendar: {days: mon-sun, hours: "00:00-24:00", zone: UTC}
from: {email: "Kill <kill@north.example>", address: "1 Way, Leeds"}
---
sequence: acknowledged
purpose: transactional
per: application
enroll: {on: application.submitted}
steps:
  - id: receipt
    email: {subject: "We have it", body: "Thank you."}
`}})
	if err != nil {
		v.t.Fatal(err)
	}
}

func (v *victim) importPeople() {
	v.t.Helper()
	var table strings.Builder
	table.WriteString("external_id,first_name,email\n")
	for i := range people {
		fmt.Fprintf(&table, "K-%d,Ada,k%d@example.com\n", i, i)
	}
	s, err := v.client().ImportCandidates(v.t.Context(), strings.NewReader(table.String()), client.ImportOptions{})
	if err != nil || s.Created != people {
		v.t.Fatalf("%+v, %v", s, err)
	}
}

// eventFile writes events, every tenth an application and every fiftieth a repetition, and returns how many are distinct.
func (v *victim) eventFile() (path string, distinct int) {
	v.t.Helper()
	path = filepath.Join(v.dir, "events.jsonl")
	f, err := os.Create(path)
	if err != nil {
		v.t.Fatal(err)
	}
	out := bufio.NewWriter(f)
	var last []byte
	for i := range events {
		e := map[string]any{"specversion": "1.0", "id": strconv.Itoa(i), "source": "ats", "subject": fmt.Sprint("K-", i%people), "type": "page.viewed"}
		if i%10 == 0 {
			e["type"], e["data"] = "application.submitted", map[string]any{"application": fmt.Sprint("A-", i), "role": "Nurse"}
		}
		line := last
		if i%50 != 49 {
			distinct++
			if line, err = json.Marshal(e); err != nil {
				v.t.Fatal(err)
			}
		}
		last = line
		fmt.Fprintf(out, "%s\n", line)
	}
	if err := out.Flush(); err != nil {
		v.t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		v.t.Fatal(err)
	}
	return path, distinct
}

// number runs a query that gives a number, beside the process.
func (v *victim) number(query string) (n int) {
	v.t.Helper()
	v.ask(query, &n)
	return n
}

// text runs a query that gives a text.
func (v *victim) text(query string) (s string) {
	v.t.Helper()
	v.ask(query, &s)
	return s
}

func (v *victim) ask(query string, answer any) {
	v.t.Helper()
	v.askOf("rapport", query, answer)
}

// askOf asks a database of the installation.
func (v *victim) askOf(database, query string, answer any) {
	v.t.Helper()
	conn, err := pgx.Connect(v.t.Context(), v.databaseURL(database))
	if err != nil {
		v.t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if err := conn.QueryRow(v.t.Context(), query).Scan(answer); err != nil {
		v.t.Fatalf("%s: %v", query, err)
	}
}

// databaseURL is the address of a database of the installation.
func (v *victim) databaseURL(name string) string {
	v.t.Helper()
	password, err := os.ReadFile(filepath.Join(v.dir, "data", "postgres", "password"))
	if err != nil {
		v.t.Fatal(err)
	}
	return fmt.Sprintf("postgres://rapport:%s@127.0.0.1:%d/%s?sslmode=disable", strings.TrimSpace(string(password)), v.ports[4], name)
}

func (v *victim) until(query string, want int) {
	v.t.Helper()
	deadline := time.Now().Add(2 * time.Minute)
	for {
		n := v.number(query)
		if n == want {
			return
		}
		if time.Now().After(deadline) {
			v.t.Fatalf("%s gives %d, want %d", query, n, want)
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// box returns what the sandbox was sent.
func (v *victim) box() (s sandbox.Stats) {
	v.t.Helper()
	req, err := http.NewRequestWithContext(v.t.Context(), http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d/sandbox/stats", v.ports[1]), http.NoBody)
	if err != nil {
		v.t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(&s); err != nil {
		v.t.Fatal(err)
	}
	return s
}
