package booking

import (
	"context"
	"slices"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/dsl/slots"
)

// prepared is a search that is ready to be answered.
type prepared struct {
	finder *slots.Finder
	people []diary
	notes  []string
}

// prepare asks the calendars of all whom a round may mean. Those who stay do so whatever is known of their calendars.
func (b *Booker) prepare(ctx context.Context, q *question, stay []string) (*prepared, error) {
	var groups, named []string
	for _, s := range q.round.Interviewers {
		if s.HiringManager {
			if q.Application.Manager != "" {
				named = append(named, q.Application.Manager)
			}
		} else {
			groups = append(groups, s.Group)
		}
	}
	people, err := b.diaries(ctx, groups, named)
	if err != nil {
		return nil, err
	}
	people = slices.DeleteFunc(people, func(p diary) bool { return !p.Active })
	s := q.search()
	if err := b.look(ctx, q, people, crm.Span{Start: q.now, End: latest(s.Until, q.Meeting.EndsAt).Add(24 * time.Hour)}); err != nil {
		return nil, err
	}
	if s.People, err = b.persons(ctx, q, people, latest(s.Until, q.Meeting.EndsAt)); err != nil {
		return nil, err
	}
	s.Seats = q.seats(people)
	p := &prepared{people: people}
	for i := range people {
		p.notes = append(p.notes, people[i].notes...)
		if people[i].absent && !slices.Contains(stay, people[i].ID) {
			s.Without = append(s.Without, people[i].ID)
		}
	}
	p.finder, err = slots.New(s)
	return p, err
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// search is what the definition and the workspace ask for, without the people.
func (q *question) search() slots.Search {
	o := &q.round.Offer
	var calendar *dsl.Calendar
	if q.workspace != nil {
		calendar = q.workspace.Calendar
	}
	s := slots.Search{
		Length: q.round.Duration, Buffer: o.Buffer, Office: office(calendar), Zone: q.zone, Count: o.Slots,
		Now: q.now, NotBefore: o.Notice.Add(q.now, q.zone, calendar), Until: o.Within.Add(q.now, q.zone, calendar),
		Candidate: slots.Candidate{Zone: dsl.KnownZone(&q.Candidate), Busy: slices.Clone(q.Elsewhere)},
	}
	if o.Close > 0 {
		s.Hours = crm.DayPart{From: o.Open, To: o.Close}
	}
	if calendar != nil && calendar.Holidays != "" {
		s.Holiday = calendar.Holiday
	}
	m := &q.Meeting
	if m.Asked > m.AskedSeen { // what was offered does not suit
		for _, slot := range m.Offered {
			s.Candidate.Busy = append(s.Candidate.Busy, crm.Span{Start: slot.StartsAt, End: slot.EndsAt})
		}
	}
	for _, p := range m.Panel {
		switch {
		case p.Answer == crm.AnswerDeclined || p.Clash:
			s.Without = append(s.Without, p.InterviewerID)
		case !p.Shadow:
			s.Prefer = append(s.Prefer, p.InterviewerID)
		}
	}
	for _, p := range m.Left {
		if p.Answer == crm.AnswerDeclined || p.Clash {
			s.Without = append(s.Without, p.InterviewerID)
		}
	}
	return s
}

// office is when people work who have no hours of their own: as the workspace's calendar says, else nine to five from Monday to
// Friday.
func office(c *dsl.Calendar) crm.Hours {
	if c == nil {
		c = &dsl.Calendar{Open: 9 * 60, Close: 17 * 60}
		for day := time.Monday; day <= time.Friday; day++ {
			c.Days[day] = true
		}
	}
	return c.Week()
}

// seats are the places of the round. The hiring manager's stays empty when nobody knows who that is.
func (q *question) seats(people []diary) []slots.Seat {
	manager := crm.NormalAddress(crm.Email, q.Application.Manager)
	all := make([]slots.Seat, len(q.round.Interviewers))
	for i, s := range q.round.Interviewers {
		all[i] = slots.Seat{Group: s.Group, Any: s.Any}
		if !s.HiringManager {
			continue
		}
		for k := range people {
			if manager != "" && people[k].Email == manager {
				all[i].Person = people[k].ID
			}
		}
	}
	return all
}
