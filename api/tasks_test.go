package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/crm"
)

// written creates a candidate and returns their id.
func (w *world) written(externalID string) string {
	w.t.Helper()
	var c api.WrittenCandidate
	w.call(http.MethodPost, "/v1/candidates", object{"external_id": externalID, "first_name": "Ana"}).want(201, &c)
	return c.ID
}

// dispatch dispatches a candidate's events, with what fill adds.
func (w *world) dispatch(candidate string, fill func(*crm.Inbox, *crm.Dispatched)) {
	w.t.Helper()
	done, err := w.store.Dispatch(w.t.Context(), candidate, func(in *crm.Inbox) (*crm.Dispatched, error) {
		out := &crm.Dispatched{}
		for i, e := range in.Events {
			e.Position = in.Position + int64(i) + 1
			out.Events = append(out.Events, e)
		}
		fill(in, out)
		return out, nil
	})
	if err != nil || !done {
		w.t.Fatal(done, err)
	}
}

// enrolled begins a run of a sequence in force for a new candidate.
func (w *world) enrolled(externalID, sequence string) (run string) {
	w.t.Helper()
	d, err := w.store.Definition(w.t.Context(), "sequence", sequence, "", 0)
	if err != nil {
		w.t.Fatal(err)
	}
	run = crm.NewID(crm.PrefixEnrollment, w.clock())
	w.dispatch(w.written(externalID), func(in *crm.Inbox, out *crm.Dispatched) {
		out.Enrollments = []crm.Enrollment{{
			ID: run, Definition: sequence, Hash: d.Hash, CandidateID: in.Candidate.ID, N: 1, Status: crm.EnrollmentStarting, StartedAt: w.clock(),
		}}
	})
	return run
}

// decided commits a decision of a run.
func (w *world) decided(run string, fill func(*crm.Facts, *crm.Decision)) {
	w.t.Helper()
	turn, err := w.store.Begin(w.t.Context(), run, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	defer turn.Rollback()
	d := &crm.Decision{EnrollmentID: run, Seq: turn.Facts().Enrollment.Seq + 1, At: w.clock(), Command: crm.CommandWait}
	fill(turn.Facts(), d)
	if err := turn.Commit(w.t.Context(), d); err != nil {
		w.t.Fatal(err)
	}
}

func TestTaskOutcomes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.call(http.MethodPut, "/v1/definitions", files(workspaceYAML, `sequence: nurses
purpose: talent-community
enroll: by hand
steps:
  - id: ring
    task: {title: Call, wait: true, timeout: 7d, outcomes: [reached, voicemail]}
  - id: note
    task: {title: Write it down}
`)).want(200, nil)
	run := w.enrolled("ATS-1", "nurses")
	w.decided(run, func(f *crm.Facts, d *crm.Decision) {
		for _, step := range []string{"ring", "note", "gone"} {
			d.Tasks = append(d.Tasks, crm.Task{
				ID: "tsk_" + step, CandidateID: f.Candidate.ID, EnrollmentID: run, Definition: "nurses", Step: step, Title: step, CreatedAt: d.At,
			})
		}
	})
	for name, outcome := range map[string]string{"another word": "done", "none": "", "the timeout": "timeout"} {
		p := w.call(http.MethodPost, "/v1/tasks/tsk_ring/complete", object{"outcome": outcome}).problem(422, api.CodeInvalid)
		if !strings.Contains(p.Next, "reached, voicemail") || len(p.Errors) != 1 || p.Errors[0].Location != "body.outcome" {
			t.Errorf("%s: the problem is %+v", name, p)
		}
	}
	w.call(http.MethodPost, "/v1/tasks/tsk_ring/complete", object{"outcome": "voicemail"}).want(204, nil)
	w.call(http.MethodPost, "/v1/tasks/tsk_note/complete", object{}).want(204, nil)
	w.call(http.MethodPost, "/v1/tasks/tsk_gone/complete", object{"outcome": "whatever"}).want(204, nil)
	var page api.Page[crm.Task]
	w.call(http.MethodGet, "/v1/tasks?state=done", nil).want(200, &page)
	ended := map[string]string{}
	for _, task := range page.Items {
		ended[task.Step] = task.Outcome
	}
	if diff := cmp.Diff(map[string]string{"ring": "voicemail", "note": "done", "gone": "whatever"}, ended); diff != "" {
		t.Errorf("tasks ended otherwise (-want +got):\n%s", diff)
	}
}
