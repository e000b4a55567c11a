package slots_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl/slots"
)

// crowd is a search for a panel of six out of groups of twenty, over fifteen working days with five appointments each. With shared,
// everybody is in the next group too.
func crowd(b *testing.B, shared bool) slots.Search {
	b.Helper()
	s := slots.Search{
		Length: time.Hour, Buffer: 15 * time.Minute, Office: daily([]crm.DayPart{part(9, 18)}, workdays()...), Zone: zone(b, "Europe/London"),
		Now: at(b, "2026-03-16 08:00"), NotBefore: at(b, "2026-03-18 08:00"), Until: at(b, "2026-04-06 08:00"), Count: 6,
		Holiday:   func(date time.Time) bool { return date.Day() == 3 },
		Candidate: slots.Candidate{Zone: zone(b, "America/New_York")},
	}
	zones := []string{"Europe/London", "Europe/Berlin", "America/New_York", "Asia/Kolkata"}
	for seat := range 6 {
		group := fmt.Sprintf("group-%d", seat)
		s.Seats = append(s.Seats, slots.Seat{Group: group, Any: 1})
		for i := range 20 {
			p := person(fmt.Sprintf("p%d-%d", seat, i), group)
			if shared {
				p.Groups = append(p.Groups, fmt.Sprintf("group-%d", (seat+1)%6))
			}
			p.Zone, p.Recent, p.DailyLimit, p.WeeklyLimit, p.MinGap = zones[i%4], (i*7+seat)%9, 2, 6, 30*time.Minute
			for day := range 21 {
				for n := range 5 {
					start := s.Now.AddDate(0, 0, day).Add(time.Duration((i*37+seat*11+day*53+n*113)%540) * time.Minute)
					busy := crm.Span{Start: start, End: start.Add(45 * time.Minute)}
					p.Busy = append(p.Busy, busy)
					if n == 0 && day%3 == 0 {
						p.Interviews = append(p.Interviews, busy)
					}
				}
			}
			s.People = append(s.People, p)
		}
	}
	return s
}

// A panel of six out of groups of twenty over fifteen working days, from the question to the slots. The goal is 20 ms.
func BenchmarkOffer(b *testing.B) {
	for name, shared := range map[string]bool{"groups apart": false, "groups overlap": true} {
		b.Run(name, func(b *testing.B) {
			s := crowd(b, shared)
			found := 0
			for b.Loop() {
				f, err := slots.New(s)
				if err != nil {
					b.Fatal(err)
				}
				o := f.Offer()
				if found = o.Report.Fit; len(o.Slots) != s.Count {
					b.Fatalf("%d slots of %d possible\n%s", len(o.Slots), found, o.Report.Text())
				}
			}
			b.ReportMetric(float64(found), "possible")
		})
	}
}

// The baseline: the same starts, each against every appointment of everybody, and nothing else: no hours, limits or panels.
func BenchmarkPlainScan(b *testing.B) {
	s := crowd(b, false)
	for b.Loop() {
		free := 0
		for start := s.Now; start.Before(s.Until); start = start.Add(15 * time.Minute) {
			around := crm.Span{Start: start.Add(-s.Buffer), End: start.Add(s.Length + s.Buffer)}
			for i := range s.People {
				taken := false
				for _, busy := range s.People[i].Busy {
					taken = taken || around.Overlaps(busy)
				}
				if !taken {
					free++
				}
			}
		}
		if free == 0 {
			b.Fatal("nobody is free")
		}
	}
}
