package api

import (
	"context"
	"slices"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/store"
)

// Migrated is what a part of a migration did.
type Migrated struct {
	Classes []RunClass `json:"classes" nullable:"false" doc:"The runs that were looked at, by where they stood and where they landed. Refused ones stay on their version."`
	Next    string     `json:"next,omitempty" doc:"Where to go on; nothing: all are done."`
}

// Stopped is what a part of stopping did.
type Stopped struct {
	Stopped int    `json:"stopped"`
	Next    string `json:"next,omitempty" doc:"Where to go on; nothing: all are asked."`
}

type partOf struct {
	Name  string `path:"name" maxLength:"200"`
	After string `query:"after" maxLength:"100" doc:"The next of the answer before; nothing at the beginning."`
}

const (
	migrateChunk = 500
	// migrateTime is how long one request moves runs.
	migrateTime = 5 * time.Second
)

// migrateRuns moves open runs to the version in force, as many as it can in a few seconds.
func (s *server) migrateRuns(ctx context.Context, in *partOf) (*body[Migrated], error) {
	d, err := s.Store.RunDefinition(ctx, in.Name)
	if err != nil {
		return nil, problemOf(err)
	}
	to, err := dsl.Compile(d.Document)
	if err != nil {
		return nil, problemOf(err)
	}
	programs := s.programs()
	land := func(run *crm.Enrollment) (*crm.Migration, error) {
		from, err := programs.of(ctx, run.Hash)
		if err != nil {
			return nil, err
		}
		progress, landing := dsl.Land(from, to, run.Progress)
		return &crm.Migration{Hash: d.Hash, Version: d.Version, Listens: to.Listens, Progress: progress, Landing: landing}, nil
	}
	out := Migrated{Classes: []RunClass{}, Next: in.After}
	for end := time.Now().Add(migrateTime); ; {
		moved, next, err := s.Store.MigrateRuns(ctx, in.Name, d.Hash, out.Next, migrateChunk, land)
		if err != nil {
			return nil, problemOf(err)
		}
		out.add(moved)
		if out.Next = next; next == "" || time.Now().After(end) {
			slices.SortFunc(out.Classes, compareClasses)
			return &body[Migrated]{Body: out}, nil
		}
	}
}

func (m *Migrated) add(moved []store.Moved) {
	for _, r := range moved {
		i := slices.IndexFunc(m.Classes, func(c RunClass) bool { return c.Landing == r.Landing && c.Version == r.Version })
		if i < 0 {
			i = len(m.Classes)
			m.Classes = append(m.Classes, RunClass{Landing: r.Landing, Version: r.Version})
		}
		m.Classes[i].Count++
	}
}

// stopRuns stops the open runs of a sequence that is not in force any more.
func (s *server) stopRuns(ctx context.Context, in *partOf) (*body[Stopped], error) {
	active, _, err := s.Store.ActiveDefinitions(ctx)
	if err != nil {
		return nil, problemOf(err)
	}
	if slices.ContainsFunc(active, func(d store.Definition) bool { return d.Runs() && d.Name == in.Name }) {
		return nil, problemOf(&crm.Error{
			Code: crm.CodeConflict, Message: "The definition " + in.Name + " is in force.",
			Next: "Stop its enrollments one by one, or take it out of force first.",
		})
	}
	n, next, err := s.Store.StopRuns(ctx, in.Name, caller(ctx), in.After, migrateChunk, s.Now())
	if err != nil {
		return nil, problemOf(err)
	}
	return &body[Stopped]{Body: Stopped{Stopped: n, Next: next}}, nil
}
