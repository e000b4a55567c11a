package dsl

import (
	"strconv"
	"strings"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl/wallclock"
)

// Calendar is a window of opening hours on some days of the week, without holidays. Its days are also the business days.
type Calendar struct {
	Days     [7]bool // by time.Weekday
	Open     int     // minutes after local midnight
	Close    int     // minutes after local midnight; 1440 is the end of the day
	Zone     string  // IANA name; "" and "candidate" mean the candidate's
	Holidays string  // a region such as gb-eng, or "" for none
}

const minutesPerDay = 24 * 60

func weekdays() [7]bool {
	return [7]bool{time.Monday: true, time.Tuesday: true, time.Wednesday: true, time.Thursday: true, time.Friday: true}
}

// Location returns the zone the calendar is read in, for a candidate in the given zone.
func (c *Calendar) Location(candidate *time.Location) *time.Location {
	if c.Zone == "" || c.Zone == "candidate" {
		return candidate
	}
	loc, err := wallclock.Zone(c.Zone)
	if err != nil { // refused when the definition is checked
		return candidate
	}
	return loc
}

// IsOpen tells whether the window is open at t: the opening minute is inside, the closing minute is not. loc is what
// Location returned.
func (c *Calendar) IsOpen(t time.Time, loc *time.Location) bool {
	open, closing, ok := c.hours(wallclock.Date(t, loc), loc)
	return ok && !t.Before(open) && t.Before(closing)
}

// NextOpen returns t when the window is open then, else the moment it opens next. It is false when it does not open within
// two years.
func (c *Calendar) NextOpen(t time.Time, loc *time.Location) (time.Time, bool) {
	date := wallclock.Date(t, loc)
	for range 2 * 366 {
		if open, closing, ok := c.hours(date, loc); ok && t.Before(closing) && open.Before(closing) {
			if t.Before(open) {
				return open, true
			}
			return t, true
		}
		date = date.AddDate(0, 0, 1)
	}
	return time.Time{}, false
}

// CloseAfter returns when the window that contains t closes, at the latest at the end of t's local day. It is t itself when
// the window is not open.
func (c *Calendar) CloseAfter(t time.Time, loc *time.Location) time.Time {
	if !c.IsOpen(t, loc) {
		return t
	}
	_, closing, _ := c.hours(wallclock.Date(t, loc), loc)
	return closing
}

// hours returns when the window opens and closes on a date, and whether it opens at all.
func (c *Calendar) hours(date time.Time, loc *time.Location) (open, closing time.Time, ok bool) {
	if !c.businessDay(date) {
		return time.Time{}, time.Time{}, false
	}
	return wallclock.At(date.Add(time.Duration(c.Open)*time.Minute), loc), wallclock.At(date.Add(time.Duration(c.Close)*time.Minute), loc), true
}

// businessDay tells whether a date, given as its midnight in UTC, is one of the calendar's days and no holiday.
func (c *Calendar) businessDay(date time.Time) bool {
	return c.Days[date.Weekday()] && !isHoliday(c.Holidays, date)
}

// Holiday tells whether a date, given as its midnight in UTC, is a public holiday of the calendar's region.
func (c *Calendar) Holiday(date time.Time) bool { return isHoliday(c.Holidays, date) }

// nextClock returns the first moment at or after t when clocks in loc show a time, in minutes after midnight, on one of some
// days of the week; none means any. A time that a clock change skips becomes the first instant after; a repeated one, its
// first.
func nextClock(t time.Time, loc *time.Location, minutes int, days [7]bool) time.Time {
	date := wallclock.Date(t, loc)
	for range 15 { // a day of the week that a zone has skipped comes again
		if days == [7]bool{} || days[date.Weekday()] {
			if at := wallclock.At(date.Add(time.Duration(minutes)*time.Minute), loc); !at.Before(t) {
				return at
			}
		}
		date = date.AddDate(0, 0, 1)
	}
	return t
}

// Span is a part of every day, in minutes after local midnight, such as quiet hours. It may cross midnight. A nil span
// contains nothing.
type Span struct {
	From, To int
}

// Contains tells whether clocks in loc show a time inside the span at t: From is inside, To is not.
func (s *Span) Contains(t time.Time, loc *time.Location) bool {
	if s == nil {
		return false
	}
	m := minuteOf(t, loc)
	if s.From < s.To {
		return s.From <= m && m < s.To
	}
	return m >= s.From || m < s.To
}

// End returns the first moment that is not inside: t itself when it is not.
func (s *Span) End(t time.Time, loc *time.Location) time.Time {
	if !s.Contains(t, loc) {
		return t
	}
	date := wallclock.Date(t, loc)
	if minuteOf(t, loc) >= s.To {
		date = date.AddDate(0, 0, 1)
	}
	end := wallclock.At(date.Add(time.Duration(s.To)*time.Minute), loc)
	if !end.After(t) { // t is in the second of a repeated hour
		local := t.In(loc)
		left := time.Duration(s.To-minuteOf(t, loc)) * time.Minute
		return t.Add(left - time.Duration(local.Second())*time.Second - time.Duration(local.Nanosecond()))
	}
	return end
}

func minuteOf(t time.Time, loc *time.Location) int {
	local := t.In(loc)
	return local.Hour()*60 + local.Minute()
}

// parseHours reads "09:00-17:30" as minutes after midnight.
func parseHours(s string) (from, to int, ok bool) {
	a, b, found := strings.Cut(s, "-")
	if !found {
		return 0, 0, false
	}
	from, okFrom := parseClock(a)
	to, okTo := parseClock(b)
	return from, to, okFrom && okTo
}

// parseClock reads "09:00"; "24:00" is the end of the day.
func parseClock(s string) (minutes int, ok bool) {
	a, b, found := strings.Cut(strings.TrimSpace(s), ":")
	h, errH := strconv.Atoi(a)
	m, errM := strconv.Atoi(b)
	minutes = h*60 + m
	ok = found && len(a) == 2 && len(b) == 2 && errH == nil && errM == nil && h >= 0 && m >= 0 && m < 60 && minutes <= minutesPerDay
	return minutes, ok
}

// parseDays reads one entry of days: a day such as mon, or a range such as mon-fri, which may go past the end of the week.
func parseDays(s string, into *[7]bool) bool {
	first, last, isRange := strings.Cut(s, "-")
	if !isRange {
		last = first
	}
	from, okFrom := parseDay(first)
	to, okTo := parseDay(last)
	if !okFrom || !okTo {
		return false
	}
	for d := from; ; d = (d + 1) % 7 {
		into[d] = true
		if d == to {
			return true
		}
	}
}

func dayNames() []string { return []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"} }

func parseDay(s string) (int, bool) {
	for i, name := range dayNames() {
		if strings.TrimSpace(s) == name {
			return i, true
		}
	}
	return 0, false
}

// Week is when somebody works who keeps to these hours.
func (c *Calendar) Week() (hours crm.Hours) {
	for day, works := range c.Days {
		if works && c.Open < c.Close {
			hours[day] = []crm.DayPart{{From: c.Open, To: c.Close}}
		}
	}
	return hours
}
