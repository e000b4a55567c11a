package worker

import (
	"context"

	"github.com/rapport-crm/rapport/activities"
	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/store"
)

// runs lets activities decide on the store's runs.
type runs struct{ store *store.Store }

func (r runs) Begin(ctx context.Context, enrollmentID string, after int64) (activities.Turn, error) {
	turn, err := r.store.Begin(ctx, enrollmentID, after)
	if err != nil {
		return nil, err
	}
	return turn, nil
}

// Published returns the store's definitions as a library reads them.
func Published(s *store.Store) activities.Definitions { return definitions{s} }

// definitions lets the library read what the store has published.
type definitions struct{ store *store.Store }

func (d definitions) Generation(ctx context.Context) (int64, error) {
	return d.store.DefinitionsGeneration(ctx)
}

func (d definitions) Active(ctx context.Context) ([]dsl.Document, int64, error) {
	active, generation, err := d.store.ActiveDefinitions(ctx)
	return store.Documents(active), generation, err
}

func (d definitions) ByHash(ctx context.Context, hash string) (dsl.Document, error) {
	def, err := d.store.DefinitionByHash(ctx, hash)
	return def.Document, err
}

// noATS is why nothing is told where there is no applicant tracking system; clients say the same.
const noATS = "no_ats"

// noCalls stands where no host is allowed, and there is no applicant tracking system.
type noCalls struct{}

func (noCalls) Do(_ context.Context, r crm.Call) (crm.CallResult, error) {
	if r.ATS {
		return crm.CallResult{Outcome: crm.CallFailed, Reason: noATS}, nil
	}
	return crm.CallResult{Outcome: crm.CallFailed, Reason: "no_calls"}, nil
}
