package worker_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/crm"
)

const lostTexts = `
sequence: lost
purpose: news
enroll: {on: application.rejected}
steps:
  - id: text
    sms: {body: "We wrote to you.", on_unknown: ON_UNKNOWN}
`

// forgetful is a provider whose answers to sends get lost the first times, and that can be asked for what it has.
type forgetful struct {
	mu       sync.Mutex
	lose     int // how many more answers get lost
	keeps    bool
	unlisted bool // the account has no listing
	texts    []crm.Outgoing
	lookups  []crm.Lookup
}

func (f *forgetful) Name() string { return "forgetful" }

func (f *forgetful) Send(_ context.Context, out crm.Outgoing) (crm.Receipt, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lose--
	if f.keeps || f.lose < 0 {
		f.texts = append(f.texts, out)
	}
	if f.lose >= 0 {
		return crm.Receipt{}, &crm.SendError{Class: crm.SendUnknown, Code: "timeout"}
	}
	return crm.Receipt{Provider: "forgetful", ProviderID: "SM-late"}, nil
}

func (f *forgetful) Find(_ context.Context, l crm.Lookup) (crm.Finding, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lookups = append(f.lookups, l)
	if f.unlisted {
		return crm.Finding{}, crm.ErrNoListing
	}
	finding := crm.Finding{Complete: true}
	for _, out := range f.texts {
		finding.Sightings = append(finding.Sightings, crm.Sighting{
			ProviderID: "SM1", Exact: out.To == l.To && out.From == l.From && string(crm.BodyHash(out.Text)) == string(l.BodyHash),
		})
	}
	return finding, nil
}

func (f *forgetful) taken() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.texts)
}

func TestLookup(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		onUnknown     string
		keeps         bool
		unlisted      bool
		state, reason string
		providerID    string
		taken         int
		evidence      string
	}{
		"it had arrived":            {"skip", true, false, "accepted", "", "SM1", 1, "found"},
		"it never arrived":          {"skip", false, false, "refused", "never_arrived", "", 0, "never_arrived"},
		"it is sent once more":      {"resend_once", false, false, "accepted", "", "SM-late", 1, "never_arrived"},
		"found before it is resent": {"resend_once", true, false, "accepted", "", "SM1", 1, "found"},
		"nobody can be asked":       {"skip", true, true, "unknown", "timeout", "", 1, "no_listing"},
		"resent for all we know":    {"resend_once", true, true, "accepted", "", "SM-late", 2, "resent"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, 0)
			provider := &forgetful{lose: 1, keeps: test.keeps, unlisted: test.unlisted}
			r.texts = provider
			r.apply(strings.ReplaceAll(lostTexts, "ON_UNKNOWN", test.onUnknown))
			r.event(r.candidate("lost"), "application.rejected")
			r.work()
			r.until(func() string {
				return differ("unknown", r.sql("select count(*) from messages where state = 'unknown'"), 1)
			})
			// It became unknown an hour and a half ago.
			r.sql(`update messages set unknown_at = unknown_at - interval '90 min', claimed_at = claimed_at - interval '90 min', lookup_at = $1`, time.Now())
			r.until(func() string {
				n := r.sql(`select count(*) from messages where state = $1 and reason = $2 and provider_id = $3`, test.state, test.reason, test.providerID)
				return differ("messages "+test.state, n, 1)
			})
			r.until(func() string {
				n := r.sql(`select count(*) from message_evidence where result = $1`, test.evidence)
				return differ("evidence "+test.evidence, n, 1)
			})
			if n := provider.taken(); n != test.taken {
				t.Errorf("the provider took %d texts, want %d", n, test.taken)
			}
		})
	}
}
