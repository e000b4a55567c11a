package worker

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
)

// settleEvery is how often (really) experiments are counted.
const settleEvery = time.Minute

// settle settles the experiments in force that have been measured often enough. Several workers may do so at once: the first
// one's word stays.
func (w *Worker) settle(ctx context.Context) error {
	if time.Since(w.settled) < min(settleEvery, 2*w.grace) {
		return nil
	}
	set, err := w.library.Active(ctx)
	if err != nil {
		return err
	}
	for _, p := range set.Programs {
		if err := w.settleProgram(ctx, set.Workspace, p); err != nil {
			return fmt.Errorf("settle experiments of %s: %w", p.Name, err)
		}
	}
	w.settled = time.Now()
	return nil
}

func (w *Worker) settleProgram(ctx context.Context, ws *dsl.Workspace, p *dsl.Program) error {
	mature := map[string]time.Time{}
	for i := range p.Code {
		if x := p.Code[i].Experiment; x != nil && x.Settle != nil {
			mature[p.Code[i].ID] = x.Mature(ws, w.now())
		}
	}
	if len(mature) == 0 {
		return nil
	}
	settled, err := w.store.SettledArms(ctx, p.Name)
	if err != nil {
		return err
	}
	maps.DeleteFunc(mature, func(step string, _ time.Time) bool { return settled[step].Arm != "" })
	if len(mature) == 0 {
		return nil
	}
	counts, err := w.store.ExperimentArms(ctx, p.Name, mature)
	if err != nil {
		return err
	}
	for i := range p.Code {
		in := &p.Code[i]
		if _, open := mature[in.ID]; !open {
			continue
		}
		arm, ok := in.Experiment.Winner(ofStep(counts, in.ID))
		if !ok {
			continue
		}
		first, err := w.store.Settle(ctx, p.Name, in.ID, arm, w.now())
		if err != nil {
			return err
		}
		if first {
			w.log.InfoContext(ctx, "experiment settled", "sequence", p.Name, "step", in.ID, "arm", arm)
		}
	}
	return nil
}

// ofStep are the arms of one experiment.
func ofStep(counts []crm.ArmCount, step string) []crm.ArmCount {
	var arms []crm.ArmCount
	for _, c := range counts {
		if c.Step == step {
			arms = append(arms, c)
		}
	}
	return arms
}
