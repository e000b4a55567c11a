package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rapport-crm/rapport/crm"
)

const noteColumns = "id, candidate_id, kind, text, author, source, external_id, at, created_at"

func scanNote(row pgx.CollectableRow) (n crm.Remark, err error) {
	err = row.Scan(&n.ID, &n.CandidateID, &n.Kind, &n.Text, &n.By, &n.Source, &n.ExternalID, &n.At, &n.CreatedAt)
	return n, err
}

// AddNote keeps what a person wrote down about a candidate, who is named by id or external id. Where the note has an external id and
// the source has given it before, that first note is returned, and duplicate is true. ID and CreatedAt are filled in. The error has
// crm.CodeNotFound when there is no such candidate and crm.CodeConflict when the first note is about somebody else.
func (s *Store) AddNote(ctx context.Context, n crm.Remark) (kept crm.Remark, duplicate bool, err error) {
	var locked []lockedCandidate
	lock := &pgx.Batch{}
	lockCandidates(lock, &locked, []string{n.CandidateID}, []string{n.CandidateID}, nil)
	tx, err := s.begin(ctx, lock)
	if err != nil {
		return crm.Remark{}, false, fmt.Errorf("add note: %w", err)
	}
	defer tx.rollback(ctx)
	candidate := whose(locked, n.CandidateID)
	if candidate == "" {
		return crm.Remark{}, false, notFound("There is no such candidate.")
	}
	now := s.now()
	var added, first []crm.Remark
	write := &pgx.Batch{}
	gather(write.Queue("insert into notes ("+noteColumns+`) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		on conflict (source, external_id) where external_id <> '' do nothing returning `+noteColumns,
		crm.NewID(crm.PrefixNote, now), candidate, n.Kind, n.Text, n.By, n.Source, n.ExternalID, moment(n.At), moment(now)), scanNote, &added)
	gather(write.Queue("select "+noteColumns+" from notes where source = $1 and external_id = $2 and external_id <> ''", n.Source, n.ExternalID), scanNote, &first)
	if err := tx.send(ctx, write); err != nil {
		return crm.Remark{}, false, fmt.Errorf("add note: %w", err)
	}
	if len(added) > 0 {
		tx.tell(crm.AuditRecord{At: now, Action: crm.AuditCreate, Kind: "note", Object: added[0].ID, Parts: crm.About(candidate)})
	}
	if err := tx.commit(ctx, &pgx.Batch{}); err != nil {
		return crm.Remark{}, false, fmt.Errorf("add note: %w", err)
	}
	switch {
	case len(added) > 0:
		return added[0], false, nil
	case len(first) == 0 || first[0].CandidateID != candidate:
		return crm.Remark{}, false, conflict("There is another note with that id.", "Give every note an id of its own.")
	}
	return first[0], true, nil
}

// NotesOf returns a page of what people wrote down about a candidate, the newest first, and the cursor of the next page, "" after the
// last. The error has crm.CodeNotFound when there is no such candidate and crm.CodeInvalid when the cursor is none of ours.
func (s *Store) NotesOf(ctx context.Context, candidateID string, limit int, after string) ([]crm.Remark, string, error) {
	candidate, _, err := s.Candidate(ctx, candidateID)
	if err != nil {
		return nil, "", err
	}
	from := place{At: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)}
	if after != "" {
		if from, err = decodePlace(after); err != nil {
			return nil, "", err
		}
	}
	limit = pageSize(limit)
	notes, err := all(ctx, s, scanNote, "select "+noteColumns+` from notes where candidate_id = $1 and (at, id collate "C") < ($2, $3)
		order by at desc, id collate "C" desc limit $4`, candidate.ID, from.At, from.Key, limit+1)
	if err != nil {
		return nil, "", fmt.Errorf("list notes: %w", err)
	}
	notes, next := page(notes, limit, func(n *crm.Remark) string { return encodePlace(place{At: n.At, Key: n.ID}) })
	return notes, next, nil
}

// DeleteNote takes a note of a candidate away. The error has crm.CodeNotFound when there is no such candidate or note.
func (s *Store) DeleteNote(ctx context.Context, candidateID, id string) error {
	candidate, _, err := s.Candidate(ctx, candidateID)
	if err != nil {
		return err
	}
	var gone []string
	remove := &pgx.Batch{}
	gather(remove.Queue("delete from notes where id = $1 and candidate_id = $2 returning id", id, candidate.ID), text, &gone)
	tx, err := s.begin(ctx, remove)
	if err != nil {
		return fmt.Errorf("delete note: %w", err)
	}
	defer tx.rollback(ctx)
	if len(gone) == 0 {
		return notFound("There is no such note.")
	}
	tx.tell(crm.AuditRecord{Action: crm.AuditRemove, Kind: "note", Object: id, Parts: crm.About(candidate.ID)})
	return wrapped("delete note", tx.commit(ctx, &pgx.Batch{}))
}
