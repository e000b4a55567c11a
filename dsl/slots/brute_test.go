package slots_test

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl/slots"
)

// brute answers searches by trying everything: every minute of every interview, every panel there is.
type brute struct {
	slots.Search
	asFree []string // people who are free whatever their calendars say
}

// can tells whether a person could hold an interview at a time, by reading clocks.
func (b *brute) can(p *slots.Person, start time.Time) bool {
	if !p.Active || slices.Contains(b.Without, p.ID) {
		return false
	}
	if slices.Contains(b.asFree, p.ID) {
		return true
	}
	loc := b.Zone
	if p.Zone != "" {
		loc, _ = time.LoadLocation(p.Zone)
	}
	end := start.Add(b.Length)
	for at := start; at.Before(end); at = at.Add(time.Minute) {
		local := at.In(loc)
		if !b.works(p, local) || b.Holiday(time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, time.UTC)) {
			return false
		}
	}
	near := func(spans []crm.Span, d time.Duration) bool {
		return slices.ContainsFunc(spans, func(s crm.Span) bool {
			return !s.IsEmpty() && s.Start.Before(end.Add(d)) && start.Add(-d).Before(s.End)
		})
	}
	if near(p.TimeOff, 0) || near(p.Busy, b.Buffer) || near(p.Interviews, max(b.Buffer, p.MinGap)) {
		return false
	}
	days, weeks := 0, 0
	year, week := start.In(loc).ISOWeek()
	for _, i := range p.Interviews {
		if i.Start.In(loc).Format(time.DateOnly) == start.In(loc).Format(time.DateOnly) {
			days++
		}
		if y, w := i.Start.In(loc).ISOWeek(); y == year && w == week {
			weeks++
		}
	}
	return (p.DailyLimit == 0 || days < p.DailyLimit) && (p.WeeklyLimit == 0 || weeks < p.WeeklyLimit)
}

// works tells whether a minute on a clock is one in which a person works.
func (b *brute) works(p *slots.Person, local time.Time) bool {
	minute := local.Hour()*60 + local.Minute()
	in := func(d crm.DayPart) bool { return d.From <= minute && minute < d.To }
	offered := b.Hours == crm.DayPart{} || in(b.Hours)
	if own := p.Hours[local.Weekday()]; !p.Hours.IsZero() {
		return offered && slices.ContainsFunc(own, in)
	}
	office := b.Office[local.Weekday()]
	if b.Hours == (crm.DayPart{}) {
		return slices.ContainsFunc(office, in)
	}
	return offered && len(office) > 0
}

// allowed tells whether a time is one for the candidate, and not too soon.
func (b *brute) allowed(start time.Time) bool {
	end := start.Add(b.Length)
	if zone := b.Candidate.Zone; zone != nil {
		for at := start; at.Before(end); at = at.Add(time.Minute) {
			if hour := at.In(zone).Hour(); hour < 7 || hour >= 22 {
				return false
			}
		}
	}
	meets := crm.Span{Start: start, End: end}
	return !start.Before(b.NotBefore) && start.Before(b.Until) && !slices.ContainsFunc(b.Candidate.Busy, meets.Overlaps)
}

// panels returns every set of people who can hold an interview at a time, sorted by id. One person per place is tried for each.
func (b *brute) panels(start time.Time) [][]string {
	var must []string
	var places []string // a group each
	for _, s := range b.Seats {
		var named []string
		for _, p := range b.People {
			if s.Group == "" && p.ID == s.Person || s.Group != "" && s.Any == 0 && !p.Trainee && p.InGroup(s.Group) && p.Active && !slices.Contains(b.Without, p.ID) {
				named = append(named, p.ID)
			}
		}
		for range s.Any {
			places = append(places, s.Group)
		}
		if s.Any == 0 && len(named) == 0 {
			return nil
		}
		must = append(must, named...)
	}
	slices.Sort(must)
	must = slices.Compact(must)
	for _, id := range must {
		if at := slices.IndexFunc(b.People, func(p slots.Person) bool { return p.ID == id }); !b.can(&b.People[at], start) {
			return nil
		}
	}
	var all [][]string
	var place func(at int, sitting []string)
	place = func(at int, sitting []string) {
		if at == len(places) {
			set := slices.Clone(sitting)
			slices.Sort(set)
			all = append(all, set)
			return
		}
		for i := range b.People {
			p := &b.People[i]
			if p.InGroup(places[at]) && !p.Trainee && !slices.Contains(sitting, p.ID) && b.can(p, start) {
				place(at+1, append(slices.Clone(sitting), p.ID))
			}
		}
	}
	place(0, must)
	slices.SortFunc(all, slices.Compare)
	return slices.CompactFunc(all, slices.Equal)
}

// ranks are the places of some people in the order in which all are asked, sorted.
func (b *brute) ranks(ids []string) []int {
	people := slices.Clone(b.People)
	share := func(p slots.Person) float64 { return float64(p.Recent) / float64(max(p.Weight, 1)) }
	slices.SortFunc(people, func(p, q slots.Person) int {
		a, c := slices.Contains(b.Prefer, p.ID), slices.Contains(b.Prefer, q.ID)
		if a != c {
			if a {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(share(p), share(q)), cmp.Compare(p.ID, q.ID))
	})
	var ranks []int
	for i, p := range people {
		if slices.Contains(ids, p.ID) {
			ranks = append(ranks, i)
		}
	}
	return ranks
}

// draws makes random parts of a search. What comes first in a list is drawn most often.
type draws struct {
	*rapid.T
	now time.Time
}

func (d draws) zone() *time.Location {
	name := rapid.SampledFrom([]string{"Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"}).Draw(d.T, "zone")
	loc, err := time.LoadLocation(name)
	if err != nil {
		d.Fatal(err)
	}
	return loc
}

func (d draws) rarely(label string) bool {
	return rapid.SampledFrom([]bool{false, false, false, false, false, true}).Draw(d.T, label)
}

// quarters is one of some numbers of quarters of an hour.
func (d draws) quarters(label string, of ...int) time.Duration {
	return time.Duration(rapid.SampledFrom(of).Draw(d.T, label)) * 15 * time.Minute
}

func (d draws) spans(most int, label string, lengths ...int) []crm.Span {
	var list []crm.Span
	for range rapid.IntRange(0, most).Draw(d.T, label) {
		start := d.now.Add(time.Duration(rapid.IntRange(0, 4*24*12).Draw(d.T, label)) * 5 * time.Minute)
		list = append(list, crm.Span{Start: start, End: start.Add(d.quarters(label, lengths...))})
	}
	return list
}

// hours are times of day at which no zone changes its clocks.
func (d draws) hours() (h crm.Hours) {
	for day := range h {
		h[day] = rapid.SampledFrom([][]crm.DayPart{
			{part(9, 17)}, {part(6, 22)}, {part(9, 12), part(13, 17)}, {part(14, 18), part(10, 14)}, {{From: 10*60 + 10, To: 12*60 + 40}}, nil,
		}).Draw(d.T, "hours")
	}
	return h
}

func (d draws) person(id string) slots.Person {
	p := slots.Person{
		Interviewer: crm.Interviewer{
			ID: id, Groups: rapid.SampledFrom([][]string{{"x", "y"}, {"x"}, {"y", "z"}, {"x", "y", "z"}, {"z"}}).Draw(d.T, "groups"),
			DailyLimit: rapid.SampledFrom([]int{0, 2, 1}).Draw(d.T, "daily"), WeeklyLimit: rapid.SampledFrom([]int{0, 3, 2}).Draw(d.T, "weekly"),
			MinGap: d.quarters("gap", 0, 2, 8), Weight: rapid.SampledFrom([]int{1, 2, 3, 0}).Draw(d.T, "weight"),
			Trainee: d.rarely("trainee"), Active: !d.rarely("left"), TimeOff: d.spans(1, "off", 20, 96, 0),
		},
		Busy: d.spans(4, "busy", 4, 2, 20, 0), Interviews: d.spans(2, "interviews", 4, 3), Recent: rapid.SampledFrom([]int{2, 3, 4, 1, 0}).Draw(d.T, "recent"),
	}
	if rapid.Bool().Draw(d.T, "own hours") {
		p.Hours = d.hours()
	}
	if d.rarely("own zone") {
		p.Zone = d.zone().String()
	}
	return p
}

func (d draws) seat() slots.Seat {
	group := rapid.SampledFrom([]string{"x", "y", "z"}).Draw(d.T, "group")
	return rapid.SampledFrom([]slots.Seat{{Group: group, Any: 1}, {Group: group, Any: 1}, {Group: group, Any: 2}, {Person: "p1"}, {Group: group}}).Draw(d.T, "seat")
}

// random draws a search that is small enough to try everything, over a change of clocks somewhere in the world.
func random(t *rapid.T) slots.Search {
	from := rapid.SampledFrom([]string{"2026-03-06", "2026-03-27", "2026-04-03", "2026-10-23", "2026-12-31"}).Draw(t, "from")
	now, err := time.Parse(time.DateOnly, from)
	if err != nil {
		t.Fatal(err)
	}
	d := draws{t, now}
	off := now.AddDate(0, 0, rapid.SampledFrom([]int{6, 1, 2}).Draw(t, "holiday"))
	s := slots.Search{
		Length: d.quarters("length", 4, 1, 2, 6, 10), Buffer: d.quarters("buffer", 0, 1, 2), Zone: d.zone(), Office: d.hours(),
		Holiday: func(date time.Time) bool { return date.Equal(off) },
		Now:     now, NotBefore: now.Add(d.quarters("notice", 0, 40, 60)), Until: now.Add(d.quarters("until", 192, 96, 288, 50)),
		Count: rapid.IntRange(0, 8).Draw(t, "count"), Candidate: slots.Candidate{Busy: d.spans(2, "candidate", 4, 0)},
	}
	if rapid.Bool().Draw(t, "offer's hours") {
		s.Hours = part(8, 18)
	}
	if d.rarely("candidate's zone") {
		s.Candidate.Zone = d.zone()
	}
	for i := range rapid.SampledFrom([]int{6, 5, 4, 3, 2}).Draw(t, "people") {
		s.People = append(s.People, d.person(fmt.Sprintf("p%d", i)))
	}
	for range rapid.SampledFrom([]int{2, 1, 3}).Draw(t, "seats") {
		s.Seats = append(s.Seats, d.seat())
	}
	if rapid.Bool().Draw(t, "again") {
		s.Prefer = []string{"p0", "p3"}
	}
	if d.rarely("declined") {
		s.Without = []string{"p2"}
	}
	return s
}

func TestAgainstBruteForce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := random(t)
		f, err := slots.New(s)
		if err != nil {
			t.Fatal(err)
		}
		b := &brute{Search: s}
		var want []time.Time
		for start := s.Now; start.Before(s.Until); start = start.Add(15 * time.Minute) {
			if b.allowed(start) && len(b.panels(start)) > 0 {
				want = append(want, start)
			}
		}
		if got := f.Starts(); !slices.EqualFunc(got, want, time.Time.Equal) {
			t.Fatalf("starts:\ngot  %v\nwant %v", got, want)
		}
		offered := f.Offer()
		if len(offered.Slots) != min(s.Count, len(want)) || offered.Report.Fit != len(want) {
			t.Fatalf("%d slots of %d, %d were possible", len(offered.Slots), s.Count, len(want))
		}
		for i, slot := range offered.Slots {
			if i > 0 && !offered.Slots[i-1].Start.Before(slot.Start) {
				t.Fatalf("not in order: %v", offered.Slots)
			}
			b.fair(t, slot, b.panels(slot.Start))
			if again, ok := f.At(slot.Start); !ok || !slices.Equal(again.IDs(), slot.IDs()) {
				t.Fatalf("At has %v, %v; offered was %v", again.IDs(), ok, slot.IDs())
			}
		}
		for _, slot := range offered.Slots {
			for _, p := range slot.Panel {
				b.replaced(t, f, slot, p)
			}
		}
	})
}

// fair checks that a panel is one of those that are possible, and that rank by rank none is better.
func (b *brute) fair(t *rapid.T, slot slots.Slot, possible [][]string) {
	ids := slot.IDs()
	slices.Sort(ids)
	if !slices.ContainsFunc(possible, func(p []string) bool { return slices.Equal(p, ids) }) {
		t.Fatalf("%v cannot hold it at %s; %v could", ids, slot.Start, possible)
	}
	ranks := b.ranks(ids)
	for _, other := range possible {
		for i, rank := range b.ranks(other) {
			if rank < ranks[i] {
				t.Fatalf("%v hold it at %s, though %v could", ids, slot.Start, other)
			}
		}
	}
	for _, p := range slot.Panel {
		seat := b.Seats[p.Seat]
		at := slices.IndexFunc(b.People, func(q slots.Person) bool { return q.ID == p.Person })
		if p.Person != seat.Person && !b.People[at].InGroup(seat.Group) {
			t.Fatalf("%s is not for seat %d", p.Person, p.Seat)
		}
		if p.Named != (seat.Any == 0) {
			t.Fatalf("seat %d: %+v", p.Seat, p)
		}
	}
}

// replaced checks what happens when one of a panel declines.
func (b *brute) replaced(t *rapid.T, f *slots.Finder, slot slots.Slot, p slots.Place) {
	rest := slices.DeleteFunc(slot.IDs(), func(id string) bool { return id == p.Person })
	other := &brute{Search: b.Search, asFree: rest}
	other.Prefer, other.Without = rest, append(slices.Clone(b.Without), p.Person)
	var possible [][]string
	if !p.Named {
		possible = other.panels(slot.Start)
	}
	got, ok := f.Replace(slot.Start, slot.IDs(), p.Person)
	if ok != (len(possible) > 0) {
		t.Fatalf("%s of %v replaced: %v; possible are %v", p.Person, slot.IDs(), ok, possible)
	}
	if !ok {
		return
	}
	other.fair(t, got, possible)
	for _, id := range rest {
		if !slices.Contains(got.IDs(), id) {
			t.Fatalf("%s went with %s: %v", id, p.Person, got.IDs())
		}
	}
}

// Every start that was looked at is in the report once, whatever became of it.
func TestReportAddsUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f, err := slots.New(random(t))
		if err != nil {
			t.Fatal(err)
		}
		r := f.Offer().Report
		sum := r.Asked
		for _, n := range r.All {
			sum += n
		}
		if sum != r.Starts {
			t.Fatalf("%d starts, %d in the report", r.Starts, sum)
		}
		for _, s := range r.Seats {
			if s.Empty+r.Fit > r.Asked {
				t.Fatalf("seat empty at %d, %d fit of %d", s.Empty, r.Fit, r.Asked)
			}
		}
		for _, p := range r.People {
			refused := 0
			for _, n := range p.Refused {
				refused += n
			}
			if refused > p.InHours || p.InHours > r.Asked {
				t.Fatalf("%s: %d refused of %d of %d", p.ID, refused, p.InHours, r.Asked)
			}
		}
		if r.Text() == "" {
			t.Fatal("no text")
		}
	})
}
