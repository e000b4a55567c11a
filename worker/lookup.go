package worker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/store"
)

// Finder is a Provider that can be asked for a message whose fate is unknown. Its errors are crm.ErrNoListing, when the account
// has no such thing, and *crm.SendError.
type Finder interface {
	Name() string // under which the receipts of the provider are known
	Find(ctx context.Context, l crm.Lookup) (crm.Finding, error)
}

const (
	lookupEvery   = 5 * time.Second
	lookupBatch   = 32
	lookupTimeout = 30 * time.Second
	// doubtFor is how long a message stays unknown whose provider cannot be asked, before on_unknown: resend_once lets it go
	// again: longer than a webhook usually takes.
	doubtFor = time.Hour
)

// lookup asks the providers about messages whose fate is unknown.
func (w *Worker) lookup(ctx context.Context) (more bool, err error) {
	var channels []crm.Channel
	for _, l := range w.lanes {
		if l.pausedUntil().IsZero() {
			channels = append(channels, l.channel)
		}
	}
	due, err := w.store.DueLookups(ctx, w.now(), channels, lookupBatch)
	if err != nil {
		return false, err
	}
	set, err := w.library.Active(ctx)
	if err != nil {
		return false, err
	}
	return len(due) == lookupBatch, each(ctx, due, func(ctx context.Context, u store.Unknown) error {
		err := w.lookUp(ctx, set, &u)
		if crm.CodeOf(err) == crm.CodeConflict { // a webhook or a person was faster
			return nil
		}
		return wrap("look up message", err)
	})
}

func (w *Worker) lookUp(ctx context.Context, set *dsl.Set, u *store.Unknown) error {
	e := crm.Evidence{At: w.now(), Source: string(u.Channel)}
	found, err := w.find(ctx, set, u, &e)
	switch {
	case err != nil:
		return err
	case found != nil:
		return w.found(ctx, u, *found, e)
	}
	once := w.resendOnce(ctx, &u.Message)
	switch e.Result {
	case crm.EvidenceNeverArrived:
		_, err := w.store.Missing(ctx, u.ID, e, once)
		return err
	case crm.EvidenceNoListing, crm.EvidenceNotFound, crm.EvidenceAmbiguous, crm.EvidenceFailed:
		if once && u.ResentAt.IsZero() && e.At.Before(u.NotAfter) && e.At.Sub(u.UnknownAt) >= doubtFor {
			e.Note, e.Result = string(e.Result), crm.EvidenceResent
			_, err := w.store.Missing(ctx, u.ID, e, true)
			return err
		}
		return w.store.AddEvidence(ctx, u.ID, e, e.Result == crm.EvidenceNoListing && !once)
	case crm.EvidenceFound, crm.EvidenceResent, crm.EvidenceSent, crm.EvidenceNotSent:
	}
	return fmt.Errorf("a look-up cannot come to %q", e.Result)
}

// find asks the provider. It returns the provider's id of the message if it has it; else e says what came of it.
func (w *Worker) find(ctx context.Context, set *dsl.Set, u *store.Unknown, e *crm.Evidence) (*crm.Sighting, error) {
	finder, ok := w.providers[u.Channel].(Finder)
	if !ok {
		e.Result = crm.EvidenceNoListing
		return nil, nil //nolint:nilnil // nothing was found
	}
	call, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	finding, err := finder.Find(call, crm.Lookup{
		MessageID: u.ID, To: u.Address, From: cmp.Or(u.Sender, set.Workspace.From.SMS), BodyHash: u.BodyHash,
		ClaimedAt: u.ClaimedAt, UnknownAt: u.UnknownAt, Now: e.At,
	})
	if errors.Is(err, crm.ErrNoListing) {
		e.Result = crm.EvidenceNoListing
		return nil, nil //nolint:nilnil // nothing was found
	}
	if err != nil {
		failure := &crm.SendError{Code: "unclassified"}
		errors.As(err, &failure)
		w.log.WarnContext(ctx, "provider does not say what became of a message", "message", u.ID, "code", failure.Code)
		e.Result, e.Note = crm.EvidenceFailed, failure.Code
		return nil, nil //nolint:nilnil // nothing was found
	}
	return w.choose(ctx, finder.Name(), u, finding, e)
}

// choose picks the message out of what the provider has: what the ledger knows as another message is not it.
func (w *Worker) choose(
	ctx context.Context, provider string, u *store.Unknown, finding crm.Finding, e *crm.Evidence,
) (*crm.Sighting, error) {
	e.Source = provider
	e.Result = crm.EvidenceNotFound
	if finding.Complete {
		e.Result = crm.EvidenceNeverArrived
	}
	for i := range finding.Sightings {
		s := &finding.Sightings[i]
		known, err := w.store.MessageByProvider(ctx, provider, s.ProviderID)
		switch {
		case err == nil && known.ID != u.ID:
			continue
		case err != nil && crm.CodeOf(err) != crm.CodeNotFound:
			return nil, err
		case s.Exact:
			return s, nil
		}
		e.Result = crm.EvidenceAmbiguous
	}
	return nil, nil //nolint:nilnil // nothing was found
}

// found notes that the provider took the message after all.
func (w *Worker) found(ctx context.Context, u *store.Unknown, s crm.Sighting, e crm.Evidence) error {
	e.Result, e.Note = crm.EvidenceFound, s.ProviderID
	err := w.store.Accept(ctx, u.ID, store.Acceptance{
		Provider: e.Source, ProviderID: s.ProviderID, Address: u.Address, Subject: u.Subject,
		TemplateHash: u.TemplateHash, At: u.ClaimedAt,
	})
	if err != nil {
		return err
	}
	return w.store.AddEvidence(ctx, u.ID, e, true)
}

// resendOnce tells whether the message's step lets it go once more when its fate stays unknown.
func (w *Worker) resendOnce(ctx context.Context, m *crm.Message) bool {
	_, step, err := w.step(ctx, m)
	if err != nil { // without its definition it could not be rendered either
		w.log.WarnContext(ctx, "definition of a message of unknown fate not readable", "message", m.ID, "error", err)
		return false
	}
	return step.send.OnUnknown == crm.ResendOnce
}
