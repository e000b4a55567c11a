package dsl_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
)

const testYAML = `
test: all that a test can say
of: other
start: 2026-10-23T10:00
until: 2027-01-01
candidate: {first_name: Sarah, time_zone: Europe/London, score: 5, consents: {talent-community: true, sourced: [sms]}}
arms: {}
script:
  - {enroll: hand}
  - {after: 2d, on: message.replied, step: first, data: {url: 7}}
  - {at: 2026-10-27T09:00:00Z, set: {attributes.band: 5, phone: none}}
expect:
  - {email: hello, at: 2026-10-23T10:00, within: 30m}
`

func TestTestDocument(t *testing.T) {
	t.Parallel()
	set, problems := dsl.Check([]dsl.File{{Path: "t.yaml", Text: []byte(testYAML)}}, baseDocuments(t))
	if set == nil || len(set.Tests) != 1 {
		t.Fatalf("problems:\n%s", listing(problems))
	}
	got := set.Tests[0]
	start := time.Date(2026, 10, 23, 9, 0, 0, 0, time.UTC)
	if !got.Start.Equal(start) || !got.Until.Equal(time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("from %s until %s", got.Start, got.Until)
	}
	if c := &got.Candidate; c.Email == "" || c.Phone != "" || !c.CreatedAt.Equal(start) || c.Score != 5 || !c.ScoredAt.Equal(start) {
		t.Errorf("candidate %+v", got.Candidate)
	}
	consents := []crm.Consent{
		{Purpose: "talent-community", Channel: crm.Email, Granted: true, Source: "test", At: start},
		{Purpose: "sourced", Channel: crm.SMS, Granted: true, Source: "test", At: start},
	}
	if diff := cmp.Diff(consents, got.Consents); diff != "" {
		t.Errorf("consents (-want +got):\n%s", diff)
	}
	moment, err := dsl.ParseMoment("2026-10-27T09:00:00Z")
	if err != nil {
		t.Fatal(err)
	}
	script := []dsl.Happening{
		{Line: 9, Source: "test", Enroll: "other"},
		{Line: 10, Source: "test", After: dsl.Duration{Days: 2}, Event: "message.replied", Step: "first", Data: map[string]any{"url": "7"}},
		{Line: 11, Source: "test", At: moment, Set: map[string]any{"attributes.band": int64(5), "phone": ""}},
	}
	if diff := cmp.Diff(script, got.Script, cmp.AllowUnexported(dsl.Moment{})); diff != "" {
		t.Errorf("script (-want +got):\n%s", diff)
	}
}

func TestTestsAreNotPublished(t *testing.T) {
	t.Parallel()
	if set, _ := dsl.Check([]dsl.File{{Path: "t.yaml", Text: []byte(testYAML)}}, nil); set != nil {
		t.Fatal("a test of a sequence that is not there was accepted")
	}
	set, problems := dsl.Check([]dsl.File{{Path: "t.yaml", Text: []byte(testYAML)}}, baseDocuments(t))
	if set == nil {
		t.Fatalf("problems:\n%s", listing(problems))
	}
	if len(set.Documents) != 0 || len(set.All) != len(baseDocuments(t)) {
		t.Errorf("%d documents from the file, %d in force", len(set.Documents), len(set.All))
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	loop := dsl.Program{Loop: &dsl.Interview{}, Code: []dsl.Instr{{ID: "screen.remind_1"}}}
	for name, test := range map[string]struct {
		in      dsl.Instr
		message string
		program dsl.Program
		want    []string
	}{
		"a message that was planned": {in: dsl.Instr{ID: "hi", Op: dsl.OpSend, Send: &dsl.Send{Use: []string{"a", "b"}}}, message: "b", want: []string{"b"}},
		"one that was not":           {in: dsl.Instr{ID: "hi", Op: dsl.OpSend, Send: &dsl.Send{Use: []string{"a", "b"}}}, message: "", want: []string{"a", "b", "hi"}},
		"one in the step":            {in: dsl.Instr{ID: "hi", Op: dsl.OpSend, Send: &dsl.Send{}}, message: "", want: []string{"hi"}},
		"a sequence":                 {in: dsl.Instr{ID: "go", Op: dsl.OpEnroll, Sequence: "other"}, message: "", want: []string{"go", "other"}},
		"of an interview":            {in: dsl.Instr{ID: "screen.give_up", Op: dsl.OpTask}, program: loop, want: []string{"give_up", "screen.give_up"}},
		"its survey": {
			in: dsl.Instr{ID: "screen.survey", Op: dsl.OpSurvey, Survey: &dsl.Ask{Use: "how"}}, program: loop, want: []string{"how", "survey", "screen.survey"},
		},
		"its reminder": {
			in:      dsl.Instr{ID: "screen.before_1", Op: dsl.OpMeet, Meet: &dsl.Meet{Before: &dsl.Reminder{Notes: dsl.Notes{SMS: "soon"}}}},
			program: loop, want: []string{"soon", "remind_1", "screen.remind_1"},
		},
		"a task": {in: dsl.Instr{ID: "ring", Op: dsl.OpTask}, message: "", want: []string{"ring"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, test.program.Names(&test.in, test.message)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
