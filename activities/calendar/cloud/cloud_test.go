package cloud_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/activities/calendar"
	"github.com/rapport-crm/rapport/activities/calendar/cloud"
	"github.com/rapport-crm/rapport/crm"
)

type tokens string

func (t tokens) Access(context.Context) (string, error) { return string(t), nil }
func (tokens) Refuse(string)                            {}

func do(t *testing.T, handle http.HandlerFunc, client *http.Client) error {
	t.Helper()
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	c := cloud.Client{Base: server.URL + "/v1", Tokens: tokens("t"), HTTP: client}
	var into struct{}
	_, err := c.Do(t.Context(), cloud.Request{Method: http.MethodGet, Path: "/a%2Fb", Query: map[string][]string{"q": {"a b+c"}}}, &into)
	return err
}

func TestFailures(t *testing.T) {
	t.Parallel()
	slow := &http.Client{Timeout: 50 * time.Millisecond}
	for name, c := range map[string]struct {
		handle http.HandlerFunc
		client *http.Client
		kind   calendar.Kind // "" is none
		code   string
	}{
		"fine": {handle: func(w http.ResponseWriter, r *http.Request) {
			if r.RequestURI != "/v1/a%2Fb?q=a%20b%2Bc" || r.Header.Get("Authorization") != "Bearer t" {
				t.Errorf("asked for %s with %v", r.RequestURI, r.Header)
			}
			_, _ = w.Write([]byte("{}"))
		}},
		"not JSON":     {handle: func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) }, kind: calendar.Unavailable, code: "not_json"},
		"a bomb":       {handle: func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 9<<20)) }, kind: calendar.Unreadable, code: "too_large"},
		"cut off":      {handle: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, kind: calendar.Unavailable, code: "no_answer"},
		"slow":         {handle: func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, client: slow, kind: calendar.Unavailable, code: "timeout"},
		"elsewhere":    {handle: func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/other", http.StatusFound) }, kind: calendar.Refused, code: "http_302"},
		"forbidden":    status(403, calendar.ReadOnly),
		"not there":    status(404, calendar.Gone),
		"conflict":     status(409, calendar.Conflict),
		"gone":         status(410, calendar.Gone),
		"changed":      status(412, calendar.Conflict),
		"bad":          status(400, calendar.Refused),
		"too many":     status(429, calendar.Throttled),
		"too much":     status(509, calendar.Unavailable),
		"broken":       status(500, calendar.Unavailable),
		"unauthorized": status(401, calendar.Unauthorized),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := do(t, c.handle, c.client)
			if c.kind == "" {
				if err != nil {
					t.Fatalf("error is %v", err)
				}
				return
			}
			failure, ok := errors.AsType[*calendar.Error](err)
			if !ok || failure.Kind != c.kind || c.code != "" && failure.Code != c.code {
				t.Errorf("error is %v; want %s (%s)", err, c.kind, c.code)
			}
		})
	}
}

func status(status int, kind calendar.Kind) struct {
	handle http.HandlerFunc
	client *http.Client
	kind   calendar.Kind
	code   string
} {
	return struct {
		handle http.HandlerFunc
		client *http.Client
		kind   calendar.Kind
		code   string
	}{handle: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }, kind: kind}
}

func TestMark(t *testing.T) {
	t.Parallel()
	e := calendar.Event{UID: "u", Sequence: 3, Span: crm.Span{Start: time.Unix(0, 0), End: time.Unix(3600, 0)}, Summary: "a", Location: "b"}
	mark := cloud.MarkOf(&e)
	if again, ok := cloud.ParseMark(mark.String()); !ok || again != mark {
		t.Errorf("%q is read as %+v", mark, again)
	}
	for _, change := range []func(*calendar.Event){
		func(e *calendar.Event) { e.Sequence++ },
		func(e *calendar.Event) { e.Cancelled = true },
		func(e *calendar.Event) { e.Summary, e.Location = "b", "a" },
		func(e *calendar.Event) { e.Summary, e.Location = `a" "b`, "" },
		func(e *calendar.Event) { e.End = e.End.Add(time.Second) },
		func(e *calendar.Event) { e.Zone = "Europe/Berlin" },
		func(e *calendar.Event) { e.URL = "https://example.com" },
		func(e *calendar.Event) { e.Description = "d" },
	} {
		other := e
		change(&other)
		if cloud.MarkOf(&other) == mark {
			t.Errorf("%+v has the same mark as %+v", other, e)
		}
	}
	cancelled := e
	cancelled.Cancelled = true
	if again, ok := cloud.ParseMark(cloud.MarkOf(&cancelled).String()); !ok || !again.Cancelled {
		t.Errorf("read as %+v; want it cancelled", again)
	}
	for _, text := range []string{"", "3", "3 on", "x on abc", "3 perhaps abc", "3 on abc more"} {
		if m, ok := cloud.ParseMark(text); ok {
			t.Errorf("%q is read as %+v; want it to be none", text, m)
		}
	}
}

func TestSplit(t *testing.T) {
	t.Parallel()
	at := func(day int) time.Time { return time.Date(2026, 11, day, 0, 0, 0, 0, time.UTC) }
	got := cloud.Split(crm.Span{Start: at(1), End: at(6)}, 48*time.Hour)
	want := []crm.Span{{Start: at(1), End: at(3)}, {Start: at(3), End: at(5)}, {Start: at(5), End: at(6)}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("pieces (-want +got):\n%s", diff)
	}
	if got := cloud.Split(crm.Span{Start: at(1), End: at(1)}, time.Hour); got != nil {
		t.Errorf("pieces of nothing are %v", got)
	}
}

func TestForeignPage(t *testing.T) {
	t.Parallel()
	c := cloud.Client{Base: "https://api.example.com/v1", Tokens: tokens("t")}
	for _, page := range []string{"https://evil.example.com/v1/x", "https://api.example.com/v10", "https://api.example.com/v1.evil.example.com/", ""} {
		_, err := c.Do(t.Context(), cloud.Request{Method: http.MethodGet, Path: page}, nil)
		failure, ok := errors.AsType[*calendar.Error](err)
		if !ok || failure.Code != "foreign_page" {
			t.Errorf("error for %q is %v; want a foreign page", page, err)
		}
	}
}
