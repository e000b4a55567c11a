package caldav_test

import (
	"net/http"
	"testing"
	"time"

	webdav "github.com/emersion/go-webdav"
	other "github.com/emersion/go-webdav/caldav"

	"github.com/rapport-crm/rapport/activities/calendar/calendartest"
)

// seenElsewhere looks at what we put there with a client, and a parser, that others wrote.
func seenElsewhere(t *testing.T, server *radicale) {
	t.Helper()
	path := server.collection(t, "seen elsewhere")
	event := interview("seen@rapport.example.com")
	if err := open(t, client(), server.url+path).Put(t.Context(), event); err != nil {
		t.Fatal(err)
	}
	c, err := other.NewClient(webdav.HTTPClientWithBasicAuth(http.DefaultClient, "ada", "hush-hush"), server.url)
	if err != nil {
		t.Fatal(err)
	}
	within := calendartest.Within("2026-11-05", "2026-11-06")
	all := other.CalendarCompRequest{Name: "VCALENDAR", AllProps: true, AllComps: true}
	objects, err := c.QueryCalendar(t.Context(), path, &other.CalendarQuery{CompRequest: all, CompFilter: other.CompFilter{
		Name: "VCALENDAR", Comps: []other.CompFilter{{Name: "VEVENT", Start: within.Start.UTC(), End: within.End.UTC()}},
	}})
	if err != nil || len(objects) != 1 || len(objects[0].Data.Events()) != 1 {
		t.Fatalf("sees %v %v", objects, err)
	}
	seen := objects[0].Data.Events()[0]
	start, err := seen.DateTimeStart(time.UTC)
	if err != nil || !start.Equal(event.Start) {
		t.Errorf("begins %s: %v", start, err)
	}
	if end, err := seen.DateTimeEnd(time.UTC); err != nil || !end.Equal(event.End) {
		t.Errorf("ends %s: %v", end, err)
	}
	for name, want := range map[string]string{
		"UID": event.UID, "SUMMARY": event.Summary, "DESCRIPTION": event.Description, "LOCATION": event.Location, "STATUS": "CONFIRMED",
	} {
		if got, err := seen.Props.Text(name); err != nil || got != want {
			t.Errorf("%s is %q: %v", name, got, err)
		}
	}
}
