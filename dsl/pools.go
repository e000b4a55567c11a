package dsl

import (
	"maps"
	"slices"
	"strconv"

	"github.com/rapport-crm/rapport/crm"
)

// score counts the points of an event. Those of an old event that is only recorded are worth what is left of them.
func (d *dispatch) score(e *crm.Event) {
	points := d.set.Workspace.points(e.Type)
	if points == 0 || e.Machine() {
		return
	}
	ws, c := d.set.Workspace, &d.facts.Candidate
	c.Score = ws.Score(c, d.now) + ws.Scoring.worth(points, e.Time, d.now)
	c.ScoredAt = d.now
	d.out.Candidate.Score = &crm.Score{Points: c.Score, At: c.ScoredAt}
	d.changed("score")
}

// points are what an event of a type is worth, or 0.
func (ws *Workspace) points(eventType string) float64 {
	if ws == nil || ws.Scoring == nil {
		return 0
	}
	return ws.Scoring.Points[eventType]
}

// concernsPools tells whether an event can put the candidate into a pool or take them out of one.
func (d *dispatch) concernsPools(e *crm.Event) bool {
	switch e.Type {
	case "candidate.created", "candidate.updated", "candidate.merged":
		return true
	}
	for _, p := range d.set.Pools {
		if p.When != nil && slices.Contains(p.When.Events, e.Type) {
			return true
		}
	}
	return false
}

// review looks which pools the candidate is in now, once all events are told, and says what has changed.
func (d *dispatch) review() {
	if !d.stale {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(d.set.Pools)) {
		p := d.set.Pools[name]
		if p.ByHand() {
			continue
		}
		was := slices.Contains(d.facts.Pools, name)
		if is := p.Member(d.set.Workspace, &d.facts, Env{Now: d.now}); is != was {
			d.move(name, is)
		}
	}
	for _, name := range slices.Clone(d.facts.Pools) {
		if d.set.Pools[name] == nil && !d.set.InForce(KindPool, name) {
			d.move(name, false) // there is no such pool any more
		}
	}
}

// move notes that the candidate enters or leaves a pool. The event that tells of it is dispatched like any other.
func (d *dispatch) move(pool string, in bool) {
	eventType := "pool.left"
	if in {
		eventType = "pool.entered"
		d.facts.Pools = append(d.facts.Pools, pool)
	} else {
		d.facts.Pools = without(d.facts.Pools, pool)
	}
	d.out.Pools = append(d.out.Pools, crm.PoolChange{Pool: pool, Entered: in})
	id := crm.DeriveID(crm.PrefixEvent, d.now, d.in.Candidate.ID, eventType, pool, strconv.FormatInt(d.position, 10))
	d.out.New = append(d.out.New, crm.Event{
		ID: id, Source: crm.SourceRapport, ExternalID: id, Type: eventType, Subject: d.in.Candidate.ID,
		CandidateID: d.in.Candidate.ID, Time: d.now, ReceivedAt: d.now, Data: map[string]any{"pool": pool},
	})
}
