package ical_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/activities/calendar"
	"github.com/rapport-crm/rapport/activities/calendar/calendartest"
	"github.com/rapport-crm/rapport/activities/calendar/ical"
)

func TestBusy(t *testing.T) {
	t.Parallel()
	for _, tc := range calendartest.Cases() {
		t.Run(tc.Name, func(t *testing.T) {
			t.Parallel()
			c, err := ical.Parse([]byte(tc.Text()))
			if err != nil {
				t.Fatal(err)
			}
			blocks, err := c.Busy(tc.Within(), calendartest.Ada())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.Want, calendartest.Show(blocks)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What cannot be understood is an error rather than free time.
func TestUnreadable(t *testing.T) {
	t.Parallel()
	in := func(lines ...string) string {
		return "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n" + strings.Join(lines, "\r\n") + "\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
	}
	deep := strings.Repeat("BEGIN:X\n", 100_000)
	for name, tc := range map[string]struct{ text, code string }{
		"nothing":               {"", "not_icalendar"},
		"a web page":            {"<!doctype html>\n<title>Sign in</title>", "not_icalendar"},
		"an event alone":        {"BEGIN:VEVENT\nEND:VEVENT\n", "not_icalendar"},
		"cut off":               {"BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20261105T100000Z\n", "cut_off"},
		"crossed":               {"BEGIN:VCALENDAR\nBEGIN:VEVENT\nEND:VCALENDAR\n", "not_icalendar"},
		"too deep":              {"BEGIN:VCALENDAR\n" + deep, "too_deep"},
		"too large":             {strings.Repeat("x", ical.MaxBytes+1), "too_large"},
		"too many components":   {"BEGIN:VCALENDAR\n" + strings.Repeat("BEGIN:VEVENT\nEND:VEVENT\n", ical.MaxComponents+1), "too_large"},
		"a zone of its own":     {in("DTSTART;TZID=Mars/Olympus:20261105T100000", "DTEND;TZID=Mars/Olympus:20261105T110000"), "unknown_zone"},
		"a rule that is none":   {in("DTSTART:20261105T100000Z", "DTEND:20261105T110000Z", "RRULE:FREQ=FORTNIGHTLY"), "bad_rule"},
		"every second for ever": {in("DTSTART:20261101T100000Z", "DURATION:PT1S", "RRULE:FREQ=SECONDLY"), "too_much"},
		"counted for ever": {
			in("DTSTART:16010101T100000Z", "DURATION:PT1S", "RRULE:FREQ=MINUTELY;COUNT=1000000000"), "too_much",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := ical.Parse([]byte(tc.text))
			if err == nil {
				_, err = c.Busy(calendartest.Within("2026-11-01", "2027-03-01"), calendartest.Ada())
			}
			var failure *calendar.Error
			if !errors.As(err, &failure) || failure.Kind != calendar.Unreadable || failure.Code != tc.code || failure.Retryable() {
				t.Fatalf("got %v, want unreadable with %s", err, tc.code)
			}
			if tc.code == "unknown_zone" && !strings.Contains(err.Error(), "Mars/Olympus") {
				t.Errorf("%v does not name the zone", err)
			}
		})
	}
}

// A calendar of rules that never come true, or come true all the time, ends in good time.
func TestBombs(t *testing.T) {
	t.Parallel()
	for name, rule := range map[string]string{
		"the 30th of February":      "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
		"an hour that never comes":  "FREQ=HOURLY;INTERVAL=24;BYHOUR=11",
		"a second that never comes": "FREQ=SECONDLY;INTERVAL=60;BYSECOND=1",
		"a leap year's last week":   "FREQ=YEARLY;BYWEEKNO=53;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYHOUR=1,2,3,4,5,6,7,8,9;BYMINUTE=1,2,3,4,5,6,7,8,9",
		"every minute":              "FREQ=MINUTELY",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b strings.Builder
			b.WriteString("BEGIN:VCALENDAR\n")
			for i := range 2000 {
				fmt.Fprintf(&b, "BEGIN:VEVENT\nUID:%d\nDTSTART:19700101T100000Z\nDURATION:PT1M\nRRULE:%s\nEND:VEVENT\n", i, rule)
			}
			b.WriteString("END:VCALENDAR\n")
			began := time.Now()
			c, err := ical.Parse([]byte(b.String()))
			if err != nil {
				t.Fatal(err)
			}
			blocks, err := c.Busy(calendartest.Within("2026-11-01", "2027-03-01"), calendartest.Ada())
			if took := time.Since(began); took > 20*time.Second {
				t.Errorf("took %s", took)
			}
			t.Logf("%d blocks, %v, %s", len(blocks), err, time.Since(began))
		})
	}
}

func FuzzBusy(f *testing.F) {
	for _, tc := range calendartest.Cases() {
		f.Add([]byte(tc.Text()))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		within := calendartest.Within("2026-10-01", "2026-12-01")
		began := time.Now()
		c, err := ical.Parse(text)
		if err != nil {
			return
		}
		blocks, err := c.Busy(within, calendartest.Ada())
		for _, b := range blocks {
			if err != nil || !b.Overlaps(within) {
				t.Errorf("got %v with %v", b, err)
			}
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("took %s", took)
		}
		if _, err := ical.ParseReply(text); err != nil {
			return
		}
	})
}
