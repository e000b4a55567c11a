package api_test

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/crm"
)

const keepingLeads = `
retention: leads
basis: GDPR Art. 5(1)(e)
daily: {at: "03:00", zone: Europe/London}
applies_to: candidate.status == "lead"
keep: {for: 30d, after: candidate.created_at}
then: erase
guard: {max_share: 5%}
`

// A policy is planned before it is published; then it says of a candidate how long they are kept, and somebody has it run, go on and stop.
func TestRetention(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, id := range []string{"ATS-1", "ATS-2"} {
		w.call(http.MethodPost, "/v1/candidates", object{"external_id": id, "status": "lead"}).want(201, nil)
	}
	files := object{"files": []object{{"path": "leads.yaml", "text": keepingLeads}}}
	var planned api.DefinitionPlan
	w.call(http.MethodPost, "/v1/definitions/plan", files).want(200, &planned)
	if k := planned.Definitions[0].Keeping; k == nil || k.Taken != 2 || k.Scope != 2 || k.Now != 0 || !k.Complete || k.Asks {
		t.Errorf("planned is %+v", k)
	}
	w.call(http.MethodPut, "/v1/definitions", files).want(200, nil)

	reader, officer := w.key(api.ScopePrivacyRead), w.key(api.ScopePrivacyWrite)
	var answer api.RetentionAnswer
	w.callAs(reader, http.MethodGet, "/v1/candidates/ATS-1/retention", nil).want(200, &answer)
	if answer.Verdict.Policy != "leads" || answer.Verdict.State != "kept" || !strings.Contains(strings.Join(answer.Text, "\n"), "erased on") {
		t.Errorf("the answer is %+v", answer)
	}
	w.callAs(officer, http.MethodGet, "/v1/candidates/ATS-1/retention", nil).want(403, nil)
	w.callAs(reader, http.MethodGet, "/v1/candidates/ATS-9/retention", nil).problem(404, api.CodeNotFound)

	var plan api.RetentionPlan
	w.callAs(reader, http.MethodGet, "/v1/retention/plan?policy=leads&list=true", nil).want(200, &plan)
	if _, taken := plan.Totals(); taken != 2 || len(plan.Items) != 2 || plan.Items[0].Policy != "leads" || plan.Next != "" {
		t.Errorf("the plan is %+v", plan)
	}
	w.callAs(reader, http.MethodGet, "/v1/retention/plan?policy=none", nil).problem(404, api.CodeNotFound)

	var run, stopped crm.RetentionRun
	w.callAs(reader, http.MethodPost, "/v1/retention/leads/runs", nil).want(403, nil)
	w.callAs(officer, http.MethodPost, "/v1/retention/none/runs", nil).problem(404, api.CodeNotFound)
	w.callAs(officer, http.MethodPost, "/v1/retention/leads/runs", nil).want(200, &run)
	if run.State != crm.RetentionWanted || run.Workflow != "retention/leads/"+run.Day || !regexp.MustCompile(`^\d{4}-\d{2}-\d{2}\.\d{6}$`).MatchString(run.Day) {
		t.Errorf("the run is %+v", run)
	}
	w.callAs(officer, http.MethodPost, "/v1/retention/leads/runs/"+run.Day+"/confirm", nil).problem(409, api.CodeConflict)
	w.callAs(officer, http.MethodPost, "/v1/retention/leads/runs/"+run.Day+"/stop", nil).want(200, &stopped)
	if stopped.State != crm.RetentionStopped || stopped.DecidedBy == "" {
		t.Errorf("the run is %+v", stopped)
	}
	w.callAs(officer, http.MethodPost, "/v1/retention/leads/runs/"+run.Day+"/stop", nil).problem(409, api.CodeConflict)
	var runs api.Page[crm.RetentionRun]
	w.callAs(reader, http.MethodGet, "/v1/retention/runs?open=true", nil).want(200, &runs)
	if len(runs.Items) != 0 {
		t.Errorf("open are %+v", runs.Items)
	}
	w.callAs(reader, http.MethodGet, "/v1/retention/runs?policy=leads&state=stopped", nil).want(200, &runs)
	if len(runs.Items) != 1 {
		t.Errorf("stopped are %+v", runs.Items)
	}
}

// Each part of a plan that names people names few enough for one entry of the audit log.
func TestPlanNamesPeopleInParts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const people = 1001
	var items []object
	for n := range people {
		items = append(items, object{"external_id": strconv.Itoa(n), "status": "lead"})
	}
	for part := range slices.Chunk(items, api.MaxEvents) {
		w.call(http.MethodPost, "/v1/candidates/batch", object{"items": part}).want(200, nil)
	}
	w.call(http.MethodPut, "/v1/definitions", object{"files": []object{{"path": "leads.yaml", "text": keepingLeads}}}).want(200, nil)
	var parts []int
	query := url.Values{"list": {"true"}}
	for next := "."; next != ""; {
		var plan api.RetentionPlan
		w.call(http.MethodGet, "/v1/retention/plan?"+query.Encode(), nil).want(200, &plan)
		parts, next = append(parts, len(plan.Items)), plan.Next
		query.Set("at", plan.At.Format(time.RFC3339Nano))
		query.Set("after", next)
	}
	if !slices.Equal(parts, []int{1000, people - 1000}) {
		t.Errorf("the parts name %d", parts)
	}
}
