package booking_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/activities/booking"
	"github.com/rapport-crm/rapport/activities/calendar/calendartest"
	"github.com/rapport-crm/rapport/activities/calendar/connect"
	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/deploy/embedded/postgres/postgrestest"
	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/store"
	"github.com/rapport-crm/rapport/store/seal"
)

func TestMain(m *testing.M) { os.Exit(postgrestest.Run(m)) }

const domain = "careers.north.example"

// start is a Monday morning in London.
func start() time.Time { return time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC) }

// rig is a store, calendars on a Radicale, and the one that keeps both the same.
type rig struct {
	*store.Store
	booker *booking.Booker
	server *radicale
	gates  map[string]*calendartest.Gate // by the person's name
	ids    map[string]string             // of people, by name
	clock  atomic.Pointer[time.Time]
	seq    atomic.Int64
	loop   *dsl.Program
}

// library knows one interview.
type library struct{ program *dsl.Program }

func (l library) Program(context.Context, string) (*dsl.Program, error) { return l.program, nil }

func (l library) Active(context.Context) (*dsl.Set, error) {
	weekdays := [7]bool{time.Monday: true, time.Tuesday: true, time.Wednesday: true, time.Thursday: true, time.Friday: true}
	return &dsl.Set{Workspace: &dsl.Workspace{
		Name: "north", Calendar: &dsl.Calendar{Days: weekdays, Open: 9 * 60, Close: 17 * 60, Zone: "Europe/London"},
		From: dsl.From{Email: "North <careers@north.example>"},
	}}, nil
}

func newRig(t *testing.T, seats ...dsl.Seat) *rig {
	t.Helper()
	r := &rig{gates: map[string]*calendartest.Gate{}, ids: map[string]string{}}
	r.set(start())
	keys, err := seal.Parse(seal.Make())
	if err != nil {
		t.Fatal(err)
	}
	dsn := postgrestest.New(t, "booking", store.Migrate)
	if r.Store, err = store.Open(t.Context(), dsn, store.Options{Now: r.now, MaxConns: 8, Seal: keys, Receipts: ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	r.loop = &dsl.Program{Name: "onsite", Loop: &dsl.Interview{Name: "onsite", Rounds: []dsl.Round{{
		ID: "panel", Duration: time.Hour, Interviewers: seats, Offer: dsl.Offer{Slots: 4, Within: dsl.Duration{Days: 5}}, Medium: "video",
	}}}}
	c := connect.New(connect.Config{Private: true})
	r.booker = &booking.Booker{
		Store: r.Store, Library: library{r.loop}, Open: c.Open, Domain: domain, Now: r.now, Settle: time.Millisecond,
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
	return r
}

func (r *rig) now() time.Time          { return *r.clock.Load() }
func (r *rig) set(at time.Time)        { r.clock.Store(&at) }
func (r *rig) uid(id string) string    { return booking.UID(id, domain) }
func (r *rig) path(name string) string { return "/ada/" + name + "/" }

// person adds an interviewer of the group leads without a calendar.
func (r *rig) person(t *testing.T, name string, groups ...string) {
	t.Helper()
	i := crm.Interviewer{Email: name + "@north.example", Name: name, Zone: "Europe/London", Active: true, Groups: groups}
	done, err := r.UpsertInterviewers(t.Context(), []store.InterviewerWrite{{Interviewer: i}}, "ops", r.now(), false)
	if err != nil {
		t.Fatal(err)
	}
	r.ids[name] = done[0].ID
}

// withCalendar adds an interviewer whose calendar is on Radicale, behind a gate.
func (r *rig) withCalendar(t *testing.T, name string, groups ...string) {
	t.Helper()
	if r.server == nil {
		r.server = radicaleServer(t)
	}
	r.person(t, name, groups...)
	r.server.must(t, "MKCALENDAR", r.path(name), "", http.StatusCreated)
	to, err := url.Parse(r.server.url)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(to)
	proxy.Transport = &http.Transport{MaxConnsPerHost: 8} // more than that Radicale resets
	r.gates[name] = &calendartest.Gate{
		Next:    proxy,
		IsRead:  func(req *http.Request) bool { return req.Method == "PROPFIND" || req.Method == "REPORT" },
		Failure: func(w http.ResponseWriter, status int, _ string) { w.WriteHeader(status) },
	}
	web := httptest.NewServer(r.gates[name])
	t.Cleanup(web.Close)
	w := store.CalendarWrite{Kind: crm.CalendarCalDAV, Address: web.URL + r.path(name), Account: "ada", Secret: "hush-hush"}
	if _, _, err := r.PutCalendar(t.Context(), r.ids[name], w, "ops", r.now()); err != nil {
		t.Fatal(err)
	}
}

// asked has a candidate with a run and a meeting that needs a time.
func (r *rig) asked(t *testing.T, name, manager string) (meetingID string) {
	t.Helper()
	c, err := r.CreateCandidate(t.Context(), store.Write{Candidate: crm.Candidate{ExternalID: name, FirstName: name, Email: name + "@example.org"}}, r.now())
	if err != nil {
		t.Fatal(err)
	}
	event := crm.Event{Source: "ats", ExternalID: "e-" + name, Type: "application.created", Subject: c.ID, Time: r.now(), Data: map[string]any{}}
	if _, err := r.Receive(t.Context(), []crm.Event{event}); err != nil {
		t.Fatal(err)
	}
	run := crm.NewID(crm.PrefixEnrollment, r.now())
	app := crm.Application{ID: crm.NewID(crm.PrefixApplication, r.now()), ExternalID: "app-" + name, CandidateID: c.ID, Role: "Engineer", Status: crm.ApplicationOpen, Manager: manager}
	_, err = r.Dispatch(t.Context(), c.ID, func(in *crm.Inbox) (*crm.Dispatched, error) {
		out := &crm.Dispatched{Applications: []crm.Application{app}}
		for i, e := range in.Events {
			e.Position = in.Position + int64(i) + 1
			out.Events = append(out.Events, e)
		}
		last := out.Events[len(out.Events)-1]
		out.Enrollments = []crm.Enrollment{{
			ID: run, Definition: "onsite", Hash: "onsite", CandidateID: c.ID, ApplicationID: app.ID, N: 1, Status: crm.EnrollmentStarting,
			StartedAt: r.now(), Event: &last, Position: last.Position,
		}}
		return out, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	turn, err := r.Begin(t.Context(), run, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer turn.Rollback()
	meetingID = crm.DeriveID(crm.PrefixMeeting, r.now(), run)
	d := &crm.Decision{EnrollmentID: run, Seq: 1, At: r.now(), Command: crm.CommandWait, Until: r.now().AddDate(1, 0, 0)}
	d.Meetings = []crm.Meeting{{ID: meetingID, EnrollmentID: run, Round: "panel", N: 1, State: crm.MeetingAsked, CreatedAt: r.now()}}
	if err := turn.Commit(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	return meetingID
}

// act is one attempt at a call that nobody made before.
func (r *rig) act(ctx context.Context, id string, action crm.MeetingAction) (crm.CallResult, error) {
	return r.booker.Act(ctx, r.seq.Add(1), &crm.Call{Action: action, Meeting: id, Round: "panel"})
}

func (r *rig) want(t *testing.T, id string, action crm.MeetingAction, outcome string) crm.CallResult {
	t.Helper()
	result, err := r.act(t.Context(), id, action)
	if err != nil || result.Outcome != outcome {
		t.Fatalf("%s: %+v, %v; want %s", action, result, err, outcome)
	}
	return result
}

func (r *rig) meeting(t *testing.T, id string) crm.Meeting {
	t.Helper()
	m, err := r.Meeting(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func (r *rig) change(ctx context.Context, id string, change func(m *crm.Meeting) error) error {
	_, err := r.ChangeMeeting(ctx, id, func(m *crm.Meeting) (crm.MeetingChanged, error) { return crm.MeetingChanged{}, change(m) })
	return err
}

// pick picks the n-th time that is offered.
func (r *rig) pick(ctx context.Context, id string, n int) error {
	return r.change(ctx, id, func(m *crm.Meeting) error {
		if n >= len(m.Offered) {
			return &crm.Error{Code: crm.CodeConflict, Message: "no such time"}
		}
		_, err := m.Pick(m.Offered[n].StartsAt, 9, time.Time{}, r.now())
		return err
	})
}

// offered has a meeting with times.
func (r *rig) offered(t *testing.T, name string) (id string) {
	t.Helper()
	id = r.asked(t, name, "")
	r.want(t, id, crm.ActionFind, crm.MeetingFound)
	return id
}

// booked has a meeting that is booked.
func (r *rig) booked(t *testing.T, name string) (id string) {
	t.Helper()
	id = r.offered(t, name)
	if err := r.pick(t.Context(), id, 0); err != nil {
		t.Fatal(err)
	}
	r.want(t, id, crm.ActionBook, crm.MeetingWritten)
	return id
}

// settle mirrors until there is nothing behind.
func (r *rig) settle(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(2 * time.Millisecond) {
		if _, err := r.booker.Mirror(t.Context()); err != nil {
			t.Fatal(err)
		}
		behind, err := r.SeatsBehind(t.Context(), 100)
		if err != nil {
			t.Fatal(err)
		}
		if len(behind) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("still behind: %+v", behind)
		}
	}
}

// consistent holds that every calendar has exactly the booked meetings of its owner, at their times.
func (r *rig) consistent(t *testing.T, meetings ...string) {
	t.Helper()
	for name := range r.gates {
		want := map[string]string{}
		for _, id := range meetings {
			if m := r.meeting(t, id); m.State == crm.MeetingBooked && m.Seat(r.ids[name]) != nil {
				want[r.uid(id)] = m.StartsAt.UTC().Format(stamp)
			}
		}
		got := r.server.events(t, r.path(name))
		if fmt.Sprint(want) != fmt.Sprint(got) {
			t.Errorf("calendar of %s has %v, want %v", name, got, want)
		}
	}
}

// killed is what an attempt returns that does not get beyond a step.
var errKilled = errors.New("killed")

// killAt ends the next attempt before a step, and tells whether there was one.
func (r *rig) killAt(step string, do func(context.Context)) (reached func() bool) {
	var once sync.Once
	var there atomic.Bool
	r.booker.Before = func(ctx context.Context, name string) (err error) {
		if name != step {
			return nil
		}
		once.Do(func() {
			there.Store(true)
			if do == nil {
				err = errKilled
				return
			}
			do(ctx)
		})
		return err
	}
	return there.Load
}

// event is something of their own in somebody's calendar.
func (r *rig) appointment(t *testing.T, name, uid string, at crm.Span) {
	t.Helper()
	text := "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VEVENT\r\nUID:" + uid + "\r\nDTSTAMP:20261001T000000Z\r\nDTSTART:" +
		at.Start.UTC().Format(stamp) + "\r\nDTEND:" + at.End.UTC().Format(stamp) + "\r\nSUMMARY:Dentist\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
	r.server.must(t, http.MethodPut, r.path(name)+uid+".ics", text, http.StatusCreated)
}

func kindOf(err error) string {
	if again, ok := errors.AsType[*crm.CallError](err); ok {
		return again.Reason
	}
	return fmt.Sprint(err)
}

func panelOf(m *crm.Meeting) (names []string) {
	for _, p := range m.Panel {
		names = append(names, p.Name)
	}
	slices.Sort(names)
	return names
}
