package ical_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/teambition/rrule-go"
	"pgregory.net/rapid"

	"github.com/rapport-crm/rapport/activities/calendar/ical"
	"github.com/rapport-crm/rapport/crm"
)

// Random rules come to the same times as by a library that others wrote.
func TestRulesAgreeWithAnotherLibrary(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := drawRule(t)
		start := time.Date(2024, time.Month(rapid.IntRange(1, 12).Draw(t, "month")), rapid.IntRange(1, 31).Draw(t, "day"), 10, 30, 0, 0, time.UTC)
		from := start.AddDate(0, 0, rapid.IntRange(-30, 900).Draw(t, "from"))
		within := crm.Span{Start: from, End: from.AddDate(0, 0, 100)}
		option, err := rrule.StrToROption(text)
		if err != nil {
			t.Fatal(err)
		}
		option.Dtstart = start
		r, err := rrule.NewRRule(*option)
		if err != nil {
			t.Fatal(err)
		}
		var want []string
		for _, at := range r.Between(within.Start, within.End.Add(-time.Second), true) {
			want = append(want, at.Format(time.DateTime))
		}
		if first := start.Format(time.DateTime); within.Contains(start) && !slices.Contains(want, first) {
			want = append([]string{first}, want...) // the beginning always counts
		}
		c, err := ical.Parse(fmt.Appendf(nil, "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:%s\nDURATION:PT1S\nRRULE:%s\nEND:VEVENT\nEND:VCALENDAR\n",
			start.Format("20060102T150405Z"), text))
		if err != nil {
			t.Fatal(err)
		}
		blocks, err := c.Busy(within, ical.Owner{})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, b := range blocks {
			got = append(got, b.Start.Format(time.DateTime))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s from %s: %s", text, start, diff)
		}
	})
}

// drawRule makes a rule of parts that go together. It leaves out what the other library panics on (the 20th Monday of a month) or
// never comes back from (every fourth hour, at an hour that is not among them), and weekdays with a number beside such without one,
// of which it wants both where the standard wants either.
func drawRule(t *rapid.T) string {
	freq := rapid.SampledFrom([]string{"HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY"}).Draw(t, "freq")
	rule := []string{"FREQ=" + freq, fmt.Sprintf("INTERVAL=%d", rapid.IntRange(1, 4).Draw(t, "interval"))}
	maybe := func(label string) bool { return rapid.Bool().Draw(t, label) }
	list := func(part string, values []string) {
		if maybe(part) {
			some := rapid.SliceOfNDistinct(rapid.SampledFrom(values), 1, 3, rapid.ID).Draw(t, part+" values")
			rule = append(rule, part+"="+strings.Join(some, ","))
		}
	}
	plain := []string{"MO", "TU", "WE", "TH", "FR", "SA", "SU"}
	nth := rapid.SampledFrom([][]string{plain, {"1TU", "-1FR", "3SA", "-2SU", "5MO"}}).Draw(t, "kind of weekdays")
	switch freq {
	case "HOURLY", "DAILY":
		list("BYDAY", plain)
		if freq == "DAILY" {
			list("BYMONTHDAY", []string{"1", "13", "28", "31", "-1", "-7"})
		}
	case "WEEKLY":
		list("BYDAY", plain)
		rule = append(rule, "WKST="+rapid.SampledFrom(plain).Draw(t, "wkst"))
	case "MONTHLY":
		list("BYDAY", nth)
		list("BYMONTHDAY", []string{"1", "13", "28", "31", "-1", "-7"})
		list("BYSETPOS", []string{"1", "2", "-1"})
	case "YEARLY":
		list("BYMONTH", []string{"1", "2", "6", "11"})
		list("BYDAY", nth)
		list("BYMONTHDAY", []string{"1", "13", "28", "-1", "-7"})
	}
	if freq != "HOURLY" {
		list("BYHOUR", []string{"0", "9", "15", "23"})
	}
	switch rapid.IntRange(0, 2).Draw(t, "end") {
	case 1:
		rule = append(rule, fmt.Sprintf("COUNT=%d", rapid.IntRange(1, 300).Draw(t, "count")))
	case 2:
		rule = append(rule, "UNTIL="+time.Date(2025, 1, 1, 10, 30, 0, 0, time.UTC).AddDate(0, 0, rapid.IntRange(0, 900).Draw(t, "until")).Format("20060102T150405Z"))
	}
	return strings.Join(rule, ";")
}
