package call_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/activities/call"
	"github.com/rapport-crm/rapport/crm"
)

func TestRequest(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		call crm.Call
		want request
	}{
		"a body, a secret and a header": {
			crm.Call{Method: "post", Body: `{"a":1}`, Secret: "ats", Headers: map[string]string{"x-team": "talent"}},
			request{Method: "POST", Body: `{"a":1}`, Header: http.Header{
				"Authorization": {"Bearer hush-hush"}, "Content-Type": {"application/json"}, "Content-Length": {"7"}, "X-Team": {"talent"},
			}},
		},
		"nothing but the address": {crm.Call{Method: "GET"}, request{Method: "GET", Header: http.Header{}}},
		"its own content type": {
			crm.Call{Method: "PATCH", Body: "[]", Headers: map[string]string{"content-type": "application/json-patch+json", "Accept": "application/hal+json"}},
			request{Method: "PATCH", Body: "[]", Header: http.Header{
				"Content-Type": {"application/json-patch+json"}, "Content-Length": {"2"}, "Accept": {"application/hal+json"},
			}},
		},
		"a POST without a body": {crm.Call{Method: "POST"}, request{Method: "POST", Header: http.Header{"Content-Length": {"0"}}}},
		"DELETE":                {crm.Call{Method: "DELETE"}, request{Method: "DELETE", Header: http.Header{}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				_, _ = w.Write([]byte(`{"id": 7, "tags": ["a"]}`))
			})
			tc.call.URL, tc.call.Key = "https://hooks.example.com"+s.port()+"/in?x=1", "enr_1:4"
			got, err := s.client(t, "hooks.example.com").Do(t.Context(), tc.call)
			want := crm.CallResult{Outcome: "ok", Result: map[string]any{"id": 7.0, "tags": []any{"a"}}}
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("result: %v %s", err, diff)
			}
			tc.want.Host, tc.want.URI = "hooks.example.com"+s.port(), "/in?x=1"
			tc.want.Header["User-Agent"], tc.want.Header["Idempotency-Key"] = []string{"Rapport"}, []string{"enr_1:4"}
			if tc.want.Header["Accept"] == nil {
				tc.want.Header["Accept"] = []string{"application/json"}
			}
			if diff := cmp.Diff([]request{tc.want}, s.asked()); diff != "" {
				t.Errorf("request: %s", diff)
			}
		})
	}
}

func TestHTTP2(t *testing.T) {
	t.Parallel()
	s := &server{Server: httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, "%q", r.Proto+" "+r.Header.Get("Authorization")+" "+r.Header.Get("Idempotency-Key"))
	}))}
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	got, err := s.client(t, "hooks.example.com").Do(t.Context(), crm.Call{
		Method: "POST", URL: "https://hooks.example.com" + s.port(), Body: "{}", Secret: "ats", Key: "k",
	})
	if err != nil || got.Result != "HTTP/2.0 Bearer hush-hush k" {
		t.Errorf("got %+v %v", got, err)
	}
}

func TestRefusedBeforeItIsAsked(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(http.ResponseWriter, *http.Request) {})
	client := s.client(t, "hooks.example.com")
	headers := func(pairs ...string) map[string]string {
		m := map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i]] = pairs[i+1]
		}
		return m
	}
	for name, tc := range map[string]struct {
		change crm.Call
		reason string
	}{
		"another host":        {crm.Call{URL: "https://www.example.com" + s.port()}, call.ReasonHostNotAllowed},
		"another port":        {crm.Call{URL: "https://hooks.example.com"}, call.ReasonHostNotAllowed},
		"plain HTTP":          {crm.Call{URL: "http://hooks.example.com" + s.port()}, call.ReasonBadScheme},
		"not an address":      {crm.Call{URL: "https://hooks.example.com/%zz\x7f"}, call.ReasonBadURL},
		"CONNECT":             {crm.Call{Method: "CONNECT"}, call.ReasonBadMethod},
		"two requests in one": {crm.Call{Method: "GET / HTTP/1.1\r\n"}, call.ReasonBadMethod},
		"an unknown secret":   {crm.Call{Secret: "ATS"}, call.ReasonNoSecret},
		"a key in two lines":  {crm.Call{Key: "a\nb"}, call.ReasonBadKey},
		"Authorization":       {crm.Call{Headers: headers("authorization", "Basic eA==")}, call.ReasonBadHeader},
		"Host":                {crm.Call{Headers: headers("host", "x.example")}, call.ReasonBadHeader},
		"Content-Length":      {crm.Call{Headers: headers("content-length", "0")}, call.ReasonBadHeader},
		"Transfer-Encoding":   {crm.Call{Headers: headers("TRANSFER-ENCODING", "chunked")}, call.ReasonBadHeader},
		"Connection":          {crm.Call{Headers: headers("Connection", "close, Idempotency-Key")}, call.ReasonBadHeader},
		"Proxy-Authorization": {crm.Call{Headers: headers("proxy-authorization", "x")}, call.ReasonBadHeader},
		"Cookie":              {crm.Call{Headers: headers("Cookie", "a=b")}, call.ReasonBadHeader},
		"its own key":         {crm.Call{Headers: headers("Idempotency-Key", "k")}, call.ReasonBadHeader},
		"a header's name":     {crm.Call{Headers: headers("X Team", "talent")}, call.ReasonBadHeader},
		"a header's value":    {crm.Call{Headers: headers("X-Team", "talent\r\nX-Other: y")}, call.ReasonBadHeader},
		"a header twice":      {crm.Call{Headers: headers("X-Team", "", "x-team", "")}, call.ReasonBadHeader},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := crm.Call{Method: "POST", URL: "https://hooks.example.com" + s.port(), Key: "k"}
			if tc.change.URL != "" {
				r.URL = tc.change.URL
			}
			if tc.change.Method != "" {
				r.Method = tc.change.Method
			}
			if tc.change.Key != "" {
				r.Key = tc.change.Key
			}
			r.Secret, r.Headers = tc.change.Secret, tc.change.Headers
			failure(t, client, r, tc.reason)
		})
	}
	t.Run("no key", func(t *testing.T) {
		t.Parallel()
		failure(t, client, crm.Call{Method: "GET", URL: "https://hooks.example.com" + s.port()}, call.ReasonBadKey)
	})
	t.Cleanup(func() {
		if n := len(s.asked()); n != 0 {
			t.Errorf("the server was asked %d times", n)
		}
	})
}

func TestPrivateAddress(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(http.ResponseWriter, *http.Request) {})
	get := crm.Call{Method: "GET", URL: "https://hooks.example.com" + s.port(), Key: "k"}
	t.Run("a listed name at a private address", func(t *testing.T) {
		t.Parallel()
		client := call.New(call.Config{
			Hosts: []string{"hooks.example.com" + s.port()}, RootCAs: s.roots(),
			Resolver: resolver(t, func(string, int) string { return "127.0.0.1" }),
		})
		failure(t, client, get, call.ReasonPrivateAddress)
	})
	t.Run("a listed private address", func(t *testing.T) {
		t.Parallel()
		client := call.New(call.Config{Hosts: []string{"127.0.0.1" + s.port()}, RootCAs: s.roots()})
		failure(t, client, crm.Call{Method: "GET", URL: s.URL, Key: "k"}, call.ReasonPrivateAddress)
	})
	t.Run("public when looked up, private when connected to", func(t *testing.T) {
		t.Parallel()
		names := resolver(t, func(_ string, n int) string {
			if n == 1 {
				return "93.184.215.14"
			}
			return "127.0.0.1"
		})
		client := call.New(call.Config{Hosts: []string{"hooks.example.com" + s.port()}, RootCAs: s.roots(), Resolver: names})
		checked, err := names.LookupNetIP(t.Context(), "ip4", "hooks.example.com")
		if err != nil || len(checked) != 1 || !call.Permits(false, checked[0].String()) {
			t.Fatalf("look up: %v %v, want a public address", checked, err)
		}
		failure(t, client, get, call.ReasonPrivateAddress)
	})
	t.Cleanup(func() {
		if n := len(s.asked()); n != 0 {
			t.Errorf("the server was asked %d times", n)
		}
	})
}

// A name that answered once may be somewhere else the next time.
func TestPrivateAddressLater(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Connection", "close") })
	names := resolver(t, func(_ string, n int) string { return fmt.Sprintf("127.0.0.%d", n) })
	client := call.New(call.Config{Hosts: []string{"hooks.example.com" + s.port()}, RootCAs: s.roots(), Resolver: names})
	client.Spare(s.Listener.Addr()) // 127.0.0.1 only
	get := crm.Call{Method: "GET", URL: "https://hooks.example.com" + s.port(), Key: "k"}
	if got, err := client.Do(t.Context(), get); err != nil || got.Outcome != crm.CallOK {
		t.Fatalf("first: got %+v %v", got, err)
	}
	failure(t, client, get, call.ReasonPrivateAddress)
}

func TestAllowPrivate(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(s.Close)
	client := call.New(call.Config{Hosts: []string{strings.TrimPrefix(s.URL, "http://"), "169.254.169.254", "localhost"}, AllowPrivate: true})
	got, err := client.Do(t.Context(), crm.Call{Method: "HEAD", URL: s.URL, Key: "k"})
	if err != nil || got.Outcome != crm.CallOK {
		t.Errorf("loopback over HTTP: got %+v %v", got, err)
	}
	failure(t, client, crm.Call{Method: "GET", URL: "http://169.254.169.254/latest/meta-data/", Key: "k"}, call.ReasonPrivateAddress)
	failure(t, client, crm.Call{Method: "GET", URL: "http://127.0.0.1/", Key: "k"}, call.ReasonHostNotAllowed)
}

func TestTrouble(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/slow":
			<-r.Context().Done()
		case "/slow-body":
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(`{"a":`))
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		case "/cut":
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte(`{"a":`))
		case "/nothing":
			panic(http.ErrAbortHandler)
		}
	})
	old := httptest.NewUnstartedServer(http.NotFoundHandler())
	old.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	old.Config.ErrorLog = s.Config.ErrorLog
	old.StartTLS()
	t.Cleanup(old.Close)
	gone := httptest.NewServer(nil)
	gone.Close()
	_, gonePort, _ := strings.Cut(gone.Listener.Addr().String(), ":")

	config := call.Config{
		Hosts:   []string{"*.example.com" + s.port(), "hooks.example.org" + s.port(), "127.0.0.1:" + gonePort, strings.TrimPrefix(old.URL, "https://")},
		RootCAs: s.roots(), AllowPrivate: true,
		Resolver: resolver(t, func(name string, _ int) string {
			return map[string]string{"hooks.example.com": "127.0.0.1", "hooks.example.org": "127.0.0.1"}[name]
		}),
	}
	hooks := "https://hooks.example.com" + s.port()
	for name, tc := range map[string]struct{ url, reason string }{
		"no answer":             {hooks + "/slow", call.ReasonTimeout},
		"half an answer":        {hooks + "/slow-body", call.ReasonTimeout},
		"an answer cut short":   {hooks + "/cut", call.ReasonConnection},
		"the line went dead":    {hooks + "/nothing", call.ReasonConnection},
		"nobody there":          {"https://127.0.0.1:" + gonePort, call.ReasonConnection},
		"no such name":          {"https://nowhere.example.com" + s.port(), call.ReasonDNS},
		"another's certificate": {"https://hooks.example.org" + s.port(), call.ReasonCertificate},
		"TLS 1.1":               {old.URL, call.ReasonConnection},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config, began := config, time.Now()
			if tc.reason == call.ReasonTimeout {
				config.Timeout = 300 * time.Millisecond
			}
			got, err := call.New(config).Do(t.Context(), crm.Call{Method: "POST", URL: tc.url, Key: "k"})
			var retry *crm.CallError
			if !errors.As(err, &retry) || retry.Reason != tc.reason || got.Outcome != "" {
				t.Fatalf("got %+v %v, want another attempt because of %s", got, err, tc.reason)
			}
			if last := retry.Result(); last.Outcome != crm.CallFailed || last.Reason != tc.reason {
				t.Errorf("the last attempt's result is %+v", last)
			}
			if took := time.Since(began); took > call.DefaultTimeout/2 {
				t.Errorf("it took %s", took)
			}
		})
	}
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	s := newServer(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	_, err := s.client(t, "hooks.example.com").Do(ctx, crm.Call{Method: "GET", URL: "https://hooks.example.com" + s.port(), Key: "k"})
	var retry *crm.CallError
	if !errors.Is(err, context.Canceled) || errors.As(err, &retry) {
		t.Errorf("got %v, want the context's error", err)
	}
}

// No error says what must not be said, whatever a host sends back.
func TestNothingIsTold(t *testing.T) {
	t.Parallel()
	const said = "hush-hush secret-body secret-query"
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		raw := func(answer string) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Errorf("hijack: %v", err)
				return
			}
			_, _ = conn.Write([]byte(answer))
			_ = conn.Close()
		}
		switch r.URL.Path {
		case "/status":
			http.Error(w, said, http.StatusInternalServerError)
		case "/refused":
			http.Error(w, said, http.StatusBadRequest)
		case "/broken":
			raw("HTTP/1.1 " + said + "\r\n\r\n")
		case "/broken-header":
			raw("HTTP/1.1 200 OK\r\n" + said + "\r\n\r\n")
		case "/broken-length":
			raw("HTTP/1.1 200 OK\r\nContent-Length: " + said + "\r\n\r\n")
		case "/redirect":
			w.Header().Set("Location", "https://"+strings.ReplaceAll(said, " ", "-")+":x/")
			w.WriteHeader(http.StatusFound)
		case "/elsewhere":
			w.Header().Set("Location", "https://www.example.com/?"+strings.ReplaceAll(said, " ", "-"))
			w.WriteHeader(http.StatusTemporaryRedirect)
		case "/json":
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(said))
		case "/dead":
			panic(http.ErrAbortHandler)
		}
	})
	client := s.client(t, "hooks.example.com")
	for _, path := range []string{
		"/status", "/refused", "/broken", "/broken-header", "/broken-length", "/redirect", "/elsewhere", "/json", "/dead", "/%zz", "/\x00",
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			got, err := client.Do(t.Context(), crm.Call{
				Method: "POST", URL: "https://hooks.example.com" + s.port() + path + "?secret-query", Body: `"secret-body"`, Secret: "ats", Key: "k",
			})
			if err == nil && got.Outcome != crm.CallFailed {
				t.Fatalf("got %+v, want a failure", got)
			}
			for cause := err; cause != nil; cause = errors.Unwrap(cause) {
				got.Reason += fmt.Sprintf("%v %+v %#v", cause, cause, cause)
			}
			for word := range strings.FieldsSeq(said) {
				if strings.Contains(got.Reason, word) {
					t.Errorf("%s is in: %s", word, got.Reason)
				}
			}
		})
	}
}
