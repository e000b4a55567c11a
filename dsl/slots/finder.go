package slots

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rapport-crm/rapport/dsl/wallclock"
)

// maxStarts bounds how long a search takes: a year of quarter hours.
const maxStarts = 366 * 96

// Finder answers a search. Its methods may be called at the same time.
type Finder struct {
	search Search
	people []member // in the order in which they are asked
	seats  []seat   // as in the search
	named  []int    // people who have to be there
}

// member is a person with what the search means for them.
type member struct {
	Person
	loc    *time.Location
	kept   bool  // preferred
	named  int   // the seat that is theirs, or -1
	seats  []int // seats that they can be one of several for
	shadow bool  // a trainee of a group on the panel
}

// sits tells whether there is a seat that the person could take.
func (m *member) sits() bool { return m.named >= 0 || len(m.seats) > 0 }

// seat is a seat with those who can take it.
type seat struct {
	Seat
	need    int
	pool    []int // people
	missing bool  // the person is not there, or the group is empty
}

// New makes a search ready. It is refused when it asks for nothing, or has a zone that does not exist.
func New(s Search) (*Finder, error) {
	if s.Step == 0 {
		s.Step = 15 * time.Minute
	}
	if s.Zone == nil {
		s.Zone = time.UTC
	}
	switch {
	case len(s.Seats) == 0:
		return nil, errors.New("find slots: nobody is asked for")
	case s.Length <= 0 || s.Length > 24*time.Hour || s.Buffer < 0:
		return nil, fmt.Errorf("find slots: length %s, buffer %s: an interview takes a day at most", s.Length, s.Buffer)
	case s.Step < time.Minute || 24*time.Hour%s.Step != 0:
		return nil, fmt.Errorf("find slots: a step of %s does not divide a day into minutes", s.Step)
	case s.Until.Sub(s.Now)/s.Step > maxStarts:
		return nil, fmt.Errorf("find slots: from %s to %s is too long", s.Now.Format(time.DateOnly), s.Until.Format(time.DateOnly))
	}
	f := &Finder{search: s}
	if err := f.invite(); err != nil {
		return nil, err
	}
	for _, asked := range s.Seats {
		f.seats = append(f.seats, seat{Seat: asked})
	}
	for i := range f.seats {
		f.name(i)
	}
	for i := range f.seats {
		f.everybody(i)
	}
	for i := range f.seats {
		f.fill(i)
	}
	return f, nil
}

// invite puts the people into the order in which they are asked: preferred ones first, then by recent interviews for their weight,
// then by id.
func (f *Finder) invite() error {
	ids := map[string]bool{}
	for _, p := range f.search.People {
		m := member{Person: p, loc: f.search.Zone, kept: slices.Contains(f.search.Prefer, p.ID), named: -1}
		if ids[p.ID] {
			return fmt.Errorf("find slots: interviewer %q is there twice", p.ID)
		}
		ids[p.ID] = true
		if p.Zone != "" {
			loc, err := wallclock.Zone(p.Zone)
			if err != nil {
				return fmt.Errorf("find slots of interviewer %q: %w", p.ID, err)
			}
			m.loc = loc
		}
		if p.Active && !slices.Contains(f.search.Without, p.ID) {
			f.people = append(f.people, m)
		}
	}
	slices.SortFunc(f.people, func(a, b member) int {
		if a.kept != b.kept {
			if a.kept {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(a.Recent*b.weight(), b.Recent*a.weight()), cmp.Compare(a.ID, b.ID))
	})
	return nil
}

// name gives a seat that is one person's to them.
func (f *Finder) name(at int) {
	if s := &f.seats[at]; s.Group == "" {
		f.claim(at, func(p *member) bool { return p.ID == s.Person })
	}
}

// everybody gives a seat to all of a group. Who has one already, as the hiring manager, keeps that.
func (f *Finder) everybody(at int) {
	if s := &f.seats[at]; s.Group != "" && s.Any == 0 {
		f.claim(at, func(p *member) bool { return !p.Trainee && p.InGroup(s.Group) })
	}
}

// claim says that some people have to be there.
func (f *Finder) claim(at int, who func(p *member) bool) {
	s := &f.seats[at]
	for i := range f.people {
		p := &f.people[i]
		if !who(p) {
			continue
		}
		s.pool = append(s.pool, i)
		if p.named < 0 {
			p.named = at
			f.named = append(f.named, i)
		}
	}
	s.need, s.missing = len(s.pool), len(s.pool) == 0
}

// fill finds out who can be one of several of a group, and who could shadow. Who has to be there anyway is none of them.
func (f *Finder) fill(at int) {
	s := &f.seats[at]
	for i := range f.people {
		p := &f.people[i]
		switch {
		case s.Group == "" || !p.InGroup(s.Group) || p.named >= 0:
		case p.Trainee:
			p.shadow = true
		case s.Any > 0:
			s.pool = append(s.pool, i)
			p.seats = append(p.seats, at)
		}
	}
	if s.Group != "" && s.Any > 0 {
		s.need, s.missing = s.Any, len(s.pool) == 0
	}
}

// hopeless tells whether no start can be possible: some seat has too few people for it.
func (f *Finder) hopeless() bool {
	return slices.ContainsFunc(f.seats, func(s seat) bool { return s.missing || len(s.pool) < s.need })
}
