package store_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/store"
)

// claimWith claims what is due on both channels, with one verdict for all.
func (b *bundle) claimWith(t *testing.T, v store.Verdict) []store.Claim {
	t.Helper()
	return append(b.claim(t, crm.Email, v), b.claim(t, crm.SMS, v)...)
}

func (b *bundle) claim(t *testing.T, channel crm.Channel, v store.Verdict) []store.Claim {
	t.Helper()
	claims, err := b.Claim(t.Context(), b.now(), channel, 50, time.Minute, func(*store.Claim) store.Verdict { return v })
	if err != nil {
		t.Fatal(err)
	}
	return claims
}

func TestClaim(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.candidate(t, "ATS-1", grant("news", crm.Email))
	run, other := b.enroll(t, id, "nurture"), b.enroll(t, id, "other")
	message := b.plan(t, run, "thanks", crm.Email)
	b.pass(time.Second)
	second := b.plan(t, other, "hello", crm.Email)
	checked := 0
	claims, err := b.Claim(t.Context(), b.now(), crm.Email, 50, time.Minute, func(c *store.Claim) store.Verdict {
		checked++
		f := &c.Facts
		if c.Message.ID != message || f.Enrollment.ID != run || f.Candidate.ID != id || len(f.Consents) != 1 || len(f.Messages) != 1 ||
			len(f.Sends) != 2 || !slices.Equal(f.Enrolled, []string{"nurture", "other"}) || f.Enrollment.Event == nil {
			t.Errorf("checked %+v", c)
		}
		return store.Verdict{State: crm.MessageClaimed, Address: "ana@example.org"}
	})
	if err != nil || checked != 1 || len(claims) != 1 {
		t.Fatalf("checked %d, claimed %+v, %v, want one message per candidate", checked, claims, err)
	}
	got := b.message(t, message)
	if got.State != crm.MessageClaimed || got.Attempts != 1 || !got.ClaimedAt.Equal(b.now()) || !got.LeaseUntil.Equal(b.now().Add(time.Minute)) ||
		got.Address != "ana@example.org" || claims[0].Message.State != crm.MessageClaimed {
		t.Errorf("the message is %+v", got)
	}
	claims, err = b.Claim(t.Context(), b.now(), crm.Email, 50, time.Minute, func(c *store.Claim) store.Verdict {
		if len(c.Facts.Sends) != 2 || !c.Facts.Sends[0].At.Equal(b.now()) {
			t.Errorf("sends are %+v, want the claimed one among them", c.Facts.Sends)
		}
		return store.Verdict{State: crm.MessageClaimed}
	})
	if err != nil || len(claims) != 1 || claims[0].Message.ID != second {
		t.Errorf("then claimed %+v, %v, want the candidate's other message", claims, err)
	}
	if claims := b.claimAll(t); len(claims) != 0 {
		t.Errorf("claimed %+v again", claims)
	}
}

func TestClaimOrder(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var want []string
	for i, priority := range []int{5, 5, 1, 5} {
		b.pass(time.Second)
		run := b.enroll(t, b.candidate(t, fmt.Sprintf("ATS-%d", i)), "nurture")
		d := b.decide(t, run, func(f *crm.Facts, d *crm.Decision) {
			m := intent(f, d, "thanks", crm.Email)
			m.Priority = priority
			if i == 3 {
				m.NotBefore = b.now().Add(time.Hour)
			}
			d.Messages = []crm.Message{m}
		})
		want = append(want, d.Messages[0].ID)
	}
	want = []string{want[2], want[0], want[1]}
	var got []string
	for range 2 {
		claims, err := b.Claim(t.Context(), b.now(), crm.Email, 2, time.Minute, func(*store.Claim) store.Verdict {
			return store.Verdict{State: crm.MessageClaimed}
		})
		if err != nil {
			t.Fatal(err)
		}
		for i := range claims {
			got = append(got, claims[i].Message.ID)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("claimed %v, want %v: by priority, then age, and only what is due", got, want)
	}
}

func TestVerdicts(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		verdict store.Verdict
		events  []string
		woken   bool
	}{
		"skipped":  {store.Verdict{State: crm.MessageSkipped, Reason: "no_consent"}, nil, true},
		"expired":  {store.Verdict{State: crm.MessageExpired, Reason: "too_late"}, []string{"message.failed"}, true},
		"deferred": {store.Verdict{State: crm.MessagePlanned, Reason: "window", NotBefore: start().Add(time.Hour)}, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			id := b.candidate(t, "ATS-1")
			run := b.enroll(t, id, "nurture")
			message := b.plan(t, run, "thanks", crm.Email)
			if claims := b.claimWith(t, test.verdict); len(claims) != 0 {
				t.Errorf("claimed %+v", claims)
			}
			m := b.message(t, message)
			if m.State != test.verdict.State || m.Reason != test.verdict.Reason {
				t.Errorf("the message is %s (%s)", m.State, m.Reason)
			}
			if got := types(b.drain(t, id)); !slices.Equal(got, test.events) {
				t.Errorf("events are %v, want %v", got, test.events)
			}
			if woken := b.run(t, run).Wake > 0; woken != test.woken {
				t.Errorf("the run was woken: %v, want %v", woken, test.woken)
			}
			if claims := b.claimAll(t); len(claims) != 0 {
				t.Errorf("claimed %+v afterwards", claims)
			}
			b.pass(2 * time.Hour)
			if claims := b.claimAll(t); len(claims) == 1 != (test.verdict.State == crm.MessagePlanned) {
				t.Errorf("claimed %+v later", claims)
			}
		})
	}
}

func TestVerdictNonsense(t *testing.T) {
	t.Parallel()
	b := setup(t)
	message := b.plan(t, b.enroll(t, b.candidate(t, "ATS-1"), "nurture"), "thanks", crm.Email)
	for _, state := range []crm.MessageState{"", crm.MessageAccepted} {
		if _, err := b.Claim(t.Context(), b.now(), crm.Email, 1, time.Minute, func(*store.Claim) store.Verdict { return store.Verdict{State: state} }); err == nil {
			t.Errorf("verdict %q was taken", state)
		}
	}
	if m := b.message(t, message); m.State != crm.MessagePlanned {
		t.Errorf("the message is %s", m.State)
	}
}

func TestClaimLeavesPausedRuns(t *testing.T) {
	t.Parallel()
	b := setup(t)
	run := b.enroll(t, b.candidate(t, "ATS-1"), "nurture")
	b.plan(t, run, "thanks", crm.Email)
	b.exec(t, "update enrollments set paused = true where id = $1", run)
	if claims := b.claimAll(t); len(claims) != 0 {
		t.Errorf("claimed %+v of a paused run", claims)
	}
	b.exec(t, "update enrollments set paused = false where id = $1", run)
	if claims := b.claimAll(t); len(claims) != 1 {
		t.Errorf("claimed %+v of a resumed run", claims)
	}
}

// An opt-out that is committed before the claim is in its facts, however close it was; a locked candidate is left alone.
func TestClaimSeesOptOut(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.candidate(t, "ATS-1", grant("talent-community", crm.Email))
	run := b.enroll(t, id, "nurture")
	b.plan(t, run, "thanks", crm.Email)
	b.holding(t, "select from candidates where id = $1 for no key update", id, func() {
		if claims := b.claimAll(t); len(claims) != 0 {
			t.Errorf("claimed %+v while the candidate was locked", claims)
		}
	})
	out := store.OptOut{Channel: crm.Email, Address: "ats-1@example.org", Reason: crm.SuppressedUnsubscribe, At: b.now()}
	if _, err := b.ReceiveWithOptOuts(t.Context(), nil, []store.OptOut{out}); err != nil {
		t.Fatal(err)
	}
	checked := false
	_, err := b.Claim(t.Context(), b.now(), crm.Email, 1, time.Minute, func(c *store.Claim) store.Verdict {
		checked = true
		if crm.ConsentFor(c.Facts.Consents, "talent-community", crm.Email) != crm.ConsentRevoked || len(c.Facts.Suppressions) != 1 {
			t.Errorf("the check sees consents %+v and suppressions %+v", c.Facts.Consents, c.Facts.Suppressions)
		}
		return store.Verdict{State: crm.MessageSkipped, Reason: "suppressed"}
	})
	if err != nil || !checked {
		t.Errorf("checked: %v, %v", checked, err)
	}
}

// Several senders share the queue: while one holds the candidates at its head, another finds those behind.
func TestClaimBesideOthers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first := b.candidate(t, "ATS-1")
	b.plan(t, b.enroll(t, first, "nurture"), "thanks", crm.Email)
	b.pass(time.Second)
	behind := b.plan(t, b.enroll(t, b.candidate(t, "ATS-2"), "nurture"), "thanks", crm.Email)
	b.holding(t, "select from candidates where id = $1 for no key update", first, func() {
		claims, err := b.Claim(t.Context(), b.now(), crm.Email, 1, time.Minute, func(*store.Claim) store.Verdict {
			return store.Verdict{State: crm.MessageClaimed}
		})
		if err != nil || len(claims) != 1 || claims[0].Message.ID != behind {
			t.Errorf("claimed %+v, %v, want the message behind", claims, err)
		}
	})
}

// A campaign of thousands holds up nobody else: within a priority the sequences take turns.
func TestClaimIsFair(t *testing.T) {
	t.Parallel()
	b := setup(t)
	planFor := func(name, definition string, priority int) string {
		run := b.enroll(t, b.candidate(t, name), definition)
		d := b.decide(t, run, func(f *crm.Facts, d *crm.Decision) {
			m := intent(f, d, "thanks", crm.Email)
			m.Priority = priority
			d.Messages = []crm.Message{m}
		})
		b.pass(time.Second)
		return d.Messages[0].ID
	}
	var campaign []string
	for i := range 12 {
		campaign = append(campaign, planFor(fmt.Sprintf("ATS-%d", i), "campaign", 5))
	}
	small := []string{planFor("ATS-20", "small", 5), planFor("ATS-21", "small", 5)}
	other := planFor("ATS-30", "other", 5)
	interview := planFor("ATS-40", "interview", 1)
	want := []string{interview, campaign[0], small[0], other, campaign[1], small[1], campaign[2], campaign[3]}
	claims, err := b.Claim(t.Context(), b.now(), crm.Email, 8, time.Minute, func(*store.Claim) store.Verdict {
		return store.Verdict{State: crm.MessageClaimed}
	})
	if err != nil {
		t.Fatal(err)
	}
	got := make([]string, len(claims))
	for i := range claims {
		got[i] = claims[i].Message.ID
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("claimed %v, want %v: the interview, then one of each sequence in turn", got, want)
	}
}

func TestClaimByChannel(t *testing.T) {
	t.Parallel()
	b := setup(t)
	run := b.enroll(t, b.candidate(t, "ATS-1"), "nurture")
	text := b.plan(t, run, "thanks", crm.SMS)
	yes := store.Verdict{State: crm.MessageClaimed}
	if claims := b.claim(t, crm.Email, yes); len(claims) != 0 {
		t.Errorf("claimed %+v for email", claims)
	}
	if claims := b.claim(t, crm.SMS, yes); len(claims) != 1 || claims[0].Message.ID != text {
		t.Errorf("claimed %+v, want the text", claims)
	}
}
