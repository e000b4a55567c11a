package command_test

import (
	"context"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/activities/calendar"
	"github.com/rapport-crm/rapport/activities/calendar/oauth"
	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/api/client"
	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/deploy/command"
	"github.com/rapport-crm/rapport/deploy/embedded/postgres/postgrestest"
	"github.com/rapport-crm/rapport/store"
	"github.com/rapport-crm/rapport/store/seal"
)

// apiServer is the API on a database of its own, and a way to run the command against it.
func apiServer(t *testing.T, changes ...func(*api.Config)) (*client.Client, func(args ...string) (out, errOut string, code int)) {
	t.Helper()
	keys, err := seal.Parse(seal.Make())
	if err != nil {
		t.Fatal(err)
	}
	now := func() time.Time { return time.Date(2026, 11, 6, 10, 0, 0, 0, time.UTC) }
	s, err := store.Open(t.Context(), postgrestest.New(t, "command", store.Migrate), store.Options{MaxConns: 4, Seal: keys, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	_, key, err := s.CreateKey(t.Context(), "ops", []string{"interviewers:read", "interviewers:write"}, now())
	if err != nil {
		t.Fatal(err)
	}
	config := api.Config{Store: s, Now: now}
	for _, change := range changes {
		change(&config)
	}
	server := httptest.NewServer(api.New(config))
	t.Cleanup(server.Close)
	return client.New(server.URL, key), func(args ...string) (string, string, int) {
		t.Helper()
		return rapport(t, append(append([]string{"interviewers"}, args...), "--url", server.URL, "--api-key", key)...)
	}
}

func TestInterviewers(t *testing.T) {
	t.Parallel()
	c, run := apiServer(t)
	file := filepath.Join(t.TempDir(), "people.csv")
	text := "email,name,zone,hours,groups,daily_limit,trainee\nmaya@trust.example,Maya Shah,Europe/London,mon-fri 09:00-17:00,recruiters,2,\n" +
		"bo@trust.example,,,,recruiters,,yes\nann@trust.example,Ann,Nowhere,mon 9-17,,,\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	says := func(wantCode int, want string, args ...string) {
		t.Helper()
		out, errOut, code := run(args...)
		if got := out + errOut; code != wantCode || got != want {
			t.Errorf("%v: exit %d, want %d\ngot:\n%s\nwant:\n%s", args, code, wantCode, got, want)
		}
	}
	wrong := file + ": row 4, zone: it is not a time zone like Europe/London (IANA)\n" + file + ": row 4, hours: \"9-17\" are no hours such as 09:00-17:30\n"
	says(1, "3 rows: 2 created, 0 changed, 0 unchanged, 1 rejected\nThis was a dry run: nothing was written.\n"+wrong, "import", file, "--dry-run")
	says(0, "no interviewers\n", "list")
	says(1, "3 rows: 2 created, 0 changed, 0 unchanged, 1 rejected\n"+wrong, "import", file)
	says(0, `NAME       EMAIL               GROUPS      HOURS                              LIMITS   CALENDARS
-          bo@trust.example    recruiters  -                                  trainee  own
Maya Shah  maya@trust.example  recruiters  mon-fri 09:00-17:00 Europe/London  2 a day  own
`, "list", "--group", "recruiters")
	says(0, "GROUP       ACTIVE  TRAINEES  INACTIVE  ASKED FOR BY\nrecruiters  1       1         0         -\n", "groups")

	says(0, "no time off\n", "time-off", "maya@trust.example")
	says(0, "Thu 24 Dec 2026 to Sat 2 Jan 2027\nMon 11 Jan 2027\n", "time-off", "maya@trust.example", "2027-01-11", "2026-12-24..2027-01-02")
	says(0, "Fri 6 Nov 2026 13:00 to Fri 6 Nov 2026 18:30 GMT\nThu 24 Dec 2026 to Sat 2 Jan 2027\nMon 11 Jan 2027\n", "time-off", "--add", "maya@trust.example", "2026-11-06T13:00:00Z..2026-11-06T18:30:00Z")
	says(0, "Fri 12 Mar 2027\n", "time-off", "maya@trust.example", "2027-03-12")
	if out, errOut, code := run("time-off", "maya@trust.example", "friday"); code != 2 || !strings.Contains(errOut, "body.items[0].start") {
		t.Errorf("exit %d: %s%s", code, out, errOut)
	}

	connected, errOut, code := run("calendar", "add", "maya@trust.example", "ics", "https://feeds.example/hunter2/basic.ics")
	if code != 0 || !strings.HasPrefix(connected, "connected cal_") {
		t.Fatalf("exit %d: %s%s", code, connected, errOut)
	}
	maya, err := c.Interviewer(t.Context(), "maya@trust.example")
	if err != nil || len(maya.Calendars) != 1 {
		t.Fatalf("%+v, %v", maya, err)
	}
	id := maya.Calendars[0].ID
	says(0, `name      Maya Shah
email     maya@trust.example
id        `+maya.ID+`
groups    recruiters
hours     mon-fri 09:00-17:00
zone      Europe/London
limits    2 a day
away      Fri 12 Mar 2027
calendar  `+id+`  ics  https://feeds.example
`, "show", "Maya@trust.example")
	says(0, "no time off\n", "time-off", "maya@trust.example", "--none")
	says(0, "forgot "+id+"\n", "calendar", "remove", "maya@trust.example", id)
	if out, errOut, code := run("calendar", "remove", "maya@trust.example", id); code != 2 || !strings.Contains(errOut, "no such calendar") {
		t.Errorf("exit %d: %s%s", code, out, errOut)
	}
	if out, _, code := run("list", "--json"); code != 0 || strings.Count(out, "\n") != 2 || !strings.HasPrefix(out, `{"id":"int_`) {
		t.Errorf("exit %d: %s", code, out)
	}
}

func TestSecretsArePipedIn(t *testing.T) {
	t.Parallel()
	if secret, err := command.ReadSecret(strings.NewReader(" two words \r\n")); err != nil || secret != " two words " {
		t.Errorf("%q, %v", secret, err)
	}
	if _, err := command.ReadSecret(strings.NewReader(strings.Repeat("x", 1<<20))); err == nil {
		t.Error("a megabyte is a secret")
	}
}

// shut is a calendar that does not let us in.
type shut struct{ calendar.Calendar }

func (shut) Busy(context.Context, crm.Span) ([]calendar.Block, error) {
	return nil, &calendar.Error{Kind: calendar.Unauthorized, Code: "http_401"}
}

// free is a calendar with nothing in it.
type free struct{ calendar.Calendar }

func (free) Busy(context.Context, crm.Span) ([]calendar.Block, error) { return nil, nil }

func TestConnectAndCheckCalendars(t *testing.T) {
	t.Parallel()
	c, run := apiServer(t, func(c *api.Config) {
		c.PublicURL, c.LinkSecret = "https://rapport.example", []byte("0123456789abcdef")
		c.CalendarApps = map[crm.CalendarKind]*oauth.App{crm.CalendarGoogle: oauth.Google("id", "secret", "https://rapport.example/calendars/connected")}
		c.OpenCalendar = func(_ context.Context, link *crm.CalendarLink, _ *crm.Interviewer) (calendar.Calendar, error) {
			if link.Kind == crm.CalendarICS {
				return free{}, nil
			}
			return shut{}, nil
		}
	})
	file := filepath.Join(t.TempDir(), "people.csv")
	if err := os.WriteFile(file, []byte("email,name\nmaya@trust.example,Maya Shah\nbo@trust.example,Bo\ncy@trust.example,Cy\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	says := func(wantCode int, want string, args ...string) {
		t.Helper()
		out, errOut, code := run(args...)
		if got := out + errOut; code != wantCode || !strings.HasPrefix(got, want) {
			t.Errorf("%v: exit %d, want %d\ngot:\n%s\nwant:\n%s", args, code, wantCode, got, want)
		}
	}
	says(0, "3 rows: 3 created", "import", file)
	says(0, "https://rapport.example/calendars/connect/con_", "connect", "maya@trust.example", "--google")
	if _, errOut, code := run("connect", "maya@trust.example", "--microsoft"); code != 2 || !strings.Contains(errOut, "not registered at Microsoft") {
		t.Errorf("exit %d: %s", code, errOut)
	}
	if _, errOut, code := run("connect", "maya@trust.example"); code == 0 || !strings.Contains(errOut, "google") {
		t.Errorf("exit %d: %s", code, errOut)
	}
	says(0, "no calendars\n", "calendars", "check")
	says(0, "connected cal_", "calendar", "add", "bo@trust.example", "own")
	says(0, "connected cal_", "calendar", "add", "maya@trust.example", "ics", "https://feeds.example/hunter2/basic.ics")
	says(0, `INTERVIEWER  CALENDAR                   ANSWER  BUSY  LAST ANSWERED
Bo           own                        ok      0     -
Maya Shah    ics https://feeds.example  ok      0     2026-11-06 10:00:00
`, "calendars", "check")
	if _, err := c.PutCalendar(t.Context(), "cy@trust.example", api.CalendarInput{Kind: crm.CalendarMicrosoft, Account: "maya", Secret: "hunter2"}); err != nil {
		t.Fatal(err)
	}
	says(1, `INTERVIEWER  CALENDAR        ANSWER                                                                  BUSY  LAST ANSWERED
Cy           microsoft maya  calendar is closed to us: its owner has to connect it again (http_401)  -     never
`, "calendars", "check", "cy@trust.example")
}
