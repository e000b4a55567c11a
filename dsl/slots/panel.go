package slots

import "fmt"

// Place is one person's place on a panel, and how it came to them.
type Place struct {
	Person string // id
	Seat   int    // of the search
	Named  bool   // nobody else could take it
	Kept   bool   // was preferred
	Recent int    // interviews in the last 28 days
	Weight int    // share of interviews, against others
	Of     int    // how many could have taken it, who sit nowhere else
}

// Why says in a few words why it is this person.
func (p Place) Why() string {
	recent := fmt.Sprintf("%d interviews in 4 weeks", p.Recent)
	if p.Recent == 1 {
		recent = "1 interview in 4 weeks"
	}
	if p.Weight > 1 {
		recent += fmt.Sprintf(" at weight %d", p.Weight)
	}
	switch {
	case p.Named:
		return "has to be there"
	case p.Kept:
		return "chosen before"
	case p.Of == 1:
		return recent + ", the only one who can"
	}
	return fmt.Sprintf("%s, fewest of %d", recent, p.Of)
}

// matching seats people one by one. Who is seated stays seated, though perhaps elsewhere: somebody new may push them on.
type matching struct {
	f     *Finder
	taken [][]int // people by seat
	seen  []bool  // seats that this attempt has asked
	full  []bool  // seats that no attempt can enter any more
	left  int     // places that are still empty
}

func (f *Finder) newMatching() *matching {
	m := &matching{f: f, taken: make([][]int, len(f.seats)), seen: make([]bool, len(f.seats)), full: make([]bool, len(f.seats))}
	for i, s := range f.seats {
		m.taken[i] = make([]int, 0, s.need)
	}
	return m
}

// solve seats those who are free at a start. It is false when a place stays empty.
func (m *matching) solve(sh *sheet, start int) bool {
	m.left = 0
	for i, s := range m.f.seats {
		m.taken[i], m.full[i] = m.taken[i][:0], false
		if s.Any > 0 {
			m.left += s.need
		}
	}
	for p := range m.f.people {
		if m.left == 0 {
			break
		}
		if len(m.f.people[p].seats) == 0 || !sh.free(p, start) {
			continue
		}
		clear(m.seen)
		if m.seat(p) {
			m.left--
			continue
		}
		// Everybody in these seats has been asked, and none of them can go anywhere else: nor can they later.
		for i, seen := range m.seen {
			m.full[i] = m.full[i] || seen
		}
	}
	return m.left == 0
}

// seat finds a seat for a person, if need be by moving others (an augmenting path).
func (m *matching) seat(person int) bool {
	for _, s := range m.f.people[person].seats {
		if m.seen[s] || m.full[s] {
			continue
		}
		m.seen[s] = true
		if len(m.taken[s]) < m.f.seats[s].need {
			m.taken[s] = append(m.taken[s], person)
			return true
		}
		for i, other := range m.taken[s] {
			if m.seat(other) {
				m.taken[s][i] = person
				return true
			}
		}
	}
	return false
}

// panel returns who sits where after solve was true, by seat and then in the order in which people are asked.
func (m *matching) panel(sh *sheet, start int) []Place {
	seated := map[int]bool{}
	for _, people := range m.taken {
		for _, p := range people {
			seated[p] = true
		}
	}
	var panel []Place
	for s := range m.f.seats {
		others := 0
		for _, p := range m.f.seats[s].pool {
			if sh.free(p, start) && !seated[p] {
				others++
			}
		}
		for p := range m.f.people {
			who := &m.f.people[p]
			sits := who.named == s
			for _, taken := range m.taken[s] {
				sits = sits || taken == p
			}
			if sits {
				panel = append(panel, Place{
					Person: who.ID, Seat: s, Named: who.named == s, Kept: who.kept, Recent: who.Recent, Weight: who.weight(), Of: others + 1,
				})
			}
		}
	}
	return panel
}
