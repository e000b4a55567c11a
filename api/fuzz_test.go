package api_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/crm"
)

// FuzzParseEvents looks for bodies that break the parser, or events that the database could not store.
func FuzzParseEvents(f *testing.F) {
	for _, seed := range []string{
		`{"specversion":"1.0","id":"1","source":"s","type":"page.viewed","subject":"A","data":{"seconds":5}}`,
		`[{"type":"page.viewed","candidate":"A"},null,7,{"type":"custom.x","candidate":"A","data":{"a":[{"b":null}]}}]`,
		`{"type":"offer.extended","candidate":"A","time":"2026-11-06T10:00:00+14:00","data":{"start_date":"2026-11-06"}}`,
		"{\"type\":\"page.viewed\",\"candidate\":\"A\\u0000\"}", `[`, `[[[[`, "\xff",
	} {
		f.Add("application/json", seed)
	}
	f.Fuzz(func(t *testing.T, contentType, body string) {
		events, rejected, ok := api.ParseEvents(contentType, []byte(body), start())
		if !ok && len(events)+rejected > 0 {
			t.Error("items of a body that was refused")
		}
		for _, e := range events {
			if e.Source == "" || e.ExternalID == "" || e.Type == "" || e.Time.IsZero() {
				t.Errorf("an event without identity: %+v", e)
			}
			if strings.HasPrefix(e.Source, crm.SourceRapport+"/") {
				t.Errorf("a reserved source: %+v", e)
			}
			if text, err := json.Marshal(e); err != nil || strings.Contains(string(text), `\u0000`) && !strings.Contains(string(text), `\\u0000`) {
				t.Errorf("it cannot be stored: %s, %v", text, err)
			}
		}
	})
}
