package api

import (
	"cmp"
	"context"
	"slices"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/store"
)

// counted are the definitions whose audience is counted in one walk over candidates.
type counted struct {
	planned   map[string]*PlannedDefinition // by kind and name
	sequences []string
	pools     []string // with a condition that is new or changed
	from      []string // pools whose members sequences enroll
}

// audience counts whom added and changed sequences and pools would reach. Everybody is looked at where a pool's condition is
// new, else only the members of the pools in question.
func (p *planner) audience(ctx context.Context) error {
	c := &counted{planned: map[string]*PlannedDefinition{}}
	for i := range p.plan.Definitions {
		if err := p.count(ctx, c, &p.plan.Definitions[i]); err != nil {
			return err
		}
	}
	if p.reviewed = c.pools; len(c.pools) == 0 && len(c.from) == 0 {
		return nil
	}
	members := c.from
	if len(c.pools) > 0 {
		members = nil
	}
	complete := true
	for after := ""; ; {
		found, next, err := p.Store.Audience(ctx, members, c.sequences, after, planChunk)
		if err != nil {
			return err
		}
		for i := range found {
			p.countCandidate(c, &found[i])
		}
		if next == "" {
			break
		}
		if complete = !p.late(); !complete {
			break
		}
		after = next
	}
	for _, d := range c.planned {
		d.Audience.Complete = complete
	}
	return nil
}

// count notes what is to be counted for a definition.
func (p *planner) count(ctx context.Context, c *counted, d *PlannedDefinition) error {
	set := p.change.set
	news := d.news()
	switch {
	case d.Kind == crm.KindPool && d.Status == store.StatusRemoved:
		n, err := p.Store.CountMembers(ctx, d.Name)
		d.Audience = &PlannedAudience{Leave: n, Complete: true}
		return err
	case d.Kind == crm.KindPool && news && !set.Pools[d.Name].ByHand():
		d.Audience = &PlannedAudience{Complete: true}
		c.planned[d.Kind+"\n"+d.Name] = d
		c.pools = append(c.pools, d.Name)
	case runs(d.Kind) && news:
		program := set.Programs[d.Name]
		d.Audience = &PlannedAudience{Events: enrollEvents(program), Complete: true}
		if from := program.PoolsOf(false); len(from) > 0 {
			c.planned[d.Kind+"\n"+d.Name] = d
			c.sequences, c.from = append(c.sequences, d.Name), append(c.from, from...)
		}
	}
	return nil
}

// news tells whether a definition is added or changed.
func (d *PlannedDefinition) news() bool {
	return d.Status == store.StatusAdded || d.Status == store.StatusChanged
}

// runs tells whether candidates are enrolled in definitions of a kind.
func runs(kind string) bool { return (&crm.Document{Kind: kind}).Runs() }

// enrollEvents lists the types of the events that enroll.
func enrollEvents(program *dsl.Program) []string {
	var types []string
	for _, r := range program.Enroll {
		types = append(types, r.On...)
	}
	slices.Sort(types)
	return slices.Compact(types)
}

// countCandidate counts one candidate for every definition.
func (p *planner) countCandidate(c *counted, in *crm.Inbox) {
	set := p.change.set
	was := in.Pools
	in.Pools = set.Members(c.pools, in, p.now)
	for _, name := range c.pools {
		d := c.planned[crm.KindPool+"\n"+name]
		switch before, after := slices.Contains(was, name), slices.Contains(in.Pools, name); {
		case after && !before:
			d.Audience.Enter++
		case before && !after:
			d.Audience.Leave++
		}
	}
	for _, name := range c.sequences {
		d, program := c.planned[set.Programs[name].Kind()+"\n"+name], set.Programs[name]
		inPool := func(pool string) bool { return slices.Contains(in.Pools, pool) }
		if slices.ContainsFunc(program.PoolsOf(false), inPool) {
			d.Audience.Members++
		}
		if slices.ContainsFunc(program.PoolsOf(true), func(pool string) bool { return inPool(pool) && set.Admits(name, pool, in, p.now) }) {
			d.Audience.Enroll++
		}
	}
}

// runs counts the open runs of a sequence that are on other versions, by where each would land.
func (p *planner) runs(ctx context.Context, d *PlannedDefinition) error {
	if !runs(d.Kind) || d.Status == kept {
		return nil
	}
	to := p.change.set.Programs[d.Name]
	hash := ""
	if to != nil {
		hash = to.Hash
	}
	runs := &PlannedRuns{Classes: []RunClass{}, Complete: true}
	classes := map[RunClass]int{}
	for after := ""; ; {
		found, err := p.Store.OpenRuns(ctx, d.Name, hash, after, planChunk)
		if err != nil {
			return err
		}
		for i := range found {
			runs.Open++
			after = found[i].ID
			if to == nil {
				continue
			}
			from, err := p.programs.of(ctx, found[i].Hash)
			if err != nil {
				return err
			}
			_, landing := dsl.Land(from, to, found[i].Progress)
			classes[RunClass{Landing: landing, Version: found[i].Version}]++
		}
		if len(found) < planChunk {
			break
		}
		if runs.Complete = !p.late(); !runs.Complete {
			break
		}
	}
	if runs.Open == 0 {
		return nil
	}
	for class, n := range classes {
		class.Count = n
		runs.Classes = append(runs.Classes, class)
	}
	slices.SortFunc(runs.Classes, compareClasses)
	d.Runs = runs
	return nil
}

func compareClasses(a, b RunClass) int {
	return cmp.Or(cmp.Compare(a.Version, b.Version), cmp.Compare(b.Count, a.Count), cmp.Compare(a.From, b.From),
		cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.To, b.To), cmp.Compare(a.Reason, b.Reason))
}
