package slots

import (
	"slices"
	"time"

	"github.com/rapport-crm/rapport/crm"
)

// Slot is a time at which an interview can be, and who would hold it.
type Slot struct {
	crm.Span
	Panel   []Place  // by seat
	Shadows []string // ids of trainees of the groups on the panel who could join, fewest interviews first
}

// IDs returns who is on the panel.
func (s *Slot) IDs() []string {
	ids := make([]string, len(s.Panel))
	for i, p := range s.Panel {
		ids[i] = p.Person
	}
	return ids
}

// Offered is what a candidate may pick from, and why it is not more.
type Offered struct {
	Slots  []Slot // in order of time
	Report Report
}

// Offer returns the slots to offer, as many as are asked for if there are that many.
func (f *Finder) Offer() Offered {
	sh := f.look(f.grid())
	m := f.newMatching()
	possible, report := f.sift(sh, m)
	var o Offered
	for _, i := range f.spread(sh, possible) {
		m.solve(sh, i)
		o.Slots = append(o.Slots, f.slot(sh, i, m))
	}
	o.Report = *report
	return o
}

// Starts returns every time from now on at which the interview could begin.
func (f *Finder) Starts() []time.Time {
	sh := f.look(f.grid())
	possible, _ := f.sift(sh, f.newMatching())
	starts := make([]time.Time, len(possible))
	for i, at := range possible {
		starts[i] = time.Unix(sh.starts[at], 0).UTC()
	}
	return starts
}

// At returns the slot at one time, which need not be one that is offered, or false when it is not possible.
func (f *Finder) At(start time.Time) (Slot, bool) {
	sh := f.look([]int64{ceil(start)})
	m := f.newMatching()
	if sh.all[0] != Possible || !f.possible(sh, 0, m) {
		return Slot{}, false
	}
	return f.slot(sh, 0, m), true
}

// Replace returns a panel for an interview that keeps its time though one of its people cannot come: the others stay, whatever
// their calendars say, unless no seat is theirs any more. It may be short of notice. It is false when nobody can step in, and
// when somebody has to be there in person.
func (f *Finder) Replace(start time.Time, panel []string, who string) (Slot, bool) {
	rest := slices.DeleteFunc(slices.Clone(panel), func(id string) bool { return id == who })
	search := f.search
	search.Prefer, search.Without = rest, append(slices.Clone(search.Without), who)
	without, err := New(search)
	if err != nil || f.has(who) {
		return Slot{}, false
	}
	sh := without.look([]int64{ceil(start)})
	for i, p := range without.people {
		if p.kept {
			sh.people[i][0] = Possible
		}
	}
	m := without.newMatching()
	if !without.possible(sh, 0, m) {
		return Slot{}, false
	}
	return without.slot(sh, 0, m), true
}

// has tells whether a person has to be on the panel.
func (f *Finder) has(id string) bool {
	return slices.ContainsFunc(f.named, func(i int) bool { return f.people[i].ID == id })
}

// Refusal is why a person cannot begin at some time.
type Refusal struct {
	Person string // id; "": nobody can
	Why    Reason
}

// Why returns what stands against a time, for all first and then by person. People who could do it are not in it, so the list may
// be empty although a time is not possible: there are too few of them.
func (f *Finder) Why(start time.Time) []Refusal {
	sh := f.look([]int64{ceil(start)})
	var list []Refusal
	if sh.all[0] != Possible {
		list = append(list, Refusal{Why: sh.all[0]})
	}
	for i, row := range sh.people {
		if row[0] != Possible && !f.people[i].shadow {
			list = append(list, Refusal{Person: f.people[i].ID, Why: row[0]})
		}
	}
	return list
}

// possible tells whether all seats can be filled at a start. The matching then has the people.
func (f *Finder) possible(sh *sheet, start int, m *matching) bool {
	if f.hopeless() {
		return false
	}
	for _, p := range f.named {
		if !sh.free(p, start) {
			return false
		}
	}
	return m.solve(sh, start)
}

// slot makes a slot of what was matched.
func (f *Finder) slot(sh *sheet, start int, m *matching) Slot {
	at := time.Unix(sh.starts[start], 0).UTC()
	s := Slot{Span: crm.Span{Start: at, End: at.Add(f.search.Length)}, Panel: m.panel(sh, start)}
	for i, p := range f.people {
		if p.shadow && sh.free(i, start) {
			s.Shadows = append(s.Shadows, p.ID)
		}
	}
	return s
}
