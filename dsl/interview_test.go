package dsl_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
)

// checked checks a file of the golden tests that has no error, and returns the set.
func checked(tb testing.TB, path string) *dsl.Set {
	tb.Helper()
	set, problems := dsl.Check([]dsl.File{{Path: path, Text: readFile(tb, path)}}, baseDocuments(tb))
	if set == nil {
		tb.Fatal(listing(problems))
	}
	return set
}

func TestInterviewIsCompiled(t *testing.T) {
	t.Parallel()
	got := checked(t, "testdata/check/interview-ok/input.yaml").Interviews["onsite"]
	want := &dsl.Interview{
		Name: "onsite", Purpose: "transactional",
		Enroll: []*dsl.Rule{{Match: dsl.Match{On: []string{"application.stage_changed"}, When: got.Enroll[0].When}}},
		Exits:  []*dsl.Match{{When: got.Exits[0].When, Outcome: "closed"}},
		Rounds: []dsl.Round{
			{
				ID: "screen", Duration: 30 * time.Minute, Interviewers: []dsl.Seat{{Group: "recruiters"}},
				Offer: dsl.Offer{Slots: 3, Within: dsl.Duration{BusinessDays: 5}},
			},
			{
				ID: "panel", Duration: time.Hour, If: got.Rounds[1].If, Medium: "phone", Place: "+44 20 7946 0000, code 4711",
				Interviewers: []dsl.Seat{{HiringManager: true}, {Any: 2, Group: "leads"}, {Group: "everybody"}},
				Offer: dsl.Offer{
					Slots: 3, Within: dsl.Duration{BusinessDays: 5}, Notice: dsl.Duration{BusinessDays: 1}, Open: 9 * 60, Close: 17 * 60,
					Buffer: 10 * time.Minute,
				},
			},
		},
		Invite:    dsl.Notes{Email: "pick-a-time"},
		Nudges:    []dsl.Nudge{{After: dsl.Duration{Days: 1}, Notes: dsl.Notes{SMS: "pick-sms"}}},
		Reminders: []dsl.Reminder{{Before: dsl.Duration{Days: 1}, Notes: dsl.Notes{Email: "tomorrow"}}},
		NoShow:    &dsl.NoShow{After: 15 * time.Minute, Task: got.NoShow.Task},
		Survey:    &dsl.LoopSurvey{After: dsl.Duration{Exact: 2 * time.Hour}, Use: "after", By: crm.SMS},
	}
	same := cmp.Comparer(func(a, b *dsl.Condition) bool { return a == b })
	text := cmp.Options{cmp.Comparer(func(a, b *dsl.Text) bool { return a == b }), cmpopts.IgnoreUnexported(dsl.Moment{})}
	if diff := cmp.Diff(want, got, same, text, cmpopts.IgnoreFields(dsl.Interview{}, "Hash", "Program")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"screen"}, got.Rounds[1].If.Rounds); diff != "" {
		t.Error(diff)
	}
}

// TestRoundsInConditions holds a round's condition against what its predecessor gave. A missing scorecard is never a yes.
func TestRoundsInConditions(t *testing.T) {
	t.Parallel()
	when := checked(t, "testdata/check/interview-ok/input.yaml").Interviews["onsite"].Rounds[1].If
	yes := crm.Scorecard{Interviewer: "ada@trust.example", Rating: 4, Recommend: "yes"}
	cases := map[string]struct {
		rounds map[string]*crm.Round
		want   dsl.Result
	}{
		"all are in":          {map[string]*crm.Round{"screen": {Outcome: "completed", Scorecards: []crm.Scorecard{yes}}}, dsl.Result{Value: true}},
		"nobody says yes":     {map[string]*crm.Round{"screen": {Outcome: "completed", Scorecards: []crm.Scorecard{{Interviewer: "x", Recommend: "no"}}}}, dsl.Result{}},
		"one is missing":      {map[string]*crm.Round{"screen": {Outcome: "completed", Scorecards: []crm.Scorecard{yes}, Missing: 1}}, dsl.Result{Problem: "round.scorecards is not known"}},
		"none was asked for":  {map[string]*crm.Round{"screen": {Outcome: "completed"}}, dsl.Result{Problem: "round.scorecards is not known"}},
		"it was cancelled":    {map[string]*crm.Round{"screen": {Outcome: "cancelled"}}, dsl.Result{}},
		"it has not been":     {nil, dsl.Result{Problem: "rounds.screen is not known"}},
		"no recommendation":   {map[string]*crm.Round{"screen": {Outcome: "completed", Scorecards: []crm.Scorecard{{Interviewer: "x", Rating: 1}}}}, dsl.Result{Problem: "scorecard.recommend is not known"}},
		"the outcome is open": {map[string]*crm.Round{"screen": {Scorecards: []crm.Scorecard{yes}}}, dsl.Result{Problem: "round.outcome is not known"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := when.Eval(&dsl.Env{Facts: &crm.Facts{}, Rounds: c.rounds})
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRetentionIsCompiled(t *testing.T) {
	t.Parallel()
	got := checked(t, "testdata/check/retention-ok/input.yaml").Retentions["r"]
	want := &dsl.Retention{
		Name: "r", Basis: "GDPR Art. 5(1)(e)", At: 3 * 60, Zone: "Europe/Berlin", AppliesTo: got.AppliesTo, After: got.After,
		For: dsl.Duration{Months: 6}, Then: crm.RetentionErase, MaxShare: 0.005,
		Notice: &dsl.Notice{
			Before: dsl.Duration{Days: 30}, Email: "stay", Extend: dsl.Duration{Months: 12}, On: []string{"consent.granted", "message.clicked"},
		},
	}
	same := cmp.Comparer(func(a, b *dsl.Condition) bool { return a == b })
	if diff := cmp.Diff(want, got, same, cmpopts.IgnoreFields(dsl.Retention{}, "Hash")); diff != "" {
		t.Error(diff)
	}
	at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	env := &dsl.Env{Now: at, Facts: &crm.Facts{Candidate: crm.Candidate{Country: "DE", Attributes: map[string]any{"left_on": "2026-03-01"}}}}
	if moment, problem := got.After.Moment(env); !moment.Equal(at.Add(-time.Hour)) || problem != "" {
		t.Errorf("it counts from %v, %s", moment, problem) // midnight in Berlin, which is Germany's only zone
	}
	if res := got.AppliesTo.Eval(env); !res.Value {
		t.Errorf("it does not apply: %+v", res)
	}
}

// TestStoredKindsLoad makes sure that what was published can be loaded again, with nothing else there.
func TestStoredKindsLoad(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"testdata/check/interview-ok/input.yaml", "testdata/check/retention-ok/input.yaml"} {
		set := checked(t, path)
		for _, d := range set.Documents {
			loaded, err := dsl.Load([]dsl.Document{d})
			if err != nil {
				t.Error(err)
			}
			if n := len(loaded.Interviews) + len(loaded.Retentions) + len(loaded.Templates) + len(loaded.Surveys); n != 1 {
				t.Errorf("%s %s: %d loaded", d.Kind, d.Name, n)
			}
		}
	}
}
