package sendgrid_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/activities/sendgrid"
	"github.com/rapport-crm/rapport/crm"
)

// listServer answers as SendGrid does: it wants the key, pages of 500 at most, times in seconds, and has a rate.
func listServer(t *testing.T, entries int, told *[]string) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		limit, _ := strconv.Atoi(q.Get("limit"))
		offset, _ := strconv.Atoi(q.Get("offset"))
		switch {
		case r.Header.Get("Authorization") != "Bearer SG.key":
			w.WriteHeader(http.StatusUnauthorized)
		case r.Method == http.MethodPost && r.URL.Path == "/v3/asm/suppressions/global":
			var body struct {
				Emails []string `json:"recipient_emails"`
			}
			if json.NewDecoder(r.Body).Decode(&body) != nil || len(body.Emails) == 0 {
				w.WriteHeader(http.StatusBadRequest)
				return
			}
			*told = append(*told, body.Emails...)
			w.WriteHeader(http.StatusCreated)
		case r.URL.Path == "/v3/suppression/spam_reports":
			w.Header().Set("X-RateLimit-Reset", strconv.FormatInt(time.Now().Add(40*time.Second).Unix(), 10))
			w.WriteHeader(http.StatusTooManyRequests)
		case r.URL.Path != "/v3/suppression/bounces" || limit < 1 || limit > 500 || q.Get("start_time") != "1767225600" || q.Get("end_time") == "":
			w.WriteHeader(http.StatusBadRequest)
		default:
			page := []map[string]any{}
			for i := offset; i < min(offset+limit, entries); i++ {
				page = append(page, map[string]any{"created": 1767225600 + i, "email": "c" + strconv.Itoa(i) + "@example.org", "reason": "550"})
			}
			_ = json.NewEncoder(w).Encode(page)
		}
	}))
	t.Cleanup(server.Close)
	return server
}

func TestListed(t *testing.T) {
	t.Parallel()
	var told []string
	server := listServer(t, 1001, &told)
	c := sendgrid.New(sendgrid.Config{APIKey: "SG.key", BaseURL: server.URL})
	since := time.Unix(1767225600, 0)
	seen := map[string]bool{}
	for more := true; more; {
		page, err := c.Listed(t.Context(), "bounces", since, since.Add(time.Hour), len(seen))
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range page.Addresses {
			seen[a.Address] = a.Reason == crm.SuppressedBounce && !a.At.Before(since)
		}
		more = page.More
	}
	if len(seen) != 1001 || !seen["c1000@example.org"] {
		t.Errorf("%d addresses", len(seen))
	}
	var failure *crm.SendError
	if _, err := c.Listed(t.Context(), "spam_reports", since, since.Add(time.Hour), 0); !errors.As(err, &failure) || failure.Class != crm.SendRetry ||
		failure.RetryAfter < 30*time.Second || failure.RetryAfter > 41*time.Second {
		t.Errorf("a rate that is used up: %+v", err)
	}
	stranger := sendgrid.New(sendgrid.Config{APIKey: "SG.other", BaseURL: server.URL})
	if _, err := stranger.Listed(t.Context(), "bounces", since, since.Add(time.Hour), 0); !errors.As(err, &failure) || failure.Class != crm.SendRetry {
		t.Errorf("a wrong key: %+v", err)
	}
	if _, err := c.Listed(t.Context(), "blocks", since, since.Add(time.Hour), 0); err == nil {
		t.Error("blocks are read: they say nothing of the next message")
	}
	if err := c.Suppress(t.Context(), []string{"a@b.example"}); err != nil || len(told) != 1 {
		t.Errorf("told of %v, %v", told, err)
	}
}
