package retention

import (
	"strings"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/dsl/wallclock"
)

// rule is what the policy says of a case. A condition without a value is false, as everywhere in the language.
func (p *policy) rule(c *crm.RetentionCase, env *dsl.Env, cal *dsl.Calendar) Rule {
	r := Rule{
		Policy: p.Name, Basis: p.Basis, ZoneName: p.Zone, Then: p.Then, notice: p.Notice != nil,
		Applying: p.AppliesTo.Source, AfterIs: p.After.Source,
	}
	keep := p.For
	if keep.IsZero() {
		keep, r.Minimum = p.AtLeast, true
	}
	r.Keep = keep.String()
	applies := p.AppliesTo.Eval(env)
	if r.Applies, r.Problem = applies.Value, applies.Problem; !r.Applies {
		return r
	}
	if r.After, r.Problem = p.After.Moment(env); r.Problem != "" {
		r.After = time.Time{}
		return r
	}
	r.Until = keep.Add(r.After, p.zone, cal).UTC()
	if p.Notice == nil || p.Notice.Extend.IsZero() {
		return r
	}
	if yes := p.yes(c); !yes.IsZero() {
		if until := p.Notice.Extend.Add(yes, p.zone, cal).UTC(); until.After(r.Until) {
			r.Until, r.Extended, r.Extend = until, yes.UTC(), p.Notice.Extend.String()
		}
	}
	return r
}

// yes is when the candidate last said that they want to stay. A consent counts as long as it is in force: whoever takes it
// back wants to go. Of messages only the policy's own notices count.
func (p *policy) yes(c *crm.RetentionCase) time.Time {
	var last time.Time
	for _, t := range p.Notice.On {
		if t == crm.EventConsentGranted {
			last = later(last, granted(c.Facts.Consents))
			continue
		}
		for i := range c.Said {
			e := &c.Said[i]
			if e.Type != t || e.Machine() || strings.HasPrefix(t, "message.") && e.Text("sequence") != p.Name {
				continue
			}
			at := e.Time
			if !e.ReceivedAt.IsZero() && e.ReceivedAt.Before(at) { // a source's clock that is ahead
				at = e.ReceivedAt
			}
			last = later(last, at)
		}
	}
	return last
}

// granted is when the latest of the consents that are in force was given, whatever it is for.
func granted(history []crm.Consent) time.Time {
	var last time.Time
	for i := range history {
		c := &history[i]
		if c.Granted && !c.Pending && crm.ConsentFor(history, c.Purpose, c.Channel) == crm.ConsentGranted {
			last = later(last, c.At)
		}
	}
	return last
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// counts finds the notice that counts for a date: one about the same day, by the calendars of the policy's zone, as a day is what it
// tells the candidate. Of several it is the first that was sent, or could not be; else one that is on its way.
func (p *policy) counts(notices []crm.RetentionNotice, until time.Time) *crm.RetentionNotice {
	var best *crm.RetentionNotice
	for i := range notices {
		n := &notices[i]
		if n.Policy != p.Name || !wallclock.Date(n.Until, p.zone).Equal(wallclock.Date(until, p.zone)) {
			continue
		}
		onWay := n.State == crm.NoticePlanned
		switch {
		case best == nil:
			best = n
		case onWay != (best.State == crm.NoticePlanned):
			if !onWay {
				best = n
			}
		case n.At.Before(best.At):
			best = n
		}
	}
	return best
}
