package api_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/dsl/record"
)

const workspaceWithFields = `
workspace: north-trust
purposes:
  talent-community: {basis: consent, wording: W}
from: {email: "North Trust Careers <careers@trust.example>", sms: "+447700900000", address: "1 Trust Way, Manchester"}
controller: {name: North Trust, country: GB}
fields:
  licence: {category: professional, purpose: talent-community}
`

// The record is of the definitions in force, and says which attributes came in that nobody has declared. No candidate is in it.
func TestRecordOfProcessing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.call(http.MethodPut, "/v1/definitions", object{"files": []object{{"path": "workspace.yaml", "text": workspaceWithFields}, {"path": "leads.yaml", "text": keepingLeads}}}).want(200, nil)
	for id, attributes := range map[string]object{
		"ATS-1": {"licence": "yes", "shoe_size": "a-secret"}, "ATS-2": {"shoe_size": 44}, "ATS-3": {},
	} {
		w.call(http.MethodPost, "/v1/candidates", object{"external_id": id, "attributes": attributes}).want(201, nil)
	}
	var r record.Record
	answer := w.callAs(w.key(api.ScopePrivacyRead), http.MethodGet, "/v1/record-of-processing", nil)
	answer.want(200, &r)
	if len(r.Undeclared) != 1 || r.Undeclared[0].Name != "shoe_size" || *r.Undeclared[0].Candidates != 2 {
		t.Errorf("undeclared are %+v", r.Undeclared)
	}
	if !r.Settings || r.Controller.Name != "North Trust" || len(r.Limits) != 1 || len(r.Fields) != 1 || len(r.Hash) != 64 || r.MadeOn == "" {
		t.Errorf("the record is %+v", r)
	}
	if !slices.ContainsFunc(r.Activities, func(a record.Activity) bool { return a.Kind == "retention" && a.Name == "leads" }) {
		t.Errorf("activities are %+v", r.Activities)
	}
	if page := r.Markdown(); strings.Contains(page, "a-secret") || strings.Contains(page, "ATS-") {
		t.Error("the record names a candidate")
	}
	w.callAs(w.key(api.ScopeDefinitionsRead), http.MethodGet, "/v1/record-of-processing", nil).want(403, nil)
}
