package api

import (
	"context"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
)

// Health is what /livez and /readyz answer.
type Health struct {
	Status string            `json:"status"` // ok, degraded or unavailable
	Parts  map[string]string `json:"parts,omitempty"`
}

// checkTimeout bounds each check of readiness.
const checkTimeout = 3 * time.Second

// live tells that the process answers. It asks nobody else: a restart would not bring a database back.
func (s *server) live(c *gin.Context) { c.JSON(http.StatusOK, Health{Status: "ok"}) }

// ready tells whether requests can be served. Intake works without Temporal, so that alone is not a reason to take the
// server out of service; it is shown.
func (s *server) ready(c *gin.Context) {
	health, status := Health{Status: "ok", Parts: map[string]string{}}, http.StatusOK
	if err := s.check(c.Request.Context(), s.Store.Ping); err != nil {
		health.Status, health.Parts["database"], status = "unavailable", "unavailable", http.StatusServiceUnavailable
	} else {
		health.Parts["database"] = "ok"
	}
	if s.Temporal != nil {
		health.Parts["temporal"] = "ok"
		if err := s.check(c.Request.Context(), s.Temporal); err != nil {
			health.Parts["temporal"] = "unavailable"
			if status == http.StatusOK {
				health.Status = "degraded"
			}
		}
	}
	c.JSON(status, health)
}

func (s *server) check(ctx context.Context, part func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	err := part(ctx)
	if err != nil {
		s.Log.WarnContext(ctx, "not ready", "error", err)
	}
	return err
}
