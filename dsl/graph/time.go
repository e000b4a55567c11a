package graph

import (
	"fmt"
	"strings"
	"time"

	"github.com/rapport-crm/rapport/dsl"
)

// durationWords writes a duration as people say it: "14 days", "2 business days", "3 months".
func durationWords(d dsl.Duration) string {
	var parts []string
	add := func(n int, what string) {
		if n != 0 {
			parts = append(parts, counted(n, what))
		}
	}
	if d.Months%12 == 0 {
		add(d.Months/12, "year")
	} else {
		add(d.Months, "month")
	}
	if d.Days%7 == 0 && d.Days > 14 {
		add(d.Days/7, "week")
	} else {
		add(d.Days, "day")
	}
	add(d.BusinessDays, "business day")
	exact := d.Exact
	for _, unit := range []struct {
		size time.Duration
		name string
	}{{time.Hour, "hour"}, {time.Minute, "minute"}, {time.Second, "second"}} {
		add(int(exact/unit.size), unit.name)
		exact %= unit.size
	}
	if len(parts) == 0 {
		return "no time"
	}
	return strings.Join(parts, " ")
}

// waitWords says what a wait waits for.
func waitWords(w *dsl.Wait) string {
	switch {
	case w.Until != nil:
		return "until " + inWords(w.Until)
	case !w.Local():
		return durationWords(w.For)
	case w.Days == [7]bool{}:
		return "until " + clockWords(w.Clock)
	case w.Clock == 0:
		return "until " + daysWords(w.Days)
	}
	return "until " + daysWords(w.Days) + ", " + clockWords(w.Clock)
}

func clockWords(minutes int) string { return fmt.Sprintf("%02d:%02d", minutes/60, minutes%60) }

// daysWords names days of the week: "Monday", "Monday or Thursday", "Monday to Friday".
func daysWords(days [7]bool) string {
	var names []string
	first, run := -1, 0
	for i := range 7 { // the week begins on Monday
		day := (i + 1) % 7
		if !days[day] {
			continue
		}
		if names = append(names, time.Weekday(day).String()); first < 0 {
			first = i
		}
		if i-first+1 == len(names) {
			run = len(names)
		}
	}
	if len(names) > 2 && run == len(names) {
		return names[0] + " to " + names[len(names)-1]
	}
	return listed(names, "or")
}

// calendarWords describes opening hours: "Monday to Friday, 09:00 to 17:30, candidate's time".
func calendarWords(c *dsl.Calendar) string {
	words := daysWords(c.Days)
	if c.Days == [7]bool{true, true, true, true, true, true, true} {
		words = "every day"
	}
	if c.Open > 0 || c.Close < 24*60 {
		words += ", " + clockWords(c.Open) + " to " + clockWords(c.Close)
	}
	if c.Zone != "" && c.Zone != "candidate" {
		words += " in " + c.Zone
	} else {
		words += " where the candidate is"
	}
	if c.Holidays != "" {
		words += ", except on holidays (" + c.Holidays + ")"
	}
	return words
}

// momentWords writes a date of a campaign.
func momentWords(m dsl.Moment) string {
	shown, fixed := m.Shown()
	words := shown.Format("2 January 2006 at 15:04")
	if fixed {
		words += " UTC"
	}
	return words
}

// limitWords writes a cap. Its window is exact; whole days are said as days.
func limitWords(l *dsl.Limit) string {
	per := l.Per
	if day := 24 * time.Hour; per.Exact > 0 && per.Exact%day == 0 && per == (dsl.Duration{Exact: per.Exact}) {
		per = dsl.Duration{Days: int(per.Exact / day)}
	}
	return fmt.Sprintf("%d in %s", l.Count, durationWords(per))
}
