package api_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
)

const poolYAML = `pool: northern
when: candidate.region == "North"
---
sequence: letters
purpose: talent-community
enroll: {in: northern}
steps:
  - id: letter
    email: {subject: "A letter", body: "Hello."}
`

// northerner adds a candidate who lives in the North.
func (w *world) northerner(n int) string {
	w.t.Helper()
	var written api.WrittenCandidate
	w.call(http.MethodPut, fmt.Sprint("/v1/candidates/by-external-id/N-", n), object{"region": "North"}).want(200, &written)
	return written.ID
}

// waits begins runs of the sequence nurses in the version in force, and lets them stand at a step.
func (w *world) waits(at string, candidates ...string) {
	w.t.Helper()
	d, err := w.store.Definition(w.t.Context(), "sequence", "nurses", "", 0)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, id := range candidates {
		run := crm.NewID(crm.PrefixEnrollment, w.clock())
		w.call(http.MethodPost, "/v1/events", object{"type": "custom.begin", "candidate": id}).want(200, nil)
		_, err := w.store.Dispatch(w.t.Context(), id, func(in *crm.Inbox) (*crm.Dispatched, error) {
			for i := range in.Events {
				in.Events[i].Position = in.Position + int64(i) + 1
			}
			return &crm.Dispatched{Events: in.Events, Enrollments: []crm.Enrollment{{
				ID: run, Definition: "nurses", Hash: d.Hash, Version: d.Version, CandidateID: id, N: 1, Status: crm.EnrollmentRunning, StartedAt: w.clock(),
				Progress: crm.Progress{
					At: at, Reached: w.clock(), Anchor: w.clock(), Steps: map[string]crm.StepState{"thanks": {At: w.clock(), Occurrence: 1}},
				},
			}}}, nil
		})
		if err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) plan(set object) api.DefinitionPlan {
	w.t.Helper()
	var plan api.DefinitionPlan
	w.call(http.MethodPost, "/v1/definitions/plan", set).want(200, &plan)
	return plan
}

// planned is the plan of one definition.
func planned(t *testing.T, plan api.DefinitionPlan, name string) api.PlannedDefinition {
	t.Helper()
	for _, d := range plan.Definitions {
		if d.Kind+" "+d.Name == name {
			return d
		}
	}
	t.Fatalf("no %s in %+v", name, plan.Definitions)
	return api.PlannedDefinition{}
}

func TestPlan(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.call(http.MethodPut, "/v1/definitions", files(workspaceYAML, sequenceYAML)).want(200, nil)
	for i, at := range []string{"", "after thanks", "after thanks", "after thanks", "thanks"} {
		id := w.candidate(fmt.Sprint("S-", i), fmt.Sprintf("s%d@example.org", i), "")
		if i < 3 {
			id = w.northerner(i)
		}
		if at != "" {
			w.waits(at, id)
		}
	}
	changed := strings.NewReplacer("wait: 3d", "wait: 5d", "id: thanks", "id: hello").Replace(sequenceYAML)
	plan := w.plan(files(changed, poolYAML))
	if !plan.Changes || plan.Fingerprint == "" {
		t.Errorf("got %+v", plan)
	}
	nurses := planned(t, plan, "sequence nurses")
	if nurses.Status != "changed" || nurses.Version != 1 || len(nurses.Changes) < 3 || nurses.Changes[0].Kind != dsl.ChangeRemoved {
		t.Errorf("got %+v", nurses)
	}
	const lost = "None of the steps that this run has done is left, so nobody can tell where it belongs."
	want := &api.PlannedRuns{Open: 4, Complete: true, Classes: []api.RunClass{
		{Version: 1, Count: 3, Landing: crm.Landing{Kind: crm.LandRefused, From: "after thanks", Reason: lost}},
		{Version: 1, Count: 1, Landing: crm.Landing{Kind: crm.LandRefused, From: "thanks", Reason: lost}},
	}}
	if diff := cmp.Diff(want, nurses.Runs); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
	if pool := planned(t, plan, "pool northern"); pool.Audience == nil || pool.Audience.Enter != 3 || !pool.Audience.Complete {
		t.Errorf("got %+v", pool.Audience)
	}
	letters := planned(t, plan, "sequence letters")
	if diff := cmp.Diff(&api.PlannedAudience{Enroll: 3, Members: 3, Complete: true}, letters.Audience, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("audience (-want +got):\n%s", diff)
	}
	if ws := planned(t, plan, "workspace north-trust"); ws.Status != "kept" {
		t.Errorf("got %+v", ws)
	}
	w.call(http.MethodPost, "/v1/definitions/plan", files("sequence: x\n")).problem(422, api.CodeInvalid)
	reader := w.key("definitions:read")
	w.callAs(reader, http.MethodPost, "/v1/definitions/plan", files(changed)).want(200, nil)
	w.callAs(reader, http.MethodPut, "/v1/definitions", files(changed)).problem(403, api.CodeForbidden)
	if again := w.plan(files(sequenceYAML)); again.Changes {
		t.Errorf("the same again: %+v", again)
	}
}

func TestPlannedText(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	priced := "workspace: north-trust\nfrom: {sms: \"+447700900000\", sms_price: 0.04 GBP}\n"
	note := "message: soon\nchannel: sms\nbody: " + strings.Repeat("a", 200) + "\n"
	plan := w.plan(files(priced, note, "message: hello\nchannel: email\nsubject: Hello\nbody: Hello\n"))
	if diff := cmp.Diff(&api.PlannedText{Segments: 2, Price: "0.08 GBP"}, planned(t, plan, "message soon").Texts); diff != "" {
		t.Errorf("text (-want +got):\n%s", diff)
	}
	if hello := planned(t, plan, "message hello"); hello.Texts != nil {
		t.Errorf("an email is %+v", hello.Texts)
	}
}

func TestConfirmedPlan(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.call(http.MethodPut, "/v1/definitions", files(workspaceYAML, sequenceYAML)).want(200, nil)
	north := func(from, to int) {
		for i := from; i < to; i++ {
			w.northerner(i)
		}
	}
	apply := func(set object, fingerprint string) answer {
		set["confirmed"] = fingerprint
		return w.call(http.MethodPut, "/v1/definitions", set)
	}
	set := files(poolYAML)
	nobody := w.plan(set)
	north(0, 1)
	if p := apply(set, nobody.Fingerprint).problem(409, api.CodeConflict); !strings.Contains(p.Detail, "0 were counted then and 1 now") {
		t.Errorf("got %s", p.Detail)
	}
	one := w.plan(set)
	north(1, 12)
	apply(set, one.Fingerprint).problem(409, api.CodeConflict)
	eleven := w.plan(set)
	north(12, 20)
	apply(files(strings.Replace(poolYAML, "Hello.", "Hi.", 1)), eleven.Fingerprint).problem(409, api.CodeConflict)
	apply(set, "nonsense").problem(409, api.CodeConflict)
	var page api.Page[api.Definition]
	if w.call(http.MethodGet, "/v1/definitions", nil).want(200, &page); len(page.Items) != 3 {
		t.Fatalf("something was published: %+v", page)
	}
	apply(set, eleven.Fingerprint).want(200, nil) // eight more are no drift
	if p := apply(set, eleven.Fingerprint).problem(409, api.CodeConflict); !strings.Contains(p.Detail, "definitions in force") {
		t.Errorf("got %s", p.Detail)
	}
}

func TestMigrate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.call(http.MethodPut, "/v1/definitions", files(workspaceYAML, sequenceYAML)).want(200, nil)
	var ids []string
	for i := range 4 {
		ids = append(ids, w.candidate(fmt.Sprint("S", i), fmt.Sprintf("s%d@example.org", i), ""))
	}
	w.waits("after thanks", ids[:3]...)
	w.waits("nowhere", ids[3])
	changed := strings.Replace(sequenceYAML, "wait: 3d", "wait: 1d", 1)
	w.call(http.MethodPut, "/v1/definitions", files(changed)).want(200, nil)
	versions := func() (all []int) {
		var page api.Page[api.EnrollmentDetails]
		w.call(http.MethodGet, "/v1/enrollments", nil).want(200, &page)
		for _, e := range page.Items {
			all = append(all, e.Version)
		}
		slices.Sort(all) // runs of the same millisecond are listed in any order
		return all
	}
	if got := versions(); !cmp.Equal(got, []int{1, 1, 1, 1}) {
		t.Fatalf("publishing moved runs: %v", got)
	}
	if left := planned(t, w.plan(files(changed)), "sequence nurses"); left.Status != "unchanged" || left.Runs == nil || left.Runs.Open != 4 {
		t.Errorf("what is left behind is not planned: %+v", left)
	}
	for round, moved := range []int{3, 0} {
		var out api.Migrated
		w.call(http.MethodPost, "/v1/definitions/sequence/nurses/migrate", nil).want(200, &out)
		want := []api.RunClass{{Version: 1, Count: 1, Landing: crm.Landing{Kind: crm.LandRefused, From: "nowhere", Reason: "nowhere is not a step of the version it runs on."}}}
		if moved > 0 {
			want = append([]api.RunClass{{Version: 1, Count: 3, Landing: crm.Landing{Kind: crm.LandStays, From: "after thanks", To: "after thanks"}}}, want...)
		}
		if diff := cmp.Diff(want, out.Classes); diff != "" || out.Next != "" {
			t.Errorf("round %d: next %q (-want +got):\n%s", round, out.Next, diff)
		}
	}
	if got := versions(); !cmp.Equal(got, []int{1, 2, 2, 2}) {
		t.Errorf("versions are %v", got)
	}
	w.call(http.MethodPost, "/v1/definitions/sequence/nobody/migrate", nil).problem(404, api.CodeNotFound)
}

func TestPrune(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.call(http.MethodPut, "/v1/definitions", files(workspaceYAML, sequenceYAML, poolYAML)).want(200, nil)
	sarah := w.candidate("S", "sarah@example.org", "")
	w.waits("after thanks", sarah)
	set := files(strings.Replace(poolYAML, "Hello.", "Hi.", 1))
	set["prune"] = true
	plan := w.plan(set)
	if d := planned(t, plan, "sequence nurses"); d.Status != "removed" || d.Runs == nil || d.Runs.Open != 1 {
		t.Errorf("got %+v", d)
	}
	if d := planned(t, plan, "message thanks"); d.Status != "kept" || d.Note == "" {
		t.Errorf("an open run uses it: %+v", d)
	}
	w.call(http.MethodPost, "/v1/definitions/sequence/nurses/stop", nil).problem(409, api.CodeConflict)
	set["confirmed"] = plan.Fingerprint
	var applied api.AppliedDefinitions
	w.call(http.MethodPut, "/v1/definitions", set).want(200, &applied)
	if last := applied.Results[len(applied.Results)-1]; last.Name != "nurses" || last.Status != "removed" {
		t.Errorf("got %+v", applied.Results)
	}
	w.call(http.MethodGet, "/v1/definitions/sequence/nurses", nil).problem(404, api.CodeNotFound)
	w.call(http.MethodGet, "/v1/definitions/sequence/nurses?version=1", nil).want(200, nil)
	w.call(http.MethodGet, "/v1/definitions/workspace/north-trust", nil).want(200, nil)
	delete(set, "confirmed")
	again := w.plan(set)
	if d := planned(t, again, "sequence nurses"); again.Changes || d.Status != "removed" || d.Runs == nil || d.Runs.Open != 1 {
		t.Errorf("its open run is forgotten: %+v", d)
	}
	var stopped api.Stopped
	w.call(http.MethodPost, "/v1/definitions/sequence/nurses/stop", nil).want(200, &stopped)
	if stopped.Stopped != 1 || stopped.Next != "" {
		t.Errorf("got %+v", stopped)
	}
	wrong := files(strings.Replace(sequenceYAML, "email: thanks", "email: none-such", 1))
	wrong["prune"] = true
	w.call(http.MethodPost, "/v1/definitions/plan", wrong).problem(422, api.CodeInvalid)
}

// What a rule about events would have done is told, and is no part of what is confirmed.
func TestPlannedPast(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.call(http.MethodPut, "/v1/definitions", files(workspaceYAML, sequenceYAML, "pool: friends\nmembers: by hand\n")).want(200, nil)
	var ids []string
	for i := range 3 {
		ids = append(ids, w.northerner(i))
	}
	_, err := w.store.Dispatch(t.Context(), ids[0], func(*crm.Inbox) (*crm.Dispatched, error) {
		return &crm.Dispatched{Pools: []crm.PoolChange{{Pool: "friends", Entered: true}}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	send := func(eventType, candidate string, daysAgo int, data object) {
		event := object{"type": eventType, "candidate": candidate, "time": start().AddDate(0, 0, -daysAgo), "data": data}
		if candidate == "" {
			delete(event, "candidate")
		}
		w.call(http.MethodPost, "/v1/events", event).want(200, nil)
	}
	send("custom.fair", ids[0], 1, object{"talked": true})
	send("custom.fair", ids[0], 2, object{"talked": true}) // again
	send("custom.fair", ids[1], 29, object{"talked": true})
	send("custom.fair", ids[2], 3, object{"talked": false})
	send("custom.fair", ids[2], 31, object{"talked": true}) // too long ago
	send("custom.fair", "not-known-yet", 1, object{"talked": true})
	send("page.viewed", ids[2], 1, nil)
	send("role.opened", "", 1, object{"role": "R1"})
	send("role.opened", "", 2, object{"role": "R2"})
	set := files(poolYAML, "sequence: fair\npurpose: talent-community\nenroll: {on: custom.fair, when: event.data.talked == true}\nsteps: [{id: a, wait: 1d}]\n",
		"sequence: alerts\npurpose: talent-community\nenroll: {in: northern, on: role.opened}\nreenroll: 1d\nsteps: [{id: a, wait: 1d}]\n",
		"sequence: heralds\npurpose: talent-community\nenroll: {in: friends, on: role.opened}\nsteps: [{id: a, wait: 1d}]\n",
		"sequence: quiet\npurpose: talent-community\nenroll: by hand\nsteps: [{id: a, wait: 1d}]\n")
	plan := w.plan(set)
	for name, want := range map[string]*api.PlannedPast{
		"sequence fair":    {Enroll: 2, Days: 30, Events: 4, Since: start().AddDate(0, 0, -30), Complete: true},
		"sequence heralds": {Enroll: 1, Days: 30, Events: 2, Since: start().AddDate(0, 0, -30), Complete: true},
		"sequence alerts":  {Enroll: 6, Days: 30, Events: 2, Since: start().AddDate(0, 0, -30), Complete: true},
		"sequence quiet":   nil,
		"sequence nurses":  nil, // it is as it was
	} {
		if diff := cmp.Diff(want, planned(t, plan, name).Past); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	for i := range 20 {
		send("custom.fair", ids[2], 1, object{"talked": true, "n": i})
	}
	set["confirmed"] = plan.Fingerprint
	w.call(http.MethodPut, "/v1/definitions", set).want(200, nil)
}

// However many events there are, a plan looks at a bounded number of them, and says so.
func TestPlannedPastIsBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.call(http.MethodPut, "/v1/definitions", files(workspaceYAML)).want(200, nil)
	w.northerner(1)
	w.northerner(2)
	begin := w.clock()
	for range 10 {
		w.pass(time.Minute)
		w.call(http.MethodPost, "/v1/events", []object{{"type": "custom.fair", "candidate": "N-1"}, {"type": "page.viewed", "candidate": "N-1"}, {"type": "role.opened"}}).want(200, nil)
	}
	set := api.DefinitionFiles{Files: []api.DefinitionFile{{Path: "a.yaml", Text: poolYAML + "---\nsequence: fair\npurpose: talent-community\nenroll: {on: custom.fair}\nreenroll: always\nsteps: [{id: a, wait: 1d}]\n" +
		"---\nsequence: alerts\npurpose: talent-community\nenroll: {in: northern, on: role.opened}\nreenroll: always\nsteps: [{id: a, wait: 1d}]\n"}}}
	month := w.clock().AddDate(0, 0, -30)
	for name, test := range map[string]struct {
		events, told, chunk int
		last                time.Duration
		fair, alerts        api.PlannedPast
	}{
		"all of it":         {100, 100, 7, time.Minute, api.PlannedPast{Enroll: 10, Events: 10, Since: month, Complete: true}, api.PlannedPast{Enroll: 20, Events: 10, Since: month, Complete: true}},
		"the newest events": {6, 100, 7, time.Minute, api.PlannedPast{Enroll: 3, Events: 3, Since: begin.Add(8 * time.Minute)}, api.PlannedPast{Enroll: 6, Events: 3, Since: begin.Add(8 * time.Minute)}},
		"few that are told": {100, 4, 100, time.Minute, api.PlannedPast{Enroll: 10, Events: 10, Since: month, Complete: true}, api.PlannedPast{Enroll: 8, Events: 10, Since: month}},
		"time is up":        {100, 100, 3, 0, api.PlannedPast{Enroll: 1, Events: 1, Since: begin.Add(10 * time.Minute)}, api.PlannedPast{Enroll: 2, Events: 1, Since: begin.Add(10 * time.Minute)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plan, err := api.PlanWithin(t.Context(), api.Config{Store: w.store, Now: w.clock}, &set, test.events, test.told, test.chunk, test.last)
			if err != nil {
				t.Fatal(err)
			}
			test.fair.Days, test.alerts.Days = 30, 30
			for of, want := range map[string]*api.PlannedPast{"sequence fair": &test.fair, "sequence alerts": &test.alerts} {
				if diff := cmp.Diff(want, planned(t, *plan, of).Past); diff != "" {
					t.Errorf("%s (-want +got):\n%s", of, diff)
				}
			}
		})
	}
}
