package booking

import (
	"context"

	"github.com/rapport-crm/rapport/activities/calendar"
	"github.com/rapport-crm/rapport/crm"
)

// Checked is how a calendar answered when it was asked just now.
type Checked struct {
	CalendarID string
	Busy       []crm.Span      // of the next two weeks, as they were read
	Failure    *calendar.Error // nil: it answered
}

// Check asks every calendar of somebody for the busy times of the next two weeks, all at once. Only Store, Open, Domain and Now are
// needed. How it went is kept as after any other question; the busy times that are kept for offering stay.
func (b *Booker) Check(ctx context.Context, person *crm.Interviewer) ([]Checked, error) {
	links, err := b.Store.OpenCalendars(ctx, person.ID)
	if err != nil {
		return nil, err
	}
	now := b.Now()
	within := crm.Span{Start: now, End: now.Add(watchAhead)}
	checked, errs := make([]Checked, len(links)), make([]error, len(links))
	each(len(links), func(i int) {
		checked[i].CalendarID = links[i].ID
		if links[i].Kind == crm.CalendarOwn {
			return // there is nobody to ask
		}
		var found []calendar.Block
		found, checked[i].Failure, errs[i] = b.blocks(ctx, &links[i], person, within, false)
		checked[i].Busy = crm.MergeSpans(spansOf(found))
	})
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return checked, nil
}
