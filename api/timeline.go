package api

import (
	"context"
	"net/url"
	"strings"

	"github.com/rapport-crm/rapport/store"
)

// TimelineEntry is one line of a timeline, with a link to the run's workflow when the Temporal UI is known.
type TimelineEntry struct {
	store.Entry
	WorkflowURL string `json:"workflow_url,omitempty"`
}

func (s *server) getTimeline(ctx context.Context, in *struct {
	CandidateRef
	Paging
},
) (*body[Page[TimelineEntry]], error) {
	c, _, err := s.Store.Candidate(ctx, in.ID)
	if err != nil {
		return nil, problemOf(err)
	}
	entries, next, err := s.Store.Timeline(ctx, c.ID, in.Limit, in.After)
	items := make([]TimelineEntry, len(entries))
	for i := range entries {
		items[i] = TimelineEntry{Entry: entries[i], WorkflowURL: s.workflowURL(entries[i].WorkflowID)}
	}
	return pageOf(items, next, err)
}

// workflowURL is where the Temporal UI shows a workflow, or "".
func (s *server) workflowURL(workflowID string) string {
	if s.TemporalUI == "" || workflowID == "" {
		return ""
	}
	base := strings.TrimRight(s.TemporalUI, "/")
	if !strings.Contains(base, "/namespaces/") {
		base += "/namespaces/default"
	}
	return base + "/workflows/" + url.PathEscape(workflowID)
}
