package command_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/activities/calendar/calendartest"
	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/api/client"
	"github.com/rapport-crm/rapport/crm"
)

// TestKilledWhileBooking kills everything with SIGKILL around every trace that a booking leaves: before and after each request
// that changes a calendar, between the calendars and the row, and while a cancelled one is taken out. Once the loop has repaired
// itself, the calendars have exactly the meetings that are booked, as a plain CalDAV client sees them.
func TestKilledWhileBooking(t *testing.T) {
	t.Parallel()
	v := &victim{t: t, dir: t.TempDir(), ports: freePorts(t), more: []string{"--calendar-private"}}
	d := newDiaries(t, v)
	v.start()
	t.Cleanup(v.stop)
	v.holdTalks(d)

	booking := []deathPoint{
		{name: "before it is looked whether they are free", method: "REPORT", n: 1},
		{name: "before the first calendar has it", method: http.MethodPut, n: 1},
		{name: "after the first calendar has it", method: http.MethodPut, n: 1, after: true},
		{name: "before the second calendar has it", method: http.MethodPut, n: 2},
		{name: "after both calendars have it", method: http.MethodPut, n: 2, after: true},
	}
	meetings := make([]string, len(booking))
	for i, point := range booking {
		meetings[i] = v.offered(i)
		if point.method == http.MethodPut {
			point.about = meetings[i]
		}
		d.arm(point)
		v.pick(i)
		d.died(point)
	}
	v.until("select count(*) from meetings where state = 'booked'", len(booking))
	d.agree()
	cancelling := []deathPoint{
		{name: "before it is taken out", method: http.MethodDelete, n: 1, about: meetings[0]},
		{name: "after it was taken out", method: http.MethodDelete, n: 1, about: meetings[1], after: true},
	}
	for i, point := range cancelling {
		d.arm(point)
		v.withdraw(i)
		d.died(point)
	}
	v.until("select count(*) from meetings where state = 'cancelled'", len(cancelling))
	d.agree()
}

// deathPoint is a moment to be killed at: before or after the n-th request of a method, about one meeting or any, is taken by the
// calendar server.
type deathPoint struct {
	name   string
	method string
	n      int
	after  bool
	about  string // a meeting's id, which is in the paths of its events; "": any request
}

// diaries are the calendars of two interviewers on Radicale, behind a proxy at which processes die.
type diaries struct {
	t      *testing.T
	victim *victim
	server string // Radicale itself
	proxy  string
	mu     sync.Mutex
	point  *deathPoint
	seen   int
	dead   chan struct{}
}

func newDiaries(t *testing.T, v *victim) *diaries {
	t.Helper()
	d := &diaries{t: t, victim: v, dead: make(chan struct{}, 1)}
	d.server = calendartest.Radicale(t, "ada:hush-hush", "bo:hush-hush")
	to, err := url.Parse(d.server)
	if err != nil {
		t.Fatal(err)
	}
	forward := httputil.NewSingleHostReverseProxy(to)
	forward.ErrorLog = log.New(io.Discard, "", 0) // requests of the dead are cut off
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.kill(r, false)
		seen := httptest.NewRecorder()
		forward.ServeHTTP(seen, r)
		d.kill(r, true)
		maps.Copy(w.Header(), seen.Header())
		w.WriteHeader(seen.Code)
		_, _ = w.Write(seen.Body.Bytes())
	}))
	t.Cleanup(proxy.Close)
	d.proxy = proxy.URL
	for _, name := range []string{"ada", "bo"} {
		d.ask("MKCALENDAR", name, "/"+name+"/work/", "")
	}
	return d
}

// arm has the victim killed at a point.
func (d *diaries) arm(p deathPoint) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.point, d.seen = &p, 0
}

// kill kills the victim when its moment has come. A request that it was waiting for goes on without it, as on a network.
func (d *diaries) kill(r *http.Request, after bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.point == nil || r.Method != d.point.method || !strings.Contains(r.URL.Path, d.point.about) {
		return
	}
	if !after {
		d.seen++
	}
	if d.seen < d.point.n || after != d.point.after {
		return
	}
	d.point = nil
	d.victim.kill()
	d.dead <- struct{}{}
}

// died waits until the victim was killed, and starts it again.
func (d *diaries) died(p deathPoint) {
	d.t.Helper()
	select {
	case <-d.dead:
		d.victim.start()
	case <-time.After(2 * time.Minute):
		d.t.Fatalf("nobody was killed %s", p.name)
	}
}

// ask asks Radicale itself, as any calendar program does.
func (d *diaries) ask(method, name, path, body string) string {
	d.t.Helper()
	req, err := http.NewRequestWithContext(d.t.Context(), method, d.server+path, strings.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	req.SetBasicAuth(name, "hush-hush")
	req.Header.Set("Depth", "1")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		d.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode >= 400 {
		d.t.Fatalf("%s %s: %d %s, %v", method, path, res.StatusCode, text, err)
	}
	return string(text)
}

// has returns when the events of a calendar begin, by the meetings that they are of.
func (d *diaries) has(name string) map[string]string {
	d.t.Helper()
	found := d.ask("REPORT", name, "/"+name+"/work/", `<c:calendar-query xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"><d:prop><c:calendar-data/></d:prop>`+
		`<c:filter><c:comp-filter name="VCALENDAR"><c:comp-filter name="VEVENT"/></c:comp-filter></c:filter></c:calendar-query>`)
	events := map[string]string{}
	begins := regexp.MustCompile(`DTSTART[^:]*:(\S+)`)
	for _, part := range strings.Split(found, "BEGIN:VEVENT")[1:] {
		uid := regexp.MustCompile(`UID:([a-z0-9_]+)@`).FindStringSubmatch(part)
		start := begins.FindStringSubmatch(part)
		if uid == nil || start == nil {
			d.t.Fatalf("an event without a UID of ours: %s", part)
		}
		if events[uid[1]] != "" {
			d.t.Errorf("%s is there twice", uid[1])
		}
		events[uid[1]] = start[1]
	}
	return events
}

// agree waits until both calendars have the meetings that are booked, at their times, and no other.
func (d *diaries) agree() {
	d.t.Helper()
	deadline := time.Now().Add(4 * time.Minute) // an event that was deleted is deleted again, when nobody can be writing it any more
	for {
		behind := d.victim.number("select count(*) from meeting_seats where written is distinct from wanted")
		want := d.victim.booked()
		ada, bo := d.has("ada"), d.has("bo")
		if behind == 0 && fmt.Sprint(ada) == fmt.Sprint(want) && fmt.Sprint(bo) == fmt.Sprint(want) {
			return
		}
		if time.Now().After(deadline) {
			d.t.Fatalf("booked are %v; ada has %v, bo has %v; %d seats are behind", want, ada, bo, behind)
		}
		time.Sleep(300 * time.Millisecond)
	}
}

// holdTalks publishes an interview with two interviewers, and enrolls candidates.
func (v *victim) holdTalks(d *diaries) {
	v.t.Helper()
	v.publishText(`
workspace: kill
calendar: {days: mon-sun, hours: "00:00-24:00", zone: UTC}
from: {email: "Kill <kill@north.example>", address: "1 Way, Leeds"}
---
interview: talks
purpose: transactional
enroll: {on: application.submitted}
rounds:
  - id: talk
    duration: 30m
    interviewers: {all: [leads, recruiters]}
    offer: {slots: 8, notice: 1h, within: 3d}
invite: {email: pick}
---
message: pick
channel: email
subject: "Pick a time"
body: "[Choose]({{ links.schedule }})."
`)
	for name, group := range map[string]string{"ada": "leads", "bo": "recruiters"} {
		v.interviewer(d, name, group)
	}
}

func (v *victim) publishText(definitions string) {
	v.t.Helper()
	if _, err := v.client().ApplyDefinitions(v.t.Context(), []api.DefinitionFile{{Path: "test.yaml", Text: definitions}}); err != nil {
		v.t.Fatal(err)
	}
}

// interviewer adds an interviewer with a calendar.
func (v *victim) interviewer(d *diaries, name, group string) {
	v.t.Helper()
	who, err := json.Marshal(map[string]any{
		"email": name + "@north.example", "name": name, "zone": "UTC", "hours": "mon-sun 00:00-24:00", "groups": []string{group},
	})
	if err != nil {
		v.t.Fatal(err)
	}
	if _, err := v.client().UpsertInterviewers(v.t.Context(), []json.RawMessage{who}, false); err != nil {
		v.t.Fatal(err)
	}
	link := api.CalendarInput{Kind: crm.CalendarCalDAV, Address: d.proxy + "/" + name + "/work/", Account: name, Secret: "hush-hush"}
	if _, err := v.client().PutCalendar(v.t.Context(), name+"@north.example", link); err != nil {
		v.t.Fatal(err)
	}
}

// offered enrolls the i-th candidate, and waits until they are offered times.
func (v *victim) offered(i int) (meeting string) {
	v.t.Helper()
	person := fmt.Sprintf("external_id,first_name,email\nK-%d,Ada,k%d@example.com\n", i, i)
	if _, err := v.client().ImportCandidates(v.t.Context(), strings.NewReader(person), client.ImportOptions{}); err != nil {
		v.t.Fatal(err)
	}
	v.send(map[string]any{
		"specversion": "1.0", "id": fmt.Sprint("apply-", i), "source": "ats", "subject": fmt.Sprint("K-", i), "type": "application.submitted",
		"data": map[string]any{"application": fmt.Sprint("A-", i), "role": "Nurse"},
	})
	v.until("select count(*) from meetings where state = 'offered'", 1)
	return v.text("select id from meetings where state = 'offered'")
}

// schedule finds the i-th candidate's page in the mail that they got, which names no host that is reachable from here.
func (v *victim) schedule(i int) string {
	v.t.Helper()
	link := regexp.MustCompile(`/i/[A-Za-z0-9._~-]+`)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(200 * time.Millisecond) {
		mails := v.get(fmt.Sprintf("http://127.0.0.1:%d/sandbox/messages?to=k%d@example.com", v.ports[1], i))
		if found := link.FindString(mails); found != "" {
			return fmt.Sprintf("http://127.0.0.1:%d%s", v.ports[0], found)
		}
		if time.Now().After(deadline) {
			v.t.Fatalf("no mail with the page's address: %s", mails)
		}
	}
}

// pick picks the i-th time on the page, so that no two candidates want the same. The process may die while it answers.
func (v *victim) pick(i int) {
	v.t.Helper()
	page := v.schedule(i)
	times := regexp.MustCompile(`name="start"[^>]*value="([^"]+)"|value="([^"]+)"[^>]*name="start"`).FindAllStringSubmatch(v.get(page), -1)
	if len(times) <= i {
		v.t.Fatalf("%d times are offered", len(times))
	}
	start := times[i][1] + times[i][2]
	req, err := http.NewRequestWithContext(v.t.Context(), http.MethodPost, page, strings.NewReader(url.Values{"do": {"pick"}, "start": {start}}.Encode()))
	if err != nil {
		v.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		v.t.Logf("no answer: %v", err)
		return
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusSeeOther {
		v.t.Fatalf("picking %s: %d", start, res.StatusCode)
	}
}

// withdraw has the i-th candidate withdraw their application.
func (v *victim) withdraw(i int) {
	v.t.Helper()
	v.send(map[string]any{
		"specversion": "1.0", "id": fmt.Sprint("withdraw-", i), "source": "ats", "subject": fmt.Sprint("K-", i), "type": "application.withdrawn",
		"data": map[string]any{"application": fmt.Sprint("A-", i)},
	})
}

// send sends one event.
func (v *victim) send(event map[string]any) {
	v.t.Helper()
	line, err := json.Marshal(event)
	if err != nil {
		v.t.Fatal(err)
	}
	if _, err := v.client().SendEvents(v.t.Context(), bytes.NewReader(line), client.SendOptions{}); err != nil {
		v.t.Fatal(err)
	}
}

func (v *victim) get(address string) string {
	v.t.Helper()
	req, err := http.NewRequestWithContext(v.t.Context(), http.MethodGet, address, http.NoBody)
	if err != nil {
		v.t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		v.t.Fatalf("GET %s: %d %v", address, res.StatusCode, err)
	}
	return string(text)
}

// booked returns when the meetings that are booked begin, as calendars write it.
func (v *victim) booked() map[string]string {
	v.t.Helper()
	all := map[string]string{}
	for row := range strings.FieldsSeq(v.text("select coalesce(string_agg(id || '=' || to_char(starts_at at time zone 'UTC', 'YYYYMMDD\"T\"HH24MISS\"Z\"'), ' '), '') from meetings where state = 'booked'")) {
		id, start, _ := strings.Cut(row, "=")
		all[id] = start
	}
	return all
}
