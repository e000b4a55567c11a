package api

import (
	"context"
	"log/slog"
	"sync"

	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/store"
)

// inForce keeps the definitions in force, compiled, until the next publication.
type inForce struct {
	store *store.Store
	log   *slog.Logger

	mu         sync.Mutex
	set        *dsl.Set
	generation int64
}

// get returns the definitions in force: one cheap query, and a compilation only after a publication. One that this version
// cannot read is left out and logged.
func (f *inForce) get(ctx context.Context) (*dsl.Set, error) {
	generation, err := f.store.DefinitionsGeneration(ctx)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	set, have := f.set, f.generation
	f.mu.Unlock()
	if set != nil && have >= generation {
		return set, nil
	}
	active, generation, err := f.store.ActiveDefinitions(ctx)
	if err != nil {
		return nil, err
	}
	if set, err = dsl.Load(store.Documents(active)); err != nil {
		f.log.ErrorContext(ctx, "a definition in force cannot be read and is left out", "error", err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.set, f.generation = set, generation
	return set, nil
}
