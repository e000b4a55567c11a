package retention

import (
	"time"

	"github.com/rapport-crm/rapport/dsl/wallclock"
)

// A run is at the same time of day by the clocks of the policy's zone. One that a clock change skips is at the first instant
// after; of a repeated one it is the first.

// runOn is the run on a date, which is given as its midnight in UTC.
func (p *policy) runOn(date time.Time) time.Time {
	return wallclock.At(date.Add(time.Duration(p.At)*time.Minute), p.zone)
}

// runAfter is the first run after a moment, and never at it.
func (p *policy) runAfter(t time.Time) time.Time {
	date := wallclock.Date(t, p.zone)
	for {
		if run := p.runOn(date); run.After(t) {
			return run
		}
		date = date.AddDate(0, 0, 1)
	}
}

// runUntil is the last run at or before a moment.
func (p *policy) runUntil(t time.Time) time.Time {
	date := wallclock.Date(t, p.zone)
	for {
		if run := p.runOn(date); !run.After(t) {
			return run
		}
		date = date.AddDate(0, 0, -1)
	}
}

// NextRun is when a policy runs for the first time after a moment; zero when there is no such policy.
func (r *Rules) NextRun(name string, after time.Time) time.Time {
	if p := r.find(name); p != nil {
		return p.runAfter(after)
	}
	return time.Time{}
}

// Day is the date of a moment where a policy runs, as 2006-01-02; "" when there is no such policy.
func (r *Rules) Day(name string, t time.Time) string {
	if p := r.find(name); p != nil {
		return wallclock.Date(t, p.zone).Format(time.DateOnly)
	}
	return ""
}

// Shifted lists the runs of a policy after a moment, and before another one, that are not at its time of day because the clocks are changed,
// in its zone.
func (r *Rules) Shifted(name string, after, before time.Time) []time.Time {
	p := r.find(name)
	if p == nil {
		return nil
	}
	var shifted []time.Time
	for run := p.runAfter(after); run.Before(before); run = p.runAfter(run) {
		if local := run.In(p.zone); local.Hour()*60+local.Minute() != p.At {
			shifted = append(shifted, local)
		}
	}
	return shifted
}
