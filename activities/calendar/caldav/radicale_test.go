package caldav_test

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/activities/calendar"
	"github.com/rapport-crm/rapport/activities/calendar/caldav"
	"github.com/rapport-crm/rapport/activities/calendar/calendartest"
	"github.com/rapport-crm/rapport/activities/calendar/remote"
	"github.com/rapport-crm/rapport/crm"
)

// radicale is a running server with the account ada.
type radicale struct{ url string }

func ada() caldav.Account { return caldav.Account{User: "ada", Password: "hush-hush"} }

// start runs Radicale with two accounts.
func start(t *testing.T) *radicale {
	t.Helper()
	return &radicale{calendartest.Radicale(t, "ada:hush-hush", "bo:secret")}
}

// do does a plain request as ada, without the code under test.
func (r *radicale) do(t *testing.T, method, path, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, r.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("ada", "hush-hush")
	req.Header.Set("Content-Type", "text/calendar; charset=utf-8")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// collection makes a calendar and returns its path.
func (r *radicale) collection(t *testing.T, name string) string {
	t.Helper()
	path := "/ada/" + strings.NewReplacer("/", "-", " ", "-", ",", "").Replace(name) + "/"
	if status, text := r.do(t, "MKCALENDAR", path, ""); status != http.StatusCreated {
		t.Fatalf("make calendar: %d %s", status, text)
	}
	return path
}

func (r *radicale) put(t *testing.T, path, text string) {
	t.Helper()
	if status, answer := r.do(t, http.MethodPut, path, text); status/100 != 2 {
		t.Fatalf("put: %d %s", status, answer)
	}
}

// stored is how many events there are in a calendar, and their text.
func (r *radicale) stored(t *testing.T, path string) (int, string) {
	t.Helper()
	status, text := r.do(t, http.MethodGet, path, "")
	if status != http.StatusOK {
		t.Fatalf("get %s: %d", path, status)
	}
	return strings.Count(text, "BEGIN:VEVENT"), text
}

func client() *remote.Client {
	return remote.New(remote.Config{AllowPrivate: true, Timeout: 10 * time.Second})
}

func open(t *testing.T, client *remote.Client, address string) *caldav.Calendar {
	t.Helper()
	c, err := caldav.New(client, address, ada(), calendartest.Ada())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// liar stands in front of a server and does not always tell the truth.
type liar struct {
	*httptest.Server
	mu     sync.Mutex
	faults []fault
	asked  []string // methods
}

// fault is what happens to one request. It is passed on first if after says so.
type fault struct {
	method string
	after  bool
	status int // 0 hangs up
	header http.Header
	first  func() // before anything else
}

func (r *radicale) liar(t *testing.T, faults ...fault) *liar {
	t.Helper()
	to, err := url.Parse(r.url)
	if err != nil {
		t.Fatal(err)
	}
	l := &liar{faults: faults}
	proxy := httputil.NewSingleHostReverseProxy(to)
	l.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		f := l.next(req.Method)
		if f == nil {
			proxy.ServeHTTP(w, req)
			return
		}
		if f.first != nil {
			f.first()
		}
		if f.after {
			proxy.ServeHTTP(httptest.NewRecorder(), req)
		}
		maps.Copy(w.Header(), f.header)
		switch f.status {
		case 0:
			panic(http.ErrAbortHandler)
		case http.StatusContinue:
			proxy.ServeHTTP(w, req)
		default:
			w.WriteHeader(f.status)
		}
	}))
	t.Cleanup(l.Close)
	return l
}

// next takes the fault that is meant for a request, if there is one.
func (l *liar) next(method string) *fault {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked = append(l.asked, method)
	for i, f := range l.faults {
		if f.method == method {
			l.faults = append(l.faults[:i:i], l.faults[i+1:]...)
			return &f
		}
	}
	return nil
}

func (l *liar) count(method string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, m := range l.asked {
		if m == method {
			n++
		}
	}
	return n
}

func interview(uid string) calendar.Event {
	at := time.Date(2026, 11, 5, 9, 0, 0, 0, time.UTC)
	return calendar.Event{
		UID: uid, Sequence: 1, Span: crm.Span{Start: at, End: at.Add(time.Hour)}, Zone: "Europe/Berlin",
		Summary: "Interview: <system> & design", Description: "Two lines,\nof text; here", Location: "Room 1",
		Organizer: calendar.Person{Name: "Hiring", Email: "hiring@example.com"},
		Attendees: []calendar.Attendee{{Person: calendar.Person{Name: "Lovelace, Ada", Email: "ada@example.com"}}},
	}
}
