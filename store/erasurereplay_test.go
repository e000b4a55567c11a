package store_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/store"
)

// logged takes what is to be written to the log outside the database, as it comes back from there.
func (b *bundle) logged(t *testing.T) []store.ErasureRecord {
	t.Helper()
	records, err := b.UnloggedErasures(t.Context(), 100)
	if err != nil {
		t.Fatal(err)
	}
	read := make([]store.ErasureRecord, len(records))
	for i := range records {
		line, err := records[i].Line()
		if err != nil {
			t.Fatal(err)
		}
		if text := string(line); strings.Contains(text, "ATS-") || strings.Contains(text, "xample.org") || strings.Contains(text, "+44") {
			t.Errorf("the log names somebody: %s", text)
		}
		if err := json.Unmarshal(line, &read[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.MarkErasuresLogged(t.Context(), records); err != nil {
		t.Fatal(err)
	}
	return read
}

// An older state of the database is restored, in which people are there who were erased since, one of them as two who were not merged
// yet, one under a hold that was lifted since.
func TestErasuresAreDoneAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	state := func() map[string]string {
		ids := map[string]string{}
		for _, name := range []string{"ATS-1", "ATS-2", "ATS-3", "ATS-4"} {
			ids[name] = b.candidate(t, name)
		}
		b.hold(t, ids["ATS-3"])
		b.enroll(t, ids["ATS-3"], "nurture")
		b.exec(t, "update enrollments set status = 'running'")
		return ids
	}
	ids := state()
	b.exec(t, "update legal_holds set lifted_at = now()")
	b.merge(t, "ATS-1", "ATS-2")
	b.erase(t, "ATS-2")
	b.erase(t, "ATS-3")
	log := b.logged(t)
	if again := b.logged(t); len(log) != 2 || len(again) != 0 {
		t.Fatalf("%d erasures are logged, then %d", len(log), len(again))
	}
	receipts, _, err := b.ListErasures(t.Context(), store.ErasureFilter{})
	if err != nil {
		t.Fatal(err)
	}

	b.exec(t, `truncate candidates, events, decisions, erasures, tombstones, erasure_jobs, suppressions cascade`)
	b.exec(t, "update erasure_chain set number = 0, head = ''")
	later := state()
	for name, id := range later { // they have the ids that they had then
		b.exec(t, "set session_replication_role = replica; update candidates set id = '"+ids[name]+"' where id = '"+id+"'; update contact_points set candidate_id = '"+ids[name]+
			"' where candidate_id = '"+id+"'; update enrollments set candidate_id = '"+ids[name]+"' where candidate_id = '"+id+"'; update events set candidate_id = '"+ids[name]+
			"' where candidate_id = '"+id+"'; update legal_holds set candidate_id = '"+ids[name]+"' where candidate_id = '"+id+"'")
	}
	for range 2 { // the second time there is nothing to do
		done, err := b.ReplayErasures(t.Context(), log)
		if want := 2 - 2*b.number(t, "select count(*) from settings where name = 'replayed'"); err != nil || done != want {
			t.Fatalf("did %d again, want %d, %v", done, want, err)
		}
		b.exec(t, "insert into settings values ('replayed', '') on conflict do nothing")
	}
	for _, name := range []string{"ATS-1", "ATS-2", "ATS-3"} {
		if _, _, err := b.Candidate(t.Context(), name); crm.CodeOf(err) != crm.CodeNotFound {
			t.Errorf("%s is there: %v", name, err)
		}
	}
	if c := b.read(t, "ATS-4"); c.ID != ids["ATS-4"] {
		t.Errorf("who was not erased is %+v", c)
	}
	restored, _, err := b.ListErasures(t.Context(), store.ErasureFilter{})
	if err != nil || len(restored) != 2 || string(restored[0].Receipt) != string(receipts[0].Receipt) || string(restored[1].Receipt) != string(receipts[1].Receipt) {
		t.Errorf("the receipts are %v, %v", restored, err)
	}
	if n := b.number(t, "select count(*) from suppressions where reason = 'erased'"); n < 4 {
		t.Errorf("%d addresses are suppressed", n)
	}
	if kinds := b.number(t, "select count(*) filter (where kind = 'run') * 10 + count(*) filter (where kind <> 'run') from erasure_jobs"); kinds != 10 {
		t.Errorf("jobs of runs and others: %d", kinds)
	}
	if again := b.logged(t); len(again) != 0 {
		t.Errorf("%d are to be logged again", len(again))
	}
	b.erase(t, "ATS-4")
	receipts, _, err = b.ListErasures(t.Context(), store.ErasureFilter{})
	if err != nil || len(receipts) != 3 || crm.VerifyChain(receipts, publicKey()) != nil {
		t.Errorf("after the next one the chain is %v, %v", crm.VerifyChain(receipts, publicKey()), err)
	}
}

func TestErasureJobs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.candidate(t, "ATS-1")
	b.enroll(t, id, "nurture")
	receipt := b.erase(t, id)
	take := func(n int) []crm.ErasureJob {
		jobs, err := b.TakeErasureJobs(t.Context(), b.now(), time.Minute, 10)
		if err != nil || len(jobs) != n {
			t.Fatalf("took %d jobs, want %d: %v", len(jobs), n, err)
		}
		return jobs
	}
	jobs := take(2)
	run, ats := jobs[0], jobs[1]
	if run.Kind != crm.ErasureRun || run.Payload.Workflow != "sequence/nurture/"+id+"/1" || run.Payload.Wake != 1 {
		t.Errorf("the first is %+v", run)
	}
	if p := ats.Payload; ats.Kind != crm.ErasureATS || p.ExternalID != "ATS-1" || p.Candidate != id || p.Mode != crm.RetentionErase {
		t.Errorf("the second is %+v", ats)
	}
	take(0) // whoever has them has them for a minute
	if err := b.FinishErasureJob(t.Context(), run.ID, "woken", b.now()); err != nil {
		t.Fatal(err)
	}
	if err := b.PostponeErasureJob(t.Context(), ats.ID, b.now().Add(time.Hour), false); err != nil {
		t.Fatal(err)
	}
	b.pass(30 * time.Minute)
	take(0)
	b.pass(30 * time.Minute)
	if again := take(1); again[0].Attempts != 2 || again[0].Passes != 0 {
		t.Errorf("it comes again as %+v", again[0])
	}
	b.exec(t, "update erasure_jobs set sealed = '\\x0102', not_before = $1 where finished_at is null", b.now())
	take(0)
	outcomes, err := b.ErasureOutcomes(t.Context(), receipt.ID)
	if err != nil || len(outcomes) != 2 || outcomes[0].Outcome != "locked" || outcomes[1].Outcome != "woken" {
		t.Errorf("the outcomes are %+v, %v", outcomes, err)
	}
	if n := b.number(t, "select count(*) from erasure_jobs where sealed is not null"); n != 0 {
		t.Errorf("%d finished jobs still hold something", n)
	}
}

func TestVacuumErased(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.erase(t, b.candidate(t, "ATS-1"))
	for i, want := range []bool{true, false} {
		if done, err := b.VacuumAfterErasures(t.Context()); err != nil || done != want {
			t.Errorf("time %d: %v, %v", i, done, err)
		}
	}
	for _, full := range []bool{false, true} {
		if err := b.VacuumErased(t.Context(), full); err != nil {
			t.Errorf("full %v: %v", full, err)
		}
	}
}
