package worker_test

import (
	"strings"
	"testing"

	enumspb "go.temporal.io/api/enums/v1"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
)

// rights publishes a workspace with the mails about requests.
func (r *rig) rights(text string) {
	r.t.Helper()
	r.apply(text)
	set, problems := dsl.Check([]dsl.File{{Path: "w", Text: []byte(strings.TrimSuffix(workspace, "---\n"))}}, nil)
	if set == nil || set.Workspace == nil {
		r.t.Fatal(problems)
	}
	if _, err := r.store.ApplyDefinitions(r.t.Context(), dsl.RequestMails(set.Workspace), r.now()); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) completed(workflow string) {
	r.t.Helper()
	r.until(func() string {
		described, err := r.temporal.DescribeWorkflowExecution(r.t.Context(), workflow, "")
		if err != nil {
			return err.Error()
		}
		return differ("the workflow", described.GetWorkflowExecutionInfo().GetStatus(), enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED)
	})
}

// A candidate asks for deletion: the known address is asked, and once it was them, everything is erased and the workflow ends.
func TestDeletionByRequest(t *testing.T) {
	t.Parallel()
	r := newRig(t, 0)
	r.rights("")
	r.work()
	c := r.candidate("quagga")
	request, _, err := r.store.OpenRequest(t.Context(), crm.PrivacyRequest{CandidateID: c, Kind: crm.RequestDeletion, Source: crm.SourcePreferencePage})
	if err != nil {
		t.Fatal(err)
	}
	r.until(func() string { return differ("mails", len(r.mailbox.all()), 1) })
	if mail := r.mailbox.all()[0]; !strings.Contains(mail.Text, "http://localhost/"+dsl.SequenceRequestConfirm+"/msg_") {
		t.Errorf("the mail says %s", mail.Text)
	}
	if _, err := r.store.VerifyRequest(t.Context(), request.ID, "msg_1"); err != nil {
		t.Fatal(err)
	}
	r.until(func() string {
		_, _, err := r.store.Candidate(t.Context(), c)
		return differ("the candidate", crm.CodeOf(err), crm.CodeNotFound)
	})
	r.completed(request.WorkflowID())
	if n := r.sql("select count(*) from erasures where rule = 'gdpr/art-17'"); n != 1 {
		t.Errorf("%d receipts", n)
	}
}

// A hold beats the request: it is refused on the ground that the law has for it, and the data is kept and not used.
func TestHoldBeatsDeletion(t *testing.T) {
	t.Parallel()
	r := newRig(t, 0)
	r.rights(`
sequence: nurture
purpose: news
enroll: {on: application.rejected}
steps:
  - id: hello
    email: {subject: Hello, body: Hello.}
`)
	r.work()
	c := r.candidate("quagga")
	if _, err := r.store.AddHold(t.Context(), crm.Hold{Condition: "!candidate.tags.exists(x, x == 'free')", Why: "a claim", By: "lena"}); err != nil {
		t.Fatal(err)
	}
	request, _, err := r.store.OpenRequest(t.Context(), crm.PrivacyRequest{CandidateID: c, Kind: crm.RequestDeletion, Source: "staff", VerifiedBy: "lena"})
	if err != nil {
		t.Fatal(err)
	}
	r.until(func() string {
		request, err = r.store.Request(t.Context(), request.ID)
		if err != nil {
			return err.Error()
		}
		return differ("the request", request.State, crm.RequestRefused)
	})
	if request.Ground != crm.RefusalClaims {
		t.Errorf("refused on %q", request.Ground)
	}
	r.completed(request.WorkflowID())
	candidate, _, err := r.store.Candidate(t.Context(), c)
	if err != nil || candidate.RestrictedAt.IsZero() {
		t.Fatalf("restricted at %v, %v", candidate.RestrictedAt, err)
	}
	r.event(c, "application.rejected")
	r.until(func() string {
		return differ("notes", r.sql("select count(*) from decisions where definition = 'nurture' and notes @> '[{\"reason\": \"restricted\"}]'"), 1)
	})
	if sent := r.mailbox.all(); len(sent) != 0 {
		t.Errorf("sent %v", sent)
	}
}
