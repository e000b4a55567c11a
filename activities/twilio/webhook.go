package twilio

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/rapport-crm/rapport/activities/provider"
	"github.com/rapport-crm/rapport/crm"
)

// MessageParam is the field of a status callback's query that carries the ledger's id.
const MessageParam = "message"

// StatusURL is where Twilio shall report what became of a message, for an installation that it reaches at publicURL.
func StatusURL(publicURL, messageID string) string {
	return strings.TrimRight(publicURL, "/") + "/webhooks/twilio/status?" + url.Values{MessageParam: {messageID}}.Encode()
}

// ParseStatus reads a status callback: the query of its address and its form body. Twilio says no time of its own, so the
// event happened when it was received, at now.
func ParseStatus(query url.Values, body []byte, now time.Time) (provider.Report, error) {
	form, err := parseForm(body)
	if err != nil {
		return provider.Report{}, err
	}
	r := provider.Report{MessageID: query.Get(MessageParam), ProviderID: form.Get("MessageSid"), Address: form.Get("To")}
	status := form.Get("MessageStatus")
	if r.ProviderID == "" || status == "" {
		return provider.Report{}, errors.New("read status: MessageSid or MessageStatus is missing")
	}
	if !crm.HasPrefix(r.MessageID, crm.PrefixMessage) {
		r.MessageID = ""
	}
	r.Accepted = r.MessageID != ""
	data := map[string]any{"message": r.MessageID, "channel": string(crm.SMS)}
	eventType := ""
	switch status {
	case "delivered", "read":
		eventType = "message.delivered"
	case "undelivered", "failed":
		u := undeliveredBy(form.Get("ErrorCode"))
		eventType, r.OptOut = u.event, u.optOut
		if u.event == "message.bounced" {
			data["hard"] = u.hard
		}
		if u.kind != "" {
			data["text_kind"] = u.kind
		}
	}
	if eventType != "" && r.MessageID != "" {
		r.Event = crm.Event{Source: Provider, ExternalID: r.ProviderID + "/" + status, Type: eventType, Time: now.UTC(), Data: data}
	}
	return r, nil
}

func parseForm(body []byte) (url.Values, error) {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, fmt.Errorf("read form: %w", err)
	}
	for _, values := range form {
		for i, v := range values { // Postgres cannot store NUL, nor what is not UTF-8
			values[i] = strings.ReplaceAll(strings.ToValidUTF8(v, "\ufffd"), "\x00", "")
		}
	}
	return form, nil
}
