package api

import (
	"crypto/hmac"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/rapport-crm/rapport/crm"
)

// Purposes of the links that notice something.
const (
	purposeClick = "click"
	purposeOpen  = "open"
)

// maxTrackedURL bounds the URLs that are tracked, in bytes: mail programs cut off what is much longer.
const maxTrackedURL = 1500

// LinkURL is the address that notices a click on a link of a message and leads on to the URL. The URL is in it, and its
// signature is over both, so that it leads nowhere but where the message itself did. A link to this installation is
// returned as it is, and so is what cannot be tracked.
func LinkURL(publicURL string, secret []byte, messageID, target string) string {
	publicURL = strings.TrimRight(publicURL, "/")
	if !webURL(target) || len(target) > maxTrackedURL || target == publicURL || strings.HasPrefix(target, publicURL+"/") {
		return target
	}
	return publicURL + "/c/" + messageID + "." + clickMAC(secret, messageID, target) + "." + base64.RawURLEncoding.EncodeToString([]byte(target))
}

// PixelURL is the address of the picture that notices an open of a message.
func PixelURL(publicURL string, secret []byte, messageID string) string {
	return signedLink(publicURL, "/o/", secret, purposeOpen, messageID) + ".gif"
}

func clickMAC(secret []byte, messageID, target string) string {
	return linkMAC(secret, purposeClick, messageID+" "+target)
}

func webURL(target string) bool {
	u, err := url.Parse(target)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

// followLink leads on to a link of a message, and notices that it was followed. It leads on also when that cannot be
// stored: what the candidate wants comes first.
func (s *server) followLink(c *gin.Context) {
	header := c.Writer.Header()
	header.Set("Cache-Control", "no-store")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("X-Robots-Tag", "noindex")
	messageID, target, ok := s.signedTarget(c.Param("token"))
	if !ok {
		s.metrics.visits.WithLabelValues(purposeClick, visitForged).Inc()
		s.brokenLink(c)
		return
	}
	v := s.visit(c)
	v.URL = target
	s.notice(c, messageID, v)
	c.Redirect(http.StatusFound, target)
}

// signedTarget reads a token of LinkURL.
func (s *server) signedTarget(token string) (messageID, target string, ok bool) {
	messageID, rest, _ := strings.Cut(token, ".")
	mac, encoded, _ := strings.Cut(rest, ".")
	raw, err := base64.RawURLEncoding.DecodeString(encoded)
	target = string(raw)
	ok = err == nil && len(s.LinkSecret) > 0 && crm.HasPrefix(messageID, crm.PrefixMessage) &&
		hmac.Equal([]byte(mac), []byte(clickMAC(s.LinkSecret, messageID, target))) && webURL(target)
	return messageID, target, ok
}

// showPixel shows the picture, whatever it is asked for, so that nobody learns what there is, and notices an open.
func (s *server) showPixel(c *gin.Context) {
	token, _ := strings.CutSuffix(c.Param("token"), ".gif")
	messageID, mac, _ := strings.Cut(token, ".")
	if len(s.LinkSecret) > 0 && crm.HasPrefix(messageID, crm.PrefixMessage) && hmac.Equal([]byte(mac), []byte(linkMAC(s.LinkSecret, purposeOpen, messageID))) {
		s.notice(c, messageID, s.visit(c))
	} else {
		s.metrics.visits.WithLabelValues(purposeOpen, visitForged).Inc()
	}
	c.Header("Cache-Control", "no-store")
	c.Data(http.StatusOK, "image/gif", []byte("GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\x00\x00\x00!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"))
}

// visit is what a request says of who makes it. A browser always names itself.
func (s *server) visit(c *gin.Context) crm.Visit {
	agent := c.Request.UserAgent()
	purpose := strings.ToLower(c.GetHeader("Sec-Purpose") + c.GetHeader("Purpose") + c.GetHeader("X-Moz"))
	return crm.Visit{Agent: agent, Automatic: c.Request.Method == http.MethodHead || agent == "" || strings.Contains(purpose, "prefetch"), At: s.Now()}
}
