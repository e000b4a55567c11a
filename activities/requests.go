package activities

import (
	"context"
	"errors"
	"time"

	"github.com/rapport-crm/rapport/crm"
)

// Rule and reason of what is erased because its candidate asked for it.
const (
	ruleDeletion = "gdpr/art-17"
	reasonAsked  = "request"
)

// Requests is where the requests of candidates are.
type Requests interface {
	// AdvanceRequest does what can be done without a person, and asks assignee for the rest.
	AdvanceRequest(ctx context.Context, id, assignee string) (crm.AdvancedRequest, error)
	// KeepRequest notes what stands against a deletion, and TellDeletion has the candidate told that nothing does any more.
	KeepRequest(ctx context.Context, id string, k crm.Keeping, by string) (crm.PrivacyRequest, error)
	TellDeletion(ctx context.Context, id string) (crm.PrivacyRequest, error)
}

// Rights answers the requests of candidates as far as no person is needed.
type Rights struct {
	Requests Requests
	// Erase deletes a candidate. The error is a crm.HeldError while a legal hold stands against it.
	Erase   func(ctx context.Context, e crm.Erasure) error
	Library *Library
	// Keeping says what stands against deleting a candidate's data who asks for it: a legal hold, or a law. Of one who has asked before
	// and was refused, again is true: then an application that they have made since stands against it too. nil: nothing is known of such.
	Keeping func(ctx context.Context, candidateID string, again bool) (crm.Keeping, error)
	Scale   crm.Scale
	Now     func() time.Time // the worker's real clock
}

// Advance does what a request needs now. A deletion is carried out at once, unless a hold or a law stands against it: then it is refused on
// that ground, and the data is restricted. The error is a code, as that of Decide.
func (a *Rights) Advance(ctx context.Context, in crm.RequestInput) (crm.RequestStep, error) {
	step, err := a.advance(ctx, in.RequestID)
	if crm.CodeOf(err) == crm.CodeNotFound {
		return crm.RequestStep{Done: true, Outcome: crm.OutcomeErased}, nil
	}
	if err != nil {
		return crm.RequestStep{}, coded("see to request", err)
	}
	return step, nil
}

func (a *Rights) advance(ctx context.Context, id string) (crm.RequestStep, error) {
	set, err := a.Library.Active(ctx)
	if err != nil {
		return crm.RequestStep{}, err
	}
	assignee := ""
	if set != nil && set.Workspace != nil {
		assignee = set.Workspace.Privacy
	}
	r, err := a.Requests.AdvanceRequest(ctx, id, assignee)
	if err != nil {
		return crm.RequestStep{}, err
	}
	if r.Erases() {
		return a.erase(ctx, &r)
	}
	if r.Stands() {
		return a.rests(&r.PrivacyRequest, r.Seen), nil
	}
	if r.Closed() {
		return crm.RequestStep{Done: true, Outcome: string(r.State)}, nil
	}
	next := r.RemindsNext()
	step := crm.RequestStep{Seen: r.Seen, Summary: "a request for " + string(r.Kind) + ", due " + r.DueAt.UTC().Format(time.DateOnly)}
	if !next.IsZero() {
		step.Until = a.Scale.RealTime(next)
	}
	return step, nil
}

// rests waits until it is to be looked at again whether a deletion that was refused for a time can be done.
func (a *Rights) rests(r *crm.PrivacyRequest, seen int64) crm.RequestStep {
	return crm.RequestStep{
		Seen: seen, Until: a.Scale.RealTime(r.AgainAt), Summary: "a deletion refused as " + string(r.Ground) + ", looked at again on " + r.AgainAt.UTC().Format(time.DateOnly),
	}
}

// erase carries out a deletion, once the candidate is told and nothing stands against it. Holds are asked once more by the erasure itself,
// under the candidate's lock.
func (a *Rights) erase(ctx context.Context, r *crm.AdvancedRequest) (crm.RequestStep, error) {
	if a.Keeping != nil {
		k, err := a.Keeping(ctx, r.CandidateID, r.Closed())
		if err != nil {
			return crm.RequestStep{}, err
		}
		if k.Ground != "" {
			return a.keep(ctx, r, k)
		}
	}
	if r.Reachable && r.ToldAt.IsZero() {
		told, err := a.Requests.TellDeletion(ctx, r.ID)
		if err != nil {
			return crm.RequestStep{}, err
		}
		return a.telling(r.Seen+1, told.ToldAt), nil
	}
	if r.Telling && r.At.Before(r.ToldAt.Add(crm.RequestTellHours*time.Hour)) {
		return a.telling(r.Seen, r.ToldAt), nil
	}
	err := a.Erase(ctx, crm.Erasure{
		Candidate: r.CandidateID, Mode: crm.RetentionErase, Rule: ruleDeletion, Reason: reasonAsked, By: crm.ByRequest, At: r.At,
	})
	if _, held := errors.AsType[crm.HeldError](err); held {
		return a.keep(ctx, r, crm.Keeping{Ground: crm.RefusalClaims, Again: r.At.AddDate(0, 0, crm.RequestAgainDays)})
	}
	return crm.RequestStep{Done: true, Outcome: crm.OutcomeErased}, err
}

// Between looks at whether the mail that tells of a deletion is out: a quarter of the time that was waited, within bounds. Really.
const (
	firstLook = 2 * time.Second
	lastLook  = 10 * time.Minute
)

// telling waits for the mail that tells of the deletion. It goes first, as there is no address afterwards.
func (a *Rights) telling(seen int64, since time.Time) crm.RequestStep {
	now := a.Now()
	waited := now.Sub(a.Scale.RealTime(since))
	return crm.RequestStep{Seen: seen, Until: now.Add(min(max(waited/4, firstLook), lastLook)), Summary: "the candidate is told that their data is deleted now"}
}

// keep refuses a deletion for as long as something stands against it. It is not forgotten: the request rests until then.
func (a *Rights) keep(ctx context.Context, r *crm.AdvancedRequest, k crm.Keeping) (crm.RequestStep, error) {
	kept, err := a.Requests.KeepRequest(ctx, r.ID, k, crm.ByRequest)
	if crm.CodeOf(err) == crm.CodeConflict { // a person was faster
		return crm.RequestStep{Done: true, Outcome: string(crm.RequestRefused)}, nil
	}
	if err != nil {
		return crm.RequestStep{}, err
	}
	return a.rests(&kept, r.Seen+1), nil
}
