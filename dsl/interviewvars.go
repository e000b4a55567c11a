package dsl

import (
	"strings"
	"time"

	"github.com/rapport-crm/rapport/crm"
)

// InterviewVars are what a message about a meeting can show of it: interview.starts_at, ends_at, place and with. Times are in the
// zone of whoever reads it. with names, to the candidate, who holds the meeting, and to one of those the candidate. What is not known
// is left out.
func InterviewVars(meeting *crm.Meeting, at *crm.Appointment, with string, zone *time.Location) map[string]any {
	vars := map[string]any{}
	if at != nil && !at.StartsAt.IsZero() {
		vars["starts_at"], vars["ends_at"] = at.StartsAt.In(zone), at.EndsAt.In(zone)
	}
	if meeting.Place != "" {
		vars["place"] = meeting.Place
	}
	if with != "" {
		vars["with"] = with
	}
	return vars
}

// PanelNames names who holds a meeting, or comes along, but for one of them.
func PanelNames(panel []crm.Panelist, but string) string {
	var names []string
	for _, p := range panel {
		if p.InterviewerID != but && p.Name != "" {
			names = append(names, p.Name)
		}
	}
	return strings.Join(names, ", ")
}
