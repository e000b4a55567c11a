package booking

import (
	"context"
	"slices"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl/slots"
)

// Found is the result of a search for times, for people to read.
type Found struct {
	Report string      `json:"report"`          // how many times there are, and what stands against the others
	Notes  []string    `json:"notes,omitempty"` // about calendars
	Times  []FoundTime `json:"times,omitempty"`
}

// FoundTime says who would hold the interview at a time, and why they.
type FoundTime struct {
	StartsAt time.Time  `json:"starts_at"`
	Panel    []FoundWho `json:"panel"`
}

// FoundWho is why somebody is on a panel.
type FoundWho struct {
	Interviewer string `json:"interviewer"` // id
	Why         string `json:"why"`
}

// find looks for times and offers them.
func (b *Booker) find(ctx context.Context, q *question) (crm.CallResult, error) {
	if m := &q.Meeting; !m.Open() || m.State == crm.MeetingCancelled || m.State == crm.MeetingHeld { // it needs none any more
		return b.answer(ctx, q, crm.CallResult{Outcome: crm.MeetingFound}, nil)
	}
	p, err := b.prepare(ctx, q, nil)
	if err != nil {
		return crm.CallResult{}, err
	}
	offered := p.finder.Offer()
	found := Found{Report: offered.Report.Text(), Notes: p.notes, Times: explain(offered.Slots)}
	outcome, why := crm.MeetingFound, ""
	if len(offered.Slots) == 0 {
		outcome, why = crm.MeetingNone, "no_times"
	}
	if err := b.step(ctx, "offer"); err != nil {
		return crm.CallResult{}, err
	}
	return b.answer(ctx, q, crm.CallResult{Outcome: outcome, Reason: why, Result: found}, func(m *crm.Meeting) {
		m.Offer(slotsOf(offered.Slots), why)
	})
}

func slotsOf(found []slots.Slot) []crm.Slot {
	all := make([]crm.Slot, len(found))
	for i := range found {
		all[i] = slotOf(&found[i])
	}
	return all
}

func slotOf(s *slots.Slot) crm.Slot {
	return crm.Slot{StartsAt: s.Start, EndsAt: s.End, Seats: s.IDs(), Shadows: slices.Clone(s.Shadows)}
}

func explain(found []slots.Slot) []FoundTime {
	var times []FoundTime
	for i := range found {
		t := FoundTime{StartsAt: found[i].Start}
		for _, p := range found[i].Panel {
			t.Panel = append(t.Panel, FoundWho{p.Person, p.Why()})
		}
		times = append(times, t)
	}
	return times
}
