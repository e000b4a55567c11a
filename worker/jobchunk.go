package worker

import (
	"slices"
	"strings"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/store"
)

// chunk is one chunk of a job. It decides without any I/O whom the job looks at and who gets which event.
type chunk struct {
	set    *dsl.Set
	job    crm.Job // as it will be written
	event  *crm.Event
	now    time.Time
	size   int
	rules  []dsl.Telling // that the job is about; a look at pools has none
	pace   *dsl.Limit
	looked int // of this chunk
	events []crm.Event
}

// walk says whom the job looks at. It is nil when there is nobody, or what the job is for is no longer in force.
func (c *chunk) walk() *store.Walk {
	w := &store.Walk{Limit: c.size, Pools: c.job.Pools}
	switch c.job.Kind {
	case crm.JobPool:
		w.Pools = nil
		for _, name := range c.job.Pools {
			if p := c.set.Pools[name]; p != nil {
				need(w, p.When)
			}
		}
		return w
	case crm.JobFanout:
		c.rules = c.set.Told(c.event.Type)
		c.job.Pools = poolsOf(c.rules)
		w.Pools = c.job.Pools
		w.Role, w.Event = c.event.Text("role"), c.event.Type
		w.Applied = w.Role != ""
	case crm.JobMembers:
		c.rules = c.own(c.set.Standing())
	case crm.JobCampaign:
		c.rules = c.own(c.set.Campaigns())
		w.Since = c.job.StartedAt // however long a pace draws it out, it is for those who were members at the date
	}
	if len(c.rules) == 0 && w.Role == "" {
		if c.job.Kind != crm.JobFanout {
			c.job.Error = crm.JobWithdrawn
		}
		return nil
	}
	for _, r := range c.rules {
		need(w, r.Rule.When)
		if c.job.Kind == crm.JobCampaign {
			c.pace = r.Rule.Pace
		}
	}
	c.openWindow()
	return w
}

// own returns the rules of the job's sequence and pool that the job was made for.
func (c *chunk) own(rules []dsl.Telling) []dsl.Telling {
	return slices.DeleteFunc(rules, func(t dsl.Telling) bool {
		other := t.Program.Name != c.job.Definition || !slices.Contains(c.job.Pools, t.Rule.In)
		return other || c.job.Kind == crm.JobCampaign && !t.Rule.Falls(c.set.Workspace, c.job.Date)
	})
}

func poolsOf(rules []dsl.Telling) []string {
	pools := []string{}
	for _, r := range rules {
		pools = append(pools, r.Rule.In)
	}
	slices.Sort(pools)
	return slices.Compact(pools)
}

// need adds what a condition reads to what is read for it.
func need(w *store.Walk, when *dsl.Condition) {
	if when == nil {
		return
	}
	w.Applied = w.Applied || slices.Contains(when.Reads, "applications") || slices.Contains(when.Reads, "open_applications")
	w.Consents = w.Consents || slices.ContainsFunc(when.Events, func(t string) bool { return strings.HasPrefix(t, "consent.") })
	w.Enrolled = w.Enrolled || when.UsesNow // enrolled() counts as a look at the clock: no event tells of it
}

// openWindow begins the next window of a pace when the present one is over. Windows follow each other without a gap, so that
// a job does not fall behind by the moments for which it rests too long.
func (c *chunk) openWindow() {
	if c.pace == nil {
		return
	}
	per := c.pace.Per.Exact
	switch end := c.job.WindowAt.Add(per); {
	case c.job.WindowAt.IsZero() || !c.now.Before(end.Add(per)):
		c.job.WindowAt, c.job.WindowFound = c.now, 0
	case !c.now.Before(end):
		c.job.WindowAt, c.job.WindowFound = end, 0
	}
}

// full tells whether a pace allows no further candidate in its present window.
func (c *chunk) full() bool { return c.pace != nil && c.job.WindowFound >= c.pace.Count }

// look looks at one candidate.
func (c *chunk) look(f *crm.Facts) {
	c.job.Cursor = f.Candidate.ID
	c.job.Done++
	c.looked++
	if !c.concerns(f) {
		return
	}
	c.job.Found++
	c.job.WindowFound++
	c.events = append(c.events, c.eventFor(f.Candidate.ID))
}

// concerns tells whether the job is for the candidate, as far as can be seen without their lock.
func (c *chunk) concerns(f *crm.Facts) bool {
	if c.job.Kind == crm.JobPool {
		return c.set.Misplaced(f, c.job.Pools, c.now)
	}
	if c.job.Kind == crm.JobFanout && slices.ContainsFunc(f.Applications, func(a crm.Application) bool { return a.Role != "" && a.Role == c.event.Text("role") }) {
		return true
	}
	return slices.ContainsFunc(c.rules, func(t dsl.Telling) bool { return c.set.Matches(t, f, c.event, c.now) })
}

// eventFor is what the job puts into a candidate's queue. Its identity is the job's and the candidate's: there is one,
// however often the job is done.
func (c *chunk) eventFor(candidateID string) crm.Event {
	e := crm.Event{
		ID: crm.NewID(crm.PrefixEvent, c.now), Source: crm.SourceControl, ExternalID: c.job.Key + "/" + candidateID,
		Subject: candidateID, CandidateID: candidateID, Time: c.now, ReceivedAt: c.now,
	}
	switch c.job.Kind {
	case crm.JobFanout:
		e.Source, e.ExternalID = crm.SourceFanout, c.event.ID+"/"+candidateID
		e.Type, e.Time, e.Data = c.event.Type, c.event.Time, c.event.Data
	case crm.JobMembers:
		e.Type, e.Data = crm.ControlMember, map[string]any{"definition": c.job.Definition, "pool": c.job.Pools[0]}
	case crm.JobCampaign:
		e.Type, e.ExternalID = crm.ControlMember, "campaign/"+c.job.Definition+"/"+dateText(c.job.Date)+"/"+candidateID
		e.Data = map[string]any{"definition": c.job.Definition, "pool": c.job.Pools[0], "date": dateText(c.job.Date)}
	case crm.JobPool:
		e.Type = crm.ControlPools
	}
	return e
}

// finish says when the job goes on, after a chunk that found some candidates to look at: never, when those were the last; when
// the next window opens; or at once.
func (c *chunk) finish(found int) {
	c.job.NotBefore = c.now
	switch {
	case found < c.size && c.looked == found:
		c.job.FinishedAt = c.now
	case c.full():
		c.job.NotBefore = c.job.WindowAt.Add(c.pace.Per.Exact)
	}
}

// dateText is a date as control events carry it.
func dateText(t time.Time) string { return t.UTC().Format(time.RFC3339) }
