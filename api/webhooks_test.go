package api_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/store"
)

// signed is a header with SendGrid's signature.
func (w *world) signed(contentType string, at time.Time, body []byte) http.Header {
	w.t.Helper()
	timestamp := strconv.FormatInt(at.Unix(), 10)
	sum := sha256.Sum256(append([]byte(timestamp), body...))
	signature, err := ecdsa.SignASN1(rand.Reader, w.hook, sum[:])
	if err != nil {
		w.t.Fatal(err)
	}
	header := http.Header{"Content-Type": {contentType}}
	header.Set("X-Twilio-Email-Event-Webhook-Signature", base64.StdEncoding.EncodeToString(signature))
	header.Set("X-Twilio-Email-Event-Webhook-Timestamp", timestamp)
	return header
}

func (w *world) sendGrid(path, contentType string, body []byte) answer {
	w.t.Helper()
	return w.send(http.MethodPost, path, w.signed(contentType, w.clock(), body), body)
}

func (w *world) report(fields string) answer {
	w.t.Helper()
	return w.sendGrid("/webhooks/sendgrid/events", "application/json", []byte("[{"+fields+"}]"))
}

func (w *world) mail(fields map[string]string) answer {
	w.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for name, value := range fields {
		if err := form.WriteField(name, value); err != nil {
			w.t.Fatal(err)
		}
	}
	if err := form.Close(); err != nil {
		w.t.Fatal(err)
	}
	return w.sendGrid("/webhooks/sendgrid/inbound", form.FormDataContentType(), body.Bytes())
}

func (w *world) twilio(path string, fields object) answer {
	w.t.Helper()
	form := url.Values{}
	names := make([]string, 0, len(fields))
	for name, value := range fields {
		form.Set(name, fmt.Sprint(value))
		names = append(names, name)
	}
	slices.Sort(names)
	mac := hmac.New(sha1.New, []byte(twilioToken))
	mac.Write([]byte(publicURL + path))
	for _, name := range names {
		mac.Write([]byte(name + form.Get(name)))
	}
	return w.send(http.MethodPost, path, http.Header{
		"Content-Type": {"application/x-www-form-urlencoded"}, "X-Twilio-Signature": {base64.StdEncoding.EncodeToString(mac.Sum(nil))},
	}, []byte(form.Encode()))
}

// candidate creates somebody who agreed to everything.
func (w *world) candidate(externalID, email, phone string) string {
	w.t.Helper()
	var written api.WrittenCandidate
	w.call(http.MethodPut, "/v1/candidates/by-external-id/"+externalID, object{
		"email": email, "phone": phone, "consents": []object{
			{"purpose": "talent-community", "channels": []string{"email", "sms"}, "at": "2026-01-01T00:00:00Z"},
			{"purpose": "job-alerts", "channels": []string{"email", "sms"}, "at": "2026-01-01T00:00:00Z"},
		},
	}).want(200, &written)
	return written.ID
}

// message plans a message to a candidate in a run of its own and lets a provider take it.
func (w *world) message(candidateID string, channel crm.Channel, address string) string {
	w.t.Helper()
	id := w.claimed(candidateID, channel, address)
	if err := w.store.Accept(w.t.Context(), id, store.Acceptance{Provider: "sendgrid", ProviderID: id, Address: address, At: w.clock()}); err != nil {
		w.t.Fatal(err)
	}
	return id
}

// claimed plans a message and lets a sender begin with it.
func (w *world) claimed(candidateID string, channel crm.Channel, address string) string {
	w.t.Helper()
	id := w.planned(candidateID, channel)
	claims, err := w.store.Claim(w.t.Context(), w.clock(), channel, 10, time.Minute, func(*store.Claim) store.Verdict {
		return store.Verdict{State: crm.MessageClaimed, Address: address}
	})
	if err != nil || len(claims) != 1 {
		w.t.Fatalf("claimed %d messages, %v", len(claims), err)
	}
	return id
}

// planned plans a message in a run of a sequence of its own.
func (w *world) planned(candidateID string, channel crm.Channel) string {
	w.t.Helper()
	return w.plannedFor(candidateID, channel, "")
}

// plannedFor plans a message to an interviewer, if one is named.
func (w *world) plannedFor(candidateID string, channel crm.Channel, recipient string) string {
	w.t.Helper()
	ctx, now := w.t.Context(), w.clock()
	enrollment := w.run(candidateID)
	turn, err := w.store.Begin(ctx, enrollment, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	m := crm.Message{
		ID: crm.NewID(crm.PrefixMessage, now), CandidateID: candidateID, EnrollmentID: enrollment, Definition: "nurses", Hash: "h1", Step: "thanks", Occurrence: 1,
		Channel: channel, Purpose: "talent-community", State: crm.MessagePlanned, PlannedAt: now, NotBefore: now, NotAfter: now.Add(time.Hour), Recipient: recipient,
	}
	if err := turn.Commit(ctx, &crm.Decision{EnrollmentID: enrollment, Seq: 1, At: now, Command: crm.CommandWait, Messages: []crm.Message{m}}); err != nil {
		w.t.Fatal(err)
	}
	return m.ID
}

// run puts a run of a sequence of its own in the database and returns its id.
func (w *world) run(candidateID string) string {
	w.t.Helper()
	ctx, now := w.t.Context(), w.clock()
	id := crm.NewID(crm.PrefixEnrollment, now)
	sequence := "nurses-" + id[len(id)-6:]
	if _, err := w.store.ApplyDefinitions(ctx, []crm.Document{{Kind: "sequence", Name: sequence, Hash: id, Source: "sequence: " + sequence}}, now); err != nil {
		w.t.Fatal(err)
	}
	w.call(http.MethodPost, "/v1/events", object{"type": "custom.begin", "candidate": candidateID}).want(200, nil)
	_, err := w.store.Dispatch(ctx, candidateID, func(in *crm.Inbox) (*crm.Dispatched, error) {
		for i := range in.Events {
			in.Events[i].Position = in.Position + int64(i) + 1
		}
		return &crm.Dispatched{Events: in.Events, Enrollments: []crm.Enrollment{{
			ID: id, Definition: sequence, Hash: id, Version: 1, CandidateID: candidateID, N: 1, Status: crm.EnrollmentStarting, StartedAt: now,
		}}}, nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

// lines are the message events on somebody's timeline, in short.
func (w *world) lines(candidateID string) []string {
	w.t.Helper()
	entries, _, err := w.store.Timeline(w.t.Context(), candidateID, 500, "")
	if err != nil {
		w.t.Fatal(err)
	}
	var lines []string
	for _, e := range entries {
		if e.Kind == store.EntryEvent && strings.HasPrefix(e.EventType, "message.") && e.Source != "rapport" {
			lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %v %v %v", e.EventType, e.Data["message"], e.Data["step"], e.Data["text_kind"])))
		}
	}
	return lines
}

// consent is what somebody agreed to and did not take back.
func (w *world) consent(candidateID string, channel crm.Channel) string {
	w.t.Helper()
	_, history, err := w.store.Candidate(w.t.Context(), candidateID)
	if err != nil {
		w.t.Fatal(err)
	}
	var granted []string
	for _, purpose := range []string{"talent-community", "job-alerts"} {
		if crm.ConsentFor(history, purpose, channel) == crm.ConsentGranted {
			granted = append(granted, purpose)
		}
	}
	return strings.Join(granted, " ")
}

func TestWebhooksAreVerified(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	body := []byte(`[]`)
	tampered := w.signed("application/json", w.clock(), []byte(`[ ]`))
	old := w.signed("application/json", w.clock().Add(-time.Hour), body)
	for name, a := range map[string]answer{
		"SendGrid, nothing":     w.send(http.MethodPost, "/webhooks/sendgrid/events", nil, body),
		"SendGrid, tampered":    w.send(http.MethodPost, "/webhooks/sendgrid/events", tampered, body),
		"SendGrid, replayed":    w.send(http.MethodPost, "/webhooks/sendgrid/events", old, body),
		"SendGrid mail, none":   w.send(http.MethodPost, "/webhooks/sendgrid/inbound", nil, body),
		"Twilio, nothing":       w.send(http.MethodPost, "/webhooks/twilio/inbound", nil, body),
		"Twilio, wrong":         w.send(http.MethodPost, "/webhooks/twilio/status", http.Header{"X-Twilio-Signature": {"AAAA"}}, body),
		"Twilio, other address": w.send(http.MethodPost, "/webhooks/twilio/status?message=x", w.signed("", w.clock(), body), body),
	} {
		if p := a.problem(403, api.CodeSignature); p.Next == "" {
			t.Errorf("%s: no next step", name)
		}
	}
	w.sendGrid("/webhooks/sendgrid/events", "application/json", body).want(204, nil)
	metrics := string(w.send(http.MethodGet, "/metrics", nil, nil).body)
	for _, line := range []string{
		`rapport_webhooks_total{provider="sendgrid",result="signature"} 3`, `rapport_webhooks_total{provider="sendgrid",result="replay"} 1`,
		`rapport_webhooks_total{provider="twilio",result="signature"} 3`, `rapport_webhooks_total{provider="sendgrid",result="accepted"} 1`,
	} {
		if !strings.Contains(metrics, line) {
			t.Errorf("metrics lack %s", line)
		}
	}
}

func TestSendGridEvents(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sarah := w.candidate("1", "sarah@example.org", "+447700900123")
	id := w.message(sarah, crm.Email, "sarah@example.org")
	click := `"event":"click","email":"sarah@example.org","timestamp":1793959000,"sg_event_id":"e1","url":"https://x.example","rapport_message":"` + id + `"`
	w.report(click).want(204, nil)
	w.report(click).want(204, nil) // sent again
	w.report(`"event":"open","sg_machine_open":true,"timestamp":1793959000,"sg_event_id":"e2","rapport_message":"`+id+`"`).want(204, nil)
	w.report(`"event":"click","timestamp":1793959000,"sg_event_id":"e3","rapport_message":"msg_00000000000000000000000000"`).want(204, nil)
	w.report(`"event":"click","timestamp":1793959000,"sg_event_id":"e4","url":"a\u0000b","rapport_message":"`+id+`"`).want(204, nil)
	got := w.lines(sarah)
	slices.Sort(got)
	want := []string{"message.clicked " + id + " thanks <nil>", "message.opened " + id + " thanks machine"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	w.sendGrid("/webhooks/sendgrid/events", "application/json", []byte(`{"event":"click"}`)).problem(422, api.CodeInvalid)
}

// TestReportsOfMailToInterviewers holds that they are no facts about the candidate, and suppress nobody but the interviewer.
func TestReportsOfMailToInterviewers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sarah := w.candidate("1", "sarah@example.org", "+447700900123")
	id := w.plannedFor(sarah, crm.Email, "ivw_00000000000000000000000000")
	claims, err := w.store.Claim(t.Context(), w.clock(), crm.Email, 10, time.Minute, func(*store.Claim) store.Verdict {
		return store.Verdict{State: crm.MessageClaimed, Address: "ada@trust.example"}
	})
	if err != nil || len(claims) != 1 {
		t.Fatal(claims, err)
	}
	for i, event := range []string{`"event":"open"`, `"event":"click","url":"https://x.example"`, `"event":"bounce","type":"bounce"`, `"event":"spamreport"`} {
		w.report(fmt.Sprintf(`%s,"email":"ada@trust.example","timestamp":1793959000,"sg_event_id":"e%d","rapport_message":%q`, event, i, id)).want(204, nil)
	}
	if got := w.lines(sarah); len(got) != 0 {
		t.Errorf("the candidate's timeline has %q", got)
	}
	if w.consent(sarah, crm.Email) == "" {
		t.Error("the candidate lost consent")
	}
	m, err := w.store.MessageByID(t.Context(), id)
	if err != nil || m.State != crm.MessageSettled || m.OpenedAt.IsZero() || m.BouncedAt.IsZero() || m.ComplainedAt.IsZero() {
		t.Errorf("the ledger has %+v, %v", m, err)
	}
	for address, want := range map[string]bool{"ada@trust.example": true, "sarah@example.org": false} {
		if is, err := w.store.Suppressed(t.Context(), crm.Email, address, crm.SuppressedComplaint); err != nil || is != want {
			t.Errorf("%s suppressed: %v, %v", address, is, err)
		}
	}
}

// TestSendGridTimes: SendGrid's timestamps are whole seconds, and a delivery must not come before the sending.
func TestSendGridTimes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.pass(400 * time.Millisecond)
	now := w.clock()
	sarah := w.candidate("1", "sarah@example.org", "+447700900123")
	id := w.message(sarah, crm.Email, "sarah@example.org")
	second := now.Truncate(time.Second)
	want := map[string]time.Time{}
	for name, tc := range map[string]struct{ timestamp, want time.Time }{
		"same":    {second, now},
		"before":  {second.Add(-time.Second), now},
		"older":   {second.Add(-2 * time.Second), second.Add(-2 * time.Second)},
		"ahead":   {second.Add(time.Second), second.Add(time.Second)}, // their clock is ahead of ours
		"an hour": {second.Add(-time.Hour), second.Add(-time.Hour)},
	} {
		want[name] = tc.want
		w.report(fmt.Sprintf(`"event":"click","timestamp":%d,"sg_event_id":%q,"url":%q,"rapport_message":%q`, tc.timestamp.Unix(), name, name, id)).want(204, nil)
	}
	entries, _, err := w.store.Timeline(t.Context(), sarah, 500, "")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]time.Time{}
	for _, e := range entries {
		if url, ok := e.Data["url"].(string); ok {
			got[url] = e.At
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestEmailOptOuts(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fields  string
		consent string // to email, afterwards
	}{
		"complaint":   {`"event":"spamreport"`, ""},
		"unsubscribe": {`"event":"unsubscribe"`, ""},
		"hard bounce": {`"event":"bounce","type":"bounce"`, "talent-community job-alerts"},
		"block":       {`"event":"bounce","type":"blocked"`, "talent-community job-alerts"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			sarah := w.candidate("1", "sarah@example.org", "+447700900123")
			other := w.candidate("2", "tom@example.org", "+447700900124")
			id := w.message(sarah, crm.Email, "sarah@example.org")
			w.report(tc.fields+`,"email":"Sarah@example.org","timestamp":1793959000,"sg_event_id":"e1","rapport_message":"`+id+`"`).want(204, nil)
			if got := w.consent(sarah, crm.Email); got != tc.consent {
				t.Errorf("consent to email is %q, want %q", got, tc.consent)
			}
			if w.consent(sarah, crm.SMS) == "" || w.consent(other, crm.Email) == "" {
				t.Error("another channel, or another person, lost consent")
			}
		})
	}
}

func TestReplies(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sarah := w.candidate("1", "sarah@example.org", "")
	first := w.message(sarah, crm.Email, "sarah@example.org")
	w.pass(time.Minute)
	second := w.message(sarah, crm.Email, "sarah@example.org")
	w.pass(time.Minute)
	ann := w.candidate("2", "ann@example.org", "")
	for name, tc := range map[string]struct {
		fields map[string]string
		who    string
		want   string
	}{
		"In-Reply-To":    {map[string]string{"from": "sarah@example.org", "headers": "Message-ID: <a@x>\nIn-Reply-To: <" + first + "@trust.example>"}, sarah, "message.replied " + first},
		"References":     {map[string]string{"from": "sarah@example.org", "headers": "Message-ID: <b@x>\nReferences: <" + first + "@t> <" + second + "@t>"}, sarah, "message.replied " + second},
		"reply address":  {map[string]string{"from": "elsewhere@example.org", "headers": "Message-ID: <c@x>", "envelope": `{"to":["reply+` + first + `@in.example"],"from":"e@example.org"}`}, sarah, "message.replied " + first},
		"by address":     {map[string]string{"from": "Sarah <Sarah@Example.org>", "headers": "Message-ID: <d@x>"}, sarah, "message.replied " + second},
		"out of office":  {map[string]string{"from": "sarah@example.org", "headers": "Message-ID: <e@x>\nAuto-Submitted: auto-replied\nIn-Reply-To: <" + first + "@t>"}, sarah, "message.auto_replied " + first},
		"not asked":      {map[string]string{"from": "ann@example.org", "text": "Hello", "headers": "Message-ID: <f@x>"}, ann, "message.replied <nil>"},
		"from a machine": {map[string]string{"from": "ann@example.org", "headers": "Precedence: bulk"}, ann, "message.auto_replied <nil>"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w.mail(tc.fields).want(204, nil)
			if got := w.lines(tc.who); !slices.ContainsFunc(got, func(line string) bool { return strings.HasPrefix(line, tc.want+" ") }) {
				t.Errorf("got %q, want %s", got, tc.want)
			}
		})
	}
	w.mail(map[string]string{"from": "stranger@example.org", "headers": "Message-ID: <z@x>"}).want(204, nil)
	w.mail(map[string]string{"text": "nobody"}).problem(422, api.CodeInvalid)
}

func TestTwilioStatus(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sarah := w.candidate("1", "sarah@example.org", "+447700900123")
	id := w.message(sarah, crm.SMS, "+447700900123")
	path := "/webhooks/twilio/status?message=" + id
	for _, status := range []string{"queued", "sent", "delivered", "delivered"} {
		w.twilio(path, object{"MessageSid": "SM1", "MessageStatus": status, "To": "+447700900123"}).want(204, nil)
	}
	want := []string{"message.delivered " + id + " thanks <nil>"}
	if diff := cmp.Diff(want, w.lines(sarah)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	w.twilio(path, object{"MessageSid": "SM1"}).problem(422, api.CodeInvalid)
}

func TestUnknownMessageIsSettledByEvidence(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sarah := w.candidate("1", "sarah@example.org", "+447700900123")
	id := w.message(sarah, crm.SMS, "+447700900123")
	m, err := w.store.MessageByID(t.Context(), id)
	if err != nil || m.State != crm.MessageAccepted {
		t.Fatalf("%s, %v", m.State, err)
	}
	w.pass(time.Minute)
	lost := w.claimed(sarah, crm.SMS, "+447700900123")
	w.pass(time.Hour)
	if _, err := w.store.ExpireLeases(t.Context(), w.clock()); err != nil {
		t.Fatal(err)
	}
	w.twilio("/webhooks/twilio/status?message="+lost, object{"MessageSid": "SM2", "MessageStatus": "sent", "To": "+447700900123"}).want(204, nil)
	if m, err = w.store.MessageByID(t.Context(), lost); err != nil || m.State != crm.MessageAccepted || m.ProviderID != "SM2" {
		t.Errorf("%s %s, %v", m.State, m.ProviderID, err)
	}
}

func TestStopAndStart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sarah := w.candidate("1", "sarah@example.org", "+447700900123")
	id := w.message(sarah, crm.SMS, "+447700900123")
	text := func(sid, words string) answer {
		return w.twilio("/webhooks/twilio/inbound", object{"MessageSid": sid, "From": "+447700900123", "To": "+447700900000", "Body": words})
	}
	a := text("SM1", "Stop!").want(200, nil)
	if !strings.Contains(string(a.body), "<Message>You will get no more texts from us.") || !strings.HasPrefix(a.header.Get("Content-Type"), "text/xml") {
		t.Errorf("got %s", a.body)
	}
	if w.consent(sarah, crm.SMS) != "" || w.consent(sarah, crm.Email) == "" {
		t.Errorf("after STOP: %q by SMS, %q by email", w.consent(sarah, crm.SMS), w.consent(sarah, crm.Email))
	}
	w.pass(time.Minute)
	text("SM2", "START").want(200, nil)
	if got := w.consent(sarah, crm.SMS); got != "talent-community job-alerts" {
		t.Errorf("after START: %q", got)
	}
	w.pass(time.Minute)
	text("SM1", "Stop!").want(200, nil) // the first one again, late
	if w.consent(sarah, crm.SMS) == "" {
		t.Error("a repeated webhook stopped messages again")
	}
	text("SM3", "Yes").want(200, nil)
	text("SM4", "help").want(200, nil)
	got := w.lines(sarah)
	want := []string{
		"message.auto_replied " + id + " thanks help", "message.auto_replied " + id + " thanks start",
		"message.auto_replied " + id + " thanks stop", "message.replied " + id + " thanks <nil>",
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What a candidate gets back, with a company in force: one confirmation by whoever answers, and who writes.
func TestTextsAreAnswered(t *testing.T) {
	t.Parallel()
	type text struct{ words, optOut, want string }
	const stopped, again = "North: You will get no more texts from us. Reply START to get them again.", "North: You will get our texts again. Reply STOP to end them, HELP for help."
	const help = "North: For help write to careers@north.example. Reply STOP to get no more texts."
	for name, c := range map[string]struct {
		rapport bool
		texts   []text
	}{
		"Twilio confirms its words":       {false, []text{{"STOP", "", ""}, {"START", "", ""}, {"quit", "", ""}, {"UNSTOP", "", ""}}},
		"Twilio's settings":               {false, []text{{"Schluss", "STOP", ""}, {"hilfe", "HELP", ""}, {"Los", "START", ""}}},
		"own words, once":                 {false, []text{{"please stop texting me", "", stopped}, {"stop please!", "", ""}, {"STOP", "", ""}, {"HELP", "", help}}},
		"own words in Spanish":            {false, []text{{"no más SMS por favor", "", "North: Ya no le enviaremos SMS. Responda START para volver a recibirlos."}}},
		"words that Twilio does not know": {false, []text{{"Opt-out!", "", stopped}, {"(start)", "", again}}},
		"help":                            {false, []text{{"HELP", "", help}, {"info", "", help}}},
		"ordinary answers":                {false, []text{{"yes", "", ""}, {"I can't stop thinking about the role", "", ""}}},
		"Rapport confirms":                {true, []text{{"STOP", "", stopped}, {"STOP", "", ""}, {"START", "", again}, {"START", "", ""}, {"YES", "", ""}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(config *api.Config) { config.AnswerKeywords = c.rapport })
			w.candidate("1", "sarah@example.org", "+447700900123")
			const source = "workspace: north-trust\nfrom: {email: \"North <careers@north.example>\"}\n"
			if _, err := w.store.ApplyDefinitions(t.Context(), []crm.Document{{Kind: "workspace", Name: "north-trust", Hash: "ws", Source: source}}, w.clock()); err != nil {
				t.Fatal(err)
			}
			for i, text := range c.texts {
				w.pass(time.Minute)
				a := w.twilio("/webhooks/twilio/inbound", object{
					"MessageSid": fmt.Sprint("SM", i), "From": "+447700900123", "To": "+447700900000", "Body": text.words, "OptOutType": text.optOut,
				}).want(200, nil)
				var response struct {
					Message string `xml:"Message"`
				}
				if err := xml.Unmarshal(a.body, &response); err != nil || response.Message != text.want {
					t.Errorf("%q is answered %q (%v), not %q", text.words, response.Message, err, text.want)
				}
				if segments, _ := dsl.SMSSegments(response.Message); segments > 1 {
					t.Errorf("%q is %d messages", response.Message, segments)
				}
			}
		})
	}
}

// However it is said, an opt-out holds for every sequence when the webhook is answered.
func TestRefusalHoldsAtOnce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		words string
		goes  bool
	}{
		"keyword":   {"STOP", false},
		"own words": {"Hi, please stop texting me", false},
		"German":    {"Bitte keine weiteren Nachrichten", false},
		"no one's":  {"I can't stop thinking about the role", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			sarah := w.candidate("1", "sarah@example.org", "+447700900123")
			first, second := w.planned(sarah, crm.SMS), w.planned(sarah, crm.SMS)
			w.twilio("/webhooks/twilio/inbound", object{"MessageSid": "SM1", "From": "+447700900123", "To": "+447700900000", "Body": c.words}).want(200, nil)
			ws := &dsl.Workspace{Purposes: map[string]dsl.Purpose{"talent-community": {Basis: crm.BasisConsent}}}
			for range 2 { // one of a candidate at a time
				claims, err := w.store.Claim(t.Context(), w.clock(), crm.SMS, 10, time.Minute, func(claim *store.Claim) store.Verdict {
					v := dsl.LastCheck(ws, &claim.Facts, dsl.Intent{Channel: crm.SMS, Purpose: claim.Message.Purpose}, &claim.Message, w.clock())
					return store.Verdict{State: v.State, Reason: v.Reason, Address: "+447700900123"}
				})
				if err != nil || len(claims) > 0 != c.goes {
					t.Fatalf("%d claims, %v", len(claims), err)
				}
			}
			for _, id := range []string{first, second} {
				m, err := w.store.MessageByID(t.Context(), id)
				want := map[bool]crm.MessageState{true: crm.MessageClaimed, false: crm.MessageSkipped}[c.goes]
				if err != nil || m.State != want {
					t.Errorf("%s is %s (%s), not %s, %v", id, m.State, m.Reason, want, err)
				}
			}
			if (w.consent(sarah, crm.SMS) != "") != c.goes || w.consent(sarah, crm.Email) == "" {
				t.Errorf("consents: %q by SMS, %q by email", w.consent(sarah, crm.SMS), w.consent(sarah, crm.Email))
			}
			kind := map[bool]string{true: "message.replied <nil> <nil> <nil>", false: "message.auto_replied <nil> <nil> stop"}[c.goes]
			if lines := w.lines(sarah); len(lines) != 1 || lines[0] != kind {
				t.Errorf("timeline: %q", lines)
			}
		})
	}
}

func TestUnsubscribe(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sarah := w.candidate("1", "sarah@example.org", "+447700900123")
	id := w.message(sarah, crm.Email, "sarah@example.org")
	path := strings.TrimPrefix(api.UnsubscribeURL(publicURL, []byte(linkSecret), id), publicURL)

	page := w.send(http.MethodGet, path, nil, nil).want(200, nil)
	if w.consent(sarah, crm.Email) != "talent-community job-alerts" {
		t.Fatal("looking at the page unsubscribes: mail scanners do that")
	}
	if strings.Contains(string(page.body), "sarah") || page.header.Get("Referrer-Policy") != "no-referrer" || !strings.Contains(string(page.body), "<form method=\"post\">") {
		t.Errorf("got %s", page.body)
	}
	oneClick := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	for range 2 {
		w.send(http.MethodPost, path, oneClick, []byte("List-Unsubscribe=One-Click")).want(200, nil)
		if got := w.consent(sarah, crm.Email); got != "job-alerts" {
			t.Errorf("consent to email is %q", got)
		}
	}
	if w.consent(sarah, crm.SMS) != "talent-community job-alerts" {
		t.Error("SMS is another channel")
	}
	forged := strings.TrimPrefix(api.UnsubscribeURL(publicURL, []byte("another secret"), id), publicURL)
	for _, path := range []string{forged, "/u/" + id, "/u/" + id + ".", "/u/x"} {
		w.send(http.MethodPost, path, oneClick, nil).want(404, nil)
		w.send(http.MethodGet, path, nil, nil).want(404, nil)
	}
}
