package api_test

import (
	"bytes"
	"encoding/json"
	"html"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/rapport-crm/rapport/api"
)

func TestOpenAPI(t *testing.T) {
	t.Parallel()
	first, err := api.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	second, err := api.OpenAPI()
	if err != nil || !bytes.Equal(first, second) {
		t.Fatalf("two documents differ, %v", err)
	}
	var document struct {
		OpenAPI string                               `json:"openapi"`
		Paths   map[string]map[string]map[string]any `json:"paths"`
	}
	if err := json.Unmarshal(first, &document); err != nil || !strings.HasPrefix(document.OpenAPI, "3.1") {
		t.Fatalf("%s, %v", document.OpenAPI, err)
	}
	for path, item := range document.Paths {
		for method, op := range item {
			security, err := json.Marshal(op["security"])
			if err != nil {
				t.Fatal(err)
			}
			if !slices.ContainsFunc(api.Scopes(), func(scope string) bool { return strings.Contains(string(security), `"`+scope+`"`) }) {
				t.Errorf("%s %s names no scope: %s", method, path, security)
			}
			if op["summary"] == "" || op["operationId"] == "" {
				t.Errorf("%s %s is not described", method, path)
			}
		}
	}
	if len(document.Paths) < 18 {
		t.Errorf("there are only %d paths", len(document.Paths))
	}
	if bytes.Contains(first, []byte("ErrorModel")) && !bytes.Contains(first, []byte(`"request_id"`)) {
		t.Error("problems are not described")
	}
}

func TestDocs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	page := w.send(http.MethodGet, "/docs", nil, nil).want(200, nil)
	text := html.UnescapeString(string(page.body))
	for _, part := range []string{"Send events", "/v1/candidates/{id}/timeline", "application/cloudevents-batch+json", "events:write", "unsupported_media_type", publicURL} {
		if !strings.Contains(text, part) {
			t.Errorf("the page lacks %q", part)
		}
	}
	for _, foreign := range []string{"<script", "src=\"http", "@import", "ZgotmplZ"} {
		if strings.Contains(text, foreign) {
			t.Errorf("the page has %q", foreign)
		}
	}
	served := w.send(http.MethodGet, "/openapi.json", nil, nil).want(200, nil)
	if document, err := api.OpenAPI(); err != nil || !bytes.Equal(document, served.body) {
		t.Errorf("the server's document is not the committed one, %v", err)
	}
	if a := w.send(http.MethodGet, "/", nil, nil); a.status != http.StatusFound || a.header.Get("Location") != "/docs" {
		t.Errorf("/ answers %d to %s", a.status, a.header.Get("Location"))
	}
}
