package api

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/rapport-crm/rapport/activities/mail"
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
	letter, err := sendgrid.ParseInbound(c.GetHeader("Content-Type"), body)
	if err != nil {
		s.refuseHook(c, sendgrid.Provider, hookInvalid, invalid("The body is not a mail as Inbound Parse posts it.", ""))
		return
	}
	r, err := s.receivedMail(c.Request.Context(), letter, body)
	if err != nil {
		s.failHook(c, sendgrid.Provider, err)
		return
	}
	if s.keep(c, sendgrid.Provider, r) {
		s.countInbound(c.Request.Context(), crm.Email, r, letter.Kind == mail.KindNotice)
		c.Status(http.StatusNoContent)
	}
}
