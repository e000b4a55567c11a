package sandbox_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sendgrid/sendgrid-go/helpers/eventwebhook"
	"github.com/sendgrid/sendgrid-go/helpers/inbound"
	"github.com/stretchr/testify/require"
)

func TestMailEventsFollowByThemselves(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.run(t)
	m := b.accepted(t, mailBody(nil))
	delivered := b.receiver.event(t, "delivered")
	processed := b.receiver.event(t, "processed")
	for _, e := range []map[string]any{processed, delivered} {
		require.Equal(t, "ada@example.org", e["email"])
		require.Equal(t, "msg_1", e["rapport_message"], "custom arguments are flat")
		require.Equal(t, "t1", e["tenant"])
		require.Equal(t, "nurture", e["category"])
		require.Equal(t, m.ID, e["sg_message_id"])
		require.Equal(t, m.MessageID, e["smtp-id"])
		require.InDelta(t, float64(scaledNow().Unix()), e["timestamp"], 0)
		require.NotEmpty(t, e["sg_event_id"])
	}
	require.NotEqual(t, processed["sg_event_id"], delivered["sg_event_id"])
	require.True(t, strings.HasPrefix(m.ID, m.RequestID+"."), "sg_message_id begins with X-Message-Id")
	post := b.receiver.first(t, "/webhooks/sendgrid/events")
	require.Equal(t, strconv.FormatInt(scaledNow().Unix(), 10), post.header.Get(eventwebhook.TimestampHTTPHeader))
	eventually(t, func() bool {
		again, err := b.sandbox.Message(t.Context(), m.ID)
		return err == nil && again.Status == "delivered"
	})
}

func TestMailButtons(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.run(t)
	m := b.accepted(t, mailBody(nil))
	path := "/mails/" + m.ID
	for _, action := range []string{"open", "bounce", "spam", "unsubscribe"} {
		response := b.press(t, path+"/"+action, nil)
		require.Equal(t, http.StatusSeeOther, response.StatusCode)
		require.Equal(t, path, response.Header.Get("Location"))
	}
	b.press(t, path+"/click", url.Values{"url": {"https://acme.example/jobs/1"}})

	require.NotEmpty(t, b.receiver.event(t, "open")["useragent"])
	require.Equal(t, "https://acme.example/jobs/1", b.receiver.event(t, "click")["url"])
	bounce := b.receiver.event(t, "bounce")
	require.Equal(t, "bounce", bounce["type"])
	require.Equal(t, "5.1.1", bounce["status"])
	require.NotEmpty(t, bounce["reason"])
	b.receiver.event(t, "spamreport")
	b.receiver.event(t, "unsubscribe")
	require.Equal(t, "msg_1", b.receiver.event(t, "unsubscribe")["rapport_message"])

	require.Equal(t, http.StatusBadRequest, b.press(t, path+"/click", url.Values{"url": {"https://evil.example"}}).StatusCode)
	require.Equal(t, http.StatusNotFound, b.press(t, path+"/explode", nil).StatusCode)
	require.Equal(t, http.StatusNotFound, b.press(t, "/mails/none/open", nil).StatusCode)
}

// Who follows Rapport's own links and loads its pictures is a browser, and SendGrid says nothing of what it is not to track.
func TestReadingMailThatTracksItself(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.run(t)
	own := b.receiver.server.URL
	m := b.accepted(t, mailBody(func(m map[string]any) {
		m["tracking_settings"] = map[string]any{"click_tracking": map[string]any{"enable": false}, "open_tracking": map[string]any{"enable": false}}
		m["content"] = []any{map[string]any{"type": "text/html", "value": `<a href="` + own + `/c/abc">a</a> <a href="https://acme.example/x">b</a>` +
			`<img src="https://acme.example/p.png"><img src="` + own + `/o/abc.gif">`}}
	}))
	b.receiver.event(t, "delivered")
	path := "/mails/" + m.ID
	b.press(t, path+"/open", nil)
	b.press(t, path+"/click", url.Values{"url": {own + "/c/abc"}})
	b.press(t, path+"/click", url.Values{"url": {"https://acme.example/x"}})
	for _, address := range []string{"/o/abc.gif", "/c/abc"} {
		require.Contains(t, b.receiver.first(t, address).header.Get("User-Agent"), "Firefox")
	}
	for _, e := range b.receiver.events(t) {
		require.NotContains(t, []string{"open", "click"}, e["event"])
	}
}

func TestSendGridDropsMailToSuppressedAddresses(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.run(t)
	m := b.accepted(t, mailBody(nil))
	b.receiver.event(t, "delivered")
	b.press(t, "/mails/"+m.ID+"/bounce", nil)
	b.accepted(t, mailBody(nil))
	require.Equal(t, "Bounced Address", b.receiver.event(t, "dropped")["reason"])
	b.press(t, "/mails/"+m.ID+"/release", nil)
	b.accepted(t, mailBody(func(m map[string]any) { m["custom_args"] = map[string]any{"again": "yes"} }))
	eventually(t, func() bool {
		return slices.ContainsFunc(b.receiver.events(t), func(e map[string]any) bool { return e["again"] == "yes" && e["event"] == "delivered" })
	})
}

func TestOneClickUnsubscribe(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.run(t)
	m := b.accepted(t, mailBody(func(m map[string]any) {
		m["headers"] = map[string]any{
			"List-Unsubscribe":      "<mailto:stop@acme.example>, <" + b.receiver.server.URL + "/u/abc?x=1>",
			"List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
		}
	}))
	b.press(t, "/mails/"+m.ID+"/unsubscribe", nil)
	post := b.receiver.first(t, "/u/abc?x=1")
	require.Equal(t, "List-Unsubscribe=One-Click", string(post.body))
	require.Equal(t, "application/x-www-form-urlencoded", post.header.Get("Content-Type"))
	b.receiver.event(t, "delivered")
	for _, e := range b.receiver.events(t) {
		require.NotEqual(t, "unsubscribe", e["event"], "the header takes the event's place")
	}
}

func TestReplyIsParsedLikeSendGridsInboundParse(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.run(t)
	m := b.accepted(t, mailBody(func(m map[string]any) {
		m["reply_to"] = map[string]any{"email": "reply+7@acme.example"}
		m["subject"] = "Danke für Ihre Bewerbung"
	}))
	b.press(t, "/mails/"+m.ID+"/reply", url.Values{"text": {"Gern!\r\nMorgen um 10?"}})
	post := b.receiver.first(t, "/webhooks/sendgrid/inbound")

	request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(string(post.body)))
	request.Header = post.header
	parsed, err := inbound.Parse(request)
	require.NoError(t, err)
	require.NoError(t, parsed.Validate())
	require.Equal(t, "Gern!\nMorgen um 10?", parsed.TextBody)
	require.Equal(t, "ada@example.org", parsed.Envelope.From)
	require.Equal(t, []string{"reply+7@acme.example"}, parsed.Envelope.To)
	require.Equal(t, m.MessageID, parsed.Headers["In-Reply-To"])
	require.Equal(t, m.MessageID, parsed.Headers["References"])
	require.Equal(t, "Re: Danke für Ihre Bewerbung", parsed.ParsedValues["subject"])
	require.Equal(t, "pass", parsed.ParsedValues["SPF"])
	require.Contains(t, parsed.ParsedValues["from"], "Ada Lovelace")
	require.Contains(t, b.page(t, "/mails/"+m.ID), "Morgen um 10?")
}
