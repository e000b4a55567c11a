package play_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/worker/play"
)

// load checks definitions together with the workspace of the test data.
func load(tb testing.TB, texts ...string) *dsl.Set {
	tb.Helper()
	workspace, err := os.ReadFile("testdata/workspace.yaml")
	if err != nil {
		tb.Fatal(err)
	}
	files := []dsl.File{{Path: "workspace.yaml", Text: workspace}}
	for _, text := range texts {
		files = append(files, dsl.File{Path: "test.yaml", Text: []byte(text)})
	}
	set, problems := dsl.Check(files, nil)
	for _, p := range problems {
		if p.Severity == crm.SeverityError {
			tb.Error(p.String())
		}
	}
	if set == nil {
		tb.FailNow()
	}
	return set
}

// listing is a timeline in words, for failures.
func listing(rows []play.Row) string {
	var b strings.Builder
	for _, r := range rows {
		mark := "  "
		if !r.OK {
			mark = "✗ "
		}
		b.WriteString(mark)
		if r.Want != nil {
			b.WriteString("want " + string(r.Want.Kind) + " " + r.Want.Name + " | ")
		}
		if r.Got != nil {
			b.WriteString(strings.Join([]string{
				r.Got.At.In(r.Got.Zone).Format("Mon 2006-01-02 15:04:05"), string(r.Got.Kind), r.Got.Name, r.Got.Reason, r.Got.Text, r.Got.Problem,
			}, " "))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// TestDefinitions plays the tests of testdata: each holds a rule of events, time, runs or tests.
func TestDefinitions(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(paths) < 4 {
		t.Fatalf("found %v, %v", paths, err)
	}
	for _, path := range paths {
		if filepath.Base(path) == "workspace.yaml" {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		set := load(t, string(text))
		for _, test := range set.Tests {
			t.Run(test.Of+" "+test.Name, func(t *testing.T) {
				t.Parallel()
				trial := play.On(set, test.Of).Try(t.Context(), test)
				if trial.Err != nil || !trial.Passed {
					t.Errorf("%v %v\n%s", trial.Err, trial.Problems, listing(trial.Rows))
				}
			})
		}
	}
}

const short = `
sequence: short
purpose: news
enroll: {on: event.attended, when: 'event.data.kind != "online"'}
exit: [{when: 'candidate.city == "Leeds"', outcome: near}]
steps:
  - id: hi
    if: %s
    email: hello
---
test: it is tested
of: short
start: 2026-10-23T10:00
candidate: {consents: {news: true}, city: York}
script: [{on: event.attended, data: {kind: fair}}]
expect:
  - {email: hello}
  - {outcome: completed}
`

// try plays the only test of definitions.
func try(t *testing.T, text string) *play.Trial {
	t.Helper()
	set := load(t, text)
	return play.On(set, set.Tests[0].Of).Try(t.Context(), set.Tests[0])
}

// A condition that cannot be evaluated fails a test, wherever it stands.
func TestProblemsFail(t *testing.T) {
	t.Parallel()
	right := strings.Replace(short, "%s", "'true'", 1)
	for name, test := range map[string]struct {
		text, problem string
	}{
		"none":             {right, ""},
		"of a step":        {strings.Replace(short, "%s", `'candidate.phone == "x" || true'`, 1), ""},
		"of a step, false": {strings.Replace(short, "%s", `candidate.phone == "x"`, 1), "candidate.phone is not known"},
		"of an exit":       {strings.Replace(right, "city: York", "region: York", 1), "candidate.city is not known"},
		"of a wait": {
			strings.Replace(right, "    email: hello\n", "    wait_for: {near: {when: 'candidate.region == \"York\"'}, timeout: 1d}\n  - id: after\n    email: hello\n", 1),
			"candidate.region is not known",
		},
		"of an enrollment": {strings.Replace(right, "kind: fair", "name: Fair", 1), "event.data.kind is not known"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			trial := try(t, test.text)
			if got := strings.Join(trial.Problems, "\n"); trial.Err != nil || !strings.Contains(got, test.problem) || (got == "") != (test.problem == "") {
				t.Errorf("error %v, problems %q, want %q", trial.Err, got, test.problem)
			}
			if trial.Passed != (test.problem == "") {
				t.Errorf("passed %v\n%s", trial.Passed, listing(trial.Rows))
			}
		})
	}
}

// The same script gives the same timeline, to the microsecond, however often it is played.
func TestSameScriptSameTimeline(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/sending.yaml")
	if err != nil {
		t.Fatal(err)
	}
	set := load(t, string(text))
	first := ""
	for range 10 {
		rows := ""
		for _, test := range set.Tests {
			rows += listing(play.On(set, test.Of).Try(t.Context(), test).Rows) //nolint:perfsprint // a handful
		}
		if first == "" {
			first = rows
		}
		if rows != first {
			t.Fatalf("it came out differently:\n%s\n%s", first, rows)
		}
	}
}

// What a script says must be possible.
func TestImpossibleScripts(t *testing.T) {
	t.Parallel()
	for name, entry := range map[string]string{
		"a message that was not sent": "{on: message.clicked, step: hi}",
		"back in time":                "{at: 2026-10-23T08:30:00Z, on: page.viewed}",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := strings.Replace(strings.Replace(short, "%s", "'true'", 1), "script: [", "script: [{after: 1h, set: {time_zone: Europe/Berlin}}, "+entry+", ", 1)
			trial := try(t, text)
			if trial.Err == nil || trial.Passed || crm.CodeOf(trial.Err) != crm.CodeInvalid {
				t.Errorf("error %v", trial.Err)
			}
		})
	}
}

// Only the tested sequence enrolls; all do where none is named.
func TestStage(t *testing.T) {
	t.Parallel()
	two := strings.Replace(short, "%s", "'true'", 1) + "---\nsequence: second\npurpose: transactional\nenroll: {on: application.submitted}\nsteps: [{id: a, wait: 1d}]\n"
	set := load(t, two)
	part := play.PartOf(set.Tests[0])
	part.Script = append(part.Script, dsl.Happening{Event: "application.submitted", Source: "test"})
	for want, stage := range map[int]*play.Stage{1: play.On(set, "second"), 2: play.On(set)} {
		timeline, err := stage.Play(t.Context(), part)
		if err != nil || len(timeline.Runs) != want {
			t.Errorf("%d runs, want %d; %v", len(timeline.Runs), want, err)
		}
	}
}

// Clocks are finer than what is stored: a start, an end or an event between two microseconds is reached all the same.
func TestTimesAreFinerThanTheClock(t *testing.T) {
	t.Parallel()
	set := load(t, strings.Replace(short, "%s", "'true'", 1)+"---\nsequence: patient\npurpose: news\nenroll: {on: page.viewed}\nsteps: [{id: a, wait: 90d}]\n")
	start := time.Date(2026, 10, 23, 9, 0, 0, 123_456_789, time.UTC)
	events := []crm.Event{
		{ExternalID: "1", Source: "web", Type: "page.viewed", Time: start.Add(time.Hour)},
		{ExternalID: "2", Source: "web", Type: "page.viewed", Time: start.Add(2*time.Hour + 7)},
	}
	part := play.Recorded(crm.Candidate{ID: "cnd_1", CreatedAt: start}, nil, events, start)
	part.Until = start.Add(24*time.Hour + 11)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	timeline, err := play.On(set, "patient").Play(ctx, part)
	if err != nil || len(timeline.Runs) != 1 || !timeline.Runs[0].Open() {
		t.Errorf("%v, %+v", err, timeline)
	}
}

// BenchmarkTest plays the test of a sequence of 90 days.
func BenchmarkTest(b *testing.B) {
	set := load(b, `
sequence: ninety
purpose: news
enroll: {on: event.attended}
steps:
  - id: weekly
    repeat: {every: 7d, times: 13, first: now}
    do:
      - id: letter
        email: hello
      - id: heard
        wait_for: {clicked: {on: message.clicked, step: letter}, timeout: 3d}
---
test: ninety days
of: ninety
start: 2026-10-23T10:00
candidate: {consents: {news: true}}
script: [{on: event.attended}]
expect: []
`)
	stage := play.On(set, "ninety")
	for b.Loop() {
		if trial := stage.Try(b.Context(), set.Tests[0]); trial.Err != nil {
			b.Fatal(trial.Err)
		}
	}
}

// What people did stays in a recorded history although Rapport told of it: the task of a played run is done, and a survey that
// a sequence asked which is not played is answered as it was.
func TestRecordedByPeople(t *testing.T) {
	t.Parallel()
	set := load(t, `
sequence: promoters
purpose: news
enroll: {on: survey.answered, when: event.data.nps > 8}
steps:
  - id: ring
    task: {title: Ring them, wait: true, timeout: 5d}
---
sequence: asks
purpose: news
enroll: by hand
steps: [{id: how, survey: {use: ask, timeout: 1d}}]
`)
	start := time.Date(2026, 10, 23, 9, 0, 0, 0, time.UTC)
	events := []crm.Event{
		{
			ExternalID: "1", Source: crm.SourceRapport, Type: "survey.answered", Time: start.Add(time.Hour),
			Data: map[string]any{"survey": "ask", "sequence": "asks", "step": "how", "nps": 9},
		},
		{
			ExternalID: "2", Source: crm.SourceRapport, Type: "task.completed", Time: start.Add(2 * time.Hour),
			Data: map[string]any{"sequence": "promoters", "step": "ring", "task": "tsk_real"},
		},
		{ExternalID: "3", Source: crm.SourceRapport, Type: "candidate.updated", Time: start.Add(3 * time.Hour)},
	}
	part := play.Recorded(crm.Candidate{ID: "cnd_1", CreatedAt: start}, nil, events, start)
	if len(part.Script) != 2 {
		t.Fatalf("the script is %+v", part.Script)
	}
	for name, want := range map[string]int{"promoters": 1, "asks": 0} {
		timeline, err := play.On(set, name).Play(t.Context(), part)
		if err != nil {
			t.Fatal(err)
		}
		if len(timeline.Runs) != want {
			t.Errorf("%s: %d runs, want %d", name, len(timeline.Runs), want)
		}
		for _, run := range timeline.Runs {
			if !run.ClosedAt.Equal(start.Add(2*time.Hour)) || run.Outcome != crm.OutcomeCompleted {
				t.Errorf("%s ended %q at %s", name, run.Outcome, run.ClosedAt)
			}
		}
	}
}
