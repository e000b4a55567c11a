package api

import (
	"context"
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
	_, words, ok := s.signedMessage(c, purposeUnsubscribe)
	if !ok {
		return
	}
	s.showPage(c, words, http.StatusOK, pageText{
		Title: words.Say("unsubscribe_title"), Text: words.Say("unsubscribe_text"), Button: words.Say("unsubscribe_button"),
	})
}

// unsubscribe carries it out, from the page's button or from the mail program (RFC 8058).
func (s *server) unsubscribe(c *gin.Context) {
	message, words, ok := s.signedMessage(c, purposeUnsubscribe)
	if !ok {
		return
	}
	if err := s.revoke(c.Request.Context(), &message); err != nil {
		s.tryAgain(c, err)
		return
	}
	s.showPage(c, words, http.StatusOK, pageText{Title: words.Say("unsubscribe_done_title"), Text: words.Say("unsubscribe_done_text")})
}

func (s *server) revoke(ctx context.Context, message *crm.Message) error {
	purpose := message.Purpose
	if message.Transactional() { // it needs no consent that could be revoked; the address gets nothing else from here on
		purpose = ""
	}
	_, err := s.Store.ReceiveWithOptOuts(ctx, nil, []store.OptOut{{
		Channel: message.Channel, CandidateID: message.CandidateID, Address: message.Address, Reason: crm.SuppressedUnsubscribe,
		Purpose: purpose, Source: "unsubscribe link", At: s.Now(),
	}})
	return err
}
