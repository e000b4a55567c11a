package sandbox_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sendgrid/sendgrid-go/helpers/eventwebhook"
	"github.com/stretchr/testify/require"
	"github.com/twilio/twilio-go/client"

	"github.com/rapport-crm/rapport/deploy/embedded/postgres/postgrestest"
	"github.com/rapport-crm/rapport/deploy/embedded/sandbox"
)

const (
	apiKey     = "SG.sandbox-key"
	accountSID = "AC0123456789abcdef0123456789abcdef"
	authToken  = "0123456789abcdef0123456789abcdef"
	atsSecret  = "whsec_dGhlIHNhbmRib3gncyBhdHMgaGFzIGEga2V5IG9mIGl0cyBvd24="
	ourNumber  = "+4915799990000"
	herNumber  = "+4915112345678"
	patience   = 15 * time.Second
)

func TestMain(m *testing.M) { os.Exit(postgrestest.Run(m)) }

// testBundle is a sandbox with a receiver for its webhooks.
type testBundle struct {
	sandbox  *sandbox.Sandbox
	server   *httptest.Server
	receiver *receiver
	config   sandbox.Config
}

// setup starts a sandbox on a fresh database, without posting webhooks yet.
func setup(tb testing.TB) *testBundle {
	tb.Helper()
	b := &testBundle{receiver: newReceiver(tb)}
	key, err := sandbox.GenerateKey()
	require.NoError(tb, err)
	b.config = sandbox.Config{
		DSN: postgrestest.New(tb, "sandbox", nil), APIKey: apiKey, AccountSID: accountSID, AuthToken: authToken,
		SMSNumbers: []string{ourNumber}, ATSSecret: atsSecret, WebhookBase: b.receiver.server.URL, Key: key, Logger: slog.New(slog.DiscardHandler),
		Now: scaledNow,
	}
	b.start(tb)
	return b
}

// scaledNow is far from the real time, so that a test sees which clock was used.
func scaledNow() time.Time { return time.Date(2031, 3, 4, 5, 6, 7, 0, time.UTC) }

func (b *testBundle) start(tb testing.TB) {
	tb.Helper()
	var err error
	b.sandbox, err = sandbox.New(tb.Context(), b.config)
	require.NoError(tb, err)
	tb.Cleanup(b.sandbox.Close)
	b.receiver.trust(tb, b.sandbox.PublicKey())
	b.server = httptest.NewServer(b.sandbox.Handler())
	tb.Cleanup(b.server.Close)
}

// run posts webhooks until the test ends or stop is called.
func (b *testBundle) run(t *testing.T) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	box := b.sandbox
	go func() { done <- box.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		require.NoError(t, <-done)
	})
	t.Cleanup(stop)
	return stop
}

// mailBody is a valid request; change edits its JSON.
func mailBody(change func(map[string]any)) []byte {
	mail := map[string]any{
		"personalizations": []any{map[string]any{
			"to":          []any{map[string]any{"email": "ada@example.org", "name": "Ada Lovelace"}},
			"custom_args": map[string]any{"rapport_message": "msg_1"},
		}},
		"from":    map[string]any{"email": "jobs@acme.example", "name": "Acme Jobs"},
		"subject": "Thank you",
		"content": []any{
			map[string]any{"type": "text/plain", "value": "Hello Ada, see https://acme.example/jobs/1."},
			map[string]any{"type": "text/html", "value": `<p>Hello Ada, <a href="https://acme.example/jobs/1">see the role</a></p>`},
		},
		"custom_args": map[string]any{"tenant": "t1"},
		"categories":  []any{"nurture"},
	}
	if change != nil {
		change(mail)
	}
	body, err := json.Marshal(mail)
	if err != nil {
		panic(err)
	}
	return body
}

// answer is what is left of a response whose body has been read.
type answer struct {
	StatusCode int
	Header     http.Header
}

// do sends a request and returns the answer with its body.
func do(t *testing.T, method, target string, header http.Header, body []byte) (answer, []byte) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, target, bytes.NewReader(body))
	require.NoError(t, err)
	if header != nil {
		request.Header = header
	}
	noRedirect := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := noRedirect.Do(request)
	require.NoError(t, err)
	defer func() { require.NoError(t, response.Body.Close()) }()
	data, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return answer{response.StatusCode, response.Header}, data
}

func (b *testBundle) sendMail(t *testing.T, body []byte) (answer, []byte) {
	t.Helper()
	header := http.Header{"Authorization": {"Bearer " + apiKey}, "Content-Type": {"application/json"}}
	return do(t, http.MethodPost, b.server.URL+"/v3/mail/send", header, body)
}

// accepted sends a mail that must be taken and returns what was kept.
func (b *testBundle) accepted(t *testing.T, body []byte) sandbox.Message {
	t.Helper()
	response, data := b.sendMail(t, body)
	require.Equal(t, http.StatusAccepted, response.StatusCode, string(data))
	m, err := b.sandbox.Message(t.Context(), response.Header.Get("X-Message-Id")+".recvd-sandbox-0")
	require.NoError(t, err)
	return m
}

// press submits one of the browser's forms.
func (b *testBundle) press(t *testing.T, path string, form url.Values) answer {
	t.Helper()
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	response, _ := do(t, http.MethodPost, b.server.URL+path, header, []byte(form.Encode()))
	return response
}

func (b *testBundle) page(t *testing.T, path string) string {
	t.Helper()
	response, data := do(t, http.MethodGet, b.server.URL+path, nil, nil)
	require.Equal(t, http.StatusOK, response.StatusCode)
	return string(data)
}

// posted is one webhook as Rapport would see it.
type posted struct {
	path   string
	header http.Header
	body   []byte
	form   url.Values
}

// receiver stands in for Rapport: it checks every signature with the providers' official helpers.
type receiver struct {
	server *httptest.Server

	mu     sync.Mutex
	got    []posted
	status int
	twiml  string // what texts are answered with
	key    string
}

func newReceiver(tb testing.TB) *receiver {
	tb.Helper()
	r := &receiver{status: http.StatusOK}
	r.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.WriteHeader(r.take(tb, req, body))
		if strings.HasSuffix(req.URL.Path, "/twilio/inbound") {
			_, _ = io.WriteString(w, r.twiml)
		}
	}))
	tb.Cleanup(r.server.Close)
	return r
}

func (r *receiver) take(tb testing.TB, req *http.Request, body []byte) int {
	tb.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.status >= 500 {
		return r.status
	}
	p := posted{path: req.URL.RequestURI(), header: req.Header, body: body}
	switch {
	case strings.Contains(req.URL.Path, "sendgrid"):
		if !r.sendGridSigned(req.Header, body) {
			tb.Errorf("%s is not signed as SendGrid signs", p.path)
		}
	case strings.Contains(req.URL.Path, "twilio"):
		validator := client.NewRequestValidator(authToken)
		if !validator.ValidateBody(r.server.URL+p.path, body, req.Header.Get("X-Twilio-Signature")) {
			tb.Errorf("%s is not signed as Twilio signs", p.path)
		}
	}
	if strings.HasPrefix(req.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		p.form, _ = url.ParseQuery(string(body))
	}
	r.got = append(r.got, p)
	return r.status
}

func (r *receiver) sendGridSigned(header http.Header, body []byte) bool {
	key, err := eventwebhook.ConvertPublicKeyBase64ToECDSA(r.key)
	if err != nil {
		return false
	}
	ok, err := eventwebhook.VerifySignature(key, body, header.Get(eventwebhook.VerificationHTTPHeader), header.Get(eventwebhook.TimestampHTTPHeader))
	return err == nil && ok
}

func (r *receiver) trust(tb testing.TB, key string) {
	tb.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.key = key
}

func (r *receiver) answer(status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status = status
}

// all returns what was posted to a path so far.
func (r *receiver) all(path string) []posted {
	r.mu.Lock()
	defer r.mu.Unlock()
	var found []posted
	for _, p := range r.got {
		if p.path == path {
			found = append(found, p)
		}
	}
	return found
}

// events returns SendGrid's events so far, out of their batches.
func (r *receiver) events(t *testing.T) []map[string]any {
	t.Helper()
	var all []map[string]any
	for _, p := range r.all("/webhooks/sendgrid/events") {
		var batch []map[string]any
		require.NoError(t, json.Unmarshal(p.body, &batch))
		all = append(all, batch...)
	}
	return all
}

// event waits for one kind of event.
func (r *receiver) event(t *testing.T, kind string) map[string]any {
	t.Helper()
	var found map[string]any
	eventually(t, func() bool {
		for _, e := range r.events(t) {
			if e["event"] == kind {
				found = e
				return true
			}
		}
		return false
	}, "event "+kind)
	return found
}

// first waits for the first webhook at a path.
func (r *receiver) first(t *testing.T, path string) posted {
	t.Helper()
	var found posted
	eventually(t, func() bool {
		all := r.all(path)
		if len(all) > 0 {
			found = all[0]
		}
		return len(all) > 0
	}, "webhook to "+path)
	return found
}

// eventually waits until holds is true, polling in the test's own goroutine, so that holds may end the test.
func eventually(t *testing.T, holds func() bool, what ...string) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if holds() {
			return
		}
	}
	require.Fail(t, "it did not happen in time", what)
}
