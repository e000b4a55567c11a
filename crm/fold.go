package crm

import "time"

// Fold writes what an event says about the message into it and tells whether anything changed. Times are set once and
// states only go forward, so events may come twice and in any order. Any fact that a provider reports is evidence that it
// took the message, also where the sender never learnt that: claimed and unknown become accepted, and settled once the fate
// is known. What Rapport itself says (message.sent, message.failed) is in the ledger already and folds to nothing.
func (m *Message) Fold(e *Event) bool {
	if e.Source == SourceRapport {
		return false
	}
	var place *time.Time
	settles := false
	switch e.Type {
	case "message.delivered":
		place, settles = &m.DeliveredAt, true
	case "message.opened":
		place = &m.OpenedAt
	case "message.clicked":
		place = &m.ClickedAt
	case "message.replied":
		place = &m.RepliedAt
	case "message.bounced":
		place, settles = &m.BouncedAt, true
	case "message.complained":
		place, settles = &m.ComplainedAt, true
	case "message.failed":
		settles = true
	case "message.auto_replied":
	default:
		return false
	}
	changed := m.taken(e.Time, settles)
	if place != nil && place.IsZero() {
		*place, changed = e.Time, true
	}
	return changed
}

// Doubtful tells whether the message was handed to a provider and then thought not to have arrived, by a look-up or a person:
// a report of the provider's own knows better, and one that was planned once more must not go again.
func (m *Message) Doubtful() bool {
	switch m.State {
	case MessageUnknown:
		return true
	case MessagePlanned:
		return m.Attempts > 0
	case MessageRefused:
		return m.Reason == ReasonNeverArrived || m.Reason == ReasonNotSent
	case MessageClaimed, MessageAccepted, MessageSettled, MessageCancelled, MessageExpired, MessageSkipped:
		return false
	}
	return false
}

// taken moves the state forward on evidence that the provider took the message.
func (m *Message) taken(at time.Time, settled bool) bool {
	before := m.State
	switch m.State {
	case MessageClaimed, MessageUnknown:
		m.State, m.Reason, m.AcceptedAt = MessageAccepted, "", at
	case MessageAccepted:
	case MessagePlanned, MessageRefused:
		if !m.Doubtful() {
			return false
		}
		m.State, m.Reason, m.AcceptedAt = MessageAccepted, "", at
	case MessageSettled, MessageCancelled, MessageExpired, MessageSkipped:
		return false
	}
	m.LookupAt = time.Time{}
	if settled {
		m.State = MessageSettled
	}
	return m.State != before
}
