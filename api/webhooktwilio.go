package api

import (
	"context"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/rapport-crm/rapport/activities/provider"
	"github.com/rapport-crm/rapport/activities/twilio"
	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/store"
)

// verifyTwilio checks the signature of a webhook of Twilio.
func (s *server) verifyTwilio(c *gin.Context) func([]byte) error {
	return func(body []byte) error {
		if s.Twilio == nil || s.Twilio.AuthToken == "" {
			return errNotConfigured
		}
		return s.Twilio.Verify(c.Request.Header, c.Request.URL.RequestURI(), body)
	}
}

// twilioStatus takes what became of a text message.
func (s *server) twilioStatus(c *gin.Context) {
	body, ok := s.readHook(c, twilio.Provider, maxTwilioHook, s.verifyTwilio(c))
	if !ok {
		return
	}
	report, err := twilio.ParseStatus(c.Request.URL.Query(), body, s.Now())
	if err != nil {
		s.refuseHook(c, twilio.Provider, hookInvalid, invalid("The body is not a status as Twilio posts it.", ""))
		return
	}
	r, err := s.reports(c.Request.Context(), crm.SMS, twilio.Provider, []provider.Report{report})
	if err != nil {
		s.failHook(c, twilio.Provider, err)
		return
	}
	if s.keep(c, twilio.Provider, r) {
		c.Status(http.StatusNoContent)
	}
}

// twilioInbound takes a text message that a candidate wrote. What the answer to it is goes back in the response, as TwiML.
func (s *server) twilioInbound(c *gin.Context) {
	body, ok := s.readHook(c, twilio.Provider, maxTwilioHook, s.verifyTwilio(c))
	if !ok {
		return
	}
	text, err := twilio.ParseInbound(body)
	if err != nil {
		s.refuseHook(c, twilio.Provider, hookInvalid, invalid("The body is not a message as Twilio posts it.", ""))
		return
	}
	answer, err := s.answer(c.Request.Context(), text)
	if err != nil {
		s.failHook(c, twilio.Provider, err)
		return
	}
	r := received{optOuts: s.optOuts(text)}
	if r.events, err = s.event(c.Request.Context(), answerOf(text)); err != nil {
		s.failHook(c, twilio.Provider, err)
		return
	}
	for i := range r.optOuts {
		if len(r.events) > 0 {
			r.optOuts[i].Event = r.events[0].ExternalID
		}
	}
	if s.keep(c, twilio.Provider, r) {
		s.countInbound(c.Request.Context(), crm.SMS, r, false)
		c.Data(http.StatusOK, "text/xml; charset=utf-8", twilio.Reply(answer))
	}
}

// answer is what a keyword is answered with, "" for nothing. Whoever stops gets one confirmation: Twilio's where Twilio
// acts on the word, else ours, and none when they had stopped before. HELP says who writes.
func (s *server) answer(ctx context.Context, text *twilio.Inbound) (string, error) {
	if text.Keyword == "" || text.Answered && (!s.AnswerKeywords || text.Agreement) {
		return "", nil
	}
	stopped, err := s.Store.Suppressed(ctx, crm.SMS, text.From, crm.SuppressedStop)
	if err != nil {
		return "", err
	}
	if stopped == (text.Keyword == twilio.KeywordStop) && text.Keyword != twilio.KeywordHelp {
		return "", nil // nothing changes
	}
	set, err := s.inForce.get(ctx)
	if err != nil {
		return "", err
	}
	var company, address string
	if set != nil && set.Workspace != nil {
		company, address = set.Workspace.Company()
	}
	return twilio.Answer(text, company, address), nil
}

// answerOf makes a reply of a text message. A keyword is meant for the carrier: it is kept, but it is not an answer to what
// we wrote. YES is both.
func answerOf(text *twilio.Inbound) *reply {
	r := &reply{
		provider: twilio.Provider, channel: crm.SMS, from: text.From, externalID: "text/" + text.MessageSID,
		eventType: eventReplied, text: text.Text,
	}
	if text.Keyword != "" && !text.Agreement {
		r.eventType, r.kind = eventAutoReplied, string(text.Keyword)
	}
	var files []any
	for _, mediaType := range text.Media {
		files = append(files, map[string]any{"type": mediaType}) // Twilio tells neither name nor size
	}
	if len(files) > 0 {
		r.more = map[string]any{"attachments": files}
	}
	return r
}

// optOuts are what a keyword means for consent: STOP, or a refusal in the candidate's own words, ends texts to the number and revokes consent to them, START takes that
// back. It is bound to the event of its message, so that a repeated webhook does not repeat it, where there is one: a
// STOP from a number that nobody has still holds for whoever gets that number.
func (s *server) optOuts(text *twilio.Inbound) []store.OptOut {
	switch text.Keyword {
	case twilio.KeywordStop:
		source := "sms STOP"
		if text.Refusal != "" {
			source = "sms, in their own words"
		}
		return []store.OptOut{{Channel: crm.SMS, Address: text.From, Reason: crm.SuppressedStop, Source: source, At: s.Now()}}
	case twilio.KeywordStart:
		return []store.OptOut{{Channel: crm.SMS, Address: text.From, Reason: crm.SuppressedStop, Source: "sms START", At: s.Now(), Undo: true}}
	case twilio.KeywordHelp:
	}
	return nil
}
