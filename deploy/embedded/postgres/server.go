package postgres

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const (
	// readyPatience bounds a start, which after a crash includes replaying the log.
	readyPatience = 5 * time.Minute
	// stopPatience is what each way of stopping gets before the next, rougher one.
	stopPatience = 20 * time.Second
	// logLimit is the size of postgres.log, in bytes, beyond which a start sets it aside as postgres.log.1.
	logLimit = 16 << 20
)

// Server is a running Postgres.
type Server struct {
	port     int
	password string
	process  *process
	release  func()
	stop     func() error
}

// Start runs Postgres on c.Dir and returns when it accepts connections. It makes the data on the first start and
// recovers by itself after a crash, also one of its parent. Errors that a person can act on are of type *[Error].
// Cancelling ctx ends a start under way; it does not stop a running server, [Server.Stop] does.
func Start(ctx context.Context, c Config) (*Server, error) {
	log := c.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return nil, folderProblem(c.Dir, err)
	}
	c.Dir = dir
	if err := prepareFolder(c); err != nil {
		return nil, err
	}
	lock, err := lockFolder(c)
	if err != nil {
		return nil, err
	}
	s, err := startLocked(ctx, c, log)
	if err != nil {
		_ = lock.Close()
		return nil, err
	}
	release := s.release
	s.stop = sync.OnceValue(func() error {
		defer func() { _ = lock.Close() }()
		defer release()
		return s.process.stop(stopPatience)
	})
	return s, nil
}

func startLocked(ctx context.Context, c Config, log *slog.Logger) (*Server, error) {
	if err := clearLeftover(ctx, c, log); err != nil {
		return nil, err
	}
	port, err := choosePort(ctx, c.Port)
	if err != nil {
		return nil, err
	}
	programs, err := findBinaries(ctx, c)
	if err != nil {
		return nil, err
	}
	cl, err := prepareCluster(ctx, c, programs)
	if err != nil {
		return nil, err
	}
	log.DebugContext(ctx, "starting postgres", "binaries", programs.dir, "release", programs.major, "port", port)
	return cl.serve(ctx, port)
}

// serve starts the server program and waits until it answers.
func (cl *cluster) serve(ctx context.Context, port int) (*Server, error) {
	logs, begin, err := openLog(cl.config)
	if err != nil {
		return nil, folderProblem(cl.config.Dir, err)
	}
	defer func() { _ = logs.Close() }() // the child has its own
	var args []string
	for _, setting := range cl.config.settings(strconv.Itoa(port)) {
		args = append(args, "-c", setting)
	}
	cmd, release, err := cl.command("postgres", cl.config.dataDir(), args...)
	if err != nil {
		return nil, err
	}
	cmd.Stdout, cmd.Stderr = logs, logs
	p, err := startProcess(cmd)
	if err != nil {
		release()
		return nil, problem(StartFailed, err, "postgres could not be run (%v); check that %s is a working installation", err, cl.programs.dir)
	}
	s := &Server{port: port, password: cl.password, process: p, release: release}
	if err := s.awaitReady(ctx); err != nil {
		_ = p.stop(stopPatience)
		release()
		output := readLog(cl.config, begin)
		if errors.Is(err, context.Canceled) {
			return nil, err
		}
		return nil, outputProblem(cl.config.Dir, "postgres did not start (its log is "+cl.config.logFile()+")", output, err)
	}
	return s, nil
}

// awaitReady returns when the server takes connections, or with the reason it never will.
func (s *Server) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyPatience)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, s.DSN("postgres"))
		if err == nil {
			return conn.Close(ctx)
		}
		var refused *pgconn.PgError
		if errors.As(err, &refused) && refused.Code != "57P03" { // cannot_connect_now: still recovering
			return err
		}
		select {
		case <-s.process.done:
			return errors.New("postgres ended while starting")
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Port returns the TCP port on 127.0.0.1.
func (s *Server) Port() int { return s.port }

// DSN returns the connection string of a database, as its owner, with the password in it: keep it out of logs.
func (s *Server) DSN(database string) string {
	dsn := url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword(superuser, s.password),
		Host:     net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)),
		Path:     "/" + database,
		RawQuery: "sslmode=disable",
	}
	return dsn.String()
}

// CreateDatabase makes a database unless it is there.
func (s *Server) CreateDatabase(ctx context.Context, name string) error {
	return createDatabase(ctx, s.DSN("postgres"), name)
}

// Done is closed when the server has ended, whoever ended it.
func (s *Server) Done() <-chan struct{} { return s.process.done }

// Stop shuts the server down in order, and forcibly after a while. Calling it again returns the same result.
func (s *Server) Stop() error { return s.stop() }

// choosePort checks that the wanted port is free, or finds one.
func choosePort(ctx context.Context, wanted int) (int, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(wanted)))
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return 0, problem(PortBusy, err,
			"port %d on 127.0.0.1, meant for postgres, is in use by another program; stop that one or choose another port with --postgres-port", wanted)
	case err != nil:
		return 0, problem(PortBusy, err, "port %d on 127.0.0.1, meant for postgres, cannot be used (%v); choose another with --postgres-port", wanted, err)
	}
	port := listener.Addr().(*net.TCPAddr).Port //nolint:forcetypeassert // a TCP listener has a TCP address
	return port, listener.Close()
}

// openLog opens the log for appending and tells where this run's part of it begins.
func openLog(c Config) (file *os.File, begin int64, err error) {
	if info, err := os.Stat(c.logFile()); err == nil && info.Size() > logLimit {
		if err := os.Rename(c.logFile(), c.logFile()+".1"); err != nil {
			return nil, 0, err
		}
	}
	file, err = os.OpenFile(c.logFile(), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, 0, err
	}
	begin, err = file.Seek(0, io.SeekEnd)
	return file, begin, err
}

// readLog returns what the server logged since begin; it only serves a message, so an error shows in its place.
func readLog(c Config, begin int64) string {
	file, err := os.Open(c.logFile())
	if err != nil {
		return err.Error()
	}
	defer func() { _ = file.Close() }()
	if _, err := file.Seek(begin, io.SeekStart); err != nil {
		return err.Error()
	}
	text, err := io.ReadAll(io.LimitReader(file, 1<<20))
	if err != nil {
		return err.Error()
	}
	return string(text)
}
