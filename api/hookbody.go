package api

import (
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
)

const (
	// hookBodyTimeout is how long a webhook may take to bring its body: a sender that is slower would keep others out.
	hookBodyTimeout = 30 * time.Second
	// laneWait is how long a large body waits for others to be done with. Providers give up after ten seconds or more.
	laneWait = 2 * time.Second
)

// readBody reads the body of a webhook. One that says that it is too large is refused before it is read, and one that does
// not say so where it becomes too large. When it returns false the request is answered.
func (s *server) readBody(c *gin.Context, name string, limit int64) ([]byte, bool) {
	tooLarge := &Problem{Status: http.StatusRequestEntityTooLarge, Code: CodeTooLarge, Detail: "The body is larger than this webhook takes."}
	if c.Request.ContentLength > limit {
		c.Header("Connection", "close") // nobody is going to read it
		s.refuseHook(c, name, hookTooLarge, tooLarge)
		return nil, false
	}
	// Not every kind of connection has a deadline; then the server's own timeouts have to do.
	conn := http.NewResponseController(c.Writer)
	_ = conn.SetReadDeadline(time.Now().Add(hookBodyTimeout))
	defer func() { _ = conn.SetReadDeadline(time.Time{}) }()
	body, err := io.ReadAll(http.MaxBytesReader(c.Writer, c.Request.Body, limit))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		s.refuseHook(c, name, hookTooLarge, tooLarge)
		return nil, false
	}
	if err != nil {
		s.refuseHook(c, name, hookUnavailable, &Problem{
			Status: http.StatusServiceUnavailable, Code: CodeUnavailable, Detail: "The body was not read to its end.", Next: "Send it again.", retryAfter: retryPause,
		})
		return nil, false
	}
	return body, true
}

// enterLane waits until there is room for a large body: a mail is up to 30 MB, and has to be in memory to be verified. Leave
// makes room again. When it is not ok the request is answered: with 503, as Inbound Parse drops a mail at a 4xx.
func (s *server) enterLane(c *gin.Context, name string) (leave func(), ok bool) {
	wait := time.NewTimer(laneWait)
	defer wait.Stop()
	select {
	case s.inbound <- struct{}{}:
		return func() { <-s.inbound }, true
	case <-wait.C:
	case <-c.Request.Context().Done():
	}
	c.Header("Connection", "close")
	s.refuseHook(c, name, hookUnavailable, &Problem{
		Status: http.StatusServiceUnavailable, Code: CodeUnavailable, Detail: "Too many mails are being read at once.",
		Next: "Send it again in a moment.", retryAfter: retryPause,
	})
	return nil, false
}
