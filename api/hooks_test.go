package api_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	mrand "math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rapport-crm/rapport/activities/calendar/oauth"
	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
)

// begin begins a POST and returns its connection: the body is still to come.
func (w *world) begin(path, header string) net.Conn {
	w.t.Helper()
	var dialer net.Dialer
	conn, err := dialer.DialContext(w.t.Context(), "tcp", strings.TrimPrefix(w.server.URL, "http://"))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		w.t.Fatal(err)
	}
	if _, err := fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n", path, header); err != nil {
		w.t.Fatal(err)
	}
	return conn
}

// answered reads the answer of a request that was begun.
func answered(t *testing.T, conn net.Conn) (status int) {
	t.Helper()
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode
}

// A body that says that it is too large is refused before a byte of it was sent; one that does not say so, where it is.
func TestWebhookBodiesHaveALimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for path, limit := range map[string]int{
		"/webhooks/sendgrid/events": 5 << 20, "/webhooks/sendgrid/inbound": 30 << 20, "/webhooks/twilio/status": 64 << 10, "/webhooks/twilio/inbound": 64 << 10,
	} {
		if status := answered(t, w.begin(path, fmt.Sprintf("Content-Length: %d", limit+1))); status != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: %d bytes that are said are answered with %d", path, limit+1, status)
		}
		conn := w.begin(path, "Transfer-Encoding: chunked")
		sent := make(chan int, 1)
		go func() { // it never ends by itself
			chunk, n := []byte("8000\r\n"+strings.Repeat("x", 0x8000)+"\r\n"), 0
			for ; n < limit+128<<20; n += 0x8000 {
				if _, err := conn.Write(chunk); err != nil {
					break
				}
			}
			sent <- n
		}()
		if status := answered(t, conn); status != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: a body without an end is answered with %d", path, status)
		}
		if conn.Close(); <-sent > limit+64<<20 { // the machine's own buffers take some
			t.Errorf("%s: it was read on and on", path)
		}
	}
	metrics := string(w.send(http.MethodGet, "/metrics", nil, nil).body)
	for _, line := range []string{`rapport_webhooks_total{provider="sendgrid",result="too_large"} 4`, `rapport_webhooks_total{provider="twilio",result="too_large"} 4`} {
		if !strings.Contains(metrics, line) {
			t.Errorf("metrics lack %s", line)
		}
	}
}

// Mails that come while others are still being read are put off, never refused: Inbound Parse drops what is answered with 4xx.
func TestFullLane(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sarah := w.candidate("1", "sarah@example.org", "")
	var slow []net.Conn
	for range 4 {
		slow = append(slow, w.begin("/webhooks/sendgrid/inbound", "Content-Length: 1000"))
	}
	mail := map[string]string{"from": "sarah@example.org", "headers": "Message-ID: <a@x>"}
	deadline := time.Now().Add(20 * time.Second)
	for { // until all four are in
		a := w.mail(mail)
		if a.status == http.StatusServiceUnavailable {
			a.problem(503, api.CodeUnavailable)
			if a.header.Get("Retry-After") == "" {
				t.Error("Retry-After is missing")
			}
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("with a full lane it is answered with %d", a.status)
		}
	}
	w.sendGrid("/webhooks/sendgrid/events", "application/json", []byte("[]")).want(204, nil) // another lane
	for _, conn := range slow {
		conn.Close()
	}
	mail["headers"] = "Message-ID: <b@x>"
	for a := w.mail(mail); a.status != http.StatusNoContent; a = w.mail(mail) {
		if a.status != http.StatusServiceUnavailable || time.Now().After(deadline) {
			t.Fatalf("with an empty lane it is answered with %d", a.status)
		}
	}
	if lines := w.lines(sarah); len(lines) == 0 {
		t.Error("the mail is lost")
	}
}

// A request that somebody recorded is worth nothing: inside the window everything in it is known already.
func TestReplays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sarah := w.candidate("1", "sarah@example.org", "")
	id := w.message(sarah, crm.Email, "sarah@example.org")
	taken := w.clock()
	body := fmt.Appendf(nil, `[{"event":"spamreport","email":"sarah@example.org","timestamp":%d,"sg_event_id":"e1","rapport_message":%q}]`, taken.Unix(), id)
	recorded := w.signed("application/json", taken, body)
	post := func(header http.Header, body []byte) answer {
		w.t.Helper()
		return w.send(http.MethodPost, "/webhooks/sendgrid/events", header, body)
	}
	post(recorded, body).want(204, nil)
	w.pass(time.Minute)
	w.call(http.MethodPost, "/v1/events", object{"type": "consent.granted", "candidate": sarah, "data": object{"purpose": "job-alerts", "channels": []string{"email"}}}).want(200, nil)
	w.pass(8 * time.Minute)
	post(recorded, body).want(204, nil)
	if got := w.consent(sarah, crm.Email); got != "job-alerts" {
		t.Errorf("after the replay there is consent to %q", got)
	}
	if lines := w.lines(sarah); len(lines) != 1 {
		t.Errorf("the replay made events: %q", lines)
	}
	for name, c := range map[string]struct {
		header http.Header
		body   []byte
	}{
		"a minute too old":      {w.signed("application/json", w.clock().Add(-11*time.Minute), body), body},
		"a minute ahead of now": {w.signed("application/json", w.clock().Add(11*time.Minute), body), body},
		"a fresh timestamp on an old signature": {func() http.Header {
			h := recorded.Clone()
			h.Set("X-Twilio-Email-Event-Webhook-Timestamp", strconv.FormatInt(w.clock().Unix(), 10))
			return h
		}(), body},
		"another body": {recorded, bytes.Replace(body, []byte("sarah"), []byte("maria"), 1)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			post(c.header, c.body).problem(403, api.CodeSignature)
		})
	}
}

// dispatchAll has the dispatcher look at a candidate's events.
func (w *world) dispatchAll(candidateID string) {
	w.t.Helper()
	_, err := w.store.Dispatch(w.t.Context(), candidateID, func(in *crm.Inbox) (*crm.Dispatched, error) {
		return dsl.Dispatch(&dsl.Set{}, in, w.clock()), nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// fate is what a message's reports came to.
type fate struct {
	Message crm.Message
	Events  []string
	Consent string
	Stopped bool
}

func (w *world) fate(candidateID, messageID string) fate {
	w.t.Helper()
	m, err := w.store.MessageByID(w.t.Context(), messageID)
	if err != nil {
		w.t.Fatal(err)
	}
	address := m.Address
	stopped := false
	for _, reason := range []crm.SuppressionReason{crm.SuppressedBounce, crm.SuppressedComplaint, crm.SuppressedStop, crm.SuppressedUnsubscribe} {
		is, err := w.store.Suppressed(w.t.Context(), m.Channel, address, reason)
		if err != nil {
			w.t.Fatal(err)
		}
		stopped = stopped || is
	}
	events := w.lines(candidateID)
	for i := range events {
		events[i] = strings.Replace(events[i], messageID, "M", 1)
	}
	slices.Sort(events)
	m.Address, m.ID = "", ""
	return fate{Message: m, Events: events, Consent: w.consent(candidateID, m.Channel), Stopped: stopped}
}

// However often the reports of a message come, in whatever order and batches, a day late or not, whenever they are dispatched:
// the ledger, the events and the consents end up the same.
func TestReportsInAnyOrder(t *testing.T) {
	t.Parallel()
	seconds := func(n int) time.Duration { return time.Duration(n) * time.Second }
	report := func(event string, after time.Duration, more string) string {
		return fmt.Sprintf(`{"event":%q,"email":"ADDRESS","timestamp":%d,"sg_event_id":"SEED-%s-%d","sg_message_id":"SEED.x","rapport_message":"MESSAGE"%s}`,
			event, start().Add(after).Unix(), event, int(after.Seconds()), more)
	}
	mail := map[string][]string{
		"read": {
			report("processed", 0, ""), report("deferred", seconds(60), ""), report("delivered", seconds(120), ""),
			report("open", seconds(122), `,"sg_machine_open":true`), report("click", seconds(121), `,"url":"https://a.example","useragent":"Barracuda"`),
			report("open", seconds(900), ""), report("open", seconds(4000), ""),
			report("click", seconds(930), `,"url":"https://a.example"`), report("click", seconds(990), `,"url":"https://b.example"`),
		},
		"bounced":    {report("processed", 0, ""), report("deferred", seconds(60), ""), report("bounce", seconds(3600), `,"type":"bounce"`)},
		"complained": {report("processed", 0, ""), report("delivered", seconds(120), ""), report("open", seconds(300), ""), report("spamreport", seconds(400), "")},
		"dropped":    {report("dropped", seconds(1), `,"reason":"Bounced Address"`)},
	}
	for name, reports := range mail {
		for _, state := range []string{"accepted", "claimed", "unknown"} {
			t.Run(name+" "+state, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				var want fate
				for seed := range 8 {
					random := mrand.New(mrand.NewPCG(uint64(seed), 7))
					w.mu.Lock()
					w.now = start()
					w.mu.Unlock()
					got := w.reported(t, random, seed, state, reports)
					if seed == 0 {
						want = got
						if want.Message.State != crm.MessageSettled || len(want.Events) == 0 {
							t.Fatalf("in order: %+v", want)
						}
						continue
					}
					ignored := []string{"CandidateID", "EnrollmentID", "Definition", "Hash", "Provider", "ProviderID"}
					if state != "accepted" { // known from the first report that came
						ignored = append(ignored, "AcceptedAt")
					}
					if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(crm.Message{}, ignored...)); diff != "" {
						t.Errorf("seed %d (-in order +shuffled):\n%s", seed, diff)
					}
				}
			})
		}
	}
}

// reported sends the reports of a new message: seed 0 in order and once, others as SendGrid may.
func (w *world) reported(t *testing.T, random *mrand.Rand, seed int, state string, reports []string) fate {
	t.Helper()
	name := fmt.Sprintf("s%d", seed)
	address := name + "@example.org"
	candidate := w.candidate(name, address, "")
	var id string
	if state == "accepted" {
		id = w.message(candidate, crm.Email, address)
	} else {
		id = w.claimed(candidate, crm.Email, address)
	}
	w.pass(2 * time.Minute)
	if state == "unknown" {
		if _, err := w.store.ExpireLeases(t.Context(), w.clock()); err != nil {
			t.Fatal(err)
		}
	}
	w.pass(2 * time.Hour)
	if seed%2 == 1 {
		w.pass(24 * time.Hour)
	}
	todo := slices.Clone(reports)
	if seed > 0 {
		for range 45 { // one of them often, others twice
			todo = append(todo, reports[seed%len(reports)], reports[random.IntN(len(reports))])
		}
		random.Shuffle(len(todo), func(i, j int) { todo[i], todo[j] = todo[j], todo[i] })
	}
	fill := strings.NewReplacer("ADDRESS", address, "SEED", name, "MESSAGE", id)
	for len(todo) > 0 {
		n := 1 + random.IntN(min(len(todo), 30))
		if seed == 0 {
			n = len(todo)
		}
		w.sendGrid("/webhooks/sendgrid/events", "application/json", []byte(fill.Replace("["+strings.Join(todo[:n], ",")+"]"))).want(204, nil)
		if todo = todo[n:]; random.IntN(2) == 0 {
			w.dispatchAll(candidate)
		}
	}
	w.dispatchAll(candidate)
	return w.fate(candidate, id)
}

// Twilio's callbacks come in any order too, and none of them takes a message back.
func TestStatusesInAnyOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, c := range map[string]struct {
		statuses []string
		events   []string
	}{
		"delivered":   {[]string{"queued", "sending", "sent", "delivered"}, []string{"message.delivered M thanks <nil>"}},
		"undelivered": {[]string{"queued", "sent", "undelivered"}, []string{"message.bounced M thanks <nil>"}},
	} {
		for seed := range 6 {
			random := mrand.New(mrand.NewPCG(uint64(seed), 11))
			number := fmt.Sprintf("+4477009%05d", 100*len(name)+seed)
			candidate := w.candidate(fmt.Sprint(name, seed), "", number)
			id := w.message(candidate, crm.SMS, number)
			todo := slices.Concat(c.statuses, c.statuses, c.statuses)
			random.Shuffle(len(todo), func(i, j int) { todo[i], todo[j] = todo[j], todo[i] })
			for _, status := range todo {
				fields := object{"MessageSid": "SM" + id, "MessageStatus": status, "To": number}
				if status == "undelivered" {
					fields["ErrorCode"] = "30005"
				}
				w.twilio("/webhooks/twilio/status?message="+id, fields).want(204, nil)
				if random.IntN(2) == 0 {
					w.dispatchAll(candidate)
				}
			}
			w.dispatchAll(candidate)
			if got := w.fate(candidate, id); got.Message.State != crm.MessageSettled || !slices.Equal(got.Events, c.events) {
				t.Errorf("%s, seed %d: %s, %q", name, seed, got.Message.State, got.Events)
			}
		}
	}
}

// Whatever a scanner or a mail program does with the links of a message short of pressing a button, nobody is unsubscribed:
// every page for candidates is asked for with every kind of link, by GET and by HEAD. New pages are found by their routes.
func TestLookingUnsubscribesNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(config *api.Config) {
		config.CalendarApps = map[crm.CalendarKind]*oauth.App{crm.CalendarGoogle: oauth.Google("id", "secret", publicURL)}
	})
	w.tracks(onConsent)
	sarah := w.candidate("1", "sarah@example.org", "+447700900123")
	id := w.message(sarah, crm.Email, "sarah@example.org")
	w.pass(time.Hour)
	l := &loop{world: w, candidate: sarah, ada: w.interviewer("Ada Lovelace", ""), ben: w.interviewer("Ben Okri", "")}
	l.run, l.meeting = w.interview(sarah, l.offers()...)
	l.path = strings.TrimPrefix(api.ScheduleURL(publicURL, []byte(linkSecret), l.run), publicURL)
	l.pick(l.slot(3, 9)).want(303, nil)
	l.book()
	before, meeting := w.standing(sarah), l.state()
	router, ok := api.New(api.Config{}).(*gin.Engine)
	if !ok {
		t.Fatal("the API is no gin router: find its routes in another way")
	}
	pages := 0
	for _, route := range router.Routes() {
		if route.Method != http.MethodGet || !strings.Contains(route.Path, ":token") {
			continue
		}
		pages++
		works := false
		interviews := []string{strings.TrimPrefix(l.path, "/i/"), strings.TrimPrefix(l.panel(l.ada), "/v/"), strings.TrimPrefix(api.ConnectURL("", []byte(linkSecret), w.connection(l.ada)), "/calendars/connect/")}
		for _, token := range append(api.LinkTokens([]byte(linkSecret), id, sarah, theatre, w.clock()), interviews...) {
			path := strings.Replace(route.Path, ":token", token, 1)
			for _, method := range []string{http.MethodGet, http.MethodHead} {
				for _, query := range []string{"", "?List-Unsubscribe=One-Click", "?confirm=1&_method=POST", "?do=cancel_sure&calendar=1"} {
					a := w.send(method, path+query, http.Header{"User-Agent": {desktop}, "X-Http-Method-Override": {"POST"}}, nil)
					works = works || method == http.MethodGet && a.status < 400 || a.status == http.StatusGone
				}
			}
		}
		asks := []string{"/confirm/:token", "/rights/:token", "/data/:token"} // only the mails that ask have such links: see TestConfirm and TestAccessByThePreferencePage
		if !works && !slices.Contains(asks, route.Path) {
			t.Errorf("no link opens %s: add its kind to LinkTokens", route.Path)
		}
	}
	if pages < 4 {
		t.Errorf("found %d pages", pages)
	}
	if diff := cmp.Diff(before, w.standing(sarah)); diff != "" {
		t.Errorf("looking changed (-before +after):\n%s", diff)
	}
	if diff := cmp.Diff(meeting, l.state()); diff != "" {
		t.Errorf("looking changed the interview (-before +after):\n%s", diff)
	}
	unsubscribe := strings.TrimPrefix(api.UnsubscribeURL(publicURL, []byte(linkSecret), id), publicURL)
	w.send(http.MethodPost, unsubscribe, http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, []byte("List-Unsubscribe=One-Click")).want(200, nil)
	if cmp.Equal(before, w.standing(sarah)) {
		t.Error("pressing the button changed nothing either")
	}
}

// standing is what somebody agreed to, line by line, and which of their addresses must not be written to.
func (w *world) standing(candidateID string) map[string]any {
	w.t.Helper()
	candidate, consents, err := w.store.Candidate(w.t.Context(), candidateID)
	if err != nil {
		w.t.Fatal(err)
	}
	all := map[string]any{"consents": consents}
	for channel, address := range map[crm.Channel]string{crm.Email: candidate.Email, crm.SMS: candidate.Phone} {
		for _, reason := range []crm.SuppressionReason{
			crm.SuppressedBounce, crm.SuppressedComplaint, crm.SuppressedStop, crm.SuppressedUnsubscribe, crm.SuppressedManual,
		} {
			if all[string(channel)+" "+string(reason)], err = w.store.Suppressed(w.t.Context(), channel, address, reason); err != nil {
				w.t.Fatal(err)
			}
		}
	}
	return all
}
