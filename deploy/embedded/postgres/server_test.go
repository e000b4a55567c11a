package postgres_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/rapport-crm/rapport/deploy/embedded/postgres"
)

// parentOf makes this test binary act as the parent of a server on the named folder, to be killed by a test.
const parentOf = "RAPPORT_TEST_PARENT_OF"

func TestMain(m *testing.M) {
	if dir := os.Getenv(parentOf); dir != "" {
		server, err := postgres.Start(context.Background(), postgres.Config{Dir: dir, Durable: true})
		fmt.Fprintln(os.Stdout, "ready", err)
		<-server.Done()
		return
	}
	os.Exit(m.Run())
}

func start(t *testing.T, c postgres.Config) *postgres.Server {
	t.Helper()
	server, err := postgres.Start(t.Context(), c)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Stop()) })
	return server
}

func connect(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	return conn
}

func query[T any](t *testing.T, conn *pgx.Conn, sql string) T {
	t.Helper()
	var value T
	require.NoError(t, conn.QueryRow(t.Context(), sql).Scan(&value))
	return value
}

func problem(t *testing.T, err error) *postgres.Error {
	t.Helper()
	var p *postgres.Error
	require.ErrorAs(t, err, &p)
	require.NotContains(t, p.Error(), "\n")
	return p
}

// unreachable returns a data folder behind one that only its owner may enter, as in a checkout in /root.
func unreachable(t *testing.T) string {
	t.Helper()
	private := filepath.Join(t.TempDir(), "private")
	require.NoError(t, os.Mkdir(private, 0o700))
	return filepath.Join(private, "checkout", ".rapport")
}

func TestServer(t *testing.T) {
	t.Parallel()
	dir := unreachable(t)

	first := start(t, postgres.Config{Dir: dir, Durable: true})
	require.NoError(t, first.CreateDatabase(t.Context(), "crm"))
	require.NoError(t, first.CreateDatabase(t.Context(), "crm"), "creating a database is idempotent")
	conn := connect(t, first.DSN("crm"))
	_, err := conn.Exec(t.Context(), "CREATE TABLE kept AS SELECT 'Zoë' AS name")
	require.NoError(t, err)
	require.Equal(t, "UTF8", query[string](t, conn, "SHOW server_encoding"))
	require.Equal(t, "on", query[string](t, conn, "SHOW fsync"))
	require.Equal(t, "127.0.0.1", query[string](t, conn, "SHOW listen_addresses"))

	_, err = pgx.Connect(t.Context(), strings.Replace(first.DSN("crm"), "rapport:", "rapport:x", 1))
	require.ErrorContains(t, err, "28P01", "a wrong password is refused")

	_, err = postgres.Start(t.Context(), postgres.Config{Dir: dir})
	require.Equal(t, postgres.FolderInUse, problem(t, err).Reason)
	require.ErrorContains(t, err, strconv.Itoa(os.Getpid()))

	require.NoError(t, first.Stop())
	require.NoError(t, first.Stop(), "stopping is idempotent")

	second := start(t, postgres.Config{Dir: dir, Durable: false})
	conn = connect(t, second.DSN("crm"))
	require.Equal(t, "Zoë", query[string](t, conn, "SELECT name FROM kept"))
	require.Equal(t, "off", query[string](t, conn, "SHOW fsync"))
}

func TestStartAfterKill(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		// fate is what else befalls the server once its parent is dead.
		fate func(t *testing.T, dir string, postmaster int)
	}{
		"the parent was killed": {
			fate: func(*testing.T, string, int) {},
		},
		"parent and server were killed": {
			fate: func(t *testing.T, _ string, postmaster int) {
				t.Helper()
				_ = syscall.Kill(postmaster, syscall.SIGKILL)
			},
		},
		"the server hangs": {
			fate: func(t *testing.T, _ string, postmaster int) {
				t.Helper()
				_ = syscall.Kill(postmaster, syscall.SIGSTOP)
				time.AfterFunc(500*time.Millisecond, func() { _ = syscall.Kill(postmaster, syscall.SIGCONT) })
			},
		},
		"the process id belongs to another program now": {
			fate: func(t *testing.T, dir string, postmaster int) {
				t.Helper()
				_ = syscall.Kill(postmaster, syscall.SIGKILL)
				file := filepath.Join(dir, "data", "postmaster.pid")
				text, err := os.ReadFile(file)
				require.NoError(t, err)
				text = []byte(strings.Replace(string(text), strconv.Itoa(postmaster), "1", 1))
				require.NoError(t, os.WriteFile(file, text, 0o600))
			},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "data")
			parent := startParent(t, dir)
			postmaster := postmasterOf(t, dir)
			writeRow(t, dir)

			require.NoError(t, parent.Process.Kill())
			_ = parent.Wait()
			test.fate(t, dir, postmaster)

			server := start(t, postgres.Config{Dir: dir, Durable: true})
			conn := connect(t, server.DSN("postgres"))
			require.Equal(t, 1, query[int](t, conn, "SELECT count(*) FROM kept"))
		})
	}
}

func startParent(t *testing.T, dir string) *exec.Cmd {
	t.Helper()
	parent := exec.CommandContext(t.Context(), os.Args[0])
	parent.Env = append(os.Environ(), parentOf+"="+dir)
	stdout, err := parent.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, parent.Start())
	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "ready <nil>\n", line)
	return parent
}

func postmasterOf(t *testing.T, dir string) int {
	t.Helper()
	return pidFileLine(t, dir, 0)
}

func pidFileLine(t *testing.T, dir string, line int) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "data", "postmaster.pid"))
	require.NoError(t, err)
	n, err := strconv.Atoi(strings.TrimSpace(strings.Split(string(text), "\n")[line]))
	require.NoError(t, err)
	return n
}

// writeRow commits a row through a connection that nobody closes before the kill.
func writeRow(t *testing.T, dir string) {
	t.Helper()
	password, err := os.ReadFile(filepath.Join(dir, "password"))
	require.NoError(t, err)
	conn := connect(t, fmt.Sprintf("postgres://rapport:%s@127.0.0.1:%d/postgres", strings.TrimSpace(string(password)), pidFileLine(t, dir, 3)))
	_, err = conn.Exec(t.Context(), "CREATE TABLE kept AS SELECT 1 AS n")
	require.NoError(t, err)
}

func TestParentKilledStopsServer(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/proc/self"); err != nil {
		t.Skip("only Linux ends children with their parent")
	}
	dir := filepath.Join(t.TempDir(), "data")
	parent := startParent(t, dir)
	require.NoError(t, parent.Process.Kill())
	_ = parent.Wait()
	require.Eventually(t, func() bool {
		_, err := os.Stat(filepath.Join(dir, "data", "postmaster.pid"))
		return errors.Is(err, os.ErrNotExist)
	}, 10*time.Second, 10*time.Millisecond)
}

func TestBusyPort(t *testing.T) {
	t.Parallel()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = listener.Close() }()
	port := listener.Addr().(*net.TCPAddr).Port

	_, err = postgres.Start(t.Context(), postgres.Config{Dir: t.TempDir(), Port: port})
	require.Equal(t, postgres.PortBusy, problem(t, err).Reason)
	require.ErrorContains(t, err, strconv.Itoa(port))
	require.ErrorContains(t, err, "--postgres-port")
}

func TestUnusableFolder(t *testing.T) {
	t.Parallel()
	inTheWay := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(inTheWay, nil, 0o600))
	tests := map[string]string{
		"a file is in the way": filepath.Join(inTheWay, ".rapport"),
		"no permission":        "/proc/rapport",
	}
	for name, dir := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := postgres.Start(t.Context(), postgres.Config{Dir: dir})
			require.Equal(t, postgres.FolderUnusable, problem(t, err).Reason)
			require.ErrorContains(t, err, dir)
			require.ErrorContains(t, err, "--data")
		})
	}
}

func TestFullFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "mount", "-t", "tmpfs", "-o", "size=20m", "none", dir).CombinedOutput(); err != nil {
		t.Skipf("needs to mount a small disk: %s", out)
	}
	t.Cleanup(func() {
		require.NoError(t, exec.CommandContext(context.WithoutCancel(t.Context()), "umount", dir).Run())
	})
	_, err := postgres.Start(t.Context(), postgres.Config{Dir: dir})
	require.Equal(t, postgres.FolderFull, problem(t, err).Reason)
	require.ErrorContains(t, err, dir)
}

func TestNotInstalled(t *testing.T) {
	t.Parallel()
	empty := t.TempDir()
	_, err := postgres.Start(t.Context(), postgres.Config{Dir: t.TempDir(), Binaries: empty})
	require.Equal(t, postgres.NotInstalled, problem(t, err).Reason)
	require.ErrorContains(t, err, empty)
	require.ErrorContains(t, err, "apt-get install postgresql")
}

func TestOtherReleaseMadeTheData(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "data"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "data", "PG_VERSION"), []byte("9\n"), 0o600))
	_, err := postgres.Start(t.Context(), postgres.Config{Dir: dir})
	require.Equal(t, postgres.NotInstalled, problem(t, err).Reason)
	require.ErrorContains(t, err, "Postgres 9, which made the data folder,")
}

func TestBrokenDataQuotesTheLog(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	server := start(t, postgres.Config{Dir: dir})
	require.NoError(t, server.Stop())
	require.NoError(t, os.Remove(filepath.Join(dir, "data", "global", "pg_control")))

	_, err := postgres.Start(t.Context(), postgres.Config{Dir: dir})
	require.Equal(t, postgres.StartFailed, problem(t, err).Reason)
	require.ErrorContains(t, err, "pg_control")
	require.ErrorContains(t, err, filepath.Join(dir, "postgres.log"))
}
