package dsl_test

import (
	"archive/zip"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
)

// The sweep looks at planned times around every change of the clocks, in every zone that the program knows.
const (
	sweepFrom, sweepTo = 2025, 2031
	sweepAround        = 36 * time.Hour
	sweepStep          = 11 * time.Minute // of three ways together; meets every minute of an hour
)

// clockChange is a moment at which the clocks of a zone change.
type clockChange struct {
	zone *time.Location
	at   time.Time
}

// everyZone reads the names of the zones that are built into programs.
func everyZone(t *testing.T) []string {
	t.Helper()
	root, err := exec.CommandContext(t.Context(), "go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatalf("go env: %v", err)
	}
	archive, err := zip.OpenReader(filepath.Join(strings.TrimSpace(string(root)), "lib", "time", "zoneinfo.zip"))
	if err != nil {
		t.Fatalf("open the zones of Go: %v", err)
	}
	defer func() { _ = archive.Close() }()
	var names []string
	for _, file := range archive.File {
		if !strings.HasSuffix(file.Name, "/") {
			names = append(names, file.Name)
		}
	}
	return names
}

// changes returns when the clocks of a zone change in the years of the sweep, and a text that is the same for zones whose
// clocks always show the same in them.
func changes(loc *time.Location) (at []time.Time, same string) {
	t, last := time.Date(sweepFrom, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(sweepTo, 1, 1, 0, 0, 0, 0, time.UTC)
	for {
		_, offset := t.In(loc).Zone()
		same += fmt.Sprintf("%d from %d, ", offset, t.Unix())
		_, end := t.In(loc).ZoneBounds()
		if end.IsZero() || !end.Before(last) {
			return at, same
		}
		t = end.UTC()
		at = append(at, t)
	}
}

// TestQuietHoursInEveryZone plans texts around every change of the clocks from 2025 to 2030 in every zone: none is permitted,
// or put off to a moment, when clocks there show 21:00 to 08:00; and none waits longer than it has to. Zones that share their
// clocks are swept once.
func TestQuietHoursInEveryZone(t *testing.T) {
	t.Parallel()
	names := everyZone(t)
	swept := map[string]bool{}
	total := 0
	for _, name := range names {
		loc, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		at, same := changes(loc)
		if swept[same] {
			continue
		}
		swept[same] = true
		if len(at) == 0 {
			at = []time.Time{time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)} // any time is as good
		}
		total += len(at)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, change := range at {
				sweep(t, clockChange{loc, change})
			}
		})
	}
	if len(names) < 500 || total < 300 {
		t.Errorf("only %d zones and %d changes were found", len(names), total)
	}
}

// sweep judges planned texts around one change by what clocks show, minute by minute: with the usual quiet hours, with and
// without a window around them, and with some that begin and end in the hours when clocks are changed.
func sweep(t *testing.T, c clockChange) {
	t.Helper()
	usual, night := dsl.Span{From: 21 * 60, To: 8 * 60}, dsl.Span{From: 90, To: 150} // 01:30 to 02:30
	window := &dsl.Calendar{Days: [7]bool{true, true, true, true, true, true, true}, Open: 7 * 60, Close: 22 * 60}
	for i, hours := range []struct {
		quiet dsl.Span
		in    dsl.Intent
	}{
		{usual, dsl.Intent{Channel: crm.SMS, Purpose: crm.PurposeTransactional}},
		{usual, dsl.Intent{Channel: crm.SMS, Purpose: "news", Window: window}},
		{night, dsl.Intent{Channel: crm.SMS, Purpose: crm.PurposeTransactional}},
	} {
		ws, facts := texting(&hours.quiet, "Asia/Tokyo", "+12025550123") // neither counts: the profile does
		facts.Candidate.TimeZone = c.zone.String()
		first := c.at.Add(-sweepAround + time.Duration(i)*time.Minute)
		loud := make([]bool, int((2*sweepAround+36*time.Hour)/time.Minute)) // by minute
		for m := range loud {
			loud[m] = !quietAt(hours.quiet, first.Add(time.Duration(m)*time.Minute), c.zone)
		}
		for m := 0; m < int(2*sweepAround/time.Minute); m += int(3 * sweepStep / time.Minute) {
			now := first.Add(time.Duration(m)*time.Minute + time.Duration(m%60)*time.Second)
			hours.in.Seed = fmt.Sprint(c.at, m)
			v := dsl.Permit(ws, facts, hours.in, now)
			at := now
			if !v.NotBefore.IsZero() {
				at = v.NotBefore
			}
			earliest := slices.Index(loud[m:], true) // minutes to wait; those of a night that comes twice are one wait
			switch {
			case v.Skip != "":
				t.Fatalf("%s: a text planned at %s is skipped: %s", c.zone, now.In(c.zone), v.Skip)
			case quietAt(hours.quiet, at, c.zone):
				t.Fatalf("%s: a text planned at %s goes at %s", c.zone, now.In(c.zone), at.In(c.zone))
			case loud[m] != v.OK():
				t.Fatalf("%s: a text at %s is permitted: %v", c.zone, now.In(c.zone), v.OK())
			case i < 2 && at.Sub(now) > time.Duration(earliest)*time.Minute+30*time.Minute:
				t.Fatalf("%s: a text planned at %s waits until %s; it could go after %d minutes", c.zone, now.In(c.zone), at.In(c.zone), earliest)
			}
		}
	}
}

// quietAt tells whether clocks show a time in quiet hours, by nothing but what they show.
func quietAt(quiet dsl.Span, t time.Time, loc *time.Location) bool {
	shown := t.In(loc).Format("15:04")
	from, to := fmt.Sprintf("%02d:%02d", quiet.From/60, quiet.From%60), fmt.Sprintf("%02d:%02d", quiet.To/60, quiet.To%60)
	if from < to {
		return from <= shown && shown < to
	}
	return from <= shown || shown < to
}

// TestQuietHoursWhereverThePhoneIs does the same for numbers that leave the zone open: it must be day in all of them.
func TestQuietHoursWhereverThePhoneIs(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		number, workspace string
		zones             []string
	}{
		"a number that tells the zone":          {"+13105550123", "Europe/London", []string{"America/Los_Angeles"}},
		"a number whose zones are one":          {"+447700900123", "Asia/Tokyo", []string{"Europe/London"}},
		"an Australian mobile, from Sydney":     {"+61412345678", "Australia/Sydney", []string{"Australia/Perth", "Australia/Lord_Howe", "Australia/Adelaide"}},
		"an Australian mobile, from London":     {"+61412345678", "Europe/London", []string{"Australia/Perth", "Australia/Lord_Howe", "Europe/London"}},
		"a mobile of New Zealand":               {"+64211234567", "Pacific/Auckland", []string{"Pacific/Auckland", "Pacific/Chatham"}},
		"a Spanish mobile":                      {"+34612345678", "Europe/Madrid", []string{"Europe/Madrid", "Atlantic/Canary"}},
		"a Portuguese mobile":                   {"+351912345678", "Europe/Lisbon", []string{"Europe/Lisbon", "Atlantic/Azores"}},
		"a Chilean mobile":                      {"+56961234567", "America/Santiago", []string{"America/Punta_Arenas", "Pacific/Easter", "America/Santiago"}},
		"a Russian mobile":                      {"+79161234567", "Europe/Moscow", []string{"Europe/Kaliningrad", "Asia/Kamchatka"}},
		"a number from nowhere":                 {"+882161234567", "America/Toronto", []string{"America/Toronto"}},
		"an unknown area code of North America": {"+15005550123", "America/New_York", []string{"America/New_York", "America/Los_Angeles", "Pacific/Honolulu"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ws, facts := texting(&dsl.Span{From: 21 * 60, To: 8 * 60}, c.workspace, c.number)
			var zones []*time.Location
			var moments []time.Time
			for _, zone := range c.zones {
				loc, err := time.LoadLocation(zone)
				if err != nil {
					t.Fatal(err)
				}
				at, _ := changes(loc)
				zones, moments = append(zones, loc), append(moments, at[:min(2, len(at))]...)
			}
			moments = append(moments, time.Date(2027, 1, 15, 12, 0, 0, 0, time.UTC), time.Date(2027, 7, 15, 12, 0, 0, 0, time.UTC))
			for _, moment := range moments {
				for now := moment.Add(-sweepAround); now.Before(moment.Add(sweepAround)); now = now.Add(17 * time.Minute) {
					v := dsl.Permit(ws, facts, dsl.Intent{Channel: crm.SMS, Purpose: crm.PurposeTransactional, Seed: now.String()}, now)
					at := now
					if !v.NotBefore.IsZero() {
						at = v.NotBefore
					}
					for _, zone := range zones {
						if hour := at.In(zone).Hour(); v.Skip != "" || hour < 8 || hour >= 21 || at.Sub(now) > 24*time.Hour {
							t.Fatalf("planned at %s, it goes at %s: %+v", now.In(zone), at.In(zone), v)
						}
					}
				}
			}
		})
	}
}
