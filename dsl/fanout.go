package dsl

import (
	"maps"
	"slices"
	"sort"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl/wallclock"
)

// Telling is a rule of a sequence that is about the members of a pool.
type Telling struct {
	Program *Program
	Rule    *Rule
}

// Told returns the rules by which an event without a candidate is told to the members of pools, by sequence.
func (s *Set) Told(eventType string) []Telling {
	return s.tellings(func(r *Rule) bool { return slices.Contains(r.On, eventType) })
}

// Standing returns the rules that enroll the members of a pool, now and later, by sequence.
func (s *Set) Standing() []Telling {
	return s.tellings(func(r *Rule) bool { return len(r.On) == 0 && r.At.IsZero() })
}

// Campaigns returns the rules that enroll the members of a pool at dates, by sequence.
func (s *Set) Campaigns() []Telling {
	return s.tellings(func(r *Rule) bool { return !r.At.IsZero() })
}

func (s *Set) tellings(which func(*Rule) bool) []Telling {
	var found []Telling
	for _, name := range slices.Sorted(maps.Keys(s.Programs)) {
		for _, r := range s.Programs[name].Enroll {
			if r.In != "" && which(r) {
				found = append(found, Telling{s.Programs[name], r})
			}
		}
	}
	return found
}

// Matches tells whether a rule would enroll the candidate of some facts, as far as pool and condition are concerned: what
// Dispatch will look at again under the candidate's lock. The event is nil for rules without one.
func (s *Set) Matches(t Telling, f *crm.Facts, e *crm.Event, now time.Time) bool {
	if !slices.Contains(f.Pools, t.Rule.In) {
		return false
	}
	env := &Env{Now: now, Facts: f, Event: e, Program: t.Program, Workspace: s.Workspace}
	return t.Rule.When == nil || t.Rule.When.Eval(env).Value
}

// Misplaced tells whether the candidate of some facts is in one of some pools without belonging there, or belongs there
// without being in it. A pool that is kept by hand is right as it is; nobody belongs into one that is no longer in force.
func (s *Set) Misplaced(f *crm.Facts, pools []string, now time.Time) bool {
	return slices.ContainsFunc(pools, func(name string) bool {
		in, p := slices.Contains(f.Pools, name), s.Pools[name]
		switch {
		case p == nil:
			return in && !s.InForce(KindPool, name)
		case p.ByHand():
			return false
		}
		return in != p.Member(s.Workspace, f, Env{Now: now})
	})
}

// Aging returns the pools into which candidates can come, or out of which they can fall, by the passing of time alone, by
// name: their conditions look at the clock, at a score that loses value, or at an interest that expires.
func (s *Set) Aging() []string {
	decays := s.Workspace != nil && s.Workspace.Scoring != nil && s.Workspace.Scoring.Decay > 0
	expires := s.Workspace != nil && slices.ContainsFunc(slices.Collect(maps.Values(s.Workspace.Purposes)), func(p Purpose) bool { return !p.Expires.IsZero() })
	var names []string
	for name, p := range s.Pools {
		if w := p.When; w != nil && (w.UsesNow || decays && slices.Contains(w.Reads, "score") || expires && slices.Contains(w.Events, "consent.granted")) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// InForce tells whether a document of a kind and name is in force, also one that this version cannot read.
func (s *Set) InForce(kind, name string) bool {
	is := func(d Document) bool { return d.Kind == kind && d.Name == name }
	return slices.ContainsFunc(s.All, is) || slices.ContainsFunc(s.Broken, is)
}

// maxDates is how many dates a campaign has at most: one a minute for two years.
const maxDates = 1 << 20

// Due returns the last date of a campaign that is neither before since nor after now. Dates without an offset are in the
// workspace's zone.
func (r *Rule) Due(ws *Workspace, since, now time.Time) (date time.Time, ok bool) {
	if r.At.IsZero() {
		return time.Time{}, false
	}
	zone := ZoneOf(nil, ws)
	first := r.At.In(zone)
	if first.After(now) {
		return time.Time{}, false
	}
	if r.Every.IsZero() {
		return first, !first.Before(since)
	}
	nth := func(n int) time.Time { return r.Every.times(n).Add(first, zone, ws.calendar()) }
	after := 1 // some date that is after now, by its number
	for after < maxDates && !nth(after).After(now) {
		after *= 2
	}
	from := after / 2
	last := from + sort.Search(after-from, func(n int) bool { return nth(from + n).After(now) }) - 1
	if last == 0 {
		return first, !first.Before(since)
	}
	return nth(last), !nth(last).Before(since)
}

// times is n times the duration. A date that is counted so from the first one does not drift: 31 January, 28 February, 31
// March.
func (d Duration) times(n int) Duration {
	return Duration{Months: n * d.Months, Days: n * d.Days, BusinessDays: n * d.BusinessDays, Exact: time.Duration(n) * d.Exact}
}

func (ws *Workspace) calendar() *Calendar {
	if ws == nil {
		return nil
	}
	return ws.Calendar
}

// Falls tells whether a moment is a date of the campaign.
func (r *Rule) Falls(ws *Workspace, at time.Time) bool {
	date, ok := r.Due(ws, at, at)
	return ok && date.Equal(at)
}

// isFor tells whether the rule is the one that a date, written as RFC 3339, is one of; "" is for the rule without dates.
func (r *Rule) isFor(ws *Workspace, date string) bool {
	if date == "" {
		return r.At.IsZero()
	}
	at, err := time.Parse(time.RFC3339, date)
	return err == nil && r.Falls(ws, at)
}

// dailyHour is when pools whose conditions look at the clock are looked at again, in minutes after midnight.
const dailyHour = 3 * 60

// Daily returns the last moment not after now when clocks in the workspace's zone showed three in the morning.
func (ws *Workspace) Daily(now time.Time) time.Time {
	zone := ZoneOf(nil, ws)
	date := wallclock.Date(now, zone)
	at := wallclock.At(date.Add(dailyHour*time.Minute), zone)
	if at.After(now) {
		at = wallclock.At(date.AddDate(0, 0, -1).Add(dailyHour*time.Minute), zone)
	}
	return at
}
