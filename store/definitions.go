package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rapport-crm/rapport/crm"
)

// Definition is one version of a definition. Versions count from 1 for each kind, name and locale.
type Definition struct {
	crm.Document

	Version   int
	CreatedAt time.Time
	Active    bool // it is the version in force
	Paused    bool // the definition, in all of its versions, is paused
}

// Documents returns the documents of definitions.
func Documents(definitions []Definition) []crm.Document {
	docs := make([]crm.Document, len(definitions))
	for i := range definitions {
		docs[i] = definitions[i].Document
	}
	return docs
}

const (
	definitionColumns = `d.kind, d.name, d.locale, d.hash, d.source, d.file, d.line, d.version, d.created_at,
		p.version is not null and p.version = d.version, coalesce(p.paused, false)`
	definitionTables = ` from definitions d left join published p using (kind, name, locale) `
)

func scanDefinition(row pgx.CollectableRow) (d Definition, err error) {
	err = row.Scan(&d.Kind, &d.Name, &d.Locale, &d.Hash, &d.Source, &d.File, &d.Line, &d.Version, &d.CreatedAt, &d.Active, &d.Paused)
	return d, err
}

// ActiveDefinitions returns the versions in force, by kind, name and locale, and the generation that they are at least of.
func (s *Store) ActiveDefinitions(ctx context.Context) ([]Definition, int64, error) {
	// The generation is read first: what is published in between makes the caller read again, and misses nothing.
	generation, err := s.DefinitionsGeneration(ctx)
	if err != nil {
		return nil, 0, err
	}
	active, err := all(ctx, s, scanDefinition,
		"select "+definitionColumns+definitionTables+"where p.version = d.version order by kind, name, locale")
	if err != nil {
		return nil, 0, fmt.Errorf("read definitions: %w", err)
	}
	return active, generation, nil
}

// DefinitionsGeneration returns a number that every publication and every pause raises. It is cheap to ask.
func (s *Store) DefinitionsGeneration(ctx context.Context) (int64, error) {
	var value int64
	if err := s.pool.QueryRow(ctx, "select value from generation").Scan(&value); err != nil {
		return 0, fmt.Errorf("read definitions: %w", err)
	}
	return value, nil
}

// ListDefinitions returns every version of every definition, by kind, name and locale, the newest first.
func (s *Store) ListDefinitions(ctx context.Context) ([]Definition, error) {
	found, err := all(ctx, s, scanDefinition,
		"select "+definitionColumns+definitionTables+"order by kind, name, locale, d.version desc")
	if err != nil {
		return nil, fmt.Errorf("list definitions: %w", err)
	}
	return found, nil
}

// Definition returns one version, or with version 0 the one in force. The error has crm.CodeNotFound when there is none.
func (s *Store) Definition(ctx context.Context, kind, name, locale string, version int) (Definition, error) {
	return s.definition(ctx, `where kind = $1 and name = $2 and locale = $3
		and (d.version = $4 or $4 = 0 and d.version = p.version)`, kind, name, locale, version)
}

// RunDefinition returns the sequence or interview of a name that is in force. The error has crm.CodeNotFound when there is none.
func (s *Store) RunDefinition(ctx context.Context, name string) (Definition, error) {
	return s.definition(ctx, "where d.name = $1 and d.version = p.version and "+runKinds, name)
}

// DefinitionByHash returns a definition by its content: what a run is pinned to. The error has crm.CodeNotFound when there
// is none.
func (s *Store) DefinitionByHash(ctx context.Context, hash string) (Definition, error) {
	return s.definition(ctx, "where d.hash = $1 order by p.version = d.version desc nulls last limit 1", hash)
}

func (s *Store) definition(ctx context.Context, where string, arguments ...any) (Definition, error) {
	found, err := all(ctx, s, scanDefinition, "select "+definitionColumns+definitionTables+where, arguments...)
	if err != nil {
		return Definition{}, fmt.Errorf("read definition: %w", err)
	}
	if len(found) == 0 {
		return Definition{}, notFound("There is no such definition, or no such version of it.")
	}
	return found[0], nil
}

// PauseDefinition pauses or resumes a sequence or an interview as a whole: while it is paused its runs decide nothing but exits, and its
// messages are not sent. Resuming wakes its runs; if that is cut short, resume again. The error has crm.CodeNotFound when no
// sequence or interview of that name is published.
func (s *Store) PauseDefinition(ctx context.Context, name string, paused bool) error {
	batch := &pgx.Batch{}
	var found []string
	batch.Queue("select value from generation for update")
	gather(batch.Queue("update published p set paused = $2 where name = $1 and "+runKinds+" returning name", name, paused),
		text, &found)
	batch.Queue("update generation set value = value + 1")
	record := crm.AuditRecord{Action: crm.AuditResume, Kind: "definition", Object: name}
	if paused {
		record.Action = crm.AuditPause
	}
	if err := queueAudit(ctx, batch, s.now(), []crm.AuditRecord{record}); err != nil {
		return err
	}
	if err := s.once(ctx, batch); err != nil {
		return fmt.Errorf("pause definition: %w", err)
	}
	if len(found) == 0 {
		return notFound("There is no sequence and no interview of that name.")
	}
	if !paused {
		if err := s.wakeAll(ctx, name); err != nil {
			return fmt.Errorf("wake runs of %s: %w", name, err)
		}
	}
	return nil
}

// wakeChunk is how many candidates are locked at once to wake the runs of a sequence.
const wakeChunk = 500

// wakeAll wakes the runs of a sequence, under the locks of their candidates: a decision that still found the sequence paused
// is then committed and will be woken from.
func (s *Store) wakeAll(ctx context.Context, definition string) error {
	after := ""
	for {
		var locked []lockedCandidate
		lock := &pgx.Batch{}
		gather(lock.Queue(`select * from lock_candidates(array(
				select distinct candidate_id from enrollments where definition = $1 and status <> 'closed' and candidate_id > $2
				order by candidate_id limit $3))`, definition, after, wakeChunk), scanLocked, &locked)
		tx, err := s.begin(ctx, lock)
		if err != nil {
			return err
		}
		wake := &pgx.Batch{}
		wake.Queue(`update enrollments set wake = wake + 1
			where candidate_id = any($1) and definition = $2 and status <> 'closed'`, lockedIDs(locked), definition)
		if err := tx.commit(ctx, wake); err != nil {
			return err
		}
		s.Notify(TopicWakes)
		s.Notify(TopicMessages)
		if len(locked) < wakeChunk {
			return nil
		}
		after = locked[len(locked)-1].id
	}
}
