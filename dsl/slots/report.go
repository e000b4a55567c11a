package slots

import (
	"time"

	"github.com/rapport-crm/rapport/crm"
)

// Report says how many starts were looked at, and why most were refused. Only one that Offer returned has a Text.
type Report struct {
	Looked  crm.Span       // the starts are in it
	Starts  int            // looked at
	All     map[Reason]int // of these, refused whoever holds the interview; OutsideHours: nobody works then
	Asked   int            // the rest: for these people were asked
	Fit     int            // of those asked for, possible
	Crossed int            // of those asked for, each seat could be filled, but some only by the same people
	Seats   []SeatReport   // as in the search
	People  []PersonReport // who could take a seat, in the order in which they are asked

	search *Search
}

// SeatReport says how often a seat stayed empty.
type SeatReport struct {
	Need  int // people
	Have  int // people who could take it
	Empty int // starts at which too few of them were free
}

// PersonReport says how often a person was refused.
type PersonReport struct {
	ID        string
	Seat      int            // that they could take: the first of several
	InHours   int            // starts asked for that are inside their hours
	Refused   map[Reason]int // of those
	AwayUntil time.Time      // when they are away at the first of those: the end of it
}

// sift returns the starts that are possible, as indices, and what happened to the others.
func (f *Finder) sift(sh *sheet, m *matching) ([]int, *Report) {
	r := &Report{Looked: crm.Span{Start: f.search.Now, End: f.search.Until}, Starts: len(sh.starts), All: map[Reason]int{}, search: &f.search}
	asked := f.ask(sh, r)
	var possible []int
	filled := f.seatReports(sh, asked, r)
	for n, i := range asked {
		switch {
		case filled[n] < len(f.seats):
		case f.possible(sh, i, m):
			possible = append(possible, i)
		default:
			r.Crossed++
		}
	}
	r.Fit = len(possible)
	for i := range f.people {
		if f.people[i].sits() {
			r.People = append(r.People, f.personReport(sh, asked, i))
		}
	}
	return possible, r
}

// ask returns the starts for which people are asked: all but those that are none for anybody.
func (f *Finder) ask(sh *sheet, r *Report) (asked []int) {
	somebody := false
	works := make([]bool, len(sh.starts))
	for p, row := range sh.people {
		if !f.people[p].sits() {
			continue
		}
		somebody = true
		for i, why := range row {
			works[i] = works[i] || why != OutsideHours
		}
	}
	for i, why := range sh.all {
		if why == Possible && somebody && !works[i] {
			why = OutsideHours
		}
		if why == Possible {
			asked = append(asked, i)
		} else {
			r.All[why]++
		}
	}
	r.Asked = len(asked)
	return asked
}

// seatReports counts for each start how many seats have enough people, if each person could sit everywhere.
func (f *Finder) seatReports(sh *sheet, asked []int, r *Report) (filled []int) {
	filled = make([]int, len(asked))
	free := make([]int, len(asked))
	for _, s := range f.seats {
		clear(free)
		for _, p := range s.pool {
			for n, i := range asked {
				if sh.free(p, i) {
					free[n]++
				}
			}
		}
		report := SeatReport{Need: s.need, Have: len(s.pool)}
		for n := range asked {
			if s.missing || free[n] < s.need {
				report.Empty++
			} else {
				filled[n]++
			}
		}
		r.Seats = append(r.Seats, report)
	}
	return filled
}

func (f *Finder) personReport(sh *sheet, asked []int, person int) PersonReport {
	p := &f.people[person]
	r := PersonReport{ID: p.ID, Seat: p.named, Refused: map[Reason]int{}}
	if p.named < 0 {
		r.Seat = p.seats[0]
	}
	var counts [Gap + 1]int
	for _, i := range asked {
		why := sh.people[person][i]
		counts[why]++
		if why == OutsideHours {
			continue
		}
		if r.InHours++; r.InHours == 1 && why == TimeOff {
			r.AwayUntil = p.awayUntil(time.Unix(sh.starts[i], 0), f.search.Length)
		}
	}
	for why := Holiday; why <= Gap; why++ {
		if counts[why] > 0 {
			r.Refused[why] = counts[why]
		}
	}
	return r
}

// awayUntil returns the end of the time off that keeps a person from an interview.
func (p *member) awayUntil(start time.Time, length time.Duration) time.Time {
	for _, off := range crm.MergeSpans(p.TimeOff) {
		if off.Overlaps(crm.Span{Start: start, End: start.Add(length)}) {
			return off.End
		}
	}
	return time.Time{}
}
