package client_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/api/client"
	"github.com/rapport-crm/rapport/crm"
)

func TestCalls(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	ctx := t.Context()
	if _, err := w.ImportCandidates(ctx, strings.NewReader("external_id,first_name\nA/1,Ann\n"), client.ImportOptions{}); err != nil {
		t.Fatal(err)
	}
	if c, err := w.Candidate(ctx, "A/1"); err != nil || c.FirstName != "Ann" {
		t.Errorf("candidate %+v, %v", c, err)
	}
	if page, err := w.Timeline(ctx, "A/1", 10, ""); err != nil || len(page.Items) == 0 {
		t.Errorf("timeline %+v, %v", page, err)
	}
	if page, err := w.Events(ctx, "A/1", 10, ""); err != nil || len(page.Items) != 1 || page.Items[0].Type != "candidate.created" {
		t.Errorf("events %+v, %v", page, err)
	}
	if page, err := w.Enrollments(ctx, "A/1", 10, ""); err != nil || len(page.Items) != 0 {
		t.Errorf("enrollments %+v, %v", page, err)
	}
	if page, err := w.Tasks(ctx, crm.TaskOpen, 10, ""); err != nil || len(page.Items) != 0 {
		t.Errorf("tasks %+v, %v", page, err)
	}
	if _, err := w.ImportCandidates(ctx, strings.NewReader("external_id,first_name\nA/2,Anna\n"), client.ImportOptions{}); err != nil {
		t.Fatal(err)
	}
	if merged, err := w.Merge(ctx, "A/2", "A/1"); err != nil || !merged.Merged || merged.ID == "" {
		t.Errorf("merged %+v, %v", merged, err)
	}
	if list, err := w.Definitions(ctx); err != nil || len(list) != 0 {
		t.Errorf("definitions %+v, %v", list, err)
	}
}

func TestErrorsSayWhatToDo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	var problem *client.Error
	if err := w.Tell(t.Context(), "enr_none", "stop"); !errors.As(err, &problem) || problem.Code != api.CodeNotFound || problem.Next == "" || !strings.Contains(err.Error(), problem.Next) {
		t.Errorf("got %v", err)
	}
	if _, err := w.Enroll(t.Context(), api.EnrollmentRequest{Candidate: "A", Sequence: "nurses"}); !errors.As(err, &problem) || problem.Status != http.StatusNotFound {
		t.Errorf("got %v", err)
	}
	if _, err := client.New(w.url, "rk_wrong").Definitions(t.Context()); !errors.As(err, &problem) || problem.Code != api.CodeUnauthorized {
		t.Errorf("got %v", err)
	}
	nobody := client.New("http://127.0.0.1:1", "rk")
	nobody.Patience = 0
	if _, err := nobody.Definitions(t.Context()); crm.CodeOf(err) != crm.CodeUnavailable || !strings.Contains(err.Error(), "rapport up") {
		t.Errorf("got %v", err)
	}
	other := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(other.Close)
	if _, err := client.New(other.URL, "rk").Definitions(t.Context()); err == nil || !strings.Contains(err.Error(), "check the address") {
		t.Errorf("got %v", err)
	}
}

func TestRetries(t *testing.T) {
	t.Parallel()
	hangUp := func(w http.ResponseWriter) {
		if conn, _, err := w.(http.Hijacker).Hijack(); err == nil {
			_ = conn.Close()
		}
	}
	status := func(code int) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) { w.WriteHeader(code) }
	}
	for name, tc := range map[string]struct {
		first func(http.ResponseWriter)
		call  func(*client.Client) error
		calls int32
	}{
		"a read, overloaded":     {status(503), func(c *client.Client) error { _, err := c.Definitions(t.Context()); return err }, 2},
		"a read, hung up":        {hangUp, func(c *client.Client) error { _, err := c.Definitions(t.Context()); return err }, 2},
		"a read, bad gateway":    {status(502), func(c *client.Client) error { _, err := c.Definitions(t.Context()); return err }, 2},
		"a control, too many":    {status(429), func(c *client.Client) error { return c.Tell(t.Context(), "e", "stop") }, 2},
		"a control, hung up":     {hangUp, func(c *client.Client) error { return c.Tell(t.Context(), "e", "stop") }, 1},
		"a control, bad gateway": {status(502), func(c *client.Client) error { return c.Tell(t.Context(), "e", "stop") }, 1},
		"a read, not found":      {status(404), func(c *client.Client) error { _, err := c.Definitions(t.Context()); return err }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var calls atomic.Int32
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if calls.Add(1) == 1 {
					tc.first(w)
					return
				}
				_, _ = w.Write([]byte("{}"))
			}))
			t.Cleanup(server.Close)
			err := tc.call(client.New(server.URL, "rk"))
			if (err == nil) != (tc.calls == 2) || calls.Load() != tc.calls {
				t.Errorf("%d calls, %v; want %d", calls.Load(), err, tc.calls)
			}
		})
	}
}

func TestRetriesEnd(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }))
	t.Cleanup(server.Close)
	c := client.New(server.URL, "rk")
	c.Patience = 600 * time.Millisecond
	begin := time.Now()
	if _, err := c.Definitions(t.Context()); err == nil || time.Since(begin) > 10*time.Second {
		t.Errorf("after %s: %v", time.Since(begin), err)
	}
}
