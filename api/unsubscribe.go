package api

import (
	"errors"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/store"
)

// UnsubscribeURL is the address that ends messages like one message: for its List-Unsubscribe header (RFC 8058) and its
// footer. It names nobody, and nobody can make one without the installation's secret.
func UnsubscribeURL(publicURL string, secret []byte, messageID string) string {
	return signedLink(publicURL, "/u/", secret, purposeUnsubscribe, messageID)
}

// unsubscribePage asks before it does anything: mail scanners follow links.
func (s *server) unsubscribePage(c *gin.Context) {
	if _, ok := s.signedMessage(c, purposeUnsubscribe); !ok {
		return
	}
	s.showPage(c, http.StatusOK, pageText{
		Title: "Stop these messages?", Text: "We will no longer write to you about this. Messages about an application that you have made with us still come.",
		Button: "Stop these messages",
	})
}

// unsubscribe carries it out, from the page's button or from the mail program (RFC 8058).
func (s *server) unsubscribe(c *gin.Context) {
	messageID, ok := s.signedMessage(c, purposeUnsubscribe)
	if !ok {
		return
	}
	err := s.revoke(c, messageID)
	var known *crm.Error
	switch {
	case errors.As(err, &known) && known.Code == crm.CodeNotFound:
		// The message is gone, and so is the person it went to: nobody will write to them.
	case err != nil:
		s.logProblem(c.Request.Context(), unavailable(err))
		c.Header("Retry-After", "60")
		s.showPage(c, http.StatusServiceUnavailable, pageText{Title: "That did not work just now", Text: "Please try again in a minute.", Button: "Try again"})
		return
	}
	s.showPage(c, http.StatusOK, pageText{Title: "Done", Text: "You will not get these messages any more. You need not do anything else."})
}

func (s *server) revoke(c *gin.Context, messageID string) error {
	ctx := c.Request.Context()
	message, err := s.Store.MessageByID(ctx, messageID)
	if err != nil {
		return err
	}
	if message.Transactional() { // it needs no consent that could be revoked; the address gets nothing else from here on
		message.Purpose = ""
	}
	_, err = s.Store.ReceiveWithOptOuts(ctx, nil, []store.OptOut{{
		Channel: message.Channel, CandidateID: message.CandidateID, Address: message.Address, Reason: crm.SuppressedUnsubscribe,
		Purpose: message.Purpose, Source: "unsubscribe link", At: s.Now(),
	}})
	return err
}
