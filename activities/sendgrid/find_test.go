package sendgrid_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/activities/sendgrid"
	"github.com/rapport-crm/rapport/crm"
)

const lostID = "msg_06cq3v9k7rk1bn2c5x0e8m4t2g"

// feed is SendGrid's activity feed, with one answer for every question.
func feed(t *testing.T, status int, body string) (c *sendgrid.Client, asked *atomic.Int64) {
	t.Helper()
	asked = &atomic.Int64{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if r.URL.Path != "/v3/messages" || r.URL.Query().Get("query") != `(unique_args['rapport_message']="`+lostID+`")` || r.Header.Get("Authorization") != "Bearer key" {
			t.Errorf("asked for %s", r.URL)
		}
		w.WriteHeader(status)
		if _, err := w.Write([]byte(body)); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(server.Close)
	return sendgrid.New(sendgrid.Config{APIKey: "key", BaseURL: server.URL}), asked
}

func TestFind(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		body string
		want crm.Finding
	}{
		"there":     {`{"messages":[{"msg_id":"abc.filter0307p1-1.0","status":"delivered"}]}`, crm.Finding{Sightings: []crm.Sighting{{ProviderID: "abc", Exact: true}}}},
		"not there": {`{"messages":[]}`, crm.Finding{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, _ := feed(t, 200, tc.body)
			got, err := c.Find(t.Context(), crm.Lookup{MessageID: lostID})
			if diff := cmp.Diff(tc.want, got); diff != "" || err != nil {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
}

// An account without the feed is not asked again.
func TestFindWithoutFeed(t *testing.T) {
	t.Parallel()
	for _, status := range []int{403, 404} {
		c, asked := feed(t, status, `{"errors":[{"message":"access forbidden"}]}`)
		for range 3 {
			if _, err := c.Find(t.Context(), crm.Lookup{MessageID: lostID}); !errors.Is(err, crm.ErrNoListing) {
				t.Errorf("%d: got %v, want ErrNoListing", status, err)
			}
		}
		if asked.Load() != 1 {
			t.Errorf("%d: asked %d times, want once", status, asked.Load())
		}
	}
}

func TestFindFails(t *testing.T) {
	t.Parallel()
	for status, code := range map[int]string{429: "http_429", 500: "http_500"} {
		c, asked := feed(t, status, "")
		for range 2 {
			_, err := c.Find(t.Context(), crm.Lookup{MessageID: lostID})
			var failure *crm.SendError
			if !errors.As(err, &failure) || failure.Code != code {
				t.Errorf("got %v, want %s", err, code)
			}
		}
		if asked.Load() != 2 {
			t.Errorf("asked %d times, want each time", asked.Load())
		}
	}
}
