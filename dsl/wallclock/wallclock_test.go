package wallclock_test

import (
	"testing"
	"time"

	"github.com/rapport-crm/rapport/dsl/wallclock"
)

func TestAt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ zone, shown, want string }{
		"winter":                          {"Europe/London", "2026-01-15 09:00", "2026-01-15 09:00"},
		"summer":                          {"Europe/London", "2026-07-15 09:00", "2026-07-15 08:00"},
		"skipped: the first moment after": {"Europe/London", "2026-03-29 01:30", "2026-03-29 01:00"},
		"twice: the first":                {"Europe/London", "2026-10-25 01:30", "2026-10-25 00:30"},
		"a skipped midnight":              {"America/Asuncion", "2024-10-06 00:00", "2024-10-06 04:00"},
		"half an hour is skipped":         {"Australia/Lord_Howe", "2026-10-04 02:15", "2026-10-03 15:30"},
		"a date that never was":           {"Pacific/Apia", "2011-12-30 12:00", "2011-12-30 10:00"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			loc, err := wallclock.Zone(c.zone)
			if err != nil {
				t.Fatal(err)
			}
			shown, err := time.Parse("2006-01-02 15:04", c.shown)
			if err != nil {
				t.Fatal(err)
			}
			if got := wallclock.At(shown, loc).Format("2006-01-02 15:04"); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestDate(t *testing.T) {
	t.Parallel()
	loc, err := wallclock.Zone("Asia/Tokyo")
	if err != nil {
		t.Fatal(err)
	}
	if got := wallclock.Date(time.Date(2026, 3, 1, 15, 0, 0, 0, time.UTC), loc); !got.Equal(time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("got %s", got)
	}
}

func TestZonesThatAreNone(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "Local", "Europe/Londinium"} {
		if loc, err := wallclock.Zone(name); err == nil {
			t.Errorf("%q is %s", name, loc)
		}
	}
}
