package api_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/store"
)

const interviewYAML = `interview: onsite
purpose: transactional
enroll: {on: application.stage_changed, when: event.data.stage == "interview"}
rounds:
  - id: screen
    duration: 30m
    interviewers: {any: 1, of: leads}
    offer: {slots: 6, notice: 2h, within: 7d}
    medium: video
    attributes: [Go, Working with others]
invite: {email: pick-a-time}
reschedule: {limit: 2, until: 4h}
no_show: {after: 15m, offer_again: 1}
`

// loop is a candidate in an interview whose times are offered.
type loop struct {
	*world

	candidate, run, meeting string
	ada, ben                string // interviewers
	path                    string // of the candidate's page
}

func newLoop(t *testing.T, person object) *loop {
	t.Helper()
	w := newWorld(t)
	w.call(http.MethodPut, "/v1/definitions", files(workspaceYAML)).want(200, nil)
	l := &loop{world: w}
	var written api.WrittenCandidate
	profile := object{"first_name": "Sarah", "last_name": "Jones", "email": "sarah@example.org", "phone": "+447700900123"}
	maps.Copy(profile, person)
	w.call(http.MethodPut, "/v1/candidates/by-external-id/1", profile).want(200, &written)
	l.candidate = written.ID
	l.ada, l.ben = w.interviewer("Ada Lovelace", "America/New_York"), w.interviewer("Ben Okri", "")
	l.run, l.meeting = w.interview(l.candidate, l.offers()...)
	l.path = strings.TrimPrefix(api.ScheduleURL(publicURL, []byte(linkSecret), l.run), publicURL)
	return l
}

func (w *world) interviewer(name, zone string) string {
	w.t.Helper()
	email := strings.ToLower(strings.Fields(name)[0]) + "@north.example"
	given := crm.Interviewer{Email: email, Name: name, Zone: zone, Active: true}
	done, err := w.store.UpsertInterviewers(w.t.Context(), []store.InterviewerWrite{{Interviewer: given}}, "test", w.clock(), false)
	if err != nil {
		w.t.Fatal(err)
	}
	return done[0].ID
}

// offers are times on the three days after start, a Friday.
func (l *loop) offers() []crm.Slot {
	var slots []crm.Slot
	for day, hours := range map[int][]int{3: {9, 11, 14}, 4: {10, 16}, 5: {13}} {
		for _, hour := range hours {
			slots = append(slots, l.slot(day, hour))
		}
	}
	slices.SortFunc(slots, func(a, b crm.Slot) int { return a.StartsAt.Compare(b.StartsAt) })
	return slots
}

// slot is half an hour, some days after start.
func (l *loop) slot(day, hour int) crm.Slot {
	at := time.Date(2026, 11, 6+day, hour, 0, 0, 0, time.UTC)
	seat := l.ada
	if hour%2 == 0 {
		seat = l.ben
	}
	return crm.Slot{StartsAt: at, EndsAt: at.Add(30 * time.Minute), Seats: []string{seat}}
}

// interview begins an interview for a candidate's application, and offers times.
func (w *world) interview(candidate string, slots ...crm.Slot) (run, meeting string) {
	w.t.Helper()
	ctx, now := w.t.Context(), w.clock()
	const hash = "onsite-1"
	_, err := w.store.ApplyDefinitions(ctx, []crm.Document{{Kind: crm.KindInterview, Name: "onsite", Hash: hash, Source: interviewYAML}}, now)
	if err != nil {
		w.t.Fatal(err)
	}
	w.call(http.MethodPost, "/v1/events", object{"type": "custom.begin", "candidate": candidate}).want(200, nil)
	run = crm.NewID(crm.PrefixEnrollment, now)
	app := crm.Application{
		ID: crm.NewID(crm.PrefixApplication, now), ExternalID: "app-1", CandidateID: candidate, Role: "Theatre nurse", Status: crm.ApplicationOpen,
	}
	_, err = w.store.Dispatch(ctx, candidate, func(in *crm.Inbox) (*crm.Dispatched, error) {
		for i := range in.Events {
			in.Events[i].Position = in.Position + int64(i) + 1
		}
		return &crm.Dispatched{Events: in.Events, Applications: []crm.Application{app}, Enrollments: []crm.Enrollment{{
			ID: run, Definition: "onsite", Hash: hash, Version: 1, CandidateID: candidate, ApplicationID: app.ID, N: 1,
			Status: crm.EnrollmentStarting, StartedAt: now,
		}}}, nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	turn, err := w.store.Begin(ctx, run, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	meeting = crm.DeriveID(crm.PrefixMeeting, now, run)
	asked := crm.Meeting{ID: meeting, EnrollmentID: run, Round: "screen", N: 1, State: crm.MeetingAsked, Medium: "video", CreatedAt: now}
	asked.Offer(slots, "")
	if err := turn.Commit(ctx, &crm.Decision{EnrollmentID: run, Seq: 1, At: now, Command: crm.CommandWait, Meetings: []crm.Meeting{asked}}); err != nil {
		w.t.Fatal(err)
	}
	return run, meeting
}

// state is the meeting as it is.
func (l *loop) state() crm.Meeting {
	l.t.Helper()
	m, err := l.store.Meeting(l.t.Context(), l.meeting)
	if err != nil {
		l.t.Fatal(err)
	}
	return m
}

// change does what calendars or the run do.
func (l *loop) change(change func(m *crm.Meeting)) {
	l.t.Helper()
	_, err := l.store.ChangeMeeting(l.t.Context(), l.meeting, func(m *crm.Meeting) (store.MeetingChanged, error) {
		change(m)
		return store.MeetingChanged{}, nil
	})
	if err != nil {
		l.t.Fatal(err)
	}
}

func (l *loop) book() {
	l.t.Helper()
	l.change(func(m *crm.Meeting) { m.Book(l.clock()); m.Place = "https://meet.north.example/screen" })
}

func (l *loop) look() string {
	l.t.Helper()
	return string(l.send(http.MethodGet, l.path, nil, nil).want(200, nil).body)
}

func (l *loop) pick(slot crm.Slot) answer {
	l.t.Helper()
	return l.fill(l.path, url.Values{"do": {"pick"}, "start": {slot.StartsAt.Format(time.RFC3339)}})
}

func (l *loop) panel(interviewer string) string {
	return strings.TrimPrefix(api.PanelURL(publicURL, []byte(linkSecret), l.meeting, interviewer), publicURL)
}

// told are the events about interviews that wait for the dispatcher, in short.
func (l *loop) told() []string {
	l.t.Helper()
	var all []string
	looked := errors.New("only looked")
	_, err := l.store.Dispatch(l.t.Context(), l.candidate, func(in *crm.Inbox) (*crm.Dispatched, error) {
		for i := range in.Events {
			e := &in.Events[i]
			if !strings.HasPrefix(e.Type, "interview.") && !strings.HasPrefix(e.Type, "scorecard.") {
				continue
			}
			if e.Text("enrollment") != l.run || e.Text("application") != "app-1" || e.Text("interview") != "onsite" || e.Text("round") != "screen" {
				l.t.Errorf("%s does not say what it is about: %v", e.Type, e.Data)
			}
			line := []string{e.Type}
			for _, field := range []string{"by", "reason", "answer", "text", "needs", "rating", "recommend"} {
				if value, ok := e.Data[field]; ok {
					line = append(line, fmt.Sprintf("%s=%v", field, value))
				}
			}
			all = append(all, strings.Join(line, " "))
		}
		return nil, looked
	})
	if err != nil && !errors.Is(err, looked) && crm.CodeOf(err) != crm.CodeNotFound {
		l.t.Fatal(err)
	}
	return all
}

func (l *loop) wantTold(want ...string) {
	l.t.Helper()
	if got := l.told(); !slices.Equal(got, want) {
		l.t.Errorf("told is %q, want %q", got, want)
	}
}

// wantWords looks for words on a page, and that others ("not ...") are not there.
func wantWords(t *testing.T, page string, words ...string) {
	t.Helper()
	if _, body, found := strings.Cut(page, "<main>"); found {
		page = body
	}
	for _, w := range words {
		if without, not := strings.CutPrefix(w, "not "); not && strings.Contains(page, without) || !not && !strings.Contains(page, w) {
			t.Errorf("want %q on the page:\n%s", w, page)
		}
	}
}

func TestCandidatePicksATime(t *testing.T) {
	t.Parallel()
	l := newLoop(t, nil)
	got := l.send(http.MethodGet, l.path, nil, nil).want(200, nil)
	page := string(got.body)
	wantWords(t, page, "Hello Sarah,", "Theatre nurse", "30 minutes", "By video", "Monday, 9 November 2026", "Wednesday, 11 November 2026", "09:00–09:30",
		"Ada Lovelace", "Ben Okri", "Europe/London (UTC&#43;00:00)", "not Jones", "not sarah@", "not @north.example", "not 7700900123", "not <script")
	if strings.Count(page, `type="radio"`) != 6 || strings.Count(page, "<legend>") != 3 {
		t.Errorf("six times on three days are expected:\n%s", page)
	}
	if got.header.Get("X-Robots-Tag") != "noindex" || got.header.Get("Refresh") != "" {
		t.Errorf("headers are %v", got.header)
	}
	tokyo := string(l.send(http.MethodGet, l.path+"?zone=Asia%2FTokyo", nil, nil).want(200, nil).body)
	wantWords(t, tokyo, "Asia/Tokyo (UTC&#43;09:00)", "18:00–18:30", "Wednesday, 11 November 2026", "Asia/Tokyo\" selected")
	wantWords(t, string(l.send(http.MethodGet, l.path+"?zone=Mars/Olympus", nil, nil).want(200, nil).body), "Europe/London (UTC&#43;00:00)")

	wrong := string(l.fill(l.path, url.Values{"do": {"pick"}, "needs": {"A lift"}}).want(422, nil).body)
	wantWords(t, wrong, "Please choose a time.", ">A lift</textarea>")
	form := url.Values{"do": {"pick"}, "start": {l.slot(3, 9).StartsAt.Format(time.RFC3339)}, "needs": {"A lift"}}
	for range 2 { // a double click
		if to := l.fill(l.path+"?zone=Asia%2FTokyo", form).want(303, nil).header.Get("Location"); to != l.path+"?zone=Asia%2FTokyo" {
			t.Errorf("sent to %q", to)
		}
	}
	l.wantTold("interview.picked")
	m := l.state()
	if m.State != crm.MeetingHeld || m.Needs != "A lift" || m.Sequence != 1 || m.Panel[0].Email != "ada@north.example" {
		t.Errorf("the meeting is %+v", m)
	}
	held := l.send(http.MethodGet, l.path, nil, nil).want(200, nil)
	wantWords(t, string(held.body), "We are booking your time", "09:00–09:30", "not A lift", "not <textarea")
	if held.header.Get("Refresh") != "3" {
		t.Errorf("the page looks again after %q", held.header.Get("Refresh"))
	}
	l.book()
	wantWords(t, l.look(), "Your interview is booked", "Monday, 9 November 2026<br>09:00–09:30", "https://meet.north.example/screen", "Add to your calendar", "Change the time", "not A lift")
}

func TestCandidateMovesAndCancels(t *testing.T) {
	t.Parallel()
	l := newLoop(t, nil)
	l.pick(l.slot(3, 9)).want(303, nil)
	l.book()
	wantWords(t, l.look(), `value="2026-11-09T11:00:00Z"`, `not value="2026-11-09T09:00:00Z"`)
	for i, to := range []crm.Slot{l.slot(4, 10), l.slot(5, 13)} {
		l.pick(to).want(303, nil)
		l.pick(to).want(303, nil)
		l.book()
		if m := l.state(); m.Moves != i+1 || !m.StartsAt.Equal(to.StartsAt) {
			t.Errorf("after move %d: %+v", i+1, m)
		}
	}
	wantWords(t, l.look(), "The time can no longer be changed here.", `not type="radio"`)
	wantWords(t, string(l.pick(l.slot(3, 11)).want(409, nil).body), "because something has changed", "Wednesday, 11 November 2026<br>13:00–13:30")
	l.wantTold("interview.picked", "interview.picked", "interview.picked")

	sure := string(l.fill(l.path, url.Values{"do": {"cancel"}}).want(200, nil).body)
	wantWords(t, sure, "Cancel this interview?", "cancel_sure")
	if l.state().State != crm.MeetingBooked {
		t.Fatal("it is cancelled without asking once more")
	}
	for range 2 {
		l.fill(l.path, url.Values{"do": {"cancel_sure"}, "text": {"Another job"}}).want(303, nil)
	}
	l.wantTold("interview.picked", "interview.picked", "interview.picked", "interview.cancelled by=candidate reason=candidate text=Another job")
	wantWords(t, l.look(), "This interview is cancelled", "not <form")
	l.pick(l.slot(3, 11)).want(409, nil)
}

func TestMovingHasADeadline(t *testing.T) {
	t.Parallel()
	l := newLoop(t, nil)
	l.pick(l.slot(3, 14)).want(303, nil)
	l.book()
	l.pass(3*24*time.Hour + time.Minute) // four hours before less a minute
	wantWords(t, l.look(), "The time can no longer be changed here.", "Cancel the interview")
	l.pick(l.slot(4, 10)).want(409, nil)
	l.pass(4 * time.Hour)
	wantWords(t, l.look(), "Your interview is booked", "not <form")
	l.fill(l.path, url.Values{"do": {"cancel_sure"}}).want(409, nil)
	l.change(func(m *crm.Meeting) { m.State, m.ClosedAt = crm.MeetingCompleted, l.clock() })
	wantWords(t, l.look(), "Thank you for your time.")
	l.change(func(m *crm.Meeting) { m.State = crm.MeetingNoShow })
	wantWords(t, l.look(), "We missed you")
}

func TestTimesThatAreGoneAreNotOffered(t *testing.T) {
	t.Parallel()
	l := newLoop(t, nil)
	other := *l
	other.candidate = l.world.candidate("2", "tom@example.org", "")
	other.run, other.meeting = l.interview(other.candidate, l.offers()...)
	other.path = strings.TrimPrefix(api.ScheduleURL(publicURL, []byte(linkSecret), other.run), publicURL)
	other.pick(l.slot(3, 9)).want(303, nil)
	wantWords(t, l.look(), `not value="2026-11-09T09:00:00Z"`, `value="2026-11-09T11:00:00Z"`)
	gone := string(l.fill(l.path, url.Values{"do": {"pick"}, "start": {l.slot(3, 9).StartsAt.Format(time.RFC3339)}, "needs": {"A lift"}}).want(409, nil).body)
	wantWords(t, gone, "That time has just gone; these are free now.", ">A lift</textarea>", `value="2026-11-09T11:00:00Z"`)
	wantWords(t, l.look(), "That time has just gone; these are free now.")
	l.wantTold()

	l.pick(l.slot(3, 11)).want(303, nil) // the calendar says that it is not free after all
	l.change(func(m *crm.Meeting) { m.Taken() })
	wantWords(t, l.look(), "That time has just gone; these are free now.", `not value="2026-11-09T11:00:00Z"`)

	l.pass(5*24*time.Hour + 90*time.Minute) // the last one is within the notice of two hours
	if body := string(l.pick(l.slot(5, 13)).want(409, nil).body); !strings.Contains(body, "We are looking for new times") {
		t.Errorf("the page says\n%s", body)
	}
	looking := l.send(http.MethodGet, l.path, nil, nil).want(200, nil)
	wantWords(t, string(looking.body), "We are looking for new times", `not type="radio"`, "not <textarea")
	if m := l.state(); m.State != crm.MeetingAsked || m.Reason != "stale" || looking.header.Get("Refresh") == "" {
		t.Errorf("the meeting is %+v", m)
	}
	l.wantTold("interview.picked", "interview.times_requested reason=stale")
}

func TestCandidateAsksForOtherTimes(t *testing.T) {
	t.Parallel()
	l := newLoop(t, nil)
	wantWords(t, string(l.fill(l.path, url.Values{"do": {"ask"}, "asked": {"0"}}).want(422, nil).body), "Please write a few words.")
	for range 2 {
		l.fill(l.path, url.Values{"do": {"ask"}, "asked": {"0"}, "text": {"After 18:00"}}).want(303, nil)
	}
	l.wantTold("interview.times_requested reason=wish text=After 18:00")
	wantWords(t, l.look(), "We have your wish", "radio", "not Ask for other times")
	l.change(func(m *crm.Meeting) { m.AskedSeen = m.Asked })
	wantWords(t, l.look(), "Ask for other times", `name="asked" value="1"`)
}

// Two tabs pick different times at once, and one of them cancels: one of it counts, whatever the order.
func TestCandidateAtTwoTabs(t *testing.T) {
	t.Parallel()
	l := newLoop(t, nil)
	var all sync.WaitGroup
	for i := range 12 {
		all.Go(func() { l.pick(l.offers()[i%6]) })
	}
	all.Wait()
	if m := l.state(); m.State != crm.MeetingHeld || m.Sequence != 1 {
		t.Errorf("the meeting is %+v", m)
	}
	l.wantTold("interview.picked")

	for range 5 {
		l := newLoop(t, nil)
		all.Go(func() { l.pick(l.slot(3, 9)) })
		all.Go(func() { l.fill(l.path, url.Values{"do": {"cancel_sure"}}) })
		all.Wait()
		told := l.told()
		if m := l.state(); m.State != crm.MeetingCancelled || told[len(told)-1] != "interview.cancelled by=candidate reason=candidate" {
			t.Errorf("told is %q, the meeting is %+v", told, m)
		}
	}
}

func TestAddToCalendar(t *testing.T) {
	t.Parallel()
	l := newLoop(t, object{"locale": "de"})
	if got := l.send(http.MethodGet, l.path+"?calendar=1", nil, nil); got.header.Get("Content-Disposition") != "" {
		t.Error("there is a file before there is a time")
	}
	l.pick(l.slot(3, 9)).want(303, nil)
	l.book()
	got := l.send(http.MethodGet, l.path+"?calendar=1", nil, nil).want(200, nil)
	if !strings.HasPrefix(got.header.Get("Content-Type"), "text/calendar") || !strings.Contains(got.header.Get("Content-Disposition"), "interview.ics") {
		t.Errorf("headers are %v", got.header)
	}
	wantWords(t, string(got.body), "UID:"+l.meeting+"@rapport.example", "SEQUENCE:1", "DTSTART;TZID=Europe/London:20261109T090000", "SUMMARY:Ihr Gespräch: Theatre nurse", "METHOD:PUBLISH")
}

func TestPanelPage(t *testing.T) {
	t.Parallel()
	l := newLoop(t, nil)
	ada, ben := l.panel(l.ada), l.panel(l.ben)
	gone := func(path string) {
		t.Helper()
		wantWords(t, string(l.send(http.MethodGet, path, nil, nil).want(200, nil).body), "You do not hold this interview", "not Sarah", "not Theatre")
		wantWords(t, string(l.fill(path, url.Values{"do": {"decline"}}).want(409, nil).body), "You do not hold this interview", "not Sarah")
		l.fill(path, url.Values{"do": {"score"}, "rating": {"5"}, "recommend": {"yes"}}).want(409, nil)
		l.fill(path, url.Values{"do": {"absent"}}).want(409, nil)
	}
	gone(ada)
	l.fill(l.path, url.Values{"do": {"pick"}, "start": {l.slot(3, 9).StartsAt.Format(time.RFC3339)}, "needs": {"A <lift>"}}).want(303, nil)
	l.book()
	gone(ben)
	look := func() string { return string(l.send(http.MethodGet, ada, nil, nil).want(200, nil).body) }
	wantWords(t, look(), "Interview with Sarah Jones", "Theatre nurse", "America/New York (UTC−05:00)", "04:00–04:30", "A &lt;lift&gt;", "I will be there", "not Scorecard", "not sarah@")

	for range 2 {
		l.fill(ada, url.Values{"do": {"accept"}}).want(303, nil)
	}
	wantWords(t, look(), "You have said that you will be there.", `not value="accept"`)
	l.wantTold("interview.picked")
	for range 2 {
		l.fill(ada, url.Values{"do": {"decline"}, "text": {"Ill"}}).want(303, nil)
	}
	wantWords(t, look(), "You have said that you cannot come.")
	l.wantTold("interview.picked", "interview.declined by=ada@north.example reason=declined text=Ill")
	if m := l.state(); m.Unable() != l.ada {
		t.Errorf("the meeting is %+v", m)
	}
}

func TestPanelAfterTheInterview(t *testing.T) {
	t.Parallel()
	l := newLoop(t, nil)
	l.pick(l.slot(3, 9)).want(303, nil)
	l.book()
	path := l.panel(l.ada)
	look := func() string { return string(l.send(http.MethodGet, path, nil, nil).want(200, nil).body) }
	l.fill(path, url.Values{"do": {"score"}, "rating": {"4"}, "recommend": {"yes"}}).want(409, nil)
	l.pass(3*24*time.Hour - time.Hour + 10*time.Minute)
	wantWords(t, look(), "From 04:15 you can tell us here.", "Your scorecard", "not I will be there")
	l.fill(path, url.Values{"do": {"absent"}}).want(409, nil)
	wantWords(t, string(l.fill(path, url.Values{"do": {"score"}, "rating": {"6"}, "recommend": {"yes"}, "notes": {"Calm"}}).want(422, nil).body),
		"Please look at the marked questions again.", `id="rating-wrong"`, `not id="recommend-wrong"`, ">Calm</textarea>", `value="yes" checked`)
	card := url.Values{"do": {"score"}, "rating": {"4"}, "recommend": {"yes"}, "notes": {"Calm"}, "notes_1": {"Listens"}}
	for range 2 {
		l.fill(path, card).want(303, nil)
	}
	wantWords(t, look(), "Your scorecard is saved.", `value="4" checked`, "Calm", `<label class="ask" for="notes_0">Go `, `name="notes_1" maxlength="4000">Listens</textarea>`)
	card.Set("recommend", "strong_yes")
	l.fill(path, card).want(303, nil)
	l.wantTold("interview.picked", "scorecard.submitted by=ada@north.example rating=4 recommend=yes", "scorecard.submitted by=ada@north.example rating=4 recommend=strong_yes")
	m := l.state()
	if got := m.Seat(l.ada).Scorecard; got == nil || got.Interviewer != "ada@north.example" || got.Notes != "Calm" || got.Recommend != "strong_yes" {
		t.Errorf("the scorecard is %+v", got)
	}
	if by := m.Seat(l.ada).Scorecard.By; len(by) != 1 || by[0] != (crm.Noted{Attribute: "Working with others", Notes: "Listens"}) {
		t.Errorf("noted by attribute: %+v", by)
	}
	l.change(func(m *crm.Meeting) { m.State, m.ClosedAt = crm.MeetingCompleted, l.clock() })
	wantWords(t, look(), "The round is closed.", "not <form")
	card.Set("rating", "1")
	l.fill(path, card).want(409, nil)
}

func TestCandidateDidNotCome(t *testing.T) {
	t.Parallel()
	l := newLoop(t, nil)
	l.pick(l.slot(3, 9)).want(303, nil)
	l.book()
	l.pass(3*24*time.Hour - time.Hour + 15*time.Minute)
	for range 2 {
		l.fill(l.panel(l.ada), url.Values{"do": {"absent"}}).want(303, nil)
	}
	l.wantTold("interview.picked", "interview.no_show by=ada@north.example reason=absent")
	wantWords(t, string(l.send(http.MethodGet, l.panel(l.ada), nil, nil).want(200, nil).body), "We know that the candidate did not come.", "not <form")
	l.change(func(m *crm.Meeting) { m.State, m.ClosedAt = crm.MeetingNoShow, l.clock() })
	wantWords(t, string(l.send(http.MethodGet, l.panel(l.ada), nil, nil).want(200, nil).body), "This interview does not take place", "not Sarah")
}

// What people write is on the timeline for those who may read notes, and for nobody else. What a candidate needs is not there at all.
func TestWordsAboutInterviewsAreNotes(t *testing.T) {
	t.Parallel()
	l := newLoop(t, nil)
	l.fill(l.path, url.Values{"do": {"ask"}, "asked": {"0"}, "text": {"After 18:00"}}).want(303, nil)
	l.fill(l.path, url.Values{"do": {"pick"}, "start": {l.slot(3, 9).StartsAt.Format(time.RFC3339)}, "needs": {"A lift"}}).want(303, nil)
	for scopes, want := range map[string]bool{"candidates:read": false, "candidates:read notes:read": true} {
		got := l.callAs(l.key(strings.Fields(scopes)...), http.MethodGet, "/v1/candidates/"+l.candidate+"/timeline", nil).want(200, nil)
		if strings.Contains(string(got.body), "After 18:00") != want || strings.Contains(string(got.body), "A lift") || !json.Valid(got.body) {
			t.Errorf("%s: the timeline is %s", scopes, got.body)
		}
	}
}

func TestMeetings(t *testing.T) {
	t.Parallel()
	l := newLoop(t, nil)
	offered := string(l.call(http.MethodGet, "/v1/meetings/"+l.meeting, nil).want(200, nil).body)
	if !strings.Contains(offered, `"state":"offered"`) || strings.Contains(offered, "0001-01-01") || strings.Contains(offered, "null") {
		t.Errorf("before a time is agreed: %s", offered)
	}
	l.fill(l.path, url.Values{"do": {"pick"}, "start": {l.slot(3, 9).StartsAt.Format(time.RFC3339)}, "needs": {"A lift"}}).want(303, nil)
	l.book()
	l.change(func(m *crm.Meeting) { m.Seat(l.ada).Scorecard = &crm.Scorecard{Rating: 4, Notes: "Calm"} })
	for scopes, want := range map[string]bool{"enrollments:read": false, "enrollments:read notes:read": true} {
		key := l.key(strings.Fields(scopes)...)
		var one api.MeetingDetails
		var all api.Page[api.MeetingDetails]
		l.callAs(key, http.MethodGet, "/v1/meetings/"+l.meeting, nil).want(200, &one)
		got := l.callAs(key, http.MethodGet, "/v1/enrollments/"+l.run+"/meetings", nil).want(200, &all)
		if one.ID != l.meeting || one.State != crm.MeetingBooked || !one.StartsAt.Equal(l.slot(3, 9).StartsAt) || one.Panel[0].Scorecard.Rating != 4 || len(all.Items) != 1 {
			t.Errorf("%s: got %+v", scopes, one)
		}
		if one.Candidate != l.candidate || one.Enrollment != l.run {
			t.Errorf("%s: it is of %q and %q", scopes, one.Candidate, one.Enrollment)
		}
		for _, words := range []string{"A lift", "Calm"} {
			if strings.Contains(string(got.body), words) != want {
				t.Errorf("%s: got %s", scopes, got.body)
			}
		}
	}
	l.call(http.MethodGet, "/v1/meetings/mtg_none", nil).problem(404, api.CodeNotFound)
	l.call(http.MethodGet, "/v1/enrollments/enr_none/meetings", nil).problem(404, api.CodeNotFound)
}
