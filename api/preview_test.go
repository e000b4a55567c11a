package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/dsl"
)

const letterYAML = `message: letter
channel: email
subject: "Hello {{ candidate.first_name | default: 'you' }}"
body: Hello.
---
message: letter
locale: cy
subject: "Helo {{ candidate.first_name | default: 'ti' }}"
body: Helo.
`

func TestPreviewMessage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.call(http.MethodPut, "/v1/definitions", files(workspaceYAML, letterYAML)).want(200, nil)
	w.written("ATS-1")
	preview := func(body object) answer { return w.call(http.MethodPost, "/v1/messages/preview", body) }

	for name, c := range map[string]struct {
		body    object
		subject string
	}{
		"a candidate":        {object{"name": "letter", "candidate": "ATS-1"}, "Hello Ana"},
		"in another locale":  {object{"name": "letter", "candidate": "ATS-1", "locale": "cy-GB"}, "Helo Ana"},
		"nobody":             {object{"name": "letter"}, "Hello Sarah"},
		"a locale without":   {object{"name": "letter", "locale": "de"}, "Hello Sarah"},
		"nobody in a locale": {object{"name": "letter", "locale": "cy"}, "Helo Sarah"},
	} {
		var got dsl.Preview
		if preview(c.body).want(200, &got); got.Subject != c.subject || !strings.Contains(got.HTML, "<!doctype html>") || got.Text == "" {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if p := preview(object{"name": "leter"}).problem(404, api.CodeNotFound); !strings.Contains(p.Detail, "Did you mean letter?") {
		t.Errorf("the problem is %s", p.Detail)
	}
	preview(object{"name": "letter", "candidate": "ATS-9"}).problem(404, api.CodeNotFound)
	w.callAs(w.key(api.ScopeDefinitionsRead), http.MethodPost, "/v1/messages/preview", object{"name": "letter"}).problem(403, api.CodeForbidden)
}
