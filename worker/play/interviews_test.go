package play_test

import (
	"os"
	"strings"
	"testing"

	"github.com/rapport-crm/rapport/worker/play"
)

// talks are the definitions and tests of testdata/interviews.yaml.
func talks(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("testdata/interviews.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

const talk = `
---
test: what cannot be
of: talks
start: 2026-10-05T09:50
candidate: {time_zone: Europe/London}
applications: [{id: A-1, hiring_manager: omar}]
interviewers:
  maya: {groups: recruiters}
  omar: {days: fri}
script:
  - {on: application.stage_changed, data: {application: A-1}}
`

// What people do about an interview must be possible then, as on their pages.
func TestImpossibleDeeds(t *testing.T) {
	t.Parallel()
	const booked = "  - {pick: 2026-10-06T12:00}\n"
	for name, test := range map[string]struct{ script, why string }{
		"a time that is not offered":       {"  - {pick: 2026-10-07T10:00}\n", "That time is not offered; these are: 2026-10-05T10:00, 2026-10-06T12:00"},
		"a time that is past":              {"  - {after: 30m, pick: 2026-10-05T10:00}\n", "That time is not offered; these are: 2026-10-06T12:00"},
		"too many changes":                 {booked + "  - {pick: first}\n" + booked, "The time was changed as often as it can be"},
		"an answer of who is not asked":    {booked + "  - {decline: omar}\n", "omar holds no interview"},
		"an absence before the beginning":  {booked + "  - {no_show: maya}\n", "The candidate may still come"},
		"a scorecard before the beginning": {booked + "  - {scorecard: {by: maya, rating: 3}}\n", "The interview has not begun"},
		"a wish when a time is agreed":     {booked + "  - {ask: times}\n", "There is nothing to pick from at the moment"},
		"a cancellation after it":          {booked + "  - {after: 2d, cancel: no}\n", "It is too late to cancel"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set := load(t, talks(t)+talk+test.script+"expect: []\n")
			last := set.Tests[len(set.Tests)-1]
			trial := play.On(set, last.Of).Try(t.Context(), last)
			if trial.Err == nil || !strings.Contains(trial.Err.Error(), test.why) {
				t.Errorf("error %v, want %s\n%s", trial.Err, test.why, listing(trial.Rows))
			}
		})
	}
}

// A test that expects an interview with others, at another time, or mail to others fails.
func TestInterviewExpectations(t *testing.T) {
	t.Parallel()
	const rest = "  - {invitation: candidate}\n  - {invitation: maya}\n  - {task: cancelled}\n  - {cancellation: candidate}\n  - {cancellation: maya}\n  - {outcome: cancelled}\n"
	const script = "  - {after: 1h, pick: first}\n  - {cancel: no}\nexpect:\n  - {email: pick-one}\n"
	for name, test := range map[string]struct {
		expect string
		passed bool
	}{
		"as it is":      {"  - {booked: talk, starts: 2026-10-06T12:00, with: [maya]}\n" + rest, true},
		"unlisted":      {rest, true},
		"another time":  {"  - {booked: talk, starts: 2026-10-06T15:00}\n" + rest, false},
		"others":        {"  - {booked: talk, with: [omar]}\n" + rest, false},
		"other mail":    {strings.Replace(rest, "invitation: maya", "invitation: omar", 1), false},
		"less mail":     {strings.Replace(rest, "  - {cancellation: maya}\n", "", 1), false},
		"to somebody":   {strings.Replace(rest, "  - {invitation: maya}\n", "  - {email: pick-one, to: maya}\n  - {invitation: maya}\n", 1), false},
		"fewer offered": {"  - {offered: 1}\n" + rest, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set := load(t, talks(t)+talk+script+test.expect)
			last := set.Tests[len(set.Tests)-1]
			if trial := play.On(set, last.Of).Try(t.Context(), last); trial.Err != nil || trial.Passed != test.passed {
				t.Errorf("passed %v, %v\n%s", trial.Passed, trial.Err, listing(trial.Rows))
			}
		})
	}
}
