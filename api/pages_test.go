package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/crm"
)

// The candidate's language goes before the browser's, and that before the workspace's.
func TestPagesSpeakTheCandidatesLanguage(t *testing.T) {
	t.Parallel()
	w, _, survey := asked(t)
	dutch := crm.Document{Kind: crm.KindWorkspace, Name: "north-trust", Hash: "dutch", Source: strings.Replace(workspaceYAML, "\n", "\nlocale: nl\n", 1)}
	if _, err := w.store.ApplyDefinitions(t.Context(), []crm.Document{dutch}, w.clock()); err != nil {
		t.Fatal(err)
	}
	unsubscribe := strings.TrimPrefix(api.UnsubscribeURL(publicURL, []byte(linkSecret), strings.Split(strings.TrimPrefix(survey, "/s/"), ".")[0]), publicURL)
	for _, c := range []struct{ name, locale, accept, path, want, says string }{
		{"the candidate's", "cy", "de", unsubscribe, "cy", "Stopio’r negeseuon hyn?"},
		{"a variant of the candidate's", "de-AT", "", survey, "de", "Absenden"},
		{"the browser's", "", "fr-CH, en;q=0.5", survey, "fr", "Envoyer"},
		{"one that nobody speaks", "ja", "es", unsubscribe, "es", "¿Dejar de recibir estos mensajes?"},
		{"the workspace's", "", "", unsubscribe, "nl", "Deze berichten stoppen?"},
		{"nobody's link is in the browser's", "cy", "de", "/u/msg_x.y", "de", "Dieser Link funktioniert nicht"},
	} {
		w.call(http.MethodPut, "/v1/candidates/by-external-id/1", map[string]any{"locale": c.locale}).want(200, nil)
		got := w.send(http.MethodGet, c.path, http.Header{"Accept-Language": {c.accept}}, nil)
		if body := string(got.body); !strings.Contains(body, `<html lang="`+c.want+`" dir="ltr">`) || !strings.Contains(body, c.says) ||
			got.header.Get("Content-Language") != c.want {
			t.Errorf("%s: %d, %s, want %s and %q:\n%s", c.name, got.status, got.header.Get("Content-Language"), c.want, c.says, body)
		}
	}
}
