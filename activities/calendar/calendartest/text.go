package calendartest

import (
	"strings"
	"time"

	"github.com/rapport-crm/rapport/activities/calendar"
	"github.com/rapport-crm/rapport/activities/calendar/ical"
	"github.com/rapport-crm/rapport/crm"
)

// Case is what somebody's calendar holds, and when that makes them busy.
type Case struct {
	Name   string
	Events []string // one for each UID: the lines of its VEVENTs, and of the zones that they need
	From   string   // the first day asked for; "" is 2 November 2026
	To     string   // the day after the last; "" is 16 November 2026
	Want   []string // as Show writes them
}

// Ada is Owner, as the reader of iCalendar knows her.
func Ada() ical.Owner { return ical.Owner{Zone: Berlin(), Emails: []string{Owner}} }

// Text is the whole calendar.
func (c *Case) Text() string { return Wrap(c.Events...) }

// Within is the time asked for.
func (c *Case) Within() crm.Span {
	from, to := c.From, c.To
	if from == "" {
		from, to = "2026-11-02", "2026-11-16"
	}
	return Within(from, to)
}

// Within is from the beginning of one day to the beginning of another, in Berlin.
func Within(from, to string) crm.Span {
	at := func(day string) time.Time {
		t, err := time.ParseInLocation(time.DateOnly, day, Berlin())
		if err != nil {
			panic(err) // a mistake in a test
		}
		return t
	}
	return crm.Span{Start: at(from), End: at(to)}
}

// Wrap makes a calendar of components.
func Wrap(components ...string) string {
	var b strings.Builder
	b.WriteString("BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//Test//EN\n")
	for _, c := range components {
		for part := range strings.SplitSeq(strings.TrimSpace(c), "\n") {
			b.WriteString(strings.TrimSpace(part) + "\n")
		}
	}
	b.WriteString("END:VCALENDAR\n")
	return strings.ReplaceAll(b.String(), "\n", "\r\n")
}

// Show writes blocks as clocks in Berlin show them: "u Thu 05 10:00-11:00 tentative".
func Show(blocks []calendar.Block) []string {
	var all []string
	for _, b := range blocks {
		start, end := b.Start.In(Berlin()), b.End.In(Berlin())
		text := b.UID + " " + start.Format("Mon 02 15:04") + "-"
		if start.Format(time.DateOnly) == end.Format(time.DateOnly) {
			text += end.Format("15:04")
		} else {
			text += end.Format("Mon 02 15:04")
		}
		if b.Tentative {
			text += " tentative"
		}
		if b.AllDay {
			text += " all day"
		}
		all = append(all, strings.TrimSpace(text))
	}
	return all
}
