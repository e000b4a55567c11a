package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/store"
)

// ErasureRequest says how somebody's data goes, and why.
type ErasureRequest struct {
	Mode   string `json:"mode" enum:"erase,anonymize" doc:"Anonymizing keeps counts, of which none tells of one person."`
	Reason string `json:"reason" minLength:"1" maxLength:"100" doc:"A code, as it stays for ever: small letters, digits, -, _ and /." example:"request"`
	Rule   string `json:"rule,omitempty" maxLength:"100" default:"request" doc:"By which policy or right it is done; a code too." example:"gdpr/art-17"`
}

// Erasure is a receipt, and how far what is done outside the database has got.
type Erasure struct {
	crm.SignedReceipt
	Outside []ErasureProgress `json:"outside,omitempty" doc:"What is done outside the database."`
}

// ErasureProgress counts things to do of one kind that came to the same end.
type ErasureProgress struct {
	Kind    crm.ErasureKind `json:"kind" enum:"run,calendar,provider,ats,mail"`
	Outcome string          `json:"outcome" doc:"done, nothing_to_tell, gave_up or locked; open while it is still to be done."`
	N       int64           `json:"n"`
}

func (s *server) registerErasures() {
	huma.Register(s.huma, changes(operation(http.MethodPost, "/v1/candidates/{id}/erase", "erase-candidate", "Privacy", ScopePrivacyWrite, "Erase a candidate",
		"Deletes all that is known of them, at once and for good. The answer is a signed receipt; asked again, it is the same. A legal hold stands against it (409), and a message that is just being sent (503)."), crm.AuditErase, "candidate"), s.eraseCandidate)
	audited(s, operation(http.MethodGet, "/v1/erasures", "list-erasures", "Privacy", ScopePrivacyRead, "List the receipts of erasures",
		"In the order of their numbers. Each names the hash of the one before, so that none can be left out."), crm.AuditRead, "erasures", s.listErasures, nobody)
	huma.Register(s.huma, unaudited(operation(http.MethodGet, "/v1/erasures/counts", "list-past-counts", "Privacy", ScopePrivacyRead, "See what is counted of people who were anonymized",
		"By month. Groups of fewer than five are left out."), "numbers, of at least five people"), s.listPastCounts)
}

func (s *server) eraseCandidate(ctx context.Context, in *struct {
	CandidateRef
	Body ErasureRequest
},
) (*body[Erasure], error) {
	what := crm.Erasure{Candidate: in.ID, Mode: in.Body.Mode, Rule: in.Body.Rule, Reason: in.Body.Reason, By: caller(ctx), At: s.Now()}
	if what.Rule == "" {
		what.Rule = "request"
	}
	erased, err := s.Store.Erase(ctx, what)
	if err != nil {
		return nil, problemOf(err)
	}
	items, err := s.progress(ctx, []crm.SignedReceipt{erased.Receipt})
	if err != nil {
		return nil, err
	}
	return &body[Erasure]{Body: items[0]}, nil
}

func (s *server) listErasures(ctx context.Context, in *struct {
	Paging
	Candidate string `query:"candidate" maxLength:"200" doc:"Only of whoever went by this id or external id."`
},
) (*body[Page[Erasure]], error) {
	receipts, next, err := s.Store.ListErasures(ctx, store.ErasureFilter{Candidate: in.Candidate, Limit: in.Limit, After: in.After})
	if err != nil {
		return nil, problemOf(err)
	}
	items, err := s.progress(ctx, receipts)
	return pageOf(items, next, err)
}

// progress adds to receipts how far what is done outside has got.
func (s *server) progress(ctx context.Context, receipts []crm.SignedReceipt) ([]Erasure, error) {
	items := make([]Erasure, len(receipts))
	places := map[string]int{}
	ids := make([]string, len(receipts))
	for i := range receipts {
		r, err := receipts[i].Read()
		if err != nil {
			return nil, problemOf(err)
		}
		items[i].SignedReceipt, ids[i], places[r.ID] = receipts[i], r.ID, i
	}
	outcomes, err := s.Store.ErasureOutcomes(ctx, ids...)
	if err != nil {
		return nil, problemOf(err)
	}
	for _, o := range outcomes {
		if o.Outcome == "" {
			o.Outcome = "open"
		}
		item := &items[places[o.ErasureID]]
		item.Outside = append(item.Outside, ErasureProgress{Kind: o.Kind, Outcome: o.Outcome, N: o.N})
	}
	return items, nil
}

func (s *server) listPastCounts(ctx context.Context, _ *struct{}) (*body[[]crm.PastCount], error) {
	counts, err := s.Store.PastCounts(ctx)
	if err != nil {
		return nil, problemOf(err)
	}
	return &body[[]crm.PastCount]{Body: counts}, nil
}
