package caldav_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rapport-crm/rapport/activities/calendar"
	"github.com/rapport-crm/rapport/activities/calendar/caldav"
	"github.com/rapport-crm/rapport/activities/calendar/calendartest"
)

// Against Radicale as Debian has it: one server, a calendar for each test.
func TestRadicale(t *testing.T) {
	t.Parallel()
	server := start(t)
	t.Run("busy", func(t *testing.T) { t.Parallel(); busy(t, server) })
	t.Run("life of an event", func(t *testing.T) { t.Parallel(); life(t, server) })
	t.Run("sequence", func(t *testing.T) { t.Parallel(); sequence(t, server) })
	t.Run("answers", func(t *testing.T) { t.Parallel(); answers(t, server) })
	t.Run("taken from the invitation", func(t *testing.T) { t.Parallel(); elsewhere(t, server) })
	t.Run("seen elsewhere", func(t *testing.T) { t.Parallel(); seenElsewhere(t, server) })
	t.Run("discover", func(t *testing.T) { t.Parallel(); discover(t, server) })
	t.Run("failures", func(t *testing.T) { t.Parallel(); failures(t, server) })
	t.Run("faults", func(t *testing.T) { t.Parallel(); faults(t, server) })
}

// busy puts the calendars of the table there by plain requests.
func busy(t *testing.T, server *radicale) {
	t.Helper()
	for _, tc := range calendartest.Cases() {
		t.Run(tc.Name, func(t *testing.T) {
			t.Parallel()
			path := server.collection(t, tc.Name)
			for i, event := range tc.Events {
				server.put(t, path+string(rune('a'+i))+".ics", calendartest.Wrap(event))
			}
			blocks, err := open(t, client(), server.url+path).Busy(t.Context(), tc.Within())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.Want, calendartest.Show(blocks)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func life(t *testing.T, server *radicale) {
	t.Helper()
	path := server.collection(t, "life")
	proxy := server.liar(t)
	c := open(t, client(), proxy.URL+path)
	for _, uid := range []string{"plain-1@rapport.example.com", "with/slash?and=more", strings.Repeat("long", 60)} {
		event := interview(uid)
		if found, err := c.Find(t.Context(), uid); found != nil || err != nil {
			t.Fatalf("found %v %v before it was there", found, err)
		}
		before := proxy.count(http.MethodPut)
		for range 3 { // the second and third change nothing
			if err := c.Put(t.Context(), event); err != nil {
				t.Fatal(err)
			}
		}
		if n := proxy.count(http.MethodPut) - before; n != 1 {
			t.Errorf("wrote %d times, want once", n)
		}
		found, err := c.Find(t.Context(), uid)
		if err != nil || found == nil {
			t.Fatalf("found %v %v", found, err)
		}
		if diff := cmp.Diff(&event, found, cmpopts.EquateEmpty()); diff != "" {
			t.Error(diff)
		}
		blocks, err := c.Busy(t.Context(), calendartest.Within("2026-11-05", "2026-11-06"))
		if err != nil || len(blocks) != 1 || blocks[0].UID != uid {
			t.Errorf("busy %v %v", blocks, err)
		}
		event.Sequence, event.Cancelled = 2, true
		if err := c.Put(t.Context(), event); err != nil {
			t.Fatal(err)
		}
		if blocks, err := c.Busy(t.Context(), calendartest.Within("2026-11-05", "2026-11-06")); err != nil || len(blocks) != 0 {
			t.Errorf("busy with a cancelled event: %v %v", blocks, err)
		}
		for range 2 { // the second finds nothing, which is no error
			if err := c.Delete(t.Context(), uid); err != nil {
				t.Fatal(err)
			}
		}
		if n, _ := server.stored(t, path); n != 0 {
			t.Errorf("%d events are left", n)
		}
	}
}

func sequence(t *testing.T, server *radicale) {
	t.Helper()
	path := server.collection(t, "sequence")
	c := open(t, client(), server.url+path)
	newer, older := interview("u"), interview("u")
	newer.Sequence, newer.Summary = 3, "Newer"
	older.Sequence = 2
	for _, event := range []calendar.Event{interview("u"), newer} {
		if err := c.Put(t.Context(), event); err != nil {
			t.Fatal(err)
		}
	}
	wants(t, c.Put(t.Context(), older), calendar.Conflict, "newer_sequence")
	if _, text := server.stored(t, path); !strings.Contains(text, "SUMMARY:Newer") {
		t.Errorf("overwritten: %s", text)
	}
}

// The owner answers in the calendar: that stays when only the words change, and goes when the time does.
func answers(t *testing.T, server *radicale) {
	t.Helper()
	path := server.collection(t, "answers")
	c := open(t, client(), server.url+path)
	event := interview("u")
	if err := c.Put(t.Context(), event); err != nil {
		t.Fatal(err)
	}
	_, text := server.do(t, http.MethodGet, path+"u.ics", "")
	server.put(t, path+"u.ics", strings.Replace(text, "PARTSTAT=NEEDS-ACTION", "PARTSTAT=DECLINED", 1))
	answer := func() calendar.Answer {
		found, err := c.Find(t.Context(), "u")
		if err != nil || found == nil {
			t.Fatalf("found %v %v", found, err)
		}
		return found.Answer
	}
	if got := answer(); got != calendar.Declined {
		t.Errorf("answer is %q", got)
	}
	if blocks, err := c.Busy(t.Context(), calendartest.Within("2026-11-05", "2026-11-06")); err != nil || len(blocks) != 0 {
		t.Errorf("busy with a declined event: %v %v", blocks, err)
	}
	event.Sequence, event.Summary = 2, "New words"
	if err := c.Put(t.Context(), event); err != nil || answer() != calendar.Declined {
		t.Errorf("answer is %q after new words: %v", answer(), err)
	}
	event.Sequence, event.Start = 3, event.Start.Add(-event.End.Sub(event.Start))
	if err := c.Put(t.Context(), event); err != nil || answer() != calendar.None {
		t.Errorf("answer is %q at another time: %v", answer(), err)
	}
}

// The owner's own program took the event from the mail and gave it a name of its own. It is the same event.
func elsewhere(t *testing.T, server *radicale) {
	t.Helper()
	path := server.collection(t, "elsewhere")
	c := open(t, client(), server.url+path)
	if err := c.Put(t.Context(), interview("u")); err != nil {
		t.Fatal(err)
	}
	_, text := server.do(t, http.MethodGet, path+"u.ics", "")
	server.do(t, http.MethodDelete, path+"u.ics", "")
	server.put(t, path+"ABC-1234.ics", text)
	server.put(t, path+"other.ics", strings.ReplaceAll(text, "UID:u\r\n", "UID:uu\r\n"))
	event := interview("u")
	event.Sequence, event.Location = 2, "Room 2"
	if err := c.Put(t.Context(), event); err != nil {
		t.Fatal(err)
	}
	if n, text := server.stored(t, path); n != 2 || strings.Count(text, "Room 2") != 1 {
		t.Errorf("%d events: %s", n, text)
	}
	if err := c.Delete(t.Context(), "u"); err != nil {
		t.Fatal(err)
	}
	if n, text := server.stored(t, path); n != 1 || !strings.Contains(text, "UID:uu") {
		t.Errorf("%d events: %s", n, text)
	}
}

func discover(t *testing.T, server *radicale) {
	t.Helper()
	path := server.collection(t, "discovered")
	for _, address := range []string{server.url, server.url + "/", server.url + "/ada/", server.url + path, server.url + "/ada"} {
		found, err := caldav.Discover(t.Context(), client(), address, ada())
		if err != nil {
			t.Fatalf("%s: %v", address, err)
		}
		ours := 0
		for _, f := range found {
			if f.URL == server.url+path && !f.ReadOnly {
				ours++
			}
		}
		if ours != 1 {
			t.Errorf("%s: found %v", address, found)
		}
	}
	_, err := caldav.Discover(t.Context(), client(), server.url, caldav.Account{User: "ada", Password: "wrong"})
	wants(t, err, calendar.Unauthorized, "http_401")
}

func failures(t *testing.T, server *radicale) {
	t.Helper()
	within := calendartest.Within("2026-11-05", "2026-11-06")
	for name, tc := range map[string]struct {
		as   caldav.Account
		path string
		kind calendar.Kind
		code string
	}{
		"wrong password":    {caldav.Account{User: "ada", Password: "x"}, "/ada/failures/", calendar.Unauthorized, "http_401"},
		"no such calendar":  {ada(), "/ada/nothing/", calendar.Gone, "http_404"},
		"somebody else's":   {caldav.Account{User: "bo", Password: "secret"}, "/ada/failures/", calendar.Unauthorized, "http_403"},
		"no account at all": {caldav.Account{}, "/ada/failures/", calendar.Unauthorized, "http_401"},
		"not a calendar":    {ada(), "/.web/", calendar.Unauthorized, "http_403"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := caldav.New(client(), server.url+tc.path, tc.as, calendartest.Ada())
			if err != nil {
				t.Fatal(err)
			}
			_, err = c.Busy(t.Context(), within)
			wants(t, err, tc.kind, tc.code)
			if tc.code == "http_404" {
				wants(t, c.Put(t.Context(), interview("u")), tc.kind, "")
			}
		})
	}
}

// wants checks the kind and, if there is one, the code of a failure, and that it says nothing about anybody.
func wants(t *testing.T, err error, kind calendar.Kind, code string) {
	t.Helper()
	var failure *calendar.Error
	if !errors.As(err, &failure) || failure.Kind != kind || code != "" && failure.Code != code {
		t.Fatalf("got %v, want %s %s", err, kind, code)
	}
	for _, secret := range []string{"ada", "hush", "Secret", "Interview", "127.0.0.1"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("%v says %q", err, secret)
		}
	}
}
