package api_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/api/client"
	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/dsl/phrases"
	"github.com/rapport-crm/rapport/store"
)

// told is the link of the mail of one of the sequences that are about requests, sent as that sequence would.
func (c *chooser) told(sequence, eventType string) string {
	c.t.Helper()
	ctx, now := c.t.Context(), c.clock()
	d, err := c.store.Definition(ctx, "sequence", sequence, "", 0)
	if err != nil {
		c.t.Fatal(err)
	}
	run := crm.NewID(crm.PrefixEnrollment, now)
	c.dispatch(c.id, func(in *crm.Inbox, out *crm.Dispatched) {
		for i := range in.Events {
			if in.Events[i].Type == eventType {
				out.Enrollments = []crm.Enrollment{{
					ID: run, Definition: sequence, Hash: d.Hash, CandidateID: c.id, N: 1, Status: crm.EnrollmentStarting, StartedAt: now, Event: &in.Events[i],
				}}
			}
		}
	})
	m := crm.Message{
		ID: crm.NewID(crm.PrefixMessage, now), CandidateID: c.id, EnrollmentID: run, Definition: sequence, Hash: d.Hash, Step: "ask", Occurrence: 1,
		Channel: crm.Email, Purpose: crm.PurposeTransactional, State: crm.MessagePlanned, PlannedAt: now, NotAfter: now.Add(time.Hour),
	}
	c.decided(run, func(_ *crm.Facts, d *crm.Decision) { d.Messages = []crm.Message{m} })
	claimed, err := c.store.Claim(ctx, now, crm.Email, 10, time.Minute, func(*store.Claim) store.Verdict {
		return store.Verdict{State: crm.MessageClaimed, Address: sarahsMail}
	})
	if err != nil || len(claimed) != 1 {
		c.t.Fatalf("claimed %d: %v", len(claimed), err)
	}
	if err := c.store.Accept(ctx, m.ID, store.Acceptance{Provider: "sendgrid", ProviderID: m.ID, Address: sarahsMail, At: now}); err != nil {
		c.t.Fatal(err)
	}
	return strings.TrimPrefix(api.RequestURL(publicURL, []byte(linkSecret), m.ID, sequence), publicURL)
}

// the only request that there is.
func (c *chooser) request() crm.PrivacyRequest {
	c.t.Helper()
	var page api.Page[crm.PrivacyRequest]
	c.call(http.MethodGet, "/v1/requests?all=true&candidate=1", nil).want(200, &page)
	if len(page.Items) != 1 {
		c.t.Fatalf("requests are %+v", page.Items)
	}
	return page.Items[0]
}

const sarahsMail = "sarah.jones@example.org"

// unzipped reads the files of a ZIP.
func unzipped(t *testing.T, raw []byte) map[string]string {
	t.Helper()
	archive, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range archive.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		files[f.Name] = string(text)
	}
	return files
}

// A candidate asks for a copy of their data on the preference page, confirms that by mail, and downloads it for seven days.
func TestAccessByThePreferencePage(t *testing.T) {
	t.Parallel()
	c := newChooser(t, object{"consents": []object{{"purpose": "talent-community"}}})
	for range 2 { // asked twice is asked once
		if sent := c.fill(c.path, url.Values{"do": {"right"}, "right": {"access"}}); sent.status != 200 || !strings.Contains(string(sent.body), "6 December 2026") {
			t.Fatalf("%d:\n%s", sent.status, sent.body)
		}
	}
	link := c.told(dsl.SequenceRequestConfirm, crm.EventRequestReceived)
	if page := c.send(http.MethodGet, link, nil, nil); page.status != 200 || !strings.Contains(string(page.body), "A copy of my data") || c.request().State != crm.RequestVerifying {
		t.Fatalf("to look confirms nothing: %d, %s\n%s", page.status, c.request().State, page.body)
	}
	for range 2 {
		if done := c.fill(link, nil); done.status != 200 || c.request().State != crm.RequestOpen || !strings.HasPrefix(c.request().VerifiedBy, "msg_") {
			t.Fatalf("%d, %+v", done.status, c.request())
		}
	}
	if _, err := c.store.AdvanceRequest(t.Context(), c.request().ID, ""); err != nil || c.request().State != crm.RequestAnswered {
		t.Fatalf("%s, %v", c.request().State, err)
	}
	data := c.told(dsl.SequenceRequestReady, crm.EventRequestReady)
	if page := c.send(http.MethodGet, data, nil, nil); page.status != 200 || !strings.Contains(string(page.body), "13 November 2026") {
		t.Errorf("%d:\n%s", page.status, page.body)
	}
	got := c.fill(data, nil)
	if got.status != 200 || got.header.Get("Content-Type") != "application/zip" || !strings.Contains(got.header.Get("Content-Disposition"), "access-req_") {
		t.Fatalf("%d, %v", got.status, got.header)
	}
	files := unzipped(t, got.body)
	for name, word := range map[string]string{
		"profile.json": "Sarah", "addresses.json": sarahsMail, "consents.json": "talent-community", "requests.json": "access", "messages.json": "sendgrid",
		"about.json": "privacy@trust.example", "index.html": "<dt>first name</dt><dd>Sarah</dd>", "events.json": crm.EventRequestReady,
	} {
		if !strings.Contains(files[name], word) || strings.HasSuffix(name, ".json") && !json.Valid([]byte(files[name])) {
			t.Errorf("%s does not say %s:\n%s", name, word, files[name])
		}
	}
	var left []string
	for _, l := range c.log(&client.AuditQuery{Actor: crm.ActorCandidate}) {
		left = append(left, l.Action+" "+l.Kind)
	}
	if want := []string{"export request", "change request", "create request"}; !slices.Equal(left, want) {
		t.Errorf("of the candidate the audit log says %q, want %q", left, want)
	}
	c.pass(7 * 24 * time.Hour)
	if late := c.fill(data, nil); late.status != http.StatusNotFound {
		t.Errorf("after seven days it is answered with %d", late.status)
	}
}

const keepingYAML = `---
retention: gone-quiet
basis: GDPR Art. 5(1)(e)
daily: {at: "03:00", zone: Europe/London}
applies_to: candidate.legal_hold == false
keep: {for: 6mo, after: candidate.created_at}
then: erase
---
retention: records
basis: 29 CFR 1602.14
daily: {at: "03:00", zone: Europe/London}
applies_to: candidate.status == "lead"
keep: {at_least: 1y, after: candidate.created_at}
`

// copied is the copy of the candidate's data, as staff get it.
func (c *chooser) copied() map[string]string {
	c.t.Helper()
	var opened api.OpenedRequest
	c.call(http.MethodPost, "/v1/requests", object{"candidate": "1", "kind": "access", "verified": true}).want(201, &opened)
	return unzipped(c.t, c.call(http.MethodGet, "/v1/requests/"+opened.ID+"/export", nil).want(200, nil).body)
}

// The copy says what is held, where from, what for, who gets it, when, and until when it is kept, by which rule and why: in the candidate's
// language, as a page and as JSON.
func TestCopySaysWhatTheLawAsks(t *testing.T) {
	t.Parallel()
	book := phrases.MustOpen()
	for _, locale := range phrases.Languages() {
		t.Run(locale, func(t *testing.T) {
			t.Parallel()
			c := newChooser(t, object{
				"locale": locale, "status": "lead", "source": "career-fair", "time_zone": "Europe/London", "attributes": object{"licence": object{"kind": "RN"}},
				"consents": []object{{"purpose": "talent-community"}},
			})
			c.call(http.MethodPut, "/v1/definitions", files(choicesYAML+keepingYAML)).want(200, nil)
			words := book.In(locale)
			got := c.copied()
			page := html.UnescapeString(got["index.html"])
			for _, said := range []string{
				`<html lang="` + locale + `"`, words.Say("copy_held"), words.Say("copy_sources"), words.Say("copy_purposes"), words.Say("copy_recipients"), words.Say("copy_dates"),
				words.Say("copy_keeping"), words.Say("file_consents"), "career-fair", "Hear from us about life at North Trust", words.Say("copy_consent"),
				words.Say("copy_interest"), words.Say("copy_ats"), words.Say("copy_since", "Date", words.Date(start())), "<dd>Sarah</dd>", "licence › kind", "<dd>RN</dd>",
				words.Say("copy_empty"), words.Say("keep_least", "Date", words.Date(start().AddDate(1, 0, 0))),
				words.Say("unit_mo_many", "N", 6), words.Say("unit_y_one"), "29 CFR 1602.14", words.Say("keep_after_created_at"), words.Say("copy_rights"),
			} {
				if !strings.Contains(page, said) {
					t.Errorf("the page does not say %q", said)
				}
			}
			var about struct {
				Language string   `json:"language"`
				Sources  []string `json:"sources"`
				Keeping  struct {
					State  string    `json:"state"`
					Policy string    `json:"policy"`
					Keeper string    `json:"keeper"`
					Until  time.Time `json:"until"`
					Text   []string  `json:"text"`
					Rules  []any     `json:"rules"`
				} `json:"keeping"`
			}
			if err := json.Unmarshal([]byte(got["about.json"]), &about); err != nil {
				t.Fatal(err)
			}
			if k := about.Keeping; about.Language != locale || k.State != "kept" || k.Policy != "gone-quiet" || k.Keeper != "records" ||
				!k.Until.Equal(start().AddDate(1, 0, 0)) || len(k.Rules) != 2 || len(k.Text) != 2 || !slices.Contains(about.Sources, "career-fair") {
				t.Errorf("about is %+v", about)
			}
		})
	}
}

// That there is a hold is told, and not what for.
func TestCopyDoesNotSayWhatAHoldIsFor(t *testing.T) {
	t.Parallel()
	c := newChooser(t, object{"country": "US"})
	c.call(http.MethodPut, "/v1/definitions", files(choicesYAML+keepingYAML)).want(200, nil)
	c.call(http.MethodPost, "/v1/holds", object{"condition": `candidate.country == "US"`, "why": "Subpoena 12"}).want(201, nil)
	for name, text := range c.copied() {
		if strings.Contains(text, "Subpoena") {
			t.Errorf("%s says what the hold is for", name)
		}
		if name == "index.html" && !strings.Contains(text, "cannot be deleted for now") {
			t.Errorf("the page does not say that there is something against a deletion:\n%s", text)
		}
	}
}

// Whoever asked that their data be kept is told that it is, and of no date on which it goes.
func TestCopySaysThatDataIsRestricted(t *testing.T) {
	t.Parallel()
	c := newChooser(t, object{"status": "lead"})
	c.call(http.MethodPut, "/v1/definitions", files(choicesYAML+keepingYAML)).want(200, nil)
	c.call(http.MethodPost, "/v1/requests", object{"candidate": "1", "kind": "restriction", "verified": true}).want(201, nil)
	page := html.UnescapeString(c.copied()["index.html"])
	if !strings.Contains(page, "kept and not used (GDPR, Article 18)") || strings.Contains(page, "If nothing changes") {
		t.Errorf("the page says\n%s", page)
	}
}

// A link proves the address that it went to.
func TestRequestsAreConfirmedFromTheKnownAddress(t *testing.T) {
	t.Parallel()
	c := newChooser(t, nil)
	c.fill(c.path, url.Values{"do": {"erase"}})
	link := c.told(dsl.SequenceRequestConfirm, crm.EventRequestReceived)
	c.call(http.MethodPut, "/v1/candidates/by-external-id/1", object{"email": "sarah.new@example.org"}).want(200, nil)
	if done := c.fill(link, nil); done.status != http.StatusNotFound || c.request().State != crm.RequestVerifying {
		t.Errorf("%d, %s", done.status, c.request().State)
	}
	if wrong := c.fill(c.path, url.Values{"do": {"right"}, "right": {"rectification"}, "wish": {" "}}); wrong.status != http.StatusUnprocessableEntity {
		t.Errorf("a correction of nothing is answered with %d", wrong.status)
	}
}

func TestRequestsByStaff(t *testing.T) {
	t.Parallel()
	c := newChooser(t, nil)
	officer, reader := c.key(api.ScopePrivacyRead, api.ScopePrivacyWrite), c.key(api.ScopePrivacyRead)
	ask := object{"candidate": "1", "kind": "portability", "verified": true}
	c.callAs(reader, http.MethodPost, "/v1/requests", ask).want(403, nil)
	c.callAs(officer, http.MethodPost, "/v1/requests", object{"candidate": "9", "kind": "access", "verified": true}).problem(404, api.CodeNotFound)
	var opened, again api.OpenedRequest
	c.callAs(officer, http.MethodPost, "/v1/requests", ask).want(201, &opened)
	c.callAs(officer, http.MethodPost, "/v1/requests", ask).want(201, &again)
	if opened.State != crm.RequestOpen || opened.Duplicate || !again.Duplicate || again.ID != opened.ID || !opened.DueAt.Equal(start().AddDate(0, 0, 30)) {
		t.Errorf("%+v, then %+v", opened, again)
	}
	path := "/v1/requests/" + opened.ID
	files := unzipped(t, c.callAs(reader, http.MethodGet, path+"/export", nil).want(200, nil).body)
	if files["profile.json"] == "" || files["decisions.json"] != "" {
		t.Error("a copy to take along holds what the candidate has provided, and nothing else")
	}
	c.callAs(officer, http.MethodPost, path+"/refuse", object{"ground": "compelling_grounds"}).problem(422, api.CodeInvalid)
	c.callAs(officer, http.MethodPost, path+"/refuse", object{}).want(422, nil)
	var extended, refused crm.PrivacyRequest
	c.callAs(officer, http.MethodPost, path+"/extend", object{"why": "Many systems."}).want(200, &extended)
	c.callAs(officer, http.MethodPost, path+"/refuse", object{"ground": "not_portable"}).want(200, &refused)
	if !extended.DueAt.After(opened.DueAt) || refused.State != crm.RequestRefused || refused.Ground != crm.RefusalNotPortable {
		t.Errorf("%+v, %+v", extended, refused)
	}
	c.callAs(officer, http.MethodPost, path+"/withdraw", nil).problem(409, api.CodeConflict)
	c.callAs(officer, http.MethodGet, "/v1/requests/req_none", nil).problem(404, api.CodeNotFound)
	c.callAs(officer, http.MethodDelete, "/v1/candidates/1/restriction", nil).problem(409, api.CodeConflict)
	var grounds []crm.Refusal
	c.callAs(reader, http.MethodGet, "/v1/requests/grounds", nil).want(200, &grounds)
	if len(grounds) != len(crm.Refusals()) {
		t.Errorf("grounds are %v", grounds)
	}
}

func TestHolds(t *testing.T) {
	t.Parallel()
	c := newChooser(t, object{"country": "US"})
	officer := c.key(api.ScopePrivacyRead, api.ScopePrivacyWrite)
	c.callAs(c.key(api.ScopePrivacyRead), http.MethodPost, "/v1/holds", object{"candidate": "1", "why": "x"}).want(403, nil)
	for _, bad := range []object{
		{"candidate": "1", "role": "r", "why": "x"},
		{"why": "x"},
		{"condition": "candidate.nothing", "why": "x"},
		{"condition": `candidate.email == "a@b.example"`, "why": "x"},
		{"condition": "candidate.legal_hold", "why": "x"},
		{"condition": "1 + 1", "why": "x"},
	} {
		c.callAs(officer, http.MethodPost, "/v1/holds", bad).problem(422, api.CodeInvalid)
	}
	erase := object{"mode": "erase", "reason": "request"}
	var h crm.Hold
	c.callAs(officer, http.MethodPost, "/v1/holds", object{"condition": `candidate.country == "US"`, "why": "Subpoena 12"}).want(201, &h)
	c.callAs(officer, http.MethodPost, "/v1/candidates/1/erase", erase).problem(409, api.CodeConflict)
	var page api.Page[crm.Hold]
	c.callAs(officer, http.MethodGet, "/v1/holds", nil).want(200, &page)
	if !slices.ContainsFunc(page.Items, func(x crm.Hold) bool { return x.ID == h.ID && x.Why == "Subpoena 12" && x.By != "" }) {
		t.Errorf("holds are %+v", page.Items)
	}
	c.callAs(officer, http.MethodPost, "/v1/holds/"+h.ID+"/lift", nil).want(200, &h)
	c.callAs(officer, http.MethodPost, "/v1/holds/"+h.ID+"/lift", nil).problem(409, api.CodeConflict)
	c.callAs(officer, http.MethodPost, "/v1/candidates/1/erase", erase).want(200, nil)
}

// Whatever is done about a request, the mail that tells the candidate can go: also when nobody had to be asked who they are.
func TestMailsOfRequestsAreInForceBefore(t *testing.T) {
	t.Parallel()
	for name, act := range map[string]func(c *chooser){
		"opened, and they are known": func(c *chooser) {
			c.call(http.MethodPost, "/v1/requests", object{"candidate": "1", "kind": "access", "verified": true}).want(201, nil)
		},
		"refused, of an older release": func(c *chooser) {
			r, _, err := c.store.OpenRequest(t.Context(), crm.PrivacyRequest{CandidateID: "1", Kind: crm.RequestRectification, Wish: "x", Source: "staff", VerifiedBy: "lena"})
			if err != nil {
				t.Fatal(err)
			}
			c.call(http.MethodPost, "/v1/requests/"+r.ID+"/refuse", object{"ground": crm.RefusalUnfounded, "answer": "No."}).want(200, nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newChooser(t, object{})
			act(c)
			c.call(http.MethodGet, "/v1/definitions/sequence/"+dsl.SequenceRequestAnswered, nil).want(200, nil)
		})
	}
}
