package slots_test

import (
	"testing"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl/slots"
)

func TestWhenSomebodyCanBegin(t *testing.T) {
	t.Parallel()
	const day = "2026-03-02"
	for name, c := range map[string]struct {
		change func(s *slots.Search, ada *slots.Person)
		want   string // the hours at which an interview of one hour can begin
	}{
		"the office's hours": {func(*slots.Search, *slots.Person) {}, "09 10 11 12 13 14 15 16"},
		"one's own hours": {func(_ *slots.Search, ada *slots.Person) {
			ada.Hours = daily([]crm.DayPart{part(13, 15), part(10, 12)}, time.Monday)
		}, "10 11 13 14"},
		"a day off": {func(_ *slots.Search, ada *slots.Person) { ada.Hours = daily([]crm.DayPart{part(9, 17)}, time.Tuesday) }, ""},
		"parts that touch are one": {func(s *slots.Search, ada *slots.Person) {
			s.Length = 2 * time.Hour
			ada.Hours = daily([]crm.DayPart{part(10, 12), part(12, 13)}, time.Monday)
		}, "10 11"},
		"a part that is too short": {func(s *slots.Search, ada *slots.Person) {
			s.Length = 2 * time.Hour
			ada.Hours = daily([]crm.DayPart{part(10, 11), part(12, 14)}, time.Monday)
		}, "12"},
		"the offer narrows one's own hours": {func(s *slots.Search, ada *slots.Person) {
			s.Hours = part(10, 20)
			ada.Hours = daily([]crm.DayPart{part(8, 12)}, time.Monday)
		}, "10 11"},
		"the offer stands in for the office's hours": {func(s *slots.Search, _ *slots.Person) { s.Hours = part(7, 10) }, "07 08 09"},
		"the offer opens no day off": {func(s *slots.Search, _ *slots.Person) {
			s.Hours, s.Office = part(7, 10), daily([]crm.DayPart{part(9, 17)}, time.Sunday)
		}, ""},
		"hours are in one's own zone": {func(_ *slots.Search, ada *slots.Person) { ada.Zone = "America/New_York" }, "14 15 16 17 18 19 20 21"},
		"hours across midnight": {func(s *slots.Search, ada *slots.Person) {
			s.Until = s.Until.Add(3 * time.Hour)
			ada.Hours = crm.Hours{time.Monday: {part(22, 24)}, time.Tuesday: {part(0, 2)}}
		}, "22 23 00 01"},
		"busy":                  {func(_ *slots.Search, ada *slots.Person) { ada.Busy = on(t, day, "10:30-11:00 13:00-15:00") }, "09 11 12 15 16"},
		"busy times in any way": {func(_ *slots.Search, ada *slots.Person) { ada.Busy = on(t, day, "13:00-15:00 10:00-11:00 13:30-14:00") }, "09 11 12 15 16"},
		"busy by a second": {func(_ *slots.Search, ada *slots.Person) {
			ada.Busy = []crm.Span{{Start: at(t, day+" 10:00").Add(-time.Nanosecond), End: at(t, day+" 11:00").Add(time.Nanosecond)}}
		}, "12 13 14 15 16"},
		"buffer": {func(s *slots.Search, ada *slots.Person) {
			s.Buffer = 15 * time.Minute
			ada.Busy = on(t, day, "10:00-10:45 13:00-13:30")
		}, "11 14 15 16"},
		"buffer need not be in one's hours": {func(s *slots.Search, _ *slots.Person) { s.Buffer = time.Hour }, "09 10 11 12 13 14 15 16"},
		"time off":                          {func(_ *slots.Search, ada *slots.Person) { ada.TimeOff = on(t, day, "11:00-17:00") }, "09 10"},
		"time off has no buffer": {func(s *slots.Search, ada *slots.Person) {
			s.Buffer = time.Hour
			ada.TimeOff = on(t, day, "11:00-17:00")
		}, "09 10"},
		"an interview is busy": {func(_ *slots.Search, ada *slots.Person) { ada.Interviews = on(t, day, "12:00-13:00") }, "09 10 11 13 14 15 16"},
		"gap between interviews": {func(_ *slots.Search, ada *slots.Person) {
			ada.MinGap, ada.Interviews = time.Hour, on(t, day, "12:00-13:00")
		}, "09 10 14 15 16"},
		"gap is none to appointments": {func(_ *slots.Search, ada *slots.Person) {
			ada.MinGap, ada.Busy = time.Hour, on(t, day, "12:00-13:00")
		}, "09 10 11 13 14 15 16"},
		"daily limit": {func(_ *slots.Search, ada *slots.Person) {
			ada.DailyLimit, ada.Interviews = 2, on(t, day, "09:00-10:00 12:00-13:00")
		}, ""},
		"below the daily limit": {func(_ *slots.Search, ada *slots.Person) {
			ada.DailyLimit, ada.Interviews = 2, append(on(t, day, "09:00-10:00"), on(t, "2026-03-03", "12:00-13:00 14:00-15:00")...)
		}, "10 11 12 13 14 15 16"},
		"daily limit is by one's own date": {func(_ *slots.Search, ada *slots.Person) { // 20:00 on Sunday in New York
			ada.Zone, ada.DailyLimit, ada.Interviews = "America/New_York", 1, on(t, day, "01:00-02:00")
		}, "14 15 16 17 18 19 20 21"},
		"weekly limit, from Monday to Sunday": {func(_ *slots.Search, ada *slots.Person) {
			ada.WeeklyLimit, ada.Interviews = 1, on(t, "2026-03-08", "23:00-23:30")
		}, ""},
		"Sunday before is another week": {func(_ *slots.Search, ada *slots.Person) {
			ada.WeeklyLimit, ada.Interviews = 1, append(on(t, "2026-03-01", "12:00-13:00"), on(t, "2026-03-09", "12:00-13:00")...)
		}, "09 10 11 12 13 14 15 16"},
		"holiday": {func(s *slots.Search, _ *slots.Person) {
			s.Holiday = func(date time.Time) bool { return date.Equal(time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)) }
		}, ""},
		"holiday where one is": {func(s *slots.Search, ada *slots.Person) { // Monday in Auckland begins at 11:00 on Sunday
			s.Now, ada.Zone = s.Now.Add(-2*time.Hour), "Pacific/Auckland"
			s.Holiday = func(date time.Time) bool { return date.Equal(time.Date(2026, 3, 3, 0, 0, 0, 0, time.UTC)) }
		}, "22 23 00 01 02 03"},
		"notice":               {func(s *slots.Search, _ *slots.Person) { s.NotBefore = at(t, day+" 14:00") }, "14 15 16"},
		"notice is not over":   {func(s *slots.Search, _ *slots.Person) { s.NotBefore = at(t, day+" 14:00").Add(time.Nanosecond) }, "15 16"},
		"nothing that is past": {func(s *slots.Search, _ *slots.Person) { s.Now = at(t, day+" 13:20") }, "14 15 16"},
		"the last start":       {func(s *slots.Search, _ *slots.Person) { s.Until = at(t, day+" 11:00") }, "09 10"},
		"candidate is busy":    {func(s *slots.Search, _ *slots.Person) { s.Candidate.Busy = on(t, day, "10:00-12:30") }, "09 13 14 15 16"},
		"decent hours for the candidate": { // 22:00 in Tokyo is 13:00
			func(s *slots.Search, _ *slots.Person) { s.Candidate.Zone = zone(t, "Asia/Tokyo") }, "09 10 11 12",
		},
		"early for the candidate": { // 07:00 in New York is noon
			func(s *slots.Search, _ *slots.Person) { s.Candidate.Zone = zone(t, "America/New_York") }, "12 13 14 15 16",
		},
		"quarters": {func(s *slots.Search, _ *slots.Person) {
			s.Step, s.Hours = 0, crm.DayPart{From: 9*60 + 10, To: 10*60 + 50}
		}, "09:15 09:30 09:45"},
		"starts are on the workspace's clock": {func(s *slots.Search, ada *slots.Person) { // Kathmandu is 5:45 ahead
			s.Zone, ada.Zone = zone(t, "Asia/Kathmandu"), "Europe/London"
		}, "09:15 10:15 11:15 12:15 13:15 14:15 15:15"},
		"somebody who left": {func(_ *slots.Search, ada *slots.Person) { ada.Active = false }, ""},
		"a trainee":         {func(_ *slots.Search, ada *slots.Person) { ada.Trainee = true }, ""},
		"not to be asked":   {func(s *slots.Search, _ *slots.Person) { s.Without = []string{"ada"} }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := monday(t)
			c.change(&s, &s.People[0])
			if got := starts(t, s); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// Hours are what clocks show, also on days of 23 and 25 hours, and apart by another number of hours in some weeks.
func TestClockChanges(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		date   string
		change func(s *slots.Search, ada *slots.Person)
		want   string // on clocks in London, or in UTC
		utc    bool
	}{
		"before London goes forward": {date: "2026-03-27", want: "09 10 11 12 13 14 15 16", utc: true},
		"after London went forward":  {date: "2026-03-30", want: "08 09 10 11 12 13 14 15", utc: true},
		"an hour that is skipped": {"2026-03-29", func(s *slots.Search, _ *slots.Person) {
			s.Office = daily([]crm.DayPart{part(0, 4)}, time.Sunday)
		}, "00 02 03", false},
		"hours that begin in a skipped hour": {"2026-03-29", func(s *slots.Search, _ *slots.Person) {
			s.Office = daily([]crm.DayPart{{From: 90, To: 240}}, time.Sunday)
		}, "02 03", false},
		"an hour that comes twice": {"2026-10-25", func(s *slots.Search, _ *slots.Person) {
			s.Office = daily([]crm.DayPart{part(0, 3)}, time.Sunday)
		}, "23 00 01 02", true},
		"an interview over an hour that comes twice": {"2026-10-25", func(s *slots.Search, _ *slots.Person) {
			s.Length, s.Office = 3*time.Hour, daily([]crm.DayPart{part(0, 3)}, time.Sunday)
		}, "23 00", true},
		"New York is four hours behind": {"2026-03-09", func(_ *slots.Search, ada *slots.Person) {
			ada.Zone = "America/New_York"
		}, "13 14 15 16 17 18 19 20", false},
		"a limit of a long day": {"2026-10-25", func(s *slots.Search, ada *slots.Person) {
			s.Office = daily([]crm.DayPart{part(0, 24)}, everyday()...)
			ada.DailyLimit, ada.Interviews = 1, on(t, "2026-10-25", "00:00-00:30")
		}, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := monday(t)
			s.Now = at(t, c.date+" 00:00")
			s.Until = s.Now.AddDate(0, 0, 1)
			if c.change != nil {
				c.change(&s, &s.People[0])
			}
			loc := s.Zone
			if c.utc {
				loc = time.UTC
			}
			if got := clocks(find(t, s).Starts(), loc); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestSearchesThatAskNothing(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(s *slots.Search){
		"no seats":           func(s *slots.Search) { s.Seats = nil },
		"no length":          func(s *slots.Search) { s.Length = 0 },
		"longer than a day":  func(s *slots.Search) { s.Length = 25 * time.Hour },
		"negative buffer":    func(s *slots.Search) { s.Buffer = -time.Minute },
		"a step of seconds":  func(s *slots.Search) { s.Step = time.Second },
		"an uneven step":     func(s *slots.Search) { s.Step = 7 * time.Minute },
		"years":              func(s *slots.Search) { s.Step, s.Until = 0, s.Now.AddDate(2, 0, 0) },
		"the same one twice": func(s *slots.Search) { s.People = append(s.People, s.People[0]) },
		"no such zone":       func(s *slots.Search) { s.People[0].Zone = "Europe/Londinium" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := monday(t)
			change(&s)
			if _, err := slots.New(s); err == nil {
				t.Error("not refused")
			}
		})
	}
}
