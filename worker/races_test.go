package worker_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/store"
)

const (
	raceRounds = 20
	racers     = 500 // in a round, each with a message that is due and an opt-out at the same moment
	optingOut  = 8   // at once
)

// Ten thousand races between an opt-out and a due send. Which of the two was committed first is told by Postgres itself, in the
// statement that claims the message: a message goes only if it was claimed before the opt-out was committed.
func TestOptOutRaces(t *testing.T) {
	t.Parallel()
	r := newRig(t, 0)
	r.apply(waitForClick)
	r.race(r.plannedFor("racer"))
	r.sql(`create table claims_seen (message_id text, late boolean)`)
	r.sql(`create function see_claim() returns trigger language plpgsql as $$ begin
		insert into claims_seen select new.id, exists (select from consents where candidate_id = new.candidate_id and not granted);
		return new;
	end $$`)
	r.sql(`create trigger see_claim before update on messages for each row when (new.state = 'claimed') execute function see_claim()`)
	r.work()
	for round := range raceRounds {
		first := round * racers
		r.sql(`update messages set not_before = now() where right(id, 5)::int between $1 and $2 and id like 'msg_race%'`, first, first+racers-1)
		r.store.Notify(store.TopicMessages)
		r.optOutAll(first)
		r.until(func() string {
			return differ("still planned", r.sql(`select count(*) from messages where state in ('planned', 'claimed') and not_before <= now() + interval '1 day'`), 0)
		})
	}
	sent := r.mailbox.all()
	if n := r.sql(`select count(*) from claims_seen where late`); n != 0 {
		t.Errorf("%d messages were claimed after an opt-out was committed", n)
	}
	if n := r.sql(`select count(*) from claims_seen where not late`); n != len(sent) {
		t.Errorf("%d messages were sent, %d were claimed in time", len(sent), n)
	}
	ids := make([]string, len(sent))
	for i := range sent {
		ids[i] = sent[i].MessageID
	}
	slices.Sort(ids)
	if n := len(slices.Compact(ids)); n != len(sent) {
		t.Errorf("%d messages were sent twice", len(sent)-n)
	}
	skipped := r.sql(`select count(*) from messages where state = 'skipped'`)
	if len(sent)+skipped != raceRounds*racers {
		t.Errorf("%d sent and %d skipped, want %d in all", len(sent), skipped, raceRounds*racers)
	}
	if least := raceRounds * racers / 50; len(sent) < least || skipped < least {
		t.Errorf("%d sent, %d skipped: that was no race", len(sent), skipped)
	}
	t.Logf("%d sent, %d skipped", len(sent), skipped)
}

// plannedFor returns the run of a new candidate that has a message planned.
func (r *rig) plannedFor(name string) crm.Enrollment {
	r.t.Helper()
	c := r.candidate(name)
	r.event(c, "application.rejected")
	r.dispatchOnly(c)
	run := r.run(c)
	if _, err := r.decider().Decide(r.t.Context(), crm.DecideInput{EnrollmentID: run.ID, Now: time.Now()}); err != nil {
		r.t.Fatal(err)
	}
	return run
}

// race makes ten thousand candidates like the one of a run, each with the same message, not due yet. Their runs are over, so
// that nothing but the message is at work.
func (r *rig) race(run crm.Enrollment) {
	r.t.Helper()
	n := raceRounds*racers - 1
	clone := func(table, where, id string, changes string) {
		r.sql(fmt.Sprintf(`insert into %[1]s select (jsonb_populate_record(x, %[2]s)).* from %[1]s x, generate_series(0, $2::int) i where x.%[3]s = $1`,
			table, changes, where), id, n)
	}
	candidate := `'candidate_id', 'cnd_race' || lpad(i::text, 5, '0')`
	clone("candidates", "id", run.CandidateID, `jsonb_build_object('id', 'cnd_race' || lpad(i::text, 5, '0'), 'external_id', 'race' || i)`)
	clone("contact_points", "candidate_id", run.CandidateID, `jsonb_build_object(`+candidate+`, 'address_hash', '\x' || md5(channel || i))`)
	r.sql(`insert into consents (candidate_id, purpose, channel, granted, source, wording, cause, at)
		select 'cnd_race' || lpad(i::text, 5, '0'), purpose, channel, granted, source, wording, cause, at
		from consents, generate_series(0, $2::int) i where candidate_id = $1`, run.CandidateID, n)
	clone("enrollments", "id", run.ID, `jsonb_build_object('id', 'enr_race' || lpad(i::text, 5, '0'), `+candidate+`, 'status', 'closed')`)
	clone("messages", "enrollment_id", run.ID, `jsonb_build_object('id', 'msg_race' || lpad(i::text, 5, '0'), 'enrollment_id', 'enr_race' || lpad(i::text, 5, '0'), `+
		candidate+`, 'not_before', now() + interval '30 day', 'not_after', now() + interval '60 day')`)
	r.sql(`delete from messages where enrollment_id = $1`, run.ID)
}

// optOutAll has the candidates of a round opt out, in an order of their own.
func (r *rig) optOutAll(first int) {
	order := rand.Perm(racers)
	var all sync.WaitGroup
	for lane := range optingOut {
		all.Go(func() {
			for i := lane; i < racers; i += optingOut {
				_, err := r.store.ReceiveWithOptOuts(r.t.Context(), nil, []store.OptOut{{
					Channel: crm.Email, CandidateID: fmt.Sprintf("cnd_race%05d", first+order[i]), Reason: crm.SuppressedUnsubscribe, Source: "race", At: r.now(),
				}})
				if err != nil {
					r.t.Errorf("opt out: %v", err)
					return
				}
			}
		})
	}
	all.Wait()
}
