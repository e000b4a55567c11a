package sendgrid_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/activities/sendgrid"
	"github.com/rapport-crm/rapport/crm"
)

const messageID = "msg_06cq3v9k7rk1bn2c5x0e8m4t2g"

func outgoing() crm.Outgoing {
	return crm.Outgoing{
		MessageID: messageID, Channel: crm.Email, To: "sarah@example.org", ToName: "Sarah", From: "North Trust Careers <careers@trust.example>",
		ReplyTo: "reply+" + messageID + "@in.trust.example", Subject: "Thank you", HTML: "<p>Hi</p>", Text: "Hi",
		Headers:    map[string]string{"List-Unsubscribe": "<https://rapport.example/u/x>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"},
		Categories: []string{"silver-medallist-nurses", "thanks"}, TrackClicks: true,
	}
}

func client(t *testing.T, h http.HandlerFunc) *sendgrid.Client {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return sendgrid.New(sendgrid.Config{APIKey: "SG.key", BaseURL: server.URL + "/", Timeout: 2 * time.Second})
}

func TestSendSpeaksTheAPI(t *testing.T) {
	t.Parallel()
	var got map[string]any
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.URL.Path != "/v3/mail/send" || r.Header.Get("Authorization") != "Bearer SG.key" || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("got %s %s, authorization %q, content type %q", r.Method, r.URL, r.Header.Get("Authorization"), r.Header.Get("Content-Type"))
		}
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
			t.Errorf("body: %v", err)
		}
		w.Header().Set("X-Message-Id", "14c5d75ce93")
		w.WriteHeader(http.StatusAccepted)
	})
	receipt, err := c.Send(t.Context(), outgoing())
	if err != nil || receipt != (crm.Receipt{Provider: "sendgrid", ProviderID: "14c5d75ce93"}) {
		t.Fatalf("got %+v, %v", receipt, err)
	}
	want := map[string]any{
		"from":             map[string]any{"email": "careers@trust.example", "name": "North Trust Careers"},
		"reply_to":         map[string]any{"email": "reply+" + messageID + "@in.trust.example"},
		"subject":          "Thank you",
		"personalizations": []any{map[string]any{"to": []any{map[string]any{"email": "sarah@example.org", "name": "Sarah"}}}},
		"content":          []any{map[string]any{"type": "text/plain", "value": "Hi"}, map[string]any{"type": "text/html", "value": "<p>Hi</p>"}},
		"headers":          map[string]any{"List-Unsubscribe": "<https://rapport.example/u/x>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"},
		"categories":       []any{"silver-medallist-nurses", "thanks"},
		"custom_args":      map[string]any{"rapport_message": messageID},
		"tracking_settings": map[string]any{
			"click_tracking":        map[string]any{"enable": true, "enable_text": false},
			"open_tracking":         map[string]any{"enable": false},
			"subscription_tracking": map[string]any{"enable": false},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
}

// What is not to be tracked is said explicitly, whatever the account's settings are.
func TestSendTracksWhatIsAsked(t *testing.T) {
	t.Parallel()
	for _, want := range []struct{ opens, clicks bool }{{false, false}, {true, false}, {false, true}, {true, true}} {
		var got struct {
			Tracking map[string]struct {
				Enable *bool `json:"enable"`
			} `json:"tracking_settings"`
		}
		c := client(t, func(w http.ResponseWriter, r *http.Request) {
			if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
				t.Errorf("body: %v", err)
			}
			w.WriteHeader(http.StatusAccepted)
		})
		out := outgoing()
		out.TrackOpens, out.TrackClicks = want.opens, want.clicks
		if _, err := c.Send(t.Context(), out); err != nil {
			t.Fatal(err)
		}
		opens, clicks := got.Tracking["open_tracking"].Enable, got.Tracking["click_tracking"].Enable
		if opens == nil || clicks == nil || *opens != want.opens || *clicks != want.clicks {
			t.Errorf("%+v became %+v", want, got.Tracking)
		}
	}
}

// An invitation is a part of the body, which mail programs act on, and a file for the others.
func TestSendAttachments(t *testing.T) {
	t.Parallel()
	var got struct {
		Content []struct {
			Type  string `json:"type"`
			Value string `json:"value"`
		} `json:"content"`
		Attachments []map[string]string `json:"attachments"`
	}
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
			t.Errorf("body: %v", err)
		}
		w.WriteHeader(http.StatusAccepted)
	})
	out := outgoing()
	out.Attachments = []crm.Attachment{
		{Name: "invite.ics", ContentType: "text/calendar; method=request; charset=utf-8", Content: []byte("BEGIN:VCALENDAR")},
		{Name: "map.pdf", ContentType: "application/pdf", Content: []byte("%PDF")},
	}
	if _, err := c.Send(t.Context(), out); err != nil {
		t.Fatal(err)
	}
	if len(got.Content) != 3 || got.Content[2].Type != "text/calendar; method=REQUEST" || got.Content[2].Value != "BEGIN:VCALENDAR" {
		t.Errorf("content %+v", got.Content)
	}
	want := []map[string]string{
		{"content": "QkVHSU46VkNBTEVOREFS", "type": "application/ics", "filename": "invite.ics", "disposition": "attachment"},
		{"content": "JVBERg==", "type": "application/pdf", "filename": "map.pdf", "disposition": "attachment"},
	}
	if diff := cmp.Diff(want, got.Attachments); diff != "" {
		t.Error(diff)
	}
	for name, broken := range map[string]crm.Attachment{
		"no name": {ContentType: "application/pdf", Content: []byte("x")}, "no content": {Name: "a", ContentType: "application/pdf"},
		"no type": {Name: "a", Content: []byte("x")}, "two lines": {Name: "a\r\nBcc: x@y.example", ContentType: "application/pdf", Content: []byte("x")},
	} {
		out.Attachments = []crm.Attachment{broken}
		var failure *crm.SendError
		if _, err := c.Send(t.Context(), out); !errors.As(err, &failure) || failure.Class != crm.SendRefused || failure.Code != "invalid_message" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSendManyAtOnce(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	subjects := map[string]int{}
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Subject string `json:"subject"`
		}
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			t.Errorf("body: %v", err)
		}
		mu.Lock()
		subjects[body.Subject]++
		mu.Unlock()
		w.WriteHeader(http.StatusAccepted)
	})
	var sends sync.WaitGroup
	for i := range 40 {
		sends.Go(func() {
			out := outgoing()
			out.Subject = strings.Repeat("x", i+1)
			if _, err := c.Send(t.Context(), out); err != nil {
				t.Errorf("send: %v", err)
			}
		})
	}
	sends.Wait()
	if len(subjects) != 40 {
		t.Errorf("%d different messages arrived, want 40: sends mix their bodies", len(subjects))
	}
}

func TestSendErrors(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answer http.HandlerFunc
		class  crm.SendClass
		code   string
		after  time.Duration
	}{
		"refused": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = w.Write([]byte(`{"errors":[{"message":"Does not contain a valid address: x@y.example","field":"personalizations.0.to.0.email"}]}`))
		}, crm.SendRefused, "http_400", 0},
		"limit": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "3")
			w.WriteHeader(http.StatusTooManyRequests)
		}, crm.SendRetry, "http_429", 3 * time.Second},
		"server error":                      {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }, crm.SendUnknown, "http_500", 0},
		"connection lost after the request": {func(w http.ResponseWriter, _ *http.Request) { hangUp(t, w) }, crm.SendUnknown, "connection", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var calls atomic.Int32
			c := client(t, func(w http.ResponseWriter, r *http.Request) { calls.Add(1); tc.answer(w, r) })
			_, err := c.Send(t.Context(), outgoing())
			failure := sendError(t, err)
			if failure.Class != tc.class || failure.Code != tc.code || failure.RetryAfter != tc.after {
				t.Errorf("got %+v, want %s %s after %s", failure, tc.class, tc.code, tc.after)
			}
			if calls.Load() != 1 {
				t.Errorf("the server was called %d times, want once", calls.Load())
			}
			if strings.Contains(err.Error(), "@") {
				t.Errorf("the error shows an address: %v", err)
			}
		})
	}
}

func TestSendTimesOut(t *testing.T) {
	t.Parallel()
	c := client(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // a server sees that the client is gone once it has read the request
		<-r.Context().Done()
	})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := c.Send(ctx, outgoing())
	if failure := sendError(t, err); failure.Class != crm.SendUnknown || failure.Code != "timeout" {
		t.Errorf("got %+v, want unknown timeout", failure)
	}
}

func TestSendWithoutServer(t *testing.T) {
	t.Parallel()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	for name, base := range map[string]string{"connection refused": "http://" + address, "no such host": "http://nowhere.invalid"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := sendgrid.New(sendgrid.Config{BaseURL: base}).Send(t.Context(), outgoing())
			if failure := sendError(t, err); failure.Class != crm.SendRetry {
				t.Errorf("got %+v, want retry: nothing was written", failure)
			}
		})
	}
}

func TestSendRefusesWhatCannotBeComposed(t *testing.T) {
	t.Parallel()
	c := client(t, func(http.ResponseWriter, *http.Request) { t.Error("it was sent") })
	for name, spoil := range map[string]func(*crm.Outgoing){
		"no sender":    func(o *crm.Outgoing) { o.From = "" },
		"no recipient": func(o *crm.Outgoing) { o.To = "" },
		"bad reply-to": func(o *crm.Outgoing) { o.ReplyTo = "nobody" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := outgoing()
			spoil(&out)
			_, err := c.Send(t.Context(), out)
			if failure := sendError(t, err); failure.Class != crm.SendRefused || failure.Code != "invalid_message" {
				t.Errorf("got %+v", failure)
			}
		})
	}
}

func sendError(t *testing.T, err error) *crm.SendError {
	t.Helper()
	var failure *crm.SendError
	if !errors.As(err, &failure) {
		t.Fatalf("got %v, want a *crm.SendError", err)
	}
	return failure
}

func hangUp(t *testing.T, w http.ResponseWriter) {
	t.Helper()
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		t.Errorf("hijack: %v", err)
		return
	}
	_ = conn.Close()
}
