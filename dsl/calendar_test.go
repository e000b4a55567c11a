package dsl_test

import (
	"testing"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
)

func TestCalendarWindow(t *testing.T) {
	t.Parallel()
	office := dsl.Calendar{Days: weekdays(), Open: 9 * 60, Close: 17*60 + 30, Holidays: "gb-eng"}
	nights := dsl.Calendar{Days: [7]bool{true, true, true, true, true, true, true}, Open: 60, Close: 105}
	allDay := dsl.Calendar{Days: [7]bool{time.Saturday: true}, Open: 0, Close: 1440}
	for name, c := range map[string]struct {
		cal      dsl.Calendar
		zone, at string
		next     string // "" when open
		closes   string
	}{
		"inside":                  {office, "Europe/London", "2026-10-23 10:00", "", "2026-10-23 17:30"},
		"the opening minute":      {office, "Europe/London", "2026-10-23 09:00", "", "2026-10-23 17:30"},
		"the minute before":       {office, "Europe/London", "2026-10-23 08:59", "2026-10-23 09:00", ""},
		"the last minute":         {office, "Europe/London", "2026-10-23 17:29", "", "2026-10-23 17:30"},
		"the closing minute":      {office, "Europe/London", "2026-10-23 17:30", "2026-10-26 09:00", ""},
		"a Saturday":              {office, "Europe/London", "2026-10-24 11:00", "2026-10-26 09:00", ""},
		"Good Friday to Tuesday":  {office, "Europe/London", "2026-04-03 11:00", "2026-04-07 09:00", ""},
		"a moved New Year's Day":  {office, "Europe/London", "2028-01-03 11:00", "2028-01-04 09:00", ""},
		"another zone":            {office, "Asia/Kathmandu", "2026-10-23 10:00", "", "2026-10-23 17:30"},
		"a window in the gap":     {nights, "Europe/London", "2026-03-29 00:30", "2026-03-30 01:00", ""},
		"a window that repeats":   {nights, "Europe/London", "2026-10-25 01:30", "", "2026-10-25 01:45"},
		"a whole day":             {allDay, "Europe/London", "2026-10-24 23:59", "", "2026-10-25 00:00"},
		"until a whole day comes": {allDay, "Europe/London", "2026-10-25 00:00", "2026-10-31 00:00", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			loc := zone(t, c.zone)
			at := local(t, loc, c.at)
			next, ok := c.cal.NextOpen(at, loc)
			want := at
			if c.next != "" {
				want = local(t, loc, c.next)
			}
			if !ok || !next.Equal(want) {
				t.Errorf("opens next at %s, %v, want %s", next.In(loc), ok, want)
			}
			if open := c.cal.IsOpen(at, loc); open != (c.next == "") {
				t.Errorf("open is %v", open)
			}
			if !c.cal.IsOpen(next, loc) {
				t.Error("it is not open when it opens")
			}
			if c.closes != "" {
				if got := c.cal.CloseAfter(at, loc); !got.Equal(local(t, loc, c.closes)) {
					t.Errorf("closes at %s", got.In(loc))
				}
			} else if got := c.cal.CloseAfter(at, loc); !got.Equal(at) {
				t.Errorf("closed, yet closes at %s", got)
			}
		})
	}
}

func TestCalendarThatNeverOpens(t *testing.T) {
	t.Parallel()
	for name, cal := range map[string]dsl.Calendar{"no days": {Open: 60, Close: 120}, "no hours": {Days: weekdays(), Open: 60, Close: 60}} {
		if at, ok := cal.NextOpen(time.Date(2026, 10, 23, 10, 0, 0, 0, time.UTC), time.UTC); ok {
			t.Errorf("%s: opens at %s", name, at)
		}
	}
}

func TestHolidaysByRegion(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		region, date string
		open         bool
	}{
		"St Andrew's Day in Scotland":          {"gb-sct", "2026-11-30", false},
		"St Andrew's Day in England":           {"gb-eng", "2026-11-30", true},
		"Easter Monday in Scotland":            {"gb-sct", "2026-04-06", true},
		"2 January in Scotland, moved":         {"gb-sct", "2027-01-04", false}, // the 2nd is a Saturday
		"St Patrick's Day in Northern Ireland": {"gb-nir", "2026-03-17", false},
		"Thanksgiving":                         {"us", "2026-11-26", false},
		"New Year's Day kept the year before":  {"us", "2027-12-31", false},
		"Unity Day in Germany":                 {"de", "2025-10-03", false},
		"Corpus Christi in Bavaria":            {"de-by", "2026-06-04", false},
		"Corpus Christi in Berlin":             {"de-be", "2026-06-04", true},
		"Bastille Day":                         {"fr", "2026-07-14", false},
		"no region":                            {"", "2026-12-25", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cal := dsl.Calendar{Days: weekdays(), Open: 0, Close: 1440, Holidays: c.region}
			if open := cal.IsOpen(local(t, time.UTC, c.date+" 12:00"), time.UTC); open != c.open {
				t.Errorf("open is %v", open)
			}
		})
	}
}

func TestCalendarLocation(t *testing.T) {
	t.Parallel()
	kathmandu := zone(t, "Asia/Kathmandu")
	for zoneName, want := range map[string]string{"": "Asia/Kathmandu", "candidate": "Asia/Kathmandu", "Europe/London": "Europe/London", "Mars": "Asia/Kathmandu"} {
		if got := (&dsl.Calendar{Zone: zoneName}).Location(kathmandu); got.String() != want {
			t.Errorf("%q: got %s", zoneName, got)
		}
	}
}

func TestSpan(t *testing.T) {
	t.Parallel()
	night, noon := &dsl.Span{From: 20 * 60, To: 8 * 60}, &dsl.Span{From: 12 * 60, To: 13 * 60}
	early := &dsl.Span{From: 60, To: 90}
	for name, c := range map[string]struct {
		span    *dsl.Span
		at, end string // end "": outside
	}{
		"evening":             {night, "2026-10-23 20:00", "2026-10-24 08:00"},
		"after midnight":      {night, "2026-10-24 03:00", "2026-10-24 08:00"},
		"its last minute":     {night, "2026-10-24 07:59", "2026-10-24 08:00"},
		"its end":             {night, "2026-10-24 08:00", ""},
		"noon":                {noon, "2026-10-24 12:30", "2026-10-24 13:00"},
		"after noon":          {noon, "2026-10-24 13:00", ""},
		"over a clock change": {night, "2026-10-24 22:00", "2026-10-25 08:00"},
		"none":                {nil, "2026-10-24 13:00", ""},
		"the first of two":    {early, "2026-10-25 01:10", "2026-10-25 01:30"},
		"before a gap":        {&dsl.Span{From: 0, To: 90}, "2026-03-29 00:30", "2026-03-29 02:00"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			loc := zone(t, "Europe/London")
			at := local(t, loc, c.at)
			want := at
			if c.end != "" {
				want = local(t, loc, c.end)
			}
			if inside := c.span.Contains(at, loc); inside != (c.end != "") {
				t.Errorf("inside is %v", inside)
			}
			if got := c.span.End(at, loc); !got.Equal(want) {
				t.Errorf("ends at %s, want %s", got.In(loc), want)
			}
		})
	}
	second := time.Date(2026, 10, 25, 1, 10, 20, 0, time.UTC) // 01:10:20 GMT, the second time
	if got := early.End(second, zone(t, "Europe/London")); !got.Equal(time.Date(2026, 10, 25, 1, 30, 0, 0, time.UTC)) {
		t.Errorf("the second of two ends at %s", got)
	}
}

func TestZoneOf(t *testing.T) {
	t.Parallel()
	ws := &dsl.Workspace{Calendar: &dsl.Calendar{Zone: "Europe/London"}}
	for name, c := range map[string]struct {
		candidate crm.Candidate
		ws        *dsl.Workspace
		want      string
	}{
		"own":                        {crm.Candidate{TimeZone: "Asia/Tokyo", Country: "DE"}, ws, "Asia/Tokyo"},
		"own that does not exist":    {crm.Candidate{TimeZone: "Mars", Country: "DE"}, ws, "Europe/Berlin"},
		"not the machine's":          {crm.Candidate{TimeZone: "Local"}, ws, "Europe/London"},
		"country with one":           {crm.Candidate{Country: "np"}, ws, "Asia/Kathmandu"},
		"first country of the table": {crm.Candidate{Country: "AD"}, ws, "Europe/Andorra"},
		"last country of the table":  {crm.Candidate{Country: "CY"}, ws, "Asia/Nicosia"},
		"region with one":            {crm.Candidate{Country: "US", Region: "NY"}, ws, "America/New_York"},
		"region with more":           {crm.Candidate{Country: "US", Region: "AZ"}, ws, "Europe/London"},
		"country with more":          {crm.Candidate{Country: "US"}, ws, "Europe/London"},
		"workspace of the candidate": {crm.Candidate{}, &dsl.Workspace{Calendar: &dsl.Calendar{Zone: "candidate"}}, "UTC"},
		"no workspace":               {crm.Candidate{}, nil, "UTC"},
		"workspace without calendar": {crm.Candidate{Country: "XX"}, &dsl.Workspace{}, "UTC"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := dsl.ZoneOf(&c.candidate, c.ws); got.String() != c.want {
				t.Errorf("got %s", got)
			}
		})
	}
	if got := dsl.ZoneOf(nil, nil); got != time.UTC {
		t.Errorf("nobody: got %s", got)
	}
}
