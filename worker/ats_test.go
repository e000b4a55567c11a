package worker_test

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/rapport-crm/rapport/activities/call"
	"github.com/rapport-crm/rapport/deploy/embedded/temporal/temporaltest"
)

// connector stands before an applicant tracking system. It verifies what it gets, and is not well at first.
type connector struct {
	*httptest.Server
	mu     sync.Mutex
	ids    []string
	bodies []map[string]any
}

func newConnector(t *testing.T, secret string) *connector {
	t.Helper()
	verifier, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	c := &connector{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(r.Body)
		var body map[string]any
		if err == nil {
			err = json.Unmarshal(raw, &body)
		}
		if err == nil {
			err = verifier.Verify(raw, r.Header)
		}
		if err != nil {
			t.Errorf("the connector got %q: %v", raw, err)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.ids, c.bodies = append(c.ids, r.Header.Get("webhook-id")), append(c.bodies, body)
		if len(c.ids) == 1 {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"note_id": 12}`))
	}))
	t.Cleanup(c.Close)
	return c
}

// told is what it got, by id and content.
func (c *connector) told() ([]string, []map[string]any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.ids), slices.Clone(c.bodies)
}

const atsSequences = `
sequence: s
purpose: transactional
enroll: {on: application.submitted}
steps:
  - id: filed
    ats: {move_to: Talent pool, push: [phone, tags, attributes.grade], note: "{{ candidate.first_name | default: 'They' }} was at the fair."}
    then:
      failed: [{exit: by_hand}]
  - id: late
    if: string(steps.filed.result.note_id) == "12"
    ats: {note: "Once more."}
---
sequence: mistaken
purpose: transactional
enroll: {on: custom.met}
steps:
  - id: filed
    ats: {move_to: Talent pool}
    then:
      failed: [{exit: by_hand}]
`

// An ats step goes through Postgres and Temporal to the applicant tracking system: signed, again with the same id when that
// was not well, and with nothing of it in Temporal.
func TestATSStep(t *testing.T) {
	t.Parallel()
	r := newRig(t, 0)
	secret := "whsec_" + base64.StdEncoding.EncodeToString([]byte("only this test knows the key.."))
	ats := newConnector(t, secret)
	config := call.Config{ATS: call.ATS{URL: ats.URL, Secret: secret, Private: true}}
	if err := config.Check(); err != nil {
		t.Fatal(err)
	}
	r.calls = call.New(config)
	r.apply(atsSequences)
	r.work()

	c := r.candidate("R-77")
	r.event(c, "application.submitted", "application", "A-1", "role", "Nurse")
	run := r.ended(c, "completed")
	ids, bodies := ats.told()
	if len(ids) != 3 || ids[0] != ids[1] || ids[1] == ids[2] {
		t.Fatalf("told by the ids %v, want one twice and another once", ids)
	}
	if diff := cmp.Diff(bodies[0], bodies[1]); diff != "" {
		t.Errorf("the second attempt says something else: %s", diff)
	}
	want := map[string]any{
		"candidate": "R-77", "application": "A-1", "move_to": "Talent pool", "note": "Zebedee was at the fair.", "sequence": "s", "step": "filed",
		"fields": map[string]any{"phone": "+447700900028", "tags": []any{}, "attributes.grade": nil},
	}
	if diff := cmp.Diff(want, bodies[0]["data"]); diff != "" {
		t.Error(diff)
	}
	if data, ok := bodies[2]["data"].(map[string]any); !ok || data["note"] != "Once more." || data["move_to"] != nil {
		t.Errorf("the second step says %v", bodies[2])
	}
	found := false
	for _, value := range temporaltest.Dump(t) {
		found = found || strings.Contains(value, run.ID)
		for _, secret := range []string{"Zebedee", "+447700900028", "at the fair", "Talent pool", "R-77", secret} {
			if strings.Contains(value, secret) {
				t.Errorf("temporal keeps %q in %.200q", secret, value)
			}
		}
	}
	if !found {
		t.Error("the dump does not even hold the run's id: it proves nothing")
	}

	lost := r.candidate("R-78")
	r.event(lost, "custom.met")
	r.ended(lost, "by_hand")
	if ids, bodies := ats.told(); len(ids) != 3 {
		t.Errorf("a run without an application told %v", bodies[3:])
	}
}

// Without an applicant tracking system the step ends at once.
func TestATSStepWithoutATS(t *testing.T) {
	t.Parallel()
	r := newRig(t, 0)
	r.apply(atsSequences)
	r.work()
	c := r.candidate("none")
	r.event(c, "application.submitted", "application", "A-1")
	run := r.ended(c, "by_hand")
	if n := r.sql("select count(*) from calls where enrollment_id = $1 and reason = 'no_ats'", run.ID); n != 1 {
		t.Errorf("%d requests ended as no_ats", n)
	}
}
