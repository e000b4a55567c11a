package call_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/activities/call"
	"github.com/rapport-crm/rapport/crm"
)

const atsKey = "a key of thirty-two bytes, or so"

func atsSecret() string { return "whsec_" + base64.StdEncoding.EncodeToString([]byte(atsKey)) }

// atsClient tells the server, which it takes for a public one. No host is allowed for call steps.
func (s *server) atsClient(t *testing.T, path string) *call.Client {
	t.Helper()
	config := call.Config{
		ATS:     call.ATS{URL: "https://hooks.example.com" + s.port() + path, Secret: atsSecret()},
		RootCAs: s.roots(), Resolver: resolver(t, func(string, int) string { return "127.0.0.1" }),
	}
	if err := config.Check(); err != nil {
		t.Fatal(err)
	}
	client := call.New(config)
	client.SpareATS(s.Listener.Addr())
	return client
}

// signature is computed here by the words of the specification: the HMAC-SHA256 of id, timestamp and body, joined by dots.
func signature(r request) string {
	mac := hmac.New(sha256.New, []byte(atsKey))
	mac.Write([]byte(r.Header.Get("Webhook-Id") + "." + r.Header.Get("Webhook-Timestamp") + "." + r.Body))
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func TestATSIsToldBySignedRequests(t *testing.T) {
	t.Parallel()
	answers := make(chan int, 2)
	answers <- http.StatusServiceUnavailable
	answers <- http.StatusOK
	s := newServer(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(<-answers)
		_, _ = w.Write([]byte(`{"id": 7}`))
	})
	client := s.atsClient(t, "/in?token=t")
	r := crm.Call{ATS: true, Body: `{"type":"application.update","data":{"note":"Größe ' \u003cx\u003e"}}`, Key: "call_1"}
	began := time.Now().Unix()
	_, err := client.Do(t.Context(), r)
	var retry *crm.CallError
	if !errors.As(err, &retry) || retry.Reason != "status_503" {
		t.Fatalf("first attempt: %v, want another one", err)
	}
	got, err := client.Do(t.Context(), r)
	want := crm.CallResult{Outcome: crm.CallOK, Result: map[string]any{"id": 7.0}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("second attempt: %v %s", err, diff)
	}
	asked := s.asked()
	if len(asked) != 2 {
		t.Fatalf("asked %d times", len(asked))
	}
	for i, a := range asked {
		sent, err := strconv.ParseInt(a.Header.Get("Webhook-Timestamp"), 10, 64)
		if err != nil || sent < began || sent > time.Now().Unix() {
			t.Errorf("attempt %d: sent at %q", i+1, a.Header.Get("Webhook-Timestamp"))
		}
		if got := a.Header.Get("Webhook-Signature"); got != signature(a) {
			t.Errorf("attempt %d: signed %q, want %q", i+1, got, signature(a))
		}
		if a.Header.Get("Webhook-Id") != "call_1" || a.Header.Get("Idempotency-Key") != "call_1" {
			t.Errorf("attempt %d: headers %v", i+1, a.Header)
		}
		if a.Method != http.MethodPost || a.URI != "/in?token=t" || a.Body != r.Body || a.Header.Get("Content-Type") != "application/json" {
			t.Errorf("attempt %d: %s %s %s", i+1, a.Method, a.URI, a.Body)
		}
	}
}

func TestATSFails(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		status, err := strconv.Atoi(strings.Trim(r.URL.Path, "/"))
		if err != nil {
			status = http.StatusOK
		}
		w.Header().Set("Location", "/moved")
		w.WriteHeader(status)
	})
	tell := crm.Call{ATS: true, Body: "{}", Key: "k"}
	for _, status := range []string{"301", "303", "307", "308", "400", "410"} {
		t.Run(status, func(t *testing.T) {
			t.Parallel()
			failure(t, s.atsClient(t, "/"+status), tell, "status_"+status)
		})
	}
	t.Run("there is none", func(t *testing.T) {
		t.Parallel()
		failure(t, call.New(call.Config{}), tell, call.ReasonNoATS)
	})
	t.Run("what it is told says where it goes", func(t *testing.T) {
		t.Parallel()
		got, err := s.atsClient(t, "/").Do(t.Context(), crm.Call{
			ATS: true, Body: "{}", Key: "k", Method: "DELETE", URL: "https://www.example.com/", Secret: "x", Headers: map[string]string{"Webhook-Id": "other"},
		})
		if err != nil || got.Outcome != crm.CallOK {
			t.Errorf("got %+v %v", got, err)
		}
	})
	t.Run("a call step cannot go there", func(t *testing.T) {
		t.Parallel()
		failure(t, s.atsClient(t, "/"), crm.Call{Method: "POST", URL: "https://hooks.example.com" + s.port(), Key: "k"}, call.ReasonHostNotAllowed)
	})
	t.Cleanup(func() {
		for _, a := range s.asked() {
			if a.URI == "/moved" || a.Method != http.MethodPost || a.Header.Get("Webhook-Id") != "k" {
				t.Errorf("asked %+v", a)
			}
		}
	})
}

func TestATSAtPrivateAddress(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(s.Close)
	tell := crm.Call{ATS: true, Body: "{}", Key: "k"}
	config := call.Config{ATS: call.ATS{URL: s.URL, Secret: atsSecret(), Private: true}, Hosts: []string{strings.TrimPrefix(s.URL, "http://")}}
	client := call.New(config)
	if got, err := client.Do(t.Context(), tell); err != nil || got.Outcome != crm.CallOK {
		t.Errorf("where it may be: got %+v %v", got, err)
	}
	failure(t, client, crm.Call{Method: "GET", URL: s.URL, Key: "k"}, call.ReasonBadScheme)
	config.ATS.URL, config.ATS.Private = strings.Replace(s.URL, "http:", "https:", 1), false
	failure(t, call.New(config), tell, call.ReasonPrivateAddress)
}

func TestCheckATS(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		ats call.ATS
		bad string // what the error says; "": there is none
	}{
		"none, with a secret":  {call.ATS{Secret: "anything"}, ""},
		"good":                 {call.ATS{URL: "https://hooks.example.com:8443/in?token=t", Secret: atsSecret()}, ""},
		"an IPv6 address":      {call.ATS{URL: "https://[2606:2800:21f::1]:8443/in", Secret: atsSecret()}, ""},
		"plain HTTP":           {call.ATS{URL: "http://hooks.example.com/in?token=t", Secret: atsSecret()}, "https://"},
		"plain HTTP, private":  {call.ATS{URL: "http://10.0.0.7/in", Secret: atsSecret(), Private: true}, ""},
		"no host":              {call.ATS{URL: "hooks.example.com/in?token=t", Secret: atsSecret()}, "not an address of the web"},
		"not an address":       {call.ATS{URL: "https://hooks.example.com/%zz?token=t", Secret: atsSecret()}, "not an address of the web"},
		"a password in it":     {call.ATS{URL: "https://u:token@hooks.example.com/in", Secret: atsSecret()}, call.ReasonBadURL},
		"a host with a star":   {call.ATS{URL: "https://*.example.com/in?token=t", Secret: atsSecret()}, "read address"},
		"a port out of range":  {call.ATS{URL: "https://hooks.example.com:70000/in?token=t", Secret: atsSecret()}, "read address"},
		"no secret":            {call.ATS{URL: "https://hooks.example.com/in?token=t"}, "24 to 64 bytes"},
		"without its prefix":   {call.ATS{URL: "https://hooks.example.com/", Secret: strings.TrimPrefix(atsSecret(), "whsec_")}, "24 to 64 bytes"},
		"not base64":           {call.ATS{URL: "https://hooks.example.com/", Secret: "whsec_token token"}, "24 to 64 bytes"},
		"a secret of 23 bytes": {call.ATS{URL: "https://hooks.example.com/", Secret: "whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 23))}, "24 to 64 bytes"},
		"a secret of 65 bytes": {call.ATS{URL: "https://hooks.example.com/", Secret: "whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 65))}, "24 to 64 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := call.Config{ATS: tc.ats}
			err := config.Check()
			if tc.bad == "" {
				if err != nil {
					t.Errorf("got %v", err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tc.bad) || strings.Contains(err.Error(), "token") {
				t.Errorf("got %v, want %q and no token", err, tc.bad)
			}
			failure(t, call.New(config), crm.Call{ATS: true, Body: "{}", Key: "k"}, call.ReasonNoATS)
		})
	}
}
