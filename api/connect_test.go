package api_test

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/activities/calendar"
	"github.com/rapport-crm/rapport/activities/calendar/calendartest"
	"github.com/rapport-crm/rapport/activities/calendar/oauth"
	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/api/client"
	"github.com/rapport-crm/rapport/crm"
)

// connecting is Ada with a link to connect her calendar at Google, which an Issuer plays.
type connecting struct {
	*world

	issuer *calendartest.Issuer
	ada    string
	path   string // of the link
}

func newConnecting(t *testing.T) *connecting {
	t.Helper()
	c := &connecting{issuer: calendartest.NewIssuer(t, 0)}
	c.world = newWorld(t, func(config *api.Config) {
		config.CalendarApps = map[crm.CalendarKind]*oauth.App{crm.CalendarGoogle: c.issuer.App(oauth.Google("", "", ""))}
	})
	c.ada = c.interviewer("Ada Lovelace", "")
	c.path = c.link()
	return c
}

func (c *connecting) link() string {
	c.t.Helper()
	var link api.CalendarLink
	c.call(http.MethodPost, "/v1/interviewers/"+ada+"/calendars/connect", object{"provider": "google"}).want(200, &link)
	if !strings.HasPrefix(link.URL, publicURL+"/calendars/connect/con_") || !link.ExpiresAt.Equal(c.clock().Add(7*24*time.Hour)) {
		c.t.Errorf("the link is %+v", link)
	}
	return strings.TrimPrefix(link.URL, publicURL)
}

// connection is a link for an interviewer to connect a calendar at Google.
func (w *world) connection(interviewer string) string {
	w.t.Helper()
	c, err := w.store.NewConnection(w.t.Context(), interviewer, crm.CalendarGoogle, w.clock().Add(time.Hour), "test", w.clock())
	if err != nil {
		w.t.Fatal(err)
	}
	return c.ID
}

// visitor is how far somebody came: what they were asked, and what their browser remembers.
type visitor struct {
	asked  url.Values
	code   string
	cookie http.Header
}

// open follows the link to the provider, and consents there.
func (c *connecting) open() *visitor {
	c.t.Helper()
	got := c.send(http.MethodGet, c.path, nil, nil).want(303, nil)
	v := &visitor{cookie: http.Header{}}
	v.asked, v.code = c.issuer.Consent(c.t, got.header.Get("Location"))
	set, err := http.ParseSetCookie(got.header.Get("Set-Cookie"))
	if err != nil {
		c.t.Fatal(err)
	}
	if !set.HttpOnly || !set.Secure || set.SameSite != http.SameSiteLaxMode || set.Path != "/calendars/connected" || set.MaxAge != 3600 {
		c.t.Errorf("the cookie is %s", set)
	}
	v.cookie.Set("Cookie", set.Name+"="+set.Value)
	return v
}

// back is where the provider sends them.
func (c *connecting) back(v *visitor, header http.Header, change url.Values) answer {
	c.t.Helper()
	query := url.Values{"state": {v.asked.Get("state")}, "code": {v.code}, "scope": {"x"}}
	maps.Copy(query, change)
	return c.send(http.MethodGet, "/calendars/connected?"+query.Encode(), header, nil)
}

func (c *connecting) calendars() []crm.CalendarLink {
	c.t.Helper()
	links, err := c.store.OpenCalendars(c.t.Context(), c.ada)
	if err != nil {
		c.t.Fatal(err)
	}
	return links
}

func (c *connecting) wantNone(title string, got answer) {
	c.t.Helper()
	wantWords(c.t, string(got.body), "Your calendar is not connected", title)
	if links := c.calendars(); len(links) != 0 {
		c.t.Errorf("connected is %+v", links)
	}
}

func TestConnectCalendar(t *testing.T) {
	t.Parallel()
	c := newConnecting(t)
	v := c.open()
	for name, want := range map[string]string{
		"login_hint": ada, "access_type": "offline", "response_type": "code", "code_challenge_method": "S256", "redirect_uri": "https://rapport.example.com/calendars/connected",
	} {
		if got := v.asked.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	got := c.back(v, v.cookie, nil).want(200, nil)
	wantWords(t, string(got.body), "Your calendar is connected", "not <form")
	links := c.calendars()
	if len(links) != 1 || links[0].Kind != crm.CalendarGoogle || links[0].Account != ada || string(links[0].Secret) != "refresh-1" {
		t.Errorf("connected is %+v", links)
	}
	var changes api.Page[api.InterviewerChange]
	c.call(http.MethodGet, "/v1/interviewers/"+c.ada+"/changes", nil).want(200, &changes)
	if len(changes.Items) < 2 || changes.Items[0].What != "calendar_connected" || changes.Items[0].By != "the interviewer, by link" || changes.Items[1].What != "calendar_link" {
		t.Errorf("changes are %+v", changes.Items)
	}
	if told := c.log(&client.AuditQuery{Actor: c.ada}); len(told) != 1 || told[0].Detail != "calendar_connected google" {
		t.Errorf("of the interviewer the audit log says %+v", told)
	}
	wantWords(t, string(c.back(v, v.cookie, nil).want(400, nil).body), "Your calendar is not connected") // again
	wantWords(t, string(c.send(http.MethodGet, c.path, nil, nil).want(404, nil).body), "This link does not work")
	if c.issuer.Issued() != 1 {
		t.Errorf("%d tokens were issued", c.issuer.Issued())
	}

	c.path = c.link() // once more: the calendar is the same, the secret is new
	v = c.open()
	c.back(v, v.cookie, nil).want(200, nil)
	if again := c.calendars(); len(again) != 1 || again[0].ID != links[0].ID || string(again[0].Secret) != "refresh-2" {
		t.Errorf("connected is %+v", again)
	}
}

func TestConnectCalendarGoesWrong(t *testing.T) {
	t.Parallel()
	const again = "was begun in another browser"
	for name, tc := range map[string]struct {
		status int
		words  string
		back   func(*connecting, *visitor) answer
	}{
		"refused": {200, "You did not allow it.", func(c *connecting, v *visitor) answer {
			return c.back(v, v.cookie, url.Values{"code": {""}, "error": {"access_denied"}})
		}},
		"not all allowed": {400, "We need all that is asked for", func(c *connecting, v *visitor) answer {
			c.issuer.Scope = "https://www.googleapis.com/auth/calendar.freebusy"
			return c.back(v, v.cookie, nil)
		}},
		"another browser": {400, again, func(c *connecting, v *visitor) answer {
			return c.back(v, nil, nil)
		}},
		"the browser of another": {400, again, func(c *connecting, v *visitor) answer { // a consent that somebody was lured into
			other := c.open()
			return c.back(v, other.cookie, nil)
		}},
		"another state": {400, again, func(c *connecting, v *visitor) answer {
			return c.back(v, v.cookie, url.Values{"state": {v.asked.Get("state") + "x"}})
		}},
		"no state": {400, again, func(c *connecting, v *visitor) answer { return c.back(v, v.cookie, url.Values{"state": {""}}) }},
		"after an hour": {400, again, func(c *connecting, v *visitor) answer {
			c.pass(time.Hour)
			return c.back(v, v.cookie, nil)
		}},
		"a code of another": {400, again, func(c *connecting, v *visitor) answer {
			return c.back(v, v.cookie, url.Values{"code": {"guessed"}})
		}},
		"the provider in trouble": {503, "did not answer as it should", func(c *connecting, v *visitor) answer {
			c.issuer.Close()
			return c.back(v, v.cookie, nil)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newConnecting(t)
			v := c.open()
			got := tc.back(c, v)
			c.wantNone(tc.words, got.want(tc.status, nil))
			if name != "another state" && name != "no state" { // it was used up
				c.wantNone("", c.back(v, v.cookie, nil).want(400, nil))
			}
			c.send(http.MethodGet, c.path, nil, nil).want(303, nil) // the link works still
		})
	}
}

func TestCalendarLinks(t *testing.T) {
	t.Parallel()
	c := newConnecting(t)
	c.pass(7 * 24 * time.Hour)
	c.send(http.MethodGet, c.path, nil, nil).want(404, nil)
	problem := c.call(http.MethodPost, "/v1/interviewers/"+ada+"/calendars/connect", object{"provider": "microsoft"}).problem(409, api.CodeConflict)
	if !strings.Contains(problem.Detail, "not registered at Microsoft") || !strings.Contains(problem.Next, "--microsoft-client-id and RAPPORT_MICROSOFT_CLIENT_SECRET") {
		t.Errorf("it says %+v", problem)
	}
	c.call(http.MethodPost, "/v1/interviewers/"+ada+"/calendars/connect", object{"provider": "caldav"}).problem(422, api.CodeInvalid)
	c.call(http.MethodPost, "/v1/interviewers/nobody@north.example/calendars/connect", object{"provider": "google"}).problem(404, api.CodeNotFound)
}

// answering is a calendar that answers, or does not.
type answering struct {
	calendar.Calendar

	busy []calendar.Block
	err  error
}

func (a answering) Busy(context.Context, crm.Span) ([]calendar.Block, error) { return a.busy, a.err }

func TestCheckCalendars(t *testing.T) {
	t.Parallel()
	hour := crm.Span{Start: start().Add(time.Hour), End: start().Add(2 * time.Hour)}
	byAccount := map[string]answering{
		"works": {busy: []calendar.Block{{Span: hour, UID: "x"}, {Span: hour, UID: "mtg_00000000000000000000000000@rapport.example"}}},
		"shut":  {err: &calendar.Error{Kind: calendar.Unauthorized, Code: "http_401"}},
		"down":  {err: &calendar.Error{Kind: calendar.Unavailable, Code: "http_503", RetryAfter: time.Minute}},
	}
	w := newWorld(t, func(config *api.Config) {
		config.OpenCalendar = func(_ context.Context, link *crm.CalendarLink, owner *crm.Interviewer) (calendar.Calendar, error) {
			if owner.Email != ada || link.Secret == "" {
				t.Errorf("asked for %+v of %s", link, owner.Email)
			}
			return byAccount[link.Account], nil
		}
	})
	w.interviewer("Ada Lovelace", "")
	for _, account := range []string{"works", "shut", "down"} {
		w.call(http.MethodPut, "/v1/interviewers/"+ada+"/calendars", object{"kind": "google", "account": account, "secret": "hunter2"}).want(200, nil)
		w.pass(time.Second)
	}
	w.call(http.MethodPut, "/v1/interviewers/"+ada+"/calendars", object{"kind": "own"}).want(200, nil)
	var page api.Page[api.CheckedCalendar]
	body := string(w.call(http.MethodPost, "/v1/interviewers/"+ada+"/calendars/check", nil).want(200, &page).body)
	var got []string
	for _, c := range page.Items {
		got = append(got, strings.TrimSpace(strings.Join([]string{c.Account, string(c.Result), string(c.State), c.Detail}, " ")))
	}
	want := []string{
		"works ok ok", "shut unauthorized unauthorized calendar is closed to us: its owner has to connect it again (http_401)",
		"down unavailable unavailable calendar is not available (http_503); try again in 1m0s", "ok",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") || page.Items[0].Busy != 1 || !page.Items[0].LastOK.Equal(w.clock()) {
		t.Errorf("got %q\nwant %q\n%s", got, want, body)
	}
	if strings.Contains(body, "hunter2") {
		t.Error("a secret is told")
	}
	w.call(http.MethodPost, "/v1/interviewers/nobody@north.example/calendars/check", nil).problem(404, api.CodeNotFound)
}
