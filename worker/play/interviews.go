package play

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rapport-crm/rapport/activities/booking"
	"github.com/rapport-crm/rapport/activities/calendar"
	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/store/memory"
)

// domain is that of the events in calendars.
const domain = "play.example"

// offices are the people who hold interviews, with their calendars. Production's own booking.Booker finds times in them, books, finds
// somebody else and notices conflicts.
type offices struct {
	*memory.Store
	people []dsl.Attendant
}

// newBooker returns what calls of interviews are answered by.
func (p *player) newBooker() *booking.Booker {
	p.offices = &offices{Store: p.store}
	for _, a := range p.part.Interviewers {
		a.Busy = slices.Clone(a.Busy)
		p.offices.people = append(p.offices.people, a)
	}
	return &booking.Booker{
		Store: p.offices, Library: p.library, Open: p.offices.open, Domain: domain, Now: func() time.Time { return p.clock },
		Log: slog.New(slog.DiscardHandler),
	}
}

// InterviewersOf implements booking.Store.
func (o *offices) InterviewersOf(_ context.Context, groups, idsOrEmails []string) ([]crm.Interviewer, error) {
	var found []crm.Interviewer
	for i := range o.people {
		p := &o.people[i].Interviewer
		if slices.ContainsFunc(groups, p.InGroup) || slices.Contains(idsOrEmails, p.ID) || slices.Contains(idsOrEmails, p.Email) {
			found = append(found, *p)
		}
	}
	return found, nil
}

// OpenCalendars implements booking.Store: everybody has one calendar, which is only read.
func (o *offices) OpenCalendars(_ context.Context, ids ...string) ([]crm.CalendarLink, error) {
	links := make([]crm.CalendarLink, len(ids))
	for i, id := range ids {
		links[i] = crm.CalendarLink{ID: id, InterviewerID: id, Kind: crm.CalendarICS, State: crm.CalendarOK}
	}
	return links, nil
}

// CalendarAnswered implements booking.Store.
func (o *offices) CalendarAnswered(context.Context, string, []crm.Span, crm.Span, time.Time) error {
	return nil
}

// CalendarFailed implements booking.Store.
func (o *offices) CalendarFailed(context.Context, string, crm.CalendarState, time.Time) error {
	return nil
}

// MarkSeats implements booking.Store.
func (o *offices) MarkSeats(context.Context, string, int) error { return nil }

// SeatWritten implements booking.Store.
func (o *offices) SeatWritten(context.Context, string, string, *int) error { return nil }

// SeatsBehind implements booking.Store: no calendar is.
func (o *offices) SeatsBehind(context.Context, int) ([]crm.CalendarSeat, error) { return nil, nil }

func (o *offices) open(_ context.Context, _ *crm.CalendarLink, owner *crm.Interviewer) (calendar.Calendar, error) {
	i := slices.IndexFunc(o.people, func(a dsl.Attendant) bool { return a.ID == owner.ID })
	return diary(o.people[i].Busy), nil
}

// diary is what is in somebody's calendar beside interviews.
type diary []crm.Span

// Busy implements calendar.Calendar.
func (d diary) Busy(_ context.Context, within crm.Span) ([]calendar.Block, error) {
	var blocks []calendar.Block
	for i, span := range d {
		if span.Overlaps(within) {
			blocks = append(blocks, calendar.Block{Span: span, UID: strconv.Itoa(i) + "@diary.example"})
		}
	}
	calendar.SortBlocks(blocks)
	return blocks, nil
}

func readOnly() error { return &calendar.Error{Kind: calendar.ReadOnly} }

// Put implements calendar.Calendar.
func (d diary) Put(context.Context, calendar.Event) error { return readOnly() }

// Delete implements calendar.Calendar.
func (d diary) Delete(context.Context, string) error { return readOnly() }

// Find implements calendar.Calendar.
func (d diary) Find(context.Context, string) (*calendar.Event, error) { return nil, readOnly() }

// acting has calls of interviews answered. An error is one of the play: there is no other attempt.
type acting struct{ *player }

// Act implements activities.Actor.
func (a acting) Act(ctx context.Context, seq int64, call *crm.Call) (crm.CallResult, error) {
	result, err := a.booker.Act(ctx, seq, call)
	if found, ok := result.Result.(booking.Found); ok {
		a.report = found.Report
	}
	if err != nil {
		a.err = cmp.Or(a.err, fmt.Errorf("play: %s for %s: %w", call.Action, call.Round, err))
		return crm.CallResult{Outcome: crm.CallFailed, Reason: "not_played"}, nil
	}
	return result, nil
}

// sitting is the meeting that an entry of the script is about, with what is known around it. Its methods ask the store nothing: it
// is busy while a meeting changes.
type sitting struct {
	*player

	meeting     crm.Meeting
	loop        *dsl.Interview
	loc         *time.Location // the candidate's
	application string         // as events name it, or ""
}

// sitting is about the last meeting of the tested interview's open run that suits an entry: of an interviewer's, they are on the
// panel.
func (p *player) sitting(d *dsl.Deed) (*sitting, error) {
	for _, r := range slices.Backward(p.store.Enrollments(p.id)) {
		program := p.set.Programs[r.Definition]
		if p.part.Of != "" && r.Definition != p.part.Of || program == nil || program.Loop == nil || !r.Open() {
			continue
		}
		for _, m := range slices.Backward(p.store.Meetings(r.ID)) {
			if d.Who != "" && m.Seat(d.Who) == nil {
				continue
			}
			facts, err := p.store.MeetingFacts(p.ctx, m.ID)
			return &sitting{p, facts.Meeting, program.Loop, p.zone(), facts.Application.ExternalID}, err
		}
		if d.Who != "" {
			return nil, cannotBe(d.Who + " holds no interview.")
		}
	}
	return nil, cannotBe("There is no interview.")
}

func cannotBe(why string) error { return &crm.Error{Code: crm.CodeConflict, Message: why} }

// do lets somebody do something about an interview.
func (p *player) do(h *dsl.Happening) error {
	p.add(Line{Kind: LineEvent, Name: p.deedText(h.Deed)})
	if h.Deed.Do == dsl.DeedBusy {
		for i := range p.offices.people {
			a := &p.offices.people[i]
			a.Busy = append(a.Busy, h.Deed.Busy[a.ID]...)
		}
		return p.booker.Watch(p.ctx)
	}
	s, err := p.sitting(h.Deed)
	if err == nil {
		_, err = p.store.ChangeMeeting(p.ctx, s.meeting.ID, func(m *crm.Meeting) (crm.MeetingChanged, error) {
			changed, told, err := s.change(m, h.Deed)
			if err != nil || !changed {
				return crm.MeetingChanged{Unchanged: true}, err
			}
			return crm.MeetingChanged{Events: []crm.Event{s.told(m, told)}}, nil
		})
	}
	if reason, ok := errors.AsType[*crm.Error](err); ok {
		return p.cannot(h, strings.TrimSuffix(reason.Message, "."))
	}
	return err
}

// doable tells whether somebody can do what an entry says, as things are.
func (p *player) doable(d *dsl.Deed) bool {
	if d.Do == dsl.DeedBusy {
		return true
	}
	s, err := p.sitting(d)
	if err != nil {
		return false
	}
	_, _, err = s.change(&s.meeting, d)
	return err == nil
}

// oblige lets the candidate, or an interviewer, do the next thing that a smooth course needs. It returns whether there was one.
func (p *player) oblige() bool {
	if !p.part.Obliging || p.err != nil {
		return false
	}
	for _, r := range p.store.Enrollments(p.id) {
		for _, m := range p.store.Meetings(r.ID) {
			if d := p.smooth(&r, &m); r.Open() && d != nil && p.doable(d) {
				p.err = p.do(&dsl.Happening{Deed: d})
				return true
			}
		}
	}
	return false
}

// smooth is what comes next of a meeting, nil when nothing has to be done.
func (p *player) smooth(r *crm.Enrollment, m *crm.Meeting) *dsl.Deed {
	owing := m.Owing()
	switch {
	case m.State == crm.MeetingOffered:
		return &dsl.Deed{Do: dsl.DeedPick}
	case m.State == crm.MeetingBooked && len(owing) > 0 && !p.clock.Before(m.EndsAt) && slices.Contains(r.Awaits, crm.EventScored):
		return &dsl.Deed{Do: dsl.DeedScorecard, Who: owing[0].InterviewerID, Card: crm.Scorecard{Rating: goodRating, Recommend: "yes"}}
	}
	return nil
}

// goodRating is that of an obliging interviewer.
const goodRating = 4

// change does to a meeting what the pages of candidates and interviewers do, and returns the type of the event that tells of it.
func (s *sitting) change(m *crm.Meeting, d *dsl.Deed) (changed bool, told string, err error) {
	switch d.Do {
	case dsl.DeedPick:
		changed, err = s.pick(m, d.At)
		return changed, crm.EventPicked, err
	case dsl.DeedAsk:
		return true, crm.EventTimesRequested, m.AskMore()
	case dsl.DeedCancel:
		changed, err = m.Cancel(s.clock)
		return changed, crm.EventCancelled, err
	case dsl.DeedDecline:
		changed, err = m.Reply(d.Who, crm.AnswerDeclined, s.clock)
		return changed, crm.EventDeclined, err
	case dsl.DeedNoShow:
		changed, err = m.Report(s.loop.AbsentFrom(m), s.clock)
		return changed, crm.EventNoShow, err
	case dsl.DeedScorecard:
		card := d.Card
		card.At = s.clock
		return true, crm.EventScored, m.Score(d.Who, card, s.clock)
	case dsl.DeedBusy:
	}
	return false, "", nil
}

// pick agrees a time. A zero one is the first that is offered and can be picked.
func (s *sitting) pick(m *crm.Meeting, at dsl.Moment) (bool, error) {
	start, c := at.In(s.loc), s.set.Workspace.Calendar
	offered := slices.DeleteFunc(slices.Clone(m.Offered), func(slot crm.Slot) bool {
		round := s.loop.Round(m.Round)
		return slot.StartsAt.Equal(m.StartsAt) || round != nil && round.Offer.TooSoon(slot.StartsAt, s.clock, s.loc, c)
	})
	switch {
	case len(offered) == 0:
		return false, cannotBe("There is no time to pick.")
	case at.IsZero():
		start = offered[0].StartsAt
	case !slices.ContainsFunc(offered, func(slot crm.Slot) bool { return slot.StartsAt.Equal(start) }) && !start.Equal(m.StartsAt):
		return false, cannotBe("That time is not offered; these are: " + times(offered, s.loc) + ".")
	}
	limit, by := s.loop.Moves(m, s.loc, c)
	changed, err := m.Pick(start, limit, by, s.clock)
	for i := range m.Panel {
		if a := s.offices.person(m.Panel[i].InterviewerID); a != nil {
			m.Panel[i].Name, m.Panel[i].Email = a.Name, a.Email
		}
	}
	return changed, err
}

func (o *offices) person(id string) *dsl.Attendant {
	for i := range o.people {
		if o.people[i].ID == id {
			return &o.people[i]
		}
	}
	return nil
}

// times are the beginnings of slots, as a test writes them.
func times(slots []crm.Slot, loc *time.Location) string {
	words := make([]string, len(slots))
	for i, s := range slots {
		words[i] = s.StartsAt.In(loc).Format("2006-01-02T15:04")
	}
	return strings.Join(words, ", ")
}

// told is the event that tells of a change, as the pages make it.
func (s *sitting) told(m *crm.Meeting, eventType string) crm.Event {
	data := map[string]any{"interview": m.Definition, "round": m.Round}
	if s.application != "" {
		data["application"] = s.application
	}
	if !m.StartsAt.IsZero() {
		data["starts_at"] = m.StartsAt.UTC().Format(time.RFC3339)
	}
	id := crm.DeriveID(crm.PrefixEvent, s.clock, m.ID, eventType, strconv.Itoa(s.script))
	return crm.Event{
		ID: id, Source: crm.SourceRapport, ExternalID: id, Type: eventType, Subject: s.id, CandidateID: s.id, Time: s.clock,
		ReceivedAt: s.clock, Data: data,
	}
}

// deedText says what somebody does.
func (p *player) deedText(d *dsl.Deed) string {
	switch d.Do {
	case dsl.DeedPick:
		if d.At.IsZero() {
			return "pick first"
		}
		return "pick " + d.At.In(p.zone()).In(p.zone()).Format("Mon 2 Jan 15:04")
	case dsl.DeedAsk:
		return "ask for other times"
	case dsl.DeedCancel:
		return "cancel: " + d.Text
	case dsl.DeedDecline, dsl.DeedNoShow:
		return string(d.Do) + " by " + d.Who
	case dsl.DeedScorecard:
		return fmt.Sprintf("scorecard by %s: %d", d.Who, d.Card.Rating)
	case dsl.DeedBusy:
		var who []string
		for i := range p.offices.people {
			if id := p.offices.people[i].ID; len(d.Busy[id]) > 0 {
				who = append(who, id)
			}
		}
		return "busy " + strings.Join(who, ", ")
	}
	return string(d.Do)
}
