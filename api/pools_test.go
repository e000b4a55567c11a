package api_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/api"
)

const poolsYAML = `pool: evening
description: Guests of the open evening.
members: by hand
---
pool: nurses
when: '"nursing" in candidate.functions'
---
survey: how
questions: [{id: nps, ask: "Would you recommend us?", kind: nps}]
`

func TestPools(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var applied api.AppliedDefinitions
	w.call(http.MethodPut, "/v1/definitions", files(workspaceYAML, poolsYAML)).want(200, &applied)
	for _, path := range []string{"pool/evening", "survey/how"} {
		w.call(http.MethodGet, "/v1/definitions/"+path, nil).want(200, nil)
	}
	ana, ben := w.written("ATS-1"), w.written("ATS/2")

	members := func(method string, candidates ...string) answer {
		return w.call(method, "/v1/pools/evening/members", object{"candidates": candidates})
	}
	var changed api.PoolChanged
	if members(http.MethodPost, "ATS/2", ana).want(200, &changed); changed.Changed != 2 {
		t.Errorf("%d were added, want 2", changed.Changed)
	}
	if members(http.MethodPost, "ATS-1").want(200, &changed); changed.Changed != 0 {
		t.Errorf("%d were added, want none", changed.Changed)
	}
	members(http.MethodPost, ana, "ATS-3").problem(404, api.CodeNotFound)
	members(http.MethodPost).problem(422, api.CodeInvalid)

	var pools api.Page[api.Pool]
	w.call(http.MethodGet, "/v1/pools", nil).want(200, &pools)
	want := []api.Pool{{Name: "evening", Description: "Guests of the open evening.", ByHand: true, Members: 2}, {Name: "nurses"}}
	if diff := cmp.Diff(want, pools.Items); diff != "" {
		t.Errorf("pools differ (-want +got):\n%s", diff)
	}
	var page api.Page[api.PoolMember]
	var listed []string
	for path := "/v1/pools/evening/members?limit=1"; ; path = "/v1/pools/evening/members?limit=1&after=" + page.Next {
		page = api.Page[api.PoolMember]{}
		w.call(http.MethodGet, path, nil).want(200, &page)
		for _, m := range page.Items {
			listed = append(listed, m.ID+" "+m.ExternalID+" "+m.FirstName)
		}
		if page.Next == "" {
			break
		}
	}
	slices.Sort(listed)
	people := []string{ana + " ATS-1 Ana", ben + " ATS/2 Ana"}
	slices.Sort(people)
	if !slices.Equal(listed, people) {
		t.Errorf("members are %v, want %v", listed, people)
	}
	if members(http.MethodDelete, "ATS-1", "ATS-1").want(200, &changed); changed.Changed != 1 {
		t.Errorf("%d were removed, want 1", changed.Changed)
	}

	nurses := object{"candidates": []string{ana}}
	w.call(http.MethodPost, "/v1/pools/nurses/members", nurses).problem(409, api.CodeConflict)
	w.call(http.MethodDelete, "/v1/pools/nurses/members", nurses).problem(409, api.CodeConflict)
	if p := w.call(http.MethodGet, "/v1/pools/nurse/members", nil).problem(404, api.CodeNotFound); !strings.Contains(p.Detail, "Did you mean nurses?") {
		t.Errorf("the problem is %s", p.Detail)
	}
	reader := w.key("candidates:read")
	w.callAs(reader, http.MethodGet, "/v1/pools", nil).want(200, nil)
	w.callAs(reader, http.MethodPost, "/v1/pools/evening/members", nurses).problem(403, api.CodeForbidden)
}
