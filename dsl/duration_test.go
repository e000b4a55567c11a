package dsl_test

import (
	"testing"
	"time"

	"github.com/rapport-crm/rapport/dsl"
)

func zone(tb testing.TB, name string) *time.Location {
	tb.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		tb.Fatal(err)
	}
	return loc
}

// local reads a wall clock time in a zone. Of a repeated hour it is the first.
func local(tb testing.TB, loc *time.Location, text string) time.Time {
	tb.Helper()
	at, err := time.ParseInLocation("2006-01-02 15:04", text, loc)
	if err != nil {
		tb.Fatal(err)
	}
	if first := at.Add(-time.Hour); first.Format("2006-01-02 15:04") == text {
		return first
	}
	return at
}

func TestParseDuration(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]dsl.Duration{
		"30s": {Exact: 30 * time.Second}, "15m": {Exact: 15 * time.Minute}, "24h": {Exact: 24 * time.Hour},
		"3d": {Days: 3}, "2w": {Days: 14}, "6mo": {Months: 6}, "1y": {Months: 12}, "3bd": {BusinessDays: 3}, "90d": {Days: 90},
	} {
		got, err := dsl.ParseDuration(text)
		if err != nil || got != want {
			t.Errorf("%s: got %+v, %v", text, got, err)
		}
		if again, err := dsl.ParseDuration(got.String()); err != nil || again != want {
			t.Errorf("%s: written as %s, read as %+v, %v", text, got, again, err)
		}
	}
	for _, text := range []string{"", "3", "d", "0d", "-3d", "3 d", "3D", "1.5h", "3days", "1d12h", "٣d", "99999999999999999999d", "101y", "1001bd", "9e3s"} {
		if got, err := dsl.ParseDuration(text); err == nil {
			t.Errorf("%q: got %+v", text, got)
		}
	}
	if (dsl.Duration{}).String() != "0s" || !(dsl.Duration{}).IsZero() || (dsl.Duration{Days: 1}).IsZero() {
		t.Error("the zero duration")
	}
}

func TestDurationAdd(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		zone, from, add, want string // want in UTC
	}{
		"days over the end of summer time":    {"Europe/London", "2026-10-23 10:00", "3d", "2026-10-26 10:00"},
		"hours over the end of summer time":   {"Europe/London", "2026-10-23 10:00", "72h", "2026-10-26 09:00"},
		"days over the start of summer time":  {"Europe/London", "2026-03-28 10:00", "1d", "2026-03-29 09:00"},
		"into the gap":                        {"Europe/London", "2026-03-28 01:30", "1d", "2026-03-29 01:00"}, // 02:00 BST
		"into the gap in New York":            {"America/New_York", "2026-03-07 02:30", "1d", "2026-03-08 07:00"},
		"into the repeated hour":              {"Europe/London", "2026-10-24 01:30", "1d", "2026-10-25 00:30"}, // the first, BST
		"into the repeated hour in New York":  {"America/New_York", "2026-10-31 01:30", "1d", "2026-11-01 05:30"},
		"half an hour of summer time":         {"Australia/Lord_Howe", "2026-04-04 01:45", "1d", "2026-04-04 14:45"},
		"a gap of half an hour":               {"Australia/Lord_Howe", "2026-10-03 02:15", "1d", "2026-10-03 15:30"},
		"a gap at midnight":                   {"Africa/Cairo", "2026-04-23 00:30", "1d", "2026-04-23 22:00"},
		"a day that does not exist":           {"Pacific/Apia", "2011-12-29 10:00", "1d", "2011-12-30 10:00"}, // 31 Dec 00:00 there
		"months clamp":                        {"Europe/London", "2027-01-31 09:00", "1mo", "2027-02-28 09:00"},
		"months clamp in a leap year":         {"Europe/London", "2027-12-31 09:00", "2mo", "2028-02-29 09:00"},
		"a year from 29 February":             {"Europe/London", "2028-02-29 09:00", "1y", "2029-02-28 09:00"},
		"months over the end of summer time":  {"Europe/London", "2026-08-06 10:00", "3mo", "2026-11-06 10:00"},
		"two weeks":                           {"Asia/Kathmandu", "2026-10-23 10:00", "2w", "2026-11-06 04:15"},
		"business days over a weekend":        {"Europe/London", "2026-10-22 10:00", "2bd", "2026-10-26 10:00"},
		"business days from a Saturday":       {"Europe/London", "2026-10-24 10:00", "1bd", "2026-10-26 10:00"},
		"business days over Christmas":        {"Europe/London", "2026-12-24 10:00", "1bd", "2026-12-29 10:00"}, // 25, and 28 for Boxing Day
		"business days over the May holidays": {"Europe/London", "2026-05-01 10:00", "1bd", "2026-05-05 09:00"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			loc := zone(t, c.zone)
			d, err := dsl.ParseDuration(c.add)
			if err != nil {
				t.Fatal(err)
			}
			cal := &dsl.Calendar{Days: weekdays(), Open: 540, Close: 1050, Holidays: "gb-eng"}
			got := d.Add(local(t, loc, c.from), loc, cal)
			if want := local(t, time.UTC, c.want); !got.Equal(want) {
				t.Errorf("got %s (%s), want %s", got.UTC(), got.In(loc), want)
			}
		})
	}
}

func TestBusinessDaysFollowTheCalendar(t *testing.T) {
	t.Parallel()
	d := dsl.Duration{BusinessDays: 1}
	friday := local(t, time.UTC, "2026-10-23 10:00")
	sundays := &dsl.Calendar{Days: [7]bool{time.Sunday: true}, Open: 0, Close: 1440}
	if got := d.Add(friday, time.UTC, sundays); !got.Equal(friday.AddDate(0, 0, 2)) {
		t.Errorf("got %s", got)
	}
	if got := d.Add(friday, time.UTC, nil); !got.Equal(friday.AddDate(0, 0, 3)) {
		t.Errorf("without a calendar: got %s", got)
	}
	// Friday evening in London is Saturday in Auckland, where the calendar lives.
	evening := local(t, time.UTC, "2026-10-23 20:00")
	auckland := &dsl.Calendar{Days: weekdays(), Open: 0, Close: 1440, Zone: "Pacific/Auckland"}
	if got := d.Add(evening, time.UTC, auckland); !got.Equal(local(t, time.UTC, "2026-10-25 20:00")) {
		t.Errorf("in the calendar's zone: got %s", got)
	}
	never := &dsl.Calendar{}
	if got := d.Add(friday, time.UTC, never); got.IsZero() {
		t.Error("a calendar without days")
	}
}

func TestDurationAddKeepsAMomentInARepeatedHour(t *testing.T) {
	t.Parallel()
	loc := zone(t, "Europe/London")
	second := time.Date(2026, 10, 25, 1, 30, 0, 0, time.UTC) // 01:30 GMT, after 01:30 BST
	if got := (dsl.Duration{Exact: time.Minute}).Add(second, loc, nil); !got.Equal(second.Add(time.Minute)) {
		t.Errorf("got %s", got)
	}
}

func weekdays() [7]bool {
	return [7]bool{time.Monday: true, time.Tuesday: true, time.Wednesday: true, time.Thursday: true, time.Friday: true}
}

func FuzzParseDuration(f *testing.F) {
	for _, s := range []string{"3d", "6mo", "2bd", "30s", "x", "", "9999999999d", "0x3d", "-1h"} {
		f.Add(s)
	}
	at := time.Date(2026, 10, 25, 1, 30, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, s string) {
		d, err := dsl.ParseDuration(s)
		if err != nil {
			return
		}
		if again, err := dsl.ParseDuration(d.String()); err != nil || again != d {
			t.Errorf("%q is %+v, written %q, read %+v, %v", s, d, d, again, err)
		}
		if got := d.Add(at, time.UTC, nil); !got.After(at) {
			t.Errorf("%q after %s is %s", s, at, got)
		}
	})
}
