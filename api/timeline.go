package api

import (
	"context"
	"net/url"
	"strings"

	"github.com/rapport-crm/rapport/crm"
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
		if !may(ctx, ScopeNotesRead) {
			entries[i].Said = nil
		}
		items[i] = TimelineEntry{Entry: entries[i], WorkflowURL: s.workflowURL(entries[i].WorkflowID)}
	}
	return pageOf(items, next, err)
}

// getEvents gives a candidate's events whole. The timeline, which people look at and pass on, leaves out what a type does not
// declare, free texts and answers; a machine that plays the history again needs what conditions read. It has a scope of its
// own, so that a key for the timeline does not see more than it did.
func (s *server) getEvents(ctx context.Context, in *struct {
	CandidateRef
	Paging
},
) (*body[Page[crm.Event]], error) {
	return pageOf(s.Store.EventsOf(ctx, in.ID, in.Limit, in.After))
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
