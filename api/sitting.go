package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/dsl/phrases"
	"github.com/rapport-crm/rapport/store"
)

// Reasons of the events that the pages of interviews tell. What people write beside them is in the data's text: it is shown to
// those who may read notes, and no condition can look at it.
const (
	reasonStale     = "stale" // no time is left of those that were offered
	reasonWish      = "wish"  // the candidate would like other times
	reasonCandidate = "candidate"
	reasonDeclined  = "declined"
	reasonAbsent    = "absent"
)

// sitting is a meeting with all that its pages tell of it, and the rules of the definition that its run is pinned to.
type sitting struct {
	crm.Meeting

	loop        *dsl.Interview
	ws          *dsl.Workspace
	candidate   crm.Candidate
	application crm.Application // zero when it is gone
	people      map[string]crm.Interviewer
	held        []store.Held // what those who were offered hold
	now         time.Time
}

// readSitting reads what belongs to a meeting. The error has crm.CodeNotFound when its candidate is erased.
func (s *server) readSitting(ctx context.Context, m *crm.Meeting) (*sitting, error) {
	t := &sitting{Meeting: *m, now: s.Now(), ws: &dsl.Workspace{}, people: map[string]crm.Interviewer{}}
	set, err := s.inForce.get(ctx)
	if err != nil {
		return nil, err
	}
	if set.Workspace != nil {
		t.ws = set.Workspace
	}
	if t.candidate, _, err = s.Store.Candidate(ctx, m.CandidateID); err != nil {
		return nil, err
	}
	if t.application, err = s.Store.Application(ctx, m.ApplicationID); err != nil && crm.CodeOf(err) != crm.CodeNotFound {
		return nil, err
	}
	if t.loop, err = s.loopOf(ctx, m.EnrollmentID); err != nil {
		return nil, err
	}
	return t, s.readPeople(ctx, t)
}

// loopOf is the interview that a run is pinned to.
func (s *server) loopOf(ctx context.Context, enrollmentID string) (*dsl.Interview, error) {
	run, err := s.Store.Enrollment(ctx, enrollmentID)
	if err != nil {
		return nil, err
	}
	definition, err := s.Store.DefinitionByHash(ctx, run.Hash)
	if err != nil {
		return nil, err
	}
	program, err := dsl.Compile(definition.Document)
	switch {
	case err != nil:
		return nil, fmt.Errorf("read interview: %w", err)
	case program.Loop == nil:
		return nil, errors.New("read interview: the run is not one of an interview")
	}
	return program.Loop, nil
}

// readPeople reads who holds the meeting or could, and what else they hold at the times that are offered.
func (s *server) readPeople(ctx context.Context, t *sitting) error {
	ids := t.Concerned()
	within := crm.Span{}
	for _, slot := range t.Offered {
		ids = append(append(ids, slot.Seats...), slot.Shadows...)
		if within.Start.IsZero() || slot.StartsAt.Before(within.Start) {
			within.Start = slot.StartsAt
		}
		if slot.EndsAt.After(within.End) {
			within.End = slot.EndsAt
		}
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	people, err := s.Store.InterviewersOf(ctx, nil, ids)
	if err != nil {
		return err
	}
	for i := range people {
		t.people[people[i].ID] = people[i]
	}
	if len(t.Offered) > 0 {
		t.held, err = s.Store.HeldBy(ctx, ids, within)
	}
	return err
}

// free are the times that the candidate can pick now: not too soon, not the one that is agreed, and with people who hold nothing
// else by then. What is free for certain is only found out when it is picked.
func (t *sitting) free() []crm.Slot {
	return slices.DeleteFunc(slices.Clone(t.Offered), func(slot crm.Slot) bool {
		return t.tooSoon(slot.StartsAt) || slot.StartsAt.Equal(t.StartsAt) || slices.ContainsFunc(t.held, func(h store.Held) bool {
			return h.MeetingID != t.ID && slices.Contains(slot.Seats, h.InterviewerID) && h.Start.Before(slot.EndsAt) && slot.StartsAt.Before(h.End)
		})
	})
}

// tooSoon tells whether a time is past, or within the round's notice.
func (t *sitting) tooSoon(start time.Time) bool {
	if r := t.round(); r != nil {
		return r.Offer.TooSoon(start, t.now, t.zone(), t.ws.Calendar)
	}
	return !start.After(t.now)
}

// round is the meeting's, as the definition has it.
func (t *sitting) round() *dsl.Round { return t.loop.Round(t.Round) }

// moves is how often, and until when, the candidate may change the time of a meeting.
func (t *sitting) moves(m *crm.Meeting) (limit int, by time.Time) {
	return t.loop.Moves(m, t.zone(), t.ws.Calendar)
}

// absentFrom is when somebody who is not there counts as missing.
func (t *sitting) absentFrom() time.Time { return t.loop.AbsentFrom(&t.Meeting) }

// zone is the candidate's.
func (t *sitting) zone() *time.Location { return dsl.ZoneOf(&t.candidate, t.ws) }

// names are those of some people, as candidates see them.
func (t *sitting) names(ids []string) string {
	var names []string
	for _, id := range ids {
		if name := t.people[id].Name; name != "" {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

// facts are what both pages say of a meeting, in words.
type facts struct {
	Role, Length, How, Where, Link, With string
	Day, Time, Zone                      string // "" when no time is agreed
}

// facts of an agreed time, or of what is offered, in a zone.
func (t *sitting) facts(words *phrases.Words, loc *time.Location) facts {
	f := facts{Role: t.application.Role}
	medium := t.Medium
	if r := t.round(); r != nil {
		f.Length, medium = words.Say("interview_minutes", "Minutes", int(r.Duration.Minutes())), cmp.Or(medium, r.Medium)
	}
	if medium != "" {
		f.How = words.Say("interview_" + medium)
	}
	if t.StartsAt.IsZero() {
		return f
	}
	f.Day, f.Time, f.Zone = words.Day(t.StartsAt.In(loc)), clock(t.Slot, loc), zoneLabel(loc, t.StartsAt)
	f.With = t.names(append(slices.Clone(t.Seats), t.Shadows...))
	if f.Where = t.Place; strings.HasPrefix(t.Place, "https://") {
		f.Link = t.Place
	}
	return f
}

// clock is from when to when a meeting is, on the clocks of a zone.
func clock(slot crm.Slot, loc *time.Location) string {
	return slot.StartsAt.In(loc).Format("15:04") + "–" + slot.EndsAt.In(loc).Format("15:04")
}

// event tells of a change of the meeting.
func (t *sitting) event(m *crm.Meeting, eventType string, more map[string]any) crm.Event {
	id := crm.NewID(crm.PrefixEvent, t.now)
	data := map[string]any{"interview": m.Definition, "round": m.Round, "enrollment": m.EnrollmentID, "meeting": m.ID}
	if t.application.ExternalID != "" {
		data["application"] = t.application.ExternalID
	}
	if !m.StartsAt.IsZero() {
		data["starts_at"] = m.StartsAt.UTC().Format(time.RFC3339)
	}
	for name, value := range more {
		if value != "" {
			data[name] = value
		}
	}
	return crm.Event{
		ID: id, Source: crm.SourceRapport, ExternalID: id, Type: eventType, Subject: m.CandidateID, CandidateID: m.CandidateID,
		EnrollmentID: m.EnrollmentID, Time: t.now, ReceivedAt: t.now, Data: data,
	}
}

// change changes the meeting, and keeps it as it is then. The event, if there is one, tells of it in the same transaction.
func (s *server) change(ctx context.Context, t *sitting, change func(m *crm.Meeting) (changed bool, told *crm.Event, err error)) error {
	m, err := s.Store.ChangeMeeting(ctx, t.ID, func(m *crm.Meeting) (store.MeetingChanged, error) {
		changed, told, err := change(m)
		if err != nil || !changed {
			return store.MeetingChanged{Unchanged: true}, err
		}
		if told == nil {
			return store.MeetingChanged{}, nil
		}
		return store.MeetingChanged{Events: []crm.Event{*told}}, nil
	})
	if err != nil {
		return err
	}
	t.Meeting = m
	return nil
}
