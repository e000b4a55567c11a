package call_test

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/activities/call"
	"github.com/rapport-crm/rapport/crm"
)

// redirecting sends /STATUS to location, where it says yes.
func redirecting(location func(port string) string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		status, err := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/"))
		if err != nil {
			return
		}
		_, port, _ := strings.Cut(r.Host, ":")
		w.Header().Set("Location", location(":"+port))
		w.WriteHeader(status)
	}
}

func TestRedirect(t *testing.T) {
	t.Parallel()
	here := func(string) string { return "/next" }
	neighbour := func(port string) string { return "https://other.example.com" + port + "/next" }
	type asked struct{ Method, Host, Body, ContentType, Secret, Header, Key string }
	first := asked{"POST", "hooks.example.com", "{}", "application/vnd.x+json", "Bearer hush-hush", "talent", "k"}
	for name, tc := range map[string]struct {
		method   string
		status   int
		location func(string) string
		want     asked
	}{
		"301 becomes a GET":           {"POST", 301, here, asked{"GET", "hooks.example.com", "", "", "Bearer hush-hush", "talent", "k"}},
		"302 becomes a GET":           {"POST", 302, here, asked{"GET", "hooks.example.com", "", "", "Bearer hush-hush", "talent", "k"}},
		"303 becomes a GET":           {"POST", 303, here, asked{"GET", "hooks.example.com", "", "", "Bearer hush-hush", "talent", "k"}},
		"303 of a HEAD stays one":     {"HEAD", 303, here, asked{"HEAD", "hooks.example.com", "", "", "Bearer hush-hush", "talent", "k"}},
		"307 keeps method and body":   {"POST", 307, here, first},
		"308 keeps method and body":   {"POST", 308, here, first},
		"302 to another host":         {"POST", 302, neighbour, asked{"GET", "other.example.com", "", "", "", "", "k"}},
		"307 to another host":         {"POST", 307, neighbour, asked{"POST", "other.example.com", "{}", "application/vnd.x+json", "", "", "k"}},
		"an address without a scheme": {"POST", 307, func(port string) string { return "//hooks.example.com" + port + "/next" }, first},
		"the same host written otherwise": {
			"POST", 307, func(port string) string { return "https://HOOKS.example.com." + port + "/next" }, first,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, redirecting(tc.location))
			result, err := s.client(t, "*.example.com").Do(t.Context(), crm.Call{
				Method: tc.method, URL: "https://hooks.example.com" + s.port() + "/" + strconv.Itoa(tc.status) + "?q=1", Body: "{}", Secret: "ats", Key: "k",
				Headers: map[string]string{"X-Team": "talent", "Content-Type": "application/vnd.x+json"},
			})
			if err != nil || result.Outcome != crm.CallOK {
				t.Fatalf("got %+v %v", result, err)
			}
			requests := s.asked()
			if len(requests) != 2 {
				t.Fatalf("asked %d times, want 2", len(requests))
			}
			r := requests[1]
			host, _, _ := strings.Cut(r.Host, ":")
			h := r.Header
			got := asked{r.Method, host, r.Body, h.Get("Content-Type"), h.Get("Authorization"), h.Get("X-Team"), h.Get("Idempotency-Key")}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
			if h.Get("Referer") != "" || h.Get("Cookie") != "" {
				t.Errorf("sent along: %v", h)
			}
		})
	}
}

// What was dropped on the way does not come back with the host, and cookies are not kept.
func TestRedirectThereAndBack(t *testing.T) {
	t.Parallel()
	var s *server
	s = newServer(t, func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "x", Secure: true, Domain: "example.com"})
		switch r.URL.Path {
		case "/1":
			http.Redirect(w, r, "https://other.example.com"+s.port()+"/2", http.StatusTemporaryRedirect)
		case "/2":
			http.Redirect(w, r, "https://hooks.example.com"+s.port()+"/3", http.StatusTemporaryRedirect)
		}
	})
	result, err := s.client(t, "*.example.com").Do(t.Context(), crm.Call{
		Method: "POST", URL: "https://hooks.example.com" + s.port() + "/1", Secret: "ats", Key: "k", Headers: map[string]string{"X-Team": "talent"},
	})
	requests := s.asked()
	if err != nil || result.Outcome != crm.CallOK || len(requests) != 3 {
		t.Fatalf("got %+v %v after %d requests", result, err, len(requests))
	}
	for _, r := range requests[1:] {
		if r.Header.Get("Authorization")+r.Header.Get("X-Team")+r.Header.Get("Cookie") != "" {
			t.Errorf("sent to %s: %v", r.URI, r.Header)
		}
	}
}

func TestRedirectRefused(t *testing.T) {
	t.Parallel()
	inside := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { t.Errorf("the inside was asked for %s", r.URL) }))
	t.Cleanup(inside.Close)
	insidePort := ":" + inside.URL[strings.LastIndex(inside.URL, ":")+1:]
	for name, tc := range map[string]struct{ location, reason string }{
		"to a private address":                  {"https://127.0.0.1" + insidePort, call.ReasonPrivateAddress},
		"to a private address in another way":   {"https://[::ffff:7f00:1]" + insidePort, call.ReasonPrivateAddress},
		"to metadata":                           {"https://169.254.169.254/latest/meta-data/", call.ReasonPrivateAddress},
		"to a listed name at a private address": {"https://inside.example.com" + insidePort, call.ReasonPrivateAddress},
		"to a host that is not listed":          {"https://www.example.org/", call.ReasonHostNotAllowed},
		"to another port":                       {"https://hooks.example.com:8443/", call.ReasonHostNotAllowed},
		"to plain HTTP":                         {"http://hooks.example.com/", call.ReasonBadScheme},
		"to a file":                             {"file:///etc/passwd", call.ReasonBadScheme},
		"with a user":                           {"https://u:p@hooks.example.com/", call.ReasonBadURL},
		"to nonsense":                           {"https://[", call.ReasonBadURL},
		"without an address":                    {"", "status_302"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, redirecting(func(string) string { return tc.location }))
			client := call.New(call.Config{
				Hosts:   []string{"hooks.example.com" + s.port(), "127.0.0.1" + insidePort, "169.254.169.254", "inside.example.com" + insidePort},
				RootCAs: s.roots(), Resolver: resolver(t, func(string, int) string { return "127.0.0.1" }),
			})
			client.Spare(s.Listener.Addr())
			failure(t, client, crm.Call{Method: "GET", URL: "https://hooks.example.com" + s.port() + "/302", Key: "k"}, tc.reason)
			if n := len(s.asked()); n != 1 {
				t.Errorf("asked %d times, want once", n)
			}
		})
	}
}

func TestRedirectsWithoutEnd(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		left, _ := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/"))
		if left > 0 {
			http.Redirect(w, r, "/"+strconv.Itoa(left-1), http.StatusFound)
		}
	})
	client, url := s.client(t, "hooks.example.com"), "https://hooks.example.com"+s.port()
	if got, err := client.Do(t.Context(), crm.Call{Method: "GET", URL: url + "/5", Key: "k"}); err != nil || got.Outcome != crm.CallOK {
		t.Errorf("five: got %+v %v", got, err)
	}
	failure(t, client, crm.Call{Method: "GET", URL: url + "/6", Key: "k"}, call.ReasonTooManyRedirects)
}
