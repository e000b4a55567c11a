package client_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/api/client"
	"github.com/rapport-crm/rapport/deploy/embedded/postgres/postgrestest"
	"github.com/rapport-crm/rapport/store"
)

func TestMain(m *testing.M) { os.Exit(postgrestest.Run(m)) }

// world is a server on a database of its own, and a client of it.
type world struct {
	*client.Client
	store  *store.Store
	url    string
	secret string
}

// newWorld lets wrap, which may be nil, stand between the client and the server.
func newWorld(t *testing.T, wrap func(http.Handler) http.Handler) *world {
	t.Helper()
	now := func() time.Time { return time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC) }
	s, err := store.Open(t.Context(), postgrestest.New(t, "client", store.Migrate), store.Options{Now: now, MaxConns: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	_, secret, err := s.CreateKey(t.Context(), "test", []string{"admin"}, now())
	if err != nil {
		t.Fatal(err)
	}
	handler := api.New(api.Config{Store: s, Now: now})
	if wrap != nil {
		handler = wrap(handler)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return &world{Client: client.New(server.URL+"/", secret), store: s, url: server.URL, secret: secret}
}
