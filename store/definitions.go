package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

// Definition is one version of a definition. Versions count from 1 for each kind, name and locale.
type Definition struct {
	Kind      string
	Name      string
	Locale    string // of a message, or ""
	Hash      string // of the content
	Source    string // its YAML
	File      string // where it was published from, with its line
	Line      int
	Version   int
	CreatedAt time.Time
	Active    bool // it is the version in force
	Paused    bool // the definition, in all of its versions, is paused
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

// Applied is what publishing did to one definition.
type Applied struct {
	Kind    string
	Name    string
	Locale  string
	Version int
	Status  string // added, changed or unchanged
}

// What publishing does to a definition.
const (
	StatusAdded     = "added"
	StatusChanged   = "changed"
	StatusUnchanged = "unchanged"
)

// ApplyDefinitions publishes definitions, all of them or none. Content that was published before comes back as the version
// that it was. Definitions that are not among docs stay as they are.
func (s *Store) ApplyDefinitions(ctx context.Context, docs []Definition, at time.Time) ([]Applied, error) {
	applied, err := s.apply(ctx, docs, instant(at))
	if err != nil {
		return nil, fmt.Errorf("publish definitions: %w", err)
	}
	return applied, nil
}

func (s *Store) apply(ctx context.Context, docs []Definition, at time.Time) ([]Applied, error) {
	lock := &pgx.Batch{}
	lock.Queue("select value from generation for update") // one publication at a time
	tx, err := s.begin(ctx, lock)
	if err != nil {
		return nil, err
	}
	defer tx.rollback(ctx)
	var kinds, names, locales []string
	for i := range docs {
		kinds, names, locales = append(kinds, docs[i].Kind), append(names, docs[i].Name), append(locales, docs[i].Locale)
	}
	var versions []Definition
	load := &pgx.Batch{}
	gather(load.Queue("select "+definitionColumns+definitionTables+`where (d.kind, d.name, d.locale) in
		(select * from unnest($1::text[], $2::text[], $3::text[])) order by d.version`, kinds, names, locales), scanDefinition, &versions)
	if err := tx.send(ctx, load); err != nil {
		return nil, err
	}
	applied := make([]Applied, len(docs))
	write := &pgx.Batch{}
	news := false
	for i := range docs {
		var known []Definition
		for _, v := range versions {
			if v.Kind == docs[i].Kind && v.Name == docs[i].Name && v.Locale == docs[i].Locale {
				known = append(known, v)
			}
		}
		applied[i] = queueDefinition(write, &docs[i], known, at)
		news = news || applied[i].Status != StatusUnchanged
	}
	if news {
		write.Queue("update generation set value = value + 1")
	}
	return applied, tx.commit(ctx, write)
}

// queueDefinition publishes one definition, given its versions in order.
func queueDefinition(batch *pgx.Batch, doc *Definition, known []Definition, at time.Time) Applied {
	a := Applied{Kind: doc.Kind, Name: doc.Name, Locale: doc.Locale, Status: StatusAdded}
	if len(known) > 0 {
		a.Status = StatusChanged
	}
	same := slices.IndexFunc(known, func(v Definition) bool { return v.Hash == doc.Hash })
	if same >= 0 {
		a.Version = known[same].Version
		if known[same].Active {
			a.Status = StatusUnchanged
			return a
		}
	} else {
		a.Version = 1
		if len(known) > 0 {
			a.Version += slices.MaxFunc(known, func(x, y Definition) int { return cmp.Compare(x.Version, y.Version) }).Version
		}
		batch.Queue(`insert into definitions (kind, name, locale, version, hash, source, file, line, created_at)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
			doc.Kind, doc.Name, doc.Locale, a.Version, doc.Hash, doc.Source, doc.File, doc.Line, moment(at))
	}
	batch.Queue(`insert into published (kind, name, locale, version, changed_at) values ($1, $2, $3, $4, $5)
		on conflict (kind, name, locale) do update set version = excluded.version, changed_at = excluded.changed_at`,
		doc.Kind, doc.Name, doc.Locale, a.Version, moment(at))
	return a
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

// PauseDefinition pauses or resumes a sequence as a whole: while it is paused its runs decide nothing but exits, and its
// messages are not sent. Resuming wakes its runs; if that is cut short, resume again. The error has crm.CodeNotFound when no
// sequence of that name is published.
func (s *Store) PauseDefinition(ctx context.Context, name string, paused bool, at time.Time) error {
	batch := &pgx.Batch{}
	var found []string
	batch.Queue("select value from generation for update")
	gather(batch.Queue(`update published set paused = $2, changed_at = $3 where kind = 'sequence' and name = $1 and locale = ''
		returning name`, name, paused, moment(at)), text, &found)
	batch.Queue("update generation set value = value + 1")
	if err := s.once(ctx, batch); err != nil {
		return fmt.Errorf("pause definition: %w", err)
	}
	if len(found) == 0 {
		return notFound("There is no sequence of that name.")
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
