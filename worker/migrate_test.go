package worker_test

import (
	"strings"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/activities"
	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/worker"
)

const twoLetters = `
sequence: s
purpose: news
enroll: {on: application.rejected}
steps:
  - id: hello
    email: {subject: "Hello", body: "Hello."}
  - wait: 400d
  - id: again
    email: {subject: "Again", body: "Hello again."}
`

// migrate moves the open runs of the sequence s to the version in force.
func (r *rig) migrate() (landings []crm.Landing) {
	r.t.Helper()
	library := activities.NewLibrary(worker.Published(r.store), func(err error) { r.t.Error(err) })
	set, err := library.Active(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	to := set.Programs["s"]
	moved, _, err := r.store.MigrateRuns(r.t.Context(), "s", to.Hash, "", 100, func(run *crm.Enrollment) (*crm.Migration, error) {
		from, err := library.Program(r.t.Context(), run.Hash)
		if err != nil {
			return nil, err
		}
		progress, landing := dsl.Land(from, to, run.Progress)
		return &crm.Migration{Hash: to.Hash, Version: run.Version + 1, Listens: to.Listens, Progress: progress, Landing: landing}, nil
	})
	if err != nil {
		r.t.Fatal(err)
	}
	for _, m := range moved {
		landings = append(landings, m.Landing)
	}
	return landings
}

// A run that waits is moved to a version with a shorter wait. It is woken, aims its timer anew from the same moment, and goes
// on at the right time; one that a version has no wait for any more goes on at once.
func TestMigratedRunGoesOn(t *testing.T) {
	t.Parallel()
	r := newRig(t, 200*time.Millisecond) // a day
	r.apply(twoLetters)
	r.work()
	c := r.candidate("migrate")
	r.event(c, "application.rejected")
	r.until(func() string { return differ("at", r.run(c).Progress.At, "after hello") })
	before := r.run(c)

	r.apply(strings.Replace(twoLetters, "wait: 400d", "wait: 20d", 1))
	if got := r.run(c); got.Hash != before.Hash || !got.Due.Equal(before.Due) {
		t.Fatalf("publishing alone moved the run: %+v", got)
	}
	if landings := r.migrate(); len(landings) != 1 || landings[0].Kind != crm.LandStays {
		t.Fatalf("got %+v", landings)
	}
	due := before.Progress.Anchor.AddDate(0, 0, 20)
	ended := r.ended(c, crm.OutcomeCompleted)
	if again := ended.Progress.Steps["again"].At; again.Before(due) || !again.Before(before.Due) {
		t.Errorf("the second letter went at %s, want it from %s on, and not at %s", again, due, before.Due)
	}
	if ended.Version != 2 {
		t.Errorf("it ended on version %d", ended.Version)
	}
	r.until(func() string { return differ("messages", len(r.mailbox.all()), 2) })

	d := r.candidate("removed-step")
	r.event(d, "application.rejected")
	r.until(func() string { return differ("at", r.run(d).Progress.At, "after hello") })
	r.apply(strings.Replace(twoLetters, "  - wait: 400d\n", "", 1))
	if landings := r.migrate(); len(landings) != 1 || landings[0].Kind != crm.LandMoves || landings[0].To != "again" {
		t.Fatalf("got %+v", landings)
	}
	r.ended(d, crm.OutcomeCompleted)
	r.until(func() string { return differ("messages", len(r.mailbox.all()), 4) })
}
