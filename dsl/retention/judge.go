package retention

import (
	"cmp"
	"slices"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
)

// Judge holds a candidate against all policies, at a moment. The case is not changed.
func (r *Rules) Judge(c *crm.RetentionCase, now time.Time) *Verdict {
	now = now.UTC()
	v := &Verdict{At: now, zone: time.UTC}
	env := &dsl.Env{Now: now, Facts: &c.Facts, Workspace: r.workspace}
	for i := range r.policies {
		v.Rules = append(v.Rules, r.policies[i].rule(c, env, r.calendar()))
	}
	unclear := v.resolve()
	if p := r.find(cmp.Or(v.Policy, v.Keeper, unclear)); p != nil {
		v.zone = p.zone
	}
	switch {
	case v.held(c, now):
	case unclear != "":
		v.State, v.Reason, v.unclear = Unclear, crm.KeptUnclear, unclear
	case v.Policy == "":
		v.State, v.Reason = Free, crm.KeptNoPolicy
	case slices.ContainsFunc(c.Facts.Applications, func(a crm.Application) bool { return a.Status == crm.ApplicationOpen }):
		v.State, v.Reason = Busy, crm.KeptApplication
	case len(c.Interviews) > 0:
		v.State, v.Reason = Busy, crm.KeptInterview
	case c.Restricted:
		v.State, v.Reason = Restricted, crm.KeptRestricted
	default:
		r.date(v, c)
	}
	return v
}

// resolve finds the interval: the policy that takes the data first, and the one that keeps them longest. unclear is one that applies
// and has no date, so that there is no interval: a minimum, or a maximum if no other policy takes the data.
func (v *Verdict) resolve() (unclear string) {
	var takes, keeps, minimum, maximum *Rule
	for i := range v.Rules {
		rule := &v.Rules[i]
		switch {
		case !rule.Applies:
		case rule.Until.IsZero() && rule.Minimum:
			minimum = cmp.Or(minimum, rule)
		case rule.Until.IsZero():
			maximum = cmp.Or(maximum, rule)
		case rule.Minimum && (keeps == nil || rule.Until.After(keeps.Until)):
			keeps = rule
		case !rule.Minimum && (takes == nil || rule.before(takes)):
			takes = rule
		}
	}
	if keeps != nil {
		v.Keeper, v.Until = keeps.Policy, keeps.Until
	}
	if takes != nil {
		v.Policy, v.Then = takes.Policy, takes.Then
		v.Conflict = keeps != nil && keeps.Until.After(takes.Until)
		v.Until = later(takes.Until, v.Until)
	}
	switch {
	case takes == nil && maximum != nil:
		return maximum.Policy
	case takes != nil && minimum != nil:
		return minimum.Policy
	}
	return ""
}

// before tells which of two maxima takes the data: the earlier one. If both end at the same moment it is the one that tells the
// candidate first, then the one that erases, then the first by name, which comes first anyway.
func (r *Rule) before(other *Rule) bool {
	switch {
	case !r.Until.Equal(other.Until):
		return r.Until.Before(other.Until)
	case r.notice != other.notice:
		return r.notice
	}
	return r.Then == crm.RetentionErase && other.Then != crm.RetentionErase
}

// held tells whether a legal hold stops everything.
func (v *Verdict) held(c *crm.RetentionCase, now time.Time) bool {
	var ends time.Time
	endless := c.Facts.Candidate.LegalHold
	for _, h := range c.Holds {
		if !h.Until.IsZero() && !h.Until.After(now) {
			continue
		}
		v.Holds = append(v.Holds, h.Why)
		endless = endless || h.Until.IsZero()
		ends = later(ends, h.Until)
	}
	if c.Facts.Candidate.LegalHold && len(v.Holds) == 0 {
		v.Holds = []string{"the candidate is marked as on legal hold"}
	}
	if len(v.Holds) == 0 {
		return false
	}
	v.State, v.Reason = Held, crm.KeptHold
	slices.Sort(v.Holds)
	if !endless {
		v.NextAt = ends.UTC()
	}
	return true
}

// date says what the time has come for.
func (r *Rules) date(v *Verdict, c *crm.RetentionCase) {
	p := r.find(v.Policy)
	if p.Notice == nil {
		v.wait(p.runAfter(v.Until), Kept, v.whyKept())
		return
	}
	cal, before := r.calendar(), p.Notice.Before
	n := p.counts(c.Notices, v.Until)
	if n == nil {
		v.DueAt = p.runAfter(v.Until)
		v.NoticeAt = p.runUntil(before.Sub(v.Until, p.zone, cal))
		if v.NoticeAt.After(v.At) {
			v.State, v.Reason, v.NextAt = Kept, v.whyKept(), v.NoticeAt
			return
		}
		v.State, v.Reason, v.NoticeAt = Notify, crm.KeptNotice, v.At
		v.DueAt = p.runAfter(later(v.Until, before.Add(v.At, p.zone, cal)))
		return
	}
	v.Notice = &Notice{State: string(n.State), At: n.At.UTC(), Due: n.Due.UTC()}
	if n.State == crm.NoticePlanned {
		v.State, v.Reason = Noticed, crm.KeptNotice
		return
	}
	run := p.runAfter(later(v.Until, before.Add(n.At, p.zone, cal)))
	if n.Due.After(run) { // what the candidate was told is kept, also when the policy has changed since
		run = p.runAfter(n.Due.Add(-time.Nanosecond))
	}
	v.wait(run, Noticed, crm.KeptNotice)
}

// wait is for the run that takes the data; until then they stand as said.
func (v *Verdict) wait(run time.Time, state State, reason string) {
	v.DueAt = run
	if v.At.Before(run) {
		v.State, v.Reason, v.NextAt = state, reason, run
		return
	}
	v.State = Due
}

// whyKept is why the data are kept whose time has not come.
func (v *Verdict) whyKept() string {
	if v.Conflict {
		return crm.KeptMinimum
	}
	for i := range v.Rules {
		if r := &v.Rules[i]; r.Policy == v.Policy && !r.Extended.IsZero() {
			return crm.KeptExtended
		}
	}
	return crm.KeptMaximum
}
