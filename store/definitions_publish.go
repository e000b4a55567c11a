package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rapport-crm/rapport/crm"
)

// Applied is what publishing did to one definition.
type Applied struct {
	Kind    string
	Name    string
	Locale  string
	Version int // of a removed one: the last
	Status  string
}

// What publishing does to a definition.
const (
	StatusAdded     = "added"
	StatusChanged   = "changed"
	StatusUnchanged = "unchanged"
	StatusRemoved   = "removed"
)

// Publication is what is published together.
type Publication struct {
	Documents  []crm.Document
	Remove     []crm.Document // in force now, and no longer: their versions are kept, and runs stay on them
	Generation *int64         // of the definitions that this was made for; nil: any
}

// ApplyDefinitions publishes definitions, all of them or none. Content that was published before comes back as the version
// that it was. Definitions that are not among docs stay as they are.
func (s *Store) ApplyDefinitions(ctx context.Context, docs []crm.Document, at time.Time) ([]Applied, error) {
	return s.Publish(ctx, &Publication{Documents: docs}, at)
}

// Publish publishes all of a publication or nothing. The error has crm.CodeConflict when the definitions in force are not
// those that it was made for.
func (s *Store) Publish(ctx context.Context, p *Publication, at time.Time) ([]Applied, error) {
	applied, err := s.publish(ctx, p, instant(at))
	if err != nil {
		return nil, fmt.Errorf("publish definitions: %w", err)
	}
	return applied, nil
}

func (s *Store) publish(ctx context.Context, p *Publication, at time.Time) ([]Applied, error) {
	var generation []int64
	lock := &pgx.Batch{}
	gather(lock.Queue("select value from generation for update"), pgx.RowTo[int64], &generation) // one publication at a time
	tx, err := s.begin(ctx, lock)
	if err != nil {
		return nil, err
	}
	defer tx.rollback(ctx)
	if p.Generation != nil && (len(generation) != 1 || generation[0] != *p.Generation) {
		return nil, conflict("The definitions in force have changed in the meantime.", "Plan again.")
	}
	versions, err := known(ctx, tx, slices.Concat(p.Documents, p.Remove))
	if err != nil {
		return nil, err
	}
	var applied []Applied
	write := &pgx.Batch{}
	for i := range p.Documents {
		applied = append(applied, queueDefinition(write, &p.Documents[i], versions[p.Documents[i].Key()], at))
	}
	for i := range p.Remove {
		applied = append(applied, queueRemoval(write, &p.Remove[i], versions[p.Remove[i].Key()])...)
	}
	if slices.ContainsFunc(applied, func(a Applied) bool { return a.Status != StatusUnchanged }) {
		write.Queue("update generation set value = value + 1")
	}
	tx.tell(published(applied, at)...)
	return applied, tx.commit(ctx, write)
}

// known reads all versions of some definitions, in order, by their keys.
func known(ctx context.Context, tx *transaction, docs []crm.Document) (map[string][]Definition, error) {
	var kinds, names, locales []string
	for i := range docs {
		kinds, names, locales = append(kinds, docs[i].Kind), append(names, docs[i].Name), append(locales, docs[i].Locale)
	}
	var versions []Definition
	load := &pgx.Batch{}
	gather(load.Queue("select "+definitionColumns+definitionTables+`where (d.kind, d.name, d.locale) in
		(select * from unnest($1::text[], $2::text[], $3::text[])) order by d.version`, list(kinds), list(names), list(locales)),
		scanDefinition, &versions)
	if err := tx.send(ctx, load); err != nil {
		return nil, err
	}
	byKey := make(map[string][]Definition, len(docs))
	for i := range versions {
		key := versions[i].Key()
		byKey[key] = append(byKey[key], versions[i])
	}
	return byKey, nil
}

// queueDefinition publishes one definition, given its versions in order.
func queueDefinition(batch *pgx.Batch, doc *crm.Document, known []Definition, at time.Time) Applied {
	a := Applied{Kind: doc.Kind, Name: doc.Name, Locale: doc.Locale, Status: StatusAdded}
	if slices.ContainsFunc(known, func(v Definition) bool { return v.Active }) {
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
	if doc.Kind == crm.KindWorkspace { // there is one: that of another name goes
		batch.Queue("delete from published where kind = $1 and name <> $2", doc.Kind, doc.Name)
	}
	batch.Queue(`insert into published (kind, name, locale, version, changed_at) values ($1, $2, $3, $4, $5)
		on conflict (kind, name, locale) do update set version = excluded.version, changed_at = excluded.changed_at`,
		doc.Kind, doc.Name, doc.Locale, a.Version, moment(at))
	return a
}

// queueRemoval takes a definition out of force. One that is not in force any more is left alone.
func queueRemoval(batch *pgx.Batch, doc *crm.Document, known []Definition) []Applied {
	for i := range known {
		if v := &known[i]; v.Active {
			batch.Queue("delete from published where kind = $1 and name = $2 and locale = $3", doc.Kind, doc.Name, doc.Locale)
			return []Applied{{Kind: doc.Kind, Name: doc.Name, Locale: doc.Locale, Version: v.Version, Status: StatusRemoved}}
		}
	}
	return nil
}

// published is what the audit log says of a publication.
func published(applied []Applied, at time.Time) []crm.AuditRecord {
	var told []crm.AuditRecord
	for i := range applied {
		a := &applied[i]
		if a.Status == StatusUnchanged {
			continue
		}
		object := a.Kind + "/" + a.Name
		if a.Locale != "" {
			object += "/" + a.Locale
		}
		told = append(told, crm.AuditRecord{
			At: at, Action: crm.AuditPublish, Kind: "definition", Object: object, Detail: fmt.Sprintf("%s version %d", a.Status, a.Version),
		})
	}
	return told
}
