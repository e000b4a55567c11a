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

// InterviewerWrite is what somebody says about an interviewer.
type InterviewerWrite struct {
	ID          string          // of who is there; "": who has the email address, or else is created with it
	Interviewer crm.Interviewer // time off has its own writer: SetTimeOff
	Present     map[string]bool // the fields of Interviewer that are given, named as in crm.InterviewerFields; nil: all
}

// UpsertInterviewers creates or changes interviewers in one transaction, each of them wholly or not at all. Of concurrent
// writes for a new email address, one creates the interviewer and the others change them. Who is new is active and has the weight
// 1 unless it is said otherwise. A write that says nothing new changes nothing. A dry run tells what would become of the
// writes, and writes nothing.
func (s *Store) UpsertInterviewers(ctx context.Context, writes []InterviewerWrite, by string, at time.Time, dryRun bool) (done []Upserted, err error) {
	if len(writes) == 0 {
		return nil, nil
	}
	for range upsertAttempts {
		u := &peopleUpsert{by: by, at: instant(at), dryRun: dryRun}
		done, err = s.upsertPeople(ctx, writes, u)
		if SQLState(err) != stateUniqueViolation {
			break
		}
	}
	if err != nil {
		return nil, fmt.Errorf("write interviewers: %w", err)
	}
	return done, nil
}

// CreateInterviewer creates an interviewer. The error has crm.CodeConflict when the email address is taken.
func (s *Store) CreateInterviewer(ctx context.Context, write InterviewerWrite, by string, at time.Time) (Upserted, error) {
	write.ID = ""
	done, err := s.upsertPeople(ctx, []InterviewerWrite{write}, &peopleUpsert{by: by, at: instant(at), createOnly: true})
	if SQLState(err) == stateUniqueViolation {
		return Upserted{}, emailTaken()
	}
	if err != nil {
		return Upserted{}, fmt.Errorf("create interviewer: %w", err)
	}
	return done[0], done[0].Err
}

func emailTaken() error {
	return conflict("There is an interviewer with that email address.", "Change that one instead.")
}

func (s *Store) upsertPeople(ctx context.Context, writes []InterviewerWrite, u *peopleUpsert) ([]Upserted, error) {
	var ids, emails []string
	for i := range writes {
		ids, emails = append(ids, writes[i].ID), append(emails, interviewerEmail(writes[i].Interviewer.Email))
	}
	var found []crm.Interviewer
	lock := &pgx.Batch{}
	lock.Queue("select from interviewers where id = any($1) or email = any($2) order by id for no key update", ids, emails)
	gather(lock.Queue("select "+interviewerColumns+" from interviewers where id = any($1) or email = any($2)", ids, emails), scanInterviewer, &found)
	tx, err := s.begin(ctx, lock)
	if err != nil {
		return nil, err
	}
	defer tx.rollback(ctx)
	for i := range found {
		u.drafts = append(u.drafts, &person{before: &found[i], now: found[i]})
	}
	done := make([]Upserted, len(writes))
	for i := range writes {
		done[i] = u.write(&writes[i])
	}
	if u.dryRun {
		return done, nil
	}
	last := &pgx.Batch{}
	u.queue(tx, last)
	return done, tx.commit(ctx, last)
}

// peopleUpsert is the state of one attempt.
type peopleUpsert struct {
	by         string
	at         time.Time
	createOnly bool
	dryRun     bool
	drafts     []*person
}

// person is an interviewer as the writes leave them.
type person struct {
	before *crm.Interviewer // nil: a new one
	now    crm.Interviewer
}

func (u *peopleUpsert) find(match func(*crm.Interviewer) bool) *person {
	if i := slices.IndexFunc(u.drafts, func(p *person) bool { return match(&p.now) }); i >= 0 {
		return u.drafts[i]
	}
	return nil
}

// write applies one write to its draft.
func (u *peopleUpsert) write(w *InterviewerWrite) Upserted {
	given := w.Interviewer
	given.Email = interviewerEmail(given.Email)
	present := func(field string) bool { return w.Present == nil || w.Present[field] }
	holder := u.find(func(i *crm.Interviewer) bool { return i.Email == given.Email })
	p := holder
	if w.ID != "" {
		p = u.find(func(i *crm.Interviewer) bool { return i.ID == w.ID })
		if p == nil {
			return Upserted{Err: noInterviewer()}
		}
	}
	switch {
	case p != nil && u.createOnly, holder != nil && holder != p && present("email"):
		return Upserted{Err: emailTaken()}
	case p == nil && given.Email == "":
		return Upserted{Err: invalid("An interviewer needs an email address.", "Give one.")}
	case p == nil:
		p = &person{now: crm.Interviewer{ID: crm.NewID(crm.PrefixInterviewer, u.at), Email: given.Email, Active: true, Weight: 1}}
		p.now.Merge(&given, present)
		u.drafts = append(u.drafts, p)
		return Upserted{ID: p.now.ID, Created: true}
	}
	return Upserted{ID: p.now.ID, Changed: p.now.Merge(&given, present)}
}

// queue writes the drafts that differ from what was there, in the order of their key.
func (u *peopleUpsert) queue(tx *transaction, batch *pgx.Batch) {
	slices.SortFunc(u.drafts, func(a, b *person) int { return cmp.Compare(a.now.Email, b.now.Email) })
	for _, p := range u.drafts {
		change := InterviewerChange{InterviewerID: p.now.ID, At: u.at, By: u.by, What: "created"}
		if p.before != nil {
			now := *p.before
			change.What, change.Fields = "changed", now.Merge(&p.now, func(string) bool { return true })
			if len(change.Fields) == 0 {
				continue
			}
		}
		queueInterviewer(batch, &p.now, p.before == nil, u.at)
		queueInterviewerChange(tx, batch, change)
	}
}
