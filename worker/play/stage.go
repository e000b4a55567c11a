package play

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rapport-crm/rapport/activities"
	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
)

// Stage is what is played on: a set of definitions. It is safe for concurrent use.
type Stage struct {
	set     *dsl.Set // its programs are those that enroll
	library *activities.Library
	daily   bool // a pool depends on the day
}

// On returns a stage for a checked set of definitions. Only the named sequences enroll; without names, all do.
func On(set *dsl.Set, sequences ...string) *Stage {
	played := *set
	if len(sequences) > 0 {
		played.Programs = maps.Clone(set.Programs)
		maps.DeleteFunc(played.Programs, func(name string, _ *dsl.Program) bool { return !slices.Contains(sequences, name) })
	}
	if played.Workspace == nil {
		played.Workspace = &dsl.Workspace{}
	}
	s := &Stage{set: &played, library: activities.LibraryOf(&played)}
	for _, p := range played.Programs {
		s.daily = s.daily || s.byDay(p)
	}
	return s
}

// byDay tells whether a sequence depends on a pool that depends on the day.
func (s *Stage) byDay(p *dsl.Program) bool {
	daily := func(pool *dsl.Pool) bool { return pool != nil && pool.When != nil && pool.When.UsesNow }
	if slices.ContainsFunc(p.Enroll, func(r *dsl.Rule) bool { return daily(s.set.Pools[r.In]) }) {
		return true
	}
	if !slices.ContainsFunc(slices.Collect(maps.Values(s.set.Pools)), daily) {
		return false
	}
	return slices.ContainsFunc(s.set.All, func(d dsl.Document) bool {
		return d.Runs() && d.Name == p.Name && strings.Contains(d.Source, "in_pool(")
	})
}

// Part is what is played: a candidate as they are at the start, and what happens then.
type Part struct {
	Candidate    crm.Candidate
	Consents     []crm.Consent
	Pools        []string // kept by hand
	Applications []crm.Application
	Interviewers []dsl.Attendant
	Start        time.Time
	Until        time.Time // zero: a year after the script, or the end of all runs if that is later
	Script       []dsl.Happening
	Obliging     bool // of interviews: the candidate picks the first time as soon as there are some, and every scorecard is in and good
	Lenient      bool // recorded history: what cannot happen here, such as a click on a message that was not sent, is left out

	Of    string                    // the sequence that the steps of the script, the arms and the calls are of
	Arms  map[string]string         // by step id: fixed arms of experiments
	Calls map[string]crm.CallResult // by step id, also of ats steps; what is not there is answered ok
}

// PartOf returns the part that a test describes.
func PartOf(t *dsl.Test) *Part {
	return &Part{
		Candidate: t.Candidate, Consents: t.Consents, Pools: t.Pools, Applications: t.Applications, Interviewers: t.Interviewers,
		Start: t.Start, Until: t.Until,
		Script: t.Script, Of: t.Of, Arms: t.Arms, Calls: t.Calls,
	}
}

// How far, in years, a run is followed after the script: one that may go on for ever, and one that comes to an end.
const (
	scriptYear = 1
	longestRun = 30
)

// Play plays a part to its end. The error says that it could not be played, in a sentence for the author of the script or,
// when the definitions are not what was checked, for an engineer.
func (s *Stage) Play(ctx context.Context, part *Part) (*Timeline, error) {
	p, err := newPlayer(ctx, s, part)
	if err != nil {
		return nil, err
	}
	if err := p.play(); err != nil {
		return nil, err
	}
	return p.timeline(), nil
}
