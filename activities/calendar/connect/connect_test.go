package connect_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/rapport-crm/rapport/activities/calendar"
	"github.com/rapport-crm/rapport/activities/calendar/connect"
	"github.com/rapport-crm/rapport/activities/calendar/oauth"
	"github.com/rapport-crm/rapport/crm"
)

// TestOpen holds what each kind is asked with, seen by a server that stands for all of them.
func TestOpen(t *testing.T) {
	t.Parallel()
	var asked atomic.Value
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/token" {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprintf(w, `{"access_token": "of-%s", "refresh_token": "next", "token_type": "Bearer", "expires_in": 3600}`, r.PostFormValue("refresh_token"))
			return
		}
		user, password, _ := r.BasicAuth()
		if user != "" {
			asked.Store(fmt.Sprintf("%s %s as %s:%s", r.Method, r.URL.Path, user, password))
		} else {
			asked.Store(fmt.Sprintf("%s %s %s", r.Method, r.URL.Path, r.Header.Get("Authorization")))
		}
		w.WriteHeader(http.StatusUnauthorized)
	}))
	t.Cleanup(server.Close)
	var kept atomic.Value
	app := &oauth.App{ClientID: "id", ClientSecret: "s", Endpoint: oauth2.Endpoint{TokenURL: server.URL + "/token", AuthStyle: oauth2.AuthStyleInParams}}
	c := connect.New(connect.Config{
		Private: true, Google: app, GoogleAPI: server.URL + "/google",
		Keep: func(_ context.Context, id string, secret crm.Secret) error {
			kept.Store(id + " " + string(secret))
			return nil
		},
	})
	ada := &crm.Interviewer{Email: "ada@north.example", Zone: "Europe/London"}
	cases := map[crm.CalendarKind]struct {
		link  crm.CalendarLink
		asked string
		kind  calendar.Kind
	}{
		crm.CalendarCalDAV:    {crm.CalendarLink{Address: server.URL + "/dav/", Account: "ada", Secret: "pw"}, "REPORT /dav/ as ada:pw", calendar.Unauthorized},
		crm.CalendarICS:       {crm.CalendarLink{Address: "http://x", Secret: crm.Secret(server.URL + "/feed.ics")}, "GET /feed.ics ", calendar.Unauthorized},
		crm.CalendarGoogle:    {crm.CalendarLink{Address: "main", Secret: "first"}, "GET /google/calendars/main/events Bearer of-next", calendar.Unauthorized},
		crm.CalendarMicrosoft: {crm.CalendarLink{}, "", calendar.Refused},
		crm.CalendarOwn:       {crm.CalendarLink{}, "", calendar.Refused},
		crm.CalendarKind("x"): {crm.CalendarLink{}, "", calendar.Refused},
	}
	for kind, want := range cases { //nolint:paralleltest // they share a server
		t.Run(string(kind), func(t *testing.T) {
			asked.Store("")
			want.link.ID, want.link.Kind = "cal_"+string(kind), kind
			opened, err := c.Open(t.Context(), &want.link, ada)
			if err == nil {
				_, err = opened.Busy(t.Context(), crm.Span{Start: time.Now(), End: time.Now().Add(time.Hour)})
			}
			failure, _ := errors.AsType[*calendar.Error](err)
			if failure == nil || failure.Kind != want.kind || asked.Load() != want.asked {
				t.Errorf("asked %q, got %v; want %q, %s", asked.Load(), err, want.asked, want.kind)
			}
		})
	}
	if kept.Load() != "cal_google next" {
		t.Errorf("kept %v", kept.Load())
	}
}

// TestOpenAgain holds that a calendar stays open until what opens it changes.
func TestOpenAgain(t *testing.T) {
	t.Parallel()
	c := connect.New(connect.Config{Private: true})
	link := crm.CalendarLink{ID: "cal_1", Kind: crm.CalendarCalDAV, Address: "http://127.0.0.1/dav/", Account: "ada", Secret: "one"}
	open := func(link crm.CalendarLink) calendar.Calendar {
		t.Helper()
		opened, err := c.Open(t.Context(), &link, &crm.Interviewer{Email: "ada@north.example"})
		if err != nil {
			t.Fatal(err)
		}
		return opened
	}
	first := open(link)
	if open(link) != first {
		t.Error("it was opened twice")
	}
	link.Secret = "two"
	if open(link) == first {
		t.Error("a new secret opens nothing anew")
	}
	link.Address = "not a url"
	if _, err := c.Open(t.Context(), &link, &crm.Interviewer{}); err == nil {
		t.Error("an address that is none was opened")
	}
}
