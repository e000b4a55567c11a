package worker_test

import (
	"strings"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/workflows"
)

// restrict has a candidate's data kept and not used, as they ask.
func (r *rig) restrict(candidate string) {
	r.t.Helper()
	request, _, err := r.store.OpenRequest(r.t.Context(), crm.PrivacyRequest{CandidateID: candidate, Kind: crm.RequestRestriction, Source: "staff", VerifiedBy: "lena"})
	if err != nil {
		r.t.Fatal(err)
	}
	if got, err := r.store.AdvanceRequest(r.t.Context(), request.ID, ""); err != nil || got.State != crm.RequestAnswered {
		r.t.Fatal(got.State, err)
	}
	r.dispatchOnly(candidate)
}

// Who asked for their data to be kept is left alone by policies (GDPR Art. 18), and whose deletion was refused is not. What the former
// asks for later counts: their deletion is done.
func TestRestrictionStopsPolicies(t *testing.T) {
	t.Parallel()
	r := newRig(t, 0)
	r.rights(r.named(silent))
	r.crowd("old", 3, r.now().AddDate(-1, 0, 0))
	id := "cnd_old" + strings.Repeat("0", 21)
	r.restrict(id + "1")
	refused := r.asksForDeletion(id + "2")
	if _, err := r.store.RefuseRequest(t.Context(), refused.ID, crm.Decline{Ground: crm.RefusalStillNeeded, By: "lena"}); err != nil {
		t.Fatal(err)
	}
	r.dispatchOnly(id + "2")
	r.work()
	run := r.reach(r.ask(), crm.RetentionDone)
	if run.Taken != 2 || run.Kept[crm.KeptRestricted] != 1 || r.sql("select count(*) from candidates where id = $1", id+"1") != 1 {
		t.Errorf("the run is %+v", run)
	}
	r.asksForDeletion(id + "1")
	r.gone(id + "1")
	if n := r.sql("select count(*) from erasures where rule = 'gdpr/art-17'"); n != 1 {
		t.Errorf("%d receipts", n)
	}
}

// stuck has the database refuse to delete a candidate, until it is undone.
func (r *rig) stuck(candidate string) (undo func()) {
	r.t.Helper()
	r.sql("create function refuse() returns trigger language plpgsql as $$ begin raise exception 'no'; end $$")
	r.sql("create trigger refuse before delete on candidates for each row when (old.id = '" + candidate + "') execute function refuse()")
	return func() { r.sql("drop trigger refuse on candidates") }
}

// Somebody whose turn fails each time holds up nobody. They are tried again after growing pauses, it can be seen, and the run is not done
// before they are.
func TestFailingTurnHoldsUpNobody(t *testing.T) {
	t.Parallel()
	r := newRig(t, 0)
	r.apply(r.named(silent))
	r.crowd("old", 45, r.now().AddDate(-1, 0, 0))
	undo := r.stuck("cnd_old" + strings.Repeat("0", 21) + "1") // who comes first
	r.work()
	run := r.ask()
	var now crm.RetentionRun
	r.until(func() string {
		var err error
		if now, err = r.store.RetentionRun(t.Context(), run.Policy, run.Day); err != nil {
			return err.Error()
		}
		return differ("taken", now.Taken, 44)
	})
	r.until(func() string {
		tries := r.sql("select coalesce(max(tries), 0) from retention_acts")
		if tries < 3 {
			return differ("tries", tries, 3)
		}
		return ""
	})
	now = r.reach(run, crm.RetentionActing)
	if now.Waiting != 1 || now.Error != "sqlstate_P0001" || now.Taken != 44 || !strings.Contains(now.Standing(), "sqlstate_P0001") {
		t.Errorf("the run is %+v", now)
	}
	if n := r.sql("select tries from retention_acts"); n > 6 { // pauses of 1, 2, 4 and 8 seconds come before
		t.Errorf("%d tries in some seconds", n)
	}
	undo()
	done := r.reach(run, crm.RetentionDone)
	if done.Taken != 45 || done.Waiting != 0 || done.Error != "" || r.sql("select count(*) from candidates") != 0 {
		t.Errorf("the run is %+v", done)
	}
}

// A run that only waits for somebody whose turn fails gives way to the next one, which finds them again.
func TestFailingTurnGivesWayToTheNextRun(t *testing.T) {
	t.Parallel()
	r := newRig(t, 0)
	r.apply(r.named(silent))
	r.crowd("old", 3, r.now().AddDate(-1, 0, 0))
	undo := r.stuck("cnd_old" + strings.Repeat("0", 21) + "2")
	retainer := r.retainer()
	run := r.ask()
	step := workflows.RetentionStep{Policy: run.Policy, Workflow: run.Workflow}
	r.until(func() string { // a page of nobody but them is an error
		_, err := retainer.Retain(t.Context(), step)
		return differ("it is an error of theirs", err != nil && strings.Contains(err.Error(), "sqlstate_P0001"), true)
	})
	if now := r.reach(run, crm.RetentionActing); now.Taken != 2 || now.Waiting != 1 || now.Error != "sqlstate_P0001" {
		t.Errorf("the run is %+v", now)
	}
	retainer.Now = func() time.Time { return r.now().Add(24 * time.Hour) }
	r.pieces(retainer, step, crm.RetentionStopped)
	if now := r.reach(run, crm.RetentionStopped); now.Error != "sqlstate_P0001" || r.sql("select count(*) from retention_acts") != 0 {
		t.Errorf("the run is %+v", now)
	}
	undo()
	r.work()
	if next := r.reach(r.askDay(1), crm.RetentionDone); next.Taken != 1 || r.sql("select count(*) from candidates") != 0 {
		t.Errorf("the next run is %+v", next)
	}
}
