package api

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/store"
)

// DefinitionPlan is what publishing a set of definitions would change, and whom it would reach, as of now.
type DefinitionPlan struct {
	Fingerprint string              `json:"fingerprint" doc:"Of the definitions and the audience. Publishing with it is refused when either has drifted."`
	Changes     bool                `json:"changes" doc:"Publishing would change something."`
	Definitions []PlannedDefinition `json:"definitions" nullable:"false"`
	Problems    []crm.Problem       `json:"problems" nullable:"false" doc:"Warnings and hints."`
}

// PlannedDefinition is what would become of one definition.
type PlannedDefinition struct {
	Kind     string           `json:"kind"`
	Name     string           `json:"name"`
	Locale   string           `json:"locale,omitempty"`
	Status   string           `json:"status" enum:"added,changed,unchanged,removed,kept" doc:"Kept: it is not among the files and stays in force."`
	Note     string           `json:"note,omitempty" doc:"Why it is kept, or that it was removed before."`
	Version  int              `json:"version,omitempty" doc:"The version in force."`
	File     string           `json:"file,omitempty"`
	Line     int              `json:"line,omitempty"`
	Changes  []dsl.Change     `json:"changes,omitempty" doc:"Of a changed one: what is different."`
	Texts    *PlannedText     `json:"texts,omitempty" doc:"Of an added or changed text message: how long it is."`
	Audience *PlannedAudience `json:"audience,omitempty" doc:"Whom an added, changed or removed sequence or pool reaches."`
	Past     *PlannedPast     `json:"past,omitempty" doc:"Of an added or changed sequence with rules about events: what they would have done. It is no part of what is confirmed."`
	Keeping  *PlannedKeeping  `json:"keeping,omitempty" doc:"Of an added or changed retention policy: whom it would tell and take. It is no part of what is confirmed."`
	Runs     *PlannedRuns     `json:"runs,omitempty" doc:"Of a sequence: the open runs on other versions."`
}

// PlannedAudience counts candidates.
type PlannedAudience struct {
	Enroll   int      `json:"enroll" doc:"Would be enrolled at once: members of its pools who have no run and may have one."`
	Members  int      `json:"members" doc:"Of the pools that a sequence enrolls from."`
	Enter    int      `json:"enter" doc:"Would enter the pool."`
	Leave    int      `json:"leave" doc:"Would leave the pool."`
	Events   []string `json:"events,omitempty" doc:"Enroll from now on, when they come."`
	Complete bool     `json:"complete" doc:"Everybody was counted. Otherwise time ran out, and the numbers are of those who were."`
}

// PlannedText says what a text message takes. Variables count with a usual length.
type PlannedText struct {
	Segments int    `json:"segments" doc:"As how many it is sent and paid for, about."`
	Unicode  bool   `json:"unicode,omitempty" doc:"It has a character that phones do not have in their alphabet, which more than halves what a segment holds."`
	Price    string `json:"price,omitempty" doc:"Of one text, about, when the workspace has from.sms_price."`
}

// PlannedRuns counts the open runs that are on other versions.
type PlannedRuns struct {
	Open     int        `json:"open"`
	Classes  []RunClass `json:"classes" nullable:"false" doc:"By where they stand and where they would land if they were migrated. Of a removed sequence: none."`
	Complete bool       `json:"complete" doc:"All runs were counted."`
}

// RunClass is the open runs that stand at the same step of the same version and would land alike.
type RunClass struct {
	crm.Landing

	Version int `json:"version" doc:"The version that they are on."`
	Count   int `json:"count"`
}

const (
	planChunk = 1000
	// planTime bounds the counting of a plan. It leaves room in a request's time for the rest.
	planTime = 15 * time.Second
	kept     = "kept"
)

// change is a set of definitions that was checked against those in force.
type change struct {
	active     []store.Definition
	generation int64
	set        *dsl.Set
	problems   []crm.Problem
	remove     []crm.Document
	notes      map[string]string // by key: why a definition is kept that is not among the files
	gone       []crm.Document    // what is out of force already and still has open runs
	prune      bool
}

// resolve checks files on top of what is in force, or with prune instead of it. The workspace always stays, and so do messages
// and surveys that open runs may still use.
func (s *server) resolve(ctx context.Context, in *DefinitionFiles) (*change, error) {
	c := &change{prune: in.Prune, notes: map[string]string{}}
	var err error
	if c.active, c.generation, err = s.Store.ActiveDefinitions(ctx); err != nil {
		return nil, err
	}
	files := make([]dsl.File, len(in.Files))
	for i, f := range in.Files {
		files[i] = dsl.File{Path: f.Path, Text: []byte(f.Text)}
	}
	base := store.Documents(c.active)
	if in.Prune {
		base = slices.DeleteFunc(base, func(d crm.Document) bool { return d.Kind != crm.KindWorkspace })
	}
	if c.set, c.problems = dsl.Check(files, base); c.set == nil || countErrors(c.problems) > 0 {
		n := countErrors(c.problems)
		refused := invalid(fmt.Sprintf("The definitions have %d %s; nothing was published.", n, plural(n, "error")), "Correct what problems lists and publish again.")
		refused.Problems = c.problems
		return nil, refused
	}
	if !in.Prune {
		return c, nil
	}
	used, running, err := s.usedByRuns(ctx)
	if err != nil {
		return nil, err
	}
	for _, run := range running {
		key := run.Key()
		if !c.has(key) && !slices.ContainsFunc(c.active, func(d store.Definition) bool { return d.Key() == key }) {
			c.gone = append(c.gone, run)
		}
	}
	for _, d := range c.active {
		if d.Kind == crm.KindWorkspace || c.has(d.Key()) {
			continue
		}
		if used[d.Kind+"\n"+d.Name] {
			c.notes[d.Key()] = "open runs may still use it"
			continue
		}
		c.remove = append(c.remove, d.Document)
	}
	return c, nil
}

// has tells whether a definition is among the files.
func (c *change) has(key string) bool {
	return slices.ContainsFunc(c.set.Documents, func(d dsl.Document) bool { return d.Key() == key })
}

// usedByRuns returns the messages and surveys that open runs may still use, by kind and name, and the sequences and interviews
// they are of: kind and name alone.
func (s *server) usedByRuns(ctx context.Context) (used map[string]bool, running []crm.Document, err error) {
	hashes, err := s.Store.OpenHashes(ctx)
	if err != nil {
		return nil, nil, err
	}
	used = map[string]bool{}
	programs := s.programs()
	for _, hash := range hashes {
		p, err := programs.of(ctx, hash)
		if err != nil {
			return nil, nil, err
		}
		running = append(running, crm.Document{Kind: p.Kind(), Name: p.Name})
		messages, surveys := p.Texts()
		for _, name := range messages {
			used[crm.KindMessage+"\n"+name] = true
		}
		for _, name := range surveys {
			used[crm.KindSurvey+"\n"+name] = true
		}
	}
	slices.SortFunc(running, func(a, b crm.Document) int { return cmp.Compare(a.Key(), b.Key()) })
	return used, slices.Compact(running), nil
}

// programs compiles versions that runs are on, each once.
type programs struct {
	store    *store.Store
	compiled map[string]*dsl.Program
}

func (s *server) programs() *programs {
	return &programs{store: s.Store, compiled: map[string]*dsl.Program{}}
}

func (p *programs) of(ctx context.Context, hash string) (*dsl.Program, error) {
	if program := p.compiled[hash]; program != nil {
		return program, nil
	}
	d, err := p.store.DefinitionByHash(ctx, hash)
	if err != nil {
		return nil, fmt.Errorf("read version of a run: %w", err)
	}
	program, err := dsl.Compile(d.Document)
	if err != nil {
		return nil, fmt.Errorf("read version of a run: %w", err)
	}
	p.compiled[hash] = program
	return program, nil
}

func (s *server) planDefinitions(ctx context.Context, in *body[DefinitionFiles]) (*body[DefinitionPlan], error) {
	c, err := s.resolve(ctx, &in.Body)
	if err != nil {
		return nil, problemOf(err)
	}
	p, err := s.plan(ctx, c)
	if err != nil {
		return nil, problemOf(err)
	}
	if err := p.keeping(ctx); err != nil {
		return nil, problemOf(err)
	}
	if err := p.past(ctx, boundsOfPast()); err != nil {
		return nil, problemOf(err)
	}
	return &body[DefinitionPlan]{Body: p.plan}, nil
}

// plan counts whom a change would reach.
func (s *server) plan(ctx context.Context, c *change) (*planner, error) {
	p := &planner{server: s, change: c, now: s.Now(), end: time.Now().Add(planTime), programs: s.programs()}
	p.list()
	if err := p.audience(ctx); err != nil {
		return nil, err
	}
	for i := range p.plan.Definitions {
		if err := p.runs(ctx, &p.plan.Definitions[i]); err != nil {
			return nil, err
		}
	}
	p.plan.Problems = notNil(c.problems)
	p.plan.Fingerprint = c.identity() + "." + counts(&p.plan)
	return p, nil
}

// planner is a plan at work.
type planner struct {
	*server

	change   *change
	plan     DefinitionPlan
	now      time.Time // the installation's
	end      time.Time // really, when counting ends
	programs *programs
	reviewed []string // pools with a condition that is new or changed
}

// list says what becomes of every definition: those of the files in their order, then the others.
func (p *planner) list() {
	active := make(map[string]*store.Definition, len(p.change.active))
	for i := range p.change.active {
		active[p.change.active[i].Key()] = &p.change.active[i]
	}
	for _, d := range p.change.set.Documents {
		planned := PlannedDefinition{Kind: d.Kind, Name: d.Name, Locale: d.Locale, File: d.File, Line: d.Line, Status: store.StatusAdded}
		if was := active[d.Key()]; was != nil {
			planned.Version, planned.Status, planned.Changes = was.Version, store.StatusUnchanged, dsl.Diff(&was.Document, &d)
			if was.Hash != d.Hash {
				planned.Status = store.StatusChanged
			}
		}
		if planned.Status != store.StatusUnchanged {
			planned.Texts = p.text(&d)
		}
		p.add(planned)
	}
	for i := range p.change.active {
		d := &p.change.active[i]
		if p.change.has(d.Key()) {
			continue
		}
		planned := PlannedDefinition{Kind: d.Kind, Name: d.Name, Locale: d.Locale, Version: d.Version, Status: kept, Note: p.change.notes[d.Key()]}
		if slices.ContainsFunc(p.change.remove, func(r crm.Document) bool { return r.Key() == d.Key() }) {
			planned.Status = store.StatusRemoved
		}
		p.add(planned)
	}
	for _, d := range p.change.gone {
		p.add(PlannedDefinition{Kind: d.Kind, Name: d.Name, Status: store.StatusRemoved, Note: "it is out of force already"})
	}
}

// text measures a text message; nil when the definition is none.
func (p *planner) text(d *dsl.Document) *PlannedText {
	if d.Kind != crm.KindMessage {
		return nil
	}
	t := p.change.set.Template(d.Name, d.Locale)
	if t == nil || t.Channel != crm.SMS {
		return nil
	}
	planned := &PlannedText{}
	planned.Segments, planned.Unicode = t.SMSLength()
	if ws := p.change.set.Workspace; ws != nil {
		planned.Price = ws.From.SMSPrice.Of(planned.Segments).String()
	}
	return planned
}

func (p *planner) add(d PlannedDefinition) {
	p.plan.Definitions = append(p.plan.Definitions, d)
	p.plan.Changes = p.plan.Changes || d.Status != store.StatusUnchanged && d.Status != kept && d.Note == ""
}

// late tells whether the time for counting is over.
func (p *planner) late() bool { return time.Now().After(p.end) }

// identity is the fingerprint of the definitions: those in force, those of the files, and what becomes of the rest.
func (c *change) identity() string {
	h := sha256.New()
	for i := range c.active {
		fmt.Fprintf(h, "%s\n%s\n", c.active[i].Key(), c.active[i].Hash)
	}
	fmt.Fprintf(h, "prune %t\n", c.prune)
	docs := slices.Clone(c.set.Documents)
	slices.SortFunc(docs, func(a, b dsl.Document) int { return cmp.Compare(a.Key(), b.Key()) })
	for i := range docs {
		fmt.Fprintf(h, "%s\n%s\n", docs[i].Key(), docs[i].Hash)
	}
	return hex.EncodeToString(h.Sum(nil)[:12])
}

// counts are the numbers of a plan in the order of its definitions.
func counts(plan *DefinitionPlan) string {
	var all []string
	for _, d := range plan.Definitions {
		if a := d.Audience; a != nil {
			all = append(all, strconv.Itoa(a.Enroll), strconv.Itoa(a.Enter), strconv.Itoa(a.Leave))
		}
		if d.Runs != nil {
			all = append(all, strconv.Itoa(d.Runs.Open))
		}
	}
	return strings.Join(all, "-")
}

// drifted says how a plan differs from the confirmed one, "" if it does not. Definitions have to be the same. A number may
// differ by ten or by one in twenty, whichever is more, as candidates do not stand still while somebody reads; but not from
// nobody to somebody.
func drifted(confirmed, now string) string {
	wasID, wasCounts, _ := strings.Cut(confirmed, ".")
	isID, isCounts, _ := strings.Cut(now, ".")
	was, is := strings.Split(wasCounts, "-"), strings.Split(isCounts, "-")
	if wasID != isID || len(was) != len(is) {
		return "The definitions in force, or the files, are not those of the confirmed plan any more; nothing was published."
	}
	for i := range was {
		before, _ := strconv.Atoi(was[i]) // "" where there are none
		after, _ := strconv.Atoi(is[i])
		if moved := max(before-after, after-before); moved > max(10, before/20) || before == 0 && after > 0 {
			return fmt.Sprintf("The audience has drifted since the plan was confirmed: %d were counted then and %d now; nothing was published.", before, after)
		}
	}
	return ""
}
