package api_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/store"
)

func TestUpsertCandidate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const path = "/v1/candidates/by-external-id/ats%2F1%20x" // an id with a slash and a space
	sarah := object{
		"first_name": "Sarah", "email": "sarah@example.org", "phone": "+447700900123", "functions": []string{"nursing"}, "attributes": object{"band": 5},
		"consents": []object{{"purpose": "talent-community", "channels": []string{"email", "sms"}, "wording": "Hear from us", "at": "2026-01-02T03:04:05Z"}, {"purpose": "job-alerts", "granted": false}},
	}
	var written api.WrittenCandidate
	w.call(http.MethodPut, path, sarah).want(200, &written)
	if !written.Created || !crm.HasPrefix(written.ID, crm.PrefixCandidate) {
		t.Errorf("got %+v", written)
	}
	id := written.ID
	w.call(http.MethodPut, path, sarah).want(200, &written)
	if written.Created || len(written.Changed) != 0 || written.ID != id {
		t.Errorf("the same again: %+v", written)
	}
	w.call(http.MethodPut, path, object{"email": "", "last_name": "Okafor"}).want(200, &written)
	if diff := cmp.Diff([]string{"email", "last_name"}, written.Changed); diff != "" {
		t.Errorf("changed (-want +got):\n%s", diff)
	}
	var got api.CandidateDetails
	w.call(http.MethodGet, "/v1/candidates/"+id, nil).want(200, &got)
	if got.FirstName != "Sarah" || got.LastName != "Okafor" || got.Email != "" || got.ExternalID != "ats/1 x" || got.Attributes["band"] != 5.0 {
		t.Errorf("got %+v", got.Candidate)
	}
	var consents []string
	for _, c := range got.Consents {
		consents = append(consents, c.Purpose+" "+string(c.Channel)+" "+map[bool]string{true: "granted", false: "revoked"}[c.Granted])
	}
	slices.Sort(consents)
	if diff := cmp.Diff([]string{"job-alerts email revoked", "talent-community email granted", "talent-community sms granted"}, consents); diff != "" {
		t.Errorf("consents (-want +got):\n%s", diff)
	}
	w.call(http.MethodPut, path, object{"external_id": "another"}).problem(422, api.CodeInvalid)
}

func TestCreateCandidate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.call(http.MethodPost, "/v1/candidates", object{"external_id": "A", "first_name": "Ann"}).want(201, nil)
	w.call(http.MethodPost, "/v1/candidates", object{"external_id": "A"}).problem(409, api.CodeConflict)
	w.call(http.MethodPost, "/v1/candidates", object{"first_name": "No id"}).want(201, nil)
	w.call(http.MethodGet, "/v1/candidates/cnd_none", nil).problem(404, api.CodeNotFound)
}

func TestCandidateIsValidated(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.call(http.MethodPost, "/v1/candidates", object{
		"email": "sarah(at)example", "phone": "07700 900123", "country": "UK1", "time_zone": "Europe/Londonn", "locale": "en_GB", "owner": "Maya",
		"tags": []string{"a\x00b"}, "consents": []object{{"purpose": "transactional"}, {"purpose": "x", "channels": []string{"email"}}},
	}).problem(422, api.CodeInvalid)
	var places []string
	for _, e := range p.Errors {
		places = append(places, e.Location)
	}
	slices.Sort(places)
	want := []string{"body.consents[0].purpose", "body.country", "body.email", "body.locale", "body.owner", "body.phone", "body.tags[0]", "body.time_zone"}
	if diff := cmp.Diff(want, places); diff != "" {
		t.Errorf("places (-want +got):\n%s", diff)
	}
	if p := w.call(http.MethodPost, "/v1/candidates", object{"emial": "x"}).problem(422, api.CodeInvalid); len(p.Errors) != 1 || !strings.Contains(p.Errors[0].Location, "emial") {
		t.Errorf("an unknown field: %+v", p)
	}
	for field, values := range map[string][]string{
		"email": {"a@b.example", "o'hara+x@b.example"}, "phone": {"+447700900123", "+4915550123"}, "country": {"GB", "NP"}, "locale": {"en", "pt-BR", "zh-Hant-TW"},
		"time_zone": {"Europe/London", "Australia/Lord_Howe", "UTC"},
	} {
		for _, value := range values {
			w.call(http.MethodPost, "/v1/candidates", object{field: value}).want(201, nil)
		}
	}
}

func TestPhoneIsKeptAsE164(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, c := range map[string]struct{ written, country, kept, refusal string }{
		"as dialled at home":     {"07700 900 123", "GB", "+447700900123", ""},
		"for reading":            {"+44 (0)7700 900-123", "", "+447700900123", ""},
		"abroad":                 {"0033 6 12 34 56 78", "GB", "+33612345678", ""},
		"of an unknown country":  {"07700 900123", "", "", "it has no country code"},
		"too short":              {"+44 770", "GB", "", "too few digits"},
		"with an extension":      {"+12025550123 x5", "US", "", "extension"},
		"of a country no one is": {"07700 900123", "ZZ", "", "it has no country code"},
	} {
		in := object{"phone": c.written}
		if c.country != "" {
			in["country"] = c.country
		}
		if c.refusal != "" {
			p := w.call(http.MethodPost, "/v1/candidates", in).problem(422, api.CodeInvalid)
			if i := slices.IndexFunc(p.Errors, func(l api.Located) bool { return l.Location == "body.phone" }); i < 0 || !strings.Contains(p.Errors[i].Message, c.refusal) {
				t.Errorf("%s: errors %+v, want %q", name, p.Errors, c.refusal)
			}
			continue
		}
		var written api.WrittenCandidate
		w.call(http.MethodPost, "/v1/candidates", in).want(201, &written)
		var got crm.Candidate
		w.call(http.MethodGet, "/v1/candidates/"+written.ID, nil).want(200, &got)
		if got.Phone != c.kept {
			t.Errorf("%s: kept %q, want %q", name, got.Phone, c.kept)
		}
	}
}

func TestCandidateBatch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	batch := object{"items": []any{
		object{"external_id": "1", "first_name": "Ann"},
		object{"external_id": "2", "email": "nonsense"},
		object{"first_name": "no id"},
		object{"external_id": "3", "score": 5},
		object{"external_id": "4", "tags": "x"},
		7,
	}}
	var got api.CandidateResults
	w.call(http.MethodPost, "/v1/candidates/batch", batch).want(200, &got)
	var statuses []string
	for _, r := range got.Results {
		place := ""
		if len(r.Errors) > 0 {
			place = " " + r.Errors[0].Location
		}
		statuses = append(statuses, r.Status+place)
	}
	want := []string{"created", "rejected email", "rejected external_id", "rejected score", "rejected tags", "rejected "}
	if diff := cmp.Diff(want, statuses); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	w.call(http.MethodPost, "/v1/candidates/batch", object{"items": []any{object{"external_id": "1", "first_name": "Ann"}}}).want(200, &got)
	if got.Results[0].Status != "unchanged" {
		t.Errorf("got %+v", got)
	}
	w.call(http.MethodPost, "/v1/candidates/batch", "[]").problem(422, api.CodeInvalid)
}

func TestMergeCandidate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.call(http.MethodPut, "/v1/definitions", files(workspaceYAML+"score: {decay: 30d, points: {message.replied: 20}}\n")).want(200, nil)
	var ana api.WrittenCandidate
	w.call(http.MethodPost, "/v1/candidates", object{"external_id": "ATS-1", "first_name": "Ana"}).want(201, &ana)
	w.call(http.MethodPost, "/v1/candidates", object{"external_id": "ATS-2", "last_name": "Diaz", "tags": []string{"alumni"}}).want(201, nil)
	if _, err := w.store.UpsertCandidates(t.Context(), []store.Write{
		{Candidate: crm.Candidate{ExternalID: "ATS-1", Score: 8}}, {Candidate: crm.Candidate{ExternalID: "ATS-2", Score: 40}},
	}, w.clock().Add(-30*24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	const path = "/v1/candidates/ATS-2/merge"
	w.callAs(w.key("candidates:read"), http.MethodPost, path, object{"into": "ATS-1"}).problem(403, api.CodeForbidden)
	w.call(http.MethodPost, path, object{"into": "ATS-2"}).problem(422, api.CodeInvalid)
	w.call(http.MethodPost, path, object{"into": "ATS-9"}).problem(404, api.CodeNotFound)
	w.call(http.MethodPost, path, object{}).problem(422, api.CodeInvalid)
	for _, want := range []bool{true, false} { // doing it again changes nothing
		var merged api.MergedCandidate
		w.call(http.MethodPost, path, object{"into": "ATS-1"}).want(200, &merged)
		if merged.ID != ana.ID || merged.Merged != want {
			t.Errorf("got %+v, want merged %v", merged, want)
		}
	}
	var got api.CandidateDetails
	w.call(http.MethodGet, "/v1/candidates/ATS-2", nil).want(200, &got)
	if got.ID != ana.ID || got.FirstName != "Ana" || got.LastName != "Diaz" || got.Score != 24 { // both are half of what they were
		t.Errorf("the old external id gives %+v", got.Candidate)
	}
	w.call(http.MethodPost, "/v1/candidates", object{"external_id": "ATS-2"}).problem(409, api.CodeConflict)
}

// The vocabulary has the event, but nobody can say that two candidates are one by it. As history it is taken.
func TestMergedIsNotAnEventToSend(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.call(http.MethodPost, "/v1/candidates", object{"external_id": "ATS-1"}).want(201, nil)
	event := object{"type": "candidate.merged", "candidate": "ATS-1", "data": object{"into": "ATS-2"}}
	var results api.EventResults
	w.call(http.MethodPost, "/v1/events", event).want(200, &results)
	if results.Rejected != 1 || !strings.Contains(results.Results[0].Problem.Detail, "POST /v1/candidates/{candidate}/merge") {
		t.Errorf("got %+v", results)
	}
	w.call(http.MethodPost, "/v1/events?record_only=true", event).want(200, &results)
	if results.Accepted != 1 {
		t.Errorf("as history: %+v", results)
	}
}

func TestListCandidates(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, id := range []string{"1", "2", "3", "4", "5"} {
		w.pass(1e6)
		w.call(http.MethodPost, "/v1/candidates", object{"external_id": id, "status": map[bool]string{true: "lead", false: "hired"}[id < "4"]}).want(201, nil)
	}
	var ids []string
	for after, pages := "", 0; pages == 0 || after != ""; pages++ {
		var page api.Page[crm.Candidate]
		w.call(http.MethodGet, "/v1/candidates?limit=2&after="+after, nil).want(200, &page)
		for _, c := range page.Items {
			ids = append(ids, c.ExternalID)
		}
		after = page.Next
	}
	if got := strings.Join(ids, " "); got != "5 4 3 2 1" {
		t.Errorf("got %s", got)
	}
	var page api.Page[crm.Candidate]
	w.call(http.MethodGet, "/v1/candidates?status=hired", nil).want(200, &page)
	if len(page.Items) != 2 || page.Next != "" {
		t.Errorf("got %+v", page)
	}
}

// The timeline withholds what a source has put into an event; who may read events gets all of it, page by page.
func TestCandidateEvents(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.candidate("A", "a@example.org", "")
	for i := range 5 {
		w.call(http.MethodPost, "/v1/events", object{
			"type": "custom.fair", "candidate": "A", "time": start().Add(time.Duration(i/2) * time.Minute), "data": object{"stand": i},
		}).want(200, nil)
	}
	w.call(http.MethodPost, "/v1/events", object{
		"type": "survey.answered", "candidate": "A", "time": start().Add(3 * time.Minute), "data": object{"survey": "s", "answers": object{"more": "my words"}},
	}).want(200, nil)
	const path = "/v1/candidates/A/events"
	reader := w.key(api.ScopeEventsRead)
	for _, size := range []string{"1", "2", "100"} {
		var stands []any
		var last crm.Event
		for after := ""; ; {
			var page api.Page[crm.Event]
			w.callAs(reader, http.MethodGet, path+"?limit="+size+"&after="+after, nil).want(200, &page)
			for _, e := range page.Items {
				if last = e; e.Type == "custom.fair" {
					stands = append(stands, e.Data["stand"])
				}
			}
			if after = page.Next; after == "" {
				break
			}
		}
		if diff := cmp.Diff([]any{0.0, 1.0, 2.0, 3.0, 4.0}, stands); diff != "" {
			t.Errorf("pages of %s (-want +got):\n%s", size, diff)
		}
		if answers, _ := last.Data["answers"].(map[string]any); answers["more"] != "my words" || last.CandidateID != id {
			t.Errorf("got %+v", last)
		}
	}
	if text := string(w.call(http.MethodGet, "/v1/candidates/A/timeline", nil).want(200, nil).body); strings.Contains(text, "stand") || strings.Contains(text, "my words") {
		t.Errorf("the timeline tells what it should not: %s", text)
	}
	w.callAs(w.key(api.ScopeCandidatesRead), http.MethodGet, path, nil).problem(403, api.CodeForbidden)
	w.call(http.MethodGet, "/v1/candidates/nobody/events", nil).problem(404, api.CodeNotFound)
	w.call(http.MethodGet, path+"?after=nonsense", nil).problem(422, api.CodeInvalid)
}

// A number that comes as it is dialled at home is read in the country that is known of the candidate, unless the source names one.
func TestPhonesOfCandidatesWhoseCountryIsKnown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for id, country := range map[string]string{"GB-1": "GB", "DE-1": "DE", "GB-2": "GB", "GB-3": "GB", "NONE": ""} {
		w.call(http.MethodPut, "/v1/candidates/by-external-id/"+id, object{"first_name": "Sarah", "country": country}).want(200, nil)
	}
	w.call(http.MethodPut, "/v1/candidates/by-external-id/GB-1", object{"phone": "07700 900123"}).want(200, nil)
	var answer api.CandidateResults
	w.call(http.MethodPost, "/v1/candidates/batch", object{"items": []object{
		{"external_id": "DE-1", "phone": "0151 23456789"},
		{"external_id": "GB-2", "phone": "0151 23456789", "country": "DE"},
		{"external_id": "GB-3", "phone": "07700 900123", "country": ""},
		{"external_id": "NONE", "phone": "07700 900123"},
		{"external_id": "NEW", "phone": "07700 900123"},
	}}).want(200, &answer)
	var became []string
	for _, r := range answer.Results {
		became = append(became, r.Status)
	}
	if want := []string{"changed", "changed", "rejected", "rejected", "rejected"}; !slices.Equal(became, want) {
		t.Errorf("the items became %v, want %v", became, want)
	}
	w.call(http.MethodPost, "/v1/candidates/batch?keep_numbers=true", object{"items": []object{
		{"external_id": "KEPT", "phone": "07700 900123"}, {"external_id": "WRONG", "phone": "07700 900123", "email": "none"},
	}}).want(200, &answer)
	if kept, wrong := answer.Results[0], answer.Results[1]; kept.Status != "created" || len(kept.Warnings) != 1 || kept.Warnings[0].Location != "phone" || wrong.Status != "rejected" || len(wrong.Errors) != 1 {
		t.Errorf("numbers are to be kept: %+v", answer.Results)
	}
	for id, want := range map[string]string{"KEPT": "07700 900123", "GB-1": "+447700900123", "DE-1": "+4915123456789", "GB-2": "+4915123456789", "GB-3": "", "NONE": ""} {
		var got crm.Candidate
		w.call(http.MethodGet, "/v1/candidates/"+id, nil).want(200, &got)
		if got.Phone != want {
			t.Errorf("%s: kept %q, want %q", id, got.Phone, want)
		}
	}
}
