package play_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/rapport-crm/rapport/crm"
)

// happening is one thing that happens to the candidate. N picks among what there is to pick from when it happens.
type happening struct {
	after time.Duration // since the one before
	what  string
	word  string
	n     int
	off   time.Duration // of an event: how far the source's clock is from ours
}

func (h *happening) String() string {
	return strings.TrimSpace(fmt.Sprintf("after %s: %s %s n=%d off=%s", h.after, h.what, h.word, h.n, h.off))
}

// kind is a kind of happening, with what it can be about.
type kind struct {
	what  string
	words []string
}

// kinds lists what is drawn more often first, or twice.
func kinds() []kind {
	message := kind{"message", []string{"clicked", "replied", "delivered", "bounced", "opened", "failed", "auto_replied"}}
	event := kind{"event", []string{"page.viewed", "custom.met", "event.attended", "referral.received", "pool.left"}}
	hand := kind{"hand", []string{"first", "second", "third", "keen", "club-life"}}
	return []kind{
		{"nothing", []string{""}},
		message, event, hand,
		{"sender", []string{"stops", "starts"}},
		{"late", []string{"pause", "address", "bounce", ""}},
		{"consent", []string{"granted", "revoked"}},
		{"set", []string{"email", "status", "phone", "time_zone", "region", "score", "attributes", "functions"}},
		{"application", []string{"submitted", "rejected", "withdrawn", "stage_changed", "hired"}},
		{"control", []string{crm.ControlPause, crm.ControlResume, crm.ControlStop, crm.ControlResume}},
		{"provider", []string{"", "loses", "refuses", "takes"}},
		{"fate", []string{"takes", "refuses", "loses"}},
		{"opt out", []string{"bounce", "unsubscribe", "stop", "complaint"}},
		{"task", []string{"yes_please", "no_thanks", ""}},
		message, event, hand,
		{"ask", []string{"anew", "again"}},
		{"survey", []string{""}},
		{"member", []string{"warmed", "club-life"}},
		{"twice", []string{""}},
		{"outage", []string{""}},
		{"arm", []string{"x", "y"}},
		{"pools", []string{""}},
		message, event, hand,
	}
}

// scripts draws scripts.
func scripts() *rapid.Generator[[]happening] {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) happening {
		k := rapid.SampledFrom(kinds()).Draw(t, "what")
		return happening{
			after: rapid.SampledFrom([]time.Duration{
				0, 5 * time.Hour, 26 * time.Hour, time.Minute, 3 * 24 * time.Hour, 47 * time.Minute, 11 * 24 * time.Hour, 40 * 24 * time.Hour,
			}).Draw(t, "after"),
			what: k.what, word: rapid.SampledFrom(k.words).Draw(t, "word"), n: rapid.IntRange(0, 15).Draw(t, "n"),
			off: rapid.SampledFrom([]time.Duration{0, -90 * time.Minute, -20 * 24 * time.Hour, 36 * time.Hour}).Draw(t, "off"),
		}
	}), 25, 60)
}

// happen lets one thing happen.
func (d *drive) happen(h *happening, id string) error {
	switch h.what {
	case "event":
		return d.event(h, id, h.word, map[string]any{
			"path": []string{"/jobs", "/life"}[h.n%2], "kind": "fair", "pool": "club", "seconds": h.n,
		})
	case "application":
		return d.event(h, id, "application."+h.word, map[string]any{
			"application": []string{"A1", "B2"}[h.n%2], "role_function": []string{"nursing", "engineering", ""}[h.n%3],
			"stage": []string{"interview", "offer", "", ""}[h.n%4], "reason": "silver_medallist",
		})
	case "message", "opt out", "survey", "fate", "twice":
		return d.ofMessage(h, id)
	case "set":
		field, value := h.value()
		return d.refused(d.change(d.ctx, map[string]any{field: value}, d.clock))
	case "consent":
		return d.event(h, id, "consent."+h.word, map[string]any{
			"purpose":  []string{"news", "news", "jobs", "sourced"}[h.n%4],
			"channels": [][]any{nil, {"email"}, {"sms"}, {"sms", "email", "letter", "sms"}}[h.n/4%4], "wording": "Hear from us",
		})
	case "hand":
		return d.refused(d.enroll(d.ctx, h.word, []string{"", "A1", "B2"}[h.n%3], d.clock))
	case "provider":
		d.provider = h.word
	case "late":
		return d.late(h, id)
	case "sender":
		d.stopped = h.word == "stops"
	case "pools":
		return d.controls(id, crm.ControlPools, map[string]any{})
	case "member":
		data := map[string]any{"definition": h.word, "pool": map[string]string{"warmed": "warm", "club-life": "club"}[h.word]}
		return d.controls(id, crm.ControlMember, data)
	case "arm":
		return d.settle(d.ctx, []string{"first", "second", "keen"}[h.n%3], fmt.Sprint("s", h.n%4+1), h.word, d.clock)
	case "outage":
		d.clock = d.clock.Add(time.Duration(h.n) * 17 * time.Hour)
	case "task", "control", "ask":
		return d.ofRun(h)
	}
	return nil
}

// value is what a field of the candidate is set to.
func (h *happening) value() (field string, value any) {
	switch h.word {
	case "status":
		return h.word, []string{"lead", "applicant", "hired"}[h.n%3]
	case "email":
		return h.word, []string{"sarah@example.com", "Sarah@Example.com", "s.bell@example.org", ""}[h.n%4]
	case "phone":
		return h.word, []string{"+447700900123", "+4915112345678", ""}[h.n%3]
	case "time_zone":
		return h.word, []string{"Europe/London", "America/New_York", "Asia/Tokyo", ""}[h.n%4]
	case "region":
		return h.word, []string{"North West", "Bayern", ""}[h.n%3]
	case "score":
		return h.word, float64(h.n % 3 * 5)
	case "attributes":
		return "attributes.rank", []any{float64(3), "high", nil}[h.n%3]
	}
	return h.word, [][]string{{"nursing"}, {"nursing", "care"}, {}}[h.n%3]
}

// event tells of an event. Some come from records of former times.
func (d *drive) event(h *happening, id, eventType string, data map[string]any) error {
	e := d.made(id, eventType, data)
	e.Time, e.RecordOnly = d.clock.Add(h.off), h.n == 3 || h.n == 7
	if eventType == "pool.left" { // it is what a person who takes them out tells
		e.Source, e.Time = crm.SourceRapport, d.clock
	}
	return d.refused(d.receive(d.ctx, e, nil))
}

func (d *drive) made(id, eventType string, data map[string]any) crm.Event {
	return crm.Event{
		ID: crm.DeriveID(crm.PrefixEvent, d.clock, id), Source: "test", ExternalID: "x" + id, Type: eventType,
		Subject: candidateID(), CandidateID: candidateID(), Time: d.clock, ReceivedAt: d.clock, Data: data,
	}
}

// controls tells of what a job would.
func (d *drive) controls(id, eventType string, data map[string]any) error {
	e := d.made(id, eventType, data)
	e.Source = crm.SourceControl
	return d.refused(d.receive(d.ctx, e, nil))
}

// late lets something come between a letter, to an address that is new and may be written to, and the sender, who comes late.
func (d *drive) late(h *happening, id string) error {
	d.stopped = true
	granted := d.made(id+"-granted", crm.EventConsentGranted, map[string]any{"purpose": "news"})
	if err := errors.Join(
		d.refused(d.change(d.ctx, map[string]any{"email": "sarah" + id + "@example.com"}, d.clock)),
		d.receive(d.ctx, granted, nil), d.refused(d.enroll(d.ctx, "letter", "", d.clock)),
	); err != nil {
		return err
	}
	err := d.pass(time.Duration(h.n+1) * 5 * time.Hour) // until a window has opened, if it has to
	if err != nil {
		return err
	}
	switch h.word {
	case "pause":
		err = d.ofRun(&happening{what: "control", word: crm.ControlPause})
	case "bounce":
		e := d.made(id, "message.bounced", map[string]any{})
		err = d.receive(d.ctx, e, &optOut{crm.Email, crm.SuppressedBounce, d.clock})
	case "address":
		err = d.refused(d.change(d.ctx, map[string]any{"email": ""}, d.clock))
	}
	d.stopped = false
	return err
}

// ofMessage lets something happen about a message that was handed to the provider.
func (d *drive) ofMessage(h *happening, id string) error {
	messages, err := d.messages(d.ctx)
	if err != nil {
		return err
	}
	messages = slices.DeleteFunc(messages, func(m crm.Message) bool { return m.ClaimedAt.IsZero() })
	if len(messages) == 0 {
		return nil
	}
	m := &messages[len(messages)-1-h.n%len(messages)]
	data := map[string]any{"message": m.ID, "step": m.Step, "sequence": m.Definition, "channel": string(m.Channel)}
	switch h.what {
	case "fate":
		return d.fate(m, h.word)
	case "survey":
		return d.event(h, id, "survey.answered", map[string]any{"message": m.ID, "step": m.Step, "nps": h.n})
	case "opt out":
		e := d.made(id, "message.auto_replied", data)
		return d.receive(d.ctx, e, &optOut{m.Channel, crm.SuppressionReason(h.word), d.clock.Add(min(h.off, 0))})
	case "twice":
		e := d.made(id, "message.clicked", data)
		return errors.Join(d.refused(d.receive(d.ctx, e, nil)), d.refused(d.receive(d.ctx, e, nil)))
	}
	if h.n%5 == 4 {
		data["text_kind"] = "machine"
	}
	return d.event(h, id, "message."+h.word, data)
}

// ofRun lets something happen about a run or its tasks.
func (d *drive) ofRun(h *happening) error {
	if h.what == "task" {
		tasks, err := d.tasks(d.ctx)
		if err != nil || len(tasks) == 0 {
			return err
		}
		return d.refused(d.complete(d.ctx, tasks[len(tasks)-1-h.n%len(tasks)].ID, h.word, d.clock))
	}
	runs, err := d.runs(d.ctx)
	if err != nil {
		return err
	}
	runs = slices.DeleteFunc(runs, func(r crm.Enrollment) bool { return !r.Open() || r.Seq == 0 })
	if len(runs) == 0 {
		return nil
	}
	r := &runs[h.n%len(runs)]
	if r, err = d.sending(runs, r); err != nil {
		return err
	}
	switch {
	case h.what == "control":
		return d.control(d.ctx, r.ID, h.word, d.clock)
	case h.word == "anew": // its workflow was lost
		return d.decide(r.ID, 0)
	case r.Seq > 1: // the answer was lost
		return d.decide(r.ID, r.Seq-1)
	}
	return nil
}

// sending is a run that has a message on its way, where there is one: what becomes of it is worth more than what becomes of
// another.
func (d *drive) sending(runs []crm.Enrollment, other *crm.Enrollment) (*crm.Enrollment, error) {
	messages, err := d.messages(d.ctx)
	if err != nil {
		return nil, err
	}
	for i := range messages {
		for j := range runs {
			if messages[i].State == crm.MessagePlanned && messages[i].EnrollmentID == runs[j].ID {
				return &runs[j], nil
			}
		}
	}
	return other, nil
}
