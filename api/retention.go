package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/dsl/retention"
	"github.com/rapport-crm/rapport/store"
)

// RetentionAnswer says how long a candidate's data are kept, by which policy and why.
type RetentionAnswer struct {
	Verdict *retention.Verdict `json:"verdict"`
	Text    []string           `json:"text" nullable:"false" doc:"The same in sentences."`
}

// RetentionPlan is whom policies would tell and take in the days to come: a part of it, until next is empty.
type RetentionPlan struct {
	retention.Forecast

	Items []PlannedRetention `json:"items,omitempty" doc:"Those who would be told or taken."`
	Next  string             `json:"next,omitempty" doc:"Give it as after, with the same at, for the next part: the numbers of all parts add up."`
}

// PlannedRetention is one candidate of a plan.
type PlannedRetention struct {
	Candidate  string    `json:"candidate"`
	ExternalID string    `json:"external_id,omitempty"`
	Policy     string    `json:"policy"`
	NoticeAt   time.Time `json:"notice_at,omitzero"`
	DueAt      time.Time `json:"due_at,omitzero"`
	Then       string    `json:"then" enum:"erase,anonymize"`
}

// RetentionRef names a run of a policy.
type RetentionRef struct {
	Policy string `path:"policy" maxLength:"200"`
	Day    string `path:"day" maxLength:"20" example:"2026-11-22"`
}

const (
	forecastTime = 10 * time.Second // of looking in one request
	forecastPage = 1000
	// forecastItems is how many candidates are named in one part, give or take a page: each has a line in the audit log's entry of it.
	forecastItems = 1000
)

func (s *server) registerRetention() {
	explain := operation(http.MethodGet, "/v1/candidates/{id}/retention", "explain-retention", "Privacy", ScopePrivacyRead, "Explain how long a candidate's data are kept",
		"Which policy takes them and when, which keeps them, and what each policy says.")
	huma.Register(s.huma, changes(explain, crm.AuditRead, "retention"), s.explainRetention)
	huma.Register(s.huma, unaudited(operation(http.MethodGet, "/v1/retention/runs", "list-retention-runs", "Privacy", ScopePrivacyRead, "List runs of retention policies",
		"The newest first, with how far each is."), "numbers"), s.listRetention)
	huma.Register(s.huma, changes(operation(http.MethodGet, "/v1/retention/plan", "plan-retention", "Privacy", ScopePrivacyRead, "See whom policies would tell and take",
		"By week, if nothing changes meanwhile. It looks at everybody, in parts of some seconds: see next."), crm.AuditList, "retention"), s.planRetention)
	huma.Register(s.huma, changes(operation(http.MethodPost, "/v1/retention/{policy}/runs", "run-retention", "Privacy", ScopePrivacyWrite, "Run a retention policy now",
		"Beside its daily runs, and just like them: its guard holds."), crm.AuditRun, "retention"), s.runRetention)
	huma.Register(s.huma, changes(operation(http.MethodPost, "/v1/retention/{policy}/runs/{day}/confirm", "confirm-retention", "Privacy", ScopePrivacyWrite, "Have a run go on that asks",
		"It would take more than the policy's guard allows, or is the first of a policy without one."), crm.AuditConfirm, "retention"), s.confirmRetention)
	huma.Register(s.huma, changes(operation(http.MethodPost, "/v1/retention/{policy}/runs/{day}/stop", "stop-retention", "Privacy", ScopePrivacyWrite, "Stop a run",
		"What it has done stays done; the next run begins anew."), crm.AuditStop, "retention"), s.stopRetention)
}

// policies are those in force.
func (s *server) policies(ctx context.Context) (*retention.Rules, error) {
	set, err := s.inForce.get(ctx)
	if err != nil {
		return nil, err
	}
	return retention.New(set)
}

func (s *server) explainRetention(ctx context.Context, in *CandidateRef) (*body[RetentionAnswer], error) {
	rules, err := s.policies(ctx)
	if err != nil {
		return nil, problemOf(err)
	}
	c, err := s.Store.RetentionCase(ctx, in.ID, rules.Reads())
	if err != nil {
		return nil, problemOf(err)
	}
	if err := s.saw(ctx, crm.AuditRead, "retention", c.Facts.Candidate.ID); err != nil {
		return nil, err
	}
	v := rules.Judge(&c, s.Now())
	return &body[RetentionAnswer]{Body: RetentionAnswer{Verdict: v, Text: v.Explain()}}, nil
}

func (s *server) listRetention(ctx context.Context, in *struct {
	Policy string `query:"policy" maxLength:"200"`
	State  string `query:"state" enum:"wanted,looking,asked,acting,done,stopped"`
	Open   bool   `query:"open" doc:"Only those that have not ended."`
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"50"`
},
) (*body[Page[crm.RetentionRun]], error) {
	runs, err := s.Store.RetentionRuns(ctx, store.RetentionFilter{Policy: in.Policy, State: crm.RetentionState(in.State), Open: in.Open, Limit: in.Limit})
	return pageOf(runs, "", err)
}

func (s *server) planRetention(ctx context.Context, in *struct {
	Policy string    `query:"policy" maxLength:"200" doc:"Only what this policy would do."`
	Days   int       `query:"days" minimum:"1" maximum:"3650" default:"90"`
	List   bool      `query:"list" doc:"Name the candidates too."`
	At     time.Time `query:"at" doc:"Of a further part: the at of the first."`
	After  string    `query:"after" maxLength:"200"`
},
) (*body[RetentionPlan], error) {
	rules, err := s.policies(ctx)
	if err != nil {
		return nil, problemOf(err)
	}
	if p := rules.Policy(in.Policy); in.Policy != "" && p == nil {
		return nil, problemOf(noPolicy())
	}
	at := in.At
	if at.IsZero() {
		at = s.Now()
	}
	f := &forecaster{rules: rules, policy: in.Policy, store: s.Store, list: in.List, plan: RetentionPlan{Forecast: *retention.NewForecast(at, in.Days), Next: in.After}}
	if err := f.look(ctx, time.Now().Add(forecastTime)); err != nil {
		return nil, problemOf(err)
	}
	shown := make([]string, len(f.plan.Items))
	for i := range f.plan.Items {
		shown[i] = f.plan.Items[i].Candidate
	}
	if len(shown) > 0 {
		if err := s.saw(ctx, crm.AuditList, "retention", shown...); err != nil {
			return nil, err
		}
	}
	return &body[RetentionPlan]{Body: f.plan}, nil
}

// forecaster looks at candidates, a page at a time.
type forecaster struct {
	rules  *retention.Rules
	policy string
	store  *store.Store
	list   bool
	plan   RetentionPlan
}

// look goes on until everybody was looked at, which leaves no next, or the time is over.
func (f *forecaster) look(ctx context.Context, end time.Time) error {
	for {
		cases, err := f.store.RetentionCases(ctx, f.plan.Next, forecastPage, f.rules.Reads())
		if err != nil {
			return err
		}
		for i := range cases {
			c := &cases[i].Facts.Candidate
			v := f.rules.Judge(&cases[i], f.plan.At)
			if reached := f.plan.Add(v, f.policy); reached && f.list {
				f.plan.Items = append(f.plan.Items, PlannedRetention{Candidate: c.ID, ExternalID: c.ExternalID, Policy: v.Policy, NoticeAt: v.NoticeAt, DueAt: v.DueAt, Then: v.Then})
			}
			f.plan.Next = c.ID
		}
		if len(cases) < forecastPage {
			f.plan.Next = ""
			return nil
		}
		if time.Now().After(end) || len(f.plan.Items) >= forecastItems {
			return nil
		}
	}
}

func noPolicy() error {
	return &crm.Error{Code: crm.CodeNotFound, Message: "No retention policy of this name takes data.", Next: "`rapport retention plan` lists those in force."}
}

func (s *server) runRetention(ctx context.Context, in *struct {
	Policy string `path:"policy" maxLength:"200"`
},
) (*body[crm.RetentionRun], error) {
	rules, err := s.policies(ctx)
	if err != nil {
		return nil, problemOf(err)
	}
	if p := rules.Policy(in.Policy); p == nil || p.Then == "" {
		return nil, problemOf(noPolicy())
	}
	now := s.Now()
	run, err := s.Store.AskRetention(ctx, in.Policy, rules.Day(in.Policy, now)+now.UTC().Format(".150405"), caller(ctx))
	if err != nil {
		return nil, problemOf(err)
	}
	return &body[crm.RetentionRun]{Body: run}, nil
}

func (s *server) confirmRetention(ctx context.Context, in *RetentionRef) (*body[crm.RetentionRun], error) {
	return s.retentionRun(ctx, in, s.Store.ConfirmRetention(ctx, in.Policy, in.Day, caller(ctx)))
}

func (s *server) stopRetention(ctx context.Context, in *RetentionRef) (*body[crm.RetentionRun], error) {
	return s.retentionRun(ctx, in, s.Store.EndRetention(ctx, in.Policy, in.Day, "", caller(ctx)))
}

// retentionRun answers with a run as it is after something was done with it.
func (s *server) retentionRun(ctx context.Context, ref *RetentionRef, err error) (*body[crm.RetentionRun], error) {
	if err != nil {
		return nil, problemOf(err)
	}
	run, err := s.Store.RetentionRun(ctx, ref.Policy, ref.Day)
	if err != nil {
		return nil, problemOf(err)
	}
	return &body[crm.RetentionRun]{Body: run}, nil
}

// PlannedKeeping is what an added or changed retention policy would do, beside the others.
type PlannedKeeping struct {
	Noticed  int64 `json:"noticed" doc:"Would be told in the next 90 days."`
	Taken    int64 `json:"taken" doc:"Would be erased or anonymized in the next 90 days."`
	Now      int64 `json:"now" doc:"Of them, those whom its first run would take."`
	Scope    int64 `json:"scope" doc:"Those whom it would take one day."`
	Conflict int64 `json:"conflicts" doc:"Of them, those whom another policy keeps for longer: the minimum wins."`
	Tell     int64 `json:"tell" doc:"Those whom its first run would tell."`
	Asks     bool  `json:"asks" doc:"Its first run asks before it does anything: it would take more than its guard allows, or has none and would tell or take many."`
	Complete bool  `json:"complete" doc:"Everybody was counted. Otherwise time ran out, and the numbers are of those who were."`
}

// keeping counts whom the policies of the change would tell and take that are new or changed.
func (p *planner) keeping(ctx context.Context) error {
	planned := map[string]*PlannedKeeping{}
	forecasts := map[string]*retention.Forecast{}
	for i := range p.plan.Definitions {
		d := &p.plan.Definitions[i]
		if d.Kind != crm.KindRetention || d.Status != store.StatusAdded && d.Status != store.StatusChanged {
			continue
		}
		d.Keeping = &PlannedKeeping{}
		planned[d.Name], forecasts[d.Name] = d.Keeping, retention.NewForecast(p.now, retention.ForecastDays)
	}
	if len(planned) == 0 {
		return nil
	}
	rules, err := retention.New(p.change.set)
	if err != nil {
		return err
	}
	complete, err := p.foresee(ctx, rules, forecasts)
	if err != nil {
		return err
	}
	for name, f := range forecasts {
		k := planned[name]
		k.Noticed, k.Taken = f.Totals()
		k.Now, k.Tell, k.Scope, k.Conflict, k.Complete = f.Now, f.Tell, f.Scope, f.Conflicts, complete
		k.Asks = asks(rules.Policy(name), f)
	}
	return nil
}

func asks(policy *dsl.Retention, f *retention.Forecast) bool {
	run := crm.RetentionRun{MaxShare: policy.MaxShare, Scope: f.Scope, Due: f.Now, Notify: f.Tell, First: true}
	return run.Guarded()
}

// foresee has forecasts look at everybody, for as long as there is time.
func (p *planner) foresee(ctx context.Context, rules *retention.Rules, forecasts map[string]*retention.Forecast) (complete bool, err error) {
	for after := ""; !p.late(); {
		cases, err := p.Store.RetentionCases(ctx, after, forecastPage, rules.Reads())
		if err != nil {
			return false, err
		}
		for i := range cases {
			v := rules.Judge(&cases[i], p.now)
			for name, f := range forecasts {
				f.Add(v, name)
			}
			after = cases[i].Facts.Candidate.ID
		}
		if len(cases) < forecastPage {
			return true, nil
		}
	}
	return false, nil
}
