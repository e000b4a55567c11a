package sandbox_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// FuzzSendMail finds requests that the sandbox neither takes nor refuses.
func FuzzSendMail(f *testing.F) {
	b := setup(f)
	handler := b.sandbox.Handler()
	f.Add(mailBody(nil))
	f.Add(mailBody(func(m map[string]any) { m["headers"] = map[string]any{"X-\x00": "\x00"} }))
	f.Add(mailBody(func(m map[string]any) { m["custom_args"] = map[string]any{"\x00": "\x00"} }))
	f.Add(mailBody(func(m map[string]any) { m["categories"] = []string{"a\x00"} }))
	f.Add(mailBody(func(m map[string]any) { m["send_at"] = int64(1) << 62 }))
	f.Add([]byte(`{"personalizations":[null]}`))
	f.Add([]byte("\xff"))
	f.Add(bytes.Replace(mailBody(nil), []byte("Thank"), []byte("\xff\\ud800"), 1))
	f.Fuzz(func(t *testing.T, body []byte) {
		request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v3/mail/send", bytes.NewReader(body))
		request.Header.Set("Authorization", "Bearer "+apiKey)
		request.Header.Set("Content-Type", "application/json")
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, request)
		if answer.Code >= 500 {
			t.Fatalf("%d: %s", answer.Code, answer.Body)
		}
	})
}

// FuzzSendText does the same with texts.
func FuzzSendText(f *testing.F) {
	b := setup(f)
	handler := b.sandbox.Handler()
	f.Add("To=%2B4915112345678&From=%2B4915799990000&Body=Hello")
	f.Add("To=%2B4915112345678&From=%2B4915799990000&Body=%00%ff&X%00=%00&StatusCallback=http%3A%2F%2Fx.example%2F%00")
	f.Add(url.Values{"To": {herNumber}, "From": {ourNumber}, "Body": {"\xff"}, "\xff": {"\xff"}}.Encode())
	f.Add("%")
	f.Fuzz(func(t *testing.T, form string) {
		request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/2010-04-01/Accounts/"+accountSID+"/Messages.json", strings.NewReader(form))
		request.SetBasicAuth(accountSID, authToken)
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, request)
		if answer.Code >= 500 {
			t.Fatalf("%d: %s", answer.Code, answer.Body)
		}
	})
}
