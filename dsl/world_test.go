package dsl_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
)

// world plays a sequence for one candidate, on facts in memory: what the store does with rows, without a store.
type world struct {
	t       *testing.T
	set     *dsl.Set
	program *dsl.Program
	facts   crm.Facts
	now     time.Time
	last    *crm.Decision
	log     []string // what happened: "thanks planned", "heard timeout", "exit completed"
	slow    bool     // the sender takes nothing by itself
}

const workspaceYAML = `
workspace: north
calendar: {days: mon-fri, hours: "09:00-17:30", zone: Europe/London}
quiet: {sms: "20:00-08:00"}
limit: 3/7d
purposes:
  news: {basis: consent, wording: "Hear from us"}
  sourced: {basis: legitimate_interest, expires: 30d}
from: {email: "North <careers@north.example>", sms: "+447700900000", address: "1 Way, Leeds"}
statuses: [lead, applicant, hired]
score: {decay: 30d, points: {message.clicked: 5, page.viewed: 2}}
---
pool: club
members: by hand
---
pool: applicants
when: candidate.status == "applicant"
---
message: one
channel: email
subject: One
body: One.
---
message: two
channel: email
subject: Two
body: Two.
---
survey: evening
intro: How was it?
questions:
  - {id: nps, ask: "Would you come again?", kind: nps}
`

// friday is a Friday, ten in the morning in London.
func friday() time.Time { return time.Date(2026, 10, 2, 9, 0, 0, 0, time.UTC) }

// play compiles a sequence and enrolls a candidate with an address, a phone and consent for both.
func play(t *testing.T, sequence string, edits ...func(*world)) *world {
	t.Helper()
	set, problems := dsl.Check([]dsl.File{{Path: "w.yaml", Text: []byte(workspaceYAML + "---\n" + sequence)}}, nil)
	for _, p := range problems {
		if p.Severity == crm.SeverityError {
			t.Fatalf("definition: %s", p)
		}
	}
	w := &world{t: t, set: set, now: friday()}
	for _, p := range set.Programs {
		if w.program = p; p.Name == "s" {
			break
		}
	}
	w.facts = crm.Facts{
		Candidate: crm.Candidate{
			ID: "cnd_1", FirstName: "Sarah", Email: "sarah@example.com", Phone: "+447700900123",
			TimeZone: "Europe/London", Status: "lead", CreatedAt: w.now.AddDate(0, -1, 0), Functions: []string{"nursing"},
		},
		Consents: []crm.Consent{
			{Purpose: "news", Channel: crm.Email, Granted: true}, {Purpose: "news", Channel: crm.SMS, Granted: true},
		},
		Position: 1,
		Enrollment: crm.Enrollment{
			ID: "enr_1", Definition: w.program.Name, Hash: w.program.Hash, CandidateID: "cnd_1", N: 1,
			Status: crm.EnrollmentRunning, StartedAt: w.now, Position: 1, Listens: w.program.Listens,
		},
	}
	for _, edit := range edits {
		edit(w)
	}
	return w.decide()
}

// decide makes one decision and applies it.
func (w *world) decide() *world {
	w.t.Helper()
	e := &w.facts.Enrollment
	if !e.Open() {
		return w
	}
	d := w.next()
	w.last = d
	for _, n := range d.Notes {
		w.log = append(w.log, describe(n))
	}
	e.Seq, e.WakeSeen, e.Progress, e.Awaits, e.Due = d.Seq, d.Seen, d.Progress, d.Awaits, d.Until
	for _, m := range d.Messages {
		if !w.slow {
			m.State, m.AcceptedAt = crm.MessageAccepted, w.now
		}
		w.facts.Messages = append(w.facts.Messages, m)
		if m.Template != "" {
			w.facts.Had = append(w.facts.Had, m.Template)
		}
		if m.Counts() {
			w.facts.Sends = append(w.facts.Sends, crm.Send{At: m.PlannedAt, Definition: m.Definition})
		}
	}
	if d.Change != nil {
		if err := w.facts.Candidate.Apply(d.Change); err != nil {
			w.t.Fatal(err)
		}
		w.facts.Pools = slices.DeleteFunc(append(w.facts.Pools, d.Change.Enter...), func(p string) bool {
			return slices.Contains(d.Change.Leave, p)
		})
	}
	if d.Command == crm.CommandExit {
		e.Status, e.Outcome = crm.EnrollmentClosed, d.Outcome
	}
	return w
}

// next decides twice on the same facts, and makes sure that the facts stay as they are and the decisions are the same.
func (w *world) next() *crm.Decision {
	w.t.Helper()
	before := fmt.Sprintf("%+v", w.facts)
	first := w.program.Next(w.set.Workspace, &w.facts, w.now)
	second := w.program.Next(w.set.Workspace, &w.facts, w.now)
	if !reflect.DeepEqual(first, second) {
		w.t.Fatalf("two decisions on the same facts differ:\n%+v\n%+v", first, second)
	}
	if after := fmt.Sprintf("%+v", w.facts); before != after {
		w.t.Fatalf("a decision changed the facts:\n%s\n%s", before, after)
	}
	return first
}

func describe(n crm.Note) string {
	if n.Kind == crm.NoteExit {
		n.Step = ""
	}
	words := []string{n.Step, string(n.Kind), n.Reason, n.Outcome}
	return strings.Join(strings.Fields(strings.Join(words, " ")), " ")
}

// after lets time pass, deciding whenever the run's time comes.
func (w *world) after(d time.Duration) *world {
	w.t.Helper()
	end := w.now.Add(d)
	for i := 0; w.facts.Enrollment.Open() && !w.facts.Enrollment.Due.IsZero() && !w.facts.Enrollment.Due.After(end); i++ {
		if i > 1000 {
			w.t.Fatalf("the run does not settle: %v", w.log)
		}
		w.now = w.facts.Enrollment.Due
		w.decide()
	}
	w.now = end
	return w
}

// event lets something happen; the run is woken if it awaits that.
func (w *world) event(eventType string, data ...any) *world {
	w.t.Helper()
	w.silent(eventType, data...)
	if slices.Contains(w.facts.Enrollment.Awaits, eventType) {
		w.facts.Enrollment.Wake++
		return w.decide()
	}
	return w
}

// silent lets something happen that nobody notices until the next decision.
func (w *world) silent(eventType string, data ...any) *world {
	w.facts.Position++
	e := crm.Event{
		ID: fmt.Sprint("evt_", w.facts.Position), Source: "test", Type: eventType, Time: w.now, ReceivedAt: w.now,
		Position: w.facts.Position, Data: map[string]any{},
	}
	for i := 0; i+1 < len(data); i += 2 {
		e.Data[data[i].(string)] = data[i+1]
	}
	if step := e.Text("step"); step != "" {
		e.Step, e.EnrollmentID = step, w.facts.Enrollment.ID
	}
	w.facts.Events = append(w.facts.Events, e)
	return w
}

// change changes the candidate; the run is woken if a condition of its reads the field.
func (w *world) change(field string, edit func(*crm.Candidate)) *world {
	w.t.Helper()
	edit(&w.facts.Candidate)
	if slices.Contains(w.facts.Enrollment.Awaits, "changed:"+field) {
		w.facts.Enrollment.Wake++
		return w.decide()
	}
	return w
}

// settle lets the provider take, or refuse, everything that is planned.
func (w *world) settle(state crm.MessageState) *world {
	w.t.Helper()
	for i := range w.facts.Messages {
		if m := &w.facts.Messages[i]; m.State == crm.MessagePlanned {
			m.State = state
			if state == crm.MessageAccepted {
				m.AcceptedAt = w.now
			}
		}
	}
	if slices.Contains(w.facts.Enrollment.Awaits, crm.AwaitSettled) {
		return w.decide()
	}
	return w
}

// expect compares what happened, line by line.
func (w *world) expect(want ...string) *world {
	w.t.Helper()
	got := strings.Join(w.log, "\n")
	if got != strings.Join(want, "\n") {
		w.t.Errorf("what happened:\n%s\nwant:\n%s", got, strings.Join(want, "\n"))
	}
	return w
}

// due compares when the run goes on by itself.
func (w *world) due(want time.Time) *world {
	w.t.Helper()
	if got := w.facts.Enrollment.Due; !got.Equal(want) {
		w.t.Errorf("due %s, want %s", got, want)
	}
	return w
}
