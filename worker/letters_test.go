package worker_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/activities/calendar/calendartest"
	"github.com/rapport-crm/rapport/activities/calendar/connect"
	"github.com/rapport-crm/rapport/activities/sendgrid"
	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/deploy/embedded/postgres/postgrestest"
	"github.com/rapport-crm/rapport/deploy/embedded/sandbox"
	"github.com/rapport-crm/rapport/store"
	"github.com/rapport-crm/rapport/worker"
)

const lettered = `
interview: onsite
purpose: transactional
enroll: {on: application.submitted}
exit: [{on: application.withdrawn, outcome: closed}]
rounds:
  - id: talk
    duration: 30m
    interviewers: {any: 1, of: leads}
    offer: {slots: 3, within: 5d}
    medium: video
invite: {email: pick-a-time}
---
message: pick-a-time
channel: email
subject: "Pick a time"
body: "[Choose]({{ links.schedule }})"
`

// secondTry hands mail on, but says of each message once before that the provider certainly did not take it.
type secondTry struct {
	worker.Provider

	mu       sync.Mutex
	attempts map[string][]crm.Outgoing
}

// Send fails the first time.
func (s *secondTry) Send(ctx context.Context, out crm.Outgoing) (crm.Receipt, error) {
	s.mu.Lock()
	s.attempts[out.MessageID] = append(s.attempts[out.MessageID], out)
	first := len(s.attempts[out.MessageID]) == 1
	s.mu.Unlock()
	if first {
		return crm.Receipt{}, &crm.SendError{Class: crm.SendRetry, Code: "connection", RetryAfter: 500 * time.Millisecond}
	}
	return s.Provider.Send(ctx, out)
}

// sandboxed has mail go by SendGrid's own client to a sandbox.
func sandboxed(t *testing.T) (*sandbox.Sandbox, *secondTry) {
	t.Helper()
	key, err := sandbox.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	hooks := httptest.NewServer(nil)
	t.Cleanup(hooks.Close)
	box, err := sandbox.New(t.Context(), sandbox.Config{
		DSN: postgrestest.New(t, "sandbox", nil), APIKey: "SG.key", AccountSID: "AC0123456789abcdef0123456789abcdef",
		AuthToken: "0123456789abcdef0123456789abcdef", SMSNumbers: []string{"+447700900000"},
		ATSSecret:   "whsec_dGhlIHNhbmRib3gncyBhdHMgaGFzIGEga2V5IG9mIGl0cyBvd24=",
		WebhookBase: hooks.URL, Key: key, Logger: slog.New(slog.DiscardHandler), Now: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(box.Close)
	web := httptest.NewServer(box.Handler())
	t.Cleanup(web.Close)
	client := sendgrid.New(sendgrid.Config{APIKey: "SG.key", BaseURL: web.URL})
	return box, &secondTry{Provider: client, attempts: map[string][]crm.Outgoing{}}
}

// letter waits for the n-th calendar mail to somebody, and reads it as a program would that is not ours.
func (r *rig) letter(box *sandbox.Sandbox, to string, n int) (sandbox.Message, calendartest.Understood) {
	r.t.Helper()
	var found []sandbox.Message
	r.until(func() string {
		all, err := box.Messages(r.t.Context(), sandbox.Filter{Provider: sandbox.SendGrid, Limit: 100})
		if err != nil {
			r.t.Fatal(err)
		}
		found = slices.DeleteFunc(all, func(m sandbox.Message) bool { return m.To != to || m.Subject == "Pick a time" })
		return differ("calendar mails to "+to, len(found) >= n, true)
	})
	m, err := box.Message(r.t.Context(), found[n-1].ID)
	if err != nil {
		r.t.Fatal(err)
	}
	var request struct {
		Content []struct {
			Type  string `json:"type"`
			Value string `json:"value"`
		} `json:"content"`
		Attachments []struct {
			Filename string `json:"filename"`
		} `json:"attachments"`
	}
	if err := json.Unmarshal(m.Raw, &request); err != nil {
		r.t.Fatal(err)
	}
	if len(request.Content) != 3 || len(request.Attachments) != 1 || request.Attachments[0].Filename != "invite.ics" {
		r.t.Fatalf("not three ways to say it and a file: %s", m.Raw)
	}
	got := calendartest.ReadElsewhere(r.t, []byte(request.Content[2].Value))
	if want := "text/calendar; method=" + got.Method; request.Content[2].Type != want {
		r.t.Errorf("type %q, want %q", request.Content[2].Type, want)
	}
	return m, got
}

// pickTime picks the n-th time that is offered.
func (r *rig) pickTime(id string, n int) {
	r.t.Helper()
	_, err := r.store.ChangeMeeting(r.t.Context(), id, func(m *crm.Meeting) (store.MeetingChanged, error) {
		event := crm.NewID(crm.PrefixEvent, r.now())
		_, err := m.Pick(m.Offered[n].StartsAt, 3, m.Offered[n].StartsAt, r.now())
		return store.MeetingChanged{Events: []crm.Event{{
			ID: event, Source: crm.SourceRapport, ExternalID: event, Type: crm.EventPicked, Subject: m.CandidateID, CandidateID: m.CandidateID,
			Time: r.now(), ReceivedAt: r.now(), Data: map[string]any{"interview": m.Definition, "round": m.Round},
		}}}, err
	})
	if err != nil {
		r.t.Fatal(err)
	}
}

// newLettered has one who applies, in New York, and one who interviews, in Berlin and in German.
func newLettered(t *testing.T) (r *rig, candidate, lead string) {
	t.Helper()
	r = newRig(t, 0)
	r.opens, r.inbound = connect.New(connect.Config{Private: true}).Open, "reply.north.example"
	done, err := r.store.UpsertInterviewers(t.Context(), []store.InterviewerWrite{{Interviewer: crm.Interviewer{
		Email: "ada@north.example", Name: "Ada [Lead]", Locale: "de", Zone: "Europe/Berlin", MeetingURL: "https://meet.example/ada", Groups: []string{"leads"}, Active: true,
	}}}, "ops", r.now(), false)
	if err != nil || done[0].Err != nil {
		t.Fatal(err, done)
	}
	candidate = r.candidate("zeb")
	if _, err := r.store.UpsertCandidates(t.Context(), []store.Write{{Candidate: crm.Candidate{ExternalID: "zeb", TimeZone: "America/New_York"}}}, r.now()); err != nil {
		t.Fatal(err)
	}
	r.apply(lettered)
	return r, candidate, done[0].ID
}

// Both sides are invited, each on their own clocks and in their own language; what follows is the same event. Another attempt says the
// same, byte for byte.
func TestInterviewsAreInvitedMovedAndCancelled(t *testing.T) {
	t.Parallel()
	r, candidate, lead := newLettered(t)
	box, mail := sandboxed(t)
	r.mail = mail
	r.work()
	r.event(candidate, "application.submitted", "application", "a1", "role", "Engineer")
	r.pickTime(r.meeting(candidate, "onsite", crm.MeetingOffered).ID, 0)
	asked, forCandidate := r.letter(box, "zeb@zebra.example", 1)
	told, forLead := r.letter(box, "ada@north.example", 1)
	m := r.meeting(candidate, "onsite", crm.MeetingBooked)
	for _, c := range []struct {
		mail sandbox.Message
		got  calendartest.Understood
	}{{asked, forCandidate}, {told, forLead}} {
		got := c.got
		if got.Method != "REQUEST" || got.UID != m.ID+"@north.example" || got.Sequence != m.Sequence || got.Start != m.StartsAt.Unix() || got.End != m.EndsAt.Unix() ||
			got.Location != "https://meet.example/ada" || len(got.Attendees) != 1 || got.Attendees[0]["email"] != "mailto:"+c.mail.To || got.Attendees[0]["rsvp"] != "TRUE" ||
			got.Organizer["email"] != "mailto:reply+"+c.mail.Reference+"@reply.north.example" {
			t.Errorf("%s: %+v", c.mail.To, got)
		}
	}
	if forCandidate.Zone != "America/New_York" || forLead.Zone != "Europe/Berlin" || forCandidate.Summary != "Your interview: Engineer" ||
		!strings.Contains(forCandidate.Description, "Ada [Lead]") || forLead.Summary != "Gespräch mit Zebedee Quillfeather: Engineer" ||
		!strings.HasSuffix(forLead.URL, "/v/"+m.ID+"."+lead) || !strings.HasSuffix(forCandidate.URL, "/i/"+m.EnrollmentID) ||
		strings.Contains(told.Text+forLead.Description, "/i/") || strings.Contains(string(told.Raw), "zebra.example") {
		t.Errorf("candidate: %+v\nlead: %+v\n%s", forCandidate, forLead, told.Text)
	}
	for zone, text := range map[string]string{"America/New_York": asked.Text, "Europe/Berlin": told.Text} {
		loc, err := time.LoadLocation(zone)
		if at := m.StartsAt.In(loc).Format("15:04–"); err != nil || !strings.Contains(text, at) || !strings.Contains(text, "("+strings.ReplaceAll(zone, "_", " ")+", UTC") {
			t.Errorf("not at %s: %s", at, text)
		}
	}

	r.pickTime(m.ID, 1)
	_, moved := r.letter(box, "zeb@zebra.example", 2)
	again, _ := r.letter(box, "ada@north.example", 2)
	if moved.Method != "REQUEST" || moved.UID != forCandidate.UID || moved.Sequence <= forCandidate.Sequence || moved.Start == forCandidate.Start ||
		moved.Organizer["email"] != forCandidate.Organizer["email"] || !strings.HasPrefix(again.Subject, "Neuer Termin, Gespräch mit Zebedee Quillfeather: ") {
		t.Errorf("moved: %q %+v", again.Subject, moved)
	}
	r.event(candidate, "application.withdrawn", "application", "a1")
	for _, who := range []string{"zeb@zebra.example", "ada@north.example"} {
		_, off := r.letter(box, who, 3)
		if off.Method != "CANCEL" || off.Status != "CANCELLED" || off.UID != forCandidate.UID || off.Sequence <= moved.Sequence || off.Start != moved.Start {
			t.Errorf("cancelled: %+v", off)
		}
	}
	mail.mu.Lock()
	defer mail.mu.Unlock()
	for id, attempts := range mail.attempts {
		if len(attempts) != 2 {
			t.Errorf("%s: %d attempts", id, len(attempts))
		} else if diff := cmp.Diff(attempts[0], attempts[1]); diff != "" {
			t.Errorf("%s: another attempt says something else:\n%s", id, diff)
		}
	}
	if n := r.sql("select count(*) from events e join messages m on m.id = e.data->>'message' where m.recipient <> ''"); n != 0 {
		t.Errorf("%d events about mail to an interviewer", n)
	}
}

// Who was invited by mail to an interview with somebody who is erased gets the cancellation of the same event, which names nobody.
func TestErasureCallsInterviewsOff(t *testing.T) {
	t.Parallel()
	r, candidate, _ := newLettered(t)
	box, mail := sandboxed(t)
	r.mail = mail.Provider // which takes a mail at once
	r.work()
	r.event(candidate, "application.submitted", "application", "a1", "role", "Engineer")
	r.pickTime(r.meeting(candidate, "onsite", crm.MeetingOffered).ID, 0)
	_, invited := r.letter(box, "ada@north.example", 1)
	r.until(func() string { // else it is being sent, or its receipt is written down
		return differ("invitations", r.sql("select count(*) from messages where calendar = 'REQUEST' and state = 'accepted'"), 2)
	})
	if _, err := r.store.Erase(t.Context(), crm.Erasure{Candidate: candidate, Mode: crm.RetentionErase, Rule: "request", Reason: "art-17", By: "lena", At: r.now()}); err != nil {
		t.Fatal(err)
	}
	r.until(func() string {
		return differ("jobs done", r.sql("select count(*) from erasure_jobs where kind = 'mail' and outcome = 'done' and sealed is null"), 1)
	})
	told, off := r.letter(box, "ada@north.example", 2)
	if off.Method != "CANCEL" || off.Status != "CANCELLED" || off.UID != invited.UID || off.Sequence <= invited.Sequence || off.Start != invited.Start ||
		off.Organizer["email"] != invited.Organizer["email"] {
		t.Errorf("called off: %+v, invited: %+v", off, invited)
	}
	if text := told.Subject + told.Text + string(told.Raw); strings.Contains(text, "Zebedee") || strings.Contains(text, "Quillfeather") || strings.Contains(text, candidate) || !strings.Contains(told.Text, "gelöscht") {
		t.Errorf("it says %s", told.Raw)
	}
}
