package command_test

import (
	"encoding/json"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

// server answers as the API does, from fixed texts by path, and fails the test at anything but a GET.
func server(t *testing.T, answers map[string]string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, ok := answers[r.URL.Path+"?"+r.URL.Query().Get("after")]
		if r.Method != http.MethodGet || !ok {
			t.Errorf("%s %s", r.Method, r.URL)
			w.WriteHeader(http.StatusTeapot)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte(answer)) //nolint:errcheck // the client notices
	}))
	t.Cleanup(s.Close)
	return s.URL
}

const simulated = `
workspace: north
calendar: {days: mon-fri, hours: "09:00-17:30", zone: Europe/London}
purposes: {news: {basis: consent, wording: Hear from us}}
from: {email: "North <careers@north.example>", address: "1 Way, Leeds"}
---
sequence: welcome
purpose: news
enroll: {on: custom.fair, when: event.data.talked == true}
steps:
  - id: hi
    email: {subject: Hello, body: Hello.}
  - id: heard
    wait_for: {clicked: {on: message.clicked, step: hi}, timeout: 7d}
    then:
      clicked:
        - id: more
          email: {subject: More, body: More.}
`

// What the server's candidates did is played with all of its data, and held against what they really got: a real click belongs
// to the message that is played, and what Rapport told itself is told anew.
func TestSimulateServerHistory(t *testing.T) {
	t.Parallel()
	url := server(t, map[string]string{
		"/v1/candidates?":       `{"items":[{"id":"cnd_a","external_id":"A","email":"a@people.example","created_at":"2026-10-01T09:00:00Z"}],"next":"2"}`,
		"/v1/candidates?2":      `{"items":[{"id":"cnd_b","external_id":"B","email":"b@people.example","created_at":"2026-10-01T09:00:00Z"}]}`,
		"/v1/candidates/cnd_a?": `{"id":"cnd_a","consents":[{"purpose":"news","channel":"email","granted":true,"at":"2026-10-02T09:00:00Z"}]}`,
		"/v1/candidates/cnd_b?": `{"id":"cnd_b","consents":[]}`,
		"/v1/candidates/cnd_a/events?": `{"items":[
			{"time":"2026-10-02T09:00:00Z","source":"web","external_id":"0","type":"consent.granted","data":{"purpose":"news","channels":["email"]}},
			{"time":"2026-10-05T09:00:00Z","source":"fair","external_id":"1","type":"custom.fair","data":{"talked":true}},
			{"time":"2026-10-05T09:00:01Z","source":"rapport","type":"message.sent","step":"hi"}],"next":"p"}`,
		"/v1/candidates/cnd_a/events?p": `{"items":[
			{"time":"2026-10-06T09:00:00Z","source":"sendgrid","external_id":"2","type":"message.clicked","step":"hi","data":{"message":"msg_x","step":"hi","sequence":"welcome"}}]}`,
		"/v1/candidates/cnd_a/timeline?": `{"items":[
			{"at":"2026-10-05T09:00:01Z","kind":"message","outcome":"accepted","definition":"welcome","step":"hi"},
			{"at":"2026-10-05T09:00:01Z","kind":"message","outcome":"accepted","definition":"not-simulated","step":"hi"}]}`,
		"/v1/candidates/cnd_b/events?": `{"items":[
			{"time":"2026-10-05T09:00:00Z","source":"fair","external_id":"3","type":"custom.fair","data":{"talked":true}}]}`,
		"/v1/candidates/cnd_b/timeline?": `{"items":[
			{"at":"2026-10-05T09:00:01Z","kind":"message","outcome":"accepted","definition":"welcome","step":"hi"}]}`,
	})
	defs := filepath.Join(t.TempDir(), "defs.yaml")
	if err := os.WriteFile(defs, []byte(simulated), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"simulate", "welcome", "-f", defs, "--server-history", "--against-actual", "--url", url, "--api-key", "k", "--until", "2026-11-01"}
	out, errOut, code := rapport(t, args...)
	for _, want := range []string{
		"A\n  ≠ welcome › more: not sent, would be sent Tue 6 Oct 2026 10:00\n",
		"B\n  ≠ welcome › hi: sent Mon 5 Oct 2026 10:00, would not be sent\n",
		"2 differences from what was really sent, for 2 candidates",
	} {
		if !strings.Contains(out, want) || code != 0 {
			t.Errorf("exit %d, %q is missing in:\n%s%s", code, want, out, errOut)
		}
	}
	out, _, _ = rapport(t, append(args, "--format", "json")...)
	var result struct {
		Candidates []struct {
			Differences []string `json:"differences"`
		} `json:"candidates"`
	}
	if err := json.Unmarshal([]byte(out), &result); err != nil || len(result.Candidates) != 2 || len(result.Candidates[0].Differences) != 1 {
		t.Errorf("%v: %s", err, out)
	}
}

// However long the names of marks are, and wherever they stand, they stay between the legend and the edge.
func TestSimulateNamesFit(t *testing.T) {
	t.Parallel()
	defs := filepath.Join(t.TempDir(), "defs.yaml")
	if err := os.WriteFile(defs, []byte(simulated), 0o600); err != nil {
		t.Fatal(err)
	}
	out, errOut, code := rapport(t, "simulate", "welcome", "-f", defs, "--consent", "news", "--start", "2026-10-23T10:00", "--format", "svg",
		"--event", "custom.fair:{talked: true}", "--event", "{after: 2h, on: message.clicked, step: hi}",
		"--event", "{after: 90d, on: application.stage_changed}", "--event", "{after: 1h, on: application.withdrawn}", "--until", "2027-01-22")
	names := regexp.MustCompile(`<text x="([\d.]+)" y="(\d+)" [^>]*rotate\(-30[^>]*>([^<]*)`).FindAllStringSubmatch(out, -1)
	if code != 0 || len(names) < 3 {
		t.Fatalf("exit %d, names %v\n%s", code, names, errOut)
	}
	for _, n := range names {
		x, errX := strconv.ParseFloat(n[1], 64)
		y, errY := strconv.ParseFloat(n[2], 64)
		length := 6 * float64(utf8.RuneCountInString(n[3])) // in pixels, as Chromium draws it
		if end, top := x+length*math.Cos(math.Pi/6), y-length*math.Sin(math.Pi/6); errX != nil || errY != nil || end > 1280 || top < 80 {
			t.Errorf("%q ends at %.0f of 1280 and rises to %.0f of 80", n[3], end, top)
		}
	}
}
