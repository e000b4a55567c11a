package twilio_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/activities/provider"
	"github.com/rapport-crm/rapport/activities/twilio"
	"github.com/rapport-crm/rapport/crm"
)

// sign signs as https://www.twilio.com/docs/usage/security describes it.
func sign(key, address string, form url.Values) http.Header {
	names := make([]string, 0, len(form))
	for name := range form {
		names = append(names, name)
	}
	slices.Sort(names)
	mac := hmac.New(sha1.New, []byte(key))
	mac.Write([]byte(address))
	for _, name := range names {
		mac.Write([]byte(name + form.Get(name)))
	}
	return http.Header{"X-Twilio-Signature": {base64.StdEncoding.EncodeToString(mac.Sum(nil))}}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	const uri = "/webhooks/twilio/status?message=" + messageID
	form := url.Values{"MessageSid": {"SM1"}, "MessageStatus": {"delivered"}, "To": {"+447700900123"}, "Body": {"ü &="}}
	body := form.Encode()
	right := sign(token, "https://rapport.example"+uri, form)
	behindProxy := sign(token, "https://rapport.example/crm"+uri, form)
	for name, tc := range map[string]struct {
		public, uri, body string
		header            http.Header
		want              error
	}{
		"right":                    {"https://rapport.example", uri, body, right, nil},
		"right, slash at the end":  {"https://rapport.example/", uri, body, right, nil},
		"right, port written out":  {"https://rapport.example:443", uri, body, right, nil},
		"right, path in front":     {"https://rapport.example/crm", uri, body, behindProxy, nil},
		"another message":          {"https://rapport.example", uri + "x", body, right, twilio.ErrSignature},
		"another body":             {"https://rapport.example", uri, body + "&x=y", right, twilio.ErrSignature},
		"signed with another key":  {"https://rapport.example", uri, body, sign("other", "https://rapport.example"+uri, form), twilio.ErrSignature},
		"another host":             {"https://elsewhere.example", uri, body, right, twilio.ErrSignature},
		"no signature":             {"https://rapport.example", uri, body, http.Header{}, twilio.ErrSignature},
		"body hash of an attacker": {"https://rapport.example", uri + "&bodySHA256=e3b0c442", body, right, twilio.ErrSignature},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := &twilio.Verifier{AuthToken: token, PublicURL: tc.public}
			if got := v.Verify(tc.header, tc.uri, []byte(tc.body)); !errors.Is(got, tc.want) {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
	unset := &twilio.Verifier{PublicURL: "https://rapport.example"}
	if unset.Verify(sign("", "https://rapport.example"+uri, form), uri, []byte(body)) == nil {
		t.Error("without a token everything is believed")
	}
}

func TestParseStatus(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 6, 10, 0, 0, 0, time.UTC)
	event := func(status, eventType string, data map[string]any) crm.Event {
		data["message"], data["channel"] = messageID, "sms"
		return crm.Event{Source: "twilio", ExternalID: "SM1/" + status, Type: eventType, Time: now, Data: data}
	}
	for name, tc := range map[string]struct {
		status, code string
		event        crm.Event
		out          crm.SuppressionReason
	}{
		"sent":        {"sent", "", crm.Event{}, ""},
		"delivered":   {"delivered", "", event("delivered", "message.delivered", map[string]any{}), ""},
		"failed":      {"failed", "30001", event("failed", "message.failed", map[string]any{}), ""},
		"unknown":     {"undelivered", "30005", event("undelivered", "message.bounced", map[string]any{"hard": true}), crm.SuppressedBounce},
		"landline":    {"undelivered", "30006", event("undelivered", "message.bounced", map[string]any{"hard": true}), crm.SuppressedBounce},
		"unreachable": {"undelivered", "30003", event("undelivered", "message.bounced", map[string]any{"hard": false}), ""},
		"blocked":     {"undelivered", "30004", event("undelivered", "message.failed", map[string]any{"text_kind": "blocked"}), ""},
		"filtered":    {"undelivered", "30007", event("undelivered", "message.failed", map[string]any{"text_kind": "filtered"}), ""},
		"no reason":   {"undelivered", "30008", event("undelivered", "message.failed", map[string]any{}), ""},
		"opted out":   {"failed", "21610", event("failed", "message.failed", map[string]any{}), crm.SuppressedStop},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			form := url.Values{"MessageSid": {"SM1"}, "MessageStatus": {tc.status}, "To": {"+447700900123"}, "ErrorCode": {tc.code}}
			got, err := twilio.ParseStatus(url.Values{"message": {messageID}}, []byte(form.Encode()), now)
			want := provider.Report{MessageID: messageID, ProviderID: "SM1", Accepted: true, Address: "+447700900123", Event: tc.event, OptOut: tc.out}
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
	if _, err := twilio.ParseStatus(nil, []byte("MessageSid=SM1"), now); err == nil {
		t.Error("a status without a status was read")
	}
	if got, err := twilio.ParseStatus(url.Values{"message": {"x"}}, []byte("MessageSid=SM1&MessageStatus=delivered"), now); err != nil || got.Event.Type != "" || got.Accepted {
		t.Errorf("a message that is not ours: %+v, %v", got, err)
	}
}

func TestParseInbound(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		text, optOutType string
		keyword          twilio.Keyword
		agreement        bool
		answered         bool
		refusal          string
	}{
		"stop":                 {"STOP", "", twilio.KeywordStop, false, true, ""},
		"stop, politely":       {" stop. ", "", twilio.KeywordStop, false, false, ""},
		"stop, not politely":   {"Stop!!!", "", twilio.KeywordStop, false, false, ""},
		"stop, in quotes":      {"“Stop”", "", twilio.KeywordStop, false, false, ""},
		"stop all":             {"stop all", "", twilio.KeywordStop, false, false, ""},
		"opt out":              {"Opt-out", "", twilio.KeywordStop, false, false, ""},
		"end":                  {"End", "", twilio.KeywordStop, false, true, ""},
		"revoke":               {"revoke", "", twilio.KeywordStop, false, true, ""},
		"cancel":               {"cancel", "", twilio.KeywordStop, false, true, ""},
		"a word inside a text": {"Please don't stop", "", "", false, false, ""},
		"a number":             {"stop 2", "", "", false, false, ""},
		"start":                {"start", "", twilio.KeywordStart, false, true, ""},
		"unstop":               {"UNSTOP", "", twilio.KeywordStart, false, true, ""},
		"yes":                  {"Yes!", "", twilio.KeywordStart, true, false, ""},
		"help":                 {"help?", "", twilio.KeywordHelp, false, false, ""},
		"nothing":              {"", "", "", false, false, ""},
		"in another language":  {"ARRET", "STOP", twilio.KeywordStop, false, true, ""},
		"Twilio says start":    {"yes", "START", twilio.KeywordStart, false, true, ""},
		"help, answered":       {"HELP", "HELP", twilio.KeywordHelp, false, true, ""},
		"own words":            {"Please stop texting me", "", twilio.KeywordStop, false, false, "en"},
		"own words in German":  {"Bitte keine SMS mehr", "", twilio.KeywordStop, false, false, "de"},
		"stop please":          {"stop please", "", twilio.KeywordStop, false, false, "en"},
		"by the way":           {"I can't stop thinking about the role", "", "", false, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			form := url.Values{"MessageSid": {"SM1"}, "From": {"+447700900123"}, "To": {"+447700900000"}, "Body": {tc.text}, "OptOutType": {tc.optOutType}}
			got, err := twilio.ParseInbound([]byte(form.Encode()))
			want := &twilio.Inbound{MessageSID: "SM1", From: "+447700900123", To: "+447700900000", Text: tc.text, Keyword: tc.keyword, Agreement: tc.agreement}
			want.Answered, want.Refusal = tc.answered, tc.refusal
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
	for _, body := range []string{"", "MessageSid=SM1", "%zz"} {
		if _, err := twilio.ParseInbound([]byte(body)); err == nil {
			t.Errorf("%q was read", body)
		}
	}
}

func FuzzParseInbound(f *testing.F) {
	f.Add([]byte("MessageSid=SM1&From=%2B44&Body=stop%00"))
	f.Fuzz(func(t *testing.T, body []byte) {
		in, err := twilio.ParseInbound(body)
		if err == nil && (in.MessageSID == "" || in.From == "") {
			t.Errorf("a message without identity: %+v", in)
		}
	})
}
