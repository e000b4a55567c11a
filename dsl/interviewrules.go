package dsl

import (
	"slices"
	"time"

	"github.com/rapport-crm/rapport/crm"
)

// Round is the round with an id, nil when there is none.
func (l *Interview) Round(id string) *Round {
	i := slices.IndexFunc(l.Rounds, func(r Round) bool { return r.ID == id })
	if i < 0 {
		return nil
	}
	return &l.Rounds[i]
}

// Moves is how often, and until when, the candidate may change the time of a meeting. Loc is their zone.
func (l *Interview) Moves(m *crm.Meeting, loc *time.Location, c *Calendar) (limit int, by time.Time) {
	if l.Reschedule == nil || m.State != crm.MeetingBooked {
		return 0, time.Time{}
	}
	return l.Reschedule.Limit, l.Reschedule.Until.Sub(m.StartsAt, loc, c)
}

// AbsentFrom is when a candidate who is not at a meeting counts as missing.
func (l *Interview) AbsentFrom(m *crm.Meeting) time.Time {
	if l.NoShow == nil {
		return m.StartsAt
	}
	return m.StartsAt.Add(l.NoShow.After)
}

// TooSoon tells whether a time is past, or within the notice, for a candidate who would pick it now. Loc is their zone.
func (o *Offer) TooSoon(start, now time.Time, loc *time.Location, c *Calendar) bool {
	return !start.After(now) || start.Before(o.Notice.Add(now, loc, c))
}
