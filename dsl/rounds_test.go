package dsl_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/crm"
)

// steps is a sequence of some steps, transactional so that no window moves what is sent.
func steps(text string) string {
	return "\nsequence: s\npurpose: transactional\nenroll: {on: application.submitted}\nsteps:\n" + text
}

const letters = `
  - id: letters
    repeat: {every: 3mo, times: 2}
    do:
      - id: letter
        email: {subject: "Letter", body: "Letter."}
`

func TestRepeat(t *testing.T) {
	t.Parallel()
	at := func(y int, m time.Month, d int) time.Time {
		london, _ := time.LoadLocation("Europe/London")
		return time.Date(y, m, d, 10, 0, 0, 0, london)
	}
	t.Run("rounds begin every so often, and the first one after that", func(t *testing.T) {
		t.Parallel()
		w := play(t, steps(letters)).due(at(2027, 1, 2))
		w.after(100 * day).due(at(2027, 4, 2))
		w.after(100*day).expect("letters waiting", "letters round 1", "letter planned", "letters waiting", "letters round 2", "letter planned", "exit completed")
	})
	t.Run("first: now begins at once", func(t *testing.T) {
		t.Parallel()
		w := play(t, steps(strings.Replace(letters, "times: 2", "times: 2, first: now", 1)))
		w.expect("letters round 1", "letter planned", "letters waiting").due(at(2027, 1, 2))
	})
	t.Run("a round that takes longer than every is followed at once", func(t *testing.T) {
		t.Parallel()
		w := play(t, steps(`
  - id: r
    repeat: {every: 2d, times: 2, first: now}
    do:
      - wait: 5d
      - id: mail
        email: {subject: "Mail", body: "Mail."}
`))
		w.after(4*day).expect("r round 1", "after r/do waiting")
		w.after(day).expect("r round 1", "after r/do waiting", "mail planned", "r round 2", "after r/do waiting")
		w.due(friday().Add(10 * day))
	})
	t.Run("missed rounds are not made up", func(t *testing.T) {
		t.Parallel()
		w := play(t, steps(strings.Replace(letters, "times: 2", "times: 3", 1)))
		w.now = at(2027, 12, 1) // nobody decided for months
		w.decide().expect("letters waiting", "letters round 1", "letter planned", "letters waiting").due(at(2028, 3, 1))
	})
	t.Run("a round that is only late keeps the rhythm", func(t *testing.T) {
		t.Parallel()
		w := play(t, steps(letters))
		w.now = at(2027, 1, 20)
		w.decide().due(at(2027, 4, 2))
	})
	t.Run("while is looked at before each round", func(t *testing.T) {
		t.Parallel()
		w := play(t, steps(strings.Replace(letters, "times: 2", `while: 'candidate.status != "hired"'`, 1)))
		w.after(95 * day)
		w.facts.Candidate.Status = "hired"
		w.after(95*day).expect("letters waiting", "letters round 1", "letter planned", "letters waiting", "letters branch ended", "exit completed")
	})
	t.Run("exits hold inside", func(t *testing.T) {
		t.Parallel()
		text := strings.Replace(steps(letters), "steps:", "exit: {on: message.replied, outcome: replied}\nsteps:", 1)
		play(t, text).after(95*day).event("message.replied", "step", "letter").
			expect("letters waiting", "letters round 1", "letter planned", "letters waiting", "exit replied")
	})
	t.Run("a repeat in a repeat begins anew in each round", func(t *testing.T) {
		t.Parallel()
		w := play(t, steps(`
  - id: outer
    repeat: {every: 10d, times: 2, first: now}
    do:
      - id: inner
        repeat: {every: 1d, times: 2, first: now}
        do:
          - update: {tag: [x]}
`))
		w.after(30 * day)
		if got := strings.Count(strings.Join(w.log, "\n"), "inner round 1"); got != 2 {
			t.Errorf("inner began %d times: %v", got, w.log)
		}
		if len(w.facts.Enrollment.Progress.Loops) != 0 {
			t.Errorf("loops left: %v", w.facts.Enrollment.Progress.Loops)
		}
	})
	t.Run("if is asked once, before the first round", func(t *testing.T) {
		t.Parallel()
		text := strings.Replace(steps(letters), "    repeat:", "    if: candidate.status == \"lead\"\n    repeat:", 1)
		w := play(t, text)
		w.facts.Candidate.Status = "hired"
		w.after(200*day).expect("letters waiting", "letters round 1", "letter planned", "letters waiting", "letters round 2", "letter planned", "exit completed")
		play(t, text, func(w *world) { w.facts.Candidate.Status = "hired" }).expect("letters skipped condition", "exit completed")
	})
}

func TestMessageList(t *testing.T) {
	t.Parallel()
	text := "\nsequence: s\npurpose: news\nenroll: {on: application.submitted}\nsteps:\n  - id: r\n    repeat: {every: 30d, times: 3}\n    do:\n      - id: letter\n        email: [one, two]\n"
	sent := func(w *world) string {
		var names []string
		for _, m := range w.facts.Messages {
			names = append(names, m.Template)
		}
		return strings.Join(names, " ")
	}
	t.Run("the first not yet had", func(t *testing.T) {
		t.Parallel()
		w := play(t, text).after(100 * day)
		if got := sent(w); got != "one two" {
			t.Errorf("sent %q", got)
		}
		if last := w.log[len(w.log)-2]; last != "letter skipped all_had" {
			t.Errorf("the third letter is %q", last)
		}
	})
	t.Run("had by another run counts", func(t *testing.T) {
		t.Parallel()
		w := play(t, text, func(w *world) { w.facts.Had = []string{"one"} }).after(40 * day)
		if got := sent(w); got != "two" {
			t.Errorf("sent %q", got)
		}
	})
}

const split = `
  - id: letter
    experiment:
      arms:
        story: {weight: 70, do: [{id: a, email: one}]}
        growth: {weight: 30, do: [{id: b, email: two}]}
      measure: {on: message.clicked, step: letter, within: 14d}
  - id: after
    if: steps.letter.outcome == "growth"
    update: {tag: [grown]}
`

func TestExperiment(t *testing.T) {
	t.Parallel()
	draw := func(t *testing.T, candidate string, arms map[string]string) *world {
		t.Helper()
		return play(t, strings.Replace(steps(split), "transactional", "news", 1), func(w *world) {
			w.facts.Candidate.ID, w.facts.Enrollment.CandidateID, w.facts.Arms = candidate, candidate, arms
		})
	}
	t.Run("the arm is a stable hash, by weight", func(t *testing.T) {
		t.Parallel()
		growth := 0
		for i := range 1000 {
			w := draw(t, "cnd_"+strconv.Itoa(i), nil)
			arm := w.last.Assigned[0].Arm
			if again := draw(t, "cnd_"+strconv.Itoa(i), nil).last.Assigned[0].Arm; again != arm {
				t.Fatalf("%d got %s, then %s", i, arm, again)
			}
			if arm == "growth" {
				growth++
			}
		}
		if growth < 250 || growth > 350 {
			t.Errorf("%d of 1000 got an arm of 30 %%", growth)
		}
	})
	t.Run("settled or fixed, everybody gets the arm, and later steps see it", func(t *testing.T) {
		t.Parallel()
		w := draw(t, "cnd_1", map[string]string{"letter": "growth"})
		w.expect("letter arm settled growth", "b planned", "after updated", "exit completed")
		if a := w.last.Assigned; len(a) != 1 || a[0].Arm != "growth" || a[0].Step != "letter" {
			t.Errorf("assigned %+v", a)
		}
		draw(t, "cnd_1", map[string]string{"letter": "story"}).
			expect("letter arm settled story", "a planned", "after skipped condition", "exit completed")
	})
}

// The hash of an arm is of the candidate: who is merged into another must not be moved to another arm by that.
func TestArmStaysAfterMerge(t *testing.T) {
	t.Parallel()
	arms := map[string]bool{}
	for i := range 20 {
		w := play(t, strings.Replace(steps(`
  - id: rounds
    repeat: {every: 1mo, times: 2, first: now}
    do:
      - id: letter
        experiment:
          arms:
            story: {weight: 50, do: [{id: a, email: one}]}
            growth: {weight: 50, do: [{id: b, email: two}]}
          measure: {on: message.clicked, step: letter, within: 14d}
`), "transactional", "news", 1))
		first := w.facts.Enrollment.Progress.Steps["letter"].Outcome
		into := "cnd_into" + strconv.Itoa(i)
		w.facts.Candidate.ID, w.facts.Enrollment.CandidateID = into, into
		w.after(40 * day)
		step := w.facts.Enrollment.Progress.Steps["letter"]
		if step.Occurrence != 2 || step.Outcome != first {
			t.Fatalf("the first round's arm was %q, the second's, for %s: %+v", first, into, step)
		}
		arms[play(t, strings.Replace(steps(split), "transactional", "news", 1), func(w *world) { w.facts.Enrollment.CandidateID = into }).last.Assigned[0].Arm] = true
	}
	if len(arms) != 2 {
		t.Error("all of them would have drawn the same arm: the test does not test what it should")
	}
}

func TestWaitUntil(t *testing.T) {
	t.Parallel()
	london := func(d, h, m int) time.Time { return time.Date(2026, 10, d, h-1, m, 0, 0, time.UTC) } // summer time
	for name, c := range map[string]struct {
		wait string
		want time.Time
	}{
		"a time of day later today":         {`{until: "17:15"}`, london(2, 17, 15)},
		"a time of day that is over":        {`{until: "09:00"}`, london(3, 9, 0)},
		"the very minute":                   {`{until: "10:00"}`, time.Time{}},
		"a weekday":                         {`{on: mon}`, london(5, 0, 0)},
		"a weekday and a time":              {`{until: "09:30", on: tue}`, london(6, 9, 30)},
		"one of several days":               {`{until: "09:30", on: [sun, wed-thu]}`, london(4, 9, 30)},
		"today's weekday, later":            {`{until: "11:00", on: fri}`, london(2, 11, 0)},
		"today's weekday, over":             {`{until: "09:00", on: fri}`, london(9, 9, 0)},
		"a moment":                          {`{until: 'date("2026-10-20") + duration("9h")', timeout: 60d}`, london(20, 9, 0)},
		"a moment that is over":             {`{until: candidate.created_at, timeout: 60d}`, time.Time{}},
		"a moment that is not known":        {`{until: candidate.last_decision_at, timeout: 5d}`, london(7, 10, 0)},
		"a timeout that comes first":        {`{until: 'date("2026-12-20")', timeout: 5d}`, london(7, 10, 0)},
		"business days skip the weekend":    {`2bd`, london(6, 10, 0)},
		"an hour is exact across the clock": {`600h`, time.Date(2026, 10, 27, 9, 0, 0, 0, time.UTC)},
		"days keep the wall clock":          {`25d`, time.Date(2026, 10, 27, 10, 0, 0, 0, time.UTC)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := play(t, steps("  - wait: "+c.wait+"\n"))
			w.due(c.want)
			if c.want.IsZero() && w.facts.Enrollment.Outcome != crm.OutcomeCompleted {
				t.Errorf("it waits: %v", w.log)
			}
		})
	}
	t.Run("a changed candidate re-aims", func(t *testing.T) {
		t.Parallel()
		w := play(t, steps("  - wait: {until: 'date(string(candidate.attributes.starts)) - days(7)', timeout: 90d}\n"), func(w *world) {
			w.facts.Candidate.Attributes = map[string]any{"starts": "2026-11-10"}
		}).due(time.Date(2026, 11, 3, 0, 0, 0, 0, time.UTC))
		w.change("attributes", func(c *crm.Candidate) { c.Attributes = map[string]any{"starts": "2026-11-20"} })
		w.due(time.Date(2026, 11, 13, 0, 0, 0, 0, time.UTC))
	})
	t.Run("a changed zone re-aims", func(t *testing.T) {
		t.Parallel()
		w := play(t, steps("  - wait: {until: \"17:00\"}\n")).due(london(2, 17, 0))
		w.change("time_zone", func(c *crm.Candidate) { c.TimeZone = "America/New_York" }).due(time.Date(2026, 10, 2, 21, 0, 0, 0, time.UTC))
	})
	t.Run("a time that a clock change skips becomes the first instant after, a repeated one its first", func(t *testing.T) {
		t.Parallel()
		at := func(now time.Time, clock string) *world {
			return play(t, steps("  - wait: {until: \""+clock+"\"}\n"), func(w *world) { w.now = now })
		}
		at(time.Date(2027, 3, 27, 12, 0, 0, 0, time.UTC), "01:30").due(time.Date(2027, 3, 28, 1, 0, 0, 0, time.UTC))
		at(time.Date(2026, 10, 24, 12, 0, 0, 0, time.UTC), "01:30").due(time.Date(2026, 10, 25, 0, 30, 0, 0, time.UTC))
	})
}
