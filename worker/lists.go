package worker

import (
	"context"
	"errors"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/store"
)

// Lists is a provider with a list of its own of addresses that it does not write to. Its errors are *crm.SendError.
type Lists interface {
	Name() string
	Lists() []string
	Listed(ctx context.Context, list string, since, until time.Time, offset int) (crm.AddressList, error)
	Suppress(ctx context.Context, addresses []string) error
}

const (
	listsEvery = 15 * time.Minute
	// listsOverlap is how far a list is read again: an entry may get into it a little after the time that it bears.
	listsOverlap = 10 * time.Minute
	listsPush    = 500
	listsTimeout = 2 * time.Minute
)

// syncLists makes the provider's lists and Rapport's agree, every quarter of an hour or when somebody asks: the provider's entries become suppressions,
// and it is told of Rapport's. How far a list was read is kept after each page, so that a worker that dies goes on where it was. A
// provider that turns the account away is told of once, and asked again when it may be.
func (w *Worker) syncLists(ctx context.Context) (bool, error) {
	for _, p := range w.providers {
		lists, ok := p.(Lists)
		if !ok || time.Now().Before(w.listsRest) {
			continue
		}
		err := w.syncProvider(ctx, lists)
		var failure *crm.SendError
		if errors.As(err, &failure) && failure.Class == crm.SendRetry { // its rate is used up, or the key is not good
			w.listsRest = time.Now().Add(max(failure.RetryAfter, retryAfter))
			if w.listsTold != failure.Code {
				w.log.WarnContext(ctx, "the provider's lists are not read, trying again later", "provider", lists.Name(), "code", failure.Code, "error", err)
			}
			w.listsTold = failure.Code
			return false, nil
		}
		if err != nil {
			w.listsRest = time.Now().Add(time.Minute)
			return false, err
		}
		w.listsTold = ""
	}
	return false, nil
}

func (w *Worker) syncProvider(ctx context.Context, p Lists) error {
	ctx, cancel := context.WithTimeout(ctx, listsTimeout)
	defer cancel()
	known, err := w.store.ListPositions(ctx)
	if err != nil {
		return err
	}
	for _, list := range p.Lists() {
		at := store.ListPosition{Provider: p.Name(), List: list}
		for _, k := range known {
			if k.Provider == at.Provider && k.List == list {
				at = k
			}
		}
		if time.Since(at.SyncedAt) < listsEvery {
			continue
		}
		if err := w.readList(ctx, p, at); err != nil {
			return err
		}
	}
	return w.pushLists(ctx, p)
}

// readList reads what a list has got since it was read last. The provider's times are real ones, whatever clock Rapport is on.
func (w *Worker) readList(ctx context.Context, p Lists, at store.ListPosition) error {
	if at.ReadingTo.IsZero() {
		at.ReadingTo, at.Offset = time.Now().UTC().Truncate(time.Second), 0
	}
	for more := true; more; {
		page, err := p.Listed(ctx, at.List, at.ReadTo.Add(-listsOverlap), at.ReadingTo, at.Offset)
		if err != nil {
			return err
		}
		optOuts := make([]store.OptOut, len(page.Addresses))
		for i, a := range page.Addresses {
			optOuts[i] = store.OptOut{Channel: crm.Email, Address: a.Address, Reason: a.Reason, Source: p.Name() + " " + at.List, At: a.At}
		}
		if err := w.store.Learn(ctx, optOuts, time.Now()); err != nil {
			return err
		}
		more = page.More
		at.Found, at.Offset = at.Found+int64(len(optOuts)), at.Offset+len(optOuts)
		if !more {
			at.ReadTo, at.SyncedAt, at.ReadingTo, at.Offset = at.ReadingTo, time.Now(), time.Time{}, 0
		}
		if err := w.store.SetListPosition(ctx, &at); err != nil {
			return err
		}
	}
	return nil
}

// pushLists tells the provider of what it does not know yet.
func (w *Worker) pushLists(ctx context.Context, p Lists) error {
	for {
		untold, err := w.store.UnpushedSuppressions(ctx, listsPush)
		if err != nil || len(untold) == 0 {
			return err
		}
		addresses := make([]string, len(untold))
		for i := range untold {
			addresses[i] = untold[i].Address
		}
		if err := p.Suppress(ctx, addresses); err != nil {
			return err
		}
		if err := w.store.Pushed(ctx, untold, w.now()); err != nil {
			return err
		}
	}
}
