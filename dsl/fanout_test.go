package dsl_test

import (
	"slices"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
)

// checked returns a set with the workspace of the tests.
func checked(t *testing.T, text string) *dsl.Set {
	t.Helper()
	set, problems := dsl.Check([]dsl.File{{Path: "fanout.yaml", Text: []byte(workspaceYAML + "---\n" + text)}}, nil)
	if set == nil {
		t.Fatal(problems)
	}
	return set
}

const pooled = `pool: nurses
when: '"nursing" in candidate.functions'
---
pool: quiet
when: 'has(candidate.last_activity_at) && days_since(candidate.last_activity_at) > 30'
---
pool: guests
members: by hand
---
sequence: alert
purpose: news
enroll: [{in: nurses, on: role.opened, when: event.data.function == "nursing"}, {in: guests, on: [role.opened, role.closed]}]
steps: [{wait: 1d}]
---
sequence: welcome
purpose: news
enroll: {in: guests}
steps: [{wait: 1d}]
---
sequence: letter
purpose: news
enroll: {in: nurses, at: 2026-01-31T09:00, every: 1mo, pace: 10/1d, when: candidate.status == "lead"}
steps: [{wait: 1d}]
`

func TestTellings(t *testing.T) {
	t.Parallel()
	set := checked(t, pooled)
	for _, tt := range []struct {
		name  string
		found []dsl.Telling
		want  []string
	}{
		{"an event told to two pools", set.Told("role.opened"), []string{"alert nurses", "alert guests"}},
		{"an event told to one", set.Told("role.closed"), []string{"alert guests"}},
		{"an event told to nobody", set.Told("candidate.created"), nil},
		{"members now and later", set.Standing(), []string{"welcome guests"}},
		{"members at dates", set.Campaigns(), []string{"letter nurses"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, f := range tt.found {
				got = append(got, f.Program.Name+" "+f.Rule.In)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestMatches(t *testing.T) {
	t.Parallel()
	set := checked(t, pooled)
	nursing := &crm.Event{Type: "role.opened", Data: map[string]any{"function": "nursing"}}
	for _, tt := range []struct {
		name  string
		rule  dsl.Telling
		pools []string
		event *crm.Event
		want  bool
	}{
		{"in the pool, of the condition", set.Told("role.opened")[0], []string{"nurses"}, nursing, true},
		{"not in the pool", set.Told("role.opened")[0], []string{"guests"}, nursing, false},
		{"not of the condition", set.Told("role.opened")[0], []string{"nurses"}, &crm.Event{Type: "role.opened", Data: map[string]any{"function": "law"}}, false},
		{"no condition", set.Told("role.opened")[1], []string{"guests"}, nursing, true},
		{"a condition on the candidate", set.Campaigns()[0], []string{"nurses"}, nil, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := &crm.Facts{Candidate: crm.Candidate{ID: "cnd_1", Status: "lead"}, Pools: tt.pools}
			if got := set.Matches(tt.rule, f, tt.event, friday()); got != tt.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestMisplaced(t *testing.T) {
	t.Parallel()
	set := checked(t, pooled)
	for _, tt := range []struct {
		name      string
		functions []string
		pools     []string
		want      bool
	}{
		{"belongs there and is not in", []string{"nursing"}, nil, true},
		{"belongs there and is in", []string{"nursing"}, []string{"nurses"}, false},
		{"is in without belonging", nil, []string{"nurses"}, true},
		{"neither", nil, nil, false},
		{"in a pool kept by hand", nil, []string{"guests"}, false},
		{"in a pool that is gone", nil, []string{"gone"}, true},
		{"in a pool that is not asked for", []string{"nursing"}, []string{"nurses", "other"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := &crm.Facts{Candidate: crm.Candidate{ID: "cnd_1", Functions: tt.functions}, Pools: tt.pools}
			if got := set.Misplaced(f, []string{"nurses", "guests", "gone"}, friday()); got != tt.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

// A pool that this version cannot read is still there: nobody leaves it for that.
func TestMisplacedInPoolThatCannotBeRead(t *testing.T) {
	t.Parallel()
	set, err := dsl.Load([]dsl.Document{{Kind: "pool", Name: "odd", Source: "pool: odd\nwhen: from_the_future()\n"}})
	if err == nil {
		t.Fatal("the pool can be read")
	}
	f := &crm.Facts{Candidate: crm.Candidate{ID: "cnd_1"}, Pools: []string{"odd"}}
	if set.Misplaced(f, []string{"odd"}, friday()) {
		t.Error("the candidate would have to leave")
	}
	in := &crm.Inbox{Candidate: f.Candidate, Pools: f.Pools, Events: []crm.Event{{ID: "evt_1", Source: crm.SourceControl, Type: crm.ControlPools}}}
	if out := dsl.Dispatch(set, in, friday()); len(out.Pools) != 0 {
		t.Errorf("the candidate leaves: %v", out.Pools)
	}
	in.Pools = []string{"gone"}
	if out := dsl.Dispatch(set, in, friday()); len(out.Pools) != 1 || out.Pools[0].Entered || len(out.New) != 1 || out.New[0].Type != "pool.left" {
		t.Errorf("nobody leaves a pool that is gone: %+v", out)
	}
}

func TestAging(t *testing.T) {
	t.Parallel()
	if got := checked(t, pooled).Aging(); !slices.Equal(got, []string{"quiet"}) {
		t.Errorf("got %v", got)
	}
	const rest = "---\npool: hot\nwhen: candidate.score > 10\n---\npool: agreed\nwhen: consented(\"sourced\")\n"
	ws := "workspace: w\npurposes: {sourced: {basis: legitimate_interest, expires: 30d}}\nscore: {decay: 30d, points: {message.replied: 20}}\n"
	set, problems := dsl.Check([]dsl.File{{Path: "w.yaml", Text: []byte(ws + rest)}}, nil)
	if set == nil {
		t.Fatal(problems)
	}
	if got := set.Aging(); !slices.Equal(got, []string{"agreed", "hot"}) {
		t.Errorf("got %v", got)
	}
}

func TestCampaignDates(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, rule, since, now string
		want                   string // "" for none
	}{
		{"before the first date", "at: 2026-01-31T09:00, every: 1mo", "", "2026-01-31T08:59:59Z", ""},
		{"at the first date", "at: 2026-01-31T09:00, every: 1mo", "", "2026-01-31T09:00:00Z", "2026-01-31T09:00:00Z"},
		{"a short month", "at: 2026-01-31T09:00, every: 1mo", "", "2026-03-01T00:00:00Z", "2026-02-28T09:00:00Z"},
		{"the day comes back after a short month", "at: 2026-01-31T09:00, every: 1mo", "", "2026-04-02T00:00:00Z", "2026-03-31T08:00:00Z"},
		{"years later", "at: 2026-01-31T09:00, every: 1mo", "", "2036-02-01T00:00:00Z", "2036-01-31T09:00:00Z"},
		{"only the last that was missed", "at: 2026-01-05T09:00, every: 1w", "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", "2026-01-26T09:00:00Z"},
		{"none since the publication", "at: 2026-01-05T09:00, every: 1mo", "2026-01-10T00:00:00Z", "2026-02-01T00:00:00Z", ""},
		{"the very moment of the publication", "at: 2026-01-05T09:00", "2026-01-05T09:00:00Z", "2026-02-01T00:00:00Z", "2026-01-05T09:00:00Z"},
		{"once", "at: 2026-01-05T09:00", "", "2030-02-01T00:00:00Z", "2026-01-05T09:00:00Z"},
		{"once, before the publication", "at: 2026-01-05T09:00", "2026-02-01T00:00:00Z", "2030-02-01T00:00:00Z", ""},
		{"with an offset", "at: 2026-01-05T09:00+05:00, every: 1d", "", "2026-01-06T04:30:00Z", "2026-01-06T04:00:00Z"},
		{"the wall clock in summer", "at: 2026-03-27T09:00, every: 1d", "", "2026-03-30T23:00:00Z", "2026-03-30T08:00:00Z"},
		{"business days", "at: 2026-10-02T09:00, every: 1bd", "", "2026-10-05T12:00:00Z", "2026-10-05T08:00:00Z"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			set := checked(t, "pool: p\nmembers: by hand\n---\nsequence: s\npurpose: news\nenroll: {in: p, "+tt.rule+"}\nsteps: [{wait: 1d}]\n")
			rule := set.Campaigns()[0].Rule
			got, ok := rule.Due(set.Workspace, parseTime(t, tt.since), parseTime(t, tt.now))
			if text := got.UTC().Format(time.RFC3339); ok != (tt.want != "") || ok && text != tt.want {
				t.Fatalf("got %s %v, want %q", text, ok, tt.want)
			}
			if ok && (!rule.Falls(set.Workspace, got) || rule.Falls(set.Workspace, got.Add(time.Second))) {
				t.Error("the date is not told from others")
			}
		})
	}
}

func TestDaily(t *testing.T) {
	t.Parallel()
	ws := checked(t, pooled).Workspace
	for _, tt := range []struct{ name, now, want string }{
		{"after three", "2026-07-10T02:00:01Z", "2026-07-10T02:00:00Z"},
		{"at three", "2026-07-10T02:00:00Z", "2026-07-10T02:00:00Z"},
		{"before three", "2026-07-10T01:59:59Z", "2026-07-09T02:00:00Z"},
		{"in winter", "2026-12-10T12:00:00Z", "2026-12-10T03:00:00Z"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := ws.Daily(parseTime(t, tt.now)); !got.Equal(parseTime(t, tt.want)) {
				t.Errorf("got %s", got)
			}
		})
	}
}

// A campaign's member is enrolled by the rule that the date is one of, not by another one of the same pool.
func TestCampaignRuleOfDate(t *testing.T) {
	t.Parallel()
	set := checked(t, `pool: p
members: by hand
---
sequence: s
purpose: news
reenroll: always
enroll:
  - {in: p, at: 2026-01-05T09:00, when: candidate.status == "hired"}
  - {in: p, at: 2026-02-05T09:00, when: candidate.status == "lead"}
steps: [{wait: 1d}]
`)
	for _, tt := range []struct {
		name, date string
		want       int
	}{
		{"the rule that holds", "2026-02-05T09:00:00Z", 1}, {"the rule that does not", "2026-01-05T09:00:00Z", 0}, {"no rule's date", "2026-03-05T09:00:00Z", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			out := dsl.Dispatch(set, &crm.Inbox{
				Candidate: crm.Candidate{ID: "cnd_1", Status: "lead"}, Pools: []string{"p"},
				Events: []crm.Event{{ID: "evt_1", Source: crm.SourceControl, Type: crm.ControlMember, Data: map[string]any{"definition": "s", "pool": "p", "date": tt.date}}},
			}, friday())
			if len(out.Enrollments) != tt.want {
				t.Errorf("%d enrollments", len(out.Enrollments))
			}
		})
	}
}

func parseTime(t *testing.T, text string) time.Time {
	t.Helper()
	if text == "" {
		return time.Time{}
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}
