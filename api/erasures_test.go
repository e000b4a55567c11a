package api_test

import (
	"crypto/ed25519"
	"net/http"
	"testing"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/crm"
)

// receiptKey signs the receipts of tests.
func receiptKey() ed25519.PrivateKey { return ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)) }

func TestEraseCandidate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.call(http.MethodPost, "/v1/candidates", object{"external_id": "ATS-1", "first_name": "Ana", "email": "ana@example.org"}).want(201, nil)
	ask := object{"mode": "erase", "reason": "request", "rule": "gdpr/art-17"}
	w.callAs(w.key(api.ScopeCandidatesWrite), http.MethodPost, "/v1/candidates/ATS-1/erase", ask).want(403, nil)
	w.call(http.MethodPost, "/v1/candidates/ATS-1/erase", object{"mode": "erase", "reason": "Ana asked for it"}).problem(422, api.CodeInvalid)
	w.call(http.MethodPost, "/v1/candidates/ATS-9/erase", ask).problem(404, api.CodeNotFound)
	w.call(http.MethodPut, "/v1/candidates/by-external-id/ATS-1", object{"legal_hold": true}).want(200, nil)
	w.call(http.MethodPost, "/v1/candidates/ATS-1/erase", ask).problem(409, api.CodeConflict)
	w.call(http.MethodPut, "/v1/candidates/by-external-id/ATS-1", object{"legal_hold": false}).want(200, nil)

	officer := w.key(api.ScopePrivacyRead, api.ScopePrivacyWrite)
	var erased, again api.Erasure
	w.callAs(officer, http.MethodPost, "/v1/candidates/ATS-1/erase", ask).want(200, &erased)
	w.callAs(officer, http.MethodPost, "/v1/candidates/ATS-1/erase", ask).want(200, &again)
	r, err := erased.Verify(ed25519.PublicKey(receiptKey()[ed25519.SeedSize:]))
	if err != nil || r.Rule != "gdpr/art-17" || r.Rows["candidates"] != 1 || string(again.Receipt) != string(erased.Receipt) {
		t.Errorf("the receipt is %s, then %s; %v", erased.Receipt, again.Receipt, err)
	}
	if len(erased.Outside) != 1 || erased.Outside[0] != (api.ErasureProgress{Kind: crm.ErasureATS, Outcome: "open", N: 1}) {
		t.Errorf("outside: %+v", erased.Outside)
	}
	w.call(http.MethodGet, "/v1/candidates/ATS-1", nil).want(404, nil)
	w.call(http.MethodPost, "/v1/candidates", object{"external_id": "ATS-1"}).problem(409, api.CodeConflict)
	var results api.EventResults
	w.call(http.MethodPost, "/v1/events", object{"source": "ats", "type": "page.viewed", "subject": "ATS-1", "id": "1"}).want(200, &results)
	if results.Rejected != 1 || results.Results[0].Problem == nil || results.Results[0].Problem.Code != "erased" {
		t.Errorf("an event of theirs: %+v", results)
	}
	for path, n := range map[string]int{"/v1/erasures": 1, "/v1/erasures?candidate=ATS-1": 1, "/v1/erasures?candidate=ATS-2": 0} {
		var page api.Page[api.Erasure]
		w.callAs(officer, http.MethodGet, path, nil).want(200, &page)
		if len(page.Items) != n || n > 0 && string(page.Items[0].Receipt) != string(erased.Receipt) {
			t.Errorf("%s lists %+v", path, page.Items)
		}
	}
	var counts []crm.PastCount
	w.call(http.MethodGet, "/v1/erasures/counts", nil).want(200, &counts)
	if len(counts) != 0 {
		t.Errorf("counted are %v", counts)
	}
}
