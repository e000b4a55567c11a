package activities

import (
	"context"
	"errors"
	"time"

	"github.com/rapport-crm/rapport/crm"
)

// By and rule of what is erased because its candidate asked for it.
const (
	byRequest    = "request of the candidate"
	ruleDeletion = "gdpr/art-17"
	reasonAsked  = "request"
)

// Requests is where the requests of candidates are.
type Requests interface {
	// AdvanceRequest does what can be done without a person, and asks assignee for the rest.
	AdvanceRequest(ctx context.Context, id, assignee string) (crm.AdvancedRequest, error)
	RefuseRequest(ctx context.Context, id string, ground crm.RefusalCode, answer, by string) (crm.PrivacyRequest, error)
}

// Rights answers the requests of candidates as far as no person is needed.
type Rights struct {
	Requests Requests
	// Erase deletes a candidate. The error is a crm.HeldError while a legal hold stands against it.
	Erase   func(ctx context.Context, e crm.Erasure) error
	Library *Library
	// Minimum says until when a law has the candidate's data kept, whatever they ask; zero: it can go. nil: nothing is known of such laws.
	Minimum func(ctx context.Context, candidateID string) (until time.Time, err error)
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

// erase carries out a deletion. What stands against it is asked by the erasure itself, under the candidate's lock.
func (a *Rights) erase(ctx context.Context, r *crm.AdvancedRequest) (crm.RequestStep, error) {
	ground := crm.RefusalObligation
	var until time.Time
	var err error
	if a.Minimum != nil {
		if until, err = a.Minimum(ctx, r.CandidateID); err != nil {
			return crm.RequestStep{}, err
		}
	}
	if until.IsZero() {
		now := a.Scale.Now(a.Now())
		err = a.Erase(ctx, crm.Erasure{
			Candidate: r.CandidateID, Mode: crm.RetentionErase, Rule: ruleDeletion, Reason: reasonAsked, By: byRequest, At: now,
		})
		if err == nil {
			return crm.RequestStep{Done: true, Outcome: crm.OutcomeErased}, nil
		}
		if _, held := errors.AsType[crm.HeldError](err); !held {
			return crm.RequestStep{}, err
		}
		ground = crm.RefusalClaims
	}
	refused, err := a.Requests.RefuseRequest(ctx, r.ID, ground, "The data is kept, and not used for anything else.", byRequest)
	if crm.CodeOf(err) == crm.CodeConflict { // a person was faster
		err = nil
	}
	return crm.RequestStep{Done: true, Outcome: string(refused.State)}, err
}
