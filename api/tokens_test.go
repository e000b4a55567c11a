package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
)

// TestLinksThatDoNotWorkSayNothing tries, on every page that a link opens, every kind of wrong link: they all show the same page, and
// nothing of anybody. Pages are found by walking the routes, so that a new one cannot be forgotten.
func TestLinksThatDoNotWorkSayNothing(t *testing.T) {
	t.Parallel()
	c := newChooser(t, object{"consents": []object{{"purpose": "job-alerts"}}})
	message, _, _ := strings.Cut(strings.TrimPrefix(c.asked(crm.Email, "sarah.jones@example.org"), "/confirm/"), ".")
	var other api.WrittenCandidate
	c.call(http.MethodPut, "/v1/candidates/by-external-id/2", object{"email": "tom@example.org"}).want(200, &other)
	interviewer := c.interviewer("Ada Lovelace", "")
	run, meeting := c.interview(c.id)
	secret := []byte(linkSecret)
	connection := c.connection(interviewer)
	valid := map[string]string{ // by the page's path
		"/u/": api.UnsubscribeURL("", secret, message), "/s/": api.SurveyURL("", secret, message), "/confirm/": api.ConfirmURL("", secret, message),
		"/p/": api.PreferencesURL("", secret, c.id, c.clock()), "/c/": api.LinkURL("https://rapport.example", secret, message, "https://north.example/role"),
		"/i/": api.ScheduleURL("", secret, run), "/v/": api.PanelURL("", secret, meeting, interviewer),
		"/rights/": api.RequestURL("", secret, message, dsl.SequenceRequestConfirm), "/data/": api.RequestURL("", secret, message, dsl.SequenceRequestReady),
		"/calendars/connect/": api.ConnectURL("", secret, connection),
	}
	pages := 0
	for _, route := range api.Routes() {
		path, isPage := strings.CutSuffix(route.Path, ":token")
		if !isPage || path == "/o/" { // a picture is the same picture for everybody
			continue
		}
		pages++
		own, known := valid[path]
		if !known {
			t.Errorf("%s: tell this test how its links are made", route.Path)
			continue
		}
		token := strings.TrimPrefix(strings.TrimPrefix(own, "https://rapport.example"), path)
		wrong := map[string]string{
			"cut": token[:len(token)-4], "changed": token[:len(token)-1] + "_", "empty id": token[strings.LastIndexByte(token, '.'):], "nothing": "x",
			"of somebody who is erased": strings.TrimPrefix(api.PreferencesURL("", secret, crm.NewID(crm.PrefixCandidate, c.clock()), c.clock()), "/p/"),
			"of another candidate":      strings.Replace(token, c.id, other.ID, 1) + "_",
			"expired":                   strings.TrimPrefix(api.PreferencesURL("", secret, c.id, c.clock().Add(-366*24*time.Hour)), "/p/"),
			"of a message that is gone": strings.TrimPrefix(api.UnsubscribeURL("", secret, crm.NewID(crm.PrefixMessage, c.clock())), "/u/"),
			"of a run that is gone":     strings.TrimPrefix(api.ScheduleURL("", secret, crm.NewID(crm.PrefixEnrollment, c.clock())), "/i/"),
			"of a meeting that is gone": strings.TrimPrefix(api.PanelURL("", secret, crm.NewID(crm.PrefixMeeting, c.clock()), interviewer), "/v/"),
			"of another interviewer":    strings.Replace(token, interviewer, crm.NewID(crm.PrefixInterviewer, c.clock()), 1) + "_",
			"of another installation":   strings.TrimPrefix(api.ConfirmURL("", []byte("another"), message), "/confirm/"),
		}
		for purpose, link := range valid {
			if purpose != path {
				wrong["of another purpose "+purpose] = link[strings.Index(link, purpose)+len(purpose):]
			}
		}
		first := ""
		for name, token := range wrong {
			got := c.send(route.Method, path+token, http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, []byte("do=stop"))
			body := string(got.body)
			if first == "" {
				first = body
			}
			if got.status != http.StatusNotFound || body != first {
				t.Errorf("%s %s, a link %s: %d, and not the page that the others show", route.Method, route.Path, name, got.status)
			}
			for _, secret := range []string{"sarah", "tom", "@example.org", c.id, other.ID, "job-alerts", "New jobs", "Theatre nurse", "Ada"} {
				if strings.Contains(body, secret) {
					t.Errorf("%s %s, a link %s: the page says %q", route.Method, route.Path, name, secret)
				}
			}
		}
	}
	if pages < 12 || c.state() != "job-alerts:email=pending" {
		t.Errorf("%d pages were tried; in force is %q", pages, c.state())
	}
}
