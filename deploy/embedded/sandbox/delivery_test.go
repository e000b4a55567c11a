package sandbox_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rapport-crm/rapport/deploy/embedded/sandbox"
)

// faults sets faults through the endpoint that tests use.
func (b *testBundle) faults(t *testing.T, body string) {
	t.Helper()
	response, answer := do(t, http.MethodPut, b.server.URL+"/sandbox/faults", nil, []byte(body))
	require.Equal(t, http.StatusOK, response.StatusCode, string(answer))
}

func (b *testBundle) stats(t *testing.T) sandbox.Stats {
	t.Helper()
	var stats sandbox.Stats
	require.NoError(t, json.Unmarshal([]byte(b.page(t, "/sandbox/stats")), &stats))
	return stats
}

func TestWebhooksAreTriedUntilTheReceiverIsWell(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.receiver.answer(http.StatusServiceUnavailable)
	stop := b.run(t)
	m := b.accepted(t, mailBody(nil))
	_, err := b.twilio().CreateMessage(b.text("Hello"))
	require.NoError(t, err)
	eventually(t, func() bool {
		page := b.page(t, "/mails/"+m.ID)
		return containsAll(page, "did not take it yet (503)")
	})

	// The process is killed and starts again, on another port, with the same database.
	stop()
	b.server.CloseClientConnections()
	b.start(t)
	require.Positive(t, b.stats(t).WebhooksPending)
	b.receiver.answer(http.StatusOK)
	b.run(t)
	b.receiver.event(t, "processed")
	b.receiver.event(t, "delivered")
	eventually(t, func() bool { return b.stats(t).WebhooksPending == 0 })
	require.Len(t, b.receiver.all("/webhooks/twilio/status?rapport_message=msg_3"), 3)
}

func TestWebhooksThatAreRefusedAreNotRepeated(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.receiver.answer(http.StatusUnauthorized)
	b.run(t)
	m := b.accepted(t, mailBody(nil))
	eventually(t, func() bool { return b.stats(t).WebhooksRefused == 2 })
	require.Contains(t, b.page(t, "/mails/"+m.ID), "Rapport refused it (401)")
	require.Len(t, b.receiver.events(t), 2)
}

func TestEventsComeInBatches(t *testing.T) {
	t.Parallel()
	b := setup(t)
	people := make([]any, 250)
	for i := range people {
		people[i] = map[string]any{"email": fmt.Sprintf("p%d@example.org", i)}
	}
	b.accepted(t, mailBody(func(m map[string]any) {
		m["personalizations"] = []any{map[string]any{"to": people}}
	}))
	b.run(t)
	eventually(t, func() bool { return len(b.receiver.events(t)) == 500 })
	posts := b.receiver.all("/webhooks/sendgrid/events")
	require.Less(t, len(posts), 12)
	for _, p := range posts {
		var batch []any
		require.NoError(t, json.Unmarshal(p.body, &batch))
		require.LessOrEqual(t, len(batch), 100)
	}
}

func TestFaultsOfRequests(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.faults(t, `{"provider":"sendgrid","refuse_next":1,"refuse_status":429}`)
	response, _ := b.sendMail(t, mailBody(nil))
	require.Equal(t, http.StatusTooManyRequests, response.StatusCode)
	require.Equal(t, "1", response.Header.Get("Retry-After"))
	require.Zero(t, b.stats(t).Messages, "not accepted")

	b.faults(t, `{"fail_next":1}`)
	response, _ = b.sendMail(t, mailBody(nil))
	require.Equal(t, http.StatusInternalServerError, response.StatusCode)
	require.Equal(t, 1, b.stats(t).Messages, "accepted all the same")

	b.faults(t, `{"drop_next":1,"delay_ms":30}`)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.server.URL+"/v3/mail/send", newReader(mailBody(nil)))
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+apiKey)
	request.Header.Set("Content-Type", "application/json")
	began := time.Now()
	dropped, err := http.DefaultTransport.RoundTrip(request)
	if err == nil {
		require.NoError(t, dropped.Body.Close())
	}
	require.Error(t, err)
	require.GreaterOrEqual(t, time.Since(began), 30*time.Millisecond)

	stats := b.stats(t)
	require.Equal(t, 2, stats.Messages)
	require.Equal(t, 2, stats.Referenced)
	require.Equal(t, 1, stats.Distinct)
	require.Equal(t, 1, stats.Duplicates)
	b.accepted(t, mailBody(nil))

	b.faults(t, `{"refuse_next":1}`)
	_, err = b.twilio().CreateMessage(b.text("Hello"))
	requireTwilioError(t, err, http.StatusInternalServerError, 20500)

	for _, wrong := range []string{`{"refuse_nxt":1}`, `{"drop_next":-1}`, `{"refuse_status":404}`, `{"provider":"x"}`, ``} {
		response, _ := do(t, http.MethodPut, b.server.URL+"/sandbox/faults", nil, []byte(wrong))
		require.Equal(t, http.StatusBadRequest, response.StatusCode, wrong)
	}
}

func TestFaultsOfWebhooks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.faults(t, `{"mute_webhooks":true,"bounce_next":2}`)
	b.run(t)
	m := b.accepted(t, mailBody(nil))
	text, err := b.twilio().CreateMessage(b.text("Hello"))
	require.NoError(t, err)
	eventually(t, func() bool {
		mail, err := b.sandbox.Message(t.Context(), m.ID)
		require.NoError(t, err)
		sms, err := b.sandbox.Message(t.Context(), *text.Sid)
		require.NoError(t, err)
		return mail.Status == "bounce" && sms.Status == "undelivered" && sms.ErrorCode == 30003
	}, "the provider knows although nobody was told")
	require.Empty(t, b.receiver.events(t))

	b.faults(t, `{"lose_webhooks":0,"repeat_webhooks":1,"shuffle_webhooks":true}`)
	b.receiver.event(t, "bounce")
	eventually(t, func() bool { return b.stats(t).WebhooksPending == 0 })
	require.Len(t, b.receiver.events(t), 4, "each of two events twice")
	require.Len(t, b.receiver.all("/webhooks/twilio/status?rapport_message=msg_3"), 6)

	b.faults(t, `{"lose_webhooks":2}`)
	lost := b.accepted(t, mailBody(nil))
	eventually(t, func() bool { return b.stats(t).WebhooksPending == 0 })
	require.Len(t, b.receiver.events(t), 4)
	require.Contains(t, b.page(t, "/mails/"+lost.ID), "lost on the way")
}

func TestKeptKeyIsTheSameAfterARestart(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.config.Key = nil
	b.start(t)
	first := b.sandbox.PublicKey()
	b.start(t)
	require.Equal(t, first, b.sandbox.PublicKey())
}

func TestKeysSurviveEncoding(t *testing.T) {
	t.Parallel()
	key, err := sandbox.GenerateKey()
	require.NoError(t, err)
	encoded, err := sandbox.EncodeKey(key)
	require.NoError(t, err)
	parsed, err := sandbox.ParseKey(encoded)
	require.NoError(t, err)
	require.True(t, key.Equal(parsed))
	_, err = sandbox.ParseKey([]byte("none"))
	require.Error(t, err)
}

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	good := sandbox.Config{DSN: "postgres:///x", APIKey: apiKey, AccountSID: accountSID, AuthToken: authToken, SMSNumbers: []string{ourNumber}}
	for name, change := range map[string]func(*sandbox.Config){
		"DSN":          func(c *sandbox.Config) { c.DSN = "" },
		"APIKey":       func(c *sandbox.Config) { c.APIKey = "" },
		"account SID":  func(c *sandbox.Config) { c.AccountSID = "ACME" },
		"AuthToken":    func(c *sandbox.Config) { c.AuthToken = "" },
		"E.164":        func(c *sandbox.Config) { c.SMSNumbers = []string{"0151"} },
		"webhook base": func(c *sandbox.Config) { c.WebhookBase = "localhost:8080" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := good
			change(&config)
			_, err := sandbox.New(t.Context(), config)
			require.ErrorContains(t, err, name)
		})
	}
}
