package ical

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/rapport-crm/rapport/crm"
)

// timezone writes what clocks in a zone do around an event (RFC 5545, 3.6.5). Outlook reads local times by it, and likes rules
// better than lists; so it is a rule for summer and one for winter where the years around follow one, as in most zones.
func (w *writer) timezone(loc *time.Location, event crm.Span) {
	w.put("BEGIN", "VTIMEZONE")
	w.put("TZID", loc.String())
	first, last := event.Start.In(loc).Year()-1, event.End.In(loc).Year()+1
	changes := onsets(loc, first, last)
	if len(changes) == 0 {
		offset := place{loc}.offset(event.Start)
		w.observance(onset{date(1970, 1, 1), offset, offset}, "", event.Start.In(loc).Format("MST"))
	}
	if rules := yearlyRules(changes, last-first+1); rules != nil {
		for i, rule := range rules {
			w.observance(changes[i].onset, rule, changes[i].name)
		}
	} else {
		for _, c := range changes {
			w.observance(c.onset, "", c.name)
		}
	}
	w.put("END", "VTIMEZONE")
}

// change is an onset and what the time is called from then on.
type change struct {
	onset
	name string
}

// onsets returns when clocks change in the years from first to last.
func onsets(loc *time.Location, first, last int) []change {
	var all []change
	at := time.Date(first, 1, 1, 0, 0, 0, 0, loc)
	for {
		_, next := at.ZoneBounds()
		if next.IsZero() || next.In(loc).Year() > last {
			return all
		}
		in := place{loc}
		from, to := in.offset(next.Add(-time.Second)), in.offset(next)
		if from != to {
			all = append(all, change{onset{next.UTC().Add(from), from, to}, next.In(loc).Format("MST")})
		}
		at = next
	}
}

// yearlyRules returns the rules of the first two changes if all the years have the like of them, else nothing.
func yearlyRules(changes []change, years int) []string {
	if len(changes) != 2*years {
		return nil
	}
	var rules []string
	for kind := range 2 {
		first, sameWeek, last := changes[kind], true, true
		for i := kind; i < len(changes); i += 2 {
			c := changes[i]
			if c.from != first.from || c.to != first.to || c.wall.Month() != first.wall.Month() ||
				c.wall.Weekday() != first.wall.Weekday() || c.wall.Sub(c.wall.Truncate(24*time.Hour)) != first.wall.Sub(first.wall.Truncate(24*time.Hour)) {
				return nil
			}
			sameWeek = sameWeek && (c.wall.Day()+6)/7 == (first.wall.Day()+6)/7
			last = last && c.wall.Day() > daysInMonth(c.wall)-7
		}
		nth := (first.wall.Day() + 6) / 7
		switch {
		case last:
			nth = -1
		case !sameWeek:
			return nil
		}
		day := strings.ToUpper(first.wall.Weekday().String()[:2])
		rules = append(rules, fmt.Sprintf("FREQ=YEARLY;BYMONTH=%d;BYDAY=%d%s", first.wall.Month(), nth, day))
	}
	return rules
}

func (w *writer) observance(o onset, rule, name string) {
	kind := "STANDARD"
	if o.to > o.from {
		kind = "DAYLIGHT"
	}
	w.put("BEGIN", kind)
	w.put("DTSTART", o.wall.Format("20060102T150405"))
	w.put("TZOFFSETFROM", offset(o.from))
	w.put("TZOFFSETTO", offset(o.to))
	w.put("TZNAME", name)
	if rule != "" {
		w.put("RRULE", rule)
	}
	w.put("END", kind)
}

// offset writes an offset from UTC: +0100.
func offset(d time.Duration) string {
	sign := "+"
	if d < 0 {
		sign, d = "-", -d
	}
	text := sign + two(int(d/time.Hour)) + two(int(d/time.Minute)%60)
	if seconds := int(d/time.Second) % 60; seconds != 0 {
		text += two(seconds)
	}
	return text
}

func two(n int) string {
	if n < 10 {
		return "0" + strconv.Itoa(n)
	}
	return strconv.Itoa(n)
}
