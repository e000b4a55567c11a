package booking

import (
	"cmp"
	"context"
	"time"

	"github.com/rapport-crm/rapport/activities/calendar"
)

// TakeOut takes the event of a meeting out of an interviewer's calendars. Of the meeting nothing need be known any more: its candidate
// may be erased. Whoever was just booking it can still write the event, so it is to be done once more after Settles.
func (b *Booker) TakeOut(ctx context.Context, meetingID, interviewerID string) error {
	ctx, cancel := context.WithTimeout(ctx, attemptLasts)
	defer cancel()
	people, err := b.diaries(ctx, nil, []string{interviewerID})
	if err != nil {
		return err
	}
	for i := range people {
		p := &people[i]
		for k := range p.calendars {
			if !p.calendars[k].Writable() {
				continue
			}
			failure, err := b.ask(ctx, &p.calendars[k], &p.Interviewer, func(ctx context.Context, c calendar.Calendar) error {
				return c.Delete(ctx, b.uid(meetingID))
			})
			switch {
			case err != nil:
				return err
			case failure != nil && failure.Kind != calendar.Gone && failure.Kind != calendar.ReadOnly:
				return failure
			}
		}
	}
	return nil
}

// Settles is how long after an event was taken out nobody can still be writing it.
func (b *Booker) Settles() time.Duration { return cmp.Or(b.Settle, defaultSettle) }
