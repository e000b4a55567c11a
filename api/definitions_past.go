package api

import (
	"context"
	"slices"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
)

// PlannedPast is what the rules about events of a sequence would have done, had they been in force. It is an estimate: by the
// events as they are stored, imported history too, and the candidates as they are now.
type PlannedPast struct {
	Enroll   int       `json:"enroll" doc:"How many runs would have begun, about. With reenroll: always every match counts, as nobody knows how long the runs would have taken."`
	Days     int       `json:"days" doc:"How far back it looks, in days."`
	Events   int       `json:"events" doc:"How many events of the types in question were looked at."`
	Since    time.Time `json:"since" doc:"How far it came: the begin of these days or, where there were too many events, when the oldest came that was looked at."`
	Complete bool      `json:"complete" doc:"All events of these days were looked at, for everybody. Otherwise there were too many, and there would have been at least as many runs."`
}

// pastDays is how far a plan looks back.
const pastDays = 30

// pastBounds are how much of the past is looked at.
type pastBounds struct {
	events int // of the types in question
	told   int // that have no candidate: each of those is looked at for all members of its pools
	chunk  int // of all types, read at once
	time   time.Duration
}

// boundsOfPast are those of every plan. The time comes on top of planTime.
func boundsOfPast() pastBounds {
	return pastBounds{events: 50_000, told: 100, chunk: 5000, time: 5 * time.Second}
}

// lookBack is the look at the past of all sequences of a plan, in one walk over the events.
type lookBack struct {
	*planner

	bounds    pastBounds
	since     time.Time
	planned   map[string]*PlannedPast
	sequences map[string]*dsl.Hindsight
	names     []string    // of the sequences
	types     []string    // that any of them looks at
	told      []crm.Event // without a candidate
	oldest    time.Time   // when the oldest event was received that was looked at
}

// past counts what the rules about events of added and changed sequences would have done. It is for people who read the plan:
// what is confirmed are the numbers of now.
func (p *planner) past(ctx context.Context, bounds pastBounds) error {
	p.end = time.Now().Add(bounds.time)
	l := &lookBack{
		planner: p, bounds: bounds, since: p.now.AddDate(0, 0, -pastDays), oldest: p.now,
		planned: map[string]*PlannedPast{}, sequences: map[string]*dsl.Hindsight{},
	}
	for i := range p.plan.Definitions {
		d := &p.plan.Definitions[i]
		if !runs(d.Kind) || !d.news() {
			continue
		}
		if h := p.change.set.Hindsight(d.Name, l.since); h != nil {
			d.Past = &PlannedPast{Days: pastDays, Since: l.since, Complete: true}
			l.planned[d.Name], l.sequences[d.Name] = d.Past, h
			l.names, l.types = append(l.names, d.Name), append(l.types, h.Types...)
		}
	}
	if len(l.names) == 0 {
		return nil
	}
	if err := l.events(ctx); err != nil {
		return err
	}
	if err := l.members(ctx); err != nil {
		return err
	}
	for name, h := range l.sequences {
		l.planned[name].Enroll = h.Count()
	}
	return nil
}

// events walks over the stored events, the newest first, until there are no more, there were enough, or time is up.
func (l *lookBack) events(ctx context.Context) error {
	looked := 0
	for before := ""; ; {
		found, next, err := l.Store.EventsBefore(ctx, l.types, l.since, before, l.bounds.chunk)
		if err != nil {
			return err
		}
		cut := len(found) > l.bounds.events-looked
		found = found[:min(len(found), l.bounds.events-looked)]
		looked += len(found)
		if err := l.look(ctx, found); err != nil {
			return err
		}
		if next == "" && !cut {
			return nil
		}
		if cut || l.late() {
			for _, past := range l.planned {
				past.Since, past.Complete = l.oldest, false
			}
			return nil
		}
		before = next
	}
}

// look looks at some events together with their candidates.
func (l *lookBack) look(ctx context.Context, events []crm.Event) error {
	var ids []string
	for i := range events {
		e := &events[i]
		l.oldest = e.ReceivedAt
		for name, h := range l.sequences {
			if slices.Contains(h.Types, e.Type) {
				l.planned[name].Events++
			}
		}
		switch {
		case e.CandidateID != "":
			ids = append(ids, e.CandidateID)
		case crm.Broadcast(e.Type):
			l.told = append(l.told, *e)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	slices.Sort(ids)
	inboxes, err := l.Store.Inboxes(ctx, slices.Compact(ids), l.names)
	if err != nil {
		return err
	}
	of := make(map[string]*crm.Inbox, len(inboxes))
	for i := range inboxes {
		of[inboxes[i].Candidate.ID] = l.belongs(&inboxes[i])
	}
	for i := range events {
		if in := of[events[i].CandidateID]; in != nil {
			for _, h := range l.sequences {
				h.Look(in, &events[i])
			}
		}
	}
	return nil
}

// belongs puts a candidate into the pools that they will be in.
func (l *lookBack) belongs(in *crm.Inbox) *crm.Inbox {
	in.Pools = l.change.set.Members(l.reviewed, in, l.now)
	return in
}

// members looks at events without a candidate for the members of the pools that rules name: everybody, where the condition of
// such a pool is new.
func (l *lookBack) members(ctx context.Context) error {
	pools := []string{}
	for _, h := range l.sequences {
		pools = append(pools, h.Told...)
	}
	if len(l.told) == 0 || len(pools) == 0 {
		return nil
	}
	if slices.ContainsFunc(pools, func(name string) bool { return slices.Contains(l.reviewed, name) }) {
		pools = nil
	}
	cut := len(l.told) > l.bounds.told
	l.told = l.told[:min(len(l.told), l.bounds.told)]
	for after := ""; ; {
		found, next, err := l.Store.Audience(ctx, pools, l.names, after, planChunk)
		if err != nil {
			return err
		}
		for i := range found {
			l.tell(l.belongs(&found[i]))
		}
		if after = next; after == "" {
			break
		}
		if l.late() {
			cut = true
			break
		}
	}
	for name, h := range l.sequences {
		if past := l.planned[name]; len(h.Told) > 0 {
			past.Complete = past.Complete && !cut
		}
	}
	return nil
}

// tell looks at the events without a candidate for one member.
func (l *lookBack) tell(in *crm.Inbox) {
	for i := range l.told {
		e := l.told[i]
		e.Source = crm.SourceFanout
		for _, h := range l.sequences {
			h.Look(in, &e)
		}
	}
}
