package slots_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl/slots"
)

// zone loads a time zone.
func zone(tb testing.TB, name string) *time.Location {
	tb.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		tb.Fatal(err)
	}
	return loc
}

// at is a moment on clocks in London, such as "2026-03-02 09:00".
func at(tb testing.TB, shown string) time.Time {
	tb.Helper()
	moment, err := time.ParseInLocation("2006-01-02 15:04", shown, zone(tb, "Europe/London"))
	if err != nil {
		tb.Fatal(err)
	}
	return moment
}

// spans are stretches of one day in London: on(t, "2026-03-02", "09:00-10:00 12:00-13:00").
func on(tb testing.TB, date, parts string) []crm.Span {
	tb.Helper()
	var spans []crm.Span
	for part := range strings.FieldsSeq(parts) {
		from, to, _ := strings.Cut(part, "-")
		spans = append(spans, crm.Span{Start: at(tb, date+" "+from), End: at(tb, date+" "+to)})
	}
	return spans
}

// daily are the same hours on some days of the week.
func daily(parts []crm.DayPart, days ...time.Weekday) (h crm.Hours) {
	for _, d := range days {
		h[d] = parts
	}
	return h
}

// part is from one hour of the day to another.
func part(from, to int) crm.DayPart { return crm.DayPart{From: from * 60, To: to * 60} }

func workdays() []time.Weekday {
	return []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday}
}

func everyday() []time.Weekday { return append(workdays(), time.Saturday, time.Sunday) }

// person is an active member of some groups.
func person(id, groups string) slots.Person {
	return slots.Person{Interviewer: crm.Interviewer{
		ID: id, Name: strings.ToUpper(id[:1]) + id[1:], Groups: strings.Fields(groups), Active: true,
	}}
}

// monday is a search for an hour of Ada's time on Monday, 2 March 2026, with starts on the hour.
func monday(tb testing.TB) slots.Search {
	tb.Helper()
	return slots.Search{
		Seats: []slots.Seat{{Group: "leads", Any: 1}}, People: []slots.Person{person("ada", "leads")},
		Length: time.Hour, Step: time.Hour, Office: daily([]crm.DayPart{part(9, 17)}, workdays()...), Zone: zone(tb, "Europe/London"),
		Now: at(tb, "2026-03-02 00:00"), Until: at(tb, "2026-03-03 00:00"), Count: 3,
	}
}

func find(tb testing.TB, s slots.Search) *slots.Finder {
	tb.Helper()
	f, err := slots.New(s)
	if err != nil {
		tb.Fatal(err)
	}
	return f
}

// clocks writes moments as clocks show them, without the minutes of a whole hour.
func clocks(times []time.Time, loc *time.Location) string {
	var words []string
	for _, at := range times {
		words = append(words, strings.TrimSuffix(at.In(loc).Format("15:04"), ":00"))
	}
	return strings.Join(words, " ")
}

// starts are those that are offered when all are, as clocks in London show them.
func starts(tb testing.TB, s slots.Search) string {
	tb.Helper()
	return clocks(find(tb, s).Starts(), zone(tb, "Europe/London"))
}

// panels writes who sits where: "leads:ada hm:bo".
func panel(s slots.Slot) string {
	ids := s.IDs()
	slices.Sort(ids)
	return strings.Join(ids, " ")
}
