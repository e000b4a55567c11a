package store_test

import (
	"testing"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/store"
)

func (b *bundle) request(t *testing.T, r crm.PrivacyRequest) crm.PrivacyRequest {
	t.Helper()
	r.Source = "staff"
	opened, duplicate, err := b.OpenRequest(t.Context(), r)
	if err != nil || duplicate {
		t.Fatalf("%v, duplicate %v", err, duplicate)
	}
	return opened
}

func (b *bundle) advance(t *testing.T, id string) crm.AdvancedRequest {
	t.Helper()
	r, err := b.AdvanceRequest(t.Context(), id, "privacy@north.example")
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// What needs no person is answered once it is known who asks, and not before.
func TestRequestsAreSettled(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		request    crm.PrivacyRequest
		state      crm.RequestState
		restricted bool
		revoked    int
		tasks      int
	}{
		"access":                     {crm.PrivacyRequest{Kind: crm.RequestAccess}, crm.RequestAnswered, false, 0, 0},
		"portability":                {crm.PrivacyRequest{Kind: crm.RequestPortability}, crm.RequestAnswered, false, 0, 0},
		"rectification":              {crm.PrivacyRequest{Kind: crm.RequestRectification, Wish: "My name is Anna."}, crm.RequestOpen, false, 0, 1},
		"restriction":                {crm.PrivacyRequest{Kind: crm.RequestRestriction}, crm.RequestAnswered, true, 0, 0},
		"objection to one purpose":   {crm.PrivacyRequest{Kind: crm.RequestObjection, Purpose: "news"}, crm.RequestAnswered, false, 2, 0},
		"objection to all":           {crm.PrivacyRequest{Kind: crm.RequestObjection}, crm.RequestOpen, true, 0, 1},
		"deletion is for the worker": {crm.PrivacyRequest{Kind: crm.RequestDeletion}, crm.RequestOpen, false, 0, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			test.request.CandidateID = b.candidate(t, "ATS-1", grant("news", crm.Email))
			b.pass(time.Minute)
			r := b.request(t, test.request)
			if got := b.advance(t, r.ID); got.State != crm.RequestVerifying {
				t.Fatalf("before it is known who asks, it is %s", got.State)
			}
			if _, err := b.VerifyRequest(t.Context(), r.ID, "msg_1"); err != nil {
				t.Fatal(err)
			}
			got := b.advance(t, r.ID)
			again := b.advance(t, r.ID)
			if got.State != test.state || again.State != test.state || got.Erases() != (test.request.Kind == crm.RequestDeletion) {
				t.Errorf("it is %s, then %s", got.State, again.State)
			}
			c, consents, err := b.Candidate(t.Context(), test.request.CandidateID)
			if err != nil || c.RestrictedAt.IsZero() == test.restricted {
				t.Errorf("restricted at %v, %v", c.RestrictedAt, err)
			}
			revoked := 0
			for _, x := range consents {
				if !x.Granted {
					revoked++
				}
			}
			if revoked != test.revoked {
				t.Errorf("%d consents are revoked", revoked)
			}
			if n := b.number(t, "select count(*) from tasks where state = 'open' and assignee = 'privacy@north.example'"); n != test.tasks {
				t.Errorf("%d tasks are open", n)
			}
		})
	}
}

// The privacy contact is reminded seven and two days before the date, and when it has passed; an extension moves all of that.
func TestRequestReminders(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.candidate(t, "ATS-1")
	r := b.request(t, crm.PrivacyRequest{CandidateID: id, Kind: crm.RequestRectification, Wish: "x", VerifiedBy: "lena"})
	open := func() (titles []string) {
		t.Helper()
		b.advance(t, r.ID)
		tasks, _, err := b.ListTasks(t.Context(), store.TaskFilter{Candidate: id, State: crm.TaskOpen})
		if err != nil {
			t.Fatal(err)
		}
		for i := range tasks {
			titles = append(titles, tasks[i].Title)
		}
		return titles
	}
	text := "nswer a request for rectification by 2026-12-02 (" + r.ID + ")"
	for _, step := range []struct {
		day   int
		title string
	}{{0, "A" + text}, {22, "A" + text}, {23, "7 days left: a" + text}, {28, "2 days left: a" + text}, {29, "2 days left: a" + text}} {
		b.set(start().AddDate(0, 0, step.day))
		if got := open(); len(got) != 1 || got[0] != step.title {
			t.Errorf("on day %d the tasks are %q", step.day, got)
		}
	}
	if _, err := b.ExtendRequest(t.Context(), r.ID, " "); crm.CodeOf(err) != crm.CodeInvalid {
		t.Errorf("extended without a reason: %v", err)
	}
	if _, err := b.ExtendRequest(t.Context(), r.ID, "Three systems have to be asked."); err != nil {
		t.Fatal(err)
	}
	if _, err := b.ExtendRequest(t.Context(), r.ID, "More."); crm.CodeOf(err) != crm.CodeConflict {
		t.Errorf("extended twice: %v", err)
	}
	text = "nswer a request for rectification by 2027-02-02 (" + r.ID + ")"
	if got := open(); len(got) != 1 || got[0] != "A"+text {
		t.Errorf("once extended the tasks are %q", got)
	}
	b.set(time.Date(2027, 2, 3, 0, 0, 0, 0, time.UTC))
	if got := open(); len(got) != 1 || got[0] != "Overdue: a"+text {
		t.Errorf("overdue the tasks are %q", got)
	}
	if _, err := b.AnswerRequest(t.Context(), r.ID, "", "lena"); crm.CodeOf(err) != crm.CodeInvalid {
		t.Errorf("answered without saying what has changed: %v", err)
	}
	if _, err := b.AnswerRequest(t.Context(), r.ID, "The name is Anna now.", "lena"); err != nil {
		t.Fatal(err)
	}
	if got := open(); len(got) != 0 {
		t.Errorf("once answered the tasks are %q", got)
	}
}

// A refusal has a ground that the law has for that kind; what was restricted meanwhile is used again, and of a deletion the data is restricted.
func TestRefusals(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.candidate(t, "ATS-1")
	deletion := b.request(t, crm.PrivacyRequest{CandidateID: id, Kind: crm.RequestDeletion})
	for _, ground := range []crm.RefusalCode{"", "no", crm.RefusalCompelling} {
		if _, err := b.RefuseRequest(t.Context(), deletion.ID, crm.Decline{Ground: ground, By: "lena"}); crm.CodeOf(err) != crm.CodeInvalid {
			t.Errorf("refused on %q: %v", ground, err)
		}
	}
	if _, err := b.AnswerRequest(t.Context(), deletion.ID, "Done.", "lena"); crm.CodeOf(err) != crm.CodeConflict {
		t.Errorf("a deletion was answered by words: %v", err)
	}
	objection := b.request(t, crm.PrivacyRequest{CandidateID: id, Kind: crm.RequestObjection, VerifiedBy: "lena"})
	b.advance(t, objection.ID)
	restricted := func() bool {
		t.Helper()
		c, _, err := b.Candidate(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		return !c.RestrictedAt.IsZero()
	}
	if !restricted() {
		t.Error("who objects is not restricted until it is decided")
	}
	if _, err := b.RefuseRequest(t.Context(), objection.ID, crm.Decline{Ground: crm.RefusalCompelling, By: "lena"}); err != nil || restricted() {
		t.Errorf("the objection is refused, restricted %v, %v", restricted(), err)
	}
	if _, err := b.RefuseRequest(t.Context(), deletion.ID, crm.Decline{Ground: crm.RefusalClaims, By: "lena"}); err != nil || !restricted() {
		t.Errorf("the deletion is refused, restricted %v, %v", restricted(), err)
	}
	if _, err := b.RefuseRequest(t.Context(), deletion.ID, crm.Decline{Ground: crm.RefusalClaims, By: "lena"}); crm.CodeOf(err) != crm.CodeConflict {
		t.Errorf("refused twice: %v", err)
	}
	if err := b.LiftRestriction(t.Context(), "ATS-1"); err != nil || restricted() {
		t.Errorf("lifted, restricted %v, %v", restricted(), err)
	}
	if err := b.LiftRestriction(t.Context(), "ATS-1"); crm.CodeOf(err) != crm.CodeConflict {
		t.Errorf("lifted twice: %v", err)
	}
}

// Asked twice is asked once, and the workflow of a request is told of every change but its own.
func TestRequestsAreWokenOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.candidate(t, "ATS-1")
	r := b.request(t, crm.PrivacyRequest{CandidateID: id, Kind: crm.RequestRectification, Wish: "x"})
	again, duplicate, err := b.OpenRequest(t.Context(), crm.PrivacyRequest{CandidateID: "ATS-1", Kind: crm.RequestRectification, Wish: "y"})
	if err != nil || !duplicate || again.ID != r.ID {
		t.Errorf("asked twice: %v, %v, %v", again.ID, duplicate, err)
	}
	unsent := func() []store.UnsentRequest {
		t.Helper()
		found, err := b.UnsentRequests(t.Context(), 10)
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	first := unsent()
	if len(first) != 1 || first[0].ID != r.ID || first[0].Wake != 1 {
		t.Fatalf("to be started are %+v", first)
	}
	if err := b.MarkRequestsSent(t.Context(), first); err != nil || len(unsent()) != 0 {
		t.Errorf("started, %v", err)
	}
	if _, err := b.VerifyRequest(t.Context(), r.ID, "lena"); err != nil || len(unsent()) != 1 {
		t.Errorf("a change is told %d times, %v", len(unsent()), err)
	}
	if got := b.advance(t, r.ID); got.Seen != 2 || len(unsent()) != 0 {
		t.Errorf("it has seen %d, and is told again: %v", got.Seen, unsent())
	}
	b.erase(t, id)
	if _, err := b.AdvanceRequest(t.Context(), r.ID, ""); crm.CodeOf(err) != crm.CodeNotFound {
		t.Errorf("after an erasure it says %v", err)
	}
}
