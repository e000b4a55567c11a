package twilio_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/activities/provider"
	"github.com/rapport-crm/rapport/activities/twilio"
	"github.com/rapport-crm/rapport/crm"
)

const (
	messageID = "msg_06cq3v9k7rk1bn2c5x0e8m4t2g"
	account   = "AC00000000000000000000000000000001"
	token     = "0123456789abcdef"
)

func outgoing() crm.Outgoing {
	return crm.Outgoing{
		MessageID: messageID, Channel: crm.SMS, To: "+447700900123", From: "+447700900000", Text: "Grüße & bis bald",
		StatusURL: twilio.StatusURL("https://rapport.example/", messageID),
	}
}

func client(t *testing.T, h http.HandlerFunc) *twilio.Client {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return newClient(server.URL)
}

func newClient(base string) *twilio.Client {
	return twilio.New(twilio.Config{AccountSID: account, AuthToken: token, BaseURL: base})
}

func TestSendSpeaksTheAPI(t *testing.T) {
	t.Parallel()
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		if r.Method != http.MethodPost || r.URL.Path != "/2010-04-01/Accounts/"+account+"/Messages.json" || user != account || password != token {
			t.Errorf("got %s %s as %s:%s", r.Method, r.URL, user, password)
		}
		if err := r.ParseForm(); err != nil {
			t.Errorf("form: %v", err)
		}
		want := url.Values{
			"To": {"+447700900123"}, "From": {"+447700900000"}, "Body": {"Grüße & bis bald"},
			"StatusCallback": {"https://rapport.example/webhooks/twilio/status?message=" + messageID},
		}
		if diff := cmp.Diff(want, r.PostForm); diff != "" {
			t.Errorf("form (-want +got):\n%s", diff)
		}
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write([]byte(`{"sid":"SM123","status":"queued"}`))
	})
	receipt, err := c.Send(t.Context(), outgoing())
	if err != nil || receipt != (crm.Receipt{Provider: "twilio", ProviderID: "SM123"}) {
		t.Fatalf("got %+v, %v", receipt, err)
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
		"opted out":         {answer(400, `{"code":21610,"message":"Attempt to send to unsubscribed recipient +447700900123","status":400}`), crm.SendSuppress, "21610", 0},
		"not a number":      {answer(400, `{"code":21211,"message":"The 'To' number +447700900123 is not a valid phone number","status":400}`), crm.SendRefused, "21211", 0},
		"region is off":     {answer(400, `{"code":21408,"message":"x","status":400}`), crm.SendRefused, "21408", 0},
		"cannot be reached": {answer(400, `{"code":21612,"message":"x","status":400}`), crm.SendRefused, "21612", 0},
		"too many":          {answer(429, `{"code":20429,"message":"Too Many Requests","status":429}`), crm.SendRetry, "20429", 3 * time.Second},
		"too many, bare":    {answer(429, ``), crm.SendRetry, "http_429", 3 * time.Second},
		"wrong token":       {answer(401, `{"code":20003,"message":"Authenticate","status":401}`), crm.SendRetry, "20003", time.Minute},
		"country closed":    {answer(403, `{"code":21408,"message":"x","status":403}`), crm.SendRefused, "21408", 0},
		"queue full":        {answer(400, `{"code":21611,"message":"x","status":400}`), crm.SendRetry, "21611", time.Minute},
		"not our number":    {answer(400, `{"code":21606,"message":"x","status":400}`), crm.SendRetry, "21606", provider.AccountPause},
		"messages of today": {answer(429, `{"code":63038,"message":"x","status":429}`), crm.SendRetry, "63038", time.Hour},
		"server error":      {answer(500, `{"code":20500,"message":"x","status":500}`), crm.SendUnknown, "20500", 0},
		"gateway's page":    {answer(502, `<html>Bad gateway</html>`), crm.SendUnknown, "http_502", 0},
		"taken, no id":      {answer(201, `{}`), crm.SendUnknown, "bad_answer", 0},
		"taken, garbled":    {answer(201, `{"sid":`), crm.SendUnknown, "bad_answer", 0},
		"connection lost":   {func(w http.ResponseWriter, _ *http.Request) { hangUp(t, w) }, crm.SendUnknown, "connection", 0},
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
			if strings.Contains(err.Error(), "7700900123") {
				t.Errorf("the error shows a number: %v", err)
			}
		})
	}
}

func TestSendHonoursItsContext(t *testing.T) {
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
	_, err = newClient("http://"+address).Send(t.Context(), outgoing())
	if failure := sendError(t, err); failure.Class != crm.SendRetry || failure.Code != "connection" {
		t.Errorf("got %+v, want retry: nothing was written", failure)
	}
}

func TestSendToABadAddress(t *testing.T) {
	t.Parallel()
	for _, base := range []string{"localhost:8080", "ftp://x", "://"} {
		_, err := newClient(base).Send(t.Context(), outgoing())
		if failure := sendError(t, err); failure.Class != crm.SendRetry || failure.Code != "base_url" {
			t.Errorf("%q: got %+v, want retry: nothing was sent", base, failure)
		}
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

// answer answers every request alike.
func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "3")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}
