package api

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
)

// Pool is a pool in force.
type Pool struct {
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	ByHand      bool   `json:"by_hand" doc:"People and steps put members in and take them out; else a condition does."`
	Members     int    `json:"members" doc:"How many candidates are in it."`
}

// PoolMember is a candidate in a pool.
type PoolMember struct {
	ID         string    `json:"id" doc:"The candidate's."`
	ExternalID string    `json:"external_id,omitempty"`
	FirstName  string    `json:"first_name,omitempty"`
	LastName   string    `json:"last_name,omitempty"`
	Since      time.Time `json:"since"`
}

// PoolCandidates names candidates to put into a pool or to take out.
type PoolCandidates struct {
	Candidates []string `json:"candidates" minItems:"1" maxItems:"1000" nullable:"false" doc:"Ids or external ids." example:"[\"ATS-7-000123\"]"`
}

// PoolChanged says how many candidates really entered or left.
type PoolChanged struct {
	Changed int `json:"changed" doc:"Those who were in it already, or were not, do not count."`
}

func (s *server) registerPools() {
	huma.Register(s.huma, unaudited(operation(http.MethodGet, "/v1/pools", "list-pools", "Pools", ScopeCandidatesRead, "List pools", "Those in force, by name."), "numbers"), s.listPools)
	audited(s, operation(http.MethodGet, "/v1/pools/{name}/members", "list-pool-members", "Pools", ScopeCandidatesRead, "List the members of a pool", "By their ids."), crm.AuditList, "pool", s.listMembers, pageAbout(func(x *PoolMember) string { return x.ID }))
	all := " All of them or none: a candidate who does not exist is refused. Refused for a pool with a condition."
	huma.Register(s.huma, changes(operation(http.MethodPost, "/v1/pools/{name}/members", "add-pool-members", "Pools", ScopeCandidatesWrite, "Put candidates into a pool",
		"Sequences that enroll its members begin."+all), crm.AuditChange, "pool"), s.changeMembers(s.addMembers))
	huma.Register(s.huma, changes(operation(http.MethodDelete, "/v1/pools/{name}/members", "remove-pool-members", "Pools", ScopeCandidatesWrite, "Take candidates out of a pool",
		"Runs that began because they were members end as left."+all), crm.AuditChange, "pool"), s.changeMembers(s.removeMembers))
}

func (s *server) listPools(ctx context.Context, _ *struct{}) (*body[Page[Pool]], error) {
	set, err := s.inForce.get(ctx)
	if err != nil {
		return nil, problemOf(err)
	}
	sizes, err := s.Store.PoolSizes(ctx)
	items := make([]Pool, 0, len(set.Pools))
	for _, name := range slices.Sorted(maps.Keys(set.Pools)) {
		p := set.Pools[name]
		items = append(items, Pool{Name: name, Description: p.Description, ByHand: p.ByHand(), Members: sizes[name]})
	}
	return pageOf(items, "", err)
}

func (s *server) listMembers(ctx context.Context, in *struct {
	Paging
	Name string `path:"name" maxLength:"200"`
},
) (*body[Page[PoolMember]], error) {
	if _, err := s.poolOf(ctx, in.Name); err != nil {
		return nil, problemOf(err)
	}
	members, next, err := s.Store.PoolMembers(ctx, in.Name, in.After, in.Limit)
	items := make([]PoolMember, len(members))
	for i := range members {
		m := &members[i]
		items[i] = PoolMember{ID: m.CandidateID, ExternalID: m.ExternalID, FirstName: m.FirstName, LastName: m.LastName, Since: m.Since}
	}
	return pageOf(items, next, err)
}

// poolOf returns a pool in force, or says which was probably meant.
func (s *server) poolOf(ctx context.Context, name string) (*dsl.Pool, error) {
	set, err := s.inForce.get(ctx)
	if err != nil {
		return nil, err
	}
	if p := set.Pools[name]; p != nil {
		return p, nil
	}
	return nil, notFound("There is no pool "+name+"."+didYouMean(name, slices.Sorted(maps.Keys(set.Pools))), "See GET /v1/pools for those in force.")
}

type poolChangeInput struct {
	Name string `path:"name" maxLength:"200"`
	Body PoolCandidates
}

func (s *server) addMembers(ctx context.Context, in *poolChangeInput) (int, error) {
	return s.Store.AddToPool(ctx, in.Name, in.Body.Candidates, caller(ctx), s.Now())
}

func (s *server) removeMembers(ctx context.Context, in *poolChangeInput) (int, error) {
	return s.Store.RemoveFromPool(ctx, in.Name, in.Body.Candidates, caller(ctx), s.Now())
}

func (s *server) changeMembers(
	change func(context.Context, *poolChangeInput) (int, error),
) func(context.Context, *poolChangeInput) (*body[PoolChanged], error) {
	return func(ctx context.Context, in *poolChangeInput) (*body[PoolChanged], error) {
		pool, err := s.poolOf(ctx, in.Name)
		if err != nil {
			return nil, problemOf(err)
		}
		if !pool.ByHand() {
			return nil, &Problem{
				Status: http.StatusConflict, Code: CodeConflict, Detail: "The pool " + in.Name + " follows a condition; nobody is put in or taken out.",
				Next: "Change what its condition reads, or make it `members: by hand`.",
			}
		}
		n, err := change(ctx, in)
		if err != nil {
			return nil, problemOf(err)
		}
		return &body[PoolChanged]{Body: PoolChanged{Changed: n}}, nil
	}
}
