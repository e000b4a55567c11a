package store_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/crm"
)

// apply gives a candidate an application.
func (b *bundle) application(t *testing.T, candidateID, externalID string) string {
	t.Helper()
	id := crm.NewID(crm.PrefixApplication, b.now())
	b.exec(t, `insert into applications (id, candidate_id, external_id, role, role_function, stage, status, reason, source)
		values ($1, $2, $3, '', '', '', 'open', '', '')`, id, candidateID, externalID)
	return id
}

// steps has a run take steps and plan a message at the last of them.
func (b *bundle) steps(t *testing.T, run string, n int) (message string) {
	t.Helper()
	d := b.decide(t, run, func(f *crm.Facts, d *crm.Decision) {
		d.Progress.Steps = map[string]crm.StepState{}
		for i := range n {
			d.Progress.Steps[fmt.Sprint("s", i)] = crm.StepState{Occurrence: 1, Position: f.Position}
		}
		d.Messages = []crm.Message{intent(f, d, "hello", crm.Email)}
	})
	return d.Messages[0].ID
}

func TestMergeSameSequence(t *testing.T) {
	t.Parallel()
	type side struct {
		steps       int
		application string
		ending      string
	}
	for name, tc := range map[string]struct {
		into, from side
		later      bool   // the survivor's run began later
		ends       string // whose run is asked to end as merged
	}{
		"the survivor's is further":         {into: side{steps: 2}, from: side{steps: 1}, later: true, ends: "from"},
		"the other's is further":            {into: side{steps: 1}, from: side{steps: 2}, ends: "into"},
		"as far, the survivor's was first":  {into: side{steps: 1}, from: side{steps: 1}, ends: "from"},
		"as far, the other's was first":     {into: side{steps: 1}, from: side{steps: 1}, later: true, ends: "into"},
		"the further one is ending":         {into: side{steps: 2, ending: "left"}, from: side{steps: 1}},
		"the other's further one is ending": {into: side{steps: 1}, from: side{steps: 2, ending: "stopped"}},
		"for two applications":              {into: side{steps: 1, application: "APP-1"}, from: side{steps: 2, application: "APP-2"}},
		"for the same application":          {into: side{steps: 1, application: "APP-1"}, from: side{steps: 2, application: "APP-1"}, ends: "into"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			ids := map[string]string{"into": b.candidate(t, "ATS-1"), "from": b.candidate(t, "ATS-2")}
			order := []string{"into", "from"}
			if tc.later {
				slices.Reverse(order)
			}
			runs, messages, applications := map[string]string{}, map[string]string{}, map[string]string{}
			for _, who := range order {
				s := map[string]side{"into": tc.into, "from": tc.from}[who]
				runs[who] = b.enroll(t, ids[who], "nurture")
				if s.application != "" {
					applications[who] = b.application(t, ids[who], s.application)
				}
				b.exec(t, "update enrollments set application_id = nullif($2, ''), ending = $3 where id = $1", runs[who], applications[who], s.ending)
				messages[who] = b.steps(t, runs[who], s.steps)
				b.pass(time.Minute)
			}
			b.merge(t, ids["from"], ids["into"])
			for who, run := range runs {
				r, m, before := b.run(t, run), b.message(t, messages[who]), map[string]side{"into": tc.into, "from": tc.from}[who]
				wantEnding, wantState := before.ending, crm.MessagePlanned
				if who == tc.ends {
					wantEnding, wantState = crm.OutcomeMerged, crm.MessageCancelled
				}
				if r.Ending != wantEnding || m.State != wantState || !r.Open() || r.CandidateID != ids["into"] || m.CandidateID != ids["into"] {
					t.Errorf("the run of %s: ending %q, its message is %s; want %q, %s", who, r.Ending, m.State, wantEnding, wantState)
				}
				if r.Wake <= r.WakeSent {
					t.Errorf("the run of %s is not woken", who)
				}
			}
			if from, into := b.run(t, runs["from"]), b.run(t, runs["into"]); from.N != 2 || into.N != 1 || from.WorkflowID() != "sequence/nurture/"+ids["from"]+"/1" || into.WorkflowID() != "sequence/nurture/"+ids["into"]+"/1" {
				t.Errorf("runs %d and %d, %s and %s", from.N, into.N, from.WorkflowID(), into.WorkflowID())
			}
			if tc.from.application == "APP-1" {
				if r := b.run(t, runs["from"]); r.ApplicationID != applications["into"] {
					t.Errorf("the run is about %s, want the survivor's application", r.ApplicationID)
				}
			}
		})
	}
}

// What is told of runs that came along names the workflow that they really have.
func TestMergedRunsAreSignalled(t *testing.T) {
	t.Parallel()
	b := setup(t)
	from, into := b.candidate(t, "ATS-1"), b.candidate(t, "ATS-2")
	run := b.enroll(t, from, "nurture")
	message := b.steps(t, run, 1)
	third := b.candidate(t, "ATS-3")
	b.merge(t, from, into)
	b.merge(t, into, third)
	const want = "sequence/nurture/"
	wakes, err := b.Unsignalled(t.Context(), 10)
	if err != nil || len(wakes) != 1 || wakes[0].WorkflowID != want+from+"/1" || wakes[0].CandidateID != third {
		t.Errorf("to signal: %+v, %v", wakes, err)
	}
	entries, _, err := b.Timeline(t.Context(), third, 100, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.EnrollmentID == run && e.WorkflowID != want+from+"/1" {
			t.Errorf("the %s names the workflow %q", e.Kind, e.WorkflowID)
		}
	}
	if claims := b.claimAll(t); len(claims) != 1 || claims[0].Message.ID != message || claims[0].Facts.Candidate.ID != third {
		t.Errorf("claimed %+v", claims)
	}
	again := b.enroll(t, third, "another")
	if r := b.run(t, again); r.WorkflowID() != "sequence/another/"+third+"/2" { // the fixture counts all runs
		t.Errorf("a new run has the workflow %s", r.WorkflowID())
	}
}

// The dispatcher gets to know when the last run ended and which number comes next, also where these are two runs.
func TestMergedHistoryOfRuns(t *testing.T) {
	t.Parallel()
	b := setup(t)
	from, into := b.candidate(t, "ATS-1"), b.candidate(t, "ATS-2")
	end := func(run string) {
		b.decide(t, run, func(_ *crm.Facts, d *crm.Decision) { d.Command, d.Outcome = crm.CommandExit, crm.OutcomeCompleted })
	}
	end(b.enroll(t, from, "nurture"))
	b.pass(time.Hour)
	end(b.enroll(t, into, "nurture"))
	b.merge(t, from, into)
	var runs []string
	b.dispatch(t, into, func(in *crm.Inbox) (*crm.Dispatched, error) {
		for _, r := range in.Runs {
			runs = append(runs, fmt.Sprint(r.N, " ", r.ClosedAt.Sub(start())))
		}
		return positions(in), nil
	})
	if got := strings.Join(runs, ", "); got != "1 1h0m0s, 2 0s" {
		t.Errorf("the runs are %s", got)
	}
}

// belongings are the tables whose rows belong to a candidate: whoever adds one decides what a merge does with it.
func TestMergeLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ids := []string{b.candidate(t, "ATS-1", grant("news", crm.Email)), b.candidate(t, "ATS-2", grant("jobs", crm.Email))}
	for i, id := range ids {
		run := b.enroll(t, id, fmt.Sprint("seq", i))
		b.application(t, id, "APP-1")
		b.decide(t, run, func(f *crm.Facts, d *crm.Decision) {
			d.Messages = []crm.Message{intent(f, d, "hello", crm.Email)}
			d.Tasks = []crm.Task{{ID: crm.NewID(crm.PrefixTask, d.At), CandidateID: id, EnrollmentID: run, Title: "Call", CreatedAt: d.At}}
			d.Notes = []crm.Note{{Kind: crm.NoteTask}}
			d.Change = &crm.CandidateChange{Enter: []string{"evening", fmt.Sprint("pool", i)}}
		})
		if _, _, err := b.AddNote(t.Context(), crm.Remark{CandidateID: id, Kind: crm.RemarkCall, Text: "x", At: b.now()}); err != nil {
			t.Fatal(err)
		}
		b.hold(t, id)
		b.exec(t, "insert into retention_runs (policy, day, hash, workflow_id, state, at) values ('leads', '2026-11-22', '', 'w', 'acting', $1) on conflict do nothing", b.now())
		b.exec(t, "insert into retention_acts (policy, day, candidate_id, not_before) values ('leads', '2026-11-22', $1, $2)", id, b.now())
		b.exec(t, `insert into retention_notices (message_id, policy, candidate_id, until, due) select id, 'leads', candidate_id, $2, $2
			from messages where candidate_id = $1`, id, b.now())
		b.request(t, crm.PrivacyRequest{CandidateID: id, Kind: crm.RequestAccess})
		if err := b.Audit(t.Context(), read(id)); err != nil {
			t.Fatal(err)
		}
	}
	b.merge(t, "ATS-2", "ATS-1")
	rows := map[string]int{ // the survivor's; of what both have once: one
		"aliases": 2, "applications": 1, "audit_openings": 8, "consents": 2, "contact_points": 2, "decisions": 2, "enrollments": 2, "events": 11, "legal_holds": 2, "messages": 2, "notes": 2,
		"pool_members": 3, "privacy_requests": 1, "retention_acts": 1, "retention_notices": 2, "tasks": 2,
	}
	tables := b.number(t, "select count(*) from information_schema.columns where column_name = 'candidate_id' and table_schema = 'public'")
	if tables != len(rows) {
		t.Errorf("%d tables have a candidate_id, and a merge knows %d", tables, len(rows))
	}
	got := map[string]int{}
	for table := range rows {
		if n := b.number(t, "select count(*) from "+table+" where candidate_id = $1", ids[1]); n != 0 {
			t.Errorf("%s: %d rows of the one who is gone", table, n)
		}
		got[table] = b.number(t, "select count(*) from "+table+" where candidate_id = $1", ids[0])
	}
	if diff := cmp.Diff(rows, got); diff != "" {
		t.Errorf("rows of the survivor (-want +got):\n%s", diff)
	}
	b.decide(t, b.enroll(t, ids[0], "third"), func(f *crm.Facts, _ *crm.Decision) {
		if len(f.Sends) != 2 || len(f.Applications) != 1 || len(f.Pools) != 3 {
			t.Errorf("the caps count %+v; applications %+v; pools %v", f.Sends, f.Applications, f.Pools)
		}
	})
}

// Either all of a merge happens or nothing: here its very last write fails.
func TestMergeIsOneTransaction(t *testing.T) {
	t.Parallel()
	b := setup(t)
	from, into := b.candidate(t, "ATS-1", grant("news", crm.Email)), b.candidate(t, "ATS-2")
	run := b.enroll(t, from, "nurture")
	message := b.steps(t, run, 1)
	b.exec(t, `create function refuse() returns trigger language plpgsql as $$ begin raise exception 'no'; end $$`)
	b.exec(t, "create trigger refuse before insert on events for each row when (new.type = 'candidate.merged') execute function refuse()")
	before := b.run(t, run)
	if _, err := b.Merge(t.Context(), from, into, "maya", b.now(), nil); err == nil {
		t.Fatal("merged")
	}
	if diff := cmp.Diff(before, b.run(t, run)); diff != "" {
		t.Errorf("the run has changed:\n%s", diff)
	}
	if m, c := b.message(t, message), b.read(t, "ATS-1"); m.CandidateID != from || m.State != crm.MessagePlanned || c.ID != from {
		t.Errorf("the message is of %s, ATS-1 is %s", m.CandidateID, c.ID)
	}
	b.exec(t, "drop trigger refuse on events")
	b.merge(t, from, into)
	if r := b.run(t, run); r.CandidateID != into {
		t.Errorf("after the second attempt the run is of %s", r.CandidateID)
	}
}
