package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rapport-crm/rapport/crm"
)

// Visited is what is known of a message whose links or pictures are asked for.
type Visited struct {
	Message  crm.Message
	Consents []crm.Consent // of its candidate, oldest first
	Arrivals []time.Time   // as crm.Visit.Machine takes them, also those that are not dispatched yet
	Clicks   []crm.Visit   // on links of the message, near the time of this one
}

// visited gathers a Visited.
type visited struct {
	id       string
	messages []crm.Message
	consents []consentLine
	near     []crm.Event
}

const nearVisits = "select " + eventColumns + " from events e" + joinMessage + `
	where e.candidate_id = (select candidate_id from messages where id = $1) and e.type = any($2) and e.data->>'message' = $1
	and e.time between $3 and $4 order by e.seq`

func (v *visited) queue(batch *pgx.Batch, at time.Time) {
	gather(batch.Queue("select "+messageColumns+" from messages where id = $1", v.id), scanMessage, &v.messages)
	gather(batch.Queue(consentsOf+"= (select candidate_id from messages where id = $1)"+consentOrder, v.id), scanConsent, &v.consents)
	gather(batch.Queue(nearVisits, v.id, []string{"message.delivered", "message.clicked"},
		moment(at.Add(-crm.VisitSpan)), moment(at.Add(crm.VisitSpan))), scanEvent, &v.near)
}

func (v *visited) result() (*Visited, error) {
	if len(v.messages) == 0 {
		return nil, notFound("There is no such message.")
	}
	r := &Visited{Message: v.messages[0], Consents: plainConsents(v.consents)}
	r.Arrivals = r.Message.Arrivals()
	for i := range v.near {
		e := &v.near[i]
		if e.Type == "message.delivered" {
			r.Arrivals = append(r.Arrivals, e.Time)
		} else {
			r.Clicks = append(r.Clicks, crm.Visit{URL: e.Text("url"), At: e.Time})
		}
	}
	return r, nil
}

// Visited returns what is known of a message that somebody visited at a time. The error has crm.CodeNotFound when there is no
// such message.
func (s *Store) Visited(ctx context.Context, messageID string, at time.Time) (*Visited, error) {
	v, batch := &visited{id: messageID}, &pgx.Batch{}
	v.queue(batch, at)
	if err := s.pool.SendBatch(ctx, batch).Close(); err != nil {
		return nil, fmt.Errorf("read message: %w", err)
	}
	return v.result()
}

// ReceiveVisit stores the event that decide makes of a visit to a message, if it makes one, and tells whether it is a new one.
// Visits to the messages of one candidate are decided one after the other, so that of links that are followed at once only
// the first is by itself. The error has crm.CodeNotFound when there is no such message.
func (s *Store) ReceiveVisit(ctx context.Context, messageID string, at time.Time, decide func(*Visited) (crm.Event, bool)) (stored bool, err error) {
	v, load := &visited{id: messageID}, &pgx.Batch{}
	load.Queue(lockOwners("messages"), messageID)
	v.queue(load, at)
	tx, err := s.begin(ctx, load)
	if err != nil {
		return false, fmt.Errorf("read message: %w", err)
	}
	defer tx.rollback(ctx)
	known, err := v.result()
	if err != nil {
		return false, err
	}
	event, ok := decide(known)
	if !ok {
		return false, nil
	}
	events, err := s.prepare([]crm.Event{event})
	if err != nil {
		return false, err
	}
	var rows eventRows
	if err := rows.add(&events[0], false); err != nil {
		return false, err
	}
	var inserted []insertedRow
	write := &pgx.Batch{}
	gather(write.Queue(insertEvents, rows.arguments()...), scanInserted, &inserted)
	if err := tx.commit(ctx, write); err != nil {
		return false, receiveError(err)
	}
	s.Notify(TopicEvents)
	return len(inserted) > 0, nil
}
