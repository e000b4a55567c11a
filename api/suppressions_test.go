package api_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/crm"
)

func TestSuppressions(t *testing.T) {
	t.Parallel()
	c := newChooser(t, object{"phone": "+447700900123", "consents": []object{{"purpose": "talent-community", "channels": []string{"email", "sms"}}}})
	c.call(http.MethodPost, "/v1/suppressions", object{"items": []object{
		{"channel": "email", "address": "Sarah.Jones@Example.org"},
		{"channel": "email", "address": "gone@example.org", "reason": "bounce"},
		{"channel": "sms", "address": "+44 7700 900123", "reason": "stop", "source": "letter"},
	}}).want(200, nil)
	if got := c.state(); strings.Contains(got, "yes") {
		t.Errorf("a suppressed address has consents: %q", got)
	}
	var page api.Page[api.SuppressedAddress]
	answer := c.call(http.MethodGet, "/v1/suppressions", nil)
	answer.want(200, &page)
	if len(page.Items) != 3 || strings.Contains(string(answer.body), "sarah.jones") || strings.Contains(string(answer.body), "gone@") || strings.Contains(string(answer.body), "900123") {
		t.Errorf("%d are listed, or their addresses:\n%s", len(page.Items), answer.body)
	}
	var paged int
	for after := ""; ; { // one at a time
		var one api.Page[api.SuppressedAddress]
		c.call(http.MethodGet, "/v1/suppressions?limit=1&after="+after, nil).want(200, &one)
		paged += len(one.Items)
		if after = one.Next; after == "" {
			break
		}
	}
	if paged != 3 {
		t.Errorf("%d are on the pages", paged)
	}
	mine := "/v1/suppressions?channel=email&address=" + url.QueryEscape("sarah.jones@example.org")
	c.call(http.MethodGet, mine, nil).want(200, &page)
	if len(page.Items) != 1 || page.Items[0].Reason != crm.SuppressedManual || page.Items[0].Candidate != c.id {
		t.Errorf("asked about one: %+v", page.Items)
	}
	c.call(http.MethodDelete, mine, nil).want(204, nil)
	c.call(http.MethodDelete, mine, nil).want(404, nil)
	if got := c.state(); !strings.Contains(got, "talent-community:email=yes") {
		t.Errorf("lifting it does not give the consent back: %q", got)
	}
	problem := c.call(http.MethodPost, "/v1/suppressions", object{"items": []object{{"channel": "email", "address": "x"}, {"channel": "sms", "address": "0"}}}).problem(422, api.CodeInvalid)
	if len(problem.Errors) != 2 || problem.Errors[1].Location != "body.items[1]" {
		t.Errorf("got %+v", problem)
	}
	reader := c.key(api.ScopeCandidatesRead)
	c.callAs(reader, http.MethodPost, "/v1/suppressions", object{"items": []object{{"channel": "email", "address": "a@b.example"}}}).want(403, nil)
}
