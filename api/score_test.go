package api_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/crm"
)

// A score is shown as it is worth now.
func TestScoreDecays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.call(http.MethodPut, "/v1/definitions", files(workspaceYAML+"score: {decay: 30d, points: {message.replied: 20}}\n")).want(200, nil)
	id := w.written("ATS-1")
	w.dispatch(id, func(_ *crm.Inbox, out *crm.Dispatched) {
		out.Candidate.Score = &crm.Score{Points: 25, At: w.clock()}
	})
	for _, test := range []struct {
		pass time.Duration
		want float64
	}{{0, 25}, {30 * 24 * time.Hour, 13}, {30 * 24 * time.Hour, 6}} {
		w.pass(test.pass)
		var one api.CandidateDetails
		w.call(http.MethodGet, "/v1/candidates/ATS-1", nil).want(200, &one)
		var page api.Page[crm.Candidate]
		w.call(http.MethodGet, "/v1/candidates", nil).want(200, &page)
		if one.Score != test.want || page.Items[0].Score != test.want || !one.ScoredAt.IsZero() {
			t.Errorf("the score is %v, in the list %v, of %v, want %v", one.Score, page.Items[0].Score, one.ScoredAt, test.want)
		}
	}
}
