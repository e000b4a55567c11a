package api_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/crm"
)

func TestJobs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var sent api.EventResults
	w.call(http.MethodPost, "/v1/events", object{"type": "role.opened", "id": "r1", "data": object{"role": "R-1"}}).want(200, &sent)
	if sent.Accepted != 1 {
		t.Fatalf("an event without a candidate: %+v", sent)
	}
	if err := w.store.AddFanouts(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.pass(time.Second)
	added, err := w.store.AddJobs(t.Context(), 0, []crm.Job{
		{Key: "a", Kind: crm.JobCampaign, Definition: "letter", Pools: []string{"nurses"}, Date: w.clock()},
		{Key: "b", Kind: crm.JobPool, Pools: []string{"nurses", "leads"}},
		{Key: "b", Kind: crm.JobPool, Pools: []string{"the same job"}},
	}, nil)
	if err != nil || !added {
		t.Fatal(added, err)
	}

	list := func(query string) api.Page[crm.Job] {
		t.Helper()
		var page api.Page[crm.Job]
		w.call(http.MethodGet, "/v1/jobs"+query, nil).want(200, &page)
		return page
	}
	if all := list(""); len(all.Items) != 3 || all.Items[2].Kind != crm.JobFanout || all.Items[2].EventID != sent.Results[0].Event {
		t.Errorf("all: %+v", all)
	}
	if some := list("?kind=campaign&definition=letter"); len(some.Items) != 1 || some.Items[0].Pools[0] != "nurses" || !some.Items[0].Date.Equal(w.clock()) {
		t.Errorf("campaigns: %+v", some)
	}
	seen := map[string]bool{}
	for after := ""; ; {
		page := list("?limit=1&after=" + after)
		seen[page.Items[0].ID] = true
		if after = page.Next; after == "" {
			break
		}
	}
	if len(seen) != 3 {
		t.Errorf("%d jobs on pages of one", len(seen))
	}
	w.call(http.MethodGet, "/v1/jobs?after=nonsense", nil).want(422, nil)

	turn, err := w.store.TakeJob(t.Context(), 10)
	if err != nil {
		t.Fatal(err)
	}
	job := turn.Job()
	job.FinishedAt = w.clock()
	if err := turn.Commit(t.Context(), &job, nil); err != nil {
		t.Fatal(err)
	}
	if open := list("?state=open"); len(open.Items) != 2 {
		t.Errorf("open: %+v", open)
	}
}
