package temporal_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	sdk "go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/rapport-crm/rapport/deploy/embedded/postgres/postgrestest"
	"github.com/rapport-crm/rapport/deploy/embedded/temporal"
)

// parentOn makes this test binary run a Temporal service on the named Postgres, to be killed by a test.
const parentOn = "RAPPORT_TEST_TEMPORAL_ON"

func TestMain(m *testing.M) {
	if dsn := os.Getenv(parentOn); dsn != "" {
		server, err := temporal.Start(context.Background(), temporal.Config{DSN: dsn, Database: "killed"})
		if err != nil {
			fmt.Fprintln(os.Stdout, err)
			return
		}
		fmt.Fprintln(os.Stdout, server.Address())
		select {}
	}
	os.Exit(postgrestest.Run(m))
}

// syncBuffer is a log that several goroutines may write.
type syncBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}

func start(t *testing.T, c temporal.Config) *temporal.Server {
	t.Helper()
	c.DSN = postgrestest.DSN(t)
	server, err := temporal.Start(t.Context(), c)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Stop()) })
	return server
}

func dial(t *testing.T, address string) client.Client {
	t.Helper()
	c, err := client.Dial(client.Options{HostPort: address, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

// greet waits for a name, at which somebody has to be told.
func greet(ctx workflow.Context) (string, error) {
	var name string
	workflow.GetSignalChannel(ctx, "name").Receive(ctx, &name)
	err := workflow.UpsertTypedSearchAttributes(ctx, sdk.NewSearchAttributeKeyKeyword("RapportOutcome").ValueSet("finished"))
	return "hello " + name, err
}

func startGreet(t *testing.T, c client.Client, id string) client.WorkflowRun {
	t.Helper()
	run, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{
		ID:        id,
		TaskQueue: "greetings",
		TypedSearchAttributes: sdk.NewSearchAttributes(
			sdk.NewSearchAttributeKeyKeyword("RapportDefinition").ValueSet("nurture"),
			sdk.NewSearchAttributeKeyKeyword("RapportCandidate").ValueSet("cand_42"),
			sdk.NewSearchAttributeKeyKeyword("RapportVersion").ValueSet("3"),
		),
	}, greet)
	require.NoError(t, err)
	return run
}

func finishGreet(t *testing.T, c client.Client, id string) {
	t.Helper()
	w := worker.New(c, "greetings", worker.Options{})
	w.RegisterWorkflow(greet)
	require.NoError(t, w.Start())
	defer w.Stop()
	require.NoError(t, c.SignalWorkflow(t.Context(), id, "", "name", "Zoë"))
	var greeting string
	require.NoError(t, c.GetWorkflow(t.Context(), id, "").Get(t.Context(), &greeting))
	require.Equal(t, "hello Zoë", greeting)
}

func countEventually(t *testing.T, c client.Client, query string, want int64) {
	t.Helper()
	require.Eventually(t, func() bool {
		answer, err := c.CountWorkflow(t.Context(), &workflowservice.CountWorkflowExecutionsRequest{Query: query})
		return err == nil && answer.GetCount() == want
	}, 10*time.Second, 20*time.Millisecond, query)
}

func freePort(t *testing.T) int {
	t.Helper()
	return listen(t, true)
}

func busyPort(t *testing.T) int {
	t.Helper()
	return listen(t, false)
}

func listen(t *testing.T, release bool) int {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	if release {
		require.NoError(t, listener.Close())
	} else {
		t.Cleanup(func() { _ = listener.Close() })
	}
	return listener.Addr().(*net.TCPAddr).Port
}

func TestServer(t *testing.T) {
	t.Parallel()
	config := temporal.Config{
		Database:     "server",
		FrontendPort: freePort(t),
		UIPort:       freePort(t),
	}
	first := start(t, config)
	require.Equal(t, "127.0.0.1:"+strconv.Itoa(config.FrontendPort), first.Address())
	c := dial(t, first.Address())
	startGreet(t, c, "greet/1")
	countEventually(t, c, `RapportDefinition = "nurture" AND RapportCandidate = "cand_42" AND RapportVersion = "3"`, 1)

	namespace, err := c.WorkflowService().DescribeNamespace(t.Context(), &workflowservice.DescribeNamespaceRequest{Namespace: "default"})
	require.NoError(t, err)
	require.Equal(t, temporal.DefaultRetention, namespace.GetConfig().GetWorkflowExecutionRetentionTtl().AsDuration())

	requireUI(t, first.UIAddress())
	_, err = temporal.Start(t.Context(), config)
	require.ErrorContains(t, err, "is in use", "a second service cannot have the same ports")

	require.NoError(t, first.Stop())
	require.NoError(t, first.Stop(), "stopping is idempotent")

	// The first one's queue readers may still notice that they are gone; what the second says is its own.
	var log syncBuffer
	config.FrontendPort, config.UIPort, config.Logger = 0, 0, slog.New(slog.NewTextHandler(&log, nil))
	second := start(t, config)
	require.Empty(t, second.UIAddress())
	c = dial(t, second.Address())
	finishGreet(t, c, "greet/1")
	countEventually(t, c, `RapportOutcome = "finished"`, 1)
	require.Empty(t, spoken(log.String()), "a healthy server is silent")
}

// spoken is what a log says, but for queue readers that were early: on a busy machine they look before the shard is theirs.
func spoken(log string) string {
	var lines []string
	for line := range strings.Lines(log) {
		if !strings.Contains(line, "Queue reader unable to retrieve tasks") || !strings.Contains(line, "shard status unknown") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}

func requireUI(t *testing.T, address string) {
	t.Helper()
	for path, want := range map[string]string{
		"/":                                    "<html",
		"/api/v1/namespaces/default/workflows": "greet/1",
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address+path, nil)
		require.NoError(t, err)
		response, err := http.DefaultClient.Do(request)
		require.NoError(t, err)
		body, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, http.StatusOK, response.StatusCode, path)
		require.Contains(t, string(body), want, path)
	}
}

func TestStartAfterKill(t *testing.T) {
	t.Parallel()
	parent := exec.CommandContext(t.Context(), os.Args[0])
	parent.Env = append(os.Environ(), parentOn+"="+postgrestest.DSN(t))
	stdout, err := parent.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, parent.Start())
	address, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	startGreet(t, dial(t, strings.TrimSpace(address)), "greet/killed")
	require.NoError(t, parent.Process.Kill())
	_ = parent.Wait()

	server := start(t, temporal.Config{Database: "killed"})
	finishGreet(t, dial(t, server.Address()), "greet/killed")
}

func TestStartUpgradesAnOldSchema(t *testing.T) {
	t.Parallel()
	require.NoError(t, start(t, temporal.Config{Database: "old"}).Stop())
	dsn, err := pgx.ParseConfig(postgrestest.DSN(t))
	require.NoError(t, err)
	for database, previous := range map[string]string{"old": "1.18", "old_visibility": "1.13"} {
		dsn.Database = database
		conn, err := pgx.ConnectConfig(t.Context(), dsn)
		require.NoError(t, err)
		var latest, upgraded string
		require.NoError(t, conn.QueryRow(t.Context(), "SELECT curr_version FROM schema_version").Scan(&latest))
		_, err = conn.Exec(t.Context(), "UPDATE schema_version SET curr_version = $1", previous)
		require.NoError(t, err)

		require.NoError(t, start(t, temporal.Config{Database: "old"}).Stop())
		require.NoError(t, conn.QueryRow(t.Context(), "SELECT curr_version FROM schema_version").Scan(&upgraded))
		require.Equal(t, latest, upgraded)
		require.NoError(t, conn.Close(t.Context()))
	}
}

func TestBusyPort(t *testing.T) {
	t.Parallel()
	port := busyPort(t)
	tests := map[string]struct {
		config temporal.Config
		want   string
	}{
		"frontend": {temporal.Config{FrontendPort: port}, "meant for temporal, is in use by another program; stop that one or choose another port with --temporal-port"},
		"UI":       {temporal.Config{UIPort: port}, "meant for the temporal UI, is in use by another program; stop that one or choose another port with --ui-port"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := temporal.Start(t.Context(), test.config)
			var busy *temporal.PortError
			require.ErrorAs(t, err, &busy)
			require.Equal(t, port, busy.Port)
			require.EqualError(t, err, fmt.Sprintf("port %d, %s", port, test.want))
		})
	}
}
