package api

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"
)

type contextKey int

const (
	requestIDKey contextKey = iota
	callerKey
	scopesKey
)

// identify gives the request an id, or takes over the caller's, and returns it with the answer. It also limits the time that
// is spent on the request.
func (s *server) identify(c *gin.Context) {
	id := c.GetHeader("X-Request-Id")
	if !plainID(id) {
		id = rand.Text()
	}
	c.Header("X-Request-Id", id)
	ctx, cancel := context.WithTimeout(context.WithValue(c.Request.Context(), requestIDKey, id), requestTimeout)
	defer cancel()
	c.Request = c.Request.WithContext(ctx)
	c.Next()
}

func plainID(id string) bool {
	for _, r := range id {
		if (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '-' && r != '_' {
			return false
		}
	}
	return id != "" && len(id) <= 64
}

func requestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey).(string)
	return id
}

// observe counts and logs the request when it is done. The log has the route, not the address: that may hold a token.
func (s *server) observe(c *gin.Context) {
	start := time.Now()
	c.Next()
	route := c.FullPath()
	if route == "" {
		route = "none"
	}
	elapsed := time.Since(start)
	s.metrics.requests.WithLabelValues(c.Request.Method, route, strconv.Itoa(c.Writer.Status())).Observe(elapsed.Seconds())
	if !s.Log.Enabled(c.Request.Context(), slog.LevelDebug) {
		return
	}
	s.Log.DebugContext(c.Request.Context(), "request", "method", c.Request.Method, "route", route, "status", c.Writer.Status(),
		"bytes", c.Writer.Size(), "duration", elapsed, "request_id", requestID(c.Request.Context()))
}

// recover answers a panic with 500, if nothing was answered yet.
func (s *server) recover(c *gin.Context) {
	defer func() {
		cause := recover()
		if cause == nil {
			return
		}
		if cause == http.ErrAbortHandler { //nolint:errorlint // it is thrown as it is
			panic(cause)
		}
		s.Log.ErrorContext(c.Request.Context(), "request panicked", "request_id", requestID(c.Request.Context()),
			"panic", fmt.Sprint(cause), "stack", string(debug.Stack()))
		if !c.Writer.Written() {
			s.refuse(c, &Problem{
				Status: http.StatusInternalServerError, Code: CodeInternal, Detail: "Something went wrong inside Rapport.",
				Next: "Look for the request id in the log of the server.",
			})
		}
		c.Abort()
	}()
	c.Next()
}
