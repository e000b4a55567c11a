package crm

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// Event is something that happened to or was done by a candidate. (Source, ExternalID) is its identity, as CloudEvents 1.0
// says of source and id: the same pair again is the same event.
type Event struct {
	ID          string         `json:"id"`          // ours, opaque
	Source      string         `json:"source"`      // who says so: the ATS, the career site, a provider
	ExternalID  string         `json:"external_id"` // the source's id
	Type        string         `json:"type"`
	Subject     string         `json:"subject,omitempty"`      // the candidate as the source names them
	CandidateID string         `json:"candidate_id,omitempty"` // empty until the candidate is known
	Time        time.Time      `json:"time"`                   // when it happened, as the source says
	ReceivedAt  time.Time      `json:"received_at"`
	Position    int64          `json:"position,omitempty"` // place in the candidate's order, from 1; 0 until dispatched
	RecordOnly  bool           `json:"record_only,omitempty"`
	Data        map[string]any `json:"data,omitempty"`

	// Of a message.* event, once the message is known: whose message it was.
	EnrollmentID string `json:"enrollment_id,omitempty"`
	Step         string `json:"step,omitempty"`
}

// Text returns a text field of the event's data, or "".
func (e *Event) Text(field string) string {
	s, _ := e.Data[field].(string)
	return s
}

// Sources of events that Rapport makes itself. Clients may not use them.
const (
	SourceRapport = "rapport"         // facts that Rapport recorded: candidate.updated, message.sent, task.completed
	SourceControl = "rapport/control" // what a person, or a step of a run, told a run to do
	SourceFanout  = "rapport/fanout"  // a copy for one candidate of an event that has none, such as role.opened
	// SourceTracking is of opens and clicks that Rapport's own links and pixels notice.
	SourceTracking = "rapport/tracking"
)

// Control events: what a person tells a run to do. They are events so that they are audited, ordered and survive an
// outage of Temporal like every other event. Data: enrollment, by, and reason where Rapport does it itself; for ControlEnroll: definition, application, by.
const (
	ControlPause  = "enrollment.paused"
	ControlResume = "enrollment.resumed"
	ControlStop   = "enrollment.stopped"
	ControlEnroll = "enrollment.requested"
	ControlLeave  = "enrollment.left"    // data: definition, by: the candidate's open runs of it end as left
	ControlMember = "enrollment.matched" // data: definition, pool: a member of a pool now; with date (RFC 3339), at a campaign's date
	ControlEnded  = "enrollment.ended"   // an interview is over; data: definition, application, outcome
	ControlPools  = "pools.reviewed"     // the candidate's pools are looked at again; no data
)

// ReasonAsksRemoval is why Rapport itself pauses a run: the candidate's own words ask to be left alone, and a person has to read them.
const ReasonAsksRemoval = "asks_to_be_removed"

// FieldKind is the type of a field of an event's data.
type FieldKind string

// The kinds.
const (
	KindText FieldKind = "text"
	KindInt  FieldKind = "int"
	KindBool FieldKind = "bool"
	KindTime FieldKind = "time"
	KindList FieldKind = "list" // of text
	KindAny  FieldKind = "any"
	KindMap  FieldKind = "map"
)

// EventFields returns the declared fields of an event type's data by name, and whether the type exists. The type
// custom.<name> exists for every name and has free data: its fields are nil.
func EventFields(eventType string) (map[string]FieldKind, bool) {
	if name, ok := strings.CutPrefix(eventType, "custom."); ok {
		return nil, name != ""
	}
	fields, ok := eventTypes()[eventType]
	return fields, ok
}

// EventTypes lists every declared event type, sorted.
func EventTypes() []string {
	types := make([]string, 0, 48)
	for t := range eventTypes() {
		types = append(types, t)
	}
	slices.Sort(types)
	return types
}

// Broadcast tells whether events of the type have no candidate of their own: they are told to the members of pools, and to those
// who have an open run about an application for the role that the event names.
func Broadcast(eventType string) bool { return strings.HasPrefix(eventType, "role.") }

// CandidateOriginated tells whether the candidate did this themselves, so that it counts as activity. Opens do not:
// privacy proxies open mail by themselves.
func CandidateOriginated(eventType string) bool {
	switch eventType {
	case "application.submitted", "application.withdrawn", "message.clicked", "message.replied", "page.viewed",
		"event.registered", "event.attended", "interview.picked", "interview.times_requested", "interview.cancelled", "interview.answered",
		"survey.answered", "offer.accepted", "offer.declined", "consent.granted", "consent.revoked",
		"messages.paused", "messages.resumed", "preferences.requested", "erasure.requested":
		return true
	}
	return strings.HasPrefix(eventType, "custom.")
}

func group(fields map[string]FieldKind, family string, names ...string) map[string]map[string]FieldKind {
	types := make(map[string]map[string]FieldKind, len(names))
	for _, n := range names {
		types[family+"."+n] = fields
	}
	return types
}

func eventTypes() map[string]map[string]FieldKind { return vocabulary }

//nolint:gochecknoglobals // a constant table: built once, never written to
var vocabulary = buildVocabulary()

func buildVocabulary() map[string]map[string]FieldKind {
	type f = map[string]FieldKind
	all := map[string]map[string]FieldKind{}
	for _, g := range []map[string]map[string]FieldKind{
		group(f{"changed": KindList, "into": KindText}, "candidate", "created", "updated"),
		group(f{"changed": KindList, "into": KindText, "from": KindText}, "candidate", "merged"),
		group(f{
			"purpose": KindText, "channels": KindList, "wording": KindText, "source": KindText, "confirmed_at": KindTime, "confirmed_by": KindText,
		}, "consent", "granted"),
		group(f{"purpose": KindText, "channels": KindList, "wording": KindText, "source": KindText}, "consent", "requested", "revoked"),
		group(f{"until": KindTime}, "messages", "paused"),
		group(f{}, "messages", "resumed"),
		group(f{}, "preferences", "requested"),
		group(f{"due": KindTime}, "erasure", "requested"),
		group(f{"request": KindText, "kind": KindText, "due": KindTime, "verify": KindBool, "state": KindText, "ground": KindText, "tell": KindBool}, "request", "received", "ready", "closed", "extended", "deleting", "kept"),
		group(f{
			"application": KindText, "role": KindText, "role_function": KindText, "stage": KindText, "from_stage": KindText,
			"reason": KindText, "source": KindText, "hiring_manager": KindText,
		}, "application", "submitted", "stage_changed", "rejected", "withdrawn", "hired"),
		group(f{
			"message": KindText, "step": KindText, "sequence": KindText, "channel": KindText, "url": KindText,
			"text_kind": KindText, "hard": KindBool,
		}, "message", "sent", "delivered", "opened", "clicked", "replied", "auto_replied", "bounced", "complained", "failed"),
		group(f{"url": KindText, "path": KindText, "referrer": KindText, "seconds": KindInt}, "page", "viewed"),
		group(f{"name": KindText, "kind": KindText}, "event", "registered", "attended"),
		group(f{
			"interview": KindText, "round": KindText, "application": KindText, "starts_at": KindTime, "by": KindText, "reason": KindText,
		}, "interview", "invited", "picked", "times_requested", "booked", "rescheduled", "cancelled", "declined", "completed", "no_show"),
		group(f{
			"interview": KindText, "round": KindText, "application": KindText, "starts_at": KindTime, "by": KindText, "answer": KindText,
		}, "interview", "answered"),
		group(f{"interview": KindText, "round": KindText, "rating": KindInt, "recommend": KindText}, "scorecard", "submitted"),
		group(f{"survey": KindText, "step": KindText, "answers": KindMap, "nps": KindInt}, "survey", "answered"),
		group(f{"application": KindText, "role": KindText, "start_date": KindTime, "reason": KindText}, "offer", "extended", "accepted", "declined"),
		group(f{
			"role": KindText, "title": KindText, "function": KindText, "location": KindText, "skills": KindList, "url": KindText,
		}, "role", "opened", "closed"),
		group(f{"pool": KindText}, "pool", "entered", "left"),
		group(f{"step": KindText, "sequence": KindText, "outcome": KindText, "note": KindText}, "task", "completed"),
		group(f{"by": KindText, "relation": KindText}, "referral", "received"),
	} {
		maps.Copy(all, g)
	}
	return all
}
