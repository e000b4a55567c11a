package sandbox

import (
	"fmt"
	"net/http"
	"sync"
	"time"
)

// Faults makes the providers misbehave, for tests. Counters go down with each request; the rest stays until changed.
// Nothing survives a restart.
type Faults struct {
	// Provider limits the request faults to one provider; empty means both.
	Provider Provider `json:"provider,omitempty"`
	// RefuseNext requests are not accepted and answered with RefuseStatus, 429 or a 5xx; 500 unless told.
	RefuseNext   int `json:"refuse_next,omitempty"`
	RefuseStatus int `json:"refuse_status,omitempty"`
	// DropNext requests are accepted, and then the connection breaks without an answer.
	DropNext int `json:"drop_next,omitempty"`
	// FailNext requests are accepted and answered with 500 all the same.
	FailNext int `json:"fail_next,omitempty"`
	// BounceNext messages are accepted and not delivered: a mail bounces, a text ends as undelivered.
	BounceNext int `json:"bounce_next,omitempty"`
	// DelayMS is how long every answer takes, in milliseconds, after the message was accepted.
	DelayMS int `json:"delay_ms,omitempty"`
	// MuteWebhooks holds webhooks back until it is false again.
	MuteWebhooks bool `json:"mute_webhooks,omitempty"`
	// LoseWebhooks webhooks are never posted.
	LoseWebhooks int `json:"lose_webhooks,omitempty"`
	// RepeatWebhooks is how many more times than once each webhook is posted.
	RepeatWebhooks int `json:"repeat_webhooks,omitempty"`
	// ShuffleWebhooks posts due webhooks in random order.
	ShuffleWebhooks bool `json:"shuffle_webhooks,omitempty"`
}

// check says what is wrong with faults from outside.
func (f Faults) check() error {
	for name, n := range map[string]int{
		"refuse_next": f.RefuseNext, "drop_next": f.DropNext, "fail_next": f.FailNext, "bounce_next": f.BounceNext,
		"delay_ms": f.DelayMS, "lose_webhooks": f.LoseWebhooks, "repeat_webhooks": f.RepeatWebhooks,
	} {
		if n < 0 {
			return fmt.Errorf("%s must not be negative", name)
		}
	}
	if f.Provider != "" && f.Provider != SendGrid && f.Provider != Twilio {
		return fmt.Errorf("provider must be sendgrid or twilio, not %q", f.Provider)
	}
	if f.RefuseStatus != 0 && f.RefuseStatus != http.StatusTooManyRequests && (f.RefuseStatus < 500 || f.RefuseStatus > 599) {
		return fmt.Errorf("refuse_status must be 429 or a 5xx, not %d", f.RefuseStatus)
	}
	return nil
}

// faultBox holds the faults in force.
type faultBox struct {
	mu     sync.Mutex
	faults Faults
}

// SetFaults replaces the faults in force; the zero value ends them all.
func (s *Sandbox) SetFaults(f Faults) error {
	if err := f.check(); err != nil {
		return err
	}
	s.faults.mu.Lock()
	s.faults.faults = f
	s.faults.mu.Unlock()
	s.hasten()
	return nil
}

// Faults returns the faults in force, counted down.
func (s *Sandbox) Faults() Faults {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	return s.faults.faults
}

// fate is what becomes of one request.
type fate struct {
	refuse int // an HTTP status, or 0
	drop   bool
	fail   bool
	bounce bool
	delay  time.Duration
}

// draw takes one request's fate from the counters.
func (b *faultBox) draw(provider Provider) fate {
	b.mu.Lock()
	defer b.mu.Unlock()
	f := &b.faults
	if f.Provider != "" && f.Provider != provider {
		return fate{}
	}
	drawn := fate{delay: time.Duration(f.DelayMS) * time.Millisecond}
	switch {
	case f.RefuseNext > 0:
		f.RefuseNext--
		drawn.refuse = f.RefuseStatus
		if drawn.refuse == 0 {
			drawn.refuse = http.StatusInternalServerError
		}
		return drawn
	case f.DropNext > 0:
		f.DropNext--
		drawn.drop = true
	case f.FailNext > 0:
		f.FailNext--
		drawn.fail = true
	}
	if f.BounceNext > 0 {
		f.BounceNext--
		drawn.bounce = true
	}
	return drawn
}

// loseWebhook reports whether the next webhook gets lost.
func (b *faultBox) loseWebhook() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.faults.LoseWebhooks == 0 {
		return false
	}
	b.faults.LoseWebhooks--
	return true
}

// afterwards plays the part of the fate that comes once the message is kept. It reports whether the normal answer is still
// due, and does not return at all when the connection is to break.
func (f fate) afterwards(r *http.Request) (answer bool) {
	if f.delay > 0 {
		timer := time.NewTimer(f.delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
		}
	}
	if f.drop {
		panic(http.ErrAbortHandler) // net/http's own way to break a connection without an answer
	}
	return !f.fail
}
