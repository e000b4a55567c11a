package store

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/rapport-crm/rapport/crm"
)

// addressees are the meetings and interviewers that due messages are about and for, as they stand.
type addressees struct {
	meetings []crm.Meeting
	people   []crm.Interviewer
	ownEvent []string // ids of those whose calendar knows meetings by another UID than ours
	blocked  map[string][]crm.Suppression
}

// queueAddressees queues the load of what messages are about. Most are about no meeting, and cost nothing.
func queueAddressees(batch *pgx.Batch, due []crm.Message) *addressees {
	a := &addressees{}
	var meetings, recipients []string
	for i := range due {
		if due[i].MeetingID != "" {
			meetings = append(meetings, due[i].MeetingID)
		}
		if due[i].Recipient != "" {
			recipients = append(recipients, due[i].Recipient)
		}
	}
	if len(meetings) > 0 {
		gather(batch.Queue(meetingsOf+"where m.id = any($1)", meetings), scanMeeting, &a.meetings)
	}
	if len(recipients) > 0 {
		gather(batch.Queue("select "+interviewerColumns+" from interviewers where id = any($1)", recipients), scanInterviewer, &a.people)
		gather(batch.Queue("select distinct interviewer_id from interviewer_calendars where interviewer_id = any($1) and kind = $2",
			recipients, crm.CalendarMicrosoft), text, &a.ownEvent)
	}
	return a
}

// readSuppressions reads which of the interviewers' addresses must not be written to.
func (a *addressees) readSuppressions(ctx context.Context, tx *transaction, key []byte) error {
	if len(a.people) == 0 {
		return nil
	}
	hashes := make([][]byte, len(a.people))
	byHash := map[string]string{}
	for i := range a.people {
		hashes[i] = hashAddress(key, crm.Email, a.people[i].Email)
		byHash[string(hashes[i])] = a.people[i].ID
	}
	a.blocked = map[string][]crm.Suppression{}
	load := &pgx.Batch{}
	load.Queue("select address_hash, channel, reason, at from suppressions where address_hash = any($1) order by at, reason", hashes).
		Query(func(rows pgx.Rows) error {
			for rows.Next() {
				var hash []byte
				var x crm.Suppression
				if err := rows.Scan(&hash, &x.Channel, &x.Reason, &x.At); err != nil {
					return err
				}
				a.blocked[byHash[string(hash)]] = append(a.blocked[byHash[string(hash)]], x)
			}
			return rows.Err()
		})
	if err := tx.send(ctx, load); err != nil {
		return fmt.Errorf("read suppressions of interviewers: %w", err)
	}
	return nil
}

// add adds to the facts what a message is about and for.
func (a *addressees) add(f *crm.Facts, m *crm.Message) {
	for i := range a.meetings {
		if a.meetings[i].ID == m.MeetingID {
			f.Meetings = append(f.Meetings, a.meetings[i])
		}
	}
	for i := range a.people {
		if id := a.people[i].ID; id == m.Recipient {
			f.Recipient = &crm.Recipient{Interviewer: a.people[i], Suppressions: a.blocked[id], OwnEvent: slices.Contains(a.ownEvent, id)}
		}
	}
}
