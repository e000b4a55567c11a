package api

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/rapport-crm/rapport/crm"
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

// signedMessage returns the message that the page's link is about. When it is not ok, the candidate has been told.
func (s *server) signedMessage(c *gin.Context, purpose string) (messageID string, ok bool) {
	messageID, mac, found := strings.Cut(c.Param("token"), ".")
	ok = found && len(s.LinkSecret) > 0 && crm.HasPrefix(messageID, crm.PrefixMessage) &&
		hmac.Equal([]byte(mac), []byte(linkMAC(s.LinkSecret, purpose, messageID)))
	if !ok {
		s.brokenLink(c)
	}
	return messageID, ok
}

// brokenLink tells a candidate that a link is none of ours.
func (s *server) brokenLink(c *gin.Context) {
	s.showPage(c, http.StatusNotFound, pageText{
		Title: "This link does not work", Text: "It may have been cut off. Please use the link in the message itself.",
	})
}
