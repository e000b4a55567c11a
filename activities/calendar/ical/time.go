package ical

import (
	"strconv"
	"strings"
	"time"
)

// form is how a time is written (RFC 5545, 3.3.5).
type form int

const (
	formDate  form = iota // 20261105
	formLocal             // 20261105T100000: in the zone that the property names, else wherever the owner is
	formUTC               // 20261105T100000Z
)

// parseTime reads a date or a time. A local one is what clocks show, as a time in UTC.
func parseTime(text string) (time.Time, form, bool) {
	text = strings.TrimSpace(text)
	layout, f := "20060102T150405", formLocal
	switch {
	case len(text) == len("20261105"):
		layout, f = "20060102", formDate
	case strings.HasSuffix(text, "Z"):
		layout, f = "20060102T150405Z", formUTC
	}
	t, err := time.Parse(layout, text)
	return t, f, err == nil && t.Year() > 1500 && t.Year() < 3000
}

// parseOffset reads an offset from UTC: +0100, -023000.
func parseOffset(text string) (time.Duration, bool) {
	if len(text) != len("+0100") && len(text) != len("+010000") || text[0] != '+' && text[0] != '-' {
		return 0, false
	}
	n, err := strconv.Atoi(text[1:])
	if len(text) == len("+0100") {
		n *= 100
	}
	offset := time.Duration(n/10000)*time.Hour + time.Duration(n/100%100)*time.Minute + time.Duration(n%100)*time.Second
	if text[0] == '-' {
		offset = -offset
	}
	return offset, err == nil && n >= 0 && offset.Abs() < 24*time.Hour
}

// length is how long an event is: first so far on the wall, then so far in real time. A day on the wall is 23 hours when clocks
// go forward.
type length struct{ wall, exact time.Duration }

// parseDuration reads a duration: P1D, PT1H30M, -P2W (RFC 5545, 3.3.6). Days and weeks are nominal, all else is exact.
func parseDuration(text string) (length, bool) {
	text = strings.ToUpper(strings.TrimSpace(text))
	negative := strings.HasPrefix(text, "-")
	text, ok := strings.CutPrefix(strings.TrimLeft(text, "+-"), "P")
	days, times, _ := strings.Cut(text, "T")
	wall, fine := sum(days, map[byte]time.Duration{'W': 7 * 24 * time.Hour, 'D': 24 * time.Hour})
	exact, too := sum(times, map[byte]time.Duration{'H': time.Hour, 'M': time.Minute, 'S': time.Second})
	if !ok || !fine || !too || negative || text == "" {
		return length{}, false
	}
	return length{wall, exact}, true
}

// sum adds up numbers with units.
func sum(text string, units map[byte]time.Duration) (time.Duration, bool) {
	const longest = 10 * 366 * 24 * time.Hour
	total := time.Duration(0)
	for text != "" {
		end := strings.IndexFunc(text, func(r rune) bool { return r < '0' || r > '9' })
		if end <= 0 || end > 9 {
			return 0, false
		}
		n, err := strconv.Atoi(text[:end])
		unit, ok := units[text[end]]
		if err != nil || !ok || time.Duration(n) > longest/unit {
			return 0, false
		}
		total += time.Duration(n) * unit
		text = text[end+1:]
	}
	return min(total, longest), true
}
