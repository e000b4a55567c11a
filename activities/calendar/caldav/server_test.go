package caldav_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/activities/calendar"
	"github.com/rapport-crm/rapport/activities/calendar/caldav"
	"github.com/rapport-crm/rapport/activities/calendar/calendartest"
	"github.com/rapport-crm/rapport/activities/calendar/remote"
)

// timesAlone is a server that does not show its events, which Radicale cannot be.
func timesAlone(t *testing.T, _ *radicale) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.Method != "REPORT" || r.Header.Get("Depth") != "1" || !strings.Contains(string(body), "free-busy-query") {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		if !strings.Contains(string(body), `<C:time-range start="20261101T230000Z" end="20261115T230000Z"/>`) {
			t.Errorf("asked for %s", body)
		}
		_, _ = io.WriteString(w, calendartest.Wrap("BEGIN:VFREEBUSY\nDTSTART:20261101T230000Z\nDTEND:20261115T230000Z\n"+
			"FREEBUSY:20261105T090000Z/PT1H,20261106T090000Z/20261106T100000Z\nFREEBUSY;FBTYPE=BUSY-TENTATIVE:20261107T090000Z/PT1H\n"+
			"FREEBUSY;FBTYPE=FREE:20261108T090000Z/PT1H\nEND:VFREEBUSY"))
	}))
	t.Cleanup(server.Close)
	blocks, err := open(t, client(), server.URL).Busy(t.Context(), calendartest.Within("2026-11-02", "2026-11-16"))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"Thu 05 10:00-11:00", "Fri 06 10:00-11:00", "Sat 07 10:00-11:00 tentative"}
	if diff := cmp.Diff(want, calendartest.Show(blocks)); diff != "" {
		t.Error(diff)
	}
}

const multistatus = `<?xml version="1.0"?><d:multistatus xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav">`

// A server as larger ones are: discovery goes from the well-known address over the principal to two homes.
func TestDiscover(t *testing.T) {
	t.Parallel()
	found := func(href, prop string) string {
		return `<d:response><d:href>` + href + `</d:href><d:propstat><d:prop>` + prop + `</d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat>` +
			`<d:propstat><d:prop><d:displayname/></d:prop><d:status>HTTP/1.1 404 Not Found</d:status></d:propstat></d:response>`
	}
	inHome := func(name, extra string) string {
		return found("/cal/"+name+"/", `<d:resourcetype><d:collection/><c:calendar/></d:resourcetype>`+extra)
	}
	answers := map[string]string{
		"/dav/":            found("/dav/", `<d:current-user-principal><d:href>/principals/ada/</d:href></d:current-user-principal>`),
		"/principals/ada/": found("/principals/ada/", `<c:calendar-home-set><d:href>/cal/</d:href></c:calendar-home-set>`),
		"/cal/": found("/cal/", `<d:resourcetype><d:collection/></d:resourcetype>`) +
			inHome("work", `<d:displayname> Work &amp; more </d:displayname><c:supported-calendar-component-set><c:comp name="VTODO"/><c:comp name="VEVENT"/></c:supported-calendar-component-set>`) +
			inHome("tasks", `<c:supported-calendar-component-set><c:comp name="VTODO"/></c:supported-calendar-component-set>`) +
			inHome("holidays", `<d:current-user-privilege-set><d:privilege><d:read/></d:privilege></d:current-user-privilege-set>`),
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); r.Method != "PROPFIND" || user != "ada" || password != "hush-hush" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if r.URL.Path == "/.well-known/caldav" {
			http.Redirect(w, r, "/dav/", http.StatusMovedPermanently)
			return
		}
		body, ok := answers[r.URL.Path]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		w.WriteHeader(http.StatusMultiStatus)
		_, _ = io.WriteString(w, multistatus+body+`</d:multistatus>`)
	}))
	t.Cleanup(server.Close)
	got, err := caldav.Discover(t.Context(), client(), server.URL+"/some/page", ada())
	if err != nil {
		t.Fatal(err)
	}
	want := []caldav.Found{{URL: server.URL + "/cal/holidays/", ReadOnly: true}, {URL: server.URL + "/cal/work/", Name: "Work & more"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// What a server cannot make us do.
func TestRefused(t *testing.T) {
	t.Parallel()
	stranger := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("asked for %s with %q", r.URL, r.Header.Get("Authorization"))
	}))
	t.Cleanup(stranger.Close)
	for name, tc := range map[string]struct {
		answer http.HandlerFunc
		kind   calendar.Kind
		code   string
	}{
		"a redirect to another host": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, stranger.URL, http.StatusTemporaryRedirect)
		}, calendar.Refused, "other_host"},
		"a redirect in circles": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusTemporaryRedirect) }, calendar.Gone, "no_caldav"},
		"a principal of another host": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusMultiStatus)
			_, _ = io.WriteString(w, multistatus+`<d:response><d:href>/</d:href><d:propstat><d:prop><d:current-user-principal><d:href>`+stranger.URL+
				`/</d:href></d:current-user-principal></d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response></d:multistatus>`)
		}, calendar.Refused, "other_host"},
		"a web page": {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>Secret</html>") }, calendar.Gone, "no_caldav"},
		"an answer without end": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusMultiStatus)
			for range remote.MaxBody >> 16 {
				_, _ = w.Write(make([]byte, 1<<16+1))
			}
		}, calendar.Gone, "no_caldav"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(tc.answer)
			t.Cleanup(server.Close)
			_, err := caldav.Discover(t.Context(), client(), server.URL, ada())
			wants(t, err, tc.kind, tc.code)
		})
	}
	for address, code := range map[string]string{
		"http://cal.example.com/": "bad_scheme", "https://ada:x@cal.example.com/": "bad_url", "file:///etc/passwd": "bad_url", "https://127.0.0.1:1/": "private_address",
		"https://169.254.169.254/": "private_address", "cal.example.com": "bad_url",
	} {
		_, err := caldav.Discover(t.Context(), remote.New(remote.Config{}), address, ada())
		wants(t, err, calendar.Refused, code)
	}
}

// The password goes where a server says its calendars are, but not to somebody else.
func TestSite(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		base, href string
		ok         bool
	}{
		"a path":                     {"https://caldav.icloud.com/", "/123/calendars/", true},
		"another machine":            {"https://caldav.icloud.com/", "https://p01-caldav.icloud.com/123/", true},
		"another site":               {"https://caldav.icloud.com/", "https://icloud.com.example.net/", false},
		"a neighbour at a registry":  {"https://ada.co.uk/", "https://bo.co.uk/", false},
		"a neighbour at a host":      {"https://ada.github.io/", "https://bo.github.io/", false},
		"plain HTTP":                 {"https://cal.example.com/", "http://cal.example.com/", false},
		"another port":               {"https://cal.example.com/", "https://cal.example.com:8443/", false},
		"a neighbour in the network": {"https://10.0.0.1/", "https://10.1.0.1/", false},
		"with a user":                {"https://cal.example.com/", "https://x@cal.example.com/", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, err := caldav.Resolve(tc.base, tc.href); (err == nil) != tc.ok {
				t.Errorf("got %q %v", got, err)
			}
		})
	}
}
