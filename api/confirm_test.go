package api_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/store"
)

// pending is a candidate of whom a form says that they want job alerts, and the link that asks them.
func pending(t *testing.T) (c *chooser, link string) {
	t.Helper()
	c = newChooser(t, nil)
	c.call(http.MethodPost, "/v1/events", object{
		"type": "consent.granted", "source": "form", "id": "1", "candidate": c.id, "data": object{"purpose": "job-alerts", "source": "job fair", "wording": "Jobs!"},
	}).want(200, nil)
	if got := c.state(); got != "job-alerts:email=pending" {
		t.Fatalf("in force is %q", got)
	}
	return c, c.asked(crm.Email, "sarah.jones@example.org")
}

// asked is the link of a message that asks to confirm.
func (c *chooser) asked(ch crm.Channel, address string) string {
	c.t.Helper()
	ctx, now := c.t.Context(), c.clock()
	run := c.run(c.id)
	turn, err := c.store.Begin(ctx, run, 0)
	if err != nil {
		c.t.Fatal(err)
	}
	m := crm.Message{
		ID: crm.NewID(crm.PrefixMessage, now), CandidateID: c.id, EnrollmentID: run, Definition: "confirm-job-alerts", Hash: "x", Step: "ask",
		Occurrence: 1, Channel: ch, Purpose: crm.PurposeTransactional, State: crm.MessagePlanned, PlannedAt: now, NotAfter: now.Add(time.Hour),
	}
	if err := turn.Commit(ctx, &crm.Decision{EnrollmentID: run, Seq: 1, At: now, Command: crm.CommandWait, Messages: []crm.Message{m}}); err != nil {
		c.t.Fatal(err)
	}
	claimed, err := c.store.Claim(ctx, now, ch, 10, time.Minute, func(*store.Claim) store.Verdict {
		return store.Verdict{State: crm.MessageClaimed, Address: address}
	})
	if err != nil || len(claimed) != 1 {
		c.t.Fatalf("claimed %d: %v", len(claimed), err)
	}
	if err := c.store.Accept(ctx, m.ID, store.Acceptance{Provider: "sendgrid", ProviderID: m.ID, Address: address, At: now}); err != nil {
		c.t.Fatal(err)
	}
	return strings.TrimPrefix(api.ConfirmURL(publicURL, []byte(linkSecret), m.ID), publicURL)
}

func TestAConsentIsConfirmed(t *testing.T) {
	t.Parallel()
	c, link := pending(t)
	page := c.send(http.MethodGet, link, nil, nil)
	if page.status != 200 || !strings.Contains(string(page.body), "Jobs!") || c.state() != "job-alerts:email=pending" {
		t.Fatalf("%d, %q: to look confirms nothing, and shows what was agreed to:\n%s", page.status, c.state(), page.body)
	}
	for range 2 {
		if done := c.fill(link, nil); done.status != 200 || c.state() != "job-alerts:email=yes" {
			t.Fatalf("%d, %q", done.status, c.state())
		}
	}
	lines := c.history()
	last := lines[len(lines)-1]
	if len(lines) != 2 || last.Source != crm.SourceDoubleOptIn || last.Wording != "Jobs!" || !last.ConfirmedAt.Equal(start()) ||
		!strings.HasPrefix(last.ConfirmedBy, "msg_") || last.AddressHash == "" || last.AddressHash != lines[0].AddressHash {
		t.Errorf("the proof is %+v", lines)
	}
}

func TestAConfirmationThatComesTooLate(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*chooser){
		"after seven days": func(c *chooser) { c.pass(7 * 24 * time.Hour) },
		"after it was taken back": func(c *chooser) {
			c.fill(c.path, url.Values{"do": {"stop"}})
		},
		"after the address has changed": func(c *chooser) {
			c.call(http.MethodPut, "/v1/candidates/by-external-id/1", object{"email": "other@example.org"}).want(200, nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, link := pending(t)
			change(c)
			before := c.state()
			if done := c.fill(link, nil); done.status != 404 || c.state() != before || strings.Contains(c.state(), "yes") {
				t.Errorf("%d, in force is %q, before it was %q", done.status, c.state(), before)
			}
		})
	}
}

// Whoever comes first, a consent that was taken back is not in force afterwards unless it was confirmed after that.
func TestConfirmingRacesWithRevoking(t *testing.T) {
	t.Parallel()
	c, link := pending(t)
	for n := range 10 {
		c.pass(time.Minute)
		if _, err := c.store.Receive(t.Context(), []crm.Event{{
			Source: "form", ExternalID: time.Duration(n).String(), Type: crm.EventConsentRequested, CandidateID: c.id, Data: map[string]any{"purpose": "job-alerts"},
		}}); err != nil {
			t.Fatal(err)
		}
		var both sync.WaitGroup
		both.Go(func() { c.fill(link, nil) })
		both.Go(func() { c.fill(c.path, url.Values{"do": {"stop"}}) })
		both.Wait()
		if got := c.state(); strings.Contains(got, "job-alerts:email=yes") || strings.Contains(got, "pending") {
			t.Fatalf("in force is %q: a confirmation outlived the revocation", got)
		}
	}
}

func TestProofOfTheSourceIsBelieved(t *testing.T) {
	t.Parallel()
	c := newChooser(t, object{"consents": []object{{"purpose": "job-alerts", "confirmed_at": "2026-10-01T10:00:00Z", "at": "2026-10-01T09:00:00Z"}}})
	if got := c.state(); got != "job-alerts:email=yes" || c.history()[0].ConfirmedAt.IsZero() {
		t.Errorf("in force is %q: %+v", got, c.history())
	}
	other := newChooser(t, object{"consents": []object{{"purpose": "job-alerts"}}})
	if got := other.state(); got != "job-alerts:email=pending" {
		t.Errorf("without proof it is %q", got)
	}
	other.call(http.MethodPut, "/v1/candidates/by-external-id/1", object{"consents": []object{{"purpose": "job-alerts"}}}).want(200, nil)
	if n := len(other.history()); n != 1 {
		t.Errorf("an import that is repeated asks again: %d lines", n)
	}
}
