package worker_test

import (
	"strings"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/dsl/phrases"
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

// gone waits until a candidate is erased.
func (r *rig) gone(candidate string) {
	r.t.Helper()
	r.until(func() string {
		_, _, err := r.store.Candidate(r.t.Context(), candidate)
		return differ("the candidate", crm.CodeOf(err), crm.CodeNotFound)
	})
}

// asksForDeletion opens a request of which it is known who asks.
func (r *rig) asksForDeletion(candidate string) crm.PrivacyRequest {
	r.t.Helper()
	request, _, err := r.store.OpenRequest(r.t.Context(), crm.PrivacyRequest{CandidateID: candidate, Kind: crm.RequestDeletion, Source: "staff", VerifiedBy: "lena"})
	if err != nil {
		r.t.Fatal(err)
	}
	return request
}

// refused waits until a request is refused.
func (r *rig) refused(request crm.PrivacyRequest) crm.PrivacyRequest {
	r.t.Helper()
	r.until(func() string {
		var err error
		if request, err = r.store.Request(r.t.Context(), request.ID); err != nil {
			return err.Error()
		}
		return differ("the request", request.State, crm.RequestRefused)
	})
	return request
}

// lastMail waits for a number of mails, and returns the last.
func (r *rig) lastMail(n int) crm.Outgoing {
	r.t.Helper()
	r.until(func() string { return differ("mails", len(r.mailbox.all()), n) })
	return r.mailbox.all()[n-1]
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
	r.gone(c)
	mails := r.mailbox.all()
	if last := mails[len(mails)-1]; len(mails) != 2 || last.To != "quagga@zebra.example" || !strings.Contains(last.Text, "We are deleting your data now") {
		t.Errorf("they are told before it is done: %+v", mails)
	}
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
	hold, err := r.store.AddHold(t.Context(), crm.Hold{Condition: "!candidate.tags.exists(x, x == 'free')", Why: "a claim", By: "lena"})
	if err != nil {
		t.Fatal(err)
	}
	request := r.refused(r.asksForDeletion(c))
	if request.Ground != crm.RefusalClaims || !request.KeptUntil.IsZero() || request.AgainAt.IsZero() {
		t.Errorf("refused: %+v", request)
	}
	mail := r.lastMail(1)
	for _, words := range []string{"Article 17(3)(e)", "complain to a data protection authority", "Article 77", "Article 79", "not used for anything else", "need not ask again", request.ID} {
		if !strings.Contains(mail.Text, words) {
			t.Errorf("the refusal does not say %q:\n%s", words, mail.Text)
		}
	}
	if strings.Contains(mail.Text, "a claim") {
		t.Error("the candidate is told why there is a hold")
	}
	candidate, _, err := r.store.Candidate(t.Context(), c)
	if err != nil || candidate.RestrictedAt.IsZero() {
		t.Fatalf("restricted at %v, %v", candidate.RestrictedAt, err)
	}
	r.event(c, "application.rejected")
	r.until(func() string {
		return differ("notes", r.sql("select count(*) from decisions where definition = 'nurture' and notes @> '[{\"reason\": \"restricted\"}]'"), 1)
	})
	if sent := r.mailbox.all(); len(sent) != 1 {
		t.Errorf("sent %v", sent)
	}
	if _, err := r.store.LiftHold(t.Context(), hold.ID, "lena", r.now()); err != nil {
		t.Fatal(err)
	}
	r.gone(c) // it was not forgotten
	if last := r.lastMail(2); !strings.Contains(last.Text, "We are deleting your data now") {
		t.Errorf("the last mail says:\n%s", last.Text)
	}
	r.completed(request.WorkflowID())
}

// A law that has the data kept refuses a deletion until it ends (GDPR Art. 17(3)(b)). The candidate is told, the data is kept and not used,
// and then it goes without being asked for again.
func TestMinimumDefersDeletion(t *testing.T) {
	t.Parallel()
	r := newRig(t, time.Second)
	r.rights(r.named(`
retention: POLICY
basis: 29 CFR 1602.14
daily: {at: "03:00", zone: Europe/London}
applies_to: candidate.status == "lead"
keep: {at_least: 15d, after: candidate.created_at}
`))
	c := r.candidate("quagga")
	r.sql("update candidates set locale = 'de'")
	london, err := time.LoadLocation("Europe/London")
	if err != nil {
		t.Fatal(err)
	}
	created, _, err := r.store.Candidate(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	r.work()
	request := r.refused(r.asksForDeletion(c))
	until := created.CreatedAt.AddDate(0, 0, 15)
	if request.Ground != crm.RefusalObligation || !request.KeptUntil.Equal(until) || request.KeptBy != "29 CFR 1602.14" || !request.AgainAt.Equal(until) {
		t.Errorf("refused: %+v", request)
	}
	mail := r.lastMail(1)
	for _, words := range []string{"Artikel 17(3)(b)", "29 CFR 1602.14", phrases.MustOpen().In("de").Date(until.In(london)), "Datenschutzaufsichtsbehörde", "Artikel 79", "nicht noch einmal darum bitten"} {
		if !strings.Contains(mail.Text, words) {
			t.Errorf("the refusal does not say %q:\n%s", words, mail.Text)
		}
	}
	if candidate, _, err := r.store.Candidate(t.Context(), c); err != nil || candidate.RestrictedAt.IsZero() {
		t.Fatalf("restricted at %v, %v", candidate.RestrictedAt, err)
	}
	r.gone(c)
	if now := r.now(); now.Before(until) {
		t.Errorf("gone at %v, before %v", now, until)
	}
	if last := r.lastMail(2); !strings.Contains(last.Text, "Wir löschen jetzt Ihre Daten") {
		t.Errorf("the last mail says:\n%s", last.Text)
	}
	r.completed(request.WorkflowID())
	if n := r.sql("select count(*) from erasures where rule = 'gdpr/art-17'"); n != 1 {
		t.Errorf("%d receipts", n)
	}
}
