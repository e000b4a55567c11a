package call_test

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/activities/call"
	"github.com/rapport-crm/rapport/crm"
)

func TestStatus(t *testing.T) {
	t.Parallel()
	for status, retry := range map[int]bool{
		300: false, 304: false, 400: false, 401: false, 403: false, 404: false, 409: false, 410: false, 422: false, 451: false,
		408: true, 425: true, 429: true, 500: true, 501: true, 502: true, 503: true, 504: true, 599: true,
	} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			t.Parallel()
			reason := "status_" + strconv.Itoa(status)
			got, err := call.Answer(status, http.Header{"Retry-After": {"7"}}, "{}")
			if !retry {
				if err != nil || got.Outcome != crm.CallFailed || got.Reason != reason {
					t.Errorf("got %+v %v, want failed %s", got, err, reason)
				}
				return
			}
			var again *crm.CallError
			if !errors.As(err, &again) || again.Reason != reason || again.RetryAfter != 7*time.Second || again.Host != "hooks.example.com" {
				t.Errorf("got %+v %v, want another attempt because of %s in 7 s", got, err, reason)
			}
		})
	}
}

func TestContent(t *testing.T) {
	t.Parallel()
	nested := func(depth int) string { return strings.Repeat(`{"a":[`, depth/2) + strings.Repeat("]}", depth/2) }
	ok := func(result any) crm.CallResult { return crm.CallResult{Outcome: crm.CallOK, Result: result} }
	failed := func(reason string) crm.CallResult { return crm.CallResult{Outcome: crm.CallFailed, Reason: reason} }
	for name, tc := range map[string]struct {
		contentType, body string
		want              crm.CallResult
	}{
		"an object":                  {"application/json", `{"a": [1, "x", null, true]}`, ok(map[string]any{"a": []any{1.0, "x", nil, true}})},
		"with a charset":             {"application/json; charset=utf-8", `"x"`, ok("x")},
		"a kind of JSON":             {"application/problem+json", `[]`, ok([]any{})},
		"null":                       {"application/json", `null`, ok(nil)},
		"nothing":                    {"application/json", "", ok(nil)},
		"a line break":               {"application/json", "\r\n", ok(nil)},
		"text":                       {"text/plain", `{"a": 1}`, ok(nil)},
		"no type":                    {"", `{"a": 1}`, ok(nil)},
		"not JSON":                   {"application/json", "<html>", failed(call.ReasonInvalidJSON)},
		"half of it":                 {"application/json", `{"a": 1`, failed(call.ReasonInvalidJSON)},
		"two of it":                  {"application/json", `{} {}`, failed(call.ReasonInvalidJSON)},
		"a number beyond all":        {"application/json", `1e999`, failed(call.ReasonInvalidJSON)},
		"a NUL":                      {"application/json", `{"a": ["\u0000"]}`, failed(call.ReasonInvalidJSON)},
		"a NUL in a key":             {"application/json", `{"\u0000": 1}`, failed(call.ReasonInvalidJSON)},
		"too deep":                   {"application/json", nested(call.MaxDepth + 2), failed(call.ReasonInvalidJSON)},
		"arrays too deep":            {"application/json", strings.Repeat("[", call.MaxDepth+1) + strings.Repeat("]", call.MaxDepth+1), failed(call.ReasonInvalidJSON)},
		"objects too deep":           {"application/json", strings.Repeat(`{"a":`, call.MaxDepth+1) + "1" + strings.Repeat("}", call.MaxDepth+1), failed(call.ReasonInvalidJSON)},
		"far too deep":               {"application/json", strings.Repeat("[", call.MaxAnswer), failed(call.ReasonInvalidJSON)},
		"as large as may be":         {"application/json", `"` + strings.Repeat("a", call.MaxAnswer-2) + `"`, ok(strings.Repeat("a", call.MaxAnswer-2))},
		"a byte more":                {"application/json", `"` + strings.Repeat("a", call.MaxAnswer-1) + `"`, failed(call.ReasonTooLarge)},
		"a byte more, and not JSON":  {"text/plain", strings.Repeat("a", call.MaxAnswer+1), failed(call.ReasonTooLarge)},
		"blanks up to the limit":     {"application/json", strings.Repeat(" ", call.MaxAnswer), ok(nil)},
		"wide rather than deep":      {"application/json", "[" + strings.Repeat("[],", 10) + "[]]", ok([]any{[]any{}, []any{}, []any{}, []any{}, []any{}, []any{}, []any{}, []any{}, []any{}, []any{}, []any{}})},
		"a type that nobody can use": {";;", `{}`, ok(nil)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := call.Answer(200, http.Header{"Content-Type": {tc.contentType}}, tc.body)
			if diff := cmp.Diff(tc.want, got); diff != "" || err != nil {
				t.Errorf("%v %s", err, diff)
			}
		})
	}
	got, err := call.Answer(201, http.Header{"Content-Type": {"application/json"}}, nested(call.MaxDepth))
	if err != nil || got.Outcome != crm.CallOK || got.Result == nil {
		t.Errorf("as deep as may be: got %+v %v", got, err)
	}
}

// A host that sends without end is not listened to without end.
func TestEndlessAnswer(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		block := make([]byte, 32<<10)
		for r.Context().Err() == nil {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	})
	failure(t, s.client(t, "hooks.example.com"), crm.Call{Method: "GET", URL: "https://hooks.example.com" + s.port(), Key: "k"}, call.ReasonTooLarge)
}
