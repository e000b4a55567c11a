package play_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/worker/play"
)

const keeping = `
workspace: w
calendar: {days: mon-fri, hours: "09:00-17:30", zone: Europe/Berlin}
purposes: {jobs: {basis: consent}}
from: {email: "Careers <careers@trust.example>", address: "1 Way"}
---
message: stay
channel: email
subject: "Stay until {{ retention.due | date: '%d' }}?"
body: "[Yes]({{ links.consent }})"
---
retention: told
basis: x
daily: {at: "03:00", zone: Europe/Berlin}
applies_to: candidate.country == "DE"
keep: {for: 6mo, after: candidate.last_activity_at}
notice: {before: 30d, email: stay, extend: 12mo, on: [consent.granted, message.clicked]}
then: erase
---
retention: least
basis: x
daily: {at: "05:00", zone: Europe/Berlin}
applies_to: candidate.country == "DE"
keep: {at_least: 1y, after: candidate.created_at}
---
test: t
of: told
start: 2026-01-15T10:00
`

// TestKeepingTests tells tests of retention policies that pass from those that must fail.
func TestKeepingTests(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		test    string
		passes  bool
		problem string // in what is wrong, or why it could not be played
	}{
		"silence":          {test: "expect: [{email: stay, at: 2026-06-15T03:00}, {outcome: erased, at: 2026-07-16T03:00}]", passes: true},
		"a wrong time":     {test: "expect: [{email: stay, at: 2026-06-15T03:00}, {outcome: erased, at: 2026-07-15T03:00}]"},
		"a wrong end":      {test: "expect: [{email: stay}, {outcome: kept}]"},
		"a missing notice": {test: "expect: [{outcome: erased}]"},
		"activity": {
			test: `
script: [{at: 2026-05-01T12:00, on: page.viewed, data: {path: /jobs}}]
expect: [{email: stay, at: 2026-10-02T03:00}, {outcome: erased, at: 2026-11-02T03:00}]`,
			passes: true,
		},
		"a click on the notice": {
			test: `
script: [{at: 2026-07-01T12:00, on: message.clicked}]
until: 2027-01-01
expect: [{email: stay}, {outcome: kept, reason: extended, until: 2027-07-01T12:00}]`,
			passes: true,
		},
		"kept until another day": {
			test: `
script: [{at: 2026-07-01T12:00, on: message.clicked}]
until: 2027-01-01
expect: [{email: stay}, {outcome: kept, until: 2027-07-02T12:00}]`,
		},
		"a complaint and the address is gone": {
			test: `
script: [{at: 2026-06-20T12:00, on: message.complained}, {at: 2026-07-01T12:00, on: page.viewed}]
expect: [{email: stay}, {skipped: stay, reason: suppressed, at: 2026-12-02T03:00}, {outcome: erased, at: 2027-01-02T03:00}]`,
			passes: true,
		},
		"a minimum beside it": {
			test:   "beside: least\nexpect: [{email: stay, at: 2026-12-16T03:00}, {outcome: erased, at: 2027-01-16T03:00}]",
			passes: true,
		},
		"a condition without a value": {test: "candidate: {locale: de}\nuntil: 2026-06-01\nexpect: [{outcome: kept}]", problem: "candidate.country is not known"},
		"a click on nothing":          {test: "script: [{on: message.clicked}]\nexpect: []", problem: "no notice was sent yet"},
		"what never begins":           {test: "candidate: {country: DE}\nuntil: 2026-12-01\nexpect: [{outcome: kept, reason: unclear}]", passes: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := keeping + c.test + "\n"
			if !strings.Contains(c.test, "candidate:") {
				text += "candidate: {country: DE, last_activity_at: 2026-01-15T10:00}\n"
			}
			set, problems := dsl.Check([]dsl.File{{Path: "t.yaml", Text: []byte(text)}}, nil)
			if set == nil {
				t.Fatal(problems)
			}
			trial := play.On(set, "told").Try(t.Context(), set.Tests[0])
			said := strings.Join(trial.Problems, "; ")
			if trial.Err != nil {
				said += trial.Err.Error()
			}
			if trial.Passed != c.passes || !strings.Contains(said, c.problem) || c.problem == "" && said != "" {
				t.Errorf("passed: %v, %s", trial.Passed, said)
				for _, r := range trial.Rows {
					t.Logf("wanted %+v, got %+v", r.Want, r.Got)
				}
			}
		})
	}
}

// TestRetentionLibrary plays the tests of the library.
func TestRetentionLibrary(t *testing.T) {
	t.Parallel()
	var files []dsl.File
	for _, pattern := range []string{"../../examples/workspace.yaml", "../../examples/retention/*.yaml"} {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, dsl.File{Path: path, Text: text})
		}
	}
	set, problems := dsl.Check(files, nil)
	if set == nil || len(set.Tests) < 30 {
		t.Fatal(problems)
	}
	for _, test := range set.Tests {
		if trial := play.On(set, test.Of).Try(t.Context(), test); !trial.Passed {
			t.Errorf("%s: %s: %v %v\n%s", test.Of, test.Name, trial.Err, trial.Problems, listing(trial.Rows))
		}
	}
}
