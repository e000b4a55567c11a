package api

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/store"
)

// UnsubscribeURL is the address that ends messages like one message: for its List-Unsubscribe header (RFC 8058) and its
// footer. It names nobody, and nobody can make one without the installation's secret.
func UnsubscribeURL(publicURL string, secret []byte, messageID string) string {
	return strings.TrimRight(publicURL, "/") + "/u/" + url.PathEscape(messageID+"."+unsubscribeMAC(secret, messageID))
}

// unsubscribeMAC authenticates a message id for this one purpose.
func unsubscribeMAC(secret []byte, messageID string) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte("unsubscribe:" + messageID))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:16])
}

func (s *server) unsubscribeToken(token string) (messageID string, ok bool) {
	messageID, mac, found := strings.Cut(token, ".")
	if !found || len(s.LinkSecret) == 0 || !crm.HasPrefix(messageID, crm.PrefixMessage) {
		return "", false
	}
	return messageID, hmac.Equal([]byte(mac), []byte(unsubscribeMAC(s.LinkSecret, messageID)))
}

// unsubscribePage asks before it does anything: mail scanners follow links.
func (s *server) unsubscribePage(c *gin.Context) {
	if _, ok := s.unsubscribeToken(c.Param("token")); !ok {
		s.showPage(c, http.StatusNotFound, pageText{Title: "This link does not work", Text: "It may have been cut off. Please use the link in the message itself."})
		return
	}
	s.showPage(c, http.StatusOK, pageText{
		Title: "Stop these messages?", Text: "We will no longer write to you about this. Messages about an application that you have made with us still come.",
		Button: "Stop these messages",
	})
}

// unsubscribe carries it out, from the page's button or from the mail program (RFC 8058).
func (s *server) unsubscribe(c *gin.Context) {
	messageID, ok := s.unsubscribeToken(c.Param("token"))
	if !ok {
		s.showPage(c, http.StatusNotFound, pageText{Title: "This link does not work", Text: "It may have been cut off. Please use the link in the message itself."})
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

type pageText struct{ Title, Text, Button string }

func (s *server) showPage(c *gin.Context, status int, text pageText) {
	header := c.Writer.Header()
	header.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("X-Robots-Tag", "noindex")
	header.Set("Cache-Control", "no-store")
	header.Set("Content-Type", "text/html; charset=utf-8")
	c.Status(status)
	if err := pageTemplate.Execute(c.Writer, text); err != nil {
		s.Log.DebugContext(c.Request.Context(), "page not written", "error", err)
	}
}

//nolint:gochecknoglobals // a constant: parsed once, never written to
var pageTemplate = template.Must(template.New("page").Parse(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{{.Title}}</title>
<style>
:root { --ink: #1d2522; --page: #f6f7f5; --card: #fff; --accent: #0b5d4b; --on-accent: #fff; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6ebe8; --page: #131816; --card: #1c2320; --accent: #7fd6be; --on-accent: #0d1a16; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--page); color: var(--ink); font: 1.0625rem/1.6 system-ui, sans-serif; padding: 1rem; }
main { background: var(--card); border-radius: .75rem; padding: 2rem; max-width: 30rem; width: 100%; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 .75rem; }
p { margin: 0; }
button { margin-top: 1.5rem; width: 100%; min-height: 3rem; border: 0; border-radius: .5rem; background: var(--accent); color: var(--on-accent); font: inherit; font-weight: 600; cursor: pointer; }
button:focus-visible { outline: 3px solid var(--ink); outline-offset: 3px; }
</style>
</head>
<body>
<main>
<h1>{{.Title}}</h1>
<p>{{.Text}}</p>
{{if .Button}}<form method="post"><button>{{.Button}}</button></form>{{end}}
</main>
</body>
</html>
`))
