package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rapport-crm/rapport/crm"
)

const interviewerColumns = `id, email, name, locale, meeting_url, zone, hours, skills, groups, daily_limit, weekly_limit, min_gap, weight, trainee, active,
	array(select starts_at from interviewer_time_off where interviewer_id = interviewers.id order by starts_at),
	array(select ends_at from interviewer_time_off where interviewer_id = interviewers.id order by starts_at)`

func scanInterviewer(row pgx.CollectableRow) (i crm.Interviewer, err error) {
	var hours string
	var gap int64
	var starts, ends []time.Time
	err = row.Scan(&i.ID, &i.Email, &i.Name, &i.Locale, &i.MeetingURL, &i.Zone, &hours, &i.Skills, &i.Groups, &i.DailyLimit, &i.WeeklyLimit, &gap, &i.Weight,
		&i.Trainee, &i.Active, &starts, &ends)
	if err != nil {
		return i, err
	}
	if i.Hours, err = crm.ParseHours(hours); err != nil {
		return i, fmt.Errorf("read hours of %s: %w", i.ID, err)
	}
	i.MinGap, i.TimeOff = time.Duration(gap)*time.Second, spans(starts, ends)
	for _, l := range []*[]string{&i.Skills, &i.Groups} {
		if len(*l) == 0 {
			*l = nil
		}
	}
	return i, nil
}

// queueInterviewer writes all of an interviewer but the time off.
func queueInterviewer(batch *pgx.Batch, i *crm.Interviewer, created bool, at time.Time) {
	sql := `update interviewers set email = $2, name = $3, zone = $4, hours = $5, skills = $6, groups = $7, daily_limit = $8,
		weekly_limit = $9, min_gap = $10, weight = $11, trainee = $12, active = $13, updated_at = $14, locale = $15, meeting_url = $16 where id = $1`
	if created {
		sql = `insert into interviewers (id, email, name, zone, hours, skills, groups, daily_limit, weekly_limit, min_gap, weight,
			trainee, active, created_at, updated_at, locale, meeting_url)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14, $15, $16)`
	}
	batch.Queue(sql, i.ID, i.Email, i.Name, i.Zone, i.Hours.String(), list(i.Skills), list(i.Groups), i.DailyLimit, i.WeeklyLimit,
		int64(i.MinGap/time.Second), i.Weight, i.Trainee, i.Active, moment(at), i.Locale, i.MeetingURL)
}

// spans are kept as two lists, of their starts and their ends.
func spans(starts, ends []time.Time) []crm.Span {
	var all []crm.Span
	for i := range min(len(starts), len(ends)) {
		all = append(all, crm.Span{Start: starts[i], End: ends[i]})
	}
	return all
}

func unspan(all []crm.Span) (starts, ends []time.Time) {
	starts, ends = []time.Time{}, []time.Time{}
	for _, s := range all {
		starts, ends = append(starts, instant(s.Start)), append(ends, instant(s.End))
	}
	return starts, ends
}

// Interviewer returns an interviewer by id or email address. The error has crm.CodeNotFound when there is none.
func (s *Store) Interviewer(ctx context.Context, idOrEmail string) (crm.Interviewer, error) {
	found, err := all(ctx, s, scanInterviewer, "select "+interviewerColumns+" from interviewers where id = $1 or email = $2 limit 1",
		idOrEmail, interviewerEmail(idOrEmail))
	if err != nil {
		return crm.Interviewer{}, fmt.Errorf("read interviewer: %w", err)
	}
	if len(found) == 0 {
		return crm.Interviewer{}, noInterviewer()
	}
	return found[0], nil
}

func noInterviewer() error {
	return &crm.Error{Code: crm.CodeNotFound, Message: "There is no such interviewer.", Next: "Name them by their id or email address."}
}

// interviewerEmail is the form in which addresses are kept and compared.
func interviewerEmail(address string) string { return crm.NormalAddress(crm.Email, address) }

// InterviewerFilter says which interviewers to list. Empty fields do not filter.
type InterviewerFilter struct {
	Query  string // part of a name or an email address, in any case
	Group  string
	Active bool   // only those who get new interviews
	Limit  int    // of a page; 0: 50, at most 500
	After  string // the cursor that the page before returned
}

// ListInterviewers returns a page of interviewers, the newest first, and the cursor of the next page, "" after the last.
func (s *Store) ListInterviewers(ctx context.Context, f InterviewerFilter) (items []crm.Interviewer, next string, err error) {
	limit := pageSize(f.Limit)
	items, err = all(ctx, s, scanInterviewer, "select "+interviewerColumns+` from interviewers
		where ($1 = '' or id < $1) and ($2 = '' or groups @> array[$2]) and (active or not $3)
		and ($4 = '' or name ilike $4 or email ilike $4) order by id desc limit $5`, f.After, f.Group, f.Active, pattern(f.Query), limit+1)
	if err != nil {
		return nil, "", fmt.Errorf("list interviewers: %w", err)
	}
	items, next = page(items, limit, func(i *crm.Interviewer) string { return i.ID })
	return items, next, nil
}

// InterviewersOf returns everybody who is in one of some groups or has one of some ids or email addresses, by id: active or
// not, trainees too.
func (s *Store) InterviewersOf(ctx context.Context, groups, idsOrEmails []string) ([]crm.Interviewer, error) {
	emails := make([]string, len(idsOrEmails))
	for i, name := range idsOrEmails {
		emails[i] = interviewerEmail(name)
	}
	found, err := all(ctx, s, scanInterviewer, "select "+interviewerColumns+` from interviewers
		where groups && $1 or id = any($2) or email = any($3) order by id`, list(groups), list(idsOrEmails), emails)
	if err != nil {
		return nil, fmt.Errorf("read interviewers: %w", err)
	}
	return found, nil
}

// InterviewerGroup is a group that somebody is in.
type InterviewerGroup struct {
	Name     string
	Active   int // who get new interviews, trainees left out
	Trainees int // of those who are active
	Inactive int
}

// InterviewerGroups returns the groups, by name.
func (s *Store) InterviewerGroups(ctx context.Context) ([]InterviewerGroup, error) {
	groups, err := all(ctx, s, pgx.RowToStructByPos[InterviewerGroup], `select g, count(*) filter (where active and not trainee),
		count(*) filter (where active and trainee), count(*) filter (where not active)
		from interviewers, unnest(groups) g group by g order by g`)
	if err != nil {
		return nil, fmt.Errorf("list interviewer groups: %w", err)
	}
	return groups, nil
}

// DeleteInterviewer deletes an interviewer with their calendars and time off. What was changed about them stays known, without
// who they were. The error has crm.CodeNotFound when there is none, and crm.CodeConflict when interviews refer to them.
func (s *Store) DeleteInterviewer(ctx context.Context, idOrEmail, by string, at time.Time) error {
	err := s.changeInterviewer(ctx, idOrEmail, func(tx *transaction, i *crm.Interviewer, batch *pgx.Batch) error {
		batch.Queue("delete from interviewers where id = $1", i.ID)
		queueInterviewerChange(tx, batch, InterviewerChange{InterviewerID: i.ID, At: at, By: by, What: "deleted"})
		return nil
	})
	if SQLState(err) == stateForeignKey {
		return conflict("Interviews refer to this interviewer.", "Make them inactive instead: they get no new interviews then.")
	}
	return wrapped("delete interviewer", err)
}

// SetTimeOff replaces the times at which an interviewer is away. Times that touch become one. The error has crm.CodeNotFound
// when there is no such interviewer.
func (s *Store) SetTimeOff(ctx context.Context, idOrEmail string, away []crm.Span, by string, at time.Time) ([]crm.Span, error) {
	away = slices.Clone(away)
	for i := range away {
		away[i] = crm.Span{Start: instant(away[i].Start), End: instant(away[i].End)}
	}
	away = crm.MergeSpans(away)
	err := s.changeInterviewer(ctx, idOrEmail, func(tx *transaction, i *crm.Interviewer, batch *pgx.Batch) error {
		if slices.EqualFunc(i.TimeOff, away, func(a, b crm.Span) bool { return a.Start.Equal(b.Start) && a.End.Equal(b.End) }) {
			return nil
		}
		starts, ends := unspan(away)
		batch.Queue("delete from interviewer_time_off where interviewer_id = $1", i.ID)
		batch.Queue(`insert into interviewer_time_off (interviewer_id, starts_at, ends_at)
			select $1, * from unnest($2::timestamptz[], $3::timestamptz[])`, i.ID, starts, ends)
		queueInterviewerChange(tx, batch, InterviewerChange{InterviewerID: i.ID, At: at, By: by, What: "time_off"})
		return nil
	})
	return away, wrapped("set time off", err)
}

// changeInterviewer locks an interviewer and commits what change queues.
func (s *Store) changeInterviewer(ctx context.Context, idOrEmail string, change func(*transaction, *crm.Interviewer, *pgx.Batch) error) error {
	var found []crm.Interviewer
	lock := &pgx.Batch{}
	lock.Queue("select from interviewers where id = $1 or email = $2 for no key update", idOrEmail, interviewerEmail(idOrEmail))
	gather(lock.Queue("select "+interviewerColumns+" from interviewers where id = $1 or email = $2", idOrEmail, interviewerEmail(idOrEmail)),
		scanInterviewer, &found)
	tx, err := s.begin(ctx, lock)
	if err != nil {
		return err
	}
	defer tx.rollback(ctx)
	if len(found) == 0 {
		return noInterviewer()
	}
	batch := &pgx.Batch{}
	if err := change(tx, &found[0], batch); err != nil {
		return err
	}
	return tx.commit(ctx, batch)
}

// InterviewerChange is what somebody changed about an interviewer. There are no values in it.
type InterviewerChange struct {
	ID            int64
	InterviewerID string
	At            time.Time
	By            string // the name of the key
	What          string // created, changed, time_off, calendar_link, calendar_connected, calendar_changed, calendar_removed or deleted
	Fields        []string
}

// queueInterviewerChange writes a change down, and has the audit log say so.
func queueInterviewerChange(tx *transaction, batch *pgx.Batch, c InterviewerChange) {
	tx.tell(crm.AuditRecord{
		At: c.At, Action: crm.AuditChange, Kind: "interviewer", Object: c.InterviewerID, Detail: strings.TrimSpace(c.What + " " + strings.Join(c.Fields, " ")),
	})
	batch.Queue("insert into interviewer_changes (interviewer_id, at, said_by, what, fields) values ($1, $2, $3, $4, $5)",
		c.InterviewerID, moment(c.At), c.By, c.What, list(c.Fields))
}

// InterviewerChanges returns a page of what was changed about an interviewer, the newest first. It is there after they were
// deleted too.
func (s *Store) InterviewerChanges(ctx context.Context, id string, limit int, before int64) ([]InterviewerChange, int64, error) {
	limit = pageSize(limit)
	changes, err := all(ctx, s, pgx.RowToStructByPos[InterviewerChange], `select id, interviewer_id, at, said_by, what, fields
		from interviewer_changes where interviewer_id = $1 and ($2 = 0 or id < $2) order by id desc limit $3`, id, before, limit+1)
	if err != nil {
		return nil, 0, fmt.Errorf("list changes of interviewer: %w", err)
	}
	if len(changes) <= limit {
		return changes, 0, nil
	}
	return changes[:limit], changes[limit-1].ID, nil
}
