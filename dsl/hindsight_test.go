package dsl_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
)

const lookedBack = `
pool: northern
members: by hand
---
sequence: visitors
purpose: talent-community
enroll:
  - {on: event.attended, when: 'event.data.kind == "fair" && candidate.city == "Leeds"'}
  - {in: northern, on: role.opened}
  - {in: northern}
  - {on: pool.entered, when: event.data.pool == "other"}
reenroll: REENROLL
steps: [{id: hi, email: hello}]
`

func TestHindsight(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 6, 10, 0, 0, 0, time.UTC)
	since := now.AddDate(0, 0, -30)
	event := func(daysAgo int, eventType string, data map[string]any) crm.Event {
		at := now.AddDate(0, 0, -daysAgo)
		return crm.Event{ID: fmt.Sprint(eventType, daysAgo), Source: "fair", Type: eventType, Time: at, ReceivedAt: at, Data: data}
	}
	fair := map[string]any{"kind": "fair"}
	attended := []crm.Event{event(1, "event.attended", fair), event(12, "event.attended", fair), event(8, "event.attended", fair)}
	run := func(daysAgo int, closed bool) []crm.Enrollment {
		r := crm.Enrollment{ID: "enr_1", Definition: "visitors", CandidateID: "cnd_1", N: 1, Status: crm.EnrollmentRunning, StartedAt: now.AddDate(0, 0, -daysAgo)}
		if closed {
			r.Status, r.ClosedAt = crm.EnrollmentClosed, r.StartedAt
		}
		return []crm.Enrollment{r}
	}
	told := event(2, "role.opened", nil)
	told.Source = crm.SourceFanout
	history := event(2, "event.attended", fair)
	history.RecordOnly = true
	for name, test := range map[string]struct {
		reenroll string
		city     string
		pools    []string
		runs     []crm.Enrollment
		events   []crm.Event
		want     int
	}{
		"nothing happened":             {"never", "Leeds", nil, nil, nil, 0},
		"once is enough":               {"never", "Leeds", nil, nil, attended, 1},
		"every time":                   {"always", "Leeds", nil, nil, attended, 3},
		"with time between":            {"5d", "Leeds", nil, nil, attended, 2},
		"with more time between":       {"20d", "Leeds", nil, nil, attended, 1},
		"the candidate is another now": {"always", "York", nil, nil, attended, 0},
		"something else":               {"always", "Leeds", nil, nil, []crm.Event{event(1, "event.attended", map[string]any{"kind": "talk"}), event(1, "page.viewed", nil)}, 0},
		"imported history":             {"never", "Leeds", nil, nil, []crm.Event{history}, 1},
		"a member is told":             {"never", "York", []string{"northern"}, nil, []crm.Event{told}, 1},
		"another is not told":          {"never", "York", nil, nil, []crm.Event{told}, 0},
		"entering is no event rule":    {"never", "York", []string{"northern"}, nil, []crm.Event{event(1, "pool.entered", map[string]any{"pool": "northern"})}, 0},
		"a run from before goes on":    {"always", "Leeds", nil, run(40, false), attended, 0},
		"a run from before ended":      {"35d", "Leeds", nil, run(40, true), attended, 1},
		"a run of these days":          {"never", "Leeds", nil, run(12, true), attended, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := strings.Replace(lookedBack, "REENROLL", test.reenroll, 1)
			set, problems := dsl.Check([]dsl.File{{Path: "a.yaml", Text: []byte(text)}}, baseDocuments(t))
			if set == nil {
				t.Fatal(listing(problems))
			}
			h := set.Hindsight("visitors", since)
			if got := strings.Join(h.Types, " ") + "; " + strings.Join(h.Told, " "); got != "event.attended pool.entered role.opened; northern" {
				t.Errorf("it looks at %s", got)
			}
			in := &crm.Inbox{Candidate: crm.Candidate{ID: "cnd_1", City: test.city}, Pools: test.pools, Runs: test.runs}
			for i := range test.events {
				h.Look(in, &test.events[i])
			}
			if got := h.Count(); got != test.want {
				t.Errorf("got %d, want %d", got, test.want)
			}
			if len(in.Events) != 0 || len(in.Runs) != len(test.runs) {
				t.Errorf("what was looked at has changed: %+v", in)
			}
			if set.Hindsight("other", since) != nil || set.Hindsight("nobody", since) != nil {
				t.Error("there is something to look at where there are no rules about events")
			}
		})
	}
}
