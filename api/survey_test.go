package api_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/crm"
)

const surveyYAML = `sequence: feedback
purpose: transactional
enroll: {on: application.hired}
steps:
  - id: ask
    survey: {use: hired, by: email, timeout: 7d}
---
survey: hired
intro: How did we <b>do</b>?
questions:
  - {id: nps, ask: "Would you recommend us?", kind: nps}
  - {id: pace, ask: "How was the pace?", kind: rating}
  - {id: clear, ask: "Did you know what to expect?", kind: choice, of: ["Yes", "Partly", "No"]}
  - {id: more, ask: "Anything else?", kind: text, optional: true}
`

// asked publishes the survey and sends a candidate its link.
func asked(t *testing.T) (w *world, candidate, path string) {
	t.Helper()
	w = newWorld(t)
	candidate = w.candidate("1", "sarah@example.org", "")
	w.call(http.MethodPut, "/v1/definitions", files(workspaceYAML, surveyYAML)).want(200, nil)
	d, err := w.store.Definition(t.Context(), "sequence", "feedback", "", 0)
	if err != nil {
		t.Fatal(err)
	}
	ctx, now, run := t.Context(), w.clock(), w.run(candidate)
	turn, err := w.store.Begin(ctx, run, 0)
	if err != nil {
		t.Fatal(err)
	}
	m := crm.Message{
		ID: crm.NewID(crm.PrefixMessage, now), CandidateID: candidate, EnrollmentID: run, Definition: "feedback", Hash: d.Hash, Step: "ask",
		Occurrence: 1, Channel: crm.Email, Purpose: crm.PurposeTransactional, State: crm.MessagePlanned, PlannedAt: now, NotAfter: now.Add(time.Hour),
	}
	if err := turn.Commit(ctx, &crm.Decision{EnrollmentID: run, Seq: 1, At: now, Command: crm.CommandWait, Messages: []crm.Message{m}}); err != nil {
		t.Fatal(err)
	}
	return w, candidate, strings.TrimPrefix(api.SurveyURL(publicURL, []byte(linkSecret), m.ID), publicURL)
}

func (w *world) fill(path string, form url.Values) answer {
	w.t.Helper()
	return w.send(http.MethodPost, path, http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, []byte(form.Encode()))
}

// answers are the survey answers that wait for the dispatcher.
func (w *world) answers(candidate string) []map[string]any {
	w.t.Helper()
	var all []map[string]any
	looked := errors.New("only looked")
	_, err := w.store.Dispatch(w.t.Context(), candidate, func(in *crm.Inbox) (*crm.Dispatched, error) {
		for i := range in.Events {
			if in.Events[i].Type == "survey.answered" {
				all = append(all, in.Events[i].Data)
			}
		}
		return nil, looked
	})
	if err != nil && !errors.Is(err, looked) {
		w.t.Fatal(err)
	}
	return all
}

func TestSurveyPage(t *testing.T) {
	t.Parallel()
	w, candidate, path := asked(t)
	page := w.send(http.MethodGet, path, nil, nil).want(200, nil)
	text := string(page.body)
	for _, part := range []string{"How did we &lt;b&gt;do&lt;/b&gt;?", "extremely likely", `value="10"`, `value="Partly"`, "<textarea", "<legend>"} {
		if !strings.Contains(text, part) {
			t.Errorf("the page lacks %s", part)
		}
	}
	if strings.Contains(text, "sarah") || page.header.Get("Referrer-Policy") != "no-referrer" || len(w.answers(candidate)) != 0 {
		t.Error("the page tells too much, or looking at it is an answer")
	}

	wrong := w.fill(path, url.Values{"nps": {"11"}, "pace": {""}, "clear": {"Yes"}, "more": {"<script>"}}).want(422, nil)
	text = string(wrong.body)
	if strings.Count(text, `id="nps-wrong"`) != 1 || strings.Count(text, `id="pace-wrong"`) != 1 || strings.Contains(text, "clear-wrong") ||
		!strings.Contains(text, `value="Yes" checked`) || !strings.Contains(text, "&lt;script&gt;") {
		t.Errorf("what is wrong is not marked, or what is right is lost:\n%s", text)
	}
	if len(w.answers(candidate)) != 0 {
		t.Error("a wrong answer was taken")
	}

	w.fill(path, url.Values{"nps": {"9"}, "pace": {"4"}, "clear": {"Partly"}}).want(200, nil)
	again := w.fill(path, url.Values{"nps": {"1"}, "pace": {"1"}, "clear": {"No"}}).want(200, nil)
	if !strings.Contains(string(again.body), "already") {
		t.Errorf("the second answer is told %s", again.body)
	}
	got := w.answers(candidate)
	if len(got) != 1 {
		t.Fatalf("%d answers", len(got))
	}
	delete(got[0], "message")
	want := map[string]any{
		"survey": "hired", "step": "ask", "sequence": "feedback", "nps": 9.0,
		"answers": map[string]any{"nps": 9.0, "pace": 4.0, "clear": "Partly"},
	}
	if diff := cmp.Diff(want, got[0]); diff != "" {
		t.Error(diff)
	}
}

func TestSurveyLinkOpensNothingElse(t *testing.T) {
	t.Parallel()
	w, _, path := asked(t)
	token := strings.TrimPrefix(path, "/s/")
	id, _, _ := strings.Cut(token, ".")
	w.send(http.MethodGet, "/u/"+token, nil, nil).want(404, nil)
	w.send(http.MethodGet, "/s/"+id+".x", nil, nil).want(404, nil)
	w = newWorld(t) // with a message that asks for no survey
	other := w.message(w.candidate("1", "sarah@example.org", ""), crm.Email, "sarah@example.org")
	link := strings.TrimPrefix(api.SurveyURL(publicURL, []byte(linkSecret), other), publicURL)
	w.send(http.MethodGet, link, nil, nil).want(410, nil)
	w.fill(link, url.Values{"nps": {"9"}}).want(410, nil)
}
