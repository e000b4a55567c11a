package sandbox_test

import (
	"encoding/json"
	"net/http"
	"testing"
)

// TestLists holds that an address which bounced or unsubscribed is on the list that SendGrid would have it on, and that others may be added.
func TestLists(t *testing.T) {
	t.Parallel()
	b := setup(t)
	bounced := b.accepted(t, mailBody(nil))
	b.press(t, "/mails/"+bounced.ID+"/bounce", nil)
	read := func(list string) (entries []struct {
		Email   string `json:"email"`
		Created int64  `json:"created"`
	},
	) {
		t.Helper()
		_, body := do(t, http.MethodGet, b.server.URL+"/v3/suppression/"+list+"?start_time=1&end_time=9999999999&limit=500&offset=0", authorized(), nil)
		if err := json.Unmarshal(body, &entries); err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		return entries
	}
	if got := read("bounces"); len(got) != 1 || got[0].Email != bounced.To || got[0].Created == 0 {
		t.Errorf("bounces: %+v", got)
	}
	if got := read("unsubscribes"); len(got) != 0 {
		t.Errorf("unsubscribes: %+v", got)
	}
	header := authorized()
	header.Set("Content-Type", "application/json")
	res, body := do(t, http.MethodPost, b.server.URL+"/v3/asm/suppressions/global", header, []byte(`{"recipient_emails": ["Gone@example.org"]}`))
	if res.StatusCode != http.StatusCreated {
		t.Errorf("%d %s", res.StatusCode, body)
	}
	if got := read("unsubscribes"); len(got) != 1 || got[0].Email != "gone@example.org" {
		t.Errorf("unsubscribes: %+v", got)
	}
	for path, want := range map[string]int{"/v3/suppression/blocks": http.StatusNotFound, "/v3/suppression/bounces": http.StatusUnauthorized} {
		header := authorized()
		if want == http.StatusUnauthorized {
			header = nil
		}
		if res, body := do(t, http.MethodGet, b.server.URL+path, header, nil); res.StatusCode != want {
			t.Errorf("%s: %d %s", path, res.StatusCode, body)
		}
	}
}

func authorized() http.Header { return http.Header{"Authorization": {"Bearer " + apiKey}} }
