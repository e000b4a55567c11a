package booking

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/rapport-crm/rapport/activities/calendar"
	"github.com/rapport-crm/rapport/crm"
)

// mirrorBatch is how many seats a pass looks at. Those of people who are left alone are among them.
const mirrorBatch = 1000

// Mirror does one pass over the calendars that do not have what they should, everybody's at the same time. Whose calendar does not
// answer is left alone for a while. It returns how many calendars came to be as they should.
func (b *Booker) Mirror(ctx context.Context) (done int, err error) {
	behind, err := b.Store.SeatsBehind(ctx, mirrorBatch)
	if err != nil {
		return 0, err
	}
	behind = slices.DeleteFunc(behind, func(s crm.CalendarSeat) bool { return !b.backing.due(s.InterviewerID) || b.settling(s) })
	if len(behind) == 0 {
		return 0, nil
	}
	byPerson := map[string][]crm.CalendarSeat{}
	var whose []string
	for _, s := range behind {
		if byPerson[s.InterviewerID] == nil {
			whose = append(whose, s.InterviewerID)
		}
		byPerson[s.InterviewerID] = append(byPerson[s.InterviewerID], s)
	}
	people, err := b.diaries(ctx, nil, whose)
	if err != nil {
		return 0, err
	}
	counts, errs := make([]int, len(people)), make([]error, len(people))
	each(len(people), func(i int) {
		counts[i], errs[i] = b.mirrorFor(ctx, &people[i], byPerson[people[i].ID])
	})
	for _, n := range counts {
		done += n
	}
	return done, errors.Join(errs...)
}

// mirrorFor brings one person's calendars up to date, as long as they answer.
func (b *Booker) mirrorFor(ctx context.Context, p *diary, seats []crm.CalendarSeat) (done int, err error) {
	for _, s := range seats {
		written, failure, err := b.mirror(ctx, p, s)
		switch {
		case err != nil:
			return done, err
		case failure != nil:
			b.backing.failed(p.ID, failure.RetryAfter)
			b.Log.WarnContext(ctx, "calendar not brought up to date, trying again later", "meeting", s.MeetingID, "interviewer", p.ID, "error", failure)
			return done, nil
		case written:
			done++
		}
	}
	b.backing.worked(p.ID)
	return done, nil
}

// mirror brings one seat up to date. It takes no longer than an attempt at booking: what it still writes after that is known to end.
func (b *Booker) mirror(ctx context.Context, p *diary, s crm.CalendarSeat) (done bool, failure *calendar.Error, err error) {
	ctx, cancel := context.WithTimeout(ctx, attemptLasts)
	defer cancel()
	q, err := b.read(ctx, s.MeetingID)
	switch {
	case crm.CodeOf(err) == crm.CodeNotFound: // erased meanwhile
		return false, nil, nil
	case err != nil:
		return false, nil, err
	case s.Wanted == nil:
		return b.clear(ctx, p, s)
	case q.Meeting.State != crm.MeetingBooked || q.Meeting.Sequence != *s.Wanted || q.Meeting.Seat(p.ID) == nil: // changed since
		return false, nil, nil
	}
	b.deleted.forget(seat{s.MeetingID, p.ID})
	failure, err = b.put(ctx, q, p)
	if err != nil || failure != nil && failure.Kind != calendar.Gone {
		return false, failure, err
	}
	return true, nil, b.Store.SeatWritten(ctx, s.MeetingID, p.ID, s.Wanted)
}

// settling tells whether a seat's event was deleted, and is to be deleted once more later.
func (b *Booker) settling(s crm.CalendarSeat) bool {
	since := b.deleted.since(seat{s.MeetingID, s.InterviewerID})
	return s.Wanted == nil && !since.IsZero() && time.Since(since) < cmp.Or(b.Settle, defaultSettle)
}

// clear takes an event out of one person's calendars. That counts when it was done again after everybody who may have been
// writing the event has ended.
func (b *Booker) clear(ctx context.Context, p *diary, s crm.CalendarSeat) (done bool, failure *calendar.Error, err error) {
	at, anywhere := seat{s.MeetingID, p.ID}, false
	for k := range p.calendars {
		if !p.calendars[k].Writable() {
			continue
		}
		anywhere = true
		if err := b.step(ctx, "delete "+p.ID); err != nil {
			return false, nil, err
		}
		failure, err := b.ask(ctx, &p.calendars[k], &p.Interviewer, func(ctx context.Context, c calendar.Calendar) error {
			return c.Delete(ctx, b.uid(s.MeetingID))
		})
		if err != nil || failure != nil && failure.Kind != calendar.Gone && failure.Kind != calendar.ReadOnly {
			return false, failure, err
		}
	}
	if anywhere && b.deleted.since(at).IsZero() {
		b.deleted.note(at)
		return false, nil, nil
	}
	b.deleted.forget(at)
	return true, nil, b.Store.SeatWritten(ctx, s.MeetingID, p.ID, nil)
}
