package crm

import "time"

// MessageState is where a message is in the ledger:
//
//	planned → claimed → accepted | refused | unknown → settled
//
// and, instead of being claimed, cancelled, expired or skipped. A state never goes back, but for a claim that the provider
// certainly did not take, or that on_unknown: resend_once lets go once more: that returns to planned.
type MessageState string

// The states.
const (
	MessagePlanned   MessageState = "planned"   // intended; reserves its place under the caps
	MessageClaimed   MessageState = "claimed"   // a sender is talking to the provider, or died doing so
	MessageAccepted  MessageState = "accepted"  // the provider took it
	MessageRefused   MessageState = "refused"   // the provider said no, for good
	MessageUnknown   MessageState = "unknown"   // nobody knows whether the provider took it; never sent again by itself
	MessageSettled   MessageState = "settled"   // the provider reported its fate (delivered, bounced, failed)
	MessageCancelled MessageState = "cancelled" // its run ended first
	MessageExpired   MessageState = "expired"   // its time had passed
	MessageSkipped   MessageState = "skipped"   // the last check before sending said no
)

// Message is a row of the ledger. (EnrollmentID, Step, Occurrence) is unique: a step sends once per occurrence.
type Message struct {
	ID           string       `json:"id"`
	CandidateID  string       `json:"candidate_id"`
	EnrollmentID string       `json:"enrollment_id"`
	Definition   string       `json:"definition"`
	Hash         string       `json:"hash"`
	Step         string       `json:"step"`
	Occurrence   int          `json:"occurrence"`
	Channel      Channel      `json:"channel"`
	Purpose      string       `json:"purpose"`
	Template     string       `json:"template,omitempty"`         // name of the message document; "" when written in the step
	TemplateHash string       `json:"template_version,omitempty"` // content hash of what was rendered
	Priority     int          `json:"priority"`                   // lower goes first
	State        MessageState `json:"state"`
	Reason       string       `json:"reason,omitempty"` // why it was refused, skipped, expired; a code

	Recipient string         `json:"recipient,omitempty"` // an interviewer's id; "": the candidate
	MeetingID string         `json:"meeting,omitempty"`   // that it is about
	Calendar  CalendarMethod `json:"calendar,omitempty"`  // of an invitation: then it has no template

	// Appointment is what was agreed of the meeting when the message was planned. What it says does not change with the meeting.
	Appointment *Appointment `json:"appointment,omitempty"`

	PlannedAt  time.Time `json:"planned_at"`
	NotBefore  time.Time `json:"not_before"`
	NotAfter   time.Time `json:"not_after"`
	ClaimedAt  time.Time `json:"claimed_at,omitzero"`
	LeaseUntil time.Time `json:"lease_until,omitzero"`
	Attempts   int       `json:"attempts,omitempty"`

	Address    string `json:"address,omitempty"` // where it went
	Subject    string `json:"subject,omitempty"` // as rendered
	Provider   string `json:"provider,omitempty"`
	ProviderID string `json:"provider_id,omitempty"`

	AcceptedAt   time.Time `json:"accepted_at,omitzero"`
	DeliveredAt  time.Time `json:"delivered_at,omitzero"`
	OpenedAt     time.Time `json:"opened_at,omitzero"`
	ClickedAt    time.Time `json:"clicked_at,omitzero"`
	RepliedAt    time.Time `json:"replied_at,omitzero"`
	BouncedAt    time.Time `json:"bounced_at,omitzero"`
	ComplainedAt time.Time `json:"complained_at,omitzero"`

	UnknownAt     time.Time `json:"unknown_at,omitzero"`      // since when its fate was unknown, if it ever was
	UnknownReason string    `json:"unknown_reason,omitempty"` // why: a code
	LookupAt      time.Time `json:"lookup_at,omitzero"`       // of an unknown one: when the provider is asked next
	ResentAt      time.Time `json:"resent_at,omitzero"`       // when it was planned once more, as its step says on_unknown: resend_once
}

// CalendarMethod is what an iCalendar message is for (RFC 5546, 1.4).
type CalendarMethod string

// The methods that are sent.
const (
	CalendarRequest CalendarMethod = "REQUEST" // invites, or tells of a change
	CalendarCancel  CalendarMethod = "CANCEL"
)

// Appointment is the time of a meeting, as a message tells of it.
type Appointment struct {
	Sequence int       `json:"sequence"`  // of the event in calendars
	StartsAt time.Time `json:"starts_at"` // zero: no time is agreed
	EndsAt   time.Time `json:"ends_at"`
}

// MayHaveArrived tells whether somebody may have got the message.
func (m *Message) MayHaveArrived() bool {
	switch m.State {
	case MessageClaimed, MessageAccepted, MessageUnknown, MessageSettled:
		return true
	case MessagePlanned, MessageRefused, MessageCancelled, MessageExpired, MessageSkipped:
	}
	return false
}

// Transactional tells whether the message is about something the candidate is part of.
func (m *Message) Transactional() bool { return m.Purpose == PurposeTransactional }

// Counts tells whether the message takes a place under the candidate's caps: it is for them, not transactional, and it was or
// may yet be sent.
func (m *Message) Counts() bool {
	if m.Transactional() || m.Recipient != "" {
		return false
	}
	switch m.State {
	case MessagePlanned, MessageClaimed, MessageAccepted, MessageUnknown, MessageSettled:
		return true
	case MessageRefused, MessageCancelled, MessageExpired, MessageSkipped:
		return false
	}
	return false
}

// Place is when the message takes its place under the caps: when the provider took it, else when it may go at the earliest.
func (m *Message) Place() time.Time {
	switch {
	case !m.AcceptedAt.IsZero():
		return m.AcceptedAt
	case !m.ClaimedAt.IsZero():
		return m.ClaimedAt
	case m.NotBefore.After(m.PlannedAt):
		return m.NotBefore
	}
	return m.PlannedAt
}

// Outcome is the step outcome that the state means: sent, skipped or failed; "" while it is open.
func (m *Message) Outcome() string {
	switch m.State {
	case MessageAccepted, MessageSettled:
		return OutcomeSent
	case MessageSkipped, MessageCancelled:
		return OutcomeSkipped
	case MessageRefused, MessageExpired, MessageUnknown:
		return OutcomeFailed
	case MessagePlanned, MessageClaimed:
		return ""
	}
	return ""
}

// Outcomes of a send step.
const (
	OutcomeSent    = "sent"
	OutcomeSkipped = "skipped"
	OutcomeFailed  = "failed"
)

// CapHorizon is how far back sends are loaded for the caps; no limit may look further.
const CapHorizon = 92 * 24 * time.Hour

// Task is something a person is asked to do.
type Task struct {
	ID           string    `json:"id"`
	CandidateID  string    `json:"candidate_id"`
	EnrollmentID string    `json:"enrollment_id,omitempty"`
	Definition   string    `json:"definition,omitempty"`
	Step         string    `json:"step,omitempty"`
	Occurrence   int       `json:"occurrence,omitempty"`
	Title        string    `json:"title"`
	Assignee     string    `json:"assignee,omitempty"` // email
	Via          string    `json:"via,omitempty"`      // phone, linkedin, in_person or email
	DueAt        time.Time `json:"due_at,omitzero"`
	State        TaskState `json:"state"`
	Outcome      string    `json:"outcome,omitempty"`
	CreatedAt    time.Time `json:"created_at"`
	ClosedAt     time.Time `json:"closed_at,omitzero"`
}

// TaskState is where a task is in its life.
type TaskState string

// The states: open, done by a person, or closed because its run ended.
const (
	TaskOpen   TaskState = "open"
	TaskDone   TaskState = "done"
	TaskClosed TaskState = "closed"
)
