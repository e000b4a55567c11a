package api

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl/phrases"
)

// Purposes of the links that candidates get. A link for one opens nothing else.
const (
	purposeUnsubscribe = "unsubscribe"
	purposeSurvey      = "survey"
)

// signedLink is the address of a page about one message. It names nobody, and nobody can make one without the installation's
// secret.
func signedLink(publicURL, path string, secret []byte, purpose, messageID string) string {
	return strings.TrimRight(publicURL, "/") + path + url.PathEscape(messageID+"."+linkMAC(secret, purpose, messageID))
}

// linkMAC authenticates a message id for one purpose.
func linkMAC(secret []byte, purpose, messageID string) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(purpose + ":" + messageID))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:16])
}

// signedMessage returns the message that the page's link is about, and the words for its candidate. When it is not ok, the
// candidate has been told.
func (s *server) signedMessage(c *gin.Context, purpose string) (message crm.Message, words *phrases.Words, ok bool) {
	messageID, mac, found := strings.Cut(c.Param("token"), ".")
	if !found || len(s.LinkSecret) == 0 || !crm.HasPrefix(messageID, crm.PrefixMessage) ||
		!hmac.Equal([]byte(mac), []byte(linkMAC(s.LinkSecret, purpose, messageID))) {
		s.deadLink(c)
		return message, nil, false
	}
	message, err := s.Store.MessageByID(c.Request.Context(), messageID)
	var candidate crm.Candidate
	if err == nil {
		candidate, _, err = s.Store.Candidate(c.Request.Context(), message.CandidateID)
	}
	if !s.linkLeads(c, err) {
		return message, nil, false
	}
	return message, s.speak(c, candidate.Locale), true
}

// linkLeads tells whether what a link is about was read. When it was not, whoever opened the link has been told: it is gone, as
// after an erasure, or it could not be read just now.
func (s *server) linkLeads(c *gin.Context, err error) bool {
	switch {
	case crm.CodeOf(err) == crm.CodeNotFound:
		s.deadLink(c)
	case err != nil:
		s.tryAgain(c, err)
	}
	return err == nil
}
