package twilio

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode"

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

// Keyword is what a text message means to the carriers, whatever else it says.
type Keyword string

// The keywords. Carriers and Twilio act on them by themselves; Rapport has to agree with them.
const (
	KeywordStop  Keyword = "stop"  // no more texts
	KeywordStart Keyword = "start" // texts again
	KeywordHelp  Keyword = "help"
)

// Inbound is a text message that a candidate sent.
type Inbound struct {
	MessageSID string
	From       string // E.164
	To         string // E.164
	Text       string
	Keyword    Keyword // "" for an ordinary message
	Agreement  bool    // the keyword is START only for who had stopped; else it is an answer: YES
}

// ParseInbound reads the form body of an inbound message.
func ParseInbound(body []byte) (*Inbound, error) {
	form, err := parseForm(body)
	if err != nil {
		return nil, err
	}
	in := &Inbound{MessageSID: form.Get("MessageSid"), From: form.Get("From"), To: form.Get("To"), Text: form.Get("Body")}
	if in.MessageSID == "" || in.From == "" {
		return nil, errors.New("read inbound message: MessageSid or From is missing")
	}
	in.Keyword, in.Agreement = keyword(in.Text)
	switch form.Get("OptOutType") { // Advanced Opt-Out: Twilio has decided, in any language
	case "STOP":
		in.Keyword, in.Agreement = KeywordStop, false
	case "START":
		in.Keyword, in.Agreement = KeywordStart, false
	case "HELP":
		in.Keyword, in.Agreement = KeywordHelp, false
	}
	return in, nil
}

// keyword reads the words that end or resume texts when they are the whole message, however they are written: Twilio's own
// and those that 47 CFR 64.1200(a)(10) names.
func keyword(text string) (word Keyword, agreement bool) {
	letters := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) {
			return unicode.ToUpper(r)
		}
		if unicode.IsDigit(r) {
			return r
		}
		return -1
	}, text)
	switch letters {
	case "STOP", "STOPALL", "UNSUBSCRIBE", "END", "QUIT", "CANCEL", "REVOKE", "OPTOUT":
		return KeywordStop, false
	case "START", "UNSTOP":
		return KeywordStart, false
	case "YES":
		return KeywordStart, true
	case "HELP", "INFO":
		return KeywordHelp, false
	}
	return "", false
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
