package sandbox_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rapport-crm/rapport/deploy/embedded/sandbox"
)

func newReader(data []byte) io.Reader { return bytes.NewReader(data) }

func containsAll(text string, parts ...string) bool {
	for _, part := range parts {
		if !strings.Contains(text, part) {
			return false
		}
	}
	return true
}

func TestInbox(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.Contains(t, b.page(t, "/"), "Nothing yet")
	m := b.accepted(t, mailBody(func(m map[string]any) { m["subject"] = "<script>alert(1)</script>" }))
	_, err := b.twilio().CreateMessage(b.text("A text"))
	require.NoError(t, err)

	page := b.page(t, "/")
	require.Contains(t, page, "/mails/"+m.ID)
	require.Contains(t, page, "&lt;script&gt;alert(1)", "a subject is text")
	require.NotContains(t, page, "<script>alert")
	require.Contains(t, page, "Ada Lovelace")
	require.Contains(t, page, "/phones/&#43;4915112345678")
	require.NotContains(t, b.page(t, "/?show=mail"), "A text")
	require.NotContains(t, b.page(t, "/?show=texts"), "Ada Lovelace")
	require.Contains(t, b.page(t, "/?q=LOVELACE"), m.ID)
	require.Contains(t, b.page(t, "/?q=nobody%25"), "Nobody matches")
}

func TestInboxIsPaged(t *testing.T) {
	t.Parallel()
	b := setup(t)
	people := make([]any, 60)
	for i := range people {
		people[i] = map[string]any{"email": fmt.Sprintf("p%02d@example.org", i)}
	}
	b.accepted(t, mailBody(func(m map[string]any) { m["personalizations"] = []any{map[string]any{"to": people}} }))
	page := b.page(t, "/?q=p&show=mail")
	require.Contains(t, page, "p59@")
	require.NotContains(t, page, "p09@")
	_, older, found := strings.Cut(page, `<a class="button" href="`)
	require.True(t, found)
	older, _, _ = strings.Cut(older, `"`)
	page = b.page(t, strings.ReplaceAll(older, "&amp;", "&"))
	require.Contains(t, page, "p09@")
	require.NotContains(t, page, "p10@")
}

func TestMailPage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	m := b.accepted(t, mailBody(nil))
	response, data := do(t, http.MethodGet, b.server.URL+"/mails/"+m.ID, nil, nil)
	page := string(data)
	policy := response.Header.Get("Content-Security-Policy")
	require.Contains(t, policy, "default-src 'none'")
	require.NotContains(t, policy, "unsafe")
	require.True(t, containsAll(page, "Thank you", "see the role", "https://acme.example/jobs/1", "rapport_message", `sandbox="allow-popups`), page)
	require.NotContains(t, page, "style=", "the policy forbids inline styles")

	response, data = do(t, http.MethodGet, b.server.URL+"/mails/"+m.ID+"/body", nil, nil)
	require.Contains(t, string(data), `<a href="https://acme.example/jobs/1">`)
	require.True(t, strings.HasPrefix(response.Header.Get("Content-Security-Policy"), "sandbox "), "no scripts, even when opened by itself")

	response, _ = do(t, http.MethodGet, b.server.URL+"/mails/none", nil, nil)
	require.Equal(t, http.StatusNotFound, response.StatusCode)

	plain := b.accepted(t, mailBody(func(m map[string]any) { m["content"] = m["content"].([]any)[:1] }))
	page = b.page(t, "/mails/"+plain.ID)
	require.NotContains(t, page, "<iframe")
	require.Contains(t, page, `value="https://acme.example/jobs/1"`, "without the full stop that follows it")
}

func TestMailFiles(t *testing.T) {
	t.Parallel()
	b := setup(t)
	m := b.accepted(t, mailBody(func(m map[string]any) {
		m["attachments"] = []any{map[string]any{"content": "QkVHSU46VkNBTEVOREFSDQo=", "type": "text/calendar", "filename": "invité.ics"}}
	}))
	require.True(t, containsAll(b.page(t, "/mails/"+m.ID), "invité.ics", "text/calendar, 17 B", "/files/0"))
	response, data := do(t, http.MethodGet, b.server.URL+"/mails/"+m.ID+"/files/0", nil, nil)
	require.Equal(t, "BEGIN:VCALENDAR\r\n", string(data))
	require.Equal(t, "application/octet-stream", response.Header.Get("Content-Type"))
	require.Contains(t, response.Header.Get("Content-Disposition"), "attachment; filename*=utf-8''invit%C3%A9.ics")
	for _, n := range []string{"1", "-1", "x"} {
		response, _ = do(t, http.MethodGet, b.server.URL+"/mails/"+m.ID+"/files/"+n, nil, nil)
		require.Equal(t, http.StatusNotFound, response.StatusCode, n)
	}
}

func TestInvitationIsSummedUp(t *testing.T) {
	t.Parallel()
	b := setup(t)
	calendar := strings.ReplaceAll(`BEGIN:VCALENDAR
METHOD:CANCEL
BEGIN:VTIMEZONE
DTSTART:19700101T000000
END:VTIMEZONE
BEGIN:VEVENT
SEQUENCE:3
DTSTART;TZID=Europe/Berlin:20261105T100000
SUMMARY:Interview\\, with <Ana> and so
 me more
LOCATION:Room 1\\n2nd floor
END:VEVENT
END:VCALENDAR
`, "\n", "\r\n")
	m := b.accepted(t, mailBody(func(m map[string]any) {
		m["content"] = append(m["content"].([]any), map[string]any{"type": "text/calendar; method=CANCEL", "value": strings.ReplaceAll(calendar, `\\`, `\`)})
	}))
	page := b.page(t, "/mails/"+m.ID)
	require.True(t, containsAll(page, "Cancelled", "METHOD:CANCEL, version 3", "Thu 5 Nov 2026, 10:00 Europe/Berlin",
		"Interview, with &lt;Ana&gt; and some more", "Room 1 2nd floor"), page)
	require.NotContains(t, b.page(t, "/mails/"+b.accepted(t, mailBody(nil)).ID), "METHOD:")
}

func TestButtonsCannotBePressedFromAnotherSite(t *testing.T) {
	t.Parallel()
	b := setup(t)
	m := b.accepted(t, mailBody(nil))
	header := http.Header{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://evil.example"}}
	response, _ := do(t, http.MethodPost, b.server.URL+"/mails/"+m.ID+"/spam", header, nil)
	require.Equal(t, http.StatusForbidden, response.StatusCode)
	require.NotContains(t, b.page(t, "/mails/"+m.ID), "spamreport")
}

func TestPhonePage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	form := url.Values{"To": {herNumber}, "From": {ourNumber}, "Body": {"<b>Hello</b>"}, "StatusCallBack": {"http://x.example"}}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.server.URL+"/2010-04-01/Accounts/"+accountSID+"/Messages.json", strings.NewReader(form.Encode()))
	require.NoError(t, err)
	request.SetBasicAuth(accountSID, authToken)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	sent, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	require.NoError(t, sent.Body.Close())
	require.Equal(t, http.StatusCreated, sent.StatusCode, "Twilio ignores what it does not know")
	page := b.page(t, "/phones/"+herNumber)
	require.True(t, containsAll(page, "&lt;b&gt;Hello", "<code>StatusCallBack</code>", `value="STOP"`), page)

	response, _ := do(t, http.MethodGet, b.server.URL+"/phones/0151", nil, nil)
	require.Equal(t, http.StatusNotFound, response.StatusCode)
	require.Contains(t, b.page(t, "/phones/+4915100000000"), "No texts yet")
}

func TestMessagesEndpoint(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first := b.accepted(t, mailBody(nil))
	b.accepted(t, mailBody(func(m map[string]any) {
		m["personalizations"] = []any{map[string]any{"to": []any{map[string]any{"email": "grace@example.org"}}}}
	}))
	_, err := b.twilio().CreateMessage(b.text("Hello"))
	require.NoError(t, err)
	for query, want := range map[string]int{
		"":                                   3,
		"?to=ada@example.org":                1,
		"?custom_arg=rapport_message:msg_1":  1,
		"?custom_arg=tenant:t1":              2,
		"?custom_arg=tenant:t1&limit=1":      1,
		"?provider=twilio":                   1,
		"?reference=msg_3":                   1,
		fmt.Sprint("?after=", first.Seq):     2,
		"?direction=inbound":                 0,
		"?search=ADA&newest=true&after=0":    1,
		"?custom_arg=rapport_message:nobody": 0,
	} {
		var answer struct {
			Messages []sandbox.Message `json:"messages"`
		}
		require.NoError(t, json.Unmarshal([]byte(b.page(t, "/sandbox/messages"+query)), &answer), query)
		require.NotNil(t, answer.Messages)
		require.Len(t, answer.Messages, want, query)
	}
	for _, wrong := range []string{"?custom_arg=x", "?after=x", "?limit=0"} {
		response, _ := do(t, http.MethodGet, b.server.URL+"/sandbox/messages"+wrong, nil, nil)
		require.Equal(t, http.StatusBadRequest, response.StatusCode)
	}
}
