package sandbox_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/sendgrid/sendgrid-go"
	"github.com/sendgrid/sendgrid-go/helpers/mail"
	"github.com/stretchr/testify/require"

	"github.com/rapport-crm/rapport/deploy/embedded/sandbox"
)

func TestSendGridOfficialClient(t *testing.T) {
	t.Parallel()
	b := setup(t)
	message := mail.NewV3MailInit(mail.NewEmail("Acme Jobs", "jobs@acme.example"), "Thank you", mail.NewEmail("Ada", "ada@example.org"),
		mail.NewContent("text/plain", "Hello"), mail.NewContent("text/html", "<p>Hello</p>"))
	message.SetCustomArg("rapport_message", "msg_7")
	message.SetHeader("List-Unsubscribe", "<https://acme.example/u/1>")
	message.SetReplyTo(mail.NewEmail("", "reply+7@acme.example"))
	message.AddCategories("nurture")
	api := sendgrid.NewSendClient(apiKey)
	api.BaseURL = b.server.URL + "/v3/mail/send"
	answer, err := api.SendWithContext(t.Context(), message)
	require.NoError(t, err)
	require.Equal(t, http.StatusAccepted, answer.StatusCode)
	require.Empty(t, answer.Body)
	require.Len(t, answer.Headers["X-Message-Id"], 1)

	kept, err := b.sandbox.Messages(t.Context(), sandbox.Filter{CustomArgs: map[string]string{"rapport_message": "msg_7"}})
	require.NoError(t, err)
	require.Len(t, kept, 1)
	m := kept[0]
	require.Equal(t, answer.Headers["X-Message-Id"][0], m.RequestID)
	require.Equal(t, "ada@example.org", m.To)
	require.Equal(t, "Thank you", m.Subject)
	require.Equal(t, "<p>Hello</p>", m.HTML)
	require.Equal(t, "Hello", m.Text)
	require.Equal(t, "reply+7@acme.example", m.ReplyTo)
	require.Equal(t, "msg_7", m.Reference)
	require.Equal(t, "<https://acme.example/u/1>", m.Headers["List-Unsubscribe"])
	require.True(t, m.AcceptedAt.Equal(scaledNow()), "the injected clock: %s", m.AcceptedAt)
}

func TestSendGridRefusesCredentialsAndTypes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, c := range map[string]struct {
		header http.Header
		status int
	}{
		"no key":       {http.Header{"Content-Type": {"application/json"}}, http.StatusUnauthorized},
		"wrong key":    {http.Header{"Authorization": {"Bearer SG.other"}, "Content-Type": {"application/json"}}, http.StatusUnauthorized},
		"basic auth":   {http.Header{"Authorization": {"Basic " + apiKey}, "Content-Type": {"application/json"}}, http.StatusUnauthorized},
		"content type": {http.Header{"Authorization": {"Bearer " + apiKey}, "Content-Type": {"text/plain"}}, http.StatusUnsupportedMediaType},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			response, body := do(t, http.MethodPost, b.server.URL+"/v3/mail/send", c.header, mailBody(nil))
			require.Equal(t, c.status, response.StatusCode)
			var answer struct {
				Errors []map[string]any `json:"errors"`
			}
			require.NoError(t, json.Unmarshal(body, &answer))
			require.Len(t, answer.Errors, 1)
			require.NotEmpty(t, answer.Errors[0]["message"])
			require.Contains(t, answer.Errors[0], "field")
			require.Nil(t, answer.Errors[0]["field"])
		})
	}
}

func TestSendGridRefusesMail(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first := func(m map[string]any) map[string]any { return m["personalizations"].([]any)[0].(map[string]any) }
	person := func(email string) map[string]any { return map[string]any{"email": email} }
	for name, c := range map[string]struct {
		change func(m map[string]any)
		field  string
	}{
		"no personalizations":   {func(m map[string]any) { delete(m, "personalizations") }, "personalizations"},
		"no to":                 {func(m map[string]any) { delete(first(m), "to") }, "personalizations.0.to"},
		"empty to":              {func(m map[string]any) { first(m)["to"] = []any{} }, "personalizations.0.to"},
		"bad to":                {func(m map[string]any) { first(m)["to"] = []any{person("ada")} }, "personalizations.0.to.0.email"},
		"to with name inside":   {func(m map[string]any) { first(m)["to"] = []any{person("Ada <a@b.example>")} }, "personalizations.0.to.0.email"},
		"to without a dot":      {func(m map[string]any) { first(m)["to"] = []any{person("ada@localhost")} }, "personalizations.0.to.0.email"},
		"unknown recipient key": {func(m map[string]any) { first(m)["to"] = []any{map[string]any{"address": "a@b.example"}} }, "personalizations.0.to.0.address"},
		"same in to and cc":     {func(m map[string]any) { first(m)["cc"] = []any{person("ADA@example.org")} }, "personalizations.0"},
		"no from":               {func(m map[string]any) { delete(m, "from") }, "from.email"},
		"bad from":              {func(m map[string]any) { m["from"] = person("@acme.example") }, "from.email"},
		"no subject":            {func(m map[string]any) { delete(m, "subject") }, "subject"},
		"subject with line end": {func(m map[string]any) { m["subject"] = "a\nBcc: x@y.example" }, "subject"},
		"no content":            {func(m map[string]any) { delete(m, "content") }, "content"},
		"empty content":         {func(m map[string]any) { m["content"] = []any{map[string]any{"type": "text/plain", "value": ""}} }, "content.0.value"},
		"html before text":      {func(m map[string]any) { c := m["content"].([]any); m["content"] = []any{c[1], c[0]} }, "content"},
		"text twice":            {func(m map[string]any) { c := m["content"].([]any); m["content"] = []any{c[0], c[0]} }, "content.1.type"},
		"content parameter": {func(m map[string]any) {
			m["content"] = append(m["content"].([]any), map[string]any{"type": "text/calendar; charset=utf-8", "value": "x"})
		}, "content.2.type"},
		"reserved header":        {func(m map[string]any) { m["headers"] = map[string]any{"Reply-To": "x@y.example"} }, "headers.Reply-To"},
		"reserved header inside": {func(m map[string]any) { first(m)["headers"] = map[string]any{"bcc": "x"} }, "personalizations.0.headers.bcc"},
		"header with line end":   {func(m map[string]any) { m["headers"] = map[string]any{"X-A": "a\r\nb"} }, "headers.X-A"},
		"number as argument":     {func(m map[string]any) { m["custom_args"] = map[string]any{"n": 1} }, "custom_args.n"},
		"string as arguments":    {func(m map[string]any) { m["custom_args"] = "n" }, "custom_args"},
		"large arguments":        {func(m map[string]any) { m["custom_args"] = map[string]any{"n": strings.Repeat("x", 10_000)} }, "personalizations.0.custom_args"},
		"eleven categories":      {func(m map[string]any) { m["categories"] = strings.Split("abcdefghijk", "") }, "categories"},
		"same category":          {func(m map[string]any) { m["categories"] = []string{"a", "a"} }, "categories.1"},
		"long category":          {func(m map[string]any) { m["categories"] = []string{strings.Repeat("a", 256)} }, "categories.0"},
		"too far ahead":          {func(m map[string]any) { m["send_at"] = scaledNow().AddDate(0, 0, 4).Unix() }, "send_at"},
		"unknown template":       {func(m map[string]any) { m["template_id"] = "d-1" }, "template_id"},
		"unknown batch":          {func(m map[string]any) { m["batch_id"] = "b" }, "batch_id"},
		"group without id":       {func(m map[string]any) { m["asm"] = map[string]any{} }, "asm.group_id"},
		"attachment not base64":  {func(m map[string]any) { m["attachments"] = []any{map[string]any{"content": "!", "filename": "a"}} }, "attachments.0.content"},
		"unknown field":          {func(m map[string]any) { m["replyto"] = person("a@b.example") }, "replyto"},
		"wrong case":             {func(m map[string]any) { m["Subject"] = "x" }, "Subject"},
		"null":                   {func(m map[string]any) { m["reply_to"] = nil }, "reply_to"},
		"two reply-tos": {func(m map[string]any) {
			m["reply_to"], m["reply_to_list"] = person("a@b.example"), []any{person("a@b.example")}
		}, "reply_to_list"},
		"1001 personalizations": {func(m map[string]any) {
			m["personalizations"] = make([]any, 0, 1001)
			for range 1001 {
				m["personalizations"] = append(m["personalizations"].([]any), map[string]any{"to": []any{person("a@b.example")}})
			}
		}, "personalizations"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			response, body := b.sendMail(t, mailBody(c.change))
			require.Equal(t, http.StatusBadRequest, response.StatusCode, string(body))
			var answer struct {
				Errors []struct {
					Message string `json:"message"`
					Field   string `json:"field"`
					Help    string `json:"help"`
				} `json:"errors"`
			}
			require.NoError(t, json.Unmarshal(body, &answer))
			var fields []string
			for _, e := range answer.Errors {
				require.NotEmpty(t, e.Message)
				require.Contains(t, e.Help, "errors.html#message.")
				fields = append(fields, e.Field)
			}
			require.Contains(t, fields, c.field)
		})
	}
	t.Cleanup(func() { // after the parallel cases
		kept, err := b.sandbox.Messages(context.WithoutCancel(t.Context()), sandbox.Filter{})
		require.NoError(t, err)
		require.Empty(t, kept, "a refused mail is not kept")
	})
}

func TestSendGridRefusesBrokenJSON(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, body := range map[string]string{"cut": `{"from":`, "two": `{} {}`, "list": `[]`, "empty": ``} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			response, answer := b.sendMail(t, []byte(body))
			require.Equal(t, http.StatusBadRequest, response.StatusCode)
			require.Contains(t, string(answer), `"errors"`)
		})
	}
}

func TestSendGridPersonalizations(t *testing.T) {
	t.Parallel()
	b := setup(t)
	m := b.accepted(t, mailBody(func(m map[string]any) {
		m["headers"] = map[string]any{"X-A": "all", "X-B": "all"}
		m["subject"] = "Hello -name-"
		m["personalizations"] = []any{
			map[string]any{
				"to": []any{map[string]any{"email": "ada@example.org"}}, "bcc": []any{map[string]any{"email": "log@acme.example"}},
				"headers": map[string]any{"X-B": "hers"}, "substitutions": map[string]any{"-name-": "Ada"},
				"custom_args": map[string]any{"tenant": "t2", "rapport_message": "msg_9"},
			},
			map[string]any{"to": []any{map[string]any{"email": "grace@example.org"}}, "subject": "Other"},
		}
	}))
	require.Equal(t, "Hello Ada", m.Subject)
	require.Equal(t, map[string]string{"X-A": "all", "X-B": "hers"}, m.Headers)
	require.Equal(t, map[string]string{"tenant": "t2", "rapport_message": "msg_9"}, m.CustomArgs)
	require.JSONEq(t, `"Hello -name-"`, string(rawField(t, m.Raw, "subject")))

	all, err := b.sandbox.Messages(t.Context(), sandbox.Filter{})
	require.NoError(t, err)
	require.Len(t, all, 3, "one for each recipient")
	require.Equal(t, "bcc", all[1].Copy)
	require.Equal(t, "Other", all[2].Subject)
	require.Equal(t, all[0].RequestID, all[2].RequestID)
}

func rawField(t *testing.T, raw json.RawMessage, name string) json.RawMessage {
	t.Helper()
	var fields map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(raw, &fields))
	return fields[name]
}

func TestSendGridTakesUnusualMail(t *testing.T) {
	t.Parallel()
	b := setup(t)
	t.Run("compressed", func(t *testing.T) {
		t.Parallel()
		var packed bytes.Buffer
		zipper := gzip.NewWriter(&packed)
		_, err := zipper.Write(mailBody(nil))
		require.NoError(t, err)
		require.NoError(t, zipper.Close())
		header := http.Header{"Authorization": {"Bearer " + apiKey}, "Content-Type": {"application/json; charset=utf-8"}, "Content-Encoding": {"gzip"}}
		response, body := do(t, http.MethodPost, b.server.URL+"/v3/mail/send", header, packed.Bytes())
		require.Equal(t, http.StatusAccepted, response.StatusCode, string(body))
	})
	t.Run("with NUL and emoji", func(t *testing.T) {
		t.Parallel()
		m := b.accepted(t, mailBody(func(m map[string]any) { m["subject"] = "a\x00b 🎉" }))
		require.Equal(t, "a\uFFFDb 🎉", m.Subject)
	})
	t.Run("SendGrid's own sandbox mode", func(t *testing.T) {
		t.Parallel()
		response, _ := b.sendMail(t, mailBody(func(m map[string]any) {
			m["mail_settings"] = map[string]any{"sandbox_mode": map[string]any{"enable": true}}
			m["subject"] = "never kept"
		}))
		require.Equal(t, http.StatusOK, response.StatusCode)
		require.NotContains(t, b.page(t, "/"), "never kept")
	})
}
