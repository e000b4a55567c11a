package slots_test

import (
	"strings"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl/slots"
)

// recent gives somebody a number of recent interviews.
func recent(p slots.Person, n int) slots.Person {
	p.Recent = n
	return p
}

// away gives somebody time off until the afternoon.
func away(tb testing.TB, p slots.Person) slots.Person {
	tb.Helper()
	p.TimeOff = on(tb, "2026-03-02", "00:00-12:00")
	return p
}

func weight(p slots.Person, n int) slots.Person {
	p.Weight = n
	return p
}

func trainee(p slots.Person) slots.Person {
	p.Trainee = true
	return p
}

func TestWhoHoldsAnInterview(t *testing.T) {
	t.Parallel()
	anyOf := func(n int, group string) slots.Seat { return slots.Seat{Any: n, Group: group} }
	for name, c := range map[string]struct {
		seats  []slots.Seat
		people []slots.Person
		prefer string
		want   string // at nine, with shadows in brackets
	}{
		"who had the fewest": {
			[]slots.Seat{anyOf(1, "leads")}, []slots.Person{recent(person("ada", "leads"), 3), recent(person("bo", "leads"), 2)}, "", "bo",
		},
		"the first id of as few": {
			[]slots.Seat{anyOf(1, "leads")}, []slots.Person{recent(person("bo", "leads"), 2), recent(person("ada", "leads"), 2)}, "", "ada",
		},
		"for their weight": {
			[]slots.Seat{anyOf(1, "leads")}, []slots.Person{weight(recent(person("bo", "leads"), 5), 2), recent(person("ada", "leads"), 3)}, "", "bo",
		},
		"two of them": {
			[]slots.Seat{anyOf(2, "leads")},
			[]slots.Person{recent(person("ada", "leads"), 1), recent(person("bo", "leads"), 2), person("cy", "leads")},
			"", "ada cy",
		},
		"who is free": {
			[]slots.Seat{anyOf(1, "leads")}, []slots.Person{away(t, person("ada", "leads")), recent(person("bo", "leads"), 9)}, "", "bo",
		},
		"who held it before": {
			[]slots.Seat{anyOf(1, "leads")}, []slots.Person{person("ada", "leads"), recent(person("bo", "leads"), 9)}, "bo", "bo",
		},
		"who held it before is away": {
			[]slots.Seat{anyOf(1, "leads")}, []slots.Person{person("ada", "leads"), away(t, person("bo", "leads"))}, "bo", "ada",
		},
		"as many as held it before": { // ada alone could be kept too, in either seat
			[]slots.Seat{anyOf(1, "leads"), anyOf(1, "peers")},
			[]slots.Person{recent(person("ada", "leads peers"), 9), recent(person("bo", "leads"), 9), person("cy", "leads peers")},
			"ada bo", "ada bo",
		},
		"the only one for the second seat": {
			[]slots.Seat{anyOf(1, "leads"), anyOf(1, "peers")},
			[]slots.Person{person("ada", "leads peers"), recent(person("bo", "leads"), 9)},
			"", "ada bo",
		},
		"a chain of three": {
			[]slots.Seat{anyOf(1, "x"), anyOf(1, "y"), anyOf(1, "z")},
			[]slots.Person{person("ada", "x y"), person("bo", "y z"), recent(person("cy", "x"), 5)},
			"", "ada bo cy",
		},
		"nobody sits twice": {
			[]slots.Seat{anyOf(1, "leads"), anyOf(1, "peers")}, []slots.Person{person("ada", "leads peers")}, "", "none",
		},
		"everybody but trainees": {
			[]slots.Seat{{Group: "leads"}},
			[]slots.Person{person("ada", "leads"), person("bo", "leads"), trainee(person("cy", "leads"))},
			"",
			"ada bo (cy)",
		},
		"not everybody is free": {
			[]slots.Seat{{Group: "leads"}}, []slots.Person{person("ada", "leads"), away(t, person("bo", "leads"))}, "", "none",
		},
		"everybody of nobody": {[]slots.Seat{{Group: "leads"}}, []slots.Person{person("ada", "peers")}, "", "none"},
		"trainees do not count": {
			[]slots.Seat{anyOf(2, "leads")}, []slots.Person{person("ada", "leads"), trainee(person("bo", "leads"))}, "", "none",
		},
		"trainees can watch, who has seen least first": {
			[]slots.Seat{anyOf(1, "leads")},
			[]slots.Person{
				person("ada", "leads"), recent(trainee(person("bo", "leads")), 4), trainee(person("cy", "leads")), trainee(person("di", "peers")),
				away(t, trainee(person("ed", "leads"))),
			},
			"", "ada (cy bo)",
		},
		"the hiring manager": {
			[]slots.Seat{anyOf(1, "leads"), {Person: "hm"}}, []slots.Person{person("ada", "leads"), person("hm", "")}, "", "ada hm",
		},
		"the hiring manager is one of the group, and takes no other seat": {
			[]slots.Seat{anyOf(1, "leads"), {Person: "hm"}}, []slots.Person{recent(person("ada", "leads"), 7), person("hm", "leads")}, "", "ada hm",
		},
		"the hiring manager alone is the group": {
			[]slots.Seat{anyOf(1, "leads"), {Person: "hm"}}, []slots.Person{person("hm", "leads")}, "", "none",
		},
		"the hiring manager is one of everybody": {
			[]slots.Seat{{Group: "leads"}, {Person: "hm"}}, []slots.Person{person("ada", "leads"), person("hm", "leads")}, "", "ada hm",
		},
		"the hiring manager is away": {
			[]slots.Seat{anyOf(1, "leads"), {Person: "hm"}}, []slots.Person{person("ada", "leads"), away(t, person("hm", ""))}, "", "none",
		},
		"no hiring manager is known": {[]slots.Seat{{}}, []slots.Person{person("ada", "leads")}, "", "none"},
		"one of everybody is not one of any": {
			[]slots.Seat{{Group: "seniors"}, anyOf(1, "leads")},
			[]slots.Person{person("ada", "seniors leads"), recent(person("bo", "leads"), 9)},
			"", "ada bo",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := monday(t)
			s.Seats, s.People, s.Prefer = c.seats, c.people, strings.Fields(c.prefer)
			got := "none"
			if slot, ok := find(t, s).At(at(t, "2026-03-02 09:00")); ok {
				got = panel(slot)
				if len(slot.Shadows) > 0 {
					got += " (" + strings.Join(slot.Shadows, " ") + ")"
				}
			}
			if got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestWhyItIsThisPerson(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]struct {
		seat   slots.Seat
		people []slots.Person
	}{
		"2 interviews in 4 weeks, fewest of 2": {
			slots.Seat{Any: 1, Group: "leads"}, []slots.Person{recent(person("ada", "leads"), 2), recent(person("bo", "leads"), 3)},
		},
		"3 interviews in 4 weeks at weight 2, fewest of 2": {
			slots.Seat{Any: 1, Group: "leads"}, []slots.Person{weight(recent(person("ada", "leads"), 3), 2), recent(person("bo", "leads"), 2)},
		},
		"1 interview in 4 weeks, the only one who can": {
			slots.Seat{Any: 1, Group: "leads"}, []slots.Person{recent(person("ada", "leads"), 1), away(t, person("bo", "leads"))},
		},
		"has to be there": {slots.Seat{Person: "ada"}, []slots.Person{person("ada", "")}},
		"chosen before":   {slots.Seat{Any: 1, Group: "leads"}, []slots.Person{recent(person("old", "leads"), 5), person("bo", "leads")}},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			s := monday(t)
			s.Seats, s.People, s.Prefer = []slots.Seat{c.seat}, c.people, []string{"old"}
			slot, ok := find(t, s).At(at(t, "2026-03-02 09:00"))
			if !ok || slot.Panel[0].Why() != want {
				t.Errorf("got %+v", slot.Panel)
			}
		})
	}
}

func TestOneTime(t *testing.T) {
	t.Parallel()
	s := monday(t)
	s.NotBefore = at(t, "2026-03-02 10:00")
	s.People[0].Busy = on(t, "2026-03-02", "12:00-13:00")
	f := find(t, s)
	for shown, want := range map[string]string{
		"09:30": " notice", "10:07": "", "11:30": "ada busy", "16:00": "", "16:01": "ada outside_hours", "23:00": "ada outside_hours",
	} {
		start := at(t, "2026-03-02 "+shown)
		slot, ok := f.At(start)
		if ok != (want == "") || ok && !slot.Start.Equal(start) {
			t.Errorf("%s: possible %v, %v", shown, ok, slot.Span)
		}
		var why []string
		for _, r := range f.Why(start) {
			why = append(why, r.Person+" "+r.Why.String())
		}
		if got := strings.Join(why, ", "); got != want {
			t.Errorf("%s: because %q, want %q", shown, got, want)
		}
	}
}

func TestReplace(t *testing.T) {
	t.Parallel()
	anyOf := func(n int, group string) slots.Seat { return slots.Seat{Any: n, Group: group} }
	booked := func(p slots.Person) slots.Person { // is in this very interview
		p.Interviews = on(t, "2026-03-02", "09:00-10:00")
		return p
	}
	for name, c := range map[string]struct {
		seats  []slots.Seat
		people []slots.Person
		panel  string
		who    string
		want   string
	}{
		"the fairest of the others": {
			[]slots.Seat{anyOf(1, "leads")},
			[]slots.Person{booked(person("ada", "leads")), recent(person("bo", "leads"), 3), recent(person("cy", "leads"), 2)},
			"ada", "ada", "cy",
		},
		"the rest stays, though they are busy with it, and others had fewer": {
			[]slots.Seat{anyOf(2, "leads")},
			[]slots.Person{booked(person("ada", "leads")), booked(recent(person("bo", "leads"), 9)), person("cy", "leads"), person("di", "leads")},
			"ada bo", "ada", "bo cy",
		},
		"the rest moves over": {
			[]slots.Seat{anyOf(1, "leads"), anyOf(1, "peers")},
			[]slots.Person{booked(person("ada", "leads peers")), booked(person("bo", "leads")), person("cy", "peers")},
			"ada bo", "bo", "ada cy",
		},
		"the rest cannot move over": {
			[]slots.Seat{anyOf(1, "leads"), anyOf(1, "peers")},
			[]slots.Person{booked(person("ada", "leads")), booked(person("bo", "peers")), person("cy", "leads")},
			"ada bo", "bo", "none",
		},
		"nobody is free": {
			[]slots.Seat{anyOf(1, "leads")}, []slots.Person{person("ada", "leads"), away(t, person("bo", "leads"))}, "ada", "ada", "none",
		},
		"nobody replaces the hiring manager": {
			[]slots.Seat{anyOf(1, "leads"), {Person: "hm"}},
			[]slots.Person{person("ada", "leads"), person("hm", "leads"), person("bo", "leads")},
			"ada hm", "hm", "none",
		},
		"nobody replaces one of everybody": {
			[]slots.Seat{{Group: "leads"}}, []slots.Person{person("ada", "leads"), person("bo", "leads")}, "ada bo", "ada", "none",
		},
		"the hiring manager stays": {
			[]slots.Seat{anyOf(1, "leads"), {Person: "hm"}},
			[]slots.Person{person("ada", "leads"), booked(person("hm", "")), person("bo", "leads")},
			"ada hm", "ada", "bo hm",
		},
		"who left the group is replaced as well": {
			[]slots.Seat{anyOf(2, "leads")},
			[]slots.Person{person("ada", "leads"), booked(person("bo", "peers")), person("cy", "leads"), person("di", "leads")},
			"ada bo", "ada", "cy di",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := monday(t)
			s.Seats, s.People, s.NotBefore = c.seats, c.people, at(t, "2026-03-02 15:00") // no notice is left
			got := "none"
			if slot, ok := find(t, s).Replace(at(t, "2026-03-02 09:00"), strings.Fields(c.panel), c.who); ok {
				got = panel(slot)
			}
			if got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestSlotsAreSpread(t *testing.T) {
	t.Parallel()
	const week = 7 * 24 * time.Hour
	for name, c := range map[string]struct {
		change func(s *slots.Search)
		want   string
	}{
		"a day each, at other hours": {
			func(s *slots.Search) { s.Count = 5 }, "Mon 09:00, Tue 12:00, Wed 10:00, Thu 13:00, Fri 11:00",
		},
		"days again when they are used up": {
			func(s *slots.Search) { s.Count = 7 },
			"Mon 09:00, Mon 14:00, Tue 12:00, Tue 15:00, Wed 10:00, Thu 13:00, Fri 11:00",
		},
		"one day alone": {
			func(s *slots.Search) { s.Count, s.Until = 4, s.Now.AddDate(0, 0, 1) }, "Mon 09:00, Mon 10:00, Mon 12:00, Mon 13:00",
		},
		"no two overlap while others are left": {
			func(s *slots.Search) {
				s.Count, s.Step, s.Until = 3, 15*time.Minute, s.Now.AddDate(0, 0, 1)
				s.People[0].Hours = daily([]crm.DayPart{part(9, 12)}, time.Monday)
			}, "Mon 09:00, Mon 10:00, Mon 11:00",
		},
		"then they do": {
			func(s *slots.Search) {
				s.Count, s.Step, s.Until = 3, 30*time.Minute, s.Now.AddDate(0, 0, 1)
				s.People[0].Hours = daily([]crm.DayPart{part(9, 11)}, time.Monday)
			}, "Mon 09:00, Mon 09:30, Mon 10:00",
		},
		"fewer than asked for": {
			func(s *slots.Search) { s.Count, s.Until = 10, at(t, "2026-03-02 12:00") }, "Mon 09:00, Mon 10:00, Mon 11:00",
		},
		"in the candidate's days": { // three in the afternoon in London is midnight in Tokyo; they are asked until 22:00
			func(s *slots.Search) { s.Count, s.Candidate.Zone = 3, zone(t, "Asia/Tokyo") }, "Mon 09:00, Tue 10:00, Wed 11:00",
		},
		"none": {func(s *slots.Search) { s.People = nil }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := monday(t)
			s.Until = s.Now.Add(week)
			c.change(&s)
			var got []string
			for _, slot := range find(t, s).Offer().Slots {
				got = append(got, slot.Start.In(s.Zone).Format("Mon 15:04"))
			}
			if strings.Join(got, ", ") != c.want {
				t.Errorf("got  %s\nwant %s", strings.Join(got, ", "), c.want)
			}
		})
	}
}
