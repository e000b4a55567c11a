package memory_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/store/memory"
)

// bundle is a store with one candidate and one run of theirs.
type bundle struct {
	*memory.Store
	t   *testing.T
	now time.Time
	run string
}

func setup(t *testing.T) *bundle {
	t.Helper()
	b := &bundle{t: t, now: time.Date(2026, 10, 23, 9, 0, 0, 123456789, time.UTC)}
	b.Store = memory.New(func() time.Time { return b.now })
	b.must(b.Add(memory.Seed{
		Candidate: crm.Candidate{ID: "cnd_1", Email: "sarah@example.com", Phone: "+447700900123", Attributes: map[string]any{"band": 5}},
		Consents: []crm.Consent{
			{Purpose: "news", Channel: crm.Email, Granted: true, At: b.now}, {Purpose: "jobs", Channel: crm.SMS, Granted: true, At: b.now},
		},
		Pools: []string{"warm", "cold"},
	}))
	b.receive("event.attended", nil)
	b.dispatchAll(func(in *crm.Inbox, out *crm.Dispatched) {
		b.run = "enr_1"
		out.Enrollments = []crm.Enrollment{{
			ID: b.run, Definition: "s", CandidateID: "cnd_1", N: 1, StartedAt: b.now, Position: in.Position + 1,
			Listens: []string{"page.viewed", "message.sent"},
		}}
	})
	return b
}

func (b *bundle) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bundle) receive(eventType string, data map[string]any) {
	b.t.Helper()
	b.now = b.now.Add(time.Minute)
	b.must(b.Receive(crm.Event{CandidateID: "cnd_1", Source: "test", ExternalID: eventType + b.now.String(), Type: eventType, Data: data}))
}

// dispatch gives the pending events their positions; edit adds what else follows.
func (b *bundle) dispatchAll(edit func(*crm.Inbox, *crm.Dispatched)) (in *crm.Inbox) {
	b.t.Helper()
	_, err := b.Dispatch(b.t.Context(), "cnd_1", func(inbox *crm.Inbox) (*crm.Dispatched, error) {
		in = inbox
		out := &crm.Dispatched{SetAside: map[string]string{}}
		for i, e := range inbox.Events {
			e.Position = inbox.Position + int64(i) + 1
			out.Events = append(out.Events, e)
		}
		if edit != nil {
			edit(inbox, out)
		}
		return out, nil
	})
	b.must(err)
	return in
}

// decide commits a decision that edit completes.
func (b *bundle) decide(edit func(*crm.Facts, *crm.Decision)) {
	b.t.Helper()
	turn, err := b.Begin(b.t.Context(), b.run)
	b.must(err)
	f := turn.Facts()
	d := &crm.Decision{EnrollmentID: b.run, Seq: f.Enrollment.Seq + 1, At: b.now, Seen: f.Enrollment.Wake, Command: crm.CommandWait}
	edit(f, d)
	b.must(turn.Commit(b.t.Context(), d))
}

func (b *bundle) facts() crm.Facts {
	b.t.Helper()
	turn, err := b.Begin(b.t.Context(), b.run)
	b.must(err)
	defer turn.Rollback()
	return *turn.Facts()
}

func (b *bundle) message(id string) crm.Message {
	return crm.Message{
		ID: id, CandidateID: "cnd_1", EnrollmentID: b.run, Definition: "s", Step: "hi", Occurrence: 1, Channel: crm.Email, Purpose: "news",
		Template: "hello", State: crm.MessagePlanned, PlannedAt: b.now, NotBefore: b.now, NotAfter: b.now.Add(time.Hour),
	}
}

func TestFacts(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.receive("page.viewed", map[string]any{"seconds": 7, "tags": []string{"a"}})
	b.receive("event.registered", nil) // not listened to
	b.dispatchAll(nil)
	f := b.facts()
	if len(f.Events) != 1 || f.Events[0].Position != 2 || f.Position != 3 {
		t.Errorf("position %d, events %+v", f.Position, f.Events)
	}
	if diff := cmp.Diff(map[string]any{"seconds": 7.0, "tags": []any{"a"}}, f.Events[0].Data); diff != "" {
		t.Errorf("data is not as JSON reads it:\n%s", diff)
	}
	if f.Candidate.Attributes["band"] != 5.0 || !slices.Equal(f.Pools, []string{"cold", "warm"}) || !slices.Equal(f.Enrolled, []string{"s"}) {
		t.Errorf("facts %+v", f)
	}
	if f.Enrollment.Status != crm.EnrollmentStarting || f.Enrollment.StartedAt.Nanosecond()%1000 != 0 {
		t.Errorf("run %+v", f.Enrollment)
	}
	if _, err := b.Begin(t.Context(), "enr_2"); crm.CodeOf(err) != crm.CodeNotFound {
		t.Errorf("unknown run: %v", err)
	}
}

// A message takes its place under the caps from when it is planned, and gives it back when it is not sent.
func TestLedger(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		verdict memory.Verdict
		state   crm.MessageState
		sends   int
		had     int
		told    string
		woken   bool
	}{
		"sent":    {memory.Verdict{State: crm.MessageClaimed, Address: "x"}, crm.MessageAccepted, 1, 1, "message.sent", true},
		"skipped": {memory.Verdict{State: crm.MessageSkipped, Reason: "no_consent"}, crm.MessageSkipped, 0, 0, "", true},
		"expired": {memory.Verdict{State: crm.MessageExpired, Reason: "too_late"}, crm.MessageExpired, 0, 0, "message.failed", true},
		"later":   {memory.Verdict{State: crm.MessagePlanned, NotBefore: time.Date(2026, 10, 24, 0, 0, 0, 0, time.UTC)}, crm.MessagePlanned, 1, 1, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.decide(func(_ *crm.Facts, d *crm.Decision) {
				d.Messages, d.Awaits = []crm.Message{b.message("msg_1")}, []string{crm.AwaitSettled}
			})
			claimed, err := b.Claim(b.now, func(*memory.Claim) memory.Verdict { return test.verdict })
			b.must(err)
			for _, c := range claimed {
				b.must(b.Accept(c.Message.ID, b.now))
			}
			f := b.facts()
			if f.Messages[0].State != test.state || len(f.Sends) != test.sends || len(f.Had) != test.had {
				t.Errorf("messages %+v, sends %v, had %v", f.Messages, f.Sends, f.Had)
			}
			if woken := len(b.Woken()) == 1; woken != test.woken {
				t.Errorf("woken %v, want %v", woken, test.woken)
			}
			in := &crm.Inbox{}
			if len(b.Pending()) > 0 {
				in = b.dispatchAll(nil)
			}
			if told := slices.ContainsFunc(in.Events, func(e crm.Event) bool { return e.Type == test.told && e.Step == "hi" }); told != (test.told != "") {
				t.Errorf("told %+v, want %s", in.Events, test.told)
			}
			if again, _ := b.Claim(b.now, func(*memory.Claim) memory.Verdict { return test.verdict }); len(again) > 0 {
				t.Error("it was claimed twice")
			}
		})
	}
}

// A report of the provider tells what the sender never learnt: the message was sent when the report says, and that is known
// since the report came. A receipt that comes after it adds what is missing and tells nothing.
func TestLateReceipt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.decide(func(_ *crm.Facts, d *crm.Decision) {
		d.Messages, d.Awaits = []crm.Message{b.message("msg_1"), b.message("msg_0")}, []string{crm.AwaitSettled}
	})
	if _, err := b.Claim(b.now, func(*memory.Claim) memory.Verdict { return memory.Verdict{State: crm.MessageClaimed} }); err != nil {
		t.Fatal(err)
	}
	if m := b.facts().Messages; m[0].ID != "msg_0" || m[0].State != crm.MessageClaimed || m[1].State != crm.MessagePlanned {
		t.Errorf("messages are not in the order of their ids: %+v", m)
	}
	b.must(b.Unknown("msg_0", "timeout", b.now))
	opened := b.now
	b.now = b.now.Add(time.Hour)
	b.must(b.Receive(crm.Event{
		CandidateID: "cnd_1", Source: "sendgrid", ExternalID: "1", Type: "message.opened", Time: opened, Data: map[string]any{"message": "msg_0"},
	}))
	b.dispatchAll(nil)
	b.must(b.Accept("msg_0", b.now.Add(time.Minute)))
	in := b.dispatchAll(nil)
	if len(in.Events) != 1 || in.Events[0].Type != "message.sent" || in.Events[0].ReceivedAt.Sub(in.Events[0].Time) != time.Hour {
		t.Errorf("told %+v", in.Events)
	}
	if m := b.Messages("cnd_1")[1]; m.State != crm.MessageAccepted || m.Provider == "" || m.AcceptedAt.Sub(opened).Abs() > time.Microsecond {
		t.Errorf("message %+v", m)
	}
	if err := b.Refuse("msg_0", "invalid", b.now); crm.CodeOf(err) != crm.CodeConflict {
		t.Errorf("refused after it was sent: %v", err)
	}
}

// The provider may still refuse a message whose fate was unknown.
func TestRefuseUnknown(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.decide(func(_ *crm.Facts, d *crm.Decision) { d.Messages = []crm.Message{b.message("msg_1")} })
	if _, err := b.Claim(b.now, func(*memory.Claim) memory.Verdict { return memory.Verdict{State: crm.MessageClaimed} }); err != nil {
		t.Fatal(err)
	}
	b.must(b.Unknown("msg_1", "timeout", b.now))
	b.must(b.Refuse("msg_1", "invalid", b.now))
	if m := b.Messages("cnd_1")[0]; m.State != crm.MessageRefused || m.Reason != "invalid" {
		t.Errorf("message %+v", m)
	}
	if in := b.dispatchAll(nil); len(in.Events) != 1 || in.Events[0].Type != "message.failed" {
		t.Errorf("told %+v", in.Events)
	}
}

// An exit from outside takes back what was planned.
func TestWithdraw(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.decide(func(_ *crm.Facts, d *crm.Decision) {
		d.Messages = []crm.Message{b.message("msg_1")}
		d.Tasks = []crm.Task{{ID: "tsk_1", CandidateID: "cnd_1", EnrollmentID: b.run, State: crm.TaskOpen}}
	})
	b.decide(func(_ *crm.Facts, d *crm.Decision) {
		d.Command, d.Outcome, d.Withdraw = crm.CommandExit, "replied", true
	})
	if m, task := b.Messages("cnd_1")[0], b.Tasks("cnd_1")[0]; m.State != crm.MessageCancelled || task.State != crm.TaskClosed || task.Outcome != "replied" {
		t.Errorf("message %+v, task %+v", m, task)
	}
	if run := b.Enrollments("cnd_1")[0]; run.Open() || run.Outcome != "replied" || !b.Due().IsZero() {
		t.Errorf("run %+v", run)
	}
}

func TestChange(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.decide(func(_ *crm.Facts, d *crm.Decision) {
		d.Change = &crm.CandidateChange{Set: map[string]any{"city": "Leeds"}, Enter: []string{"hot", "warm"}, Leave: []string{"cold"}}
		d.Events = []crm.Event{{ID: "evt_x", Source: crm.SourceRapport, ExternalID: "x", Type: "custom.x", CandidateID: "cnd_1"}}
	})
	var types []string
	for _, e := range b.dispatchAll(nil).Events {
		types = append(types, e.Type)
		if e.Type != "custom.x" && e.Text("by") != b.run {
			t.Errorf("%s does not say by which run: %v", e.Type, e.Data)
		}
	}
	if want := []string{"candidate.updated", "pool.entered", "pool.left", "custom.x"}; !slices.Equal(types, want) {
		t.Errorf("told %v, want %v", types, want)
	}
	score := func(points float64) []crm.Event {
		b.now = b.now.Add(time.Hour)
		b.must(b.Change("cnd_1", &crm.CandidateChange{Score: &crm.Score{Points: points, At: b.now}}, b.now))
		if len(b.Pending()) == 0 {
			return nil
		}
		return b.dispatchAll(nil).Events
	}
	if told := score(7); len(told) != 1 || told[0].Data["by"] != nil {
		t.Errorf("a source's score was told as %+v", told)
	}
	if told := score(7); told != nil { // said again, it is worth what is left of it
		t.Errorf("the same score was told as %+v", told)
	}
	if c, err := b.Candidate("cnd_1"); err != nil || c.City != "Leeds" || !slices.Equal(b.Pools("cnd_1"), []string{"hot", "warm"}) {
		t.Errorf("%+v in %v, %v", c, b.Pools("cnd_1"), err)
	}
}

func TestOptOut(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		reason  crm.SuppressionReason
		channel crm.Channel
		revoked crm.ConsentState
	}{
		"a complaint revokes": {crm.SuppressedComplaint, crm.Email, crm.ConsentRevoked},
		"a bounce does not":   {crm.SuppressedBounce, crm.Email, crm.ConsentGranted},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.must(b.OptOut("cnd_1", memory.OptOut{Channel: test.channel, Reason: test.reason, At: b.now}))
			b.must(b.Change("cnd_1", &crm.CandidateChange{Set: map[string]any{"email": " Sarah@Example.com"}}, b.now)) // is the same mailbox
			f := b.facts()
			if len(f.Suppressions) != 1 || crm.ConsentFor(f.Consents, "news", crm.Email) != test.revoked || crm.ConsentFor(f.Consents, "jobs", crm.SMS) != crm.ConsentGranted {
				t.Errorf("suppressed %v, consents %v", f.Suppressions, f.Consents)
			}
			b.must(b.Change("cnd_1", &crm.CandidateChange{Set: map[string]any{"email": "new@example.com"}}, b.now))
			if f := b.facts(); len(f.Suppressions) != 0 {
				t.Errorf("the new address is suppressed: %v", f.Suppressions)
			}
		})
	}
}

// Suppressions are in the order of their times, whenever they were told.
func TestSuppressionsInOrder(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.must(b.OptOut("cnd_1", memory.OptOut{Channel: crm.SMS, Reason: crm.SuppressedStop, At: b.now}))
	b.must(b.OptOut("cnd_1", memory.OptOut{Channel: crm.Email, Reason: crm.SuppressedBounce, At: b.now.Add(-time.Hour)}))
	b.must(b.Change("cnd_1", &crm.CandidateChange{Set: map[string]any{"phone": ""}}, b.now))
	b.must(b.OptOut("cnd_1", memory.OptOut{Channel: crm.SMS, Reason: crm.SuppressedBounce, At: b.now})) // there is no number
	b.must(b.Change("cnd_1", &crm.CandidateChange{Set: map[string]any{"phone": "+447700900123"}}, b.now))
	f := b.facts()
	if len(f.Suppressions) != 2 || f.Suppressions[0].Reason != crm.SuppressedBounce || f.Suppressions[1].Channel != crm.SMS {
		t.Errorf("suppressions %v", f.Suppressions)
	}
}

func TestConsentEvents(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.receive("consent.revoked", map[string]any{"purpose": "news"})
	b.receive("consent.granted", map[string]any{"purpose": "jobs", "channels": []string{"email", "letter"}})
	f := b.facts()
	for purpose, want := range map[string]map[crm.Channel]crm.ConsentState{
		"news": {crm.Email: crm.ConsentRevoked, crm.SMS: crm.ConsentRevoked},
		"jobs": {crm.Email: crm.ConsentGranted, crm.SMS: crm.ConsentGranted},
	} {
		for ch, state := range want {
			if got := crm.ConsentFor(f.Consents, purpose, ch); got != state {
				t.Errorf("%s by %s: %v, want %v", purpose, ch, got, state)
			}
		}
	}
}

func TestDispatch(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.decide(func(_ *crm.Facts, d *crm.Decision) {
		d.Assigned = []crm.Assignment{{Step: "half", Arm: "a", At: b.now}}
	})
	first := b.now
	b.now = b.now.Add(time.Hour)
	b.decide(func(_ *crm.Facts, d *crm.Decision) {
		d.Assigned = []crm.Assignment{{Step: "half", Arm: "a", At: b.now}}
	}) // comes to it again
	b.receive("page.viewed", nil)
	b.dispatchAll(func(in *crm.Inbox, out *crm.Dispatched) {
		out.SetAside[in.Events[0].ID] = "internal_error"
		out.Wake = []string{b.run}
		out.Measured = []crm.Measured{{EnrollmentID: b.run, Step: "half", At: b.now}}
		out.Pools = []crm.PoolChange{{Pool: "hot", Entered: true}}
		out.Candidate.Score = &crm.Score{Points: 4, At: b.now}
		out.Controls = []crm.ControlledRun{{EnrollmentID: b.run, Paused: true}}
	})
	f := b.facts()
	if len(f.Events) != 0 || f.Enrollment.Wake != 2 || !f.Enrollment.Paused || f.Candidate.Score != 4 || !slices.Contains(f.Pools, "hot") {
		t.Errorf("facts %+v", f)
	}
	if a := b.Assignments(b.run); len(a) != 1 || a[0].MeasuredAt.IsZero() || a[0].At.Sub(first).Abs() > time.Microsecond {
		t.Errorf("assignments %+v", a)
	}
	b.receive("page.viewed", nil)
	wrong := errors.New("no")
	if _, err := b.Dispatch(t.Context(), "cnd_1", func(*crm.Inbox) (*crm.Dispatched, error) { return nil, wrong }); !errors.Is(err, wrong) {
		t.Errorf("error %v", err)
	}
	if len(b.Pending()) != 1 {
		t.Error("an event was lost")
	}
}

// The same event twice is one event, and the same call is answered once.
func TestOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	e := crm.Event{CandidateID: "cnd_1", Source: "ats", ExternalID: "1", Type: "page.viewed"}
	b.must(b.Receive(e, e))
	b.must(b.Receive(e))
	if in := b.dispatchAll(nil); len(in.Events) != 1 {
		t.Errorf("%d events", len(in.Events))
	}
	b.decide(func(_ *crm.Facts, d *crm.Decision) {
		d.Command, d.Call = crm.CommandCall, &crm.Call{URL: "https://x.example"}
	})
	b.must(b.CallDone(t.Context(), b.run, crm.CallResult{Seq: 1, Outcome: crm.CallOK, Result: map[string]any{"n": 1}}))
	b.must(b.CallDone(t.Context(), b.run, crm.CallResult{Seq: 1, Outcome: crm.CallFailed}))
	call, done, err := b.CallOf(t.Context(), b.run, 1)
	if err != nil || call.URL == "" || done == nil || done.Outcome != crm.CallOK {
		t.Errorf("%+v %+v %v", call, done, err)
	}
	if f := b.facts(); f.Call == nil || f.Call.Seq != 1 {
		t.Errorf("call %+v", f.Call)
	}
	if _, _, err := b.CallOf(t.Context(), b.run, 2); crm.CodeOf(err) != crm.CodeNotFound {
		t.Errorf("error %v", err)
	}
}
