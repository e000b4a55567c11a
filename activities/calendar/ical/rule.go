package ical

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"
)

// rule is a recurrence rule (RFC 5545, 3.3.10). Times are what clocks on walls show, kept in UTC.
type rule struct {
	freq      freq
	interval  int
	count     int       // 0 is without end
	until     time.Time // the last moment at which an occurrence may begin; zero is without end
	untilUTC  bool      // until is a moment rather than wall time
	weekStart time.Weekday
	months    []int
	weeks     []int // of the year
	yearDays  []int
	monthDays []int
	weekdays  []nthWeekday
	hours     []int
	minutes   []int
	seconds   []int
	positions []int
}

// nthWeekday is a weekday, each of them or the nth in its month or year, counted from the end if n is negative.
type nthWeekday struct {
	day time.Weekday
	n   int
}

type freq int

const (
	secondly freq = iota
	minutely
	hourly
	daily
	weekly
	monthly
	yearly
)

var errRule = errors.New("recurrence rule is not one of RFC 5545")

// parseRule reads a rule. until is left as written: as wall time, or as a moment where untilUTC says so.
func parseRule(text string) (rule, error) {
	r := rule{freq: -1, interval: 1, weekStart: time.Monday}
	for part := range strings.SplitSeq(strings.ToUpper(strings.TrimSpace(text)), ";") {
		if part == "" {
			continue
		}
		name, value, ok := strings.Cut(part, "=")
		if !ok || !r.set(strings.TrimSpace(name), strings.TrimSpace(value)) {
			return rule{}, errRule
		}
	}
	if r.freq < 0 || r.interval < 1 || r.count < 0 {
		return rule{}, errRule
	}
	return r, nil
}

// set takes one part of a rule. Parts that the standard does not know are extensions, and ignored.
func (r *rule) set(name, value string) bool {
	ok := true
	switch name {
	case "FREQ":
		r.freq = freq(slices.Index([]string{"SECONDLY", "MINUTELY", "HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY"}, value))
		return r.freq >= 0
	case "INTERVAL":
		r.interval, ok = number(value, 1, 100_000)
	case "COUNT":
		r.count, ok = number(value, 1, 1_000_000_000)
	case "UNTIL":
		return r.setUntil(value)
	case "WKST":
		r.weekStart, ok = weekday(value)
	case "BYMONTH":
		r.months, ok = numbers(value, 1, 12)
	case "BYWEEKNO":
		r.weeks, ok = numbers(value, -53, 53)
	case "BYYEARDAY":
		r.yearDays, ok = numbers(value, -366, 366)
	case "BYMONTHDAY":
		r.monthDays, ok = numbers(value, -31, 31)
	case "BYDAY":
		return r.setWeekdays(value)
	case "BYHOUR":
		r.hours, ok = numbers(value, 0, 23)
	case "BYMINUTE":
		r.minutes, ok = numbers(value, 0, 59)
	case "BYSECOND":
		r.seconds, ok = numbers(value, 0, 60)
	case "BYSETPOS":
		r.positions, ok = numbers(value, -366, 366)
	case "RSCALE":
		return value == "GREGORIAN"
	}
	return ok
}

// setUntil reads the end of a rule. A date means all of that day.
func (r *rule) setUntil(value string) bool {
	t, form, ok := parseTime(value)
	r.until, r.untilUTC = t, form == formUTC
	if form == formDate {
		r.until = t.Add(24*time.Hour - time.Second)
	}
	return ok
}

func (r *rule) setWeekdays(value string) bool {
	for text := range strings.SplitSeq(value, ",") {
		text = strings.TrimSpace(text)
		if len(text) < 2 {
			return false
		}
		day, ok := weekday(text[len(text)-2:])
		if !ok {
			return false
		}
		n := 0
		if digits := text[:len(text)-2]; digits != "" {
			if n, ok = number(digits, -53, 53); !ok || n == 0 {
				return false
			}
		}
		r.weekdays = append(r.weekdays, nthWeekday{day, n})
	}
	return true
}

func weekday(text string) (time.Weekday, bool) {
	i := slices.Index([]string{"SU", "MO", "TU", "WE", "TH", "FR", "SA"}, text)
	return time.Weekday(max(i, 0)), i >= 0
}

func number(text string, low, high int) (int, bool) {
	n, err := strconv.Atoi(text)
	return n, err == nil && n >= low && n <= high
}

func numbers(text string, low, high int) ([]int, bool) {
	var all []int
	for part := range strings.SplitSeq(text, ",") {
		n, ok := number(strings.TrimSpace(part), low, high)
		if !ok || n == 0 && low < 0 {
			return nil, false
		}
		all = append(all, n)
	}
	slices.Sort(all)
	return slices.Compact(all), true
}
