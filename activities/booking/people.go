package booking

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/rapport-crm/rapport/activities/calendar"
	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl/slots"
)

// recent is how far back interviews count for whose turn it is.
const recent = 28 * 24 * time.Hour

// diary is one person's calendars as they were read.
type diary struct {
	crm.Interviewer

	calendars []crm.CalendarLink // that can be asked
	busy      []crm.Span
	notes     []string // for whoever looks after the loop
	absent    bool     // too little is known to ask them
}

// diaries are the people of a question and those who are named, with their calendars.
func (b *Booker) diaries(ctx context.Context, groups, named []string) ([]diary, error) {
	people, err := b.Store.InterviewersOf(ctx, groups, named)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(people))
	all := make([]diary, len(people))
	for i := range people {
		ids[i], all[i].Interviewer = people[i].ID, people[i]
	}
	links, err := b.Store.OpenCalendars(ctx, ids...)
	if err != nil {
		return nil, err
	}
	for i := range links {
		at := slices.Index(ids, links[i].InterviewerID)
		if at >= 0 && links[i].Kind != crm.CalendarOwn {
			all[at].calendars = append(all[at].calendars, links[i])
		}
	}
	return all, nil
}

// open reaches a calendar for one request.
func (b *Booker) open(ctx context.Context, link *crm.CalendarLink, owner *crm.Interviewer) (calendar.Calendar, error) {
	if link.Locked {
		return nil, &calendar.Error{Kind: calendar.Unauthorized, Code: "locked"}
	}
	return b.Open(ctx, link, owner)
}

// ask does one request to a calendar, and keeps how that went. A failure is of the calendar; an error is not.
func (b *Booker) ask(ctx context.Context, link *crm.CalendarLink, owner *crm.Interviewer, do func(context.Context, calendar.Calendar) error) (*calendar.Error, error) {
	limited, cancel := context.WithTimeout(ctx, calendarLasts)
	defer cancel()
	c, err := b.open(limited, link, owner)
	if err == nil {
		err = do(limited, c)
	}
	if err == nil {
		return nil, nil //nolint:nilnil // it went well
	}
	if ctx.Err() != nil && context.Cause(ctx) != context.DeadlineExceeded { //nolint:errorlint // the cause is it, or not
		return nil, ctx.Err()
	}
	failure := failureOf(err)
	if state := stateOf(failure.Kind); state != "" {
		if err := b.Store.CalendarFailed(context.WithoutCancel(ctx), link.ID, state, b.Now()); err != nil {
			return nil, err
		}
	}
	return failure, nil
}

// stateOf is what a failure says about a calendar as a whole; "" for nothing.
func stateOf(kind calendar.Kind) crm.CalendarState {
	switch kind {
	case calendar.Unauthorized:
		return crm.CalendarUnauthorized
	case calendar.Gone, calendar.Refused, calendar.Unreadable:
		return crm.CalendarGone
	case calendar.Throttled, calendar.Unavailable:
		return crm.CalendarUnavailable
	case calendar.ReadOnly, calendar.Conflict:
	}
	return crm.CalendarNew
}

// blocks asks one calendar what is busy, and keeps that for when it does not answer if keep says so.
func (b *Booker) blocks(ctx context.Context, link *crm.CalendarLink, owner *crm.Interviewer, within crm.Span, keep bool) ([]calendar.Block, *calendar.Error, error) {
	var found []calendar.Block
	failure, err := b.ask(ctx, link, owner, func(ctx context.Context, c calendar.Calendar) (err error) {
		found, err = c.Busy(ctx, within)
		return err
	})
	if failure != nil || err != nil {
		return nil, failure, err
	}
	found = slices.DeleteFunc(found, func(x calendar.Block) bool { return b.ours(x.UID) })
	kept := crm.Span{}
	if keep {
		kept = within
	}
	return found, nil, b.Store.CalendarAnswered(context.WithoutCancel(ctx), link.ID, spansOf(found), kept, b.Now())
}

func spansOf(blocks []calendar.Block) []crm.Span {
	spans := make([]crm.Span, len(blocks))
	for i := range blocks {
		spans[i] = blocks[i].Span
	}
	return spans
}

// look reads what is busy in all calendars of some people, for offering: a calendar that does not answer counts as it was
// last known. Who has one that is closed to us, or of which nothing is known, is absent: they could not be booked.
func (b *Booker) look(ctx context.Context, q *question, people []diary, within crm.Span) error {
	type reading struct{ person, link int }
	var all []reading
	for i := range people {
		for k := range people[i].calendars {
			all = append(all, reading{i, k})
		}
	}
	busy, failures, errs := make([][]crm.Span, len(all)), make([]*calendar.Error, len(all)), make([]error, len(all))
	each(len(all), func(n int) {
		p := &people[all[n].person]
		var found []calendar.Block
		found, failures[n], errs[n] = b.blocks(ctx, &p.calendars[all[n].link], &p.Interviewer, within, true)
		busy[n] = spansOf(found)
	})
	for n := range all {
		p := &people[all[n].person]
		link := &p.calendars[all[n].link]
		switch {
		case errs[n] != nil:
			return errs[n]
		case failures[n] == nil:
			p.busy = append(p.busy, busy[n]...)
		case failures[n].Retryable() && !link.BusyAt.IsZero():
			p.busy = append(append(p.busy, link.Busy...), outside(within, link.BusyFor)...)
			p.notes = append(p.notes, fmt.Sprintf("A calendar of %s does not answer. It counts as it was on %s.", p.called(), q.moment(link.BusyAt)))
		default:
			p.absent = true
			p.notes = append(p.notes, fmt.Sprintf("A calendar of %s cannot be asked, so they are left out: %s.", p.called(), failures[n]))
		}
	}
	return nil
}

// outside is what of a span lies before or after another.
func outside(of, known crm.Span) []crm.Span {
	var spans []crm.Span
	for _, s := range []crm.Span{{Start: of.Start, End: known.Start}, {Start: known.End, End: of.End}} {
		if !s.IsEmpty() {
			spans = append(spans, s)
		}
	}
	return spans
}

func (p *diary) called() string {
	if p.Name != "" {
		return p.Name
	}
	return p.Email
}

func (q *question) moment(t time.Time) string { return t.In(q.zone).Format("Mon 2 Jan 15:04") }

// persons makes of people what the search takes: with what they hold, but for the meeting itself.
func (b *Booker) persons(ctx context.Context, q *question, people []diary, until time.Time) ([]slots.Person, error) {
	ids := make([]string, len(people))
	for i := range people {
		ids[i] = people[i].ID
	}
	since := q.now.Add(-recent) // more than the beginning of any week that the search touches
	held, err := b.Store.HeldBy(ctx, ids, crm.Span{Start: since, End: until.AddDate(0, 0, 8)})
	if err != nil {
		return nil, err
	}
	persons := make([]slots.Person, len(people))
	for i := range people {
		persons[i] = slots.Person{Interviewer: people[i].Interviewer, Busy: people[i].busy}
	}
	for _, h := range held {
		if h.MeetingID == q.Meeting.ID {
			continue
		}
		p := &persons[slices.Index(ids, h.InterviewerID)]
		p.Interviews = append(p.Interviews, h.Span)
		p.Recent++ // what is yet to come counts as well: else everybody who asks today gets the same person
	}
	return persons, nil
}
