package caldav_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/activities/calendar"
	"github.com/rapport-crm/rapport/activities/calendar/calendartest"
	"github.com/rapport-crm/rapport/activities/calendar/remote"
)

// faults puts an event, once more after each failure that is worth it, through a proxy that lies. There is one event in the end.
func faults(t *testing.T, server *radicale) {
	t.Helper()
	const put = http.MethodPut
	busyFor := http.Header{"Retry-After": {"7"}}
	for name, tc := range map[string]struct {
		faults []fault
		kinds  []calendar.Kind // of the failures on the way
		wait   time.Duration   // that the first of them asks for
	}{
		"hangs up before it was taken":       {faults: []fault{{method: put}}, kinds: []calendar.Kind{calendar.Unavailable}},
		"hangs up after it was taken":        {faults: []fault{{method: put, after: true}}, kinds: []calendar.Kind{calendar.Unavailable}},
		"says 500 after it was taken":        {faults: []fault{{method: put, after: true, status: 500}}, kinds: []calendar.Kind{calendar.Unavailable}},
		"says 412 after it was taken":        {faults: []fault{{method: put, after: true, status: 412}}},
		"says 412 once":                      {faults: []fault{{method: put, status: 412}}},
		"says 412 all the time":              {faults: []fault{{method: put, status: 412}, {method: put, status: 412}, {method: put, status: 412}, {method: put, status: 412}}, kinds: []calendar.Kind{calendar.Unavailable}},
		"asks to come back":                  {faults: []fault{{method: put, status: 429, header: busyFor}}, kinds: []calendar.Kind{calendar.Throttled}, wait: 7 * time.Second},
		"asks to come back later to all":     {faults: []fault{{method: "GET", status: 503, header: busyFor}}, kinds: []calendar.Kind{calendar.Unavailable}, wait: 7 * time.Second},
		"forgets who we are":                 {faults: []fault{{method: "GET", status: 401}}, kinds: []calendar.Kind{calendar.Unauthorized}},
		"hangs up while we look":             {faults: []fault{{method: "REPORT"}}, kinds: []calendar.Kind{calendar.Unavailable}},
		"hides the event while we look":      {faults: []fault{{method: put, after: true}, {method: "GET", status: 200}, {method: "REPORT", status: 500}}, kinds: []calendar.Kind{calendar.Unavailable, calendar.Unavailable}},
		"twice in a row, and never for sure": {faults: []fault{{method: put, after: true}, {method: put, after: true}}, kinds: []calendar.Kind{calendar.Unavailable}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := server.collection(t, name)
			proxy := server.liar(t, tc.faults...)
			c := open(t, client(), proxy.URL+path)
			var kinds []calendar.Kind
			for range 4 {
				err := c.Put(t.Context(), interview("u"))
				if failure, ok := errors.AsType[*calendar.Error](err); ok {
					if len(kinds) == 0 && failure.RetryAfter != tc.wait {
						t.Errorf("wait %s, want %s", failure.RetryAfter, tc.wait)
					}
					kinds = append(kinds, failure.Kind)
				} else if err != nil {
					t.Fatal(err)
				}
			}
			if len(kinds) != len(tc.kinds) || len(kinds) > 0 && kinds[0] != tc.kinds[0] {
				t.Errorf("failures %v, want %v", kinds, tc.kinds)
			}
			if n, text := server.stored(t, path); n != 1 {
				t.Errorf("%d events\n%s", n, text)
			}
		})
	}
	t.Run("two write at once", func(t *testing.T) { t.Parallel(); race(t, server) })
	t.Run("deleted in between", func(t *testing.T) { t.Parallel(); deletions(t, server) })
	t.Run("slow", func(t *testing.T) { t.Parallel(); slow(t, server) })
	t.Run("only times may be seen", func(t *testing.T) { t.Parallel(); timesAlone(t, server) })
}

// race has a newer version come in between our look and our write.
func race(t *testing.T, server *radicale) {
	t.Helper()
	path := server.collection(t, "race")
	direct := open(t, client(), server.url+path)
	newer := interview("u")
	newer.Sequence, newer.Summary = 5, "Newer"
	for _, sequence := range []int{1, 2} { // at first there is none, then an older one
		proxy := server.liar(t, fault{method: http.MethodPut, status: http.StatusContinue, first: func() {
			if err := direct.Put(t.Context(), newer); err != nil {
				t.Error(err)
			}
		}})
		mine := interview("u")
		mine.Sequence = sequence
		wants(t, open(t, client(), proxy.URL+path).Put(t.Context(), mine), calendar.Conflict, "newer_sequence")
		if n, text := server.stored(t, path); n != 1 || !strings.Contains(text, "SUMMARY:Newer") {
			t.Errorf("%d events: %s", n, text)
		}
		if err := direct.Delete(t.Context(), "u"); err != nil {
			t.Fatal(err)
		}
		older := interview("u")
		older.Location = "Room 9"
		if err := direct.Put(t.Context(), older); err != nil {
			t.Fatal(err)
		}
	}
}

func deletions(t *testing.T, server *radicale) {
	t.Helper()
	path := server.collection(t, "deletions")
	direct := open(t, client(), server.url+path)
	for name, f := range map[string]fault{
		"somebody else did": {method: http.MethodDelete, status: http.StatusContinue, first: func() { server.do(t, http.MethodDelete, path+"u.ics", "") }},
		"somebody else wrote": {method: http.MethodDelete, status: http.StatusContinue, first: func() {
			changed := interview("u")
			changed.Sequence = 2
			if err := direct.Put(t.Context(), changed); err != nil {
				t.Error(err)
			}
		}},
	} {
		if err := direct.Put(t.Context(), interview("u")); err != nil {
			t.Fatal(err)
		}
		if err := open(t, client(), server.liar(t, f).URL+path).Delete(t.Context(), "u"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if n, _ := server.stored(t, path); n != 0 {
			t.Errorf("%s: %d events are left", name, n)
		}
	}
	if err := direct.Put(t.Context(), interview("u")); err != nil {
		t.Fatal(err)
	}
	c := open(t, client(), server.liar(t, fault{method: http.MethodDelete, after: true}).URL+path)
	wants(t, c.Delete(t.Context(), "u"), calendar.Unavailable, "connection")
	if err := c.Delete(t.Context(), "u"); err != nil {
		t.Error(err)
	}
	for status, kind := range map[int]calendar.Kind{403: calendar.ReadOnly, 405: calendar.ReadOnly, 409: calendar.Gone, 413: calendar.Refused} {
		c := open(t, client(), server.liar(t, fault{method: http.MethodPut, status: status}).URL+path)
		wants(t, c.Put(t.Context(), interview("u")), kind, "")
	}
}

func slow(t *testing.T, server *radicale) {
	t.Helper()
	path := server.collection(t, "slow")
	proxy := server.liar(t, fault{method: "REPORT", first: func() { time.Sleep(time.Second) }, status: 500})
	c := open(t, remote.New(remote.Config{AllowPrivate: true, Timeout: 200 * time.Millisecond}), proxy.URL+path)
	_, err := c.Busy(t.Context(), calendartest.Within("2026-11-05", "2026-11-06"))
	wants(t, err, calendar.Unavailable, "timeout")
}
