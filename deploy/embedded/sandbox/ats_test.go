package sandbox_test

import (
	"encoding/json"
	"net/http"
	"strconv"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"github.com/rapport-crm/rapport/deploy/embedded/sandbox"
)

const atsBody = `{"type":"application.update","data":{"candidate":"A-7","application":"R-1","move_to":"Talent pool","fields":{"phone":"+447700900123"},"note":"<b>Keen</b>","sequence":"s","step":"filed"}}`

// tell signs a body at some time, and sends it.
func (b *testBundle) tell(t *testing.T, id, secret, body string, at time.Time) int {
	t.Helper()
	signer, err := standardwebhooks.NewWebhook(secret)
	require.NoError(t, err)
	signature, err := signer.Sign(id, at, []byte(body))
	require.NoError(t, err)
	header := http.Header{"Webhook-Id": {id}, "Webhook-Timestamp": {strconv.FormatInt(at.Unix(), 10)}, "Webhook-Signature": {signature}}
	response, _ := do(t, http.MethodPost, b.server.URL+"/ats", header, []byte(body))
	return response.StatusCode
}

func TestATS(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.Contains(t, b.page(t, "/ats"), "Nothing yet")
	require.Equal(t, http.StatusOK, b.tell(t, "call_1", atsSecret, atsBody, time.Now()))
	require.Equal(t, http.StatusOK, b.tell(t, "call_1", atsSecret, atsBody, time.Now()), "another attempt")
	for name, status := range map[string]int{
		"another secret": b.tell(t, "call_2", "whsec_YW5vdGhlciBrZXkgb2YgdHdlbnR5LWZvdXIgYnl0ZXM=", atsBody, time.Now()),
		"an old one":     b.tell(t, "call_3", atsSecret, atsBody, time.Now().Add(-10*time.Minute)),
	} {
		require.Equal(t, http.StatusUnauthorized, status, name)
	}
	require.Equal(t, http.StatusBadRequest, b.tell(t, "call_4", atsSecret, `{"type":"other"}`, time.Now()))

	_, raw := do(t, http.MethodGet, b.server.URL+"/sandbox/ats", nil, nil)
	var got struct {
		Updates []sandbox.ATSUpdate `json:"updates"`
	}
	require.NoError(t, json.Unmarshal(raw, &got))
	require.Len(t, got.Updates, 1)
	require.Equal(t, "call_1", got.Updates[0].ID)
	require.Equal(t, 2, got.Updates[0].Attempts)
	require.JSONEq(t, atsBody, string(got.Updates[0].Body))
	require.True(t, got.Updates[0].ReceivedAt.Equal(scaledNow()))

	require.Equal(t, http.StatusOK, b.tell(t, "ers_1", atsSecret, `{"type":"candidate.erased","data":{"candidate":"A-8","mode":"erase"}}`, time.Now()))

	page := b.page(t, "/ats")
	require.True(t, containsAll(page, "A-8", "deleted there too: erase", "A-7", "R-1 moves to Talent pool", "phone is &#43;447700900123", "&lt;b&gt;Keen", "told 2 times", "s/filed"), page)
}
