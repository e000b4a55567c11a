package dsl_test

import (
	"strings"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
)

const migrateHead = `
sequence: s
purpose: news
enroll: {on: application.rejected}
steps:
`

// compiled compiles one sequence with the workspace of the tests.
func compiled(t *testing.T, sequence string) *dsl.Program {
	t.Helper()
	set, problems := dsl.Check([]dsl.File{{Path: "w.yaml", Text: []byte(workspaceYAML + "---\n" + sequence)}}, nil)
	if set == nil {
		t.Fatalf("definition: %s", listing(problems))
	}
	return set.Programs["s"]
}

// migrate moves the run to another version, as the store does, and wakes it.
func (w *world) migrate(sequence string) crm.Landing {
	w.t.Helper()
	to := compiled(w.t, sequence)
	progress, landing := dsl.Land(w.program, to, w.facts.Enrollment.Progress)
	if landing.Kind != crm.LandRefused {
		w.facts.Enrollment.Progress, w.program = progress, to
	}
	return landing
}

func landingText(l crm.Landing) string {
	switch l.Kind {
	case crm.LandRefused:
		return "refused: " + l.Reason
	case crm.LandMoves:
		return "moves to " + l.To
	case crm.LandStays, crm.LandEnds:
	}
	return string(l.Kind)
}

// landings are moves from one version to another: where the run stands, and where it lands.
type landingCase struct {
	before, after string // steps
	reach         func(*world) *world
	at, want      string
	due           time.Duration // from enrollment, after the next decision; 0: not looked at
	then          string        // what the next decision notes, if it is looked at
}

const (
	hello  = "  - {id: hello, email: {subject: S, body: B}}\n"
	later  = "  - {id: later, email: {subject: S, body: B}}\n"
	last   = "  - {id: last, email: {subject: S, body: B}}\n"
	wait3  = "  - {wait: 3d}\n"
	wait5  = "  - {wait: 5d}\n"
	pause  = "  - {id: pause, wait: 7d}\n"
	heard  = "  - {id: heard, wait_for: {clicked: {on: message.clicked, step: hello}, timeout: 10d}}\n"
	answer = "  - id: heard\n    wait_for: {clicked: {on: message.clicked, step: hello}, timeout: 10d}\n    then:\n      clicked:\n"
	loop   = "  - id: loop\n    repeat: {every: 7d, times: 3, first: now}\n    do:\n"
	choice = "  - choose:\n      - if: has(candidate.phone)\n        do:\n"
)

// in indents steps into a branch.
func in(steps string) string {
	return "      " + strings.ReplaceAll(strings.TrimSuffix(steps, "\n"), "\n", "\n      ") + "\n"
}

func days(n int) func(*world) *world {
	return func(w *world) *world { return w.after(time.Duration(n) * 24 * time.Hour) }
}

func clicked(w *world) *world { return w.event("message.clicked", "step", "hello") }

func landingCases() map[string]landingCase {
	return map[string]landingCase{
		"a wait becomes shorter":            {hello + wait5 + last, hello + wait3 + last, days(1), "after hello", "stays", 3 * 24 * time.Hour, ""},
		"a wait becomes shorter, it is due": {hello + wait5 + last, hello + wait3 + last, days(4), "after hello", "stays", 0, "last planned"},
		"a step is inserted behind":         {hello + wait5, hello + later + wait5, days(3), "after hello", "moves to later", 0, "later planned"},
		"a step is inserted before":         {hello + pause, later + hello + pause, days(3), "pause", "stays", 7 * 24 * time.Hour, ""},
		"its step is gone":                  {hello + pause + last, hello + last, days(3), "pause", "moves to last", 0, "last planned"},
		"its step is gone, it was the last": {hello + pause, hello, days(3), "pause", "ends", 0, "exit completed"},
		"its step is another wait now":      {hello + pause + last, hello + heard + last, days(3), "pause", "moves to heard", 10 * 24 * time.Hour, ""},
		"two steps are gone":                {hello + wait3 + later + pause + last, hello + "  - {id: month, wait: 30d}\n" + last, days(4), "pause", "moves to month", 30*24*time.Hour + time.Hour, ""},
		"another kind":                      {hello + pause, hello + "  - {id: pause, email: {subject: S, body: B}}\n", days(3), "pause", "refused: pause was of the kind wait and is of the kind send now.", 0, ""},
		"the step before is another kind":   {hello + pause, "  - {id: hello, wait: 3d}\n", days(3), "pause", "refused: hello was of the kind send and is of the kind wait now.", 0, ""},
		"what is done comes after":          {hello + pause + last, pause + hello + last, days(3), "pause", "refused: hello, which this run has done, comes after pause now.", 0, ""},
		"nothing is left":                   {hello + pause, last, days(3), "pause", "refused: None of the steps that this run has done is left, so nobody can tell where it belongs.", 0, ""},
		"nothing was done":                  {pause + last, later + last, days(3), "pause", "moves to later", 0, "later planned"},

		"into a branch that was taken":      {hello + heard + pause, hello + answer + in(pause), clicked, "pause", "stays", 7 * 24 * time.Hour, ""},
		"into a branch that was not taken":  {hello + heard + pause, hello + strings.Replace(answer, "      clicked:\n", "      timeout:\n", 1) + in(pause), clicked, "pause", "refused: pause is inside heard now, in a branch that this run has not taken.", 0, ""},
		"out of a branch":                   {hello + answer + in(pause) + last, hello + heard + pause + last, clicked, "pause", "stays", 7 * 24 * time.Hour, ""},
		"its step in a branch is gone":      {hello + answer + in(later+pause) + last, hello + answer + in(later) + last, clicked, "pause", "moves to last", 0, "last planned"},
		"its branch is gone":                {hello + answer + in(pause) + last, hello + heard + last, clicked, "pause", "moves to last", 0, "last planned"},
		"the steps of its branch are other": {hello + answer + in(pause) + last, hello + answer + in(later) + last, clicked, "pause", "moves to later", 0, "later planned"},
		"what it branched from is gone":     {hello + answer + in(pause) + last, hello + last, clicked, "pause", "moves to last", 0, "last planned"},
		"a step of a branch is left over":   {hello + answer + in(later) + pause + last, hello + later + "  - {id: week, wait: 7d}\n" + last, func(w *world) *world { return clicked(w).after(time.Hour) }, "pause", "moves to week", 7 * 24 * time.Hour, ""},

		"its alternative is at another place": {choice + in("    "+strings.TrimPrefix(pause, "  ")), "  - choose:\n      - {if: 'candidate.country == \"FR\"', do: [{exit: french}]}\n      - if: has(candidate.phone)\n        do:\n" + in("    "+strings.TrimPrefix(pause, "  ")), days(3), "pause", "stays", 7 * 24 * time.Hour, ""},
		"its alternative is gone":             {hello + choice + in("    "+strings.TrimPrefix(pause, "  ")), hello + "  - choose:\n      - {if: 'candidate.country == \"FR\"', do: [{exit: french}]}\n      - {if: 'candidate.country == \"DE\"', do: [{exit: german}]}\n", days(3), "pause", "refused: the branch of choose after hello that this run is in is gone.", 0, ""},

		"a round is shorter":              {loop + in(later+pause+last), loop + in(later+last), days(3), "pause", "moves to last", 0, "last planned"},
		"the end of a round is gone":      {loop + in(later+pause), loop + in(later), days(3), "pause", "moves to loop", 7 * 24 * time.Hour, "loop waiting"},
		"fewer rounds than it has had":    {loop + in(later) + pause, strings.Replace(loop, "times: 3", "times: 1", 1) + in(later) + pause, days(8), "loop", "stays", 15 * 24 * time.Hour, ""},
		"its repeat is gone, a step left": {hello + loop + in(later+pause) + last, hello + later + pause + last, days(3), "pause", "stays", 7 * 24 * time.Hour, ""},
		"its repeat is gone":              {hello + loop + in(pause) + last, hello + last, days(3), "pause", "moves to last", 0, "last planned"},
		"into a repeat":                   {hello + pause, hello + loop + in(pause), days(3), "pause", "refused: pause is inside loop now, in a branch that this run has not taken.", 0, ""},
	}
}

func TestLand(t *testing.T) {
	t.Parallel()
	for name, c := range landingCases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := c.reach(play(t, migrateHead+c.before))
			if got := w.facts.Enrollment.Progress.At; got != c.at {
				t.Fatalf("the run stands at %q, want %q: %v", got, c.at, w.log)
			}
			landing := w.migrate(migrateHead + c.after)
			if got := landingText(landing); got != c.want || landing.From != c.at {
				t.Fatalf("from %q it %s, want %s", landing.From, got, c.want)
			}
			if landing.Kind == crm.LandRefused {
				return
			}
			w.log = nil
			w.decide()
			if c.due > 0 {
				w.due(friday().Add(c.due))
			}
			if got := strings.Join(w.log, "\n"); c.then != "" && !strings.HasPrefix(got, c.then) {
				t.Errorf("then:\n%s\nwant %s", got, c.then)
			}
		})
	}
}
