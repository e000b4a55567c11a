package dsl_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl/dsltest"
)

// TestRandomSequences plays random sequences on random events, and holds what must be true of every run.
func TestRandomSequences(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		text := "sequence: s\npurpose: news\nenroll: {on: application.submitted}\nexit:\n  - {on: message.replied, outcome: replied}\nsteps:\n" +
			dsltest.Steps(rt, "other") + "---\nsequence: other\npurpose: news\nenroll: by hand\nsteps: [{wait: 1d}]\n"
		p := &player{rt: rt, world: play(t, text, func(w *world) {
			w.facts.Candidate.Phone = rapid.SampledFrom([]string{"", "+447700900123"}).Draw(rt, "phone")
			w.slow = rapid.Bool().Draw(rt, "slow sender")
		})}
		for range rapid.IntRange(0, 25).Draw(rt, "events") {
			p.something()
		}
		p.finish(text)
	})
}

// player lets random things happen to a run.
type player struct {
	rt    *rapid.T
	world *world
}

func (p *player) something() {
	w := p.world
	w.after(time.Duration(rapid.IntRange(0, 200).Draw(p.rt, "hours")) * time.Hour)
	p.answerCall()
	switch rapid.SampledFrom([]string{"click", "reply", "view", "settle", "change", "task", "survey", "look"}).Draw(p.rt, "what") {
	case "click", "view":
		w.event("page.viewed", "path", "/jobs")
		if n := len(w.facts.Messages); n > 0 {
			w.event("message.clicked", "step", w.facts.Messages[n-1].Step)
		}
	case "reply":
		if n := len(w.facts.Messages); n > 0 && rapid.IntRange(0, 5).Draw(p.rt, "really") == 0 {
			w.event("message.replied", "step", w.facts.Messages[n-1].Step)
		}
	case "settle":
		w.settle(rapid.SampledFrom([]crm.MessageState{crm.MessageAccepted, crm.MessageRefused}).Draw(p.rt, "fate"))
	case "change":
		w.change("status", func(c *crm.Candidate) { c.Status = rapid.SampledFrom([]string{"lead", "hired"}).Draw(p.rt, "status") })
	case "task":
		for _, id := range slices.Sorted(maps.Keys(w.facts.Enrollment.Progress.Steps)) {
			if s := w.facts.Enrollment.Progress.Steps[id]; s.TaskID != "" {
				w.event("task.completed", "task", s.TaskID, "outcome", "yes_please")
			}
		}
	case "survey":
		if n := len(w.facts.Messages); n > 0 {
			w.event("survey.answered", "message", w.facts.Messages[n-1].ID)
		}
	case "look":
		w.decide()
	}
	p.answerCall()
	p.hold()
}

// answerCall answers the request that the run waits for.
func (p *player) answerCall() {
	w := p.world
	for range 50 {
		if w.last.Command != crm.CommandCall {
			return
		}
		w.facts.Call = &crm.CallResult{Seq: w.last.Seq, Outcome: crm.CallOK}
		w.decide()
	}
	p.rt.Fatalf("calls without end: %v", w.log)
}

// hold checks what must be true after every decision.
func (p *player) hold() {
	w := p.world
	e := &w.facts.Enrollment
	seen := map[string]bool{}
	for i := range w.facts.Messages {
		m := &w.facts.Messages[i]
		key := fmt.Sprint(m.Step, m.Occurrence)
		if seen[key] || seen[m.ID] {
			p.rt.Fatalf("%s was sent twice: %v", key, w.log)
		}
		seen[key], seen[m.ID] = true, true
	}
	if !e.Open() {
		if e.Outcome == "" {
			p.rt.Fatal("ended without an outcome")
		}
		return
	}
	for _, line := range w.log {
		if strings.Contains(line, "stuck") || strings.Contains(line, "unknown_instruction") {
			p.rt.Fatalf("the run is stuck: %v", w.log)
		}
	}
	if _, known := w.program.Find(e.Progress.At); !known {
		p.rt.Fatalf("the run stands at %q, which is nowhere", e.Progress.At)
	}
	if w.last.Summary == "" || e.Due.IsZero() && !slices.ContainsFunc(e.Awaits, func(what string) bool { return what != "consent.revoked" }) {
		p.rt.Fatalf("the run waits for nothing that has a name: %+v", w.last)
	}
}

// finish lets years pass in which everything is answered: then the run has to end.
func (p *player) finish(text string) {
	w := p.world
	for range 400 {
		if !w.facts.Enrollment.Open() {
			return
		}
		p.answerCall()
		w.settle(crm.MessageAccepted)
		w.after(31 * day)
		p.answerCall()
		p.hold()
	}
	p.rt.Fatalf("the run does not end: at %s, %v\n%s", w.facts.Enrollment.Progress.At, w.log[max(0, len(w.log)-20):], text)
}
