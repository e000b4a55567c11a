package dsl_test

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
)

const day = 24 * time.Hour

const nurture = `
sequence: nurture
purpose: news
enroll: {on: application.rejected}
exit:
  - {on: message.replied, outcome: replied}
  - {when: 'candidate.status == "hired"', outcome: hired}
steps:
  - id: thanks
    email: {subject: "Thank you", body: "Thank you."}
  - id: heard
    wait_for:
      clicked: {on: message.clicked, step: thanks}
      timeout: 14d
    then:
      clicked:
        - id: call
          task: {title: "Call {{ candidate.first_name | default: 'them' }}", assign: owner, due: 2bd}
      timeout:
        - id: nudge
          if: has(candidate.phone)
          sms: {body: "Still there?"}
`

func TestNurture(t *testing.T) {
	t.Parallel()
	t.Run("silence ends in a text", func(t *testing.T) {
		t.Parallel()
		w := play(t, nurture).due(friday().AddDate(0, 0, 14))
		w.after(15*day).expect("thanks planned", "heard waiting", "heard branch timeout", "nudge planned", "exit completed")
	})
	t.Run("a click brings a call", func(t *testing.T) {
		t.Parallel()
		w := play(t, nurture).after(30*time.Hour).event("message.clicked", "step", "thanks")
		w.expect("thanks planned", "heard waiting", "heard branch clicked", "call task", "exit completed")
		task := w.last.Tasks[0]
		if task.Title != "Call Sarah" || !task.DueAt.Equal(time.Date(2026, 10, 6, 15, 0, 0, 0, time.UTC)) { // Saturday and two business days
			t.Errorf("task %q due %s", task.Title, task.DueAt)
		}
	})
	t.Run("a reply ends it", func(t *testing.T) {
		t.Parallel()
		play(t, nurture).after(5*day).event("message.replied", "step", "thanks").
			expect("thanks planned", "heard waiting", "exit replied")
	})
	t.Run("a change of state ends it", func(t *testing.T) {
		t.Parallel()
		play(t, nurture).change("status", func(c *crm.Candidate) { c.Status = "hired" }).
			expect("thanks planned", "heard waiting", "exit hired")
	})
	t.Run("a revoked consent ends it", func(t *testing.T) {
		t.Parallel()
		play(t, nurture).event("consent.revoked", "purpose", "news").expect("thanks planned", "heard waiting", "exit opted_out")
	})
	t.Run("another purpose's revoked consent does not", func(t *testing.T) {
		t.Parallel()
		play(t, nurture).event("consent.revoked", "purpose", "other").expect("thanks planned", "heard waiting")
	})
	t.Run("without a phone there is no text", func(t *testing.T) {
		t.Parallel()
		play(t, nurture, func(w *world) { w.facts.Candidate.Phone = "" }).after(15*day).
			expect("thanks planned", "heard waiting", "heard branch timeout", "nudge skipped condition", "exit completed")
	})
	t.Run("stopped by hand", func(t *testing.T) {
		t.Parallel()
		w := play(t, nurture)
		w.facts.Enrollment.Ending = crm.OutcomeStopped
		w.decide().expect("thanks planned", "heard waiting", "exit stopped")
	})
}

func TestEventRules(t *testing.T) {
	t.Parallel()
	waits := func(branches string) string {
		return `
sequence: s
purpose: transactional
enroll: {on: application.submitted}
steps:
  - id: hello
    email: {subject: "Hello", body: "Hello."}
  - wait: 2d
  - id: w
    wait_for:
` + branches + `
      timeout: 3d
`
	}
	t.Run("an event since the step's send that is already there passes at once", func(t *testing.T) {
		t.Parallel()
		play(t, waits("      c: {on: message.clicked, step: hello}")).event("message.clicked", "step", "hello").after(2*day).
			expect("hello planned", "after hello waiting", "w branch c", "exit completed")
	})
	t.Run("without a step only events since it was reached count", func(t *testing.T) {
		t.Parallel()
		w := play(t, waits("      c: {on: page.viewed}")).event("page.viewed").after(2 * day)
		w.expect("hello planned", "after hello waiting", "w waiting")
		w.event("page.viewed").expect("hello planned", "after hello waiting", "w waiting", "w branch c", "exit completed")
	})
	t.Run("since enroll looks back to the enrollment", func(t *testing.T) {
		t.Parallel()
		play(t, waits("      c: {on: page.viewed, since: enroll}")).event("page.viewed").after(2*day).
			expect("hello planned", "after hello waiting", "w branch c", "exit completed")
	})
	t.Run("the earliest event wins", func(t *testing.T) {
		t.Parallel()
		w := play(t, waits("      a: {on: event.attended}\n      b: {on: page.viewed}")).after(2 * day)
		w.silent("page.viewed").event("event.attended").
			expect("hello planned", "after hello waiting", "w waiting", "w branch b", "exit completed")
	})
	t.Run("ties go by listing order", func(t *testing.T) {
		t.Parallel()
		play(t, waits("      a: {on: page.viewed}\n      b: {on: page.viewed}")).after(2*day).event("page.viewed").
			expect("hello planned", "after hello waiting", "w waiting", "w branch a", "exit completed")
	})
	t.Run("an event at the very timeout counts", func(t *testing.T) {
		t.Parallel()
		w := play(t, waits("      a: {on: page.viewed}")).after(2 * day)
		w.now = w.facts.Enrollment.Due
		w.silent("page.viewed").decide().expect("hello planned", "after hello waiting", "w waiting", "w branch a", "exit completed")
	})
	t.Run("one after it does not", func(t *testing.T) {
		t.Parallel()
		w := play(t, waits("      a: {on: page.viewed}")).after(2 * day)
		w.now = w.facts.Enrollment.Due.Add(time.Second)
		w.silent("page.viewed").decide().expect("hello planned", "after hello waiting", "w waiting", "w branch timeout", "exit completed")
	})
	t.Run("a state that holds already passes at once", func(t *testing.T) {
		t.Parallel()
		play(t, waits(`      a: {when: 'candidate.status == "lead"'}`)).after(2*day).
			expect("hello planned", "after hello waiting", "w branch a", "exit completed")
	})
	t.Run("what a machine did does not count", func(t *testing.T) {
		t.Parallel()
		play(t, waits("      a: {on: message.opened, step: hello}")).after(2*day).
			event("message.opened", "step", "hello", "text_kind", "machine").
			expect("hello planned", "after hello waiting", "w waiting")
	})
	t.Run("another run's message does not count", func(t *testing.T) {
		t.Parallel()
		w := play(t, waits("      a: {on: message.opened}")).after(2 * day)
		w.silent("message.opened", "step", "hello")
		w.facts.Events[len(w.facts.Events)-1].EnrollmentID = "enr_other"
		w.decide().expect("hello planned", "after hello waiting", "w waiting")
	})
	t.Run("a run's own update never matches it", func(t *testing.T) {
		t.Parallel()
		w := play(t, waits("      a: {on: candidate.updated}")).after(2 * day)
		w.event("candidate.updated", "by", "enr_1").expect("hello planned", "after hello waiting", "w waiting")
	})
	t.Run("the enrolling event matches nothing", func(t *testing.T) {
		t.Parallel()
		w := play(t, waits("      a: {on: page.viewed, since: enroll}"), func(w *world) {
			w.silent("page.viewed")
			w.facts.Enrollment.Position = w.facts.Position
		})
		w.after(2*day).expect("hello planned", "after hello waiting", "w waiting")
	})
}

func TestTimeRules(t *testing.T) {
	t.Parallel()
	send := func(head, steps string) string {
		return "sequence: s\npurpose: news\nenroll: {on: application.rejected}\n" + head + "steps:\n" + steps
	}
	mail := "  - id: a\n    email: {subject: S, body: B}\n"
	t.Run("a send outside the window goes when it opens, spread over half an hour", func(t *testing.T) {
		t.Parallel()
		w := play(t, send("", mail), func(w *world) { w.now = friday().Add(26 * time.Hour) }) // Saturday
		opens := time.Date(2026, 10, 5, 8, 0, 0, 0, time.UTC)
		if due := w.facts.Enrollment.Due; due.Before(opens) || due.After(opens.Add(30*time.Minute)) {
			t.Errorf("due %s", due)
		}
		w.after(3*day).expect("a deferred window", "a planned", "exit completed")
	})
	t.Run("transactional mail goes at once", func(t *testing.T) {
		t.Parallel()
		play(t, "sequence: s\npurpose: transactional\nenroll: {on: application.rejected}\nsteps:\n"+mail,
			func(w *world) { w.now = friday().Add(38 * time.Hour); w.facts.Consents = nil }).expect("a planned", "exit completed")
	})
	t.Run("transactional texts obey quiet hours", func(t *testing.T) {
		t.Parallel()
		w := play(t, "sequence: s\npurpose: transactional\nenroll: {on: application.rejected}\nsteps:\n  - id: a\n    sms: {body: B}\n",
			func(w *world) { w.now = friday().Add(13 * time.Hour) })
		w.due(time.Date(2026, 10, 3, 7, 0, 0, 0, time.UTC).Add(w.facts.Enrollment.Due.Sub(time.Date(2026, 10, 3, 7, 0, 0, 0, time.UTC))))
		if due := w.facts.Enrollment.Due; due.Before(time.Date(2026, 10, 3, 7, 0, 0, 0, time.UTC)) || due.After(time.Date(2026, 10, 3, 7, 30, 0, 0, time.UTC)) {
			t.Errorf("due %s", due)
		}
		w.expect("a deferred quiet_hours")
	})
	t.Run("days keep the local wall clock over a clock change", func(t *testing.T) {
		t.Parallel()
		play(t, send("", mail+"  - wait: 30d\n")).due(time.Date(2026, 11, 1, 10, 0, 0, 0, time.UTC)) // ten in London is nine UTC until 25 October
	})
	t.Run("a wait after a send counts from when the provider took it", func(t *testing.T) {
		t.Parallel()
		w := play(t, send("", mail+"  - wait: 2d\n"), func(w *world) { w.slow = true })
		w.now = friday().Add(5 * time.Hour)
		w.settle(crm.MessageAccepted)
		w.now = friday().Add(2 * day)
		w.decide().due(friday().Add(2*day + 5*time.Hour))
		w.after(day).expect("a planned", "after a waiting", "after a waiting", "exit completed")
	})
	t.Run("a wait does not end before the message is settled", func(t *testing.T) {
		t.Parallel()
		w := play(t, send("", mail+"  - wait: 1d\n"), func(w *world) { w.slow = true })
		w.after(day).due(time.Time{})
		w.settle(crm.MessageRefused).expect("a planned", "after a waiting", "exit completed")
	})
	t.Run("a changed zone re-aims a wait", func(t *testing.T) {
		t.Parallel()
		w := play(t, send("", mail+"  - wait: 30d\n"))
		w.change("time_zone", func(c *crm.Candidate) { c.TimeZone = "Asia/Tokyo" }).due(friday().AddDate(0, 0, 30))
	})
	t.Run("latency does not add up", func(t *testing.T) {
		t.Parallel()
		w := play(t, send("", "  - wait: 1h\n  - wait: 1h\n"))
		w.now = friday().Add(time.Hour + time.Minute)
		w.decide().due(friday().Add(2 * time.Hour))
	})
	t.Run("by gives a deferred send up", func(t *testing.T) {
		t.Parallel()
		play(t, send("", "  - id: a\n    email: {subject: S, body: B, by: 1d}\n"), func(w *world) { w.now = friday().Add(26 * time.Hour) }).
			expect("a skipped too_late", "exit completed")
	})
}

func TestSendRules(t *testing.T) {
	t.Parallel()
	one := "sequence: s\npurpose: news\nenroll: {on: application.rejected}\nlimit: 2/1d\nsteps:\n  - id: a\n    email: {subject: S, body: B}\n"
	for name, c := range map[string]struct {
		edit func(*world)
		want []string
	}{
		"no address":             {func(w *world) { w.facts.Candidate.Email = "" }, []string{"a skipped no_address", "exit completed"}},
		"no consent":             {func(w *world) { w.facts.Consents = nil }, []string{"a skipped no_consent", "exit completed"}},
		"consent for texts only": {func(w *world) { w.facts.Consents = w.facts.Consents[1:] }, []string{"a skipped no_consent", "exit completed"}},
		"the last line is in force": {func(w *world) {
			w.facts.Consents = append(w.facts.Consents, crm.Consent{Purpose: "news", Channel: crm.Email})
		}, []string{"a skipped no_consent", "exit completed"}},
		"a bounced address": {func(w *world) {
			w.facts.Suppressions = []crm.Suppression{{Channel: crm.Email, Reason: crm.SuppressedBounce}}
		}, []string{"a skipped suppressed", "exit completed"}},
		"a bounced number": {func(w *world) {
			w.facts.Suppressions = []crm.Suppression{{Channel: crm.SMS, Reason: crm.SuppressedBounce}}
		}, []string{"a planned", "exit completed"}},
		"the sequence's cap": {func(w *world) {
			w.facts.Sends = []crm.Send{{At: w.now.Add(-time.Hour)}, {At: w.now.Add(-2 * time.Hour)}}
		}, []string{"a deferred cap"}},
		"the workspace's cap": {func(w *world) {
			w.facts.Sends = []crm.Send{{At: w.now.AddDate(0, 0, -6)}, {At: w.now.AddDate(0, 0, -5)}, {At: w.now.AddDate(0, 0, -4)}}
		}, []string{"a deferred cap"}},
		"sends of last week": {func(w *world) {
			w.facts.Sends = []crm.Send{{At: w.now.AddDate(0, 0, -8)}, {At: w.now.AddDate(0, 0, -7)}, {At: w.now.AddDate(0, 0, -7)}}
		}, []string{"a planned", "exit completed"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			play(t, one, c.edit).expect(c.want...)
		})
	}
	t.Run("the cap makes room at the right moment", func(t *testing.T) {
		t.Parallel()
		w := play(t, one, func(w *world) {
			w.facts.Sends = []crm.Send{{At: w.now.AddDate(0, 0, -6)}, {At: w.now.AddDate(0, 0, -5)}, {At: w.now.AddDate(0, 0, -4)}}
		})
		// Room is on Saturday; the window opens on Monday.
		monday := time.Date(2026, 10, 5, 8, 0, 0, 0, time.UTC)
		if due := w.facts.Enrollment.Due; due.Before(monday) || due.After(monday.Add(30*time.Minute)) {
			t.Errorf("due %s", due)
		}
	})
	t.Run("legitimate interest holds until it expires or the candidate objects", func(t *testing.T) {
		t.Parallel()
		sourced := "sequence: s\npurpose: sourced\nenroll: {on: application.rejected}\nsteps:\n  - id: a\n    email: {subject: S, body: B}\n"
		fresh := func(w *world) { w.facts.Candidate.CreatedAt = w.now.AddDate(0, 0, -3) }
		play(t, sourced, fresh).expect("a planned", "exit completed")
		play(t, sourced).expect("a skipped no_consent", "exit completed")
		play(t, sourced, fresh, func(w *world) {
			w.facts.Consents = []crm.Consent{{Purpose: "sourced", Channel: crm.Email}}
		}).expect("a skipped no_consent", "exit completed")
	})
	t.Run("two messages of one decision count both", func(t *testing.T) {
		t.Parallel()
		two := "sequence: s\npurpose: news\nenroll: {on: application.rejected}\nlimit: 1/1d\nsteps:\n" +
			"  - id: a\n    email: {subject: S, body: B}\n  - id: b\n    email: {subject: S, body: B}\n"
		play(t, two).expect("a planned", "b deferred cap")
	})
	t.Run("outcomes branch once the fate is known", func(t *testing.T) {
		t.Parallel()
		branching := "sequence: s\npurpose: news\nenroll: {on: application.rejected}\nsteps:\n" +
			"  - id: a\n    email: {subject: S, body: B}\n    then:\n      failed:\n        - exit: gave_up\n"
		w := play(t, branching, func(w *world) { w.slow = true })
		w.expect("a planned").settle(crm.MessageRefused)
		w.expect("a planned", "a branch failed", "exit gave_up")
	})
	t.Run("a condition on a step waits until its send is settled", func(t *testing.T) {
		t.Parallel()
		cond := "sequence: s\npurpose: news\nenroll: {on: application.rejected}\nsteps:\n  - id: a\n    email: {subject: S, body: B}\n" +
			"  - choose:\n      - if: steps.a.outcome == \"sent\"\n        do: [{exit: reached}]\n"
		w := play(t, cond, func(w *world) { w.slow = true })
		w.expect("a planned").settle(crm.MessageAccepted)
		if w.facts.Enrollment.Outcome != "reached" {
			t.Errorf("%v", w.log)
		}
	})
}

func TestPause(t *testing.T) {
	t.Parallel()
	w := play(t, nurture)
	w.facts.Enrollment.Paused = true
	w.decide().due(time.Time{})
	w.now = friday().AddDate(0, 0, 20)
	w.facts.Enrollment.Paused = false
	w.decide().expect("thanks planned", "heard waiting", "heard paused", "heard branch timeout", "nudge planned", "exit completed")

	w = play(t, nurture)
	w.facts.Enrollment.Held = true
	w.decide().event("message.replied", "step", "thanks").expect("thanks planned", "heard waiting", "heard paused", "exit replied")
}

func TestUpdate(t *testing.T) {
	t.Parallel()
	w := play(t, `
sequence: s
purpose: news
enroll: {on: application.rejected}
exit:
  - {when: 'candidate.status == "hired"', outcome: hired}
steps:
  - id: u
    update: {set: {status: applicant}, tag: [warm], untag: [cold], score: {add: 10}}
  - choose:
      - if: candidate.status == "applicant" && "warm" in candidate.tags && candidate.score == 10
        do: [{exit: seen}]
`, func(w *world) { w.facts.Candidate.Tags = []string{"cold"} })
	if w.facts.Enrollment.Outcome != "seen" || !slices.Equal(w.facts.Candidate.Tags, []string{"warm"}) {
		t.Errorf("%v %v", w.log, w.facts.Candidate.Tags)
	}
}

// Next is a pure function: asked again it answers the same, and the facts stay as they were.
func TestNextIsPure(t *testing.T) {
	t.Parallel()
	w := play(t, nurture)
	w.now = friday().AddDate(0, 0, 14)
	before := clone(w.facts)
	a := w.program.Next(w.set.Workspace, &w.facts, w.now)
	b := w.program.Next(w.set.Workspace, &w.facts, w.now)
	if !reflect.DeepEqual(a, b) {
		t.Errorf("two answers:\n%+v\n%+v", a, b)
	}
	if !reflect.DeepEqual(before, w.facts) {
		t.Error("the facts were changed")
	}
}

func clone(f crm.Facts) crm.Facts {
	f.Messages, f.Sends, f.Events = slices.Clone(f.Messages), slices.Clone(f.Sends), slices.Clone(f.Events)
	f.Enrollment.Progress.Steps = maps.Clone(f.Enrollment.Progress.Steps)
	return f
}

// BenchmarkNext takes one decision in a program of twenty steps: one in the middle, where a wait has ended and the next step
// is taken, and the longest there can be, where all steps are taken at once. Every step has a condition, and the exit's is
// tried before each.
func BenchmarkNext(b *testing.B) {
	for name, c := range map[string]struct{ between, at string }{
		"one step of twenty": {between: "  - {id: w%c, wait: 1d}\n", at: "wk"},
		"twenty steps":       {},
	} {
		b.Run(name, func(b *testing.B) {
			set, problems := dsl.Check([]dsl.File{{Path: "w.yaml", Text: []byte(workspaceYAML + "---\n" + twentySteps(c.between))}}, nil)
			if set == nil {
				b.Fatal(problems)
			}
			facts := crm.Facts{
				Candidate:  crm.Candidate{ID: "cnd_1", Email: "a@example.com", TimeZone: "Europe/London", Status: "lead"},
				Consents:   []crm.Consent{{Purpose: "news", Channel: crm.Email, Granted: true}},
				Enrollment: crm.Enrollment{ID: "enr_1", Status: crm.EnrollmentRunning},
			}
			now := friday()
			facts.Enrollment.Progress = crm.Progress{At: c.at, Reached: now.AddDate(0, 0, -1), Anchor: now.AddDate(0, 0, -1)}
			if d := set.Programs["twenty"].Next(set.Workspace, &facts, now); d.Change == nil || d.Command != crm.CommandWait {
				b.Fatalf("%+v", d)
			}
			b.ReportAllocs()
			for b.Loop() {
				set.Programs["twenty"].Next(set.Workspace, &facts, now)
			}
		})
	}
}

// twentySteps is a program whose steps have something between them.
func twentySteps(between string) string {
	var s strings.Builder
	s.WriteString("sequence: twenty\npurpose: transactional\nenroll: {on: application.rejected}\nexit:\n  - {when: 'candidate.status == \"hired\"', outcome: hired}\nsteps:\n")
	for i := range 20 {
		fmt.Fprintf(&s, "  - id: %c\n    if: candidate.status == \"lead\"\n    update: {score: {add: 1}}\n", 'a'+i)
		if between != "" {
			fmt.Fprintf(&s, between, 'a'+i)
		}
	}
	return s.String() + "  - wait: 1d\n"
}
