package api

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/rapport-crm/rapport/activities/sendgrid"
	"github.com/rapport-crm/rapport/crm"
)

// verifySendGrid checks the signature of a webhook of SendGrid.
func (s *server) verifySendGrid(c *gin.Context) func([]byte) error {
	return func(body []byte) error {
		if s.SendGrid == nil {
			return errNotConfigured
		}
		return s.SendGrid.Verify(c.Request.Header, body, s.Now())
	}
}

// sendGridEvents takes what SendGrid's Event Webhook reports.
func (s *server) sendGridEvents(c *gin.Context) {
	body, ok := s.readHook(c, sendgrid.Provider, maxEventsHook, s.verifySendGrid(c))
	if !ok {
		return
	}
	list, unreadable, err := sendgrid.ParseEvents(body)
	if err != nil {
		s.refuseHook(c, sendgrid.Provider, hookInvalid, invalid("The body is not a list of events.", ""))
		return
	}
	if unreadable > 0 {
		s.Log.WarnContext(c.Request.Context(), "webhook events left out", "provider", sendgrid.Provider, "count", unreadable)
	}
	now := s.Now()
	for i := range list {
		list[i].Event.Time = sharpen(list[i].Event.Time, now)
	}
	r, err := s.reports(c.Request.Context(), crm.Email, sendgrid.Provider, list)
	if err != nil {
		s.failHook(c, sendgrid.Provider, err)
		return
	}
	if s.keep(c, sendgrid.Provider, r) {
		c.Status(http.StatusNoContent)
	}
}

// sharpen returns when an event happened. SendGrid's timestamps are whole seconds, so that a delivery would come before the
// sending of the same second. What is reported in its second or the next has happened now; what is older keeps its timestamp.
func sharpen(timestamp, now time.Time) time.Time {
	if age := now.Truncate(time.Second).Sub(timestamp); age < 0 || age > time.Second {
		return timestamp
	}
	return now.UTC()
}

// sendGridInbound takes a mail that a candidate wrote.
func (s *server) sendGridInbound(c *gin.Context) {
	leave, ok := s.enterLane(c, sendgrid.Provider)
	if !ok {
		return
	}
	defer leave()
	body, ok := s.readHook(c, sendgrid.Provider, maxInbound, s.verifySendGrid(c))
	if !ok {
		return
	}
	mail, err := sendgrid.ParseInbound(c.GetHeader("Content-Type"), body)
	if err != nil {
		s.refuseHook(c, sendgrid.Provider, hookInvalid, invalid("The body is not a mail as Inbound Parse posts it.", ""))
		return
	}
	events, err := s.event(c.Request.Context(), replyOf(mail, body))
	if err != nil {
		s.failHook(c, sendgrid.Provider, err)
		return
	}
	if s.keep(c, sendgrid.Provider, received{events: events}) {
		c.Status(http.StatusNoContent)
	}
}

func replyOf(mail *sendgrid.Inbound, body []byte) *reply {
	r := &reply{
		provider: sendgrid.Provider, channel: crm.Email, from: mail.From, eventType: "message.replied", text: mail.Text,
		externalID: "mail/" + mail.MessageID, mentions: mentions(mail),
	}
	if mail.Automatic {
		r.eventType = "message.auto_replied"
	}
	if mail.MessageID == "" || len(r.externalID) > maxIDLength {
		sum := sha256.Sum256(body)
		r.externalID = "mail/" + hex.EncodeToString(sum[:])
	}
	return r
}

// mentions are the messages that a mail names: by the token of the address it was sent to (reply+ID@), by In-Reply-To, and by
// References, of which the last is the nearest. Our Message-ID is <ID@domain>.
func mentions(mail *sendgrid.Inbound) []string {
	var ids []string
	for _, to := range mail.To {
		local, _, _ := strings.Cut(to, "@")
		if _, id, ok := strings.Cut(local, "+"); ok {
			ids = append(ids, id)
		}
	}
	references := slices.Clone(mail.References)
	slices.Reverse(references)
	for _, reference := range append([]string{mail.InReplyTo}, references...) {
		id, _, _ := strings.Cut(reference, "@")
		ids = append(ids, strings.ToLower(id))
	}
	return slices.DeleteFunc(ids, func(id string) bool { return !crm.HasPrefix(id, crm.PrefixMessage) })
}
