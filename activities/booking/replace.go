package booking

import (
	"context"
	"slices"

	"github.com/rapport-crm/rapport/crm"
)

// replace looks for somebody who can hold a booked meeting in the place of one who cannot come. Their calendar is written, and
// that of the other cleared, by Mirror.
func (b *Booker) replace(ctx context.Context, q *question) (crm.CallResult, error) {
	m := &q.Meeting
	who := m.Unable()
	if m.State != crm.MeetingBooked || who == "" { // they can come after all, or the time was changed meanwhile
		return b.answer(ctx, q, crm.CallResult{Outcome: crm.MeetingReplaced}, nil)
	}
	var before []string
	for _, s := range m.Panel {
		if !s.Shadow {
			before = append(before, s.InterviewerID)
		}
	}
	p, err := b.prepare(ctx, q, before)
	if err != nil {
		return crm.CallResult{}, err
	}
	found, ok := p.finder.Replace(m.StartsAt, before, who)
	if !ok {
		return b.answer(ctx, q, crm.CallResult{Outcome: crm.MeetingNone, Result: Found{Report: "Nobody can step in.\n", Notes: p.notes}}, nil)
	}
	slot := slotOf(&found)
	fresh := slices.DeleteFunc(slices.Clone(p.people), func(d diary) bool {
		return !slices.Contains(slot.Seats, d.ID) || slices.Contains(before, d.ID)
	})
	taken, failure, err := b.recheck(ctx, q, fresh, crm.Span{Start: m.StartsAt, End: m.EndsAt})
	switch {
	case err != nil:
		return crm.CallResult{}, err
	case failure != nil:
		return b.unreached(ctx, q, failure)
	case len(taken) > 0:
		return crm.CallResult{}, changedMeanwhile()
	}
	if err := b.step(ctx, "substitute"); err != nil {
		return crm.CallResult{}, err
	}
	why := Found{Report: "Somebody can step in.\n", Notes: p.notes}
	for _, place := range found.Panel {
		if !slices.Contains(before, place.Person) {
			why.Times = append(why.Times, FoundTime{slot.StartsAt, []FoundWho{{place.Person, place.Why()}}})
		}
	}
	result, err := b.answer(ctx, q, crm.CallResult{Outcome: crm.MeetingReplaced, Result: why}, func(m *crm.Meeting) {
		m.Substitute(slot)
		q.known(m, p.people)
	})
	if crm.CodeOf(err) == crm.CodeConflict { // they hold something else by now
		return crm.CallResult{}, changedMeanwhile()
	}
	return result, err
}
