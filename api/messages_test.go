package api_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/store"
)

// lost is a message of unknown fate.
func (w *world) lost(externalID string) (candidate, message string) {
	w.t.Helper()
	candidate = w.candidate(externalID, externalID+"@example.org", "")
	message = w.claimed(candidate, crm.Email, externalID+"@example.org")
	if err := w.store.Unknown(w.t.Context(), message, "timeout", w.clock()); err != nil {
		w.t.Fatal(err)
	}
	return candidate, message
}

func TestUnknownMessages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	candidate, message := w.lost("ana")
	_, other := w.lost("ben")
	e := crm.Evidence{At: w.clock().Add(time.Minute), Source: "sendgrid", Result: crm.EvidenceNoListing}
	if err := w.store.AddEvidence(t.Context(), message, e, true); err != nil {
		t.Fatal(err)
	}
	var page api.Page[api.LedgerMessage]
	w.call(http.MethodGet, "/v1/messages?state=unknown&candidate=ana", nil).want(200, &page)
	if len(page.Items) != 1 {
		t.Fatalf("listed %+v", page)
	}
	m := page.Items[0]
	if m.ID != message || m.UnknownReason != "timeout" || m.UnknownAt.IsZero() || m.ClaimedAt.IsZero() || m.Address != "" ||
		len(m.Evidence) != 1 || m.Evidence[0].Result != crm.EvidenceNoListing {
		t.Errorf("listed %+v", m)
	}
	settle := object{"sent": true, "note": "seen in the console"}
	w.call(http.MethodPost, "/v1/messages/"+message+"/settle", settle).want(204, nil)
	w.call(http.MethodPost, "/v1/messages/"+message+"/settle", settle).want(409, nil)
	w.call(http.MethodPost, "/v1/messages/msg_none/settle", settle).want(404, nil)
	w.call(http.MethodGet, "/v1/messages?candidate=ana", nil).want(200, &page)
	if got := page.Items[0]; got.State != crm.MessageAccepted || len(got.Evidence) != 2 || got.Evidence[1].By == "" || got.Evidence[1].Note != "seen in the console" {
		t.Errorf("settled %+v", got)
	}
	w.call(http.MethodGet, "/v1/messages?state=unknown", nil).want(200, &page)
	if len(page.Items) != 1 || page.Items[0].ID != other {
		t.Errorf("then unknown are %+v", page)
	}
	entries, _, err := w.store.Timeline(t.Context(), candidate, 100, "")
	if err != nil {
		t.Fatal(err)
	}
	told := false
	for i := range entries {
		told = told || entries[i].Kind == store.EntryKind(crm.NoteSettled) && entries[i].MessageID == message
	}
	if !told {
		t.Errorf("the timeline does not say who settled it: %+v", entries)
	}
}
