package sandbox

import (
	"bytes"
	"context"
	"encoding/xml"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rapport-crm/rapport/dsl"
)

const formType = "application/x-www-form-urlencoded"

// When a text leaves the queue and when it arrives, in real time after it was accepted.
const (
	textSentAfter      = 200 * time.Millisecond
	textDeliveredAfter = 500 * time.Millisecond
)

// optOutType is what an inbound text means to Twilio's Advanced Opt-Out.
type optOutType string

const (
	optStop  optOutType = "STOP"
	optStart optOutType = "START"
	optHelp  optOutType = "HELP"
)

// classify finds the keyword that a text consists of, in any case. Source: Twilio's default keywords for English.
func classify(body string) optOutType {
	word := strings.ToUpper(strings.Trim(strings.TrimSpace(body), ".!"))
	switch {
	case slices.Contains([]string{"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "OPTOUT", "REVOKE"}, word):
		return optStop
	case slices.Contains([]string{"START", "YES", "UNSTOP"}, word):
		return optStart
	case slices.Contains([]string{"HELP", "INFO"}, word):
		return optHelp
	}
	return ""
}

// autoReply is what Twilio answers to a keyword by itself.
func autoReply(kind optOutType) string {
	switch kind {
	case optStop:
		return "You have successfully been unsubscribed. You will not receive any more messages from this number. Reply START to resubscribe."
	case optStart:
		return "You have successfully been re-subscribed to messages from this number. Reply HELP for help. Reply STOP to unsubscribe. Msg&Data Rates May Apply."
	case optHelp:
		return "Reply STOP to unsubscribe. Msg&Data Rates May Apply."
	}
	return ""
}

// statusCallbacks are the statuses that a text goes through by itself.
func (s *Sandbox) statusCallbacks(m Message, bounce bool) []webhook {
	last := s.statusCallback(m, "delivered", 0)
	if bounce {
		last = s.statusCallback(m, "undelivered", codeUnreachable)
	}
	last.after = textDeliveredAfter
	sent := s.statusCallback(m, "sent", 0)
	sent.after = textSentAfter
	return []webhook{s.statusCallback(m, "queued", 0), sent, last}
}

func (s *Sandbox) statusCallback(m Message, status string, code int) webhook {
	form := url.Values{
		"MessageSid": {m.ID}, "SmsSid": {m.ID}, "MessageStatus": {status}, "SmsStatus": {status},
		"To": {m.To}, "From": {m.From}, "AccountSid": {s.config.AccountSID}, "ApiVersion": {twilioVersion},
	}
	if code != 0 {
		form.Set("ErrorCode", strconv.Itoa(code))
		form.Set("ErrorMessage", undeliveredReason(code))
	}
	if status == "delivered" || status == "undelivered" {
		form.Set("RawDlrDoneDate", s.now().UTC().Format("0601021504")) // YYMMDDhhmm
	}
	return webhook{
		target: targetTwilioStatus, event: status, errorCode: code, url: m.Callback, contentType: formType, payload: []byte(form.Encode()),
	}
}

// textBack sends a text from a candidate's phone to one of the account's numbers, and keeps the opt-out that it may contain.
func (s *Sandbox) textBack(ctx context.Context, phone, number, body string) error {
	sid, at, kind := newSID("SM"), s.now(), classify(body)
	var err error
	switch kind {
	case optStop:
		err = s.suppress(ctx, Twilio, number, phone, string(optStop))
	case optStart:
		err = s.release(ctx, Twilio, number, phone)
	case optHelp:
	}
	if err != nil {
		return err
	}
	segments, _ := dsl.SMSSegments(body)
	text := Message{
		ID: sid, RequestID: sid, Provider: Twilio, Direction: Inbound, Status: "received", From: phone, To: number, Text: body,
		Segments: segments, AcceptedAt: at, SentAt: &at,
	}
	drafts := []draft{{message: text, webhooks: []webhook{s.inboundText(text, kind)}}}
	if reply := autoReply(kind); reply != "" {
		drafts = append(drafts, draft{message: s.autoText(number, phone, reply)})
	}
	err = s.accept(ctx, drafts...)
	s.hasten()
	return err
}

// answerText sends what the receiver of an inbound text answered it with, as TwiML.
func (s *Sandbox) answerText(ctx context.Context, inbound, answer []byte) error {
	var twiml struct {
		Message []string `xml:"Message"`
	}
	if len(bytes.TrimSpace(answer)) == 0 || xml.Unmarshal(answer, &twiml) != nil { // Twilio goes on without what is no TwiML
		return nil
	}
	form, err := url.ParseQuery(string(inbound))
	if err != nil {
		return fmt.Errorf("answer text: %w", err)
	}
	for _, text := range twiml.Message {
		if err := s.accept(ctx, draft{message: s.autoText(form.Get("To"), form.Get("From"), strings.TrimSpace(text))}); err != nil {
			return err
		}
	}
	return nil
}

// autoText is a text that answers one from a candidate's phone.
func (s *Sandbox) autoText(number, phone, text string) Message {
	id, at := newSID("SM"), s.now()
	segments, _ := dsl.SMSSegments(text)
	return Message{
		ID: id, RequestID: id, Provider: Twilio, Direction: Auto, Status: "delivered", From: number, To: phone, Text: text,
		Segments: segments, AcceptedAt: at, SentAt: &at,
	}
}

// inboundText is the webhook of a received text, with the parameters that Twilio sends.
func (s *Sandbox) inboundText(m Message, kind optOutType) webhook {
	form := url.Values{
		"MessageSid": {m.ID}, "SmsSid": {m.ID}, "SmsMessageSid": {m.ID}, "AccountSid": {s.config.AccountSID},
		"From": {m.From}, "To": {m.To}, "Body": {m.Text}, "NumMedia": {"0"}, "NumSegments": {strconv.Itoa(m.Segments)},
		"SmsStatus": {"received"}, "ApiVersion": {twilioVersion},
		"FromCountry": {country(m.From)}, "FromState": {""}, "FromCity": {""}, "FromZip": {""},
		"ToCountry": {country(m.To)}, "ToState": {""}, "ToCity": {""}, "ToZip": {""},
	}
	if kind != "" {
		form.Set("OptOutType", string(kind))
	}
	return webhook{
		target: targetTwilioInbound, event: "received", url: s.webhookURL(pathTwilioInbound), contentType: formType,
		payload: []byte(form.Encode()),
	}
}

// country returns the ISO 3166 code of a number's country for a few calling codes, else nothing.
func country(number string) string {
	for _, known := range [][2]string{
		{"+353", "IE"},
		{"+351", "PT"},
		{"+358", "FI"},
		{"+420", "CZ"},
		{"+31", "NL"},
		{"+32", "BE"},
		{"+33", "FR"},
		{"+34", "ES"},
		{"+39", "IT"},
		{"+41", "CH"},
		{"+43", "AT"},
		{"+44", "GB"},
		{"+45", "DK"},
		{"+46", "SE"},
		{"+47", "NO"},
		{"+48", "PL"},
		{"+49", "DE"},
		{"+61", "AU"},
		{"+91", "IN"},
		{"+1", "US"},
	} {
		if strings.HasPrefix(number, known[0]) {
			return known[1]
		}
	}
	return ""
}
