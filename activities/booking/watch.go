package booking

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/rapport-crm/rapport/activities/calendar"
	"github.com/rapport-crm/rapport/crm"
)

// watchAhead is how far ahead of a meeting its calendars are watched.
const watchAhead = 14 * 24 * time.Hour

// Why somebody cannot hold a meeting, as their calendar says.
const (
	declinedThere = "calendar" // they declined the event
	deletedThere  = "deleted"  // they deleted the event, twice
	conflict      = "conflict" // something else has come up
)

// Watch looks into the calendars of all who hold a meeting in the next two weeks: an event that its owner declined, something
// else at that time, an event that its owner deleted. The last is put there again once: it may have been a mistake.
func (b *Booker) Watch(ctx context.Context) error {
	now := b.Now()
	booked, err := b.Store.SeatsBooked(ctx, crm.Span{Start: now, End: now.Add(watchAhead)})
	if err != nil || len(booked) == 0 {
		return err
	}
	byPerson := map[string][]crm.Held{}
	var whose []string
	for _, h := range booked {
		if byPerson[h.InterviewerID] == nil {
			whose = append(whose, h.InterviewerID)
		}
		byPerson[h.InterviewerID] = append(byPerson[h.InterviewerID], h)
	}
	people, err := b.diaries(ctx, nil, whose)
	if err != nil {
		return err
	}
	errs := make([]error, len(people))
	each(len(people), func(i int) {
		for k := range people[i].calendars {
			if errs[i] = b.watch(ctx, &people[i], &people[i].calendars[k], byPerson[people[i].ID]); errs[i] != nil {
				return
			}
		}
	})
	return errors.Join(errs...)
}

// watch looks into one calendar. One that does not answer says nothing.
func (b *Booker) watch(ctx context.Context, p *diary, link *crm.CalendarLink, held []crm.Held) error {
	if !b.backing.due(p.ID) {
		return nil
	}
	within := crm.Span{Start: held[0].Start, End: held[len(held)-1].End.Add(24 * time.Hour)}
	var blocks []calendar.Block
	failure, err := b.ask(ctx, link, &p.Interviewer, func(ctx context.Context, c calendar.Calendar) (err error) {
		blocks, err = c.Busy(ctx, within)
		return err
	})
	if err != nil {
		return err
	}
	if failure != nil {
		b.backing.failed(p.ID, failure.RetryAfter)
		return nil
	}
	if err := b.Store.CalendarAnswered(ctx, link.ID, nil, crm.Span{}, b.Now()); err != nil {
		return err
	}
	for _, h := range held {
		reason, err := b.trouble(ctx, p, link, h, blocks)
		if err != nil {
			return err
		}
		if reason == "" {
			continue
		}
		if err := b.tell(ctx, h, reason); err != nil {
			return err
		}
	}
	return nil
}

// trouble says what in a calendar stands against a meeting; "" for nothing. Blocks without a name could be the meeting itself.
func (b *Booker) trouble(ctx context.Context, p *diary, link *crm.CalendarLink, h crm.Held, blocks []calendar.Block) (string, error) {
	there := slices.ContainsFunc(blocks, func(x calendar.Block) bool { return x.UID == b.uid(h.MeetingID) })
	if link.Writable() && !there {
		reason, err := b.missing(ctx, p, link, h)
		if reason != "" || err != nil {
			return reason, err
		}
	}
	if slices.ContainsFunc(blocks, func(x calendar.Block) bool {
		return x.UID != "" && !b.ours(x.UID) && !x.Tentative && x.Overlaps(h.Span)
	}) {
		return conflict, nil
	}
	return "", nil
}

// missing looks for an event that takes no time: it was declined, or deleted.
func (b *Booker) missing(ctx context.Context, p *diary, link *crm.CalendarLink, h crm.Held) (reason string, err error) {
	var event *calendar.Event
	failure, err := b.ask(ctx, link, &p.Interviewer, func(ctx context.Context, c calendar.Calendar) (err error) {
		event, err = c.Find(ctx, b.uid(h.MeetingID))
		return err
	})
	switch {
	case failure != nil || err != nil:
		return "", err
	case event != nil && event.Answer == calendar.Declined:
		return declinedThere, nil
	case event != nil && !event.Cancelled:
		return "", nil
	}
	q, err := b.read(ctx, h.MeetingID)
	if err != nil {
		return "", unlessErased(err)
	}
	holds := q.Meeting.Seat(p.ID)
	if q.Meeting.State != crm.MeetingBooked || holds == nil || !q.Meeting.StartsAt.Equal(h.Start) {
		return "", nil // it has changed since
	}
	if holds.Restored {
		return deletedThere, nil
	}
	put := b.event(q, &p.Interviewer)
	failure, err = b.ask(ctx, link, &p.Interviewer, func(ctx context.Context, c calendar.Calendar) error { return c.Put(ctx, put) })
	switch {
	case err != nil:
		return "", err
	case failure != nil && failure.Retryable():
		return "", nil
	}
	return "", b.restored(ctx, q, p.ID)
}

// restored notes that an event was put again.
func (b *Booker) restored(ctx context.Context, q *question, interviewerID string) error {
	_, err := b.Store.ChangeMeeting(ctx, q.Meeting.ID, func(m *crm.Meeting) (crm.MeetingChanged, error) {
		p := m.Seat(interviewerID)
		if m.Sequence != q.Meeting.Sequence || m.State != crm.MeetingBooked || p == nil {
			return crm.MeetingChanged{Unchanged: true}, nil
		}
		p.Restored = true
		return crm.MeetingChanged{}, nil
	})
	return unlessErased(err)
}

// tell keeps that somebody cannot hold a meeting, and tells their run.
func (b *Booker) tell(ctx context.Context, h crm.Held, reason string) error {
	facts, err := b.Store.MeetingFacts(ctx, h.MeetingID)
	if err != nil {
		return unlessErased(err)
	}
	now := b.Now()
	_, err = b.Store.ChangeMeeting(ctx, h.MeetingID, func(m *crm.Meeting) (crm.MeetingChanged, error) {
		p := m.Seat(h.InterviewerID)
		if m.State != crm.MeetingBooked || p == nil || !m.StartsAt.Equal(h.Start) || !now.Before(m.StartsAt) {
			return crm.MeetingChanged{Unchanged: true}, nil // it has changed since
		}
		if p.Clash || p.Answer == crm.AnswerDeclined {
			return crm.MeetingChanged{Unchanged: true}, nil
		}
		if reason == conflict {
			p.Clash = true
		} else if _, err := m.Reply(h.InterviewerID, crm.AnswerDeclined, now); err != nil {
			return crm.MeetingChanged{}, err
		}
		return crm.MeetingChanged{Events: []crm.Event{declined(m, &facts.Application, h.InterviewerID, reason, now)}}, nil
	})
	return unlessErased(err)
}

// declined is the event that somebody cannot hold a meeting.
func declined(m *crm.Meeting, a *crm.Application, interviewerID, reason string, now time.Time) crm.Event {
	id := crm.DeriveID(crm.PrefixEvent, now, m.ID, interviewerID, strconv.Itoa(m.Sequence), reason)
	data := map[string]any{
		"interview": m.Definition, "round": m.Round, "interviewer": interviewerID, "reason": reason,
		"starts_at": m.StartsAt.UTC().Format(time.RFC3339),
	}
	if a.ExternalID != "" {
		data["application"] = a.ExternalID
	}
	return crm.Event{
		ID: id, Source: crm.SourceRapport, ExternalID: id, Type: crm.EventDeclined, Subject: m.CandidateID, CandidateID: m.CandidateID,
		Time: now, ReceivedAt: now, Data: data,
	}
}

func unlessErased(err error) error {
	if crm.CodeOf(err) == crm.CodeNotFound {
		return nil
	}
	return err
}
