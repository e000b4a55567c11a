package crm

import "time"

// Fold writes what an event says about the message into it and tells whether anything changed. Times are set once and
// states only go forward, so events may come twice and in any order. Any fact that a provider reports is evidence that it
// took the message, also where the sender never learnt that: claimed and unknown become accepted, and settled once the fate
// is known. Of several the earliest time counts, so that the order in which they come makes no difference. What Rapport itself
// says (message.sent, message.failed) is in the ledger already and folds to nothing; a machine's open or click is evidence when
// the provider reports it, and no open or click. What Rapport's own links say of a machine is not even evidence: a scanner
// follows them before the mail server has made up its mind.
func (m *Message) Fold(e *Event) bool {
	if e.Source == SourceRapport || e.Source == SourceTracking && e.Machine() {
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
	if place != nil && !e.Machine() && (place.IsZero() || e.Time.Before(*place)) {
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
	before, acceptedAt := m.State, m.AcceptedAt
	switch m.State {
	case MessageClaimed, MessageUnknown:
		m.State, m.Reason, m.AcceptedAt = MessageAccepted, "", at
	case MessageAccepted, MessageSettled:
		if m.Provider == "" && at.Before(m.AcceptedAt) { // known from reports alone
			m.AcceptedAt = at
		}
	case MessagePlanned, MessageRefused:
		if !m.Doubtful() {
			return false
		}
		m.State, m.Reason, m.AcceptedAt = MessageAccepted, "", at
	case MessageCancelled, MessageExpired, MessageSkipped:
		return false
	}
	m.LookupAt = time.Time{}
	if settled {
		m.State = MessageSettled
	}
	return m.State != before || !m.AcceptedAt.Equal(acceptedAt)
}
