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
)

// author writes random sequences that are right: every kind of step, nested a few deep.
type author struct {
	t     *rapid.T
	n     int      // ids given
	sends []string // ids of sends so far, that later matches may name
	b     strings.Builder
}

func (a *author) pick(words ...string) string { return rapid.SampledFrom(words).Draw(a.t, "word") }

func (a *author) id() string {
	a.n++
	return fmt.Sprintf("s%d", a.n)
}

func (a *author) line(depth int, format string, args ...any) {
	a.b.WriteString(strings.Repeat("  ", depth) + fmt.Sprintf(format, args...) + "\n")
}

// match is a match on an event, or on the state.
func (a *author) match() string {
	if len(a.sends) > 0 && rapid.Bool().Draw(a.t, "of a send") {
		return fmt.Sprintf("{on: %s, step: %s}", a.pick("message.clicked", "message.replied"), a.pick(a.sends...))
	}
	return a.pick("{on: page.viewed}", "{on: [event.attended, page.viewed], since: enroll}", "{when: candidate.status == \"hired\"}",
		"{on: page.viewed, when: 'event.data.path == \"/jobs\"'}")
}

func (a *author) condition() string {
	conditions := []string{`candidate.status == "lead"`, `has(candidate.phone)`, `candidate.score > 3`, `enrollment.sends < 3`, `in_pool("club")`}
	for _, id := range a.sends {
		conditions = append(conditions, "has(steps."+id+") && steps."+id+".clicked")
	}
	return a.pick(conditions...)
}

func (a *author) block(depth, level int) {
	for range rapid.IntRange(1, 3).Draw(a.t, "steps") {
		a.step(depth, level)
	}
}

// step writes one step, and its blocks while there is room.
func (a *author) step(depth, level int) {
	kinds := []string{"email", "list", "sms", "task", "wait", "until", "update", "emit", "enroll", "survey", "call", "ats"}
	if level < 3 {
		kinds = append(kinds, "wait_for", "choose", "experiment", "repeat", "ask")
	}
	kind, id := a.pick(kinds...), a.id()
	a.line(depth, "- id: %s", id)
	if rapid.IntRange(0, 3).Draw(a.t, "if") == 0 {
		a.line(depth+1, "if: '%s'", a.condition())
	}
	depth++
	switch kind {
	case "email":
		a.line(depth, "email: %s", a.pick("one", "two", "{use: one, by: 2d}"))
		a.sends = append(a.sends, id)
	case "list":
		a.line(depth, "email: [one, two]")
		a.sends = append(a.sends, id)
	case "sms":
		a.line(depth, `sms: {body: "Hello."}`)
		a.sends = append(a.sends, id)
	case "task":
		a.line(depth, "task: {title: Call, due: 2bd}")
	case "wait":
		a.line(depth, "wait: %s", a.pick("30m", "2d", "1mo", "3bd"))
	case "until":
		a.line(depth, "wait: %s", a.pick(`{until: "09:00", on: mon}`, `{until: "17:00"}`, `{until: 'date("2026-11-05")', timeout: 9d}`,
			`{until: candidate.last_decision_at, timeout: 5d}`))
	case "update":
		a.line(depth, "update: %s", a.pick("{tag: [warm]}", "{set: {status: applicant}}", "{score: {add: 3}}", "{pool: {add: club}}", "{pool: {remove: club}}"))
	case "emit":
		a.line(depth, "emit: {event: custom.keen, data: {n: 1}}")
	case "enroll":
		a.line(depth, "%s: other", a.pick("enroll", "leave"))
	case "survey":
		a.line(depth, "survey: {use: evening, timeout: 4d}")
	case "call":
		a.line(depth, `call: {url: "https://hooks.example.com/x"}`)
	case "ats":
		a.line(depth, "ats: %s", a.pick("{move_to: interview, push: [phone]}", `{note: "Keen."}`))
	default:
		a.nest(kind, depth, level)
	}
}

func (a *author) nest(kind string, depth, level int) {
	switch kind {
	case "wait_for":
		a.line(depth, "wait_for: {a: %s, b: %s, timeout: %s}", a.match(), a.match(), a.pick("1d", "2w"))
		a.then(depth, level, "a", "timeout")
	case "ask":
		a.line(depth, "task: {title: Call, wait: true, timeout: 3d, outcomes: [yes_please, no_thanks]}")
		a.then(depth, level, "yes_please", "timeout")
	case "choose":
		a.line(depth, "choose:")
		a.line(depth+1, "- if: '%s'", a.condition())
		a.line(depth+2, "do:")
		a.block(depth+3, level+1)
		a.line(depth+1, "- else:")
		a.block(depth+3, level+1)
	case "experiment":
		a.line(depth, "experiment:")
		a.line(depth+1, "arms:")
		for _, arm := range []string{"x", "y"} {
			a.line(depth+2, "%s:", arm)
			a.line(depth+3, "do:")
			a.block(depth+4, level+1)
		}
	case "repeat":
		a.line(depth, "repeat: %s", a.pick("{every: 2d, times: 3}", "{every: 1mo, times: 2, first: now}", `{every: 1w, times: 4, while: 'candidate.status != "hired"'}`))
		a.line(depth, "do:")
		a.block(depth+1, level+1)
	}
}

func (a *author) then(depth, level int, outcomes ...string) {
	a.line(depth, "then:")
	for _, o := range outcomes {
		a.line(depth+1, "%s:", o)
		if rapid.IntRange(0, 4).Draw(a.t, "exit") == 0 {
			a.line(depth+2, "- exit: gone_%s", o)
			continue
		}
		a.block(depth+2, level+1)
	}
}

// sequence writes a whole one.
func (a *author) sequence() string {
	a.b.WriteString("sequence: s\npurpose: news\nenroll: {on: application.submitted}\nexit:\n  - {on: message.replied, outcome: replied}\nsteps:\n")
	a.block(1, 0)
	return a.b.String() + "---\nsequence: other\npurpose: news\nenroll: by hand\nsteps: [{wait: 1d}]\n"
}

// TestRandomSequences plays random sequences on random events, and holds what must be true of every run.
func TestRandomSequences(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		text := (&author{t: rt}).sequence()
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
