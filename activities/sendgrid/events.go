package sendgrid

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/rapport-crm/rapport/activities/provider"
	"github.com/rapport-crm/rapport/crm"
)

// hook is one event of SendGrid's Event Webhook. Custom arguments stand beside SendGrid's own fields.
type hook struct {
	Event       string  `json:"event"`
	Email       string  `json:"email"`
	Timestamp   seconds `json:"timestamp"`
	EventID     string  `json:"sg_event_id"`
	SGMessageID string  `json:"sg_message_id"`
	MessageID   string  `json:"rapport_message"`
	URL         string  `json:"url"`
	Type        string  `json:"type"`   // of a bounce: bounce or blocked
	Reason      string  `json:"reason"` // of a drop
	MachineOpen bool    `json:"sg_machine_open"`
	UserAgent   string  `json:"useragent"`
}

// seconds is a Unix time that some of SendGrid's events write as a string.
type seconds int64

// UnmarshalJSON reads a number, or a number in quotes.
func (s *seconds) UnmarshalJSON(text []byte) error {
	n, err := strconv.ParseInt(string(bytes.Trim(text, `"`)), 10, 64)
	if err != nil {
		return fmt.Errorf("read timestamp: %w", err)
	}
	*s = seconds(n)
	return nil
}

// ParseEvents reads the body of an Event Webhook. Events that mean nothing here are left out; so are those that cannot be
// read, which are counted, as one of them must not hold up the others. It fails when the body is not a list.
func ParseEvents(body []byte) (reports []provider.Report, unreadable int, err error) {
	var raw []json.RawMessage
	if err := json.Unmarshal(body, &raw); err != nil {
		return nil, 0, fmt.Errorf("read events: %w", err)
	}
	if raw == nil {
		return nil, 0, errors.New("read events: not a list")
	}
	for _, text := range raw {
		var h hook
		if err := json.Unmarshal(text, &h); err != nil || h.Event == "" {
			unreadable++
			continue
		}
		if report, ok := h.report(); ok {
			reports = append(reports, report)
		}
	}
	return reports, unreadable, nil
}

func (h *hook) report() (provider.Report, bool) {
	r := provider.Report{Address: h.Email, MessageID: h.MessageID, At: time.Unix(int64(h.Timestamp), 0).UTC()}
	r.ProviderID, _, _ = strings.Cut(h.SGMessageID, ".") // what Send got as X-Message-Id, then parts of SendGrid's own
	if !crm.HasPrefix(r.MessageID, crm.PrefixMessage) {
		r.MessageID = ""
	}
	data := map[string]any{"channel": string(crm.Email)}
	eventType := h.classify(&r, data)
	if eventType != "" && r.MessageID != "" && h.EventID != "" {
		data["message"] = r.MessageID
		r.Event = crm.Event{
			Source: Provider, ExternalID: h.EventID, Type: eventType, Time: r.At, Data: data,
		}
	}
	return r, r.Event.Type != "" || r.OptOut != "" || r.Accepted
}

// classify tells what an event means in our words. An event that proves that SendGrid took the message says so.
func (h *hook) classify(r *provider.Report, data map[string]any) string {
	r.Accepted = r.MessageID != ""
	switch h.Event {
	case "processed", "deferred":
		return ""
	case "delivered":
		return "message.delivered"
	case "open":
		r.Visit = crm.Visit{Agent: h.UserAgent, Automatic: h.MachineOpen}
		return "message.opened"
	case "click":
		r.Visit = crm.Visit{Agent: h.UserAgent, URL: h.URL}
		data["url"] = h.URL
		return "message.clicked"
	case "bounce":
		hard := h.Type != "blocked"
		data["hard"] = hard
		if hard {
			r.OptOut = crm.SuppressedBounce
		}
		return "message.bounced"
	case "dropped":
		r.OptOut = dropped(h.Reason)
		return "message.failed"
	case "spamreport":
		r.OptOut = crm.SuppressedComplaint
		return "message.complained"
	case "unsubscribe", "group_unsubscribe":
		r.OptOut = crm.SuppressedUnsubscribe
		return ""
	}
	r.Accepted = false
	return ""
}

// dropped reads why SendGrid did not even try. What its own lists say of an address holds for us too.
func dropped(reason string) crm.SuppressionReason {
	switch strings.ToLower(strings.TrimSpace(reason)) {
	case "bounced address":
		return crm.SuppressedBounce
	case "spam reporting address":
		return crm.SuppressedComplaint
	case "unsubscribed address", "group unsubscribe":
		return crm.SuppressedUnsubscribe
	}
	return ""
}
