package calendartest

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/activities/calendar"
)

type busyCase struct {
	name     string
	entries  []Entry
	from, to string // "" is from 2 to 16 November 2026
	want     []string
}

func busyCases() []busyCase {
	hour := Entry{UID: "u", From: "2026-11-05 10:00", To: "2026-11-05 11:00"}
	with := func(change func(*Entry)) []Entry {
		e := hour
		change(&e)
		return []Entry{e}
	}
	thursday := []string{"u Thu 05 10:00-11:00"}
	perhaps := []string{"u Thu 05 10:00-11:00 tentative"}
	return []busyCase{
		{name: "nothing"},
		{name: "an hour", entries: []Entry{hour}, want: thursday},
		{name: "all day", entries: []Entry{{UID: "u", From: "2026-11-05", To: "2026-11-06"}}, want: []string{"u Thu 05 00:00-Fri 06 00:00 all day"}},
		{name: "two days", entries: []Entry{{UID: "u", From: "2026-11-05", To: "2026-11-07"}}, want: []string{"u Thu 05 00:00-Sat 07 00:00 all day"}},
		{name: "a day of 25 hours", entries: []Entry{{UID: "u", From: "2026-10-25", To: "2026-10-26"}}, from: "2026-10-25", to: "2026-10-26", want: []string{"u Sun 25 00:00-Mon 26 00:00 all day"}},
		{name: "all day, on the days around", entries: []Entry{{UID: "a", From: "2026-11-01", To: "2026-11-02"}, {UID: "b", From: "2026-11-16", To: "2026-11-17"}}},
		{name: "tentative", entries: with(func(e *Entry) { e.Tentative = true }), want: perhaps},
		{name: "perhaps", entries: with(func(e *Entry) { e.Invited, e.Answer = true, calendar.Tentative }), want: perhaps},
		{name: "accepted", entries: with(func(e *Entry) { e.Invited, e.Answer = true, calendar.Accepted }), want: thursday},
		{name: "declined", entries: with(func(e *Entry) { e.Invited, e.Answer = true, calendar.Declined })},
		{name: "free", entries: with(func(e *Entry) { e.Free = true })},
		{name: "cancelled", entries: with(func(e *Entry) { e.Cancelled = true })},
		{name: "all day and free", entries: []Entry{{UID: "u", From: "2026-11-05", To: "2026-11-06", Free: true}}},
		{
			name:    "every week, one left out and one later",
			entries: []Entry{{UID: "u", From: "2026-10-29 10:00", To: "2026-10-29 11:00", Weekly: 5, Without: []string{"2026-11-12"}, Moved: "2026-11-05"}},
			from:    "2026-10-26", to: "2026-11-23",
			want: []string{"u Thu 29 10:00-11:00", "u Thu 05 12:00-13:00", "u Thu 19 10:00-11:00"},
		},
		{
			name:    "every week over a clock change",
			entries: []Entry{{UID: "u", From: "2026-10-19 10:00", To: "2026-10-19 11:00", Weekly: 2}},
			from:    "2026-10-19", to: "2026-11-02", want: []string{"u Mon 19 10:00-11:00", "u Mon 26 10:00-11:00"},
		},
		{
			name: "over the edges",
			entries: []Entry{
				{UID: "a", From: "2026-11-01 11:00", To: "2026-11-02 11:00"}, {UID: "b", From: "2026-11-15 23:00", To: "2026-11-16 23:00"},
			},
			want: []string{"a Sun 01 11:00-Mon 02 11:00", "b Sun 15 23:00-Mon 16 23:00"},
		},
		{
			name: "right outside",
			entries: []Entry{
				{UID: "a", From: "2026-11-01 23:00", To: "2026-11-02 00:00"}, {UID: "b", From: "2026-11-16 00:00", To: "2026-11-16 01:00"},
			},
		},
		{
			name: "two at a time, and in order", entries: []Entry{hour, {UID: "a", From: "2026-11-05 10:00", To: "2026-11-05 11:00"}, {UID: "z", From: "2026-11-03 10:00", To: "2026-11-03 11:00"}},
			want: []string{"z Tue 03 10:00-11:00", "a Thu 05 10:00-11:00", "u Thu 05 10:00-11:00"},
		},
	}
}

func runBusy(t *testing.T, build func(*testing.T) Rig) {
	t.Helper()
	for _, c := range busyCases() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			rig := build(t)
			for _, e := range c.entries {
				rig.Add(e)
			}
			if c.from == "" {
				c.from, c.to = "2026-11-02", "2026-11-16"
			}
			checkBusy(t, rig, c.from, c.to, c.want...)
		})
	}
	t.Run("more than a page", func(t *testing.T) {
		t.Parallel()
		rig := build(t)
		var want []string
		for day := 2; day < 16; day++ {
			for hour := 8; hour < 18; hour += 2 {
				at := time.Date(2026, 11, day, hour, 0, 0, 0, Berlin())
				e := Entry{UID: fmt.Sprintf("u%d-%d", day, hour), From: at.Format("2006-01-02 15:04"), To: at.Add(time.Hour).Format("2006-01-02 15:04")}
				rig.Add(e)
				want = append(want, e.UID+" "+at.Format("Mon 02 15:04")+"-"+at.Add(time.Hour).Format("15:04"))
			}
		}
		checkBusy(t, rig, "2026-11-02", "2026-11-16", want...)
	})
}

func checkBusy(t *testing.T, rig Rig, from, to string, want ...string) {
	t.Helper()
	blocks, err := rig.Calendar().Busy(t.Context(), within(from, to))
	if err != nil {
		t.Fatalf("busy: %v", err)
	}
	if diff := cmp.Diff(want, Show(blocks)); diff != "" {
		t.Errorf("busy times (-want +got):\n%s", diff)
	}
}
