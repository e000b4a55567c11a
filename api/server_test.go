package api_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rapport-crm/rapport/activities/sendgrid"
	"github.com/rapport-crm/rapport/activities/twilio"
	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/deploy/embedded/postgres/postgrestest"
	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/store"
	"github.com/rapport-crm/rapport/store/seal"
)

const (
	publicURL   = "https://rapport.example"
	twilioToken = "0123456789abcdef"
	linkSecret  = "0123456789abcdef0123456789abcdef"
)

// start is when every test begins.
func start() time.Time { return time.Date(2026, 11, 6, 10, 0, 0, 0, time.UTC) }

// world is an API on a database of its own.
type world struct {
	t      *testing.T
	dsn    string
	store  *store.Store
	server *httptest.Server
	hook   *ecdsa.PrivateKey // SendGrid's
	admin  string            // an API key

	closeStore func()

	mu  sync.Mutex
	now time.Time
}

func newWorld(t *testing.T, changes ...func(*api.Config)) *world {
	t.Helper()
	w := &world{t: t, now: start()}
	keys, err := seal.Parse(seal.Make())
	if err != nil {
		t.Fatal(err)
	}
	w.dsn = postgrestest.New(t, "api", store.Migrate)
	if w.store, err = store.Open(t.Context(), w.dsn, store.Options{Now: w.clock, MaxConns: 6, Seal: keys, Receipts: receiptKey(), Holding: (&dsl.Holding{}).Holds}); err != nil {
		t.Fatal(err)
	}
	w.closeStore = sync.OnceFunc(w.store.Close)
	t.Cleanup(w.closeStore)
	if w.hook, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(&w.hook.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	config := api.Config{
		Store: w.store, PublicURL: publicURL, LinkSecret: []byte(linkSecret), CalendarDomain: "rapport.example", Now: w.clock, Registry: prometheus.NewRegistry(),
		SendGrid: &sendgrid.Verifier{PublicKeys: []string{base64.StdEncoding.EncodeToString(public)}, Window: sendgrid.ReplayWindow},
		Twilio:   &twilio.Verifier{AuthToken: twilioToken, PublicURL: publicURL},
		Temporal: func(context.Context) error { return nil }, TemporalUI: "http://localhost:8422",
	}
	for _, change := range changes {
		change(&config)
	}
	w.server = httptest.NewServer(api.New(config))
	t.Cleanup(w.server.Close)
	w.admin = w.key("admin")
	return w
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func (w *world) key(scopes ...string) string {
	w.t.Helper()
	_, secret, err := w.store.CreateKey(w.t.Context(), "test", scopes, w.clock())
	if err != nil {
		w.t.Fatal(err)
	}
	return secret
}

// answer is an answer with its body.
type answer struct {
	t      *testing.T
	status int
	header http.Header
	body   []byte
}

// send sends a request as it is.
func (w *world) send(method, path string, header http.Header, body []byte) answer {
	w.t.Helper()
	request, err := http.NewRequestWithContext(w.t.Context(), method, w.server.URL+path, bytes.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	maps.Copy(request.Header, header)
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(request)
	if err != nil {
		w.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return answer{w.t, response.StatusCode, response.Header, text}
}

// call sends JSON with the admin key. A string is sent as it is.
func (w *world) call(method, path string, body any) answer {
	w.t.Helper()
	return w.callAs(w.admin, method, path, body)
}

func (w *world) callAs(key, method, path string, body any) answer {
	w.t.Helper()
	header := http.Header{"Content-Type": {"application/json"}}
	if key != "" {
		header.Set("Authorization", "Bearer "+key)
	}
	text, ok := body.(string)
	if !ok && body != nil {
		marshalled, err := json.Marshal(body)
		if err != nil {
			w.t.Fatal(err)
		}
		text = string(marshalled)
	}
	return w.send(method, path, header, []byte(text))
}

// want checks the status and reads the body into out, which may be nil.
func (a answer) want(status int, out any) answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("status %d, want %d: %s", a.status, status, a.body)
	}
	if out != nil {
		if err := json.Unmarshal(a.body, out); err != nil {
			a.t.Fatalf("read answer: %v: %s", err, a.body)
		}
	}
	return a
}

// problem checks that the answer is a problem with a code.
func (a answer) problem(status int, code api.Code) api.Problem {
	a.t.Helper()
	var p api.Problem
	a.want(status, &p)
	if p.Code != code || p.Detail == "" || p.Status != status || p.RequestID == "" || a.header.Get("Content-Type") != "application/problem+json" {
		a.t.Errorf("got %s %s, want a problem with status %d and code %s", a.header.Get("Content-Type"), a.body, status, code)
	}
	return p
}

type object = map[string]any

func TestAuthorization(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	writer := w.key("events:write")
	event := object{"type": "page.viewed", "candidate": "A"}
	for name, tc := range map[string]struct {
		header string
		status int
		code   api.Code
	}{
		"no key":        {"", 401, api.CodeUnauthorized},
		"another kind":  {"Basic eDp5", 401, api.CodeUnauthorized},
		"unknown key":   {"Bearer rk_x_y", 401, api.CodeUnauthorized},
		"without scope": {"Bearer " + writer, 403, api.CodeForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			header := http.Header{}
			if tc.header != "" {
				header.Set("Authorization", tc.header)
			}
			a := w.send(http.MethodGet, "/v1/candidates", header, nil)
			a.t = t
			a.problem(tc.status, tc.code)
			if tc.status == 401 && a.header.Get("WWW-Authenticate") == "" {
				t.Error("WWW-Authenticate is missing")
			}
		})
	}
	w.callAs(writer, http.MethodPost, "/v1/events", event).want(200, nil)
	w.callAs(strings.ToUpper(writer), http.MethodPost, "/v1/events", event).problem(401, api.CodeUnauthorized)
}

func TestKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var created api.CreatedKey
	w.call(http.MethodPost, "/v1/keys", object{"name": "ats", "scopes": []string{"candidates:read"}}).want(201, &created)
	w.callAs(created.Secret, http.MethodGet, "/v1/candidates", nil).want(200, nil)
	w.callAs(created.Secret, http.MethodGet, "/v1/keys", nil).problem(403, api.CodeForbidden)
	w.call(http.MethodPost, "/v1/keys", object{"name": "x", "scopes": []string{"everything"}}).problem(422, api.CodeInvalid)

	var list api.KeyList
	w.call(http.MethodGet, "/v1/keys", nil).want(200, &list)
	if len(list.Items) != 2 || strings.Contains(string(w.call(http.MethodGet, "/v1/keys", nil).body), created.Secret) {
		t.Errorf("got %+v", list)
	}
	w.call(http.MethodDelete, "/v1/keys/"+created.ID, nil).want(204, nil)
	w.callAs(created.Secret, http.MethodGet, "/v1/candidates", nil).problem(401, api.CodeUnauthorized)
	w.call(http.MethodDelete, "/v1/keys/key_none", nil).problem(404, api.CodeNotFound)
}

func TestProblems(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.call(http.MethodGet, "/v1/nothing", nil).problem(404, api.CodeNotFound)
	if a := w.call(http.MethodDelete, "/v1/events", nil); !strings.Contains(a.header.Get("Allow"), "POST") {
		t.Errorf("Allow is %q", a.header.Get("Allow"))
	} else {
		a.problem(405, api.CodeMethod)
	}
	w.call(http.MethodPost, "/v1/candidates", `{"email":`).problem(400, api.CodeInvalid)
	w.call(http.MethodGet, "/v1/candidates?limit=0", nil).problem(422, api.CodeInvalid)
	w.call(http.MethodGet, "/v1/candidates?page=2", nil).problem(422, api.CodeInvalid)
	w.call(http.MethodPost, "/v1/keys", `"`+strings.Repeat("x", 2<<20)+`"`).problem(413, api.CodeTooLarge)

	header := http.Header{"X-Request-Id": {"my-request-1"}}
	if p := w.send(http.MethodGet, "/nothing", header, nil).problem(404, api.CodeNotFound); p.RequestID != "my-request-1" {
		t.Errorf("request id is %q", p.RequestID)
	}
	if p := w.send(http.MethodGet, "/nothing", http.Header{"X-Request-Id": {"<script>"}}, nil).problem(404, api.CodeNotFound); p.RequestID == "<script>" {
		t.Error("any request id is taken over")
	}
}

func TestHealthAndMetrics(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var health api.Health
	w.send(http.MethodGet, "/livez", nil, nil).want(200, &health)
	w.send(http.MethodGet, "/readyz", nil, nil).want(200, &health)
	if health.Status != "ok" || health.Parts["database"] != "ok" || health.Parts["temporal"] != "ok" {
		t.Errorf("got %+v", health)
	}
	w.call(http.MethodPost, "/v1/events", object{"type": "page.viewed", "candidate": "A"}).want(200, nil)
	metrics := string(w.send(http.MethodGet, "/metrics", nil, nil).want(200, nil).body)
	for _, line := range []string{
		`rapport_intake_items_total{result="accepted"} 1`, `rapport_http_request_duration_seconds_count{method="POST",route="/v1/events",status="200"} 1`,
		`rapport_queue_length{queue="events"}`,
	} {
		if !strings.Contains(metrics, line) {
			t.Errorf("metrics lack %s", line)
		}
	}
}

func TestStoreIsDown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.call(http.MethodPost, "/v1/events", object{"type": "page.viewed", "candidate": "A"}).want(200, nil) // the key is known from now on
	w.closeStore()
	for path, a := range map[string]answer{
		"/v1/events":                 w.call(http.MethodPost, "/v1/events", []object{{"type": "page.viewed", "candidate": "A"}}),
		"/webhooks/sendgrid/events":  w.sendGrid("/webhooks/sendgrid/events", "application/json", []byte(`[{"event":"bounce","email":"a@example.org","timestamp":1,"sg_event_id":"e"}]`)),
		"/webhooks/sendgrid/inbound": w.mail(map[string]string{"from": "a@example.org", "headers": "Message-ID: <a@x>"}),
		"/webhooks/twilio/status":    w.twilio("/webhooks/twilio/status?message=msg_00000000000000000000000000", object{"MessageSid": "SM1", "MessageStatus": "delivered", "To": "+447700900123"}),
		"/webhooks/twilio/inbound":   w.twilio("/webhooks/twilio/inbound", object{"MessageSid": "SM1", "From": "+447700900123", "Body": "stop"}),
	} {
		a.problem(503, api.CodeUnavailable)
		if a.header.Get("Retry-After") == "" {
			t.Errorf("%s: Retry-After is missing", path)
		}
	}
	var health api.Health
	w.send(http.MethodGet, "/readyz", nil, nil).want(503, &health)
	if health.Parts["database"] != "unavailable" {
		t.Errorf("got %+v", health)
	}
	w.send(http.MethodGet, "/livez", nil, nil).want(200, nil)
}
