package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/rapport-crm/rapport/crm"
)

// maxEventsBody bounds the body of a request with events, in bytes.
const maxEventsBody = 16 << 20

// ItemStatus is what became of one item.
type ItemStatus string

// The statuses of an event.
const (
	ItemAccepted  ItemStatus = "accepted"
	ItemDuplicate ItemStatus = "duplicate" // its source had sent it before: answered like the first, nothing was done
	ItemRejected  ItemStatus = "rejected"
)

// ItemProblem is why an item was rejected.
type ItemProblem struct { //nolint:errname // a part of an answer first of all
	Code   string `json:"code" doc:"invalid, unknown_type, forbidden, too_large or erased." example:"unknown_type"`
	Detail string `json:"detail" doc:"What is wrong, and what would be right."`
}

// Error is the detail.
func (p *ItemProblem) Error() string { return p.Detail }

// EventResult is what became of one event.
type EventResult struct {
	Index   int          `json:"index" doc:"Its place in the request, from 0."`
	Status  ItemStatus   `json:"status" enum:"accepted,duplicate,rejected"`
	ID      string       `json:"id,omitempty" doc:"The source's id of the event; made up if it had none."`
	Event   string       `json:"event,omitempty" doc:"Rapport's own id of the event."`
	Problem *ItemProblem `json:"problem,omitempty"`
}

// EventResults is what became of every event of a request, in their order.
type EventResults struct {
	Accepted  int           `json:"accepted"`
	Duplicate int           `json:"duplicate"`
	Rejected  int           `json:"rejected"`
	Results   []EventResult `json:"results"`
}

type eventsInput struct {
	ContentType    string `header:"Content-Type" hidden:"true"`
	IdempotencyKey string `header:"Idempotency-Key" maxLength:"200" doc:"Makes simple events without an id idempotent: their id becomes this and their place in the request."`
	RecordOnly     bool   `query:"record_only" doc:"Keep them as history: nobody is enrolled and no run wakes up."`
	RawBody        []byte
}

func (s *server) registerEvents() {
	op := operation(http.MethodPost, "/v1/events", "send-events", "Events", ScopeEventsWrite, "Send events",
		"One event or up to 1,000, as CloudEvents 1.0 or as simple JSON. Everything that is accepted is committed when the answer comes. "+
			"Sending an event again, by source and id, does nothing, so that a request without an answer can be repeated. "+
			"Each event is judged alone: look at the results. An event of a candidate who is not known yet is kept until they are. "+
			"Events of a role have no candidate: they are told to the members of the pools that sequences name.")
	op.MaxBodyBytes = maxEventsBody
	op.RequestBody = &huma.RequestBody{Required: true}
	huma.Register(s.huma, unaudited(op, "events are kept, with where they came from"), s.receiveEvents)
	op.RequestBody.Content = eventContent()
}

func (s *server) receiveEvents(ctx context.Context, in *eventsInput) (*body[EventResults], error) {
	parser := &intake{now: s.Now(), key: in.IdempotencyKey, recordOnly: in.RecordOnly}
	parsed, problem := parser.parse(in.ContentType, in.RawBody)
	if problem != nil {
		return nil, problem
	}
	set, err := s.inForce.get(ctx)
	if err != nil {
		return nil, problemOf(err)
	}
	events := make([]crm.Event, 0, len(parsed))
	for i := range parsed {
		if parsed[i].reason == nil {
			set.Workspace.Ask(&parsed[i].event)
			events = append(events, parsed[i].event)
		}
	}
	received, err := s.Store.Receive(ctx, events)
	if err != nil {
		return nil, problemOf(err)
	}
	results := EventResults{Results: make([]EventResult, len(parsed))}
	for i := range parsed {
		result := EventResult{Index: i, Status: ItemAccepted, ID: parsed[i].event.ExternalID, Problem: parsed[i].reason}
		switch {
		case result.Problem != nil:
			result.Status = ItemRejected
			results.Rejected++
		default:
			result.Event = received[0].Event.ID
			switch {
			case received[0].Erased:
				result.Status, result.Problem = ItemRejected, erasedSubject()
				results.Rejected++
			case received[0].Duplicate:
				result.Status = ItemDuplicate
				results.Duplicate++
			default:
				results.Accepted++
			}
			received = received[1:]
		}
		results.Results[i] = result
	}
	s.metrics.accepted.Add(float64(results.Accepted))
	s.metrics.duplicate.Add(float64(results.Duplicate))
	s.metrics.rejected.Add(float64(results.Rejected))
	return &body[EventResults]{Body: results}, nil
}

func erasedSubject() *ItemProblem {
	return &ItemProblem{Code: "erased", Detail: "Its candidate was erased; only an application that they have made since is kept (application.submitted)."}
}

// eventContent describes the three forms of a body. They are checked by eventparse.go, item by item.
func eventContent() map[string]*huma.MediaType {
	text := func(doc string, example any) *huma.Schema {
		return &huma.Schema{Type: "string", Description: doc, Examples: []any{example}}
	}
	kind := text("What happened.", "application.submitted")
	subject := text("The candidate's id or external id. Events of a role have none.", "ATS-7-000123")
	at := &huma.Schema{Type: "string", Format: "date-time", Description: "When it happened; now if it is left out."}
	data := &huma.Schema{Type: "object", AdditionalProperties: true, Description: "The details. Declared fields are checked; others are kept."}
	cloudEvent := &huma.Schema{
		Type: "object", Description: "A CloudEvent 1.0 in JSON.", Required: []string{"specversion", "id", "source", "type"}, AdditionalProperties: true,
		Properties: map[string]*huma.Schema{
			"specversion": {Type: "string", Enum: []any{"1.0"}}, "id": text("Unique in its source.", "586ea4f1-b925"),
			"source": text("The system that says so.", "ats/greenhouse"), "type": kind, "subject": subject, "time": at,
			"datacontenttype": {Type: "string", Enum: []any{"application/json"}}, "data": data,
		},
	}
	simple := &huma.Schema{
		Type: "object", Description: "The simple form.", Required: []string{"type"}, AdditionalProperties: false,
		Properties: map[string]*huma.Schema{
			"type": kind, "candidate": subject, "subject": text("The same as candidate.", "ATS-7-000123"), "time": at, "data": data,
			"id":     text("Unique in its source. Without one, the event cannot be sent again without being doubled.", "web-7731"),
			"source": text("The system that says so; api if it is left out.", "career-site"),
		},
	}
	list := func(of *huma.Schema) *huma.Schema {
		maximum := MaxEvents
		return &huma.Schema{Type: "array", Items: of, MaxItems: &maximum}
	}
	either := &huma.Schema{OneOf: []*huma.Schema{simple, list(simple), cloudEvent, list(cloudEvent)}}
	return map[string]*huma.MediaType{
		mediaEvent: {Schema: cloudEvent}, mediaBatch: {Schema: list(cloudEvent)},
		mediaJSON: {Schema: either, Example: map[string]any{
			"type": "application.submitted", "candidate": "ATS-7-000123", "id": "web-7731", "source": "career-site",
			"data": map[string]any{"application": "APP-6299", "role": "Theatre nurse"},
		}},
	}
}
