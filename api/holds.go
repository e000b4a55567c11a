package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/store"
)

// NewHold says whom a legal hold is on: one of candidate, application, role and condition.
type NewHold struct {
	Candidate   string    `json:"candidate,omitempty" maxLength:"200" doc:"Id or external id."`
	Application string    `json:"application,omitempty" maxLength:"200" doc:"Rapport's own id of it. Its candidate is held."`
	Role        string    `json:"role,omitempty" maxLength:"200" doc:"Everybody who has applied for it." example:"NUR-7"`
	Condition   string    `json:"condition,omitempty" maxLength:"4000" doc:"CEL over the candidate, as in a pool; asked anew at each erasure." example:"candidate.country == \"US\""`
	Why         string    `json:"why" minLength:"1" maxLength:"2000" doc:"For colleagues. No candidate reads it."`
	Until       time.Time `json:"until,omitzero" doc:"When it ends by itself; when somebody lifts it if this is left out."`
}

func (s *server) registerHolds() {
	add := operation(http.MethodPost, "/v1/holds", "add-hold", "Privacy", ScopePrivacyWrite, "Place a legal hold",
		"Nothing of those whom it is on is deleted while it is in force, whoever asks. candidate.legal_hold is true in conditions, but for a hold with a condition of its own.")
	add.DefaultStatus = http.StatusCreated
	huma.Register(s.huma, changes(add, crm.AuditHold, "hold"), s.addHold)
	audited(s, operation(http.MethodGet, "/v1/holds", "list-holds", "Privacy", ScopePrivacyRead, "List legal holds",
		"The newest first; those in force, unless all is true. Of a candidate: those that name them, and those on a role that they have applied for."), crm.AuditList, "holds", s.listHolds, pageAbout(func(x *crm.Hold) string { return x.CandidateID }))
	huma.Register(s.huma, changes(operation(http.MethodPost, "/v1/holds/{id}/lift", "lift-hold", "Privacy", ScopePrivacyWrite, "Lift a legal hold", "It stays on record."), crm.AuditRelease, "hold"), s.liftHold)
}

func (s *server) addHold(ctx context.Context, in *body[NewHold]) (*body[crm.Hold], error) {
	h := crm.Hold{
		CandidateID: in.Body.Candidate, ApplicationID: in.Body.Application, Role: in.Body.Role, Condition: in.Body.Condition,
		Why: in.Body.Why, Until: in.Body.Until, By: caller(ctx),
	}
	if h.Condition != "" {
		if _, err := dsl.HoldCondition(h.Condition); err != nil {
			return nil, problemOf(err)
		}
	}
	placed, err := s.Store.AddHold(ctx, h)
	if err != nil {
		return nil, problemOf(err)
	}
	return &body[crm.Hold]{Body: placed}, nil
}

func (s *server) listHolds(ctx context.Context, in *struct {
	Paging
	Candidate string `query:"candidate" maxLength:"200" doc:"Id or external id."`
	All       bool   `query:"all" doc:"Also those that were lifted or have ended."`
},
) (*body[Page[crm.Hold]], error) {
	return pageOf(s.Store.ListHolds(ctx, store.HoldFilter{Candidate: in.Candidate, Ended: in.All, Limit: in.Limit, After: in.After}))
}

func (s *server) liftHold(ctx context.Context, in *struct {
	ID string `path:"id" maxLength:"100"`
},
) (*body[crm.Hold], error) {
	lifted, err := s.Store.LiftHold(ctx, in.ID, caller(ctx), s.Now())
	if err != nil {
		return nil, problemOf(err)
	}
	return &body[crm.Hold]{Body: lifted}, nil
}
