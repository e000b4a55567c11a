package booking

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/rapport-crm/rapport/activities/calendar"
	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
)

// Times that hold for one attempt. The activity around it ends after 30 seconds.
const (
	attemptLasts  = 25 * time.Second
	calendarLasts = 9 * time.Second // one request to one calendar
)

// defaultSettle is how long after an event was deleted nobody can still be writing it: longer than an attempt, and a request
// that is on its way when the attempt is killed.
const defaultSettle = 90 * time.Second

// Store keeps meetings, people and what is known of their calendars. The methods are those of store.Store.
type Store interface {
	MeetingFacts(ctx context.Context, meetingID string) (crm.MeetingFacts, error)
	ChangeMeeting(ctx context.Context, meetingID string, change func(*crm.Meeting) (crm.MeetingChanged, error)) (crm.Meeting, error)
	HeldBy(ctx context.Context, interviewers []string, within crm.Span) ([]crm.Held, error)

	MarkSeats(ctx context.Context, meetingID string, sequence int) error
	SeatWritten(ctx context.Context, meetingID, interviewerID string, sequence *int) error
	SeatsBehind(ctx context.Context, limit int) ([]crm.CalendarSeat, error)
	SeatsBooked(ctx context.Context, within crm.Span) ([]crm.Held, error)

	InterviewersOf(ctx context.Context, groups, idsOrEmails []string) ([]crm.Interviewer, error)
	OpenCalendars(ctx context.Context, interviewerIDs ...string) ([]crm.CalendarLink, error)
	CalendarAnswered(ctx context.Context, calendarID string, busy []crm.Span, within crm.Span, at time.Time) error
	CalendarFailed(ctx context.Context, calendarID string, state crm.CalendarState, at time.Time) error
}

// Library knows definitions. The methods are those of activities.Library.
type Library interface {
	Program(ctx context.Context, hash string) (*dsl.Program, error)
	Active(ctx context.Context) (*dsl.Set, error)
}

// Open reaches a calendar of somebody. Errors are of the type *calendar.Error, or the context's own.
type Open func(ctx context.Context, link *crm.CalendarLink, owner *crm.Interviewer) (calendar.Calendar, error)

// Booker does what interviews ask of calendars. All fields but the last three are required.
type Booker struct {
	Store   Store
	Library Library
	Open    Open
	Domain  string           // of events' UIDs: it never changes
	Now     func() time.Time // Rapport's clock
	Log     *slog.Logger

	Settle time.Duration                                      // how long after a deletion an event may still appear; 0: a while
	Page   func(meetingID, interviewerID string) string       // the interviewer's page of a meeting; nil: there is none
	Before func(ctx context.Context, step string) (err error) // runs before each step that leaves a trace; for tests of what a kill leaves

	backing backoff
	deleted deletions
}

// Act does what a call asks for. The answer is stored with what it changes, in one transaction. Errors that are worth another
// attempt are of the type *crm.CallError; crm.CodeNotFound says that the meeting was erased.
func (b *Booker) Act(ctx context.Context, seq int64, call *crm.Call) (crm.CallResult, error) {
	ctx, cancel := context.WithTimeout(ctx, attemptLasts)
	defer cancel()
	q, err := b.read(ctx, call.Meeting)
	if err != nil {
		return crm.CallResult{}, err
	}
	q.seq = seq
	switch call.Action {
	case crm.ActionFind:
		return b.find(ctx, q)
	case crm.ActionBook:
		return b.book(ctx, q)
	case crm.ActionReplace:
		return b.replace(ctx, q)
	}
	return crm.CallResult{}, fmt.Errorf("act on meeting: unknown action %q", call.Action)
}

// question is a meeting with what is known around it.
type question struct {
	crm.MeetingFacts

	seq       int64
	round     *dsl.Round
	workspace *dsl.Workspace
	zone      *time.Location // the workspace's
	now       time.Time
}

func (b *Booker) read(ctx context.Context, meetingID string) (*question, error) {
	facts, err := b.Store.MeetingFacts(ctx, meetingID)
	if err != nil {
		return nil, err
	}
	set, err := b.Library.Active(ctx)
	if err != nil {
		return nil, err
	}
	program, err := b.Library.Program(ctx, facts.Hash)
	if err != nil {
		return nil, err
	}
	q := &question{MeetingFacts: facts, workspace: set.Workspace, zone: dsl.ZoneOf(nil, set.Workspace), now: b.Now()}
	if program.Loop != nil {
		q.round = program.Loop.Round(facts.Meeting.Round)
	}
	if q.round == nil {
		return nil, fmt.Errorf("read meeting: its interview has no round %q", facts.Meeting.Round)
	}
	return q, nil
}

// answer stores what came of a call, with what it changes. A meeting that is not any more what the attempt began with is not
// changed: then the call is made again.
func (b *Booker) answer(ctx context.Context, q *question, r crm.CallResult, change func(m *crm.Meeting)) (crm.CallResult, error) {
	r.Seq = q.seq
	_, err := b.Store.ChangeMeeting(context.WithoutCancel(ctx), q.Meeting.ID, func(m *crm.Meeting) (crm.MeetingChanged, error) {
		if change == nil {
			return crm.MeetingChanged{Unchanged: true, Call: &r}, nil
		}
		if m.State != q.Meeting.State || m.Sequence != q.Meeting.Sequence {
			return crm.MeetingChanged{}, changedMeanwhile()
		}
		change(m)
		return crm.MeetingChanged{Call: &r}, nil
	})
	return r, err
}

func changedMeanwhile() error { return &crm.CallError{Host: "calendars", Reason: "changed_meanwhile"} }

// unreached is what becomes of a call when a calendar cannot be read or written: another attempt, or the answer that somebody
// has to do something about it.
func (b *Booker) unreached(ctx context.Context, q *question, failure *calendar.Error) (crm.CallResult, error) {
	again := &crm.CallError{Host: "calendars", Reason: "calendar_" + string(failure.Kind), RetryAfter: failure.RetryAfter}
	if failure.Retryable() || failure.Kind == calendar.Conflict {
		return crm.CallResult{}, again
	}
	return b.answer(ctx, q, again.Result(), nil)
}

// failureOf is what is wrong with a calendar; nil when nothing is, or this work itself was ended.
func failureOf(err error) *calendar.Error {
	if failure, ok := errors.AsType[*calendar.Error](err); ok {
		return failure
	}
	return &calendar.Error{Kind: calendar.Unavailable, Code: "timeout"}
}

// UID is that of a meeting's events: the same in calendars and in mail, so that programs know them for one.
func UID(meetingID, domain string) string { return meetingID + "@" + domain }

// MeetingOf is the meeting that an event is of; "" when it is not one of ours.
func MeetingOf(uid, domain string) (meetingID string) {
	id, from, _ := strings.Cut(uid, "@")
	if from != domain || !crm.HasPrefix(id, crm.PrefixMeeting) {
		return ""
	}
	return id
}

func (b *Booker) uid(meetingID string) string { return UID(meetingID, b.Domain) }

// ours tells whether an event is of a meeting. Who holds what is known without it, and better: it may be about to be taken out.
func (b *Booker) ours(uid string) bool { return MeetingOf(uid, b.Domain) != "" }

// step runs before a step that leaves a trace.
func (b *Booker) step(ctx context.Context, name string) error {
	if b.Before == nil {
		return nil
	}
	return b.Before(ctx, name)
}

// each does something for every index at the same time, a few at a time.
func each(n int, do func(i int)) {
	const together = 16
	turns := make(chan struct{}, together)
	var all sync.WaitGroup
	for i := range n {
		turns <- struct{}{}
		all.Go(func() {
			defer func() { <-turns }()
			do(i)
		})
	}
	all.Wait()
}
