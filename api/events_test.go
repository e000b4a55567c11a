package api_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/store"
)

func cloudEvent(id string, change object) object {
	e := object{
		"specversion": "1.0", "id": id, "source": "ats/greenhouse", "type": "application.submitted", "subject": "ATS-1",
		"time": "2026-11-06T09:00:00Z", "datacontenttype": "application/json", "data": object{"application": "APP-1"},
	}
	for k, v := range change {
		if e[k] = v; v == nil {
			delete(e, k)
		}
	}
	return e
}

func (w *world) events(contentType string, body any) answer {
	w.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.send(http.MethodPost, "/v1/events", http.Header{"Authorization": {"Bearer " + w.admin}, "Content-Type": {contentType}}, text)
}

func TestEventForms(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	simple := object{"type": "page.viewed", "candidate": "ATS-1", "id": "s1", "data": object{"url": "https://x.example", "seconds": 5, "campaign": "autumn"}}
	for name, tc := range map[string]struct {
		contentType string
		body        any
		accepted    int
	}{
		"single CloudEvent":       {"application/cloudevents+json", cloudEvent("1", nil), 1},
		"with a charset":          {"application/cloudevents+json; charset=UTF-8", cloudEvent("2", nil), 1},
		"batch":                   {"application/cloudevents-batch+json", []object{cloudEvent("3", nil), cloudEvent("4", object{"traceparent": "00-ab-cd-01"})}, 2},
		"empty batch":             {"application/cloudevents-batch+json", []object{}, 0},
		"simple":                  {"application/json", simple, 1},
		"simple, with no type":    {"", object{"type": "custom.badge_scanned", "subject": "ATS-1", "data": object{"hall": 5}}, 1},
		"list, simple and Cloud":  {"application/json", []object{cloudEvent("5", nil), {"type": "role.opened", "data": object{"role": "R1"}}}, 2},
		"without a time and data": {"application/cloudevents+json", cloudEvent("6", object{"time": nil, "data": nil, "datacontenttype": nil}), 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got api.EventResults
			a := w.events(tc.contentType, tc.body)
			a.t = t
			a.want(200, &got)
			if got.Accepted != tc.accepted || got.Rejected+got.Duplicate != 0 || len(got.Results) != tc.accepted {
				t.Errorf("got %s", a.body)
			}
		})
	}
}

// TestEventsReadAtOnce: a body of CloudEvents is read in one go, and a larger one item by item. Both say the same.
func TestEventsReadAtOnce(t *testing.T) {
	t.Parallel()
	good := `{"specversion":"1.0","id":"1","source":"s","type":"page.viewed","subject":"A","time":"2026-11-06T09:00:00Z","data":{"seconds":5,"url":null}}`
	for name, tc := range map[string]struct {
		body     string
		rejected int
	}{
		"one":            {good, 0},
		"two":            {`[` + good + `,` + good + `]`, 0},
		"no data":        {strings.Replace(good, `{"seconds":5,"url":null}`, "null", 1), 0},
		"data twice":     {strings.Replace(good, `"data"`, `"data":{"hall":1},"data"`, 1), 0},
		"unknown type":   {`[` + good + `,` + strings.Replace(good, "page.viewed", "page.seen", 1) + `]`, 1},
		"data is a text": {`[` + good + `,` + strings.Replace(good, `{"seconds":5,"url":null}`, `"x"`, 1) + `]`, 1},
		"null":           {`[` + good + `,null]`, 1},
		"simple":         {`[` + good + `,{"type":"page.viewed","candidate":"A","id":"2"},{"typo":"page.viewed"}]`, 1},
		"id of a kind":   {`[` + good + `,` + strings.Replace(good, `"1"`, `1`, 1) + `]`, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			events, rejected, ok := api.ParseEvents("application/json", []byte(tc.body), start())
			slow, slowRejected, slowOK := api.ParseEvents("application/json", []byte(tc.body+strings.Repeat(" ", 257<<10)), start())
			if strings.HasPrefix(tc.body, "{") { // one item alone is as large as its body
				slow, slowRejected, slowOK = api.ParseEvents("application/json", []byte("["+tc.body+strings.Repeat(" ", 257<<10)+"]"), start())
			}
			if diff := cmp.Diff(slow, events); diff != "" || rejected != slowRejected || !ok || !slowOK || rejected != tc.rejected {
				t.Errorf("%d rejected at once, %d one by one (-one by one +at once):\n%s", rejected, slowRejected, diff)
			}
		})
	}
}

func TestEventsAreIdempotent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	batch := []object{cloudEvent("1", nil), cloudEvent("1", nil), cloudEvent("2", nil)}
	var first, second api.EventResults
	w.events("application/cloudevents-batch+json", batch).want(200, &first)
	w.events("application/cloudevents-batch+json", batch).want(200, &second)
	if first.Accepted != 2 || first.Duplicate != 1 || second.Duplicate != 3 {
		t.Errorf("got %+v, then %+v", first, second)
	}
	for i := range second.Results {
		if second.Results[i].Event != first.Results[i].Event {
			t.Errorf("the answer to item %d names %s, then %s", i, first.Results[i].Event, second.Results[i].Event)
		}
	}

	header := http.Header{"Authorization": {"Bearer " + w.admin}, "Idempotency-Key": {"upload-7"}}
	body := []byte(`[{"type":"page.viewed","candidate":"A"},{"type":"page.viewed","candidate":"A"}]`)
	w.send(http.MethodPost, "/v1/events", header, body).want(200, &first)
	w.send(http.MethodPost, "/v1/events", header, body).want(200, &second)
	if first.Accepted != 2 || second.Duplicate != 2 || first.Results[1].ID != "upload-7/1" {
		t.Errorf("got %+v, then %+v", first, second)
	}
	header.Del("Idempotency-Key")
	w.send(http.MethodPost, "/v1/events", header, body).want(200, &first)
	if first.Accepted != 2 || first.Results[0].ID == "" || first.Results[0].ID == first.Results[1].ID {
		t.Errorf("without an id: %+v", first)
	}
}

func TestEventsAreRejectedOneByOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	simple := func(change object) object {
		e := object{"type": "page.viewed", "candidate": "A"}
		maps.Copy(e, change)
		return e
	}
	deep := any("x")
	for range 40 {
		deep = []any{deep}
	}
	for name, tc := range map[string]struct {
		item any
		code string
		says string
	}{
		"not an object":        {5, "invalid", "JSON object"},
		"null":                 {nil, "invalid", "JSON object"},
		"id is a number":       {simple(object{"id": 7}), "invalid", "JSON object with text"},
		"misspelt field":       {simple(object{"times": "x"}), "invalid", "Did you mean time?"},
		"misspelt type":        {simple(object{"type": "aplication.submited"}), "unknown_type", "Did you mean application.submitted?"},
		"control event":        {simple(object{"type": "enrollment.stopped"}), "unknown_type", "no event type"},
		"no type":              {object{"candidate": "A"}, "invalid", "type is missing"},
		"no subject":           {object{"type": "page.viewed"}, "invalid", "subject is missing"},
		"reserved source":      {simple(object{"source": "rapport/control"}), "forbidden", "Rapport's own"},
		"bad time":             {simple(object{"time": "yesterday"}), "invalid", "RFC 3339"},
		"in the future":        {simple(object{"time": "2026-11-06T10:06:00Z"}), "invalid", "future"},
		"text for a number":    {simple(object{"data": object{"seconds": "5"}}), "invalid", "data.seconds must be a whole number"},
		"part of a number":     {simple(object{"data": object{"seconds": 1.5}}), "invalid", "whole number"},
		"number for a text":    {simple(object{"data": object{"url": 1}}), "invalid", "data.url must be text"},
		"a manager by name":    {simple(object{"type": "application.submitted", "data": object{"application": "R-1", "hiring_manager": "Maya Shah"}}), "invalid", "email address"},
		"data is a list":       {simple(object{"data": []int{1}}), "invalid", "not a JSON object"},
		"NUL in data":          {simple(object{"data": object{"x": "a\x00b"}}), "invalid", "NUL"},
		"NUL in a name":        {simple(object{"data": object{"x": object{"a\x00b": 1}}}), "invalid", "NUL"},
		"NUL in the id":        {simple(object{"id": "a\x00"}), "invalid", "NUL"},
		"too deep":             {simple(object{"data": object{"x": deep}}), "invalid", "nested"},
		"too long an id":       {simple(object{"id": strings.Repeat("x", 600)}), "invalid", "longer"},
		"too large":            {simple(object{"data": object{"x": strings.Repeat("x", 300<<10)}}), "too_large", "256 kB"},
		"other specversion":    {cloudEvent("x", object{"specversion": "0.3"}), "invalid", "specversion must be 1.0"},
		"CloudEvent, no id":    {cloudEvent("x", object{"id": nil}), "invalid", "id is missing"},
		"CloudEvent, source":   {cloudEvent("x", object{"source": nil}), "invalid", "source is missing"},
		"CloudEvent, binary":   {cloudEvent("x", object{"data_base64": "AA=="}), "invalid", "data_base64"},
		"CloudEvent, a number": {cloudEvent("x", object{"data": json.RawMessage(`{"seconds":1e999}`)}), "invalid", "usual range"},
		"CloudEvent, XML":      {cloudEvent("x", object{"datacontenttype": "text/xml"}), "invalid", "must be JSON"},
		"time is of a kind":    {simple(object{"type": "offer.extended", "data": object{"start_date": "soon"}}), "invalid", "a time like"},
		"list is of a kind":    {simple(object{"type": "role.opened", "data": object{"skills": []any{1}}}), "invalid", "a list of texts"},
		"map is of a kind":     {simple(object{"type": "survey.answered", "data": object{"answers": "x"}}), "invalid", "an object"},
		"boolean is of a kind": {simple(object{"type": "message.bounced", "data": object{"hard": "yes"}}), "invalid", "true or false"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			good := simple(object{"id": "good " + name})
			var got api.EventResults
			a := w.events("application/json", []any{tc.item, good})
			a.t = t
			a.want(200, &got)
			if got.Rejected != 1 || got.Accepted != 1 || got.Results[0].Problem == nil {
				t.Fatalf("got %s", a.body)
			}
			if p := got.Results[0].Problem; p.Code != tc.code || !strings.Contains(p.Detail, tc.says) {
				t.Errorf("got %+v, want %s with %q", p, tc.code, tc.says)
			}
		})
	}
}

func TestEventBodiesAreRefusedAsAWhole(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	many := make([]object, api.MaxEvents+1)
	for i := range many {
		many[i] = cloudEvent(strconv.Itoa(i), nil)
	}
	w.events("application/json", many).problem(413, api.CodeTooLarge)
	w.events("text/csv", "x").problem(415, api.CodeMediaType)
	w.events("application/cloudevents+json", []object{cloudEvent("1", nil)}).problem(422, api.CodeInvalid)
	w.events("application/cloudevents-batch+json", cloudEvent("1", nil)).problem(422, api.CodeInvalid)
	for _, text := range []string{`[{"type":`, `{`, `{} {}`, `nope`} {
		if p := w.call(http.MethodPost, "/v1/events", text).problem(400, api.CodeInvalid); !strings.Contains(p.Detail, "not JSON") {
			t.Errorf("%q: %s", text, p.Detail)
		}
	}
	w.call(http.MethodPost, "/v1/events", "").problem(400, api.CodeInvalid)
}

func TestEventsReachTheTimeline(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.events("application/json", object{"type": "page.viewed", "candidate": "ATS-9", "id": "1", "time": "2026-11-05T08:00:00+01:00", "data": object{"url": "https://x.example", "referrer": nil}}).want(200, nil)
	w.call(http.MethodPost, "/v1/events?record_only=true", object{"type": "page.viewed", "candidate": "ATS-9", "id": "2"}).want(200, nil)
	w.call(http.MethodPut, "/v1/candidates/by-external-id/ATS-9", object{"first_name": "Ann"}).want(200, nil)

	var page api.Page[api.TimelineEntry]
	w.call(http.MethodGet, "/v1/candidates/ATS-9/timeline", nil).want(200, &page)
	var seen []string
	for _, e := range page.Items {
		if e.Kind == store.EntryEvent && e.EventType == "page.viewed" {
			seen = append(seen, e.At.Format(time.RFC3339)+" "+fmt.Sprint(e.Data["url"]))
		}
	}
	want := []string{"2026-11-05T07:00:00Z https://x.example", "2026-11-06T10:00:00Z <nil>"}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Errorf("events that came before their candidate (-want +got):\n%s", diff)
	}
	w.call(http.MethodGet, "/v1/candidates/nobody/timeline", nil).problem(404, api.CodeNotFound)
}
