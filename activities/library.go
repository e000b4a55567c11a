package activities

import (
	"context"
	"fmt"
	"sync"

	"github.com/rapport-crm/rapport/dsl"
)

// Definitions is where published definitions come from.
type Definitions interface {
	// Generation is a number that changes with every publication.
	Generation(ctx context.Context) (int64, error)
	// Active returns the documents in force, and their generation.
	Active(ctx context.Context) ([]dsl.Document, int64, error)
	// ByHash returns one published document, also one that is no longer in force.
	ByHash(ctx context.Context, hash string) (dsl.Document, error)
}

// Library compiles published definitions and keeps them: programs by content hash for good, and the set in force until the
// next publication.
type Library struct {
	source Definitions
	broken func(error)

	mu         sync.Mutex
	programs   map[string]*dsl.Program
	set        *dsl.Set
	generation int64
}

// NewLibrary returns a library of what source has published. A definition in force that this version cannot read is left out,
// so that it stops no other, and broken is told why.
func NewLibrary(source Definitions, broken func(error)) *Library {
	return &Library{source: source, broken: broken, programs: map[string]*dsl.Program{}}
}

// LibraryOf returns a library of one set of definitions, which is in force for ever.
func LibraryOf(set *dsl.Set) *Library {
	l := &Library{programs: make(map[string]*dsl.Program, len(set.Programs)), set: set}
	for _, p := range set.Programs {
		l.programs[p.Hash] = p
	}
	return l
}

// Program returns the program of a content hash.
func (l *Library) Program(ctx context.Context, hash string) (*dsl.Program, error) {
	l.mu.Lock()
	p := l.programs[hash]
	l.mu.Unlock()
	if p != nil {
		return p, nil
	}
	if l.source == nil {
		return nil, fmt.Errorf("read definition: there is none with the hash %s", hash)
	}
	doc, err := l.source.ByHash(ctx, hash)
	if err != nil {
		return nil, fmt.Errorf("read definition: %w", err)
	}
	if p, err = dsl.Compile(doc); err != nil {
		return nil, fmt.Errorf("compile definition %s: %w", doc.Name, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.programs[hash] = p
	return p, nil
}

// Active returns the definitions in force now: one cheap query, and a compilation only after a publication.
func (l *Library) Active(ctx context.Context) (*dsl.Set, error) {
	if l.source == nil {
		return l.set, nil
	}
	generation, err := l.source.Generation(ctx)
	if err != nil {
		return nil, fmt.Errorf("read definitions: %w", err)
	}
	return l.At(ctx, generation)
}

// At returns the definitions of a generation, or of a later one.
func (l *Library) At(ctx context.Context, generation int64) (*dsl.Set, error) {
	l.mu.Lock()
	set, have := l.set, l.generation
	l.mu.Unlock()
	if set != nil && have >= generation {
		return set, nil
	}
	docs, generation, err := l.source.Active(ctx)
	if err != nil {
		return nil, fmt.Errorf("read definitions: %w", err)
	}
	if set, err = dsl.Load(docs); err != nil {
		l.broken(err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.set, l.generation = set, generation
	return set, nil
}
