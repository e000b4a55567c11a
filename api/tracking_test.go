package api_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/crm"
)

const (
	browser = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"
	theatre = "https://careers.trust.example/theatre?a=1&b=2#c"
)

// tracks publishes a workspace.
func (w *world) tracks(source string) {
	w.t.Helper()
	doc := crm.Document{Kind: "workspace", Name: "north-trust", Hash: source, Source: "workspace: north-trust\n" + source}
	if _, err := w.store.ApplyDefinitions(w.t.Context(), []crm.Document{doc}, w.clock()); err != nil {
		w.t.Fatal(err)
	}
}

const onConsent = "purposes: {talent-community: {basis: consent}}\ntrack: {talent-community: {opens: true}}\n"

func linkPath(messageID, target string) string {
	return strings.TrimPrefix(api.LinkURL(publicURL, []byte(linkSecret), messageID, target), publicURL)
}

func pixelPath(messageID string) string {
	return strings.TrimPrefix(api.PixelURL(publicURL, []byte(linkSecret), messageID), publicURL)
}

// visit asks for an address as a program does that calls itself so.
func (w *world) visit(path, agent string) answer {
	w.t.Helper()
	return w.send(http.MethodGet, path, http.Header{"User-Agent": {agent}}, nil)
}

func TestLinksLeadWhereTheMessageDid(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tracks(onConsent)
	sarah := w.candidate("1", "sarah@example.org", "+447700900123")
	id := w.message(sarah, crm.Email, "sarah@example.org")
	other := w.message(w.candidate("2", "tom@example.org", ""), crm.Email, "tom@example.org")
	w.pass(time.Hour)
	good := linkPath(id, theatre)
	a := w.visit(good, browser).want(302, nil)
	if a.header.Get("Location") != theatre || a.header.Get("Cache-Control") != "no-store" || a.header.Get("Referrer-Policy") != "no-referrer" {
		t.Errorf("it leads to %v", a.header)
	}
	if diff := cmp.Diff([]string{"message.clicked " + id + " thanks <nil>"}, w.lines(sarah)); diff != "" {
		t.Error(diff)
	}
	encoded := func(target string) string { return base64.RawURLEncoding.EncodeToString([]byte(target)) }
	parts := strings.Split(strings.TrimPrefix(good, "/c/"), ".")
	last := parts[1][:len(parts[1])-1]
	for name, path := range map[string]string{
		"another target":             "/c/" + parts[0] + "." + parts[1] + "." + encoded("https://evil.example"),
		"another message":            "/c/" + other + "." + parts[1] + "." + parts[2],
		"no signature":               "/c/" + parts[0] + ".." + parts[2],
		"half a signature":           "/c/" + parts[0] + "." + last + "." + parts[2],
		"no target":                  "/c/" + parts[0] + "." + parts[1],
		"a target that is no base64": "/c/" + parts[0] + "." + parts[1] + ".??",
		"another installation's":     strings.TrimPrefix(api.LinkURL(publicURL, []byte("another secret"), id, theatre), publicURL),
		"the signature of a pixel":   "/c/" + strings.TrimSuffix(strings.TrimPrefix(pixelPath(id), "/o/"), ".gif") + "." + parts[2],
		"a query":                    "/c/" + parts[0] + "?url=https://evil.example",
		"nothing":                    "/c/x",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, method := range []string{http.MethodGet, http.MethodHead} {
				a := w.send(method, path, http.Header{"User-Agent": {browser}}, nil).want(404, nil)
				if a.header.Get("Location") != "" || strings.Contains(string(a.body), "evil") {
					t.Errorf("it leads to %v: %s", a.header, a.body)
				}
			}
		})
	}
}

// What is not a link in the web, or is one of our own, is never wrapped: unsubscribing must work also when tracking does not.
func TestWhatIsNotWrapped(t *testing.T) {
	t.Parallel()
	const id = "msg_06cq3v9k7rk1bn2c5x0e8m4t2g"
	secret := []byte(linkSecret)
	for _, target := range []string{
		api.UnsubscribeURL(publicURL, secret, id), api.SurveyURL(publicURL, secret, id), publicURL, publicURL + "/p/x",
		"mailto:a@trust.example", "javascript:alert(1)", "/relative", "https://", "//trust.example", "https://trust.example/" + strings.Repeat("x", 2000),
	} {
		if got := api.LinkURL(publicURL+"/", secret, id, target); got != target {
			t.Errorf("%s became %s", target, got)
		}
	}
	if got := api.LinkURL(publicURL, secret, id, publicURL+".evil.example/"); !strings.HasPrefix(got, publicURL+"/c/") {
		t.Errorf("a host that begins like ours is taken for it: %s", got)
	}
}

func TestPixelSaysNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tracks(onConsent)
	sarah := w.candidate("1", "sarah@example.org", "+447700900123")
	id := w.message(sarah, crm.Email, "sarah@example.org")
	forged := strings.TrimPrefix(api.PixelURL(publicURL, []byte("another secret"), id), publicURL)
	good := w.visit(pixelPath(id), browser).want(200, nil)
	for _, path := range []string{forged, "/o/x.gif", "/o/" + id + ".gif", "/o/x", pixelPath("msg_00000000000000000000000000")} {
		a := w.visit(path, browser).want(200, nil)
		for _, name := range []string{"Content-Type", "Cache-Control", "Content-Length"} {
			if a.header.Get(name) != good.header.Get(name) {
				t.Errorf("%s: %s is %q, not %q", path, name, a.header.Get(name), good.header.Get(name))
			}
		}
		if string(a.body) != string(good.body) {
			t.Errorf("%s: %q", path, a.body)
		}
	}
	if good.header.Get("Content-Type") != "image/gif" || good.header.Get("Cache-Control") != "no-store" || !strings.HasPrefix(string(good.body), "GIF89a\x01\x00\x01\x00") {
		t.Errorf("%v %q", good.header, good.body)
	}
	if diff := cmp.Diff([]string{"message.opened " + id + " thanks <nil>"}, w.lines(sarah)); diff != "" {
		t.Error(diff)
	}
}

// What is noticed of visits to a message that went an hour ago.
func TestVisits(t *testing.T) {
	t.Parallel()
	get := func(path, agent string) func(*world) {
		return func(w *world) { w.visit(path, agent) }
	}
	for name, c := range map[string]struct {
		workspace string
		do        func(w *world, candidate, id string)
		want      []string // kind and whose, in order
	}{
		"a double click is one": {onConsent, func(w *world, _, id string) {
			for range 3 {
				get(linkPath(id, theatre), browser)(w)
			}
		}, []string{"clicked"}},
		"another minute is another click": {onConsent, func(w *world, _, id string) {
			get(linkPath(id, theatre), browser)(w)
			w.pass(time.Minute)
			get(linkPath(id, theatre), browser)(w)
		}, []string{"clicked", "clicked"}},
		"another link, ten seconds later": {onConsent, func(w *world, _, id string) {
			get(linkPath(id, theatre), browser)(w)
			w.pass(10 * time.Second)
			get(linkPath(id, "https://careers.trust.example/wards"), browser)(w)
		}, []string{"clicked", "clicked"}},
		"a burst: all but the first": {onConsent, func(w *world, _, id string) {
			for i := range 4 {
				get(linkPath(id, fmt.Sprintf("https://careers.trust.example/%d", i)), browser)(w)
			}
		}, []string{"clicked", "clicked machine", "clicked machine", "clicked machine"}},
		"a person after the scanner": {onConsent, func(w *world, _, id string) {
			get(linkPath(id, theatre), "Barracuda Sentinel")(w)
			get(linkPath(id, theatre), browser)(w)
		}, []string{"clicked machine", "clicked"}},
		"a scanner comes often": {onConsent, func(w *world, _, id string) {
			for range 3 {
				w.pass(time.Hour)
				get(linkPath(id, theatre), "Barracuda Sentinel")(w)
			}
		}, []string{"clicked machine"}},
		"HEAD": {onConsent, func(w *world, _, id string) {
			w.send(http.MethodHead, linkPath(id, theatre), http.Header{"User-Agent": {browser}}, nil).want(302, nil)
			w.send(http.MethodHead, pixelPath(id), http.Header{"User-Agent": {browser}}, nil).want(200, nil)
		}, []string{"clicked machine", "opened machine"}},
		"a prefetch": {onConsent, func(w *world, _, id string) {
			w.send(http.MethodGet, linkPath(id, theatre), http.Header{"User-Agent": {browser}, "Sec-Purpose": {"prefetch;prerender"}}, nil).want(302, nil)
		}, []string{"clicked machine"}},
		"nobody's name": {onConsent, func(w *world, _, id string) {
			w.send(http.MethodGet, linkPath(id, theatre), http.Header{"User-Agent": {""}}, nil).want(302, nil)
		}, []string{"clicked machine"}},
		"proxies of mail": {onConsent, func(w *world, _, id string) {
			get(pixelPath(id), "Mozilla/5.0")(w)
			get(pixelPath(id), browser)(w)
		}, []string{"opened machine", "opened"}},
		"opens are not asked for": {"purposes: {talent-community: {basis: consent}}\n", func(w *world, _, id string) {
			get(pixelPath(id), browser)(w)
			get(linkPath(id, theatre), browser)(w)
		}, []string{"clicked"}},
		"nothing is asked for any more": {"purposes: {talent-community: {basis: consent}}\ntrack: {talent-community: {clicks: false}}\n", func(w *world, _, id string) {
			get(linkPath(id, theatre), browser)(w)
		}, nil},
		"an interest is not consent": {"purposes: {talent-community: {basis: legitimate_interest}}\n", func(w *world, _, id string) {
			get(linkPath(id, theatre), browser)(w)
		}, nil},
		"consent taken back": {onConsent, func(w *world, candidate, id string) {
			w.call(http.MethodPost, "/v1/events", object{"type": "consent.revoked", "candidate": candidate, "data": object{"purpose": "talent-community"}}).want(200, nil)
			w.visit(linkPath(id, theatre), browser).want(302, nil)
			get(pixelPath(id), browser)(w)
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.tracks(c.workspace)
			sarah := w.candidate("1", "sarah@example.org", "")
			id := w.message(sarah, crm.Email, "sarah@example.org")
			w.pass(time.Hour)
			c.do(w, sarah, id)
			var got []string
			for _, line := range w.lines(sarah) {
				line = strings.TrimPrefix(strings.Replace(line, " "+id+" thanks", "", 1), "message.")
				got = append(got, strings.TrimSuffix(line, " <nil>"))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A scanner follows links while it still has the mail, and all at once: of however many at once, one may pass for a person.
func TestScannersAtOnce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		after time.Duration // the mail was taken
		most  int           // taken for a person's
	}{
		"as it arrives":     {3 * time.Second, 0},
		"out of quarantine": {time.Hour, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.tracks(onConsent)
			sarah := w.candidate("1", "sarah@example.org", "")
			id := w.message(sarah, crm.Email, "sarah@example.org")
			w.pass(c.after)
			var all sync.WaitGroup
			for i := range 8 {
				all.Go(func() { w.visit(linkPath(id, fmt.Sprintf("https://careers.trust.example/%d", i)), browser) })
			}
			all.Wait()
			lines := w.lines(sarah)
			people := slices.DeleteFunc(slices.Clone(lines), func(line string) bool { return strings.HasSuffix(line, " machine") })
			if len(lines) != 8 || len(people) > c.most {
				t.Errorf("%d of %d are taken for a person's: %q", len(people), len(lines), lines)
			}
		})
	}
}

// The candidate gets where they want to go, also when nobody can write down that they did.
func TestLinksWorkWithoutTheDatabase(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tracks(onConsent)
	id := w.message(w.candidate("1", "sarah@example.org", ""), crm.Email, "sarah@example.org")
	w.closeStore()
	if a := w.visit(linkPath(id, theatre), browser).want(302, nil); a.header.Get("Location") != theatre {
		t.Errorf("it leads to %s", a.header.Get("Location"))
	}
	w.visit(pixelPath(id), browser).want(200, nil)
	metrics := string(w.send(http.MethodGet, "/metrics", nil, nil).body)
	for _, line := range []string{`rapport_visits_total{kind="click",result="lost"} 1`, `rapport_visits_total{kind="open",result="lost"} 1`} {
		if !strings.Contains(metrics, line) {
			t.Errorf("metrics lack %s", line)
		}
	}
}

func TestNoTracking(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(config *api.Config) { config.NoTracking = true })
	w.tracks(onConsent)
	sarah := w.candidate("1", "sarah@example.org", "")
	id := w.message(sarah, crm.Email, "sarah@example.org")
	w.pass(time.Hour)
	w.visit(linkPath(id, theatre), browser).want(302, nil)
	w.visit(pixelPath(id), browser).want(200, nil)
	if lines := w.lines(sarah); len(lines) > 0 {
		t.Errorf("noticed %q", lines)
	}
}

// What SendGrid reports is judged alike, by its own times, whatever comes first.
func TestReportedVisits(t *testing.T) {
	t.Parallel()
	const report = `{"event":%q,"timestamp":%d,"sg_event_id":"e%d","url":%q,"useragent":%q,"rapport_message":%q}`
	type event struct {
		event, url, agent string
		after             time.Duration // the mail was taken
	}
	for name, c := range map[string]struct {
		workspace string
		posts     [][]event
		want      []string
	}{
		"a person": {onConsent, [][]event{{{"delivered", "", "", 2 * time.Second}, {"click", theatre, browser, time.Hour}}}, []string{"clicked"}},
		"seconds after delivery, reported together": {
			onConsent, [][]event{{{"click", theatre, browser, 33 * time.Second}, {"delivered", "", "", 30 * time.Second}}}, []string{"clicked machine"},
		},
		"seconds after delivery, reported before": {
			onConsent, [][]event{{{"delivered", "", "", 30 * time.Second}}, {{"click", theatre, browser, 33 * time.Second}}}, []string{"clicked machine"},
		},
		"seconds after it was taken": {onConsent, [][]event{{{"click", theatre, browser, 3 * time.Second}}}, []string{"clicked machine"}},
		"all links at once": {
			onConsent,
			[][]event{{{"click", "https://a.example", browser, time.Hour}, {"click", "https://b.example", browser, time.Hour}}},
			[]string{"clicked machine", "clicked machine"},
		},
		"one after the other": {
			onConsent,
			[][]event{{{"click", "https://a.example", browser, time.Hour}}, {{"click", "https://b.example", browser, time.Hour + time.Second}}},
			[]string{"clicked", "clicked machine"},
		},
		"a scanner's name":        {onConsent, [][]event{{{"click", theatre, "Proofpoint URL Defense", time.Hour}}}, []string{"clicked machine"}},
		"Gmail's proxy":           {onConsent, [][]event{{{"open", "", "Mozilla/5.0 (via ggpht.com GoogleImageProxy)", time.Hour}}}, []string{"opened machine"}},
		"opens are not asked for": {"purposes: {talent-community: {basis: consent}}\n", [][]event{{{"open", "", browser, time.Hour}, {"click", theatre, browser, time.Hour}}}, []string{"clicked"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.tracks(c.workspace)
			sarah := w.candidate("1", "sarah@example.org", "")
			taken := w.clock()
			id := w.message(sarah, crm.Email, "sarah@example.org")
			w.pass(2 * time.Hour)
			n := 0
			for _, post := range c.posts {
				var texts []string
				for _, e := range post {
					n++
					texts = append(texts, fmt.Sprintf(report, e.event, taken.Add(e.after).Unix(), n, e.url, e.agent, id))
				}
				w.sendGrid("/webhooks/sendgrid/events", "application/json", []byte("["+strings.Join(texts, ",")+"]")).want(204, nil)
			}
			var got []string
			for _, line := range w.lines(sarah) {
				if line = strings.TrimSuffix(strings.TrimPrefix(strings.Replace(line, " "+id+" thanks", "", 1), "message."), " <nil>"); line != "delivered" {
					got = append(got, line)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
