package dsl

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/rapport-crm/rapport/dsl/wallclock"
)

// Duration is a span of time as the language writes it. 30s, 15m and 24h are exact; 3d, 2w, 6mo and 1y keep the local wall
// clock across clock changes; 3bd counts business days.
type Duration struct {
	Months       int
	Days         int
	BusinessDays int
	Exact        time.Duration
}

var errDuration = errors.New("not a duration such as 30m, 3d, 2w, 6mo or 2bd")

// ParseDuration reads one number above zero and a unit: s, m, h, d, w, mo, y or bd. The longest is a hundred years, of
// business days a thousand.
func ParseDuration(s string) (Duration, error) {
	unit := strings.TrimLeft(s, "0123456789")
	digits := s[:len(s)-len(unit)]
	n, err := strconv.Atoi(digits)
	if err != nil || n <= 0 {
		return Duration{}, fmt.Errorf("parse %q: %w", clip(s), errDuration)
	}
	most := map[string]int{"s": 1e9, "m": 5e7, "h": 876_000, "d": 36_500, "w": 5_200, "mo": 1_200, "y": 100, "bd": 1_000}[unit]
	if n > most {
		return Duration{}, fmt.Errorf("parse %q: %w", clip(s), errDuration)
	}
	switch unit {
	case "s":
		return Duration{Exact: time.Duration(n) * time.Second}, nil
	case "m":
		return Duration{Exact: time.Duration(n) * time.Minute}, nil
	case "h":
		return Duration{Exact: time.Duration(n) * time.Hour}, nil
	case "d":
		return Duration{Days: n}, nil
	case "w":
		return Duration{Days: 7 * n}, nil
	case "mo":
		return Duration{Months: n}, nil
	case "y":
		return Duration{Months: 12 * n}, nil
	}
	return Duration{BusinessDays: n}, nil
}

// IsZero tells whether the duration is no time at all.
func (d Duration) IsZero() bool { return d == Duration{} }

// String writes the duration as the language does, in its largest fitting unit; parts that ParseDuration cannot combine are
// joined by spaces.
func (d Duration) String() string {
	var parts []string
	add := func(n int, units string, sizes ...int) {
		for i, unit := range strings.Fields(units) {
			if n != 0 && n%sizes[i] == 0 {
				parts = append(parts, strconv.Itoa(n/sizes[i])+unit)
				return
			}
		}
	}
	add(d.Months, "y mo", 12, 1)
	add(d.Days, "w d", 7, 1)
	add(d.BusinessDays, "bd", 1)
	add(int(d.Exact/time.Second), "h m s", 3600, 60, 1)
	if rest := d.Exact % time.Second; rest != 0 {
		parts = append(parts, rest.String())
	}
	if len(parts) == 0 {
		return "0s"
	}
	return strings.Join(parts, " ")
}

// Add returns the moment d after t. Months and days keep the wall clock in loc, months clamp to the month's end, business
// days are those of cal (Monday to Friday when it is nil), in its own zone if it has one. A local time that a clock change
// skips becomes the first instant after; a repeated one, its first.
func (d Duration) Add(t time.Time, loc *time.Location, cal *Calendar) time.Time {
	if d.Months != 0 || d.Days != 0 {
		local := t.In(loc)
		y, m, day := local.Date()
		if d.Months != 0 {
			first := time.Date(y, m+time.Month(d.Months), 1, 0, 0, 0, 0, time.UTC)
			y, m = first.Year(), first.Month()
			day = min(day, first.AddDate(0, 1, -1).Day())
		}
		t = wallClock(local, y, m, day+d.Days, loc)
	}
	if d.BusinessDays != 0 {
		t = addBusinessDays(t, d.BusinessDays, loc, cal)
	}
	return t.Add(d.Exact)
}

// Sub returns the moment d before t, by the rules of Add.
func (d Duration) Sub(t time.Time, loc *time.Location, cal *Calendar) time.Time {
	return Duration{Months: -d.Months, Days: -d.Days, BusinessDays: -d.BusinessDays, Exact: -d.Exact}.Add(t, loc, cal)
}

func addBusinessDays(t time.Time, n int, loc *time.Location, cal *Calendar) time.Time {
	if cal == nil {
		cal = &Calendar{Days: weekdays()}
	}
	loc = cal.Location(loc)
	local := t.In(loc)
	y, m, day := local.Date()
	date := time.Date(y, m, day, 0, 0, 0, 0, time.UTC)
	step := 1
	if n < 0 {
		step = -1
	}
	for tries := 0; n != 0 && tries < 20_000; tries++ {
		date = date.AddDate(0, 0, step)
		if cal.businessDay(date) {
			n -= step
		}
	}
	return wallClock(local, date.Year(), date.Month(), date.Day(), loc)
}

// wallClock returns the moment on a date at which clocks in loc show the same time of day as local.
func wallClock(local time.Time, y int, m time.Month, day int, loc *time.Location) time.Time {
	h, minute, s := local.Clock()
	// The same moment, unchanged, is the second of a repeated hour just as well.
	if ly, lm, ld := local.Date(); ly == y && lm == m && ld == day {
		return local.UTC()
	}
	return wallclock.At(time.Date(y, m, day, h, minute, s, local.Nanosecond(), time.UTC), loc)
}
