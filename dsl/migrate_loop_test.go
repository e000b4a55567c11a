package dsl_test

import (
	"strings"
	"testing"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
)

// TestLandInterview holds where a run of an interview stands in another version.
func TestLandInterview(t *testing.T) {
	t.Parallel()
	const text = `
workspace: w
from: {email: "N <n@north.example>", address: "1 Way, Leeds"}
---
interview: talks
purpose: transactional
enroll: by hand
rounds:
  - id: screen
    duration: 30m
    interviewers: leads
    offer: {slots: 3, within: 5d}
invite: {email: pick}
nudge: [{after: 1d, email: pick}, {after: 2d, email: pick}]
give_up: {after: 7d, task: Call}
remind: [{before: 24h, email: pick}, {before: 1h, email: pick}]
---
message: pick
channel: email
subject: Pick
body: "Pick."
---
sequence: talk-about-it
purpose: transactional
per: application
enroll: by hand
steps:
  - id: hello
    email: pick
`
	program := func(name string, changes ...string) *dsl.Program {
		set, problems := dsl.Check([]dsl.File{{Path: "t.yaml", Text: []byte(strings.NewReplacer(changes...).Replace(text))}}, nil)
		if set == nil {
			t.Fatal(problems)
		}
		return set.Programs[name]
	}
	from := program("talks")
	fewer := program("talks", "nudge: [{after: 1d, email: pick}, {after: 2d, email: pick}]", "", "remind: [{before: 24h, email: pick}, {before: 1h, email: pick}]", "")
	cases := map[string]struct {
		to       *dsl.Program
		at, want string
		kind     crm.LandingKind
	}{
		"shorter":               {program("talks", "30m", "45m"), "screen.answer_2", "screen.answer_2", crm.LandStays},
		"a nudge less":          {fewer, "screen.answer_3", "screen.answer_1", crm.LandMoves},
		"no reminder left":      {fewer, "screen.before_2", "screen.held", crm.LandMoves},
		"being booked":          {fewer, "screen.book", "screen.book", crm.LandStays},
		"another round":         {program("talks", "id: screen", "id: panel"), "screen.answer_1", "", crm.LandRefused},
		"a nudge about to go":   {fewer, "screen.nudge_1", "", crm.LandRefused},
		"a sequence by now":     {program("talk-about-it"), "screen.book", "", crm.LandRefused},
		"not begun":             {fewer, "", "", crm.LandStays},
		"nothing left to do":    {fewer, dsl.EndID, "", crm.LandEnds},
		"nowhere that is known": {fewer, "screen.tea", "", crm.LandRefused},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			progress, landing := dsl.Land(from, c.to, crm.Progress{At: c.at})
			if landing.Kind != c.kind || landing.To != c.want {
				t.Errorf("%+v", landing)
			}
			if at := progress.At; landing.Kind == crm.LandRefused && at != c.at || landing.To != "" && at != landing.To {
				t.Errorf("it stands at %q", at)
			}
		})
	}
}
