package worker_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/crm"
)

const bothChannels = `
sequence: both
purpose: news
enroll: {on: application.rejected}
steps:
  - id: text
    sms: {body: "We wrote to you."}
  - id: mail
    email: {subject: "Hello", body: "Hello."}
`

// busy is a provider whose account is at its limit.
type busy struct{ calls atomic.Int64 }

// Send turns the account away.
func (b *busy) Send(context.Context, crm.Outgoing) (crm.Receipt, error) {
	b.calls.Add(1)
	return crm.Receipt{}, &crm.SendError{Class: crm.SendRetry, Code: "20429", RetryAfter: time.Hour, Account: true}
}

// An account at its limit is left alone, and keeps the other channel waiting for nothing.
func TestAccountAtItsLimit(t *testing.T) {
	t.Parallel()
	r := newRig(t, 0)
	twilio := &busy{}
	r.texts, r.rates = twilio, map[crm.Channel]float64{crm.SMS: 1}
	r.apply(bothChannels)
	r.work()
	const people = 4
	for i := range people {
		r.event(r.candidate(fmt.Sprint("busy", i)), "application.rejected")
	}
	r.until(func() string { return differ("mails", len(r.mailbox.all()), people) })
	r.until(func() string { // the texts that were claimed with the first are given back, for when the pause is over
		given := r.sql(`select count(*) from messages where channel = 'sms' and state = 'planned' and not_before > now() + interval '59 min'`)
		if claimed := r.sql(`select count(*) from messages where channel = 'sms' and state <> 'planned'`); given == 0 || claimed > 0 {
			return fmt.Sprintf("%d given back, %d claimed", given, claimed)
		}
		return ""
	})
	if n := twilio.calls.Load(); n != 1 {
		t.Errorf("the account was tried %d times, want once", n)
	}
}

// No more messages are handed over in a second than the account takes.
func TestRate(t *testing.T) {
	t.Parallel()
	r := newRig(t, 0)
	r.rates = map[crm.Channel]float64{crm.SMS: 5}
	r.apply(bothChannels)
	const people = 8
	for i := range people {
		r.event(r.candidate(fmt.Sprint("rate", i)), "application.rejected")
	}
	r.work()
	r.until(func() string {
		return differ("sent", r.sql(`select count(*) from messages where state = 'accepted'`), 2*people)
	})
	span := func(channel string) int {
		return r.sql(`select (extract(epoch from max(accepted_at) - min(accepted_at)) * 1000)::int from messages where channel = $1`, channel)
	}
	if ms := span("sms"); ms < 1200 { // seven intervals of 200 ms, less what writing down takes
		t.Errorf("%d texts went within %d ms at 5 a second", people, ms)
	}
}
