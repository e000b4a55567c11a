package dsl_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
)

// conditionIn compiles a condition in the place that a sequence gives it: on events, it is an exit's; else an if's after the
// step a.
func conditionIn(tb testing.TB, expr, on string) *dsl.Condition {
	tb.Helper()
	quoted := "'" + strings.ReplaceAll(expr, "'", "''") + "'"
	text := "sequence: s\npurpose: talent-community\nenroll: {on: application.rejected}\n"
	if on != "" {
		text += "exit: {on: " + on + ", when: " + quoted + ", outcome: x}\nsteps:\n  - id: a\n    email: hello\n"
	} else {
		text += "steps:\n  - id: a\n    email: hello\n  - update: {tag: [x]}\n    if: " + quoted + "\n"
	}
	text += "---\npool: north\nmembers: by hand\n---\npool: south\nmembers: by hand\n---\npool: y\nmembers: by hand\n"
	set, problems := dsl.Check([]dsl.File{{Path: "s.yaml", Text: []byte(text)}}, baseDocuments(tb))
	if set == nil {
		tb.Fatalf("%s: %s", expr, listing(problems))
	}
	if on != "" {
		return set.Programs["s"].Exits[0].When
	}
	return set.Programs["s"].Code[1].If
}

// knownFacts are facts in which everything is known.
func knownFacts() *crm.Facts {
	at := time.Date(2026, 10, 1, 9, 0, 0, 0, time.UTC)
	return &crm.Facts{
		Candidate: crm.Candidate{
			ID: "cnd_1", FirstName: "Sarah", LastName: "Jones", Email: "sarah@example.org", Phone: "+447700900123",
			Country: "GB", Region: "North West", City: "Leeds", TimeZone: "Europe/London", Locale: "en-GB", Status: "lead",
			Source: "referral", Owner: "maya@trust.example", Seniority: "senior", Functions: []string{"nursing"},
			Skills: []string{"theatre", "icu"}, Tags: []string{"alumni"}, Score: 42, LegalHold: true,
			Attributes: map[string]any{"level": float64(3), "grade": "5", "nested": map[string]any{"x": true}},
			CreatedAt:  at.AddDate(0, -2, 0), LastActivityAt: at, LastContactedAt: at, LastDecisionAt: at,
		},
		Consents: []crm.Consent{{Purpose: "talent-community", Channel: crm.SMS, Granted: true}},
		Applications: []crm.Application{
			{ID: "apl_1", ExternalID: "A-1", Status: crm.ApplicationRejected, Role: "Nurse", ClosedAt: at},
			{ID: "apl_2", ExternalID: "A-2", Status: crm.ApplicationOpen, Role: "Midwife", AppliedAt: at},
		},
		Enrolled: []string{"other"},
		Pools:    []string{"north"},
		Enrollment: crm.Enrollment{
			ID: "enr_1", Definition: "s", Version: 3, StartedAt: at,
			Event: &crm.Event{Type: "application.rejected", Time: at, Data: map[string]any{"reason": "silver_medallist"}},
			Progress: crm.Progress{Steps: map[string]crm.StepState{
				"a": {Outcome: "sent", At: at, MessageID: "msg_1", Occurrence: 1},
			}},
		},
		Messages: []crm.Message{
			{ID: "msg_1", Step: "a", State: crm.MessageAccepted, ClickedAt: at},
			{ID: "msg_2", State: crm.MessageSkipped},
			{ID: "msg_3", State: crm.MessagePlanned},
		},
	}
}

func testEnv(facts *crm.Facts) *dsl.Env {
	return &dsl.Env{
		Now: time.Date(2026, 10, 23, 10, 0, 0, 0, time.UTC), Facts: facts,
		Workspace: &dsl.Workspace{Purposes: map[string]dsl.Purpose{
			"talent-community": {Basis: crm.BasisConsent},
			"sourced":          {Basis: crm.BasisLegitimateInterest, Expires: dsl.Duration{Days: 30}},
		}},
	}
}

func TestConditionOnKnownFacts(t *testing.T) {
	t.Parallel()
	for expr, want := range map[string]bool{
		`candidate.first_name == "Sarah"`:                                                    true,
		`candidate.first_name.lowerAscii().startsWith("sa")`:                                 true,
		`candidate.email.endsWith("@example.org") && candidate.city in ["Leeds", "York"]`:    true,
		`has(candidate.phone) && candidate.phone.startsWith("+44")`:                          true,
		`"nursing" in candidate.functions`:                                                   true,
		`candidate.skills.exists(s, s.matches("^the.*re$"))`:                                 true,
		`candidate.skills.all(s, size(s) > 3)`:                                               false,
		`candidate.skills.exists_one(s, s == "icu")`:                                         true,
		`candidate.tags == ["alumni"]`:                                                       true,
		`candidate.score >= 42 && candidate.score < 43`:                                      true,
		`candidate.legal_hold`:                                                               true,
		`candidate.created_at < now - days(30)`:                                              true,
		`days_since(candidate.last_activity_at) == 22`:                                       true,
		`days_since(candidate.last_decision_at) > 22`:                                        false,
		`candidate.attributes.grade == "5"`:                                                  true,
		`int(candidate.attributes.level) == 3`:                                               true,
		`candidate.attributes.nested.x == true`:                                              true,
		`"level" in candidate.attributes && has(candidate.attributes.grade)`:                 true,
		`size(candidate.applications) == 2`:                                                  true,
		`candidate.open_applications.exists(a, a.role == "Midwife" && has(a.applied_at))`:    true,
		`candidate.applications.all(a, has(a.closed_at))`:                                    false,
		`consented("talent-community")`:                                                      true,
		`consented("sourced")`:                                                               false, // created more than 30 days ago
		`enrolled("other")`:                                                                  true,
		`in_pool("north") && !in_pool("south")`:                                              true,
		`enrollment.sends == 2 && enrollment.sequence == "s" && enrollment.version == 3`:     true,
		`enrollment.event.data.reason == "silver_medallist"`:                                 true,
		`enrollment.event.type == "application.rejected"`:                                    true,
		`enrollment.started_at < now`:                                                        true,
		`steps.a.outcome == "sent" && steps.a.clicked && !steps.a.opened`:                    true,
		`has(steps.a.at) && steps.a.at < now && !has(steps.a.result)`:                        true,
		`date("2026-10-23") == timestamp("2026-10-22T23:00:00Z")`:                            true, // British Summer Time
		`date("2026-12-01T10:00:00Z") > now && date(candidate.created_at) < now`:             true,
		`candidate == candidate`:                                                             true,
		`candidate.status != "hired" || 1 / (candidate.score - 42) > 0`:                      true,
		`candidate.status == "lead" ? true : false`:                                          true,
		`candidate.first_name.replace("a", "o") == "Soroh"`:                                  true,
		`[1, 2].exists(x, x == 2) && {"a": 1}.exists(k, k == "a") && "a b".split(" ") != []`: true,
	} {
		t.Run(expr, func(t *testing.T) {
			t.Parallel()
			res := conditionIn(t, expr, "").Eval(testEnv(knownFacts()))
			if res.Problem != "" || res.Value != want {
				t.Errorf("got %+v, want %v", res, want)
			}
		})
	}
}

func TestConditionOnUnknownFacts(t *testing.T) {
	t.Parallel()
	for expr, want := range map[string]dsl.Result{
		`has(candidate.phone)`:                                     {},
		`!has(candidate.phone)`:                                    {Value: true},
		`candidate.phone == "x"`:                                   {Problem: "candidate.phone is not known"},
		`has(candidate.phone) && candidate.phone == "x"`:           {},
		`candidate.phone == "x" || candidate.score == 0`:           {Value: true},
		`candidate.last_activity_at < now`:                         {Problem: "candidate.last_activity_at is not known"},
		`has(candidate.last_contacted_at)`:                         {},
		`candidate.status == "hired"`:                              {Problem: "candidate.status is not known"},
		`"nursing" in candidate.functions`:                         {},
		`candidate.tags.all(t, t == "x")`:                          {Value: true},
		`candidate.score == 0`:                                     {Value: true},
		`candidate.attributes.level == 3`:                          {Problem: "a key is not there"},
		`has(candidate.attributes.level)`:                          {},
		`candidate.open_applications.exists(a, a.role == "x")`:     {},
		`steps.a.clicked`:                                          {Problem: "steps.a is not known"},
		`has(steps.a) && steps.a.clicked`:                          {},
		`enrollment.event.data.reason == "x"`:                      {Problem: "enrollment.event is not known"},
		`has(enrollment.event)`:                                    {},
		`consented("talent-community")`:                            {},
		`1 / candidate.score == 1`:                                 {Problem: "it divides by zero"},
		`int(candidate.attributes.level) == 3`:                     {Problem: "a key is not there"},
		`date("soon") < now`:                                       {Problem: "a value cannot be converted"},
		`candidate.skills[0] == "x"`:                               {Problem: "a list is too short"},
		`now - days(9999999) < now`:                                {Problem: "a number is too large"},
		`candidate.attributes.exists(k, k == "x") || in_pool("y")`: {},
	} {
		t.Run(expr, func(t *testing.T) {
			t.Parallel()
			res := conditionIn(t, expr, "").Eval(testEnv(&crm.Facts{}))
			if res != want {
				t.Errorf("got %+v, want %+v", res, want)
			}
		})
	}
}

func TestConditionOnEvents(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		on, expr string
		data     map[string]any
		want     dsl.Result
	}{
		"text":                    {"message.clicked", `event.data.url.contains("theatre")`, map[string]any{"url": "https://a.example/theatre"}, dsl.Result{Value: true}},
		"absent text":             {"message.clicked", `event.data.url == "x"`, nil, dsl.Result{Problem: "event.data.url is not known"}},
		"whole number from JSON":  {"page.viewed", `event.data.seconds > 30`, map[string]any{"seconds": float64(31)}, dsl.Result{Value: true}},
		"text instead of number":  {"page.viewed", `event.data.seconds > 30`, map[string]any{"seconds": "many"}, dsl.Result{Problem: "event.data.seconds is not known"}},
		"bool":                    {"message.bounced", `event.data.hard`, map[string]any{"hard": true}, dsl.Result{Value: true}},
		"time":                    {"interview.booked", `event.data.starts_at > now`, map[string]any{"starts_at": at.Format(time.RFC3339)}, dsl.Result{Value: true}},
		"list":                    {"candidate.updated", `"status" in event.data.changed`, map[string]any{"changed": []any{"status", 3}}, dsl.Result{Value: true}},
		"map":                     {"survey.answered", `event.data.answers.clear == "yes"`, map[string]any{"answers": map[string]any{"clear": "yes"}}, dsl.Result{Value: true}},
		"union of types":          {"[message.clicked, page.viewed]", `has(event.data.path) && event.data.url == "x"`, map[string]any{"url": "x", "path": "/"}, dsl.Result{Value: true}},
		"custom data is free":     {"custom.open_evening", `event.data.guests == 2 && event.data.where.city == "Leeds"`, map[string]any{"guests": 2.0, "where": map[string]any{"city": "Leeds"}}, dsl.Result{Value: true}},
		"custom data without any": {"custom.open_evening", `event.data.guests == 2`, nil, dsl.Result{Problem: "a key is not there"}},
		"the event itself":        {"page.viewed", `event.source == "site" && event.time <= now && has(event.id)`, nil, dsl.Result{Value: true}},
		"application by name":     {"application.hired", `application.role == "Midwife" && application.id == "A-2"`, nil, dsl.Result{Value: true}},
		"against the facts":       {"page.viewed", `event.data.path == candidate.city`, map[string]any{"path": "Leeds"}, dsl.Result{Value: true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := testEnv(knownFacts())
			env.Event = &crm.Event{ID: "evt_1", Source: "site", Type: strings.Trim(c.on, "[]"), Time: env.Now, Data: c.data}
			env.Application = &env.Facts.Applications[1]
			if res := conditionIn(t, c.expr, c.on).Eval(env); res != c.want {
				t.Errorf("got %+v, want %+v", res, c.want)
			}
		})
	}
}

func TestConditionWithoutWhatItNeeds(t *testing.T) {
	t.Parallel()
	event := conditionIn(t, `event.data.url == "x"`, "message.clicked")
	for name, env := range map[string]*dsl.Env{"nothing": nil, "no facts": {}, "no event": testEnv(knownFacts())} {
		if res := event.Eval(env); res.Value || res.Problem == "" {
			t.Errorf("%s: got %+v", name, res)
		}
	}
	for _, expr := range []string{`consented("sourced")`, `enrolled("other")`, `candidate.score > 1`, `steps.a.clicked`, `enrollment.sends > 1`, `date("2026-01-01") < now`} {
		if res := conditionIn(t, expr, "").Eval(&dsl.Env{}); res.Value || res.Problem == "" {
			t.Errorf("%s: got %+v", expr, res)
		}
	}
	if res := (*dsl.Condition)(nil).Eval(&dsl.Env{}); res.Problem == "" {
		t.Error("a condition that is not there gave an answer")
	}
}

func TestConditionSaysWhatItReads(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		expr          string
		reads, steps  []string
		events        string // one of them
		dependsOnTime bool
	}{
		"fields":       {`candidate.score > 3 && has(candidate.phone) || candidate.score < 1`, []string{"phone", "score"}, []string{}, "", true},
		"time":         {`candidate.created_at < now - days(3)`, []string{"created_at"}, []string{}, "", true},
		"days since":   {`days_since(candidate.created_at) > 3`, []string{"created_at"}, []string{}, "", true},
		"consent":      {`consented("sourced")`, []string{}, []string{}, "consent.granted", false},
		"applications": {`size(candidate.open_applications) == 0`, []string{"open_applications"}, []string{}, "application.submitted", false},
		"steps":        {`steps.a.clicked`, []string{}, []string{"a"}, "message.clicked", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := conditionIn(t, c.expr, "")
			if diff := cmp.Diff([]any{c.reads, c.steps, c.dependsOnTime}, []any{got.Reads, got.Steps, got.UsesNow}); diff != "" {
				t.Error(diff)
			}
			if c.events != "" && !strings.Contains(strings.Join(got.Events, " "), c.events) {
				t.Errorf("%v lacks %s", got.Events, c.events)
			}
		})
	}
}

func TestConditionCostIsLimited(t *testing.T) {
	t.Parallel()
	facts := knownFacts()
	for range 200 {
		facts.Candidate.Skills = append(facts.Candidate.Skills, "another")
	}
	expr := `candidate.skills.all(a, candidate.skills.all(b, a != b || b == a))`
	res := conditionIn(t, expr, "").Eval(testEnv(facts))
	if res.Problem != "it takes too long" {
		t.Errorf("got %+v", res)
	}
}

func TestConditionIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	c := conditionIn(t, `candidate.skills.exists(s, s == "icu") && consented("talent-community")`, "")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			env := testEnv(knownFacts())
			for range 200 {
				if res := c.Eval(env); !res.Value {
					t.Errorf("got %+v", res)
					return
				}
			}
		})
	}
	wg.Wait()
}

func BenchmarkConditionEval(b *testing.B) {
	for name, expr := range map[string]string{
		"field":   `candidate.status == "lead"`,
		"typical": `candidate.status != "hired" && "nursing" in candidate.functions && has(candidate.phone) && candidate.score > 10`,
		"steps":   `steps.a.clicked && enrollment.event.data.reason == "silver_medallist"`,
		"loop":    `candidate.skills.exists(s, s == "icu")`,
		"consent": `consented("talent-community")`,
	} {
		b.Run(name, func(b *testing.B) {
			c, env := conditionIn(b, expr, ""), testEnv(knownFacts())
			b.ReportAllocs()
			for b.Loop() {
				if res := c.Eval(env); !res.Value {
					b.Fatal(res)
				}
			}
		})
	}
}
