package store_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/store"
)

// wire is a connection to Postgres that counts round trips: each time the client speaks after the server has.
type wire struct {
	trips  atomic.Int64
	server atomic.Bool // the server spoke last
}

// listen serves the wire and returns the connection string of its end.
func (w *wire) listen(t *testing.T, dsn string) string {
	t.Helper()
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	network, address := pgconn.NetworkAddress(config.Host, config.Port)
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	t.Cleanup(func() { l.Close(); all.Wait() })
	ctx := context.WithoutCancel(t.Context())
	all.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				if !errors.Is(err, net.ErrClosed) {
					t.Error(err)
				}
				return
			}
			var d net.Dialer
			server, err := d.DialContext(ctx, network, address)
			if err != nil {
				t.Error(err)
				client.Close()
				return
			}
			all.Go(func() { w.copy(server, client, false) })
			all.Go(func() { w.copy(client, server, true) })
		}
	})
	u := url.URL{Scheme: "postgres", User: url.UserPassword(config.User, config.Password), Host: l.Addr().String(), Path: config.Database}
	u.RawQuery = "sslmode=disable"
	return u.String()
}

func (w *wire) copy(to io.WriteCloser, from io.Reader, fromServer bool) {
	defer to.Close()
	buffer := make([]byte, 1<<16)
	for {
		n, err := from.Read(buffer)
		if n > 0 && w.server.Swap(fromServer) && !fromServer {
			w.trips.Add(1)
		}
		if _, werr := to.Write(buffer[:n]); err != nil || werr != nil {
			return
		}
	}
}

func TestRoundTripsOfDecide(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var w wire
	s, err := store.Open(t.Context(), w.listen(t, b.dsn), store.Options{Now: b.now, MaxConns: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	id := b.candidate(t, "ATS-1", grant("news", crm.Email))
	run := b.enroll(t, id, "nurture")
	decide := func() error {
		turn, err := s.Begin(t.Context(), run, 0)
		if err != nil {
			return err
		}
		d := &crm.Decision{EnrollmentID: run, Seq: turn.Facts().Enrollment.Seq + 1, At: b.now(), Command: crm.CommandWait}
		return turn.Commit(t.Context(), d)
	}
	if err := decide(); err != nil { // the first time statements are prepared
		t.Fatal(err)
	}
	before := w.trips.Load()
	if err := decide(); err != nil {
		t.Fatal(err)
	}
	if n := w.trips.Load() - before; n != 2 {
		t.Errorf("a decision took %d round trips, want 2", n)
	}
}
