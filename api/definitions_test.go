package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/crm"
)

const workspaceYAML = `workspace: north-trust
calendar: {days: mon-fri, hours: "09:00-17:30", zone: Europe/London}
purposes:
  talent-community: {basis: consent, wording: "Hear from us"}
from: {email: "Careers <careers@trust.example>", sms: "+447700900000", address: "1 Trust Way"}
`

const sequenceYAML = `sequence: nurses
purpose: talent-community
enroll:
  on: application.rejected
  when: event.data.reason == "silver_medallist"
steps:
  - id: thanks
    email: thanks
  - wait: 3d
---
message: thanks
channel: email
subject: "Thank you"
body: "Hello"
`

func files(texts ...string) object {
	list := []object{}
	for i, text := range texts {
		list = append(list, object{"path": string(rune('a'+i)) + ".yaml", "text": text})
	}
	return object{"files": list}
}

func TestDefinitions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var applied api.AppliedDefinitions
	w.call(http.MethodPut, "/v1/definitions", files(workspaceYAML, sequenceYAML)).want(200, &applied)
	if len(applied.Results) != 3 || applied.Results[0].Status != "added" || applied.Results[0].Version != 1 {
		t.Fatalf("got %+v", applied)
	}
	w.call(http.MethodPut, "/v1/definitions", files(sequenceYAML)).want(200, &applied)
	for _, r := range applied.Results {
		if r.Status != "unchanged" {
			t.Errorf("the same again: %+v", r)
		}
	}
	w.call(http.MethodPut, "/v1/definitions", files(strings.Replace(sequenceYAML, "3d", "5d", 1))).want(200, &applied)

	var page api.Page[api.Definition]
	w.call(http.MethodGet, "/v1/definitions", nil).want(200, &page)
	if len(page.Items) != 3 {
		t.Errorf("got %+v", page)
	}
	var d api.Definition
	w.call(http.MethodGet, "/v1/definitions/sequence/nurses", nil).want(200, &d)
	if d.Version != 2 || !d.Active || !strings.Contains(d.Source, "5d") {
		t.Errorf("got %+v", d)
	}
	w.call(http.MethodGet, "/v1/definitions/sequence/nurses?version=1", nil).want(200, &d)
	if d.Version != 1 || d.Active || !strings.Contains(d.Source, "3d") {
		t.Errorf("got %+v", d)
	}
	w.call(http.MethodGet, "/v1/definitions/sequence/nurses?version=9", nil).problem(404, api.CodeNotFound)
	w.call(http.MethodGet, "/v1/definitions/recipe/nurses", nil).problem(422, api.CodeInvalid)

	w.call(http.MethodPost, "/v1/definitions/sequence/nurses/pause", nil).want(204, nil)
	if w.call(http.MethodGet, "/v1/definitions/sequence/nurses", nil).want(200, &d); !d.Paused {
		t.Error("it is not paused")
	}
	w.call(http.MethodPost, "/v1/definitions/sequence/nurses/resume", nil).want(204, nil)
	if w.call(http.MethodGet, "/v1/definitions/sequence/nurses", nil).want(200, &d); d.Paused {
		t.Error("it is still paused")
	}
	if p := w.call(http.MethodPost, "/v1/definitions/sequence/nursse/pause", nil).problem(404, api.CodeNotFound); !strings.Contains(p.Detail, "Did you mean nurses?") {
		t.Errorf("got %s", p.Detail)
	}
}

func TestDefinitionsWithErrorsAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	wrong := strings.NewReplacer("email: thanks", "emial: thanks", "application.rejected", "application.rejectd").Replace(sequenceYAML)
	p := w.call(http.MethodPut, "/v1/definitions", files(workspaceYAML, wrong)).problem(422, api.CodeInvalid)
	if len(p.Problems) < 2 || p.Problems[0].File != "b.yaml" || p.Problems[0].Line == 0 || p.Problems[0].Code == "" {
		t.Errorf("got %+v", p.Problems)
	}
	var page api.Page[api.Definition]
	if w.call(http.MethodGet, "/v1/definitions", nil).want(200, &page); len(page.Items) != 0 {
		t.Errorf("the good ones were published: %+v", page)
	}
	w.call(http.MethodPut, "/v1/definitions", object{"files": []object{}}).problem(422, api.CodeInvalid)
}

func TestEnrollments(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.call(http.MethodPut, "/v1/definitions", files(workspaceYAML, sequenceYAML)).want(200, nil)
	sarah := w.candidate("S", "sarah@example.org", "")
	var requested api.Requested
	w.call(http.MethodPost, "/v1/enrollments", object{"candidate": "S", "sequence": "nurses"}).want(202, &requested)
	if !crm.HasPrefix(requested.Event, crm.PrefixEvent) {
		t.Errorf("got %+v", requested)
	}
	w.call(http.MethodPost, "/v1/enrollments", object{"candidate": "S", "sequence": "nurse"}).problem(404, api.CodeNotFound)
	w.call(http.MethodPost, "/v1/enrollments", object{"candidate": "X", "sequence": "nurses"}).problem(404, api.CodeNotFound)

	id := w.run(sarah)
	var page api.Page[api.EnrollmentDetails]
	w.call(http.MethodGet, "/v1/enrollments?candidate=S&status=starting", nil).want(200, &page)
	if len(page.Items) != 1 || page.Items[0].ID != id {
		t.Fatalf("got %+v", page)
	}
	var e api.EnrollmentDetails
	w.call(http.MethodGet, "/v1/enrollments/"+id, nil).want(200, &e)
	if want := "http://localhost:8422/namespaces/default/workflows/sequence%2F" + e.Definition; !strings.HasPrefix(e.WorkflowURL, want) {
		t.Errorf("link %s", e.WorkflowURL)
	}
	for _, verb := range []string{"pause", "resume", "stop"} {
		w.call(http.MethodPost, "/v1/enrollments/"+id+"/"+verb, nil).want(202, nil)
	}
	w.call(http.MethodPost, "/v1/enrollments/enr_none/pause", nil).problem(404, api.CodeNotFound)
	w.call(http.MethodGet, "/v1/enrollments?status=odd", nil).problem(422, api.CodeInvalid)
	w.call(http.MethodGet, "/v1/tasks?candidate=S&state=open", nil).want(200, nil)
	w.call(http.MethodPost, "/v1/tasks/tsk_none/complete", object{}).problem(404, api.CodeNotFound)
}
