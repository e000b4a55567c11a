package store_test

import (
	"testing"
	"time"

	"github.com/rapport-crm/rapport/crm"
)

// Policies keep away from data that is restricted because the candidate asked for it, for as long as it lasts, and from no other.
func TestCasesKnowWhoAskedForRestriction(t *testing.T) {
	t.Parallel()
	ask := func(t *testing.T, b *bundle, id string, kind crm.RequestKind) crm.PrivacyRequest {
		t.Helper()
		b.pass(time.Minute)
		return b.request(t, crm.PrivacyRequest{CandidateID: id, Kind: kind, VerifiedBy: "lena"})
	}
	settled := func(t *testing.T, b *bundle, id string, kind crm.RequestKind) crm.PrivacyRequest {
		t.Helper()
		r := ask(t, b, id, kind)
		b.pass(time.Minute)
		return b.advance(t, r.ID).PrivacyRequest
	}
	refuse := func(t *testing.T, b *bundle, r crm.PrivacyRequest, ground crm.RefusalCode) {
		t.Helper()
		if _, err := b.RefuseRequest(t.Context(), r.ID, crm.Decline{Ground: ground, By: "lena"}); err != nil {
			t.Fatal(err)
		}
	}
	lift := func(t *testing.T, b *bundle, id string) {
		t.Helper()
		b.pass(time.Minute)
		if err := b.LiftRestriction(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	for name, tc := range map[string]struct {
		does func(t *testing.T, b *bundle, id string)
		want bool
	}{
		"nobody asked": {does: func(*testing.T, *bundle, string) {}},
		"it is not known who asks": {does: func(t *testing.T, b *bundle, id string) {
			t.Helper()
			b.request(t, crm.PrivacyRequest{CandidateID: id, Kind: crm.RequestRestriction})
		}},
		"about to be restricted": {want: true, does: func(t *testing.T, b *bundle, id string) {
			t.Helper()
			ask(t, b, id, crm.RequestRestriction)
		}},
		"restricted": {want: true, does: func(t *testing.T, b *bundle, id string) {
			t.Helper()
			settled(t, b, id, crm.RequestRestriction)
		}},
		"restricted before for another reason": {want: true, does: func(t *testing.T, b *bundle, id string) {
			t.Helper()
			refuse(t, b, ask(t, b, id, crm.RequestDeletion), crm.RefusalStillNeeded)
			settled(t, b, id, crm.RequestRestriction)
		}},
		"lifted": {does: func(t *testing.T, b *bundle, id string) {
			t.Helper()
			settled(t, b, id, crm.RequestRestriction)
			lift(t, b, id)
		}},
		"lifted, and a deletion refused": {does: func(t *testing.T, b *bundle, id string) {
			t.Helper()
			settled(t, b, id, crm.RequestRestriction)
			lift(t, b, id)
			refuse(t, b, ask(t, b, id, crm.RequestDeletion), crm.RefusalStillNeeded)
		}},
		"a deletion refused": {does: func(t *testing.T, b *bundle, id string) {
			t.Helper()
			refuse(t, b, ask(t, b, id, crm.RequestDeletion), crm.RefusalStillNeeded)
		}},
		"an objection undecided": {want: true, does: func(t *testing.T, b *bundle, id string) {
			t.Helper()
			settled(t, b, id, crm.RequestObjection)
		}},
		"an objection refused": {does: func(t *testing.T, b *bundle, id string) {
			t.Helper()
			refuse(t, b, settled(t, b, id, crm.RequestObjection), crm.RefusalCompelling)
		}},
		"an objection to one purpose": {does: func(t *testing.T, b *bundle, id string) {
			t.Helper()
			b.advance(t, b.request(t, crm.PrivacyRequest{CandidateID: id, Kind: crm.RequestObjection, Purpose: "news", VerifiedBy: "lena"}).ID)
		}},
		"merged with one restricted since later": {want: true, does: func(t *testing.T, b *bundle, id string) {
			t.Helper()
			settled(t, b, id, crm.RequestRestriction)
			other := b.candidate(t, "ATS-9")
			refuse(t, b, ask(t, b, other, crm.RequestDeletion), crm.RefusalStillNeeded)
			b.merge(t, other, id)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			id, another := b.candidate(t, "ATS-1"), b.candidate(t, "ATS-2")
			tc.does(t, b, id)
			for of, want := range map[string]bool{id: tc.want, another: false} {
				if c, err := b.RetentionCase(t.Context(), of, nil); err != nil || c.Restricted != want {
					t.Errorf("%s: restricted is %v, %v", of, c.Restricted, err)
				}
			}
		})
	}
}

// A turn that failed comes again after pauses that grow, behind those whose turn has not come, and is never given up.
func TestFailedTurnsComeAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first, second := b.candidate(t, "ATS-1"), b.candidate(t, "ATS-2")
	turn := b.turn(t, b.Store, first)
	b.exec(t, "insert into retention_acts (policy, day, candidate_id, not_before) values ($1, $2, $3, $4)", turn.Policy, turn.Day, second, b.now())
	for n, pause := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 10 * time.Second, 10 * time.Second} {
		if err := b.FailTurn(t.Context(), turn, "internal", time.Second, 10*time.Second); err != nil {
			t.Fatal(err)
		}
		run, err := b.RetentionRun(t.Context(), turn.Policy, turn.Day)
		if err != nil || run.Waiting != 1 || run.Error != "internal" {
			t.Errorf("the run is %+v, %v", run, err)
		}
		for after, want := range map[time.Duration]int{pause - time.Millisecond: 1, pause: 2} {
			left, _, err := b.RetentionActs(t.Context(), turn.Policy, turn.Day, b.now().Add(after), 5)
			if err != nil || len(left) != want || left[0] != second {
				t.Errorf("try %d: %v come %s later, %v", n, left, after, err)
			}
		}
		b.pass(pause)
	}
}

// Who asks that the data be kept opposes a deletion that was refused for a time; and a restriction that was lifted is over.
func TestRestrictionsAndRefusedDeletions(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.candidate(t, "ATS-1")
	verified := func(kind crm.RequestKind) crm.PrivacyRequest {
		return b.request(t, crm.PrivacyRequest{CandidateID: id, Kind: kind, VerifiedBy: "lena"})
	}
	restricted := func(want bool) {
		t.Helper()
		if c, _, err := b.Candidate(t.Context(), id); err != nil || c.RestrictedAt.IsZero() == want {
			t.Errorf("restricted at %v, %v", c.RestrictedAt, err)
		}
	}
	b.advance(t, verified(crm.RequestRestriction).ID)
	b.pass(time.Minute)
	if err := b.LiftRestriction(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	refuse := func() crm.PrivacyRequest {
		t.Helper()
		b.pass(time.Minute)
		r, err := b.KeepRequest(t.Context(), verified(crm.RequestDeletion).ID, crm.Keeping{Ground: crm.RefusalClaims, Again: b.now().AddDate(0, 1, 0)}, crm.ByRequest)
		if err != nil || r.AgainAt.IsZero() {
			t.Fatalf("%+v, %v", r, err)
		}
		return r
	}
	r := refuse()
	restricted(true)
	if _, err := b.WithdrawRequest(t.Context(), r.ID, "lena"); err != nil {
		t.Fatal(err)
	}
	restricted(false)

	r = refuse()
	b.pass(time.Minute)
	b.advance(t, verified(crm.RequestRestriction).ID)
	if r, err := b.Request(t.Context(), r.ID); err != nil || !r.AgainAt.IsZero() {
		t.Errorf("the deletion comes again at %v, %v", r.AgainAt, err)
	}
	restricted(true)
}
