package calendartest

import (
	"strings"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/activities/calendar"
	"github.com/rapport-crm/rapport/crm"
)

// Owner is the email address of whom the calendar belongs to. They live in Berlin.
const Owner = "ada@example.com"

// Rig is a calendar on a server that keeps events, and what others do to it there.
type Rig interface {
	Calendar() calendar.Calendar
	Add(entry Entry)                                  // by the owner's calendar program, or an invitation
	Move(uid string, to crm.Span)                     // by the owner
	Remove(uid string)                                // by the owner
	Answer(uid string, a calendar.Answer) bool        // by the owner; false where the provider has no answers to our events
	Count(uid string) int                             // events that are there
	Writes() int                                      // requests to change something that the server took
	LoseAnswer()                                      // the next write is taken, and its answer lost
	BeforeWrite(do func())                            // runs once, between the next write's arrival and its being taken
	Fail(status int, header map[string]string, n int) // the next n requests
}

// Entry is an event that somebody else put into the calendar.
type Entry struct {
	UID       string
	From      string // as clocks show it in Berlin: "2026-11-05 10:00"; or a day
	To        string
	Weekly    int      // how often in all; 0 is once
	Without   []string // days that are left out of the series
	Moved     string   // a day of the series that begins two hours later
	Free      bool     // takes no time
	Tentative bool
	Cancelled bool
	Invited   bool            // by somebody else, so that the owner may answer
	Answer    calendar.Answer // the owner's
}

// Instance is one time at which an entry takes place.
type Instance struct {
	Entry
	crm.Span
	AllDay bool
}

// Instances is what a provider makes of a series: the same time of day each week.
func (e *Entry) Instances() []Instance {
	start, allDay := Clock(e.From)
	end, _ := Clock(e.To)
	var all []Instance
	for week := range max(e.Weekly, 1) {
		at := Instance{Entry: *e, Span: crm.Span{Start: start.AddDate(0, 0, 7*week), End: end.AddDate(0, 0, 7*week)}, AllDay: allDay}
		day := at.Start.Format(time.DateOnly)
		if contains(e.Without, day) {
			continue
		}
		if e.Moved == day {
			at.Start, at.End = at.Start.Add(2*time.Hour), at.End.Add(2*time.Hour)
		}
		all = append(all, at)
	}
	return all
}

func contains(all []string, one string) bool {
	return strings.Contains(" "+strings.Join(all, " ")+" ", " "+one+" ")
}

// Clock is the moment at which clocks in Berlin show a time, or the midnight at which a day begins there.
func Clock(text string) (t time.Time, day bool) {
	t, err := time.ParseInLocation("2006-01-02 15:04", text, Berlin())
	if err != nil {
		if t, err = time.ParseInLocation(time.DateOnly, text, Berlin()); err != nil {
			panic(err) // a mistake in a test
		}
		return t, true
	}
	return t, false
}

// Berlin is where the owner lives.
func Berlin() *time.Location {
	loc, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		panic(err) // the zones are part of the program
	}
	return loc
}

func within(from, to string) crm.Span {
	start, _ := Clock(from)
	end, _ := Clock(to)
	return crm.Span{Start: start, End: end}
}

// Run checks everything, each case with a rig of its own.
func Run(t *testing.T, build func(*testing.T) Rig) {
	t.Helper()
	t.Run("busy", func(t *testing.T) {
		t.Parallel()
		runBusy(t, build)
	})
	for name, check := range puts() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(t, build(t))
		})
	}
}
