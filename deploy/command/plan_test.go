package command_test

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/deploy/command"
	"github.com/rapport-crm/rapport/dsl"
)

//nolint:gochecknoglobals // how the testing package takes flags
var update = flag.Bool("update", false, "write the golden files")

// samplePlan has one of everything that a plan tells of.
func samplePlan() *api.DefinitionPlan {
	return &api.DefinitionPlan{
		Fingerprint: "f.1", Changes: true,
		Definitions: []api.PlannedDefinition{
			{Kind: "workspace", Name: "north", Status: "changed", Version: 3, Changes: []dsl.Change{{Kind: dsl.ChangeOther, What: "limit", Before: "3/7d", After: "2/7d"}}},
			{
				Kind: "sequence", Name: "nurses", Status: "changed", Version: 1,
				Changes: []dsl.Change{
					{Kind: dsl.ChangeRemoved, Step: "nudge", Before: "sms nudge"},
					{Kind: dsl.ChangeAdded, Step: "letter", After: "email nursing-story", Place: "after thanks"},
					{Kind: dsl.ChangeRetimed, Step: "heard", What: "wait_for.timeout", Before: "14d", After: "10d"},
					{Kind: dsl.ChangeReworded, Step: "call", What: "task.title", Words: "Call … [-soon-] {+today+}"},
				},
				Audience: &api.PlannedAudience{Events: []string{"application.rejected"}, Complete: true},
				Past:     &api.PlannedPast{Enroll: 37, Days: 30, Events: 60, Complete: true},
				Runs: &api.PlannedRuns{Open: 131, Complete: true, Classes: []api.RunClass{
					{Version: 1, Count: 120, Landing: crm.Landing{Kind: crm.LandStays, From: "heard", To: "heard"}},
					{Version: 1, Count: 8, Landing: crm.Landing{Kind: crm.LandMoves, From: "nudge", To: "letter"}},
					{Version: 1, Count: 2, Landing: crm.Landing{Kind: crm.LandEnds, From: "after nudge"}},
					{Version: 1, Count: 1, Landing: crm.Landing{Kind: crm.LandRefused, From: "call", Reason: "call was of the kind task and is of the kind send now."}},
				}},
			},
			{Kind: "sequence", Name: "letters", Status: "added", Audience: &api.PlannedAudience{Enroll: 180, Members: 240, Complete: true}},
			{
				Kind: "sequence", Name: "visitors", Status: "added", Audience: &api.PlannedAudience{Events: []string{"page.viewed"}, Complete: true},
				Past: &api.PlannedPast{Enroll: 1, Days: 30, Events: 50_000, Since: time.Date(2026, 11, 3, 4, 5, 0, 0, time.UTC)},
			},
			{Kind: "pool", Name: "northern", Status: "added", Audience: &api.PlannedAudience{Enter: 240, Leave: 1}},
			{Kind: "message", Name: "thanks", Locale: "cy", Status: "added"},
			{Kind: "message", Name: "soon", Status: "added", Texts: &api.PlannedText{Segments: 2, Unicode: true, Price: "0.08 GBP"}},
			{Kind: "message", Name: "later", Status: "added", Texts: &api.PlannedText{Segments: 1}},
			{Kind: "message", Name: "same", Status: "unchanged", Version: 2},
			{Kind: "sequence", Name: "old", Status: "removed", Version: 4, Runs: &api.PlannedRuns{Open: 1, Complete: true}},
			{Kind: "message", Name: "old-hello", Status: "kept", Note: "open runs may still use it", Version: 1},
			{Kind: "message", Name: "elsewhere", Status: "kept", Version: 1},
		},
		Problems: []crm.Problem{{File: "a.yaml", Line: 3, Column: 5, Code: "R0510", Severity: crm.SeverityWarning, Message: "A warning."}},
	}
}

func TestPlanText(t *testing.T) {
	t.Parallel()
	for name, plan := range map[string]*api.DefinitionPlan{
		"plan.txt":    samplePlan(),
		"nothing.txt": {Definitions: []api.PlannedDefinition{{Kind: "pool", Name: "p", Status: "unchanged"}}},
	} {
		got, golden := command.PlanText(plan), filepath.Join("testdata/plan", name)
		if *update {
			if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// planServer answers as an API with a plan would.
func planServer(t *testing.T, plan string) (args []string, published *int) {
	t.Helper()
	published = new(int)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case r.URL.Path == "/v1/definitions/plan":
			fmt.Fprint(w, plan)
		case r.Method == http.MethodPut:
			*published++
			fmt.Fprint(w, `{"results": [{"kind": "pool", "name": "p", "version": 1, "status": "added"}], "problems": []}`)
		case strings.HasSuffix(r.URL.Path, "/migrate") && r.URL.Query().Get("after") == "":
			fmt.Fprint(w, `{"classes": [{"kind": "stays", "from": "a", "to": "a", "version": 1, "count": 2}], "next": "cnd_2"}`)
		case strings.HasSuffix(r.URL.Path, "/migrate"):
			fmt.Fprint(w, `{"classes": [{"kind": "refused", "from": "b", "reason": "It is odd.", "version": 1, "count": 1}]}`)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	t.Cleanup(server.Close)
	file := filepath.Join(t.TempDir(), "p.yaml")
	if err := os.WriteFile(file, []byte("pool: p\nmembers: by hand\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return []string{"--url", server.URL, "--api-key", "rk", file}, published
}

const (
	somePlan = `{"fingerprint": "f.1", "changes": true, "problems": [], "definitions": [{"kind": "sequence", "name": "p", "status": "changed", "version": 1,
		"runs": {"open": 3, "complete": true, "classes": []}}]}`
	samePlan = `{"fingerprint": "f.", "changes": false, "problems": [], "definitions": [{"kind": "pool", "name": "p", "status": "unchanged"}]}`
)

func TestPlanAndApply(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		plan      string
		args      []string
		code      int
		want      string
		published int
	}{
		"a plan":                    {somePlan, []string{"plan"}, 0, "1 to change", 0},
		"a plan, for a script":      {somePlan, []string{"plan", "--exit-code"}, 1, "1 to change", 0},
		"nothing, for a script":     {samePlan, []string{"plan", "--exit-code"}, 0, "Nothing to change", 0},
		"a plan as JSON":            {somePlan, []string{"plan", "--format", "json"}, 0, `"fingerprint": "f.1"`, 0},
		"another format":            {somePlan, []string{"plan", "--format", "xml"}, 2, "use text or json", 0},
		"nobody to ask":             {somePlan, []string{"apply"}, 2, "add --yes", 0},
		"yes":                       {somePlan, []string{"apply", "--yes"}, 0, "added      pool p, version 1", 1},
		"yes, nothing":              {samePlan, []string{"apply", "--yes"}, 0, "Nothing to change", 0},
		"nothing needs no yes":      {samePlan, []string{"apply"}, 0, "Nothing to change", 0},
		"and migrate":               {somePlan, []string{"apply", "--yes", "--migrate"}, 0, "migrated   p: 2 enrollments\n      1  version 1, at b: cannot be moved and stay on their version: It is odd.", 1},
		"stop what was not removed": {somePlan, []string{"apply", "--yes", "--stop-runs"}, 2, "add --prune", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, published := planServer(t, c.plan)
			out, errOut, code := rapport(t, append(c.args, server...)...)
			if code != c.code || !strings.Contains(out+errOut, c.want) || *published != c.published {
				t.Errorf("exit %d, published %d times:\n%s%s", code, *published, out, errOut)
			}
		})
	}
}

func TestApplyAsks(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]bool{"yes\n": true, "yes": true, "y\n": false, "no\n": false, "": false} {
		var out strings.Builder
		err := command.Agreed(strings.NewReader(answer), &out)
		if (err == nil) != want || strings.Contains(out.String(), "Nothing was published") == want {
			t.Errorf("%q: %v, %s", answer, err, out.String())
		}
	}
}

func TestPlanNoServer(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "p.yaml")
	if err := os.WriteFile(file, []byte("pool: p\nmembers: by hand\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var out, errOut strings.Builder
	if code := command.Main(ctx, []string{"plan", "--data", t.TempDir(), file}, &out, &errOut); code != 2 || !strings.Contains(errOut.String(), "rapport up") {
		t.Errorf("exit %d: %s", code, errOut.String())
	}
}
