package twilio_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/crm"
)

func TestFind(t *testing.T) {
	t.Parallel()
	claimed := time.Date(2026, 11, 6, 10, 0, 0, 0, time.UTC)
	text := func(sid, created, body string) string {
		return `{"sid":"` + sid + `","direction":"outbound-api","date_created":"` + created + `","date_sent":null,"body":"` + body + `"}`
	}
	const in, before, after = "Fri, 06 Nov 2026 10:00:40 +0000", "Fri, 06 Nov 2026 09:00:00 +0000", "Fri, 06 Nov 2026 12:00:00 +0000"
	for name, tc := range map[string]struct {
		messages string
		late     time.Duration // since it became unknown
		want     crm.Finding
	}{
		"there":                     {text("SM1", in, "hello"), time.Minute, crm.Finding{Sightings: []crm.Sighting{{ProviderID: "SM1", Exact: true}}}},
		"still waiting at Twilio":   {text("SM1", in, "hello"), time.Hour, crm.Finding{Sightings: []crm.Sighting{{ProviderID: "SM1", Exact: true}}, Complete: true}},
		"says something else":       {text("SM1", in, "goodbye"), time.Hour, crm.Finding{Sightings: []crm.Sighting{{ProviderID: "SM1"}}, Complete: true}},
		"of another time":           {text("SM1", before, "hello") + "," + text("SM2", after, "hello"), time.Hour, crm.Finding{Complete: true}},
		"not there, too early":      {"", 14 * time.Minute, crm.Finding{}},
		"not there":                 {"", 15 * time.Minute, crm.Finding{Complete: true}},
		"a date that is not read":   {text("SM1", "yesterday", "hello"), time.Hour, crm.Finding{Sightings: []crm.Sighting{{ProviderID: "SM1", Exact: true}}, Complete: true}},
		"an answer is not one ours": {`{"sid":"SM1","direction":"inbound","date_created":"` + in + `","body":"hello"}`, time.Hour, crm.Finding{Complete: true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := client(t, func(w http.ResponseWriter, r *http.Request) {
				q := r.URL.Query()
				if r.Method != http.MethodGet || q.Get("To") != "+447700900123" || q.Get("From") != "+447700900000" || q.Has("DateSent") {
					t.Errorf("asked for %s %s", r.Method, r.URL)
				}
				answer(200, `{"messages":[`+tc.messages+`]}`)(w, r)
			})
			unknown := claimed.Add(90 * time.Second)
			got, err := c.Find(t.Context(), crm.Lookup{
				To: "+447700900123", From: "+447700900000", BodyHash: crm.BodyHash("hello"), ClaimedAt: claimed, UnknownAt: unknown, Now: unknown.Add(tc.late),
			})
			if diff := cmp.Diff(tc.want, got); diff != "" || err != nil {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestFindFails(t *testing.T) {
	t.Parallel()
	c := client(t, answer(429, `{"code":20429,"message":"x","status":429}`))
	_, err := c.Find(t.Context(), crm.Lookup{To: "+447700900123", From: "+447700900000"})
	if failure := sendError(t, err); failure.Code != "20429" {
		t.Errorf("got %+v", failure)
	}
	// Without numbers the list would be that of the whole account.
	if _, err := c.Find(t.Context(), crm.Lookup{From: "+447700900000"}); !errors.As(err, new(*crm.SendError)) || sendError(t, err).Code != "invalid_lookup" {
		t.Errorf("got %v", err)
	}
}
