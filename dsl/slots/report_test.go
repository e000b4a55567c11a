package slots_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl/slots"
)

//nolint:gochecknoglobals // a flag of the test binary
var update = flag.Bool("update", false, "write the golden files")

// fortnight is a search for an hour of a lead and the hiring manager, from Monday, 2 March 2026.
func fortnight(tb testing.TB) slots.Search {
	tb.Helper()
	s := monday(tb)
	s.Seats = []slots.Seat{{Group: "backend-leads", Any: 1}, {Person: "hm"}}
	s.People = []slots.Person{person("ada", "backend-leads"), person("bo", "backend-leads"), person("hm", "")}
	s.People[2].Name = "Grace Hopper"
	s.Buffer, s.Step, s.Hours = 15*time.Minute, 0, part(10, 16)
	s.Now, s.NotBefore, s.Until = at(tb, "2026-03-02 09:00"), at(tb, "2026-03-04 09:00"), at(tb, "2026-03-16 09:00")
	s.Count = 4
	return s
}

func TestReportText(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(s *slots.Search){
		"times": func(*slots.Search) {},
		"away-and-busy": func(s *slots.Search) {
			s.People[0].TimeOff = []crm.Span{{Start: at(t, "2026-02-23 00:00"), End: at(t, "2026-03-10 00:00")}}
			for d := range 14 {
				day := s.Now.AddDate(0, 0, d).Format(time.DateOnly)
				s.People[0].Busy = append(s.People[0].Busy, on(t, day, "10:00-11:00 12:00-13:00 14:00-15:00 16:00-17:00")...)
				s.People[1].Busy = append(s.People[1].Busy, on(t, day, "11:05-11:20 12:30-13:00 14:10-15:00")...)
			}
		},
		"never-at-once": func(s *slots.Search) {
			s.People = s.People[1:]
			s.People[0].Hours = daily([]crm.DayPart{part(9, 12)}, workdays()...)
			s.People[1].Hours = daily([]crm.DayPart{part(13, 17)}, workdays()...)
		},
		"limits": func(s *slots.Search) {
			s.People[0].WeeklyLimit, s.People[1].DailyLimit, s.People[1].MinGap = 1, 1, 2*time.Hour
			s.People[0].Interviews = append(on(t, "2026-03-03", "10:00-11:00"), on(t, "2026-03-10", "10:00-11:00")...)
			s.People[1].Interviews = append(on(t, "2026-03-05", "10:00-11:00"), on(t, "2026-03-09", "10:00-11:00")...)
			s.People[2].MinGap, s.People[2].Interviews = 2*time.Hour, on(t, "2026-03-06", "10:00-11:00")
			s.Holiday = func(date time.Time) bool { return date.Day() == 12 }
		},
		"candidate-far-away": func(s *slots.Search) {
			s.Candidate.Zone = zone(t, "Australia/Sydney")
			s.Candidate.Busy = on(t, "2026-03-05", "10:00-10:30")
		},
		"same-people-twice": func(s *slots.Search) {
			s.Seats = []slots.Seat{{Group: "backend-leads", Any: 1}, {Group: "peers", Any: 1}}
			s.People = []slots.Person{person("ada", "backend-leads peers")}
		},
		"nobody-is-there": func(s *slots.Search) {
			s.Seats = []slots.Seat{{Group: "backend-leads", Any: 3}, {Group: "designers"}, {Person: "gone"}, {}}
		},
		"everybody": func(s *slots.Search) {
			s.Seats = []slots.Seat{{Group: "backend-leads"}, {Group: "peers", Any: 2}}
			s.People = append(s.People, person("di", "peers"), person("ed", "peers"))
			s.People[1].TimeOff = []crm.Span{{Start: at(t, "2026-03-04 12:00"), End: at(t, "2027-01-01 00:00")}}
			s.People[4].TimeOff = []crm.Span{{Start: at(t, "2026-01-01 00:00"), End: at(t, "2026-03-04 14:00")}}
		},
		"too-soon": func(s *slots.Search) { s.NotBefore = s.Until },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := fortnight(t)
			change(&s)
			offered := find(t, s).Offer()
			var b strings.Builder
			b.WriteString(offered.Report.Text())
			for _, slot := range offered.Slots {
				b.WriteString("\n" + slot.Start.In(s.Zone).Format("Mon 2 Jan 15:04") + "\n")
				for _, p := range slot.Panel {
					b.WriteString("  " + p.Person + ": " + p.Why() + "\n")
				}
			}
			golden(t, name+".txt", b.String())
		})
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
	}
}

// Reasons are words wherever they are written down.
func TestReasonsAreWords(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for r := slots.Possible; r <= slots.Gap; r++ {
		if word := r.String(); word == "unknown" || seen[word] {
			t.Errorf("%d is %q", r, word)
		}
		seen[r.String()] = true
	}
	got, err := json.Marshal(map[slots.Reason]int{slots.TimeOff: 2})
	if err != nil || string(got) != `{"time_off":2}` {
		t.Errorf("got %s, %v", got, err)
	}
	if got := (slots.Gap + 1).String(); got != "unknown" {
		t.Errorf("got %q", got)
	}
}
