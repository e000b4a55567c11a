package feed_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/activities/calendar"
	"github.com/rapport-crm/rapport/activities/calendar/calendartest"
	"github.com/rapport-crm/rapport/activities/calendar/feed"
	"github.com/rapport-crm/rapport/activities/calendar/remote"
)

func open(t *testing.T, address string) *feed.Feed {
	t.Helper()
	f, err := feed.New(remote.New(remote.Config{AllowPrivate: true}), address, calendartest.Ada())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestBusy(t *testing.T) {
	t.Parallel()
	for _, tc := range calendartest.Cases() {
		t.Run(tc.Name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, tc.Text()) }))
			t.Cleanup(server.Close)
			blocks, err := open(t, server.URL+"/secret.ics").Busy(t.Context(), tc.Within())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.Want, calendartest.Show(blocks)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The file is taken again only if it has changed, and a broken one does not replace the last.
func TestConditional(t *testing.T) {
	t.Parallel()
	at := func(hour string) string {
		return calendartest.Wrap("BEGIN:VEVENT\nUID:u\nDTSTART:20261105T" + hour + "0000Z\nDURATION:PT1H\nEND:VEVENT")
	}
	var version, sent atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, etag := at("09"), `"a"`
		switch version.Load() {
		case 1:
			text, etag = at("10"), `"b"`
		case 2:
			text, etag = "<html>Sign in</html>", `"c"`
		}
		w.Header().Set("ETag", etag)
		if r.Header.Get("If-None-Match") == etag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		sent.Add(1)
		_, _ = io.WriteString(w, text)
	}))
	t.Cleanup(server.Close)
	f := open(t, server.URL)
	for i, step := range []struct {
		version, sent int32
		want          string
	}{{0, 1, "u Thu 05 10:00-11:00"}, {0, 1, "u Thu 05 10:00-11:00"}, {1, 2, "u Thu 05 11:00-12:00"}, {1, 2, "u Thu 05 11:00-12:00"}, {2, 3, ""}, {1, 3, "u Thu 05 11:00-12:00"}} {
		version.Store(step.version)
		blocks, err := f.Busy(t.Context(), calendartest.Within("2026-11-05", "2026-11-06"))
		if got := strings.Join(calendartest.Show(blocks), ", "); got != step.want || (err != nil) != (step.want == "") || sent.Load() != step.sent {
			t.Errorf("step %d: got %q %v after %d files", i, got, err, sent.Load())
		}
	}
	found, err := f.Find(t.Context(), "u")
	if err != nil || found == nil || found.Start.Hour() != 10 {
		t.Errorf("found %v %v", found, err)
	}
	for name, err := range map[string]error{"put": f.Put(t.Context(), calendar.Event{UID: "u"}), "delete": f.Delete(t.Context(), "u")} {
		wants(t, name, err, calendar.ReadOnly)
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answer http.HandlerFunc
		kind   calendar.Kind
	}{
		"the link was withdrawn": {http.NotFound, calendar.Gone},
		"closed":                 {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }, calendar.Unauthorized},
		"too often":              {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) }, calendar.Throttled},
		"down":                   {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }, calendar.Unavailable},
		"hangs up":               {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, calendar.Unavailable},
		"not modified at first":  {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotModified) }, calendar.Refused},
		"elsewhere": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:1/", http.StatusFound)
		}, calendar.Refused},
		"a web page": {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>Secret</html>") }, calendar.Unreadable},
		"without end": {func(w http.ResponseWriter, _ *http.Request) {
			for range remote.MaxBody>>16 + 1 {
				_, _ = w.Write(make([]byte, 1<<16))
			}
		}, calendar.Unreadable},
		"cut off": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, "BEGIN:VCALENDAR\r\n")
		}, calendar.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(tc.answer)
			t.Cleanup(server.Close)
			_, err := open(t, server.URL+"/private-token").Busy(t.Context(), calendartest.Within("2026-11-05", "2026-11-06"))
			wants(t, name, err, tc.kind)
		})
	}
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	for address, ok := range map[string]bool{
		"https://calendar.example.com/private-token/basic.ics": true, "webcal://calendar.example.com/private-token": true, "webcals://calendar.example.com/x": true,
		"http://calendar.example.com/private-token": false, "ftp://calendar.example.com/": false, "https://u:p@calendar.example.com/": false, "private-token": false, "": false,
	} {
		if _, err := feed.New(remote.New(remote.Config{}), address, calendartest.Ada()); (err == nil) != ok {
			t.Errorf("%s: %v", address, err)
		} else if err != nil {
			wants(t, address, err, calendar.Refused)
		}
	}
	for _, address := range []string{"https://127.0.0.1/private-token", "webcal://169.254.169.254/latest/meta-data", "https://[::1]:8443/", "https://10.1.2.3/"} {
		f, err := feed.New(remote.New(remote.Config{}), address, calendartest.Ada())
		if err != nil {
			t.Fatal(err)
		}
		_, err = f.Busy(t.Context(), calendartest.Within("2026-11-05", "2026-11-06"))
		wants(t, address, err, calendar.Refused)
	}
}

// wants checks the kind of a failure, and that it does not give the address away.
func wants(t *testing.T, name string, err error, kind calendar.Kind) {
	t.Helper()
	var failure *calendar.Error
	if !errors.As(err, &failure) || failure.Kind != kind {
		t.Errorf("%s: got %v, want %s", name, err, kind)
	} else if strings.Contains(err.Error(), "private-token") || strings.Contains(err.Error(), "Secret") {
		t.Errorf("%s: %v", name, err)
	}
}
