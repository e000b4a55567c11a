package booking

import (
	"context"
	"slices"

	"github.com/rapport-crm/rapport/activities/calendar"
	"github.com/rapport-crm/rapport/crm"
)

// book writes a held time to the calendars of all who hold it, unless it is taken there. It may be done any number of times.
func (b *Booker) book(ctx context.Context, q *question) (crm.CallResult, error) {
	m := &q.Meeting
	switch m.State { //nolint:exhaustive // in the others there is nothing to write
	case crm.MeetingBooked:
		return b.answer(ctx, q, crm.CallResult{Outcome: crm.MeetingWritten}, nil)
	case crm.MeetingHeld:
	default:
		return b.answer(ctx, q, crm.CallResult{Outcome: crm.MeetingTaken}, nil)
	}
	if !m.StartsAt.After(q.now) { // it took too long
		return b.answer(ctx, q, crm.CallResult{Outcome: crm.MeetingTaken}, (*crm.Meeting).Taken)
	}
	everybody, err := b.diaries(ctx, nil, ids(m.Panel))
	if err != nil {
		return crm.CallResult{}, err
	}
	if err := b.step(ctx, "mark"); err != nil {
		return crm.CallResult{}, err
	}
	if err := b.Store.MarkSeats(ctx, m.ID, m.Sequence); err != nil {
		return crm.CallResult{}, err
	}
	q.known(m, everybody)
	panel := slices.DeleteFunc(slices.Clone(everybody), func(p diary) bool { return m.Seat(p.ID) == nil || m.Seat(p.ID).Shadow })
	taken, failure, err := b.recheck(ctx, q, panel, crm.Span{Start: m.StartsAt, End: m.EndsAt})
	switch {
	case err != nil:
		return crm.CallResult{}, err
	case failure != nil:
		return b.unreached(ctx, q, failure)
	case len(taken) > 0 || len(panel) < len(m.Seats): // somebody is not there any more
		return b.answer(ctx, q, crm.CallResult{Outcome: crm.MeetingTaken}, (*crm.Meeting).Taken)
	}
	if failure, err = b.write(ctx, q, panel); err != nil {
		return crm.CallResult{}, err
	}
	if failure != nil {
		return b.unreached(ctx, q, failure)
	}
	if err := b.step(ctx, "commit"); err != nil {
		return crm.CallResult{}, err
	}
	return b.answer(ctx, q, crm.CallResult{Outcome: crm.MeetingWritten}, func(m *crm.Meeting) {
		q.known(m, everybody)
		m.Book(b.Now())
	})
}

func ids(panel []crm.Panelist) []string {
	all := make([]string, len(panel))
	for i := range panel {
		all[i] = panel[i].InterviewerID
	}
	return all
}

// known fills in what people on the panel are called, and where they hold the meeting.
func (q *question) known(m *crm.Meeting, people []diary) {
	var panel []crm.Interviewer // in the order of the seats
	for k := range m.Panel {
		p := &m.Panel[k]
		for i := range people {
			if people[i].ID != p.InterviewerID {
				continue
			}
			p.Name, p.Email = people[i].Name, people[i].Email
			if !p.Shadow {
				panel = append(panel, people[i].Interviewer)
			}
		}
	}
	m.Place = q.round.PlaceOf(&q.Candidate, panel)
}

// recheck asks the calendars of some people whether a time is free, and returns who has something else then. Nothing that was
// known before counts.
func (b *Booker) recheck(ctx context.Context, q *question, people []diary, at crm.Span) (taken []string, failure *calendar.Error, err error) {
	if err := b.step(ctx, "recheck"); err != nil {
		return nil, nil, err
	}
	busy, failures, errs := make([]bool, len(people)), make([]*calendar.Error, len(people)), make([]error, len(people))
	each(len(people), func(i int) {
		p := &people[i]
		for k := range p.calendars {
			if busy[i], failures[i], errs[i] = b.taken(ctx, q, &p.calendars[k], &p.Interviewer, at); busy[i] || failures[i] != nil || errs[i] != nil {
				return
			}
		}
	})
	for i := range people {
		switch {
		case errs[i] != nil:
			return nil, nil, errs[i]
		case failures[i] != nil:
			failure = failures[i]
		case busy[i]:
			taken = append(taken, people[i].ID)
		}
	}
	if len(taken) > 0 {
		return taken, nil, nil
	}
	return nil, failure, nil
}

// taken tells whether there is something in a calendar at some time. Where events have no names, the one that an earlier
// attempt may have put there is looked for.
func (b *Booker) taken(ctx context.Context, q *question, link *crm.CalendarLink, owner *crm.Interviewer, at crm.Span) (bool, *calendar.Error, error) {
	blocks, failure, err := b.blocks(ctx, link, owner, at, false)
	if failure != nil || err != nil {
		return false, failure, err
	}
	blocks = slices.DeleteFunc(blocks, func(x calendar.Block) bool { return !x.Overlaps(at) })
	nameless := slices.IndexFunc(blocks, func(x calendar.Block) bool { return x.UID == "" }) >= 0
	if !nameless || !link.Writable() {
		return len(blocks) > 0, nil, nil
	}
	var own *calendar.Event
	failure, err = b.ask(ctx, link, owner, func(ctx context.Context, c calendar.Calendar) (err error) {
		own, err = c.Find(ctx, b.uid(q.Meeting.ID))
		return err
	})
	if failure != nil || err != nil {
		return false, failure, err
	}
	if own != nil {
		same := func(x calendar.Block) bool { return x.UID == "" && x.Start.Equal(own.Start) && x.End.Equal(own.End) }
		if i := slices.IndexFunc(blocks, same); i >= 0 {
			blocks = slices.Delete(blocks, i, i+1)
		}
	}
	return len(blocks) > 0, nil, nil
}

// write puts the meeting into all calendars of some people that take it. One that may only be read is left to the invitation
// by mail.
func (b *Booker) write(ctx context.Context, q *question, people []diary) (*calendar.Error, error) {
	failures, errs := make([]*calendar.Error, len(people)), make([]error, len(people))
	each(len(people), func(i int) {
		failures[i], errs[i] = b.put(ctx, q, &people[i])
	})
	var failure *calendar.Error
	for i := range people {
		if errs[i] != nil {
			return nil, errs[i]
		}
		if failures[i] != nil && (failure == nil || !failures[i].Retryable()) {
			failure = failures[i]
		}
	}
	return failure, nil
}

// put puts the meeting into one person's calendars.
func (b *Booker) put(ctx context.Context, q *question, p *diary) (*calendar.Error, error) {
	event := b.event(q, &p.Interviewer)
	for k := range p.calendars {
		if !p.calendars[k].Writable() {
			continue
		}
		if err := b.step(ctx, "put "+p.ID); err != nil {
			return nil, err
		}
		failure, err := b.ask(ctx, &p.calendars[k], &p.Interviewer, func(ctx context.Context, c calendar.Calendar) error {
			return c.Put(ctx, event)
		})
		if err != nil {
			return nil, err
		}
		if failure != nil && failure.Kind != calendar.ReadOnly {
			return failure, nil
		}
	}
	return nil, nil //nolint:nilnil // it is everywhere
}
