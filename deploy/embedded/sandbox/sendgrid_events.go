package sandbox

import (
	"encoding/json"
	"fmt"
	"maps"
)

// What the events of the sandbox's one mail server and one reader look like. The addresses are reserved for documentation.
const (
	mailServerIP = "192.0.2.25"
	readerIP     = "203.0.113.7"
	readerAgent  = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
)

// The events that a person can cause from the inbox, in SendGrid's words.
const (
	eventProcessed   = "processed"
	eventDelivered   = "delivered"
	eventDropped     = "dropped"
	eventOpen        = "open"
	eventClick       = "click"
	eventBounce      = "bounce"
	eventSpam        = "spamreport"
	eventUnsubscribe = "unsubscribe"
)

// automaticEvents are those that follow an accepted mail by themselves: it is dropped when the recipient is suppressed, else
// processed, and then it bounces or arrives.
func (s *Sandbox) automaticEvents(m Message, suppressed string, bounce bool) ([]webhook, error) {
	if suppressed != "" {
		dropped, err := s.mailEvent(m, eventDropped, map[string]any{"reason": suppressed, "status": "5.0.0"})
		dropped.after = m.sendIn + processedAfter
		return []webhook{dropped}, err
	}
	processed, err := s.mailEvent(m, eventProcessed, nil)
	if err != nil {
		return nil, err
	}
	ending, details := eventDelivered, map[string]any{"response": "250 2.0.0 OK: queued by the sandbox", "ip": mailServerIP, "tls": 1}
	if bounce {
		ending, details = eventBounce, bounceDetails()
	}
	last, err := s.mailEvent(m, ending, details)
	processed.after, last.after = m.sendIn+processedAfter, m.sendIn+deliveredAfter
	return []webhook{processed, last}, err
}

func bounceDetails() map[string]any {
	return map[string]any{
		"type": "bounce", "status": "5.1.1", "bounce_classification": "Invalid Address", "ip": mailServerIP, "tls": 1,
		"reason": "550 5.1.1 The email account that you tried to reach does not exist.",
	}
}

// mailEvent makes one object of the Event Webhook: custom arguments flat beside SendGrid's own fields, which win.
func (s *Sandbox) mailEvent(m Message, event string, details map[string]any) (webhook, error) {
	fields := make(map[string]any, len(m.CustomArgs)+len(details)+8)
	for name, value := range m.CustomArgs {
		fields[name] = value
	}
	maps.Copy(fields, details)
	maps.Copy(fields, map[string]any{
		"email": m.To, "event": event, "timestamp": s.now().Unix(), "smtp-id": m.MessageID,
		"sg_event_id": newRequestID(), "sg_message_id": m.ID,
	})
	switch len(m.Categories) { // a single category is a string, more are a list
	case 0:
	case 1:
		fields["category"] = m.Categories[0]
	default:
		fields["category"] = m.Categories
	}
	payload, err := json.Marshal(fields)
	if err != nil {
		return webhook{}, fmt.Errorf("encode %s event: %w", event, err)
	}
	return webhook{
		target: targetSendGridEvents, event: event, url: s.webhookURL(pathSendGridEvents),
		contentType: "application/json", payload: payload,
	}, nil
}
