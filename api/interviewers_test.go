package api_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/store"
)

func TestInterviewers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var written api.WrittenInterviewer
	w.call(http.MethodPut, "/v1/interviewers/Maya@trust.example", object{
		"name": "Maya Shah", "zone": "Europe/London", "hours": "mon-fri 9:00-12:00, 13:00-17:30; friday 09:00-12:00",
		"groups": []string{"recruiters"}, "skills": []string{"Go"}, "daily_limit": 2, "weekly_limit": 6, "min_gap": "90m", "trainee": true,
	}).want(200, &written)
	if !written.Created {
		t.Errorf("%+v", written)
	}
	var maya api.Interviewer
	text := string(w.call(http.MethodGet, "/v1/interviewers/MAYA@trust.example", nil).want(200, &maya).body)
	want := `"email":"maya@trust.example","name":"Maya Shah","zone":"Europe/London","hours":"mon-thu 09:00-12:00,13:00-17:30; fri 09:00-12:00","skills":["Go"],"groups":["recruiters"],` +
		`"daily_limit":2,"weekly_limit":6,"min_gap":"90m","weight":1,"trainee":true,"active":true,"time_off":[],"calendars":[]}`
	if !strings.HasSuffix(strings.TrimSpace(text), want) || maya.ID != written.ID {
		t.Errorf("got %s\nwant %s", text, want)
	}
	w.call(http.MethodPut, "/v1/interviewers/"+maya.ID, object{"email": "maya.lee@trust.example", "trainee": false, "hours": "", "active": false}).want(200, &written)
	if got := fmt.Sprint(written.Changed); written.Created || got != "[email hours trainee active]" {
		t.Errorf("changed %s", got)
	}
	w.call(http.MethodPut, "/v1/interviewers/maya.lee@trust.example", object{"email": "Maya.Lee@trust.example", "active": false}).want(200, &written)
	if written.Created || len(written.Changed) != 0 {
		t.Errorf("the same again: %+v", written)
	}
	w.pass(time.Second)
	w.call(http.MethodPost, "/v1/interviewers", object{"email": "tom@trust.example", "groups": []string{"recruiters", "backend-leads"}}).want(201, nil)
	w.call(http.MethodPost, "/v1/interviewers", object{"email": "Tom@trust.example"}).problem(409, api.CodeConflict)
	w.call(http.MethodPut, "/v1/interviewers/"+maya.ID, object{"email": "tom@trust.example"}).problem(409, api.CodeConflict)
	w.call(http.MethodPut, "/v1/interviewers/int_nobody", object{"name": "x"}).problem(404, api.CodeNotFound)
	w.call(http.MethodPut, "/v1/interviewers/tom@trust.example", object{"email": "tim@trust.example"}).problem(422, api.CodeInvalid)

	var page api.Page[api.Interviewer]
	w.call(http.MethodGet, "/v1/interviewers?group=recruiters&limit=1", nil).want(200, &page)
	if len(page.Items) != 1 || page.Items[0].Email != "tom@trust.example" || page.Next == "" {
		t.Errorf("%+v", page)
	}
	after := page.Next
	page = api.Page[api.Interviewer]{}
	w.call(http.MethodGet, "/v1/interviewers?group=recruiters&limit=1&after="+after, nil).want(200, &page)
	if len(page.Items) != 1 || page.Items[0].ID != maya.ID {
		t.Errorf("%+v", page)
	}
	w.call(http.MethodGet, "/v1/interviewers?q=shah&active=true", nil).want(200, &page)
	if len(page.Items) != 0 {
		t.Errorf("%+v", page)
	}
	reader := w.key("interviewers:read")
	w.callAs(reader, http.MethodDelete, "/v1/interviewers/tom@trust.example", nil).problem(403, api.CodeForbidden)
	w.call(http.MethodDelete, "/v1/interviewers/tom@trust.example", nil).want(204, nil)
	w.callAs(reader, http.MethodGet, "/v1/interviewers/tom@trust.example", nil).problem(404, api.CodeNotFound)

	var changes api.Page[api.InterviewerChange]
	w.call(http.MethodGet, "/v1/interviewers/maya.lee@trust.example/changes?limit=1", nil).want(200, &changes)
	if len(changes.Items) != 1 || changes.Items[0].By != "test" || changes.Items[0].What != "changed" || changes.Next == "" {
		t.Errorf("%+v", changes)
	}
	before := changes.Next
	changes = api.Page[api.InterviewerChange]{}
	w.call(http.MethodGet, "/v1/interviewers/"+maya.ID+"/changes?after="+before, nil).want(200, &changes)
	if len(changes.Items) != 1 || changes.Items[0].What != "created" || changes.Next != "" {
		t.Errorf("%+v", changes)
	}
	w.call(http.MethodGet, "/v1/interviewers/"+maya.ID+"/changes?after=x", nil).problem(422, api.CodeInvalid)
}

func TestWrongInterviewers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.call(http.MethodPost, "/v1/interviewers", object{
		"email": "nobody", "zone": "Mars/Base", "hours": "mon-fry 09:00-17:00", "groups": []string{"ok", "Back End"}, "daily_limit": -1,
		"weekly_limit": 1000, "min_gap": "2bd", "weight": 101, "name": strings.Repeat("x", 2000),
	}).problem(422, api.CodeInvalid)
	var places []string
	for _, e := range p.Errors {
		places = append(places, e.Location)
	}
	want := "body.email body.name body.zone body.hours body.groups[1] body.daily_limit body.weekly_limit body.weight body.min_gap"
	if got := strings.Join(places, " "); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	w.call(http.MethodPost, "/v1/interviewers", object{"name": "x"}).problem(422, api.CodeInvalid)
	w.call(http.MethodPut, "/v1/interviewers/int_x", object{"email": ""}).problem(422, api.CodeInvalid)

	var results api.InterviewerResults
	batch := object{"items": []any{
		object{"email": "ann@trust.example"},
		object{"name": "x"},
		object{"email": "bo@trust.example", "daily_limit": "two"},
		7,
		object{"email": "cy@trust.example", "hour": "x", "hours": "x"},
		object{"email": "ANN@trust.example", "name": "Ann"},
	}}
	for _, round := range []struct{ path, want string }{
		{"?dry_run=true", "created[] rejected[email] rejected[daily_limit] rejected[] rejected[hours hour] changed[]"},
		{"", "created[] rejected[email] rejected[daily_limit] rejected[] rejected[hours hour] changed[]"},
		{"", "unchanged[] rejected[email] rejected[daily_limit] rejected[] rejected[hours hour] unchanged[]"},
	} {
		w.call(http.MethodPost, "/v1/interviewers/batch"+round.path, batch).want(200, &results)
		var got []string
		for _, r := range results.Results {
			var places []string
			for _, e := range r.Errors {
				places = append(places, e.Location)
			}
			got = append(got, r.Status+fmt.Sprint(places))
		}
		if text := strings.Join(got, " "); text != round.want {
			t.Errorf("%q: got %s\nwant %s", round.path, text, round.want)
		}
	}
}

func TestTimeOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.call(http.MethodPost, "/v1/interviewers", object{"email": "ann@trust.example", "zone": "America/New_York"}).want(201, nil)
	w.call(http.MethodPost, "/v1/interviewers", object{"email": "bo@trust.example"}).want(201, nil)
	w.call(http.MethodPut, "/v1/definitions", api.DefinitionFiles{Files: []api.DefinitionFile{{Path: "w.yaml", Text: "workspace: trust\ncalendar: {zone: Europe/Paris}\n"}}}).want(200, nil)
	for name, want := range map[string]string{
		// Clocks in New York go back on 1 November 2026.
		"ann@trust.example": "[{2026-10-31 04:00:00 +0000 UTC 2026-11-03 05:00:00 +0000 UTC} {2026-12-01 13:00:00 +0000 UTC 2026-12-01 15:00:00 +0000 UTC}]",
		"bo@trust.example":  "[{2026-10-30 23:00:00 +0000 UTC 2026-11-02 23:00:00 +0000 UTC} {2026-12-01 13:00:00 +0000 UTC 2026-12-01 15:00:00 +0000 UTC}]",
	} {
		var set api.TimeOffSet
		w.call(http.MethodPut, "/v1/interviewers/"+name+"/time-off", object{"items": []object{
			{"start": "2026-12-01T14:00:00+01:00", "end": "2026-12-01T15:00:00Z"}, {"start": "2026-10-31", "end": "2026-11-01"}, {"start": "2026-11-02", "end": "2026-11-02"},
		}}).want(200, &set)
		if got := fmt.Sprint(set.Items); got != want {
			t.Errorf("%s: got %s\nwant %s", name, got, want)
		}
		var shown api.Interviewer
		w.call(http.MethodGet, "/v1/interviewers/"+name, nil).want(200, &shown)
		if got := fmt.Sprint(shown.TimeOff); got != want {
			t.Errorf("%s: shown %s", name, got)
		}
	}
	p := w.call(http.MethodPut, "/v1/interviewers/bo@trust.example/time-off", object{"items": []object{
		{"start": "24/12/2026", "end": "tomorrow"}, {"start": "2026-12-24", "end": "2026-12-23"},
	}}).problem(422, api.CodeInvalid)
	if len(p.Errors) != 3 || p.Errors[2].Location != "body.items[1].end" {
		t.Errorf("%+v", p.Errors)
	}
	w.call(http.MethodPut, "/v1/interviewers/bo@trust.example/time-off", object{"items": []object{}}).want(200, nil)
	w.call(http.MethodPut, "/v1/interviewers/no@trust.example/time-off", object{"items": []object{}}).problem(404, api.CodeNotFound)
}

func TestInterviewerGroups(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.call(http.MethodPost, "/v1/interviewers", object{"email": "ann@trust.example", "groups": []string{"recruiters", "spare"}}).want(201, nil)
	w.call(http.MethodPost, "/v1/interviewers", object{"email": "bo@trust.example", "groups": []string{"recruiters"}, "trainee": true}).want(201, nil)
	loop := "interview: onsite\npurpose: transactional\nenroll: by hand\nrounds:\n  - {id: panel, duration: 60m, interviewers: {all: [{any: 1, of: recruiters}, {any: 1, of: leads}]}, offer: {slots: 3, within: 5d}}\n" +
		"invite: {email: pick}\n---\nmessage: pick\nchannel: email\nsubject: Pick a time\nbody: \"{{ links.schedule }}\"\n"
	w.call(http.MethodPut, "/v1/definitions", api.DefinitionFiles{Files: []api.DefinitionFile{{Path: "loop.yaml", Text: loop}}}).want(200, nil)
	var groups api.Page[api.InterviewerGroup]
	w.call(http.MethodGet, "/v1/interviewer-groups", nil).want(200, &groups)
	if got := fmt.Sprint(groups.Items); got != "[{leads 0 0 0 [onsite]} {recruiters 1 1 0 [onsite]} {spare 1 0 0 []}]" {
		t.Errorf("got %s", got)
	}
}

func TestCalendarSecretsAreNotShown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.call(http.MethodPost, "/v1/interviewers", object{"email": "ann@trust.example"}).want(201, nil)
	const path = "/v1/interviewers/ann@trust.example/calendars"
	var answers []string
	var dav, feed api.Calendar
	put := func(status int, out any, given object) {
		t.Helper()
		w.pass(time.Second)
		answers = append(answers, string(w.call(http.MethodPut, path, given).want(status, out).body))
	}
	put(200, &dav, object{"kind": "caldav", "address": "https://dav.example/ann/", "account": "ann", "secret": "hunter2"})
	put(200, &dav, object{"kind": "caldav", "address": "https://dav.example/ann/", "account": "ann"})
	put(200, &feed, object{"kind": "ics", "address": "webcal://feeds.example/private-hunter2/basic.ics"})
	put(200, nil, object{"kind": "google", "account": "ann@trust.example", "secret": "1//hunter2"})
	put(200, nil, object{"kind": "own"})
	put(422, nil, object{"kind": "caldav", "address": "https://elsewhere.example/hunter2", "account": "ann"})
	put(422, nil, object{"kind": "caldav", "address": "https://ann:hunter2@dav.example/ann/", "account": "ann"})
	put(422, nil, object{"kind": "caldav", "address": "http://dav.example/hunter2", "account": "ann", "secret": "hunter2"})
	put(422, nil, object{"kind": "caldav", "address": "hunter2", "secret": "hunter2"})
	put(422, nil, object{"kind": "ics", "address": "ftp://feeds.example/hunter2"})
	put(422, nil, object{"kind": "own", "secret": "hunter2"})
	put(422, nil, object{"kind": "hunter2", "secret": "hunter2"})
	put(422, nil, object{"kind": "google", "account": "ann", "secret": "hunter2\n"})
	put(200, nil, object{"kind": "caldav", "address": "http://127.0.0.1:5232/ann/", "account": "ann", "secret": "hunter2"})
	if feed.Address != "https://feeds.example" {
		t.Errorf("the feed is %+v", feed)
	}
	var ann api.Interviewer
	answers = append(answers, string(w.call(http.MethodGet, "/v1/interviewers/ann@trust.example", nil).want(200, &ann).body),
		string(w.call(http.MethodGet, "/v1/interviewers", nil).body), string(w.call(http.MethodGet, "/v1/interviewers/ann@trust.example/changes", nil).body))
	if len(ann.Calendars) != 5 {
		t.Errorf("%+v", ann.Calendars)
	}
	for _, a := range answers {
		if strings.Contains(a, "hunter2") {
			t.Errorf("shown: %s", a)
		}
	}
	links, err := w.store.OpenCalendars(t.Context(), ann.ID)
	if err != nil || string(links[0].Secret) != "hunter2" || string(links[1].Secret) != "https://feeds.example/private-hunter2/basic.ics" {
		t.Errorf("%+v, %v", links, err)
	}
	if err := w.store.CalendarFailed(t.Context(), dav.ID, "unauthorized", start().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	w.call(http.MethodGet, "/v1/interviewers/ann@trust.example", nil).want(200, &ann)
	if i := slices.IndexFunc(ann.Calendars, func(c api.Calendar) bool { return c.ID == dav.ID }); ann.Calendars[i].State != "unauthorized" || ann.Calendars[i].Since.IsZero() {
		t.Errorf("%+v", ann.Calendars[i])
	}
	w.call(http.MethodDelete, path+"/"+dav.ID, nil).want(204, nil)
	w.call(http.MethodDelete, path+"/"+dav.ID, nil).problem(404, api.CodeNotFound)
}

func TestNoCalendarWithoutASealKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.call(http.MethodPost, "/v1/interviewers", object{"email": "ann@trust.example"}).want(201, nil)
	keyless, err := store.Open(t.Context(), w.dsn, store.Options{Now: w.clock, MaxConns: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(keyless.Close)
	w.server = httptest.NewServer(api.New(api.Config{Store: keyless, Now: w.clock}))
	t.Cleanup(w.server.Close)
	const path = "/v1/interviewers/ann@trust.example/calendars"
	p := w.call(http.MethodPut, path, object{"kind": "caldav", "address": "https://dav.example/", "account": "ann", "secret": "x"}).problem(409, api.CodeConflict)
	if !strings.Contains(p.Next, "RAPPORT_SEAL_KEY") {
		t.Errorf("%+v", p)
	}
	w.call(http.MethodPut, path, object{"kind": "own"}).want(200, nil)
}
