package dsl

import (
	"time"

	"github.com/rapport-crm/rapport/crm"
)

// Winner returns the arm that an experiment is to be settled to, given how its arms do: the one that the definition names, else
// the one of whose mature runs most have met the measure; of equal ones, the first in listing order. It is false while too few
// runs are mature, and for an experiment that is never settled. Arms that the experiment no longer has do not count.
func (x *Experiment) Winner(counts []crm.ArmCount) (arm string, ok bool) {
	if x.Settle == nil {
		return "", false
	}
	total, best := 0, crm.ArmCount{}
	for i := range x.Arms {
		count := crm.ArmCount{Arm: x.Arms[i].Name}
		for _, c := range counts {
			if c.Arm == count.Arm {
				count = c
			}
		}
		total += count.Mature
		if i == 0 || count.Met*best.Mature > best.Met*count.Mature || best.Mature == 0 && count.Met > 0 {
			best = count
		}
	}
	if total < x.Settle.After {
		return "", false
	}
	if x.Settle.To != "" {
		return x.Settle.To, true
	}
	return best.Arm, true
}

// centuryAgo is further back than any duration of the language.
const centuryAgo = 101 * 366 * 24 * time.Hour

// Mature returns the latest moment of which all the time that the measure gives has passed by now: a run that got its arm then
// has met the measure or never will. Without such a time every run is mature. Days are those of the workspace's zone; a
// candidate's own can be off by hours.
func (x *Experiment) Mature(ws *Workspace, now time.Time) time.Time {
	if x.Within.IsZero() {
		return now
	}
	var calendar *Calendar
	if ws != nil {
		calendar = ws.Calendar
	}
	loc := ZoneOf(&crm.Candidate{}, ws)
	mature, young := now.Add(-centuryAgo), now // always the one, and never: the edge is between them
	for young.Sub(mature) > time.Second {
		middle := mature.Add(young.Sub(mature) / 2)
		if x.Within.Add(middle, loc, calendar).After(now) {
			young = middle
		} else {
			mature = middle
		}
	}
	return mature
}
