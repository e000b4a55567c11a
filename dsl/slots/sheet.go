package slots

import (
	"math"
	"sort"
	"time"
)

// sheet has all people against some starts.
type sheet struct {
	starts []int64    // in order, seconds since 1970
	all    []Reason   // why nobody can begin then
	people [][]Reason // why a person cannot: by person, then by start
}

// look fills a sheet. The bars of a reason do not overlap and are painted over the starts that they hold: no start is compared with
// every appointment.
func (f *Finder) look(starts []int64) *sheet {
	sh := &sheet{starts: starts, all: make([]Reason, len(starts)), people: make([][]Reason, len(f.people))}
	if len(starts) == 0 {
		return sh
	}
	first, last := starts[0], starts[len(starts)-1]
	sh.paint(sh.all, f.forAll(first, last))
	cells := make([]Reason, len(starts)*len(f.people))
	holidays := map[time.Time]bool{}
	for i := range f.people {
		sh.people[i], cells = cells[:len(starts):len(starts)], cells[len(starts):]
		if p := &f.people[i]; p.sits() || p.shadow {
			sh.paint(sh.people[i], f.barsOf(p, first, last, holidays))
		}
	}
	return sh
}

// paint writes down the reasons of bars, the first of each start.
func (sh *sheet) paint(row []Reason, bars []bar) {
	for _, b := range bars {
		for i := sh.at(b.from); i < len(row) && sh.starts[i] < b.to; i++ {
			if row[i] == Possible {
				row[i] = b.why
			}
		}
	}
}

// at returns the index of the first start that is not before t.
func (sh *sheet) at(t int64) int {
	if t == math.MinInt64 {
		return 0
	}
	return sort.Search(len(sh.starts), func(i int) bool { return sh.starts[i] >= t })
}

// free tells whether a person can begin at a start.
func (sh *sheet) free(person, start int) bool { return sh.people[person][start] == Possible }

// grid returns the starts to look at: those from now on at which clocks in the workspace's zone show a multiple of the step after
// midnight. A repeated hour has its starts twice, a skipped one has none.
func (f *Finder) grid() []int64 {
	s := &f.search
	t, until, step := ceil(s.Now), ceil(s.Until), seconds(s.Step)
	starts := make([]int64, 0, max(0, (until-t)/step+1))
	for t < until {
		local := time.Unix(t, 0).In(s.Zone)
		_, ahead := local.Zone()
		_, change := local.ZoneBounds()
		end := until
		if !change.IsZero() {
			end = min(end, change.Unix())
		}
		shown := t + int64(ahead)
		for t += (step - shown%step) % step; t < end; t += step {
			starts = append(starts, t)
		}
		t = end
	}
	return starts
}
