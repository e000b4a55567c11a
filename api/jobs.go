package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/store"
)

func (s *server) registerJobs() {
	huma.Register(s.huma, unaudited(operation(http.MethodGet, "/v1/jobs", "list-jobs", "Jobs", ScopeDefinitionsRead, "List jobs",
		"What is done for many candidates at once, and how far it is: done of total are looked at, found of them are told, enrolled or looked at again. The newest first; finished jobs are kept for 30 days."), "numbers"), s.listJobs)
}

func (s *server) listJobs(ctx context.Context, in *struct {
	Paging
	Kind       string `query:"kind" enum:"fanout,members,pool,campaign"`
	Definition string `query:"definition" maxLength:"200" doc:"A sequence."`
	State      string `query:"state" enum:"open" doc:"Only jobs that are not finished."`
},
) (*body[Page[crm.Job]], error) {
	items, next, err := s.Store.ListJobs(ctx, store.JobFilter{
		Kind: crm.JobKind(in.Kind), Definition: in.Definition, Open: in.State == "open", Limit: in.Limit, After: in.After,
	})
	return pageOf(items, next, err)
}
