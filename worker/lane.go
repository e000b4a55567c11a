package worker

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/rapport-crm/rapport/crm"
)

// claimAhead is how long sending what one claim takes may last at the account's rate: far less than the lease, and short, as
// what is due by then waits behind it, an interview's message behind a newsletter's too.
const claimAhead = 5 * time.Second

// lane sends the messages of one channel. Each channel has an account of its own at a provider, so each has a rate of its
// own, and one that is paused keeps no other waiting.
type lane struct {
	channel crm.Channel
	batch   int           // how many messages are claimed at once
	limiter *rate.Limiter // of the provider's account

	mu     sync.Mutex
	paused time.Time // until when, really, the account is to be left alone
}

// newLane makes a lane for an account that takes so many messages a second; 0: it takes any number.
func newLane(channel crm.Channel, perSecond float64) *lane {
	l := &lane{channel: channel, batch: claimBatch, limiter: rate.NewLimiter(rate.Inf, 1)}
	if perSecond > 0 {
		l.batch = min(max(int(perSecond*claimAhead.Seconds()), 1), claimBatch)
		l.limiter = rate.NewLimiter(rate.Limit(perSecond), max(int(perSecond/10), 1))
	}
	return l
}

// pause leaves the account alone for a while.
func (l *lane) pause(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if until := time.Now().Add(d); until.After(l.paused) {
		l.paused = until
	}
}

// pausedUntil is when the account may be tried again; zero when it is not paused.
func (l *lane) pausedUntil() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Now().Before(l.paused) {
		return l.paused
	}
	return time.Time{}
}

// admit waits for the turn of one message. When the account is paused it returns until when, and the message must not be sent.
func (l *lane) admit(ctx context.Context) (until time.Time, err error) {
	if until := l.pausedUntil(); !until.IsZero() {
		return until, nil
	}
	if err := l.limiter.Wait(ctx); err != nil {
		return time.Time{}, err
	}
	return l.pausedUntil(), nil // it may have been paused meanwhile
}
