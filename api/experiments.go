package api

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
)

// Experiment is an experiment of a sequence in force, and how its arms do over all runs and versions.
type Experiment struct {
	Step        string          `json:"step"`
	Arms        []ExperimentArm `json:"arms" nullable:"false" doc:"In the order of the definition; then those that only earlier versions had."`
	SettleAfter int             `json:"settle_after,omitempty" doc:"How many runs have to be mature before it is settled; absent if it never is."`
	Settled     string          `json:"settled,omitempty" doc:"The arm that every run gets since settled_at."`
	SettledAt   time.Time       `json:"settled_at,omitzero"`
}

// ExperimentArm is one arm of an experiment.
type ExperimentArm struct {
	Name     string  `json:"name"`
	Weight   int     `json:"weight" doc:"Its share, in relation to the others."`
	Assigned int     `json:"assigned" doc:"Runs that were given the arm."`
	Measured int     `json:"measured" doc:"Of these, how many have met the measure so far."`
	Mature   int     `json:"mature" doc:"Runs that have had all the time that the measure gives them."`
	Met      int     `json:"met" doc:"Of the mature ones, how many have met the measure."`
	Rate     float64 `json:"rate" doc:"met / mature: by this arms are compared. 0 while no run is mature."`
}

func (s *server) registerExperiments() {
	huma.Register(s.huma, unaudited(operation(http.MethodGet, "/v1/sequences/{name}/experiments", "list-experiments", "Enrollments", ScopeEnrollmentsRead,
		"List the experiments of a sequence", "With how their arms do, and the arm that each is settled to."), "numbers"), s.listExperiments)
}

func (s *server) listExperiments(ctx context.Context, in *byName) (*body[Page[Experiment]], error) {
	items, err := s.experiments(ctx, in.Name)
	return pageOf(items, "", err)
}

func (s *server) experiments(ctx context.Context, name string) ([]Experiment, error) {
	set, err := s.inForce.get(ctx)
	if err != nil {
		return nil, err
	}
	program := set.Programs[name]
	if program == nil {
		if err := s.sequenceExists(ctx, name); err != nil {
			return nil, err
		}
		return nil, notFound("The sequence "+name+" cannot be read by this version.", "See the log of the server.")
	}
	mature := map[string]time.Time{}
	for i := range program.Code {
		if x := program.Code[i].Experiment; x != nil {
			mature[program.Code[i].ID] = x.Mature(set.Workspace, s.Now())
		}
	}
	counts, err := s.Store.ExperimentArms(ctx, name, mature)
	if err != nil {
		return nil, err
	}
	settled, err := s.Store.SettledArms(ctx, name)
	if err != nil {
		return nil, err
	}
	var items []Experiment
	for i := range program.Code {
		if in := &program.Code[i]; in.Experiment != nil {
			items = append(items, experimentOf(in, counts, settled[in.ID]))
		}
	}
	return items, nil
}

func experimentOf(in *dsl.Instr, counts []crm.ArmCount, settled crm.SettledArm) Experiment {
	x := Experiment{Step: in.ID, Settled: settled.Arm, SettledAt: settled.At}
	if in.Experiment.Settle != nil {
		x.SettleAfter = in.Experiment.Settle.After
	}
	for _, arm := range in.Experiment.Arms {
		x.Arms = append(x.Arms, ExperimentArm{Name: arm.Name, Weight: arm.Weight})
	}
	for _, c := range counts {
		if c.Step != in.ID {
			continue
		}
		place := slices.IndexFunc(x.Arms, func(a ExperimentArm) bool { return a.Name == c.Arm })
		if place < 0 {
			place = len(x.Arms)
			x.Arms = append(x.Arms, ExperimentArm{Name: c.Arm})
		}
		arm := &x.Arms[place]
		arm.Assigned, arm.Measured, arm.Mature, arm.Met = c.Assigned, c.Measured, c.Mature, c.Met
		if c.Mature > 0 {
			arm.Rate = float64(c.Met) / float64(c.Mature)
		}
	}
	return x
}
