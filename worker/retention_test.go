package worker_test

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"

	"github.com/rapport-crm/rapport/activities"
	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/store"
	"github.com/rapport-crm/rapport/worker"
	"github.com/rapport-crm/rapport/workflows"
)

// unguarded is a policy that tells nobody.
const unguarded = `
retention: POLICY
basis: GDPR Art. 5(1)(e)
daily: {at: "03:00", zone: Europe/London}
applies_to: candidate.status == "lead"
keep: {for: 6mo, after: candidate.created_at}
then: erase
`

const (
	silent  = unguarded + "guard: {max_share: 100%}\n"
	guarded = unguarded + "guard: {max_share: 5%}\n"
)

// crowd adds n candidates who were created at a time.
func (r *rig) crowd(prefix string, n int, created time.Time) {
	r.t.Helper()
	r.sql(fmt.Sprintf(`insert into candidates (id, external_id, first_name, last_name, email, phone, country, region, city, time_zone, locale, status, source,
			owner, seniority, functions, skills, tags, score, attributes, legal_hold, created_at, updated_at)
		select 'cnd_%[1]s' || lpad(i::text, 22, '0'), '%[1]s-' || i, 'Ada', 'Lovelace', '%[1]s' || i || '@north.example', '', 'GB', '', '', '', 'en', 'lead', '', '', '',
			'{}', '{}', '{}', 0, '{}', false, $1, $1 from generate_series(1, %[2]d) i`, prefix, n), created)
}

// policy is the name of the policy of a test: tests share a Temporal server, where schedules and runs go by it.
func (r *rig) policy() string { return strings.ReplaceAll(r.queue, "_", "-") }

// named gives a policy that name.
func (r *rig) named(text string) string { return strings.ReplaceAll(text, "POLICY", r.policy()) }

// ask has the policy run now.
func (r *rig) ask() crm.RetentionRun {
	r.t.Helper()
	run, err := r.store.AskRetention(r.t.Context(), r.policy(), r.now().Format("2006-01-02.150405"), "lena")
	if err != nil {
		r.t.Fatal(err)
	}
	return run
}

// reach waits until a run is in a state.
func (r *rig) reach(run crm.RetentionRun, state crm.RetentionState) crm.RetentionRun {
	r.t.Helper()
	r.until(func() string {
		var err error
		if run, err = r.store.RetentionRun(r.t.Context(), run.Policy, run.Day); err != nil {
			return err.Error()
		}
		return differ("state ("+run.Error+")", run.State, state)
	})
	return run
}

func (r *rig) hold(candidate string) {
	r.t.Helper()
	r.sql("insert into legal_holds (id, candidate_id, why, said_by, created_at) values ($1, $1, 'a claim', 'lena', $2)", candidate, r.now())
}

// holdOn places a hold as people do.
func (r *rig) holdOn(h crm.Hold) {
	r.t.Helper()
	h.Why, h.By = "a claim", "lena"
	if _, err := r.store.AddHold(r.t.Context(), h); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) retainer() *worker.Retainer {
	return &worker.Retainer{
		Store: r.store, Library: activities.NewLibrary(worker.Published(r.store), func(err error) { r.t.Error(err) }), Now: r.now,
		Span: func(d time.Duration) time.Duration { return d }, Page: 10, Log: slog.New(slog.DiscardHandler),
	}
}

// A run takes those whose time is over and nobody else, its workflow ends, and every one of them has a receipt.
func TestRetentionRun(t *testing.T) {
	t.Parallel()
	r := newRig(t, 0)
	r.apply(r.named(silent))
	r.crowd("old", 30, r.now().AddDate(-1, 0, 0))
	r.crowd("new", 20, r.now())
	r.hold("cnd_old" + strings.Repeat("0", 20) + "07")
	r.work()
	run := r.reach(r.ask(), crm.RetentionDone)
	if run.Total != 50 || run.Looked != 50 || run.Scope != 50 || run.Due != 29 || run.Taken != 29 || run.Kept[crm.KeptHold] != 1 || run.Kept[crm.KeptMaximum] != 20 {
		t.Errorf("the run is %+v", run)
	}
	if left, receipts := r.sql("select count(*) from candidates"), r.sql("select count(*) from erasures where rule = $1", "retention/"+r.policy()); left != 21 || receipts != 29 {
		t.Errorf("%d candidates are left, and there are %d receipts", left, receipts)
	}
	r.until(func() string {
		described, err := r.temporal.DescribeWorkflowExecution(t.Context(), run.Workflow, "")
		if err != nil {
			return err.Error()
		}
		return differ("workflow", described.GetWorkflowExecutionInfo().GetStatus(), enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED)
	})
	if again := r.reach(r.askDay(1), crm.RetentionDone); again.Due != 0 || again.Taken != 0 || again.Looked != 21 {
		t.Errorf("the second run is %+v", again)
	}
}

// askDay has the policy run as that of a later day.
func (r *rig) askDay(days int) crm.RetentionRun {
	r.t.Helper()
	run, err := r.store.AskRetention(r.t.Context(), r.policy(), r.now().AddDate(0, 0, days).Format(time.DateOnly), "lena")
	if err != nil {
		r.t.Fatal(err)
	}
	return run
}

// Temporal starts a run every day; a candidate is told, nothing happens until the day that the notice names, then they go.
func TestRetentionBySchedule(t *testing.T) {
	t.Parallel()
	r := newRig(t, 2*time.Second)
	r.apply(r.named(`
message: stay
channel: email
subject: "We remove your details on {{ retention.due | date: '%Y-%m-%d' }}"
body: "[Stay]({{ links.consent }})"
---
retention: POLICY
basis: GDPR Art. 5(1)(e)
daily: {at: "03:00", zone: Europe/London}
applies_to: candidate.status == "lead"
keep: {for: 8d, after: candidate.created_at}
notice: {before: 4d, email: stay, extend: 2y, on: consent.granted}
then: anonymize
`))
	told, stays := r.candidate("told"), r.candidate("stays")
	r.sql("delete from consents")
	r.work()
	var notice crm.Outgoing
	r.until(func() string {
		n := 0
		for _, m := range r.mailbox.all() {
			n++
			if m.To == "told@zebra.example" {
				notice = m
			}
		}
		return differ("notices", n, 2)
	})
	if !strings.Contains(notice.Text, "/p/"+told) {
		t.Errorf("the notice says %q", notice.Text)
	}
	r.event(stays, "consent.granted", "purpose", "news", "channels", []any{"email"}, "source", "the preference page", "wording", "Hear from us")
	r.until(func() string {
		return differ("receipts", r.sql("select count(*) from erasures where rule = $1 and mode = 'anonymize'", "retention/"+r.policy()), 1)
	})
	if n := r.sql("select count(*) from candidates where id = $1", stays); n != 1 {
		t.Error("who said yes is gone")
	}
	due, err := time.Parse(time.DateOnly, strings.TrimPrefix(notice.Subject, "We remove your details on "))
	if err != nil {
		t.Fatal(err)
	}
	if n := r.sql("select count(*) from erasures where at < $1", due); n != 0 {
		t.Errorf("they went before %s", due)
	}
	if sent := len(r.mailbox.all()); sent != 2 {
		t.Errorf("%d messages were sent", sent)
	}
}

// asking is a run that would take six of a hundred, more than its guard allows.
func (r *rig) asking() crm.RetentionRun {
	r.t.Helper()
	r.apply(r.named(guarded))
	r.crowd("old", 6, r.now().AddDate(-1, 0, 0))
	r.crowd("new", 94, r.now())
	r.work()
	return r.reach(r.ask(), crm.RetentionAsked)
}

// What would take more than its share asks first, does nothing until it is answered, and does what it is told.
func TestRetentionGuard(t *testing.T) {
	t.Parallel()
	r := newRig(t, 0)
	run := r.asking()
	if run.Due != 6 || run.Scope != 100 || run.Taken != 0 || r.sql("select count(*) from candidates") != 100 {
		t.Errorf("the run is %+v", run)
	}
	if err := r.store.EndRetention(t.Context(), run.Policy, run.Day, "", "lena"); err != nil {
		t.Fatal(err)
	}
	if run = r.reach(run, crm.RetentionStopped); run.DecidedBy != "lena" || r.sql("select count(*) from candidates") != 100 || r.sql("select count(*) from retention_acts") != 0 {
		t.Errorf("the run is %+v", run)
	}
	run = r.reach(r.askDay(1), crm.RetentionAsked)
	if err := r.store.ConfirmRetention(t.Context(), run.Policy, run.Day, "lena"); err != nil {
		t.Fatal(err)
	}
	if run = r.reach(run, crm.RetentionDone); run.Taken != 6 || r.sql("select count(*) from candidates") != 94 {
		t.Errorf("the run is %+v", run)
	}
	err := r.store.ConfirmRetention(t.Context(), run.Policy, run.Day, "lena")
	if crm.CodeOf(err) != crm.CodeConflict {
		t.Errorf("confirmed twice: %v", err)
	}
}

// A policy without a guard asks once, before its first run as it is written now does much.
func TestRetentionFirstRun(t *testing.T) {
	t.Parallel()
	r := newRig(t, 0)
	r.apply(r.named(unguarded))
	r.crowd("old", 30, r.now().AddDate(-1, 0, 0))
	r.crowd("new", 70, r.now())
	r.work()
	run := r.reach(r.ask(), crm.RetentionAsked)
	if !run.First || run.Due != 30 || run.Taken != 0 {
		t.Errorf("the run is %+v", run)
	}
	if err := r.store.EndRetention(t.Context(), run.Policy, run.Day, "", "lena"); err != nil {
		t.Fatal(err)
	}
	run = r.reach(r.askDay(1), crm.RetentionAsked) // one that was stopped is no answer
	if err := r.store.ConfirmRetention(t.Context(), run.Policy, run.Day, "lena"); err != nil {
		t.Fatal(err)
	}
	r.reach(run, crm.RetentionDone)
	r.crowd("late", 40, r.now().AddDate(-1, 0, 0))
	if run = r.reach(r.askDay(2), crm.RetentionDone); run.First || run.Taken != 40 {
		t.Errorf("the next run is %+v", run)
	}
	r.crowd("more", 40, r.now().AddDate(-1, 0, 0))
	r.apply(strings.ReplaceAll(r.named(unguarded), "for: 6mo", "for: 5mo"))
	if run = r.reach(r.askDay(3), crm.RetentionAsked); !run.First || run.Due != 40 {
		t.Errorf("after a change the run is %+v", run)
	}
}

// What arrives between the look at somebody and their turn counts: a hold, a change, another's erasure. So does a stop.
func TestRetentionDecidesAgain(t *testing.T) {
	t.Parallel()
	id := "cnd_old" + strings.Repeat("0", 21)
	for name, tc := range map[string]struct {
		arrives func(*rig, crm.RetentionRun)
		taken   int64
		left    int
		reason  string
		state   crm.RetentionState
	}{
		"nothing": {arrives: func(*rig, crm.RetentionRun) {}, taken: 3, state: crm.RetentionDone},
		"a hold":  {arrives: func(r *rig, _ crm.RetentionRun) { r.hold(id + "2") }, taken: 2, left: 1, reason: crm.KeptHold, state: crm.RetentionDone},
		"a hold on their role": {arrives: func(r *rig, _ crm.RetentionRun) {
			r.sql(`insert into applications (id, candidate_id, external_id, role, role_function, stage, status, reason, source, hiring_manager)
				values ('app_1', $1, 'A', 'NUR-7', '', '', 'rejected', '', '', '')`, id+"2")
			r.holdOn(crm.Hold{Role: "NUR-7"})
			r.dispatchOnly(id + "2") // what is told of it
		}, taken: 2, left: 1, reason: crm.KeptHold, state: crm.RetentionDone},
		"a hold by a condition": {arrives: func(r *rig, _ crm.RetentionRun) {
			r.sql("update candidates set city = 'Leeds' where id = $1", id+"2")
			r.holdOn(crm.Hold{Condition: `has(candidate.city) && candidate.city == "Leeds"`})
		}, taken: 2, left: 1, reason: crm.KeptHold, state: crm.RetentionDone},
		"a flag": {arrives: func(r *rig, _ crm.RetentionRun) {
			r.sql("update candidates set legal_hold = true where id = $1", id+"2")
		}, taken: 2, left: 1, reason: crm.KeptHold, state: crm.RetentionDone},
		"a status": {arrives: func(r *rig, _ crm.RetentionRun) {
			r.sql("update candidates set status = 'hired' where id = $1", id+"2")
		}, taken: 2, left: 1, reason: crm.KeptNoPolicy, state: crm.RetentionDone},
		"an application": {arrives: func(r *rig, _ crm.RetentionRun) {
			r.sql(`insert into applications (id, candidate_id, external_id, role, role_function, stage, status, reason, source, hiring_manager)
				values ('app_1', $1, 'A', 'R', '', '', 'open', '', '', '')`, id+"2")
		}, taken: 2, left: 1, reason: crm.KeptApplication, state: crm.RetentionDone},
		"a restriction": {
			arrives: func(r *rig, _ crm.RetentionRun) { r.restrict(id + "2") },
			taken:   2, left: 1, reason: crm.KeptRestricted, state: crm.RetentionDone,
		},
		"an erasure": {arrives: func(r *rig, _ crm.RetentionRun) {
			if _, err := r.store.Erase(r.t.Context(), crm.Erasure{Candidate: id + "2", Mode: crm.RetentionErase, Rule: "request", Reason: "request", By: "lena", At: r.now()}); err != nil {
				r.t.Fatal(err)
			}
		}, taken: 2, state: crm.RetentionDone},
		"a stop": {arrives: func(r *rig, run crm.RetentionRun) {
			if err := r.store.EndRetention(r.t.Context(), run.Policy, run.Day, "", "lena"); err != nil {
				r.t.Fatal(err)
			}
		}, left: 3, state: crm.RetentionStopped},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, 0)
			r.apply(r.named(silent))
			r.crowd("old", 3, r.now().AddDate(-1, 0, 0))
			retainer := r.retainer()
			run := r.ask()
			step := workflows.RetentionStep{Policy: r.policy(), Workflow: run.Workflow}
			retainer.Piece = time.Nanosecond // it looks, and acts when it is called again
			r.pieces(retainer, step, crm.RetentionActing)
			if n := r.sql("select count(*) from retention_acts"); n != 3 || r.sql("select count(*) from candidates") != 3 {
				t.Fatalf("%d acts", n)
			}
			tc.arrives(r, run)
			retainer.Piece = time.Minute
			r.pieces(retainer, step, tc.state)
			done, err := r.store.RetentionRun(t.Context(), run.Policy, run.Day)
			if err != nil {
				t.Fatal(err)
			}
			if left := r.sql("select count(*) from candidates"); done.Taken != tc.taken || left != tc.left || tc.reason != "" && done.Kept[tc.reason] != 1 {
				t.Errorf("%d are left of %+v", left, done)
			}
		})
	}
}

// pieces does a run without a workflow, until it is in a state.
func (r *rig) pieces(retainer *worker.Retainer, step workflows.RetentionStep, state crm.RetentionState) {
	r.t.Helper()
	r.until(func() string {
		p, err := retainer.Retain(r.t.Context(), step)
		if err != nil {
			r.t.Fatal(err)
		}
		return differ("state", r.stateOf(step.Workflow, p), state)
	})
}

func (r *rig) stateOf(workflow string, p workflows.RetentionProgress) crm.RetentionState {
	r.t.Helper()
	runs, err := r.store.RetentionRuns(r.t.Context(), store.RetentionFilter{})
	if err != nil || len(runs) != 1 || runs[0].Workflow != workflow {
		r.t.Fatalf("%v, %v after %+v", runs, err, p)
	}
	return runs[0].State
}

// Killed again and again, by stops of workers and by connections that break, a run takes exactly those whom it should, each once.
func TestRetentionKilled(t *testing.T) {
	t.Parallel()
	r := newRig(t, 0)
	r.apply(r.named(silent))
	r.crowd("old", 600, r.now().AddDate(-1, 0, 0))
	r.crowd("new", 1400, r.now())
	run := r.ask()
	stop := r.work()
	held := 0
	for deadline := time.Now().Add(90 * time.Second); ; {
		now, err := r.store.RetentionRun(t.Context(), run.Policy, run.Day)
		if err == nil && now.State == crm.RetentionDone {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("gave up: %+v %v", now, err)
		}
		time.Sleep(time.Duration(300+rand.IntN(600)) * time.Millisecond)
		if rand.IntN(4) == 0 {
			stop()
			stop = r.work()
			continue
		}
		if held < 5 { // of somebody who is still there, whoever that is
			held += r.sql(`select count(*) from (select id from candidates where external_id like 'old-%' and not legal_hold order by id desc limit 1) c`)
			r.sql(`update candidates set legal_hold = true where id = (select id from candidates where external_id like 'old-%' and not legal_hold order by id desc limit 1)`)
		}
		r.sql("select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = current_database() and application_name = 'rapport' and state <> 'idle'")
	}
	done, err := r.store.RetentionRun(t.Context(), run.Policy, run.Day)
	if err != nil {
		t.Fatal(err)
	}
	left := r.sql("select count(*) from candidates where external_id like 'old-%'")
	free := r.sql("select count(*) from candidates where external_id like 'old-%' and not legal_hold")
	fresh := r.sql("select count(*) from candidates where external_id like 'new-%'")
	receipts := r.sql("select count(*) from erasures")
	if free != 0 || fresh != 1400 || receipts != 600-left || done.Taken != int64(receipts) || done.Looked != 2000 {
		t.Errorf("%d are left, %d of them not held, %d new ones, %d receipts, and the run says %+v", left, free, fresh, receipts, done)
	}
	if names := r.sql("select count(distinct hash) from tombstones where kind = 'name'"); names != 2*receipts {
		t.Errorf("%d tombstones of names for %d receipts", names, receipts)
	}
	t.Logf("%d held, %d erased", left, receipts)
}
