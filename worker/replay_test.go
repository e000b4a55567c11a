package worker_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/temporalproto"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/workflows"
)

//nolint:gochecknoglobals // a flag of the test
var record = flag.Bool("record", false, "record the histories that TestReplay replays anew")

// TestReplay replays the histories of runs that earlier versions of the workflow made: what is running in production must go
// on. Histories are only added, by `go test ./worker -run TestRecord -record` after a change of what a run does.
func TestReplay(t *testing.T) {
	t.Parallel()
	histories, err := filepath.Glob("testdata/history/*.json")
	if err != nil || len(histories) == 0 {
		t.Fatalf("no histories: %v", err)
	}
	for _, path := range histories {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			replayer := worker.NewWorkflowReplayer()
			for name, run := range map[string]any{
				workflows.SequenceType: workflows.Sequence, workflows.InterviewType: workflows.Sequence,
				workflows.RetentionType: workflows.Retention, workflows.RequestType: workflows.Request,
			} {
				replayer.RegisterWorkflowWithOptions(run, workflow.RegisterOptions{Name: name})
			}
			if err := replayer.ReplayWorkflowHistoryFromJSONFile(nil, path); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestRecord records the histories of runs that take every path through the workflows: a wake-up, a kept and a new timer, an
// outage, an end; a run of a retention policy that asks, and a request that waits.
func TestRecord(t *testing.T) {
	t.Parallel()
	if !*record {
		t.Skip("run with -record")
	}
	t.Run("click", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, 0)
		r.apply(waitForClick)
		r.work()
		c := r.candidate("click")
		r.event(c, "application.rejected")
		run := r.waiting(c)
		r.change("click", crm.Candidate{Status: "applicant"}) // wakes, and changes nothing
		r.until(func() string {
			if r.run(c).Seq == run.Seq {
				return "not woken"
			}
			return ""
		})
		r.click(c)
		r.ended(c, "clicked")
		r.save(run.WorkflowID(), "click")
	})
	t.Run("outage", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, 100*time.Millisecond)
		r.apply(waitForClick)
		r.work()
		c := r.candidate("outage")
		r.event(c, "application.rejected")
		run := r.waiting(c)
		r.sql(`alter table enrollments rename to enrollments_away`)
		time.Sleep(4 * time.Second)
		r.sql(`alter table enrollments_away rename to enrollments`)
		r.ended(c, "completed")
		r.save(run.WorkflowID(), "outage")
	})
	t.Run("interview", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, 3*time.Second)
		c := r.picked()
		r.meeting(c, "talks", crm.MeetingCompleted)
		run := r.runOf(c, "talks")
		r.save(run.WorkflowID(), "interview")
	})
	t.Run("retention", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, 0)
		run := r.asking()
		time.Sleep(2 * time.Second) // it waits for an answer
		if err := r.store.ConfirmRetention(t.Context(), run.Policy, run.Day, "lena"); err != nil {
			t.Fatal(err)
		}
		r.reach(run, crm.RetentionDone)
		r.save(run.Workflow, "retention")
	})
	t.Run("request", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, 0)
		r.rights("")
		r.work()
		request, _, err := r.store.OpenRequest(t.Context(), crm.PrivacyRequest{CandidateID: r.candidate("quagga"), Kind: crm.RequestDeletion, Source: crm.SourcePreferencePage})
		if err != nil {
			t.Fatal(err)
		}
		r.until(func() string { return differ("mails", len(r.mailbox.all()), 1) })
		time.Sleep(2 * time.Second) // it waits until it is known who asks
		if _, err := r.store.VerifyRequest(t.Context(), request.ID, "msg_1"); err != nil {
			t.Fatal(err)
		}
		r.save(request.WorkflowID(), "request")
	})
}

func (r *rig) save(workflowID, name string) {
	r.t.Helper()
	r.until(func() string {
		d, err := r.temporal.DescribeWorkflowExecution(r.t.Context(), workflowID, "")
		if err != nil {
			return err.Error()
		}
		if d.GetWorkflowExecutionInfo().GetCloseTime() == nil {
			return "still running"
		}
		return ""
	})
	var history historypb.History
	events := r.temporal.GetWorkflowHistory(r.t.Context(), workflowID, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		e, err := events.Next()
		if err != nil {
			r.t.Fatal(err)
		}
		history.Events = append(history.Events, e)
	}
	text, err := temporalproto.CustomJSONMarshalOptions{Indent: " "}.Marshal(&history)
	if err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join("testdata", "history", name+".json"), text, 0o600); err != nil {
		r.t.Fatal(err)
	}
}
