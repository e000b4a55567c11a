package dsltest

import (
	"fmt"
	"strings"

	"pgregory.net/rapid"
)

// Steps draws the steps of a sequence, as the YAML that follows `steps:`. The ids of steps are s1, s2 and so on. Asks are the
// sequences that steps may enroll the candidate in and have them leave.
func Steps(t *rapid.T, asks ...string) string {
	a := &author{t: t, asks: asks}
	a.block(1, 0)
	return a.b.String()
}

// author writes random sequences that are right: every kind of step, nested a few deep.
type author struct {
	t     *rapid.T
	asks  []string // sequences that a step may enroll in, and leave
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
	kinds := []string{"email", "list", "sms", "task", "wait", "until", "update", "emit", "survey", "call", "ats"}
	if len(a.asks) > 0 {
		kinds = append(kinds, "enroll")
	}
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
		a.line(depth, "update: %s", a.pick("{tag: [warm]}", "{set: {status: applicant}}", "{score: {add: 3}}", "{pool: {add: club}}",
			"{pool: {remove: club}}", "{set: {attributes.rank: 3, city: Leeds}, untag: [warm]}"))
	case "emit":
		a.line(depth, "emit: {event: custom.keen, data: {n: 1}}")
	case "enroll":
		a.line(depth, "%s: %s", a.pick("enroll", "leave"), a.pick(a.asks...))
	case "survey":
		a.line(depth, "survey: {use: evening, timeout: 4d}")
	case "call":
		a.line(depth, "call: %s", a.pick(`{url: "https://hooks.example.com/x"}`, `{url: "https://hooks.example.com/x", save: attributes.answer}`))
	case "ats":
		a.line(depth, "ats: %s", a.pick("{push: [phone, attributes.rank]}", `{note: "Keen."}`))
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
		a.line(depth+1, "measure: %s", a.pick("{on: page.viewed}", "{on: [message.clicked, page.viewed], within: 5d}"))
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
