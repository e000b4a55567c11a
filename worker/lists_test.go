package worker_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/activities/sendgrid"
	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/store"
	"github.com/rapport-crm/rapport/worker"
)

// suppressionServer keeps lists as SendGrid does: it wants the key, whole seconds in order and pages of 500 at most, and has a rate.
type suppressionServer struct {
	mu    sync.Mutex
	lists map[string][]string
	at    time.Time // when all entries were made
	asked []string
	told  []string
	busy  string // the request whose turn comes when the rate is used up, once
}

func (s *suppressionServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := r.URL.Query()
	list, isList := strings.CutPrefix(r.URL.Path, "/v3/suppression/")
	request := list + " " + q.Get("offset")
	if !isList {
		request = "tell"
	}
	s.asked = append(s.asked, request)
	switch {
	case r.Header.Get("Authorization") != "Bearer SG.key":
		w.WriteHeader(http.StatusUnauthorized)
	case s.busy == request:
		s.busy = ""
		w.Header().Set("X-RateLimit-Reset", strconv.FormatInt(time.Now().Add(time.Minute).Unix(), 10))
		w.WriteHeader(http.StatusTooManyRequests)
	case r.Method == http.MethodPost && r.URL.Path == "/v3/asm/suppressions/global":
		var body struct {
			Emails []string `json:"recipient_emails"`
		}
		if json.NewDecoder(r.Body).Decode(&body) != nil || len(body.Emails) == 0 {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		s.told = append(s.told, body.Emails...)
		w.WriteHeader(http.StatusCreated)
	default:
		s.list(w, list, q.Get)
	}
}

func (s *suppressionServer) list(w http.ResponseWriter, list string, query func(string) string) {
	numbers := map[string]int64{}
	for _, name := range []string{"start_time", "end_time", "limit", "offset"} {
		n, err := strconv.ParseInt(query(name), 10, 64)
		if err != nil || n < 0 {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		numbers[name] = n
	}
	entries, known := s.lists[list]
	if !known || numbers["limit"] < 1 || numbers["limit"] > 500 || numbers["end_time"] < numbers["start_time"] {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	page := []map[string]any{}
	if at := s.at.Unix(); at >= numbers["start_time"] && at <= numbers["end_time"] {
		for _, address := range entries[min(int(numbers["offset"]), len(entries)):min(int(numbers["offset"]+numbers["limit"]), len(entries))] {
			page = append(page, map[string]any{"created": at, "email": address, "reason": "550"})
		}
	}
	if err := json.NewEncoder(w).Encode(page); err != nil {
		panic(http.ErrAbortHandler) // the worker is told by a broken answer
	}
}

// since returns what was asked since it was last called.
func (s *suppressionServer) since() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := s.asked
	s.asked = nil
	return asked
}

// listsRig is an installation with a SendGrid that has lists.
type listsRig struct {
	*rig

	server *suppressionServer
	url    string
	logged bytes.Buffer
}

func newListsRig(t *testing.T) *listsRig {
	t.Helper()
	l := &listsRig{rig: newRig(t, 0), server: &suppressionServer{at: time.Now().Add(-time.Hour), lists: map[string][]string{
		"bounces": nil, "invalid_emails": nil, "spam_reports": {"Angry@zebra.example"}, "unsubscribes": nil,
	}}}
	for i := range 1001 {
		l.server.lists["bounces"] = append(l.server.lists["bounces"], fmt.Sprintf("b%d@zebra.example", i))
	}
	server := httptest.NewServer(l.server)
	t.Cleanup(server.Close)
	l.url = server.URL
	return l
}

// worker is one that has just begun.
func (l *listsRig) worker(key string) *worker.Worker {
	return worker.New(worker.Config{
		Store: l.store, Log: slog.New(slog.NewTextHandler(&l.logged, nil)),
		Providers: map[crm.Channel]worker.Provider{crm.Email: sendgrid.New(sendgrid.Config{APIKey: key, BaseURL: l.url})},
	})
}

// synced has a worker read the lists, and returns what the provider was asked.
func (l *listsRig) synced(w *worker.Worker) []string {
	l.t.Helper()
	if err := w.SyncLists(l.t.Context()); err != nil {
		l.t.Fatal(err)
	}
	return l.server.since()
}

func (l *listsRig) suppressed(address string, reason crm.SuppressionReason) bool {
	l.t.Helper()
	is, err := l.store.Suppressed(l.t.Context(), crm.Email, address, reason)
	if err != nil {
		l.t.Fatal(err)
	}
	return is
}

func (l *listsRig) asks(what string, got []string, want ...string) {
	l.t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		l.t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestListsAreReadOnWhereTheyWereLeft(t *testing.T) {
	t.Parallel()
	l := newListsRig(t)
	l.apply("")
	l.server.busy = "bounces 1000"
	first := l.worker("SG.key")
	l.asks("the rate is used up on the third page", l.synced(first), "bounces 0", "bounces 500", "bounces 1000")
	l.asks("it is left alone", l.synced(first))
	if !l.suppressed("b999@zebra.example", crm.SuppressedBounce) || l.suppressed("b1000@zebra.example", crm.SuppressedBounce) {
		t.Error("what was read is not known, or what was not read is")
	}

	second := l.worker("SG.key") // the first was killed
	l.asks("another worker goes on", l.synced(second), "bounces 1000", "invalid_emails 0", "spam_reports 0", "unsubscribes 0")
	if !l.suppressed("b1000@zebra.example", crm.SuppressedBounce) || !l.suppressed("angry@zebra.example", crm.SuppressedComplaint) {
		t.Error("not all of the lists is known")
	}
	l.asks("nothing is due", l.synced(second))
	if len(l.server.told) != 0 {
		t.Errorf("the provider was told of its own: %v", l.server.told)
	}
	if err := l.store.AskForLists(t.Context()); err != nil {
		t.Fatal(err)
	}
	l.asks("from the last reading on", l.synced(second), "bounces 0", "invalid_emails 0", "spam_reports 0", "unsubscribes 0")
	positions, err := l.store.ListPositions(t.Context())
	if err != nil || len(positions) != 4 || positions[0].Found != 1001 || positions[0].SyncedAt.IsZero() || !positions[0].ReadingTo.IsZero() {
		t.Errorf("positions %+v, %v", positions, err)
	}
}

func TestProviderIsToldOfSuppressions(t *testing.T) {
	t.Parallel()
	l := newListsRig(t)
	l.apply("")
	l.candidate("leaver")
	optOut := func(address string, reason crm.SuppressionReason) store.OptOut {
		return store.OptOut{Channel: crm.Email, Address: address, Reason: reason, Source: "letter", At: l.now()}
	}
	if err := l.store.Suppress(t.Context(), []store.OptOut{
		optOut("nobody@zebra.example", crm.SuppressedManual), optOut("leaver@zebra.example", crm.SuppressedUnsubscribe), optOut("dead@zebra.example", crm.SuppressedBounce),
	}); err != nil {
		t.Fatal(err)
	}
	l.server.busy = "tell"
	first := l.worker("SG.key")
	l.synced(first)
	l.asks("who is turned away tries later", l.synced(first))
	first.Rested()
	l.asks("it is told", l.synced(first), "tell")
	l.asks("once", l.synced(l.worker("SG.key")))
	slices.Sort(l.server.told)
	l.asks("of what it does not find out itself", l.server.told, "leaver@zebra.example", "nobody@zebra.example")
	if n := l.sql("select count(*) from suppressions where push <> ''"); n != 0 {
		t.Errorf("%d addresses are kept that the provider knows", n)
	}
}

func TestListsWithAWrongKey(t *testing.T) {
	t.Parallel()
	l := newListsRig(t)
	w := l.worker("SG.wrong")
	l.asks("it is refused", l.synced(w), "bounces 0")
	l.asks("it is not tried again at once", l.synced(w))
	w.Rested()
	l.asks("but later", l.synced(w), "bounces 0")
	if told := strings.Count(l.logged.String(), "http_401"); told == 0 || strings.Count(l.logged.String(), "level=") != 1 {
		t.Errorf("it is not told of once:\n%s", l.logged.String())
	}
}

const linked = `
sequence: greet
purpose: news
enroll: {on: application.rejected}
steps:
  - {id: hello, email: {subject: Hello, body: "[Choose]({{ links.preferences }})"}}
`

// A mail links to the preference page of whom it is for; one that asks for a consent links to where it is confirmed.
func TestLinksInMails(t *testing.T) {
	t.Parallel()
	r := newRig(t, 0)
	r.applyAll(strings.Replace(workspace, `wording: "Hear from us"}`, `wording: "Hear from us"}, alerts: {basis: consent, wording: "New jobs", double_opt_in: true}`, 1) + linked)
	r.work()
	candidate := r.candidate("links")
	r.event(candidate, "application.rejected")
	r.event(candidate, crm.EventConsentRequested, "purpose", "alerts", "channels", []any{"email"})
	for subject, out := range r.sent(2) {
		found := regexp.MustCompile(`http://localhost/[cp]/[^"]+`).FindString(out.HTML)
		want := "http://localhost/c/" + out.MessageID
		if subject == "Hello" {
			want = "http://localhost/p/" + candidate
		}
		if found != want || !strings.Contains(out.Text, want) {
			t.Errorf("%s links to %q, want %q\n%s", subject, found, want, out.Text)
		}
	}
}
