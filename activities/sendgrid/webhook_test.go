package sendgrid_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/activities/mail"
	"github.com/rapport-crm/rapport/activities/provider"
	"github.com/rapport-crm/rapport/activities/sendgrid"
	"github.com/rapport-crm/rapport/crm"
)

func newKey(t *testing.T) (*ecdsa.PrivateKey, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return key, base64.StdEncoding.EncodeToString(der)
}

func sign(t *testing.T, key *ecdsa.PrivateKey, at time.Time, body []byte) http.Header {
	t.Helper()
	timestamp := strconv.FormatInt(at.Unix(), 10)
	sum := sha256.Sum256(append([]byte(timestamp), body...))
	signature, err := ecdsa.SignASN1(rand.Reader, key, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	header := http.Header{}
	header.Set("X-Twilio-Email-Event-Webhook-Signature", base64.StdEncoding.EncodeToString(signature))
	header.Set("X-Twilio-Email-Event-Webhook-Timestamp", timestamp)
	return header
}

func TestVerify(t *testing.T) {
	t.Parallel()
	old, oldPublic := newKey(t)
	key, public := newKey(t)
	stranger, _ := newKey(t)
	now := time.Date(2026, 11, 6, 10, 0, 0, 0, time.UTC)
	body := []byte(`[{"event":"click"}]`)
	strict := &sendgrid.Verifier{PublicKeys: []string{oldPublic, "-----BEGIN PUBLIC KEY-----\n" + public + "\n-----END PUBLIC KEY-----"}, Window: sendgrid.ReplayWindow}
	timeless := &sendgrid.Verifier{PublicKeys: []string{public}}
	garbled := sign(t, key, now, body)
	garbled.Set("X-Twilio-Email-Event-Webhook-Signature", "AAAA")
	moved := sign(t, key, now, body)
	moved.Set("X-Twilio-Email-Event-Webhook-Timestamp", strconv.FormatInt(now.Unix()+1, 10))
	for name, tc := range map[string]struct {
		verifier *sendgrid.Verifier
		header   http.Header
		body     []byte
		want     error
	}{
		"right":                     {strict, sign(t, key, now, body), body, nil},
		"right, by the former key":  {strict, sign(t, old, now, body), body, nil},
		"nine minutes ago":          {strict, sign(t, key, now.Add(-9*time.Minute), body), body, nil},
		"replayed":                  {strict, sign(t, key, now.Add(-11*time.Minute), body), body, sendgrid.ErrReplay},
		"from the future":           {strict, sign(t, key, now.Add(11*time.Minute), body), body, sendgrid.ErrReplay},
		"old, time does not matter": {timeless, sign(t, key, now.Add(-90*24*time.Hour), body), body, nil},
		"tampered body":             {strict, sign(t, key, now, body), bytes.Replace(body, []byte("click"), []byte("bounc"), 1), sendgrid.ErrSignature},
		"timestamp moved":           {strict, moved, body, sendgrid.ErrSignature},
		"another key":               {strict, sign(t, stranger, now, body), body, sendgrid.ErrSignature},
		"garbled signature":         {strict, garbled, body, sendgrid.ErrSignature},
		"no signature":              {strict, http.Header{}, body, sendgrid.ErrSignature},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := tc.verifier.Verify(tc.header, tc.body, now); !errors.Is(got, tc.want) {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

func TestVerifierRefusesOtherKeys(t *testing.T) {
	t.Parallel()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, keys := range map[string][]string{
		"none": nil, "not base64": {"?"}, "not a key": {"AAAA"}, "an RSA key": {base64.StdEncoding.EncodeToString(der)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := &sendgrid.Verifier{PublicKeys: keys}
			if v.Check() == nil || v.Verify(http.Header{}, nil, time.Now()) == nil {
				t.Error("it was taken")
			}
		})
	}
}

func TestParseEvents(t *testing.T) {
	t.Parallel()
	at := time.Unix(1793959200, 0).UTC()
	event := func(id, eventType string, data map[string]any) crm.Event {
		data["message"], data["channel"] = messageID, "email"
		return crm.Event{Source: "sendgrid", ExternalID: id, Type: eventType, Time: at, Data: data}
	}
	report := func(e crm.Event, out crm.SuppressionReason) []provider.Report {
		return []provider.Report{{MessageID: messageID, ProviderID: "14c5d", At: at, Accepted: true, Address: "s@example.org", Event: e, OptOut: out}}
	}
	visit := func(e crm.Event, v crm.Visit) []provider.Report {
		r := report(e, "")
		r[0].Visit = v
		return r
	}
	none := crm.Event{}
	for name, tc := range map[string]struct {
		fields string
		want   []provider.Report
	}{
		"processed":   {`"event":"processed"`, report(none, "")},
		"deferred":    {`"event":"deferred"`, report(none, "")},
		"delivered":   {`"event":"delivered"`, report(event("e1", "message.delivered", map[string]any{}), "")},
		"open":        {`"event":"open","sg_machine_open":false,"useragent":"Mozilla/5.0"`, visit(event("e1", "message.opened", map[string]any{}), crm.Visit{Agent: "Mozilla/5.0"})},
		"machine":     {`"event":"open","sg_machine_open":true`, visit(event("e1", "message.opened", map[string]any{}), crm.Visit{Automatic: true})},
		"click":       {`"event":"click","url":"https://x.example/a"`, visit(event("e1", "message.clicked", map[string]any{"url": "https://x.example/a"}), crm.Visit{URL: "https://x.example/a"})},
		"bounce":      {`"event":"bounce","type":"bounce"`, report(event("e1", "message.bounced", map[string]any{"hard": true}), crm.SuppressedBounce)},
		"blocked":     {`"event":"bounce","type":"blocked"`, report(event("e1", "message.bounced", map[string]any{"hard": false}), "")},
		"dropped":     {`"event":"dropped","reason":"Invalid"`, report(event("e1", "message.failed", map[string]any{}), "")},
		"drop bounce": {`"event":"dropped","reason":"Bounced Address"`, report(event("e1", "message.failed", map[string]any{}), crm.SuppressedBounce)},
		"drop spam":   {`"event":"dropped","reason":"Spam Reporting Address"`, report(event("e1", "message.failed", map[string]any{}), crm.SuppressedComplaint)},
		"drop out":    {`"event":"dropped","reason":"Unsubscribed Address"`, report(event("e1", "message.failed", map[string]any{}), crm.SuppressedUnsubscribe)},
		"complaint":   {`"event":"spamreport"`, report(event("e1", "message.complained", map[string]any{}), crm.SuppressedComplaint)},
		"unsubscribe": {`"event":"unsubscribe"`, report(none, crm.SuppressedUnsubscribe)},
		"new kind":    {`"event":"account_status_change"`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := `[{"email":"s@example.org","timestamp":1793959200,"sg_event_id":"e1","sg_message_id":"14c5d.filter.0","rapport_message":"` + messageID + `",` + tc.fields + `}]`
			got, unreadable, err := sendgrid.ParseEvents([]byte(body))
			if err != nil || unreadable != 0 {
				t.Fatalf("%d unreadable, %v", unreadable, err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseEventsOfOthers(t *testing.T) {
	t.Parallel()
	body := `[
		{"event":"click","email":"a@example.org","timestamp":"1793959200","sg_event_id":"e1","url":"https://x.example"},
		{"event":"bounce","email":"b@example.org","timestamp":1793959200,"sg_event_id":"e2","type":"bounce","rapport_message":"somebody else's"},
		{"event":5}, "x", null, {"event":"click","timestamp":"soon"}]`
	got, unreadable, err := sendgrid.ParseEvents([]byte(body))
	want := []provider.Report{{At: time.Unix(1793959200, 0).UTC(), Address: "b@example.org", OptOut: crm.SuppressedBounce}}
	if diff := cmp.Diff(want, got); diff != "" || unreadable != 4 || err != nil {
		t.Errorf("%d unreadable, %v (-want +got):\n%s", unreadable, err, diff)
	}
	for _, body := range []string{"", "null", "{}", `"x"`, "[", "5"} {
		if _, _, err := sendgrid.ParseEvents([]byte(body)); err == nil {
			t.Errorf("%q was read as a list", body)
		}
	}
}

func form(t *testing.T, fields map[string]string) (string, []byte) {
	t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for name, value := range fields {
		if err := w.WriteField(name, value); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return w.FormDataContentType(), body.Bytes()
}

func TestParseInbound(t *testing.T) {
	t.Parallel()
	const reply = "reply+" + messageID + "@in.trust.example"
	for name, tc := range map[string]struct {
		fields map[string]string
		want   mail.Mail
	}{
		"reply": {
			map[string]string{
				"from": `"Okafor, Sarah" <Sarah@Example.org>`, "to": "Careers <" + reply + ">", "subject": "Re: Thank you", "text": "Yes please\r\n",
				"envelope": `{"to":["` + reply + `"],"from":"sarah@example.org"}`, "charsets": `{"text":"UTF-8"}`,
				"headers": "Message-ID: <abc@mail.example>\r\nIn-Reply-To:\r\n <" + messageID + "@trust.example>\r\nReferences: <first@x>\r\n\t<" + messageID + "@trust.example>\r\n",
			},
			mail.Mail{
				From: "sarah@example.org", To: []string{reply}, Subject: "Re: Thank you", Text: "Yes please\r\n", MessageID: "abc@mail.example",
				InReplyTo: messageID + "@trust.example", References: []string{"first@x", messageID + "@trust.example"},
			},
		},
		"old charsets": {
			map[string]string{"from": "j@example.org", "to": "c@trust.example", "subject": "Gr\xfc\xdfe", "text": "sch\xf6n\x00", "charsets": `{"text":"iso-8859-1","subject":"windows-1252"}`},
			mail.Mail{From: "j@example.org", To: []string{"c@trust.example"}, Subject: "Grüße", Text: "schön"},
		},
		"wrong charset": {
			map[string]string{"from": "j@example.org", "to": "c@trust.example", "text": "a\xffb", "charsets": `{"text":"klingon"}`},
			mail.Mail{From: "j@example.org", To: []string{"c@trust.example"}, Text: "aÿb"},
		},
		"name with a comma, no quotes": {
			map[string]string{"from": "Okafor, Sarah <s@example.org>", "to": "c@trust.example"},
			mail.Mail{From: "s@example.org", To: []string{"c@trust.example"}},
		},
		"the raw mail": {
			map[string]string{
				"from": "j@example.org", "to": "c@trust.example", "subject": "Re: x",
				"email": "From: j@example.org\r\nMessage-ID: <m@x>\r\nIn-Reply-To: <r@x>\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n" +
					"--b\r\nContent-Type: text/html\r\n\r\n<p>no</p>\r\n--b\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nsch=F6n\r\n--b--\r\n",
			},
			mail.Mail{From: "j@example.org", To: []string{"c@trust.example"}, Subject: "Re: x", Text: "schön", MessageID: "m@x", InReplyTo: "r@x"},
		},
		"out of office": {
			map[string]string{"from": "j@example.org", "to": "c@trust.example", "headers": "X-Folded: a\n b\nAuto-Submitted: auto-replied; x=y\n"},
			mail.Mail{From: "j@example.org", To: []string{"c@trust.example"}, Kind: mail.KindAutomatic},
		},
		"bulk":           {map[string]string{"from": "j@example.org", "headers": "Precedence: BULK"}, mail.Mail{From: "j@example.org", Kind: mail.KindAutomatic}},
		"from a person":  {map[string]string{"from": "j@example.org", "headers": "Auto-Submitted: no"}, mail.Mail{From: "j@example.org"}},
		"bounce":         {map[string]string{"from": "mailer-daemon@example.org", "envelope": `{"to":["c@trust.example"],"from":""}`}, mail.Mail{From: "mailer-daemon@example.org", To: []string{"c@trust.example"}, Kind: mail.KindAutomatic}},
		"bounce, a form": {map[string]string{"from": "j@example.org", "headers": "Content-Type: multipart/report; report-type=delivery-status; boundary=x"}, mail.Mail{From: "j@example.org", Kind: mail.KindAutomatic}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			contentType, body := form(t, tc.fields)
			got, err := sendgrid.ParseInbound(contentType, body)
			if tc.want.Kind == "" {
				tc.want.Kind = mail.KindPerson
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A mail that SendGrid has taken apart: its files are parts of the form, and a form that breaks off is a damaged mail.
func TestParseInboundParts(t *testing.T) {
	t.Parallel()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for _, field := range [][2]string{
		{"from", "s@example.org"},
		{"headers", "Message-ID: <1@x>"},
		{"html", "<p>\x82\xcd\x82\xa2</p><blockquote>old</blockquote>"},
		{"charsets", `{"html":"Shift_JIS"}`},
		{"attachments", "1"},
		{"attachment-info", `{"attachment1":{"filename":"cv.pdf"}}`},
	} {
		if err := w.WriteField(field[0], field[1]); err != nil {
			t.Fatal(err)
		}
	}
	header := textproto.MIMEHeader{"Content-Disposition": {`form-data; name="attachment1"; filename="cv.pdf"`}, "Content-Type": {"application/pdf"}}
	part, err := w.CreatePart(header)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := part.Write(bytes.Repeat([]byte("x"), 2<<20)); err != nil {
		t.Fatal(err)
	}
	whole := body.Len() + len("\r\n--"+w.Boundary()+"--\r\n")
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct{ length, size int }{"whole": {whole, 2 << 20}, "cut off": {whole - 1<<20, 1<<20 + 4}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := sendgrid.ParseInbound(w.FormDataContentType(), body.Bytes()[:tc.length])
			if err != nil || len(got.Attachments) != 1 {
				t.Fatalf("%+v, %v", got, err)
			}
			if off := got.Attachments[0].Size - tc.size; off < -100 || off > 100 { // a part that breaks off may lose its last bytes
				t.Errorf("the size is wrong by %d", off)
			}
			got.Attachments[0].Size = 0
			want := &mail.Mail{
				From: "s@example.org", MessageID: "1@x", Text: "はい\n\n> old", Kind: mail.KindPerson, Damaged: name == "cut off",
				Attachments: []mail.Attachment{{Name: "cv.pdf", Type: "application/pdf"}},
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseInboundRefuses(t *testing.T) {
	t.Parallel()
	contentType, body := form(t, map[string]string{"text": "no sender"})
	for name, tc := range map[string]struct {
		contentType string
		body        []byte
	}{
		"no sender":  {contentType, body},
		"not a form": {"application/json", []byte("{}")},
		"cut off":    {contentType, body[:len(body)/2]},
		"nothing":    {"", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, err := sendgrid.ParseInbound(tc.contentType, tc.body); err == nil {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func FuzzParseEvents(f *testing.F) {
	f.Add([]byte(`[{"event":"click","timestamp":"1","rapport_message":"` + messageID + `"}]`))
	f.Add([]byte(`[null,{"event":"bounce"}]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		reports, _, err := sendgrid.ParseEvents(body)
		for _, r := range reports {
			if r.Event.Type != "" && (r.MessageID == "" || r.Event.ExternalID == "") {
				t.Errorf("an event without identity: %+v", r)
			}
		}
		if err != nil && reports != nil {
			t.Error("an error and reports")
		}
	})
}

func FuzzParseInbound(f *testing.F) {
	f.Add("from", "a <b@c.example>", "headers", "In-Reply-To: <x@y>\n z")
	f.Add("email", "From: a@b\n\nx", "charsets", `{"email":"utf-16"}`)
	f.Fuzz(func(t *testing.T, name, value, name2, value2 string) {
		contentType, body := form(t, map[string]string{name: value, name2: value2})
		in, err := sendgrid.ParseInbound(contentType, body)
		if err == nil && in.From == "" {
			t.Error("a mail without a sender")
		}
		if err == nil && bytes.ContainsRune([]byte(in.Text), 0) {
			t.Error("NUL in the text")
		}
	})
}
