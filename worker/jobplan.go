package worker

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
)

// markDaily is the kind of the mark that holds the last daily look at pools.
const markDaily crm.JobKind = "daily"

// jobPlan is what there are jobs for under one generation of the definitions: what was acted on is marked.
type jobPlan struct {
	generation int64
	set        *dsl.Set
	marks      map[crm.JobMark]string // state by the mark without it
	changed    map[string]time.Time   // when the version in force of a sequence was published
	settle     time.Duration          // how long jobs of a publication wait

	jobs []crm.Job // to be made, with
	news []crm.JobMark
}

// ensure sees to it that there are jobs for what has happened: events without a candidate, publications, dates. Several
// workers may do so at once: jobs are unique by their keys.
func (j *Jobs) ensure(ctx context.Context) (*dsl.Set, error) {
	if err := j.Store.AddFanouts(ctx); err != nil {
		return nil, err
	}
	generation, err := j.Store.DefinitionsGeneration(ctx)
	if err != nil {
		return nil, err
	}
	if j.plan == nil || j.plan.generation != generation {
		if err := j.read(ctx); err != nil {
			return nil, err
		}
	}
	p := j.plan
	if !p.due(j.Now()) {
		return p.set, nil
	}
	current, err := j.Store.AddJobs(ctx, p.generation, p.jobs, p.news)
	if err != nil {
		return nil, err
	}
	if !current { // something was published this very moment
		j.plan = nil
		return p.set, nil
	}
	for _, m := range p.news {
		p.mark(m)
	}
	return p.set, nil
}

// read reads what the plan is made from.
func (j *Jobs) read(ctx context.Context) error {
	state, err := j.Store.JobState(ctx)
	if err != nil {
		return err
	}
	set, err := j.Library.At(ctx, state.Generation)
	if err != nil {
		return fmt.Errorf("read definitions: %w", err)
	}
	j.plan = &jobPlan{
		generation: state.Generation, set: set, changed: state.Changed, settle: j.span(j.Settle), marks: map[crm.JobMark]string{},
	}
	for _, m := range state.Marks {
		j.plan.mark(m)
	}
	return nil
}

func (p *jobPlan) mark(m crm.JobMark) {
	state := m.State
	m.State = ""
	if state == "" {
		delete(p.marks, m)
		return
	}
	p.marks[m] = state
}

// due finds the jobs that are to be made at a moment, and the marks that go with them. It returns whether there are any.
func (p *jobPlan) due(now time.Time) bool {
	p.jobs, p.news = nil, nil
	p.pools(now)
	p.members(now)
	p.campaigns(now)
	p.daily(now)
	return len(p.news) > 0
}

// differs tells whether the state of a mark is another one, and notes the new state if so.
func (p *jobPlan) differs(m crm.JobMark, state string) bool {
	if p.marks[m] == state {
		return false
	}
	m.State = state
	p.news = append(p.news, m)
	return true
}

// byHand is the state of the mark of a pool that is kept by hand.
const byHand = "by hand"

// pools has everybody looked at again for pools whose condition is new or another one, and for those that are gone. It is one
// job for all of them: reading a million candidates is most of the work.
func (p *jobPlan) pools(now time.Time) {
	var names []string
	for name, pool := range p.set.Pools {
		state := byHand
		if !pool.ByHand() {
			sum := sha256.Sum256([]byte(pool.When.Source))
			state = hex.EncodeToString(sum[:8])
		}
		if p.differs(crm.JobMark{Kind: crm.JobPool, Pool: name}, state) && !pool.ByHand() {
			names = append(names, name)
		}
	}
	for m := range p.marks {
		if m.Kind == crm.JobPool && !p.set.InForce(dsl.KindPool, m.Pool) && p.differs(m, "") {
			names = append(names, m.Pool)
		}
	}
	if len(names) == 0 {
		return
	}
	slices.Sort(names)
	p.jobs = append(p.jobs, crm.Job{
		Key: "pool/" + strconv.FormatInt(p.generation, 10), Kind: crm.JobPool, Pools: names, NotBefore: now.Add(p.settle),
	})
}

// members has the present members of a pool enrolled when a sequence gets the rule that says so. Those who come later are
// enrolled as they enter. A new version of a sequence that had the rule before enrolls nobody again.
func (p *jobPlan) members(now time.Time) {
	there := map[crm.JobMark]bool{}
	for _, t := range p.set.Standing() {
		m := crm.JobMark{Kind: crm.JobMembers, Definition: t.Program.Name, Pool: t.Rule.In}
		if there[m] {
			continue
		}
		there[m] = true
		if p.differs(m, "told") {
			p.jobs = append(p.jobs, crm.Job{
				Key:  "members/" + m.Definition + "/" + m.Pool + "/" + strconv.FormatInt(p.generation, 10),
				Kind: crm.JobMembers, Definition: m.Definition, Pools: []string{m.Pool}, NotBefore: now.Add(p.settle),
			})
		}
	}
	for m := range p.marks {
		broken := p.set.Programs[m.Definition] == nil && p.set.InForce(dsl.KindSequence, m.Definition)
		if m.Kind == crm.JobMembers && !there[m] && !broken {
			p.differs(m, "")
		}
	}
}

// campaigns enroll the members of their pools at their dates: at the last one that has come since this version was published,
// if that was not done.
func (p *jobPlan) campaigns(now time.Time) {
	var jobs []crm.Job
	for _, t := range p.set.Campaigns() {
		if date, ok := t.Rule.Due(p.set.Workspace, p.changed[t.Program.Name], now); ok {
			jobs = append(jobs, crm.Job{
				Key:  "campaign/" + t.Program.Name + "/" + t.Rule.In + "/" + dateText(date),
				Kind: crm.JobCampaign, Definition: t.Program.Name, Pools: []string{t.Rule.In}, Date: date,
			})
		}
	}
	slices.SortStableFunc(jobs, func(a, b crm.Job) int { return cmp.Or(a.Date.Compare(b.Date), cmp.Compare(a.Key, b.Key)) })
	for _, job := range jobs {
		m := crm.JobMark{Kind: crm.JobCampaign, Definition: job.Definition, Pool: job.Pools[0]}
		if date := dateText(job.Date); date > p.marks[m] && p.differs(m, date) {
			p.jobs = append(p.jobs, job)
		}
	}
}

// daily has everybody looked at again, once a day, for pools that time alone takes candidates into or out of.
func (p *jobPlan) daily(now time.Time) {
	names := p.set.Aging()
	if len(names) == 0 {
		return
	}
	m, date := crm.JobMark{Kind: markDaily}, p.set.Workspace.Daily(now)
	before := p.marks[m]
	if dateText(date) <= before || !p.differs(m, dateText(date)) || before == "" { // the first of all were looked at when they were published
		return
	}
	p.jobs = append(p.jobs, crm.Job{Key: "pool/daily/" + dateText(date), Kind: crm.JobPool, Pools: names, Date: date})
}
