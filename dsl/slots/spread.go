package slots

import (
	"cmp"
	"time"
)

// place is where a start is in the candidate's days.
type place struct {
	start     int // of the sheet
	day       int64
	afternoon bool
	hour      int
}

// spread picks which of the possible starts are offered, in order of time. The next is always the one that is least like those
// already picked: one that overlaps none of them; then on a day with the fewest; then in the half of the day with the fewest;
// then at the hour with the fewest; and of those that are left the earliest. So six slots in a free fortnight are on the first six days,
// mornings and afternoons in turn, at different hours. Days are the candidate's, or the workspace's if their zone is not known.
func (f *Finder) spread(sh *sheet, possible []int) []int {
	zone := f.search.Candidate.Zone
	if zone == nil {
		zone = f.search.Zone
	}
	places := make([]place, len(possible))
	for i, start := range possible {
		local := time.Unix(sh.starts[start], 0).In(zone)
		_, ahead := local.Zone()
		places[i] = place{start, (sh.starts[start] + int64(ahead)) / (24 * 60 * 60), local.Hour() >= 12, local.Hour()}
	}
	picked, overlaps := make([]bool, len(places)), make([]int, len(places))
	days, halves, hours := map[int64]int{}, map[bool]int{}, map[int]int{}
	compare := func(a, b int) int {
		p, q := places[a], places[b]
		return cmp.Or(
			cmp.Compare(overlaps[a], overlaps[b]), cmp.Compare(days[p.day], days[q.day]),
			cmp.Compare(halves[p.afternoon], halves[q.afternoon]), cmp.Compare(hours[p.hour], hours[q.hour]), cmp.Compare(a, b))
	}
	for range min(f.search.Count, len(places)) {
		best := -1
		for i := range places {
			if !picked[i] && (best < 0 || compare(i, best) < 0) {
				best = i
			}
		}
		p := places[best]
		picked[best] = true
		days[p.day]++
		halves[p.afternoon]++
		hours[p.hour]++
		for i, q := range places {
			if d := sh.starts[q.start] - sh.starts[p.start]; max(d, -d) < seconds(f.search.Length) {
				overlaps[i] = 1
			}
		}
	}
	var chosen []int
	for i, yes := range picked {
		if yes {
			chosen = append(chosen, possible[i])
		}
	}
	return chosen
}
