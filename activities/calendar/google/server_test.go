package google_test

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/activities/calendar"
	"github.com/rapport-crm/rapport/activities/calendar/calendartest"
	"github.com/rapport-crm/rapport/activities/calendar/google"
	"github.com/rapport-crm/rapport/activities/calendar/oauth"
	"github.com/rapport-crm/rapport/crm"
)

// server keeps one calendar as Google does, and checks what it checks.
type server struct {
	*calendartest.Gate
	id       string // of the calendar
	role     string // of the account in it
	calendar *google.Calendar

	mu     sync.Mutex
	items  []*item
	etags  int
	asked  []url.Values // of lists
	frozen bool         // changes to events of others are forbidden
}

// item is an event resource with what can be set of it, and what the server adds.
type item struct {
	resource

	ID               string `json:"id"`
	Etag             string `json:"etag"`
	ICalUID          string `json:"iCalUID"`
	RecurringEventID string `json:"recurringEventId,omitempty"`
	Organizer        person `json:"organizer"`
	deleted          bool
}

// resource is what a request may hold (Events, Resource representations), as far as Rapport may ever send it.
type resource struct {
	Sequence           *int           `json:"sequence,omitempty"`
	Status             *string        `json:"status,omitempty"`
	Transparency       *string        `json:"transparency,omitempty"`
	Start              *when          `json:"start,omitempty"`
	End                *when          `json:"end,omitempty"`
	Summary            *string        `json:"summary,omitempty"`
	Description        *string        `json:"description,omitempty"`
	Location           *string        `json:"location,omitempty"`
	Source             map[string]any `json:"source,omitempty"`
	Attendees          []person       `json:"attendees,omitempty"`
	ExtendedProperties *extended      `json:"extendedProperties,omitempty"`
}

type extended struct {
	Private map[string]string `json:"private,omitempty"`
	Shared  map[string]string `json:"shared,omitempty"`
}

type when struct {
	Date     string `json:"date,omitempty"`
	DateTime string `json:"dateTime,omitempty"`
	TimeZone string `json:"timeZone,omitempty"`
}

type person struct {
	Email          string `json:"email,omitempty"`
	DisplayName    string `json:"displayName,omitempty"`
	Self           bool   `json:"self,omitempty"`
	Optional       bool   `json:"optional,omitempty"`
	ResponseStatus string `json:"responseStatus,omitempty"`
}

// newServer starts it; access tokens are good for so many requests.
func newServer(t *testing.T, uses int, id ...string) (*server, *calendartest.Issuer) {
	t.Helper()
	issuer := calendartest.NewIssuer(t, uses)
	s := &server{role: "owner", id: strings.Join(append(id, "primary")[:1], "")}
	mux := http.NewServeMux()
	const events = "/calendar/v3/calendars/{calendar}/events"
	mux.HandleFunc("GET "+events, s.locked(s.list))
	mux.HandleFunc("POST "+events+"/import", s.locked(s.imported))
	mux.HandleFunc("PATCH "+events+"/{event}", s.locked(s.patch))
	mux.HandleFunc("DELETE "+events+"/{event}", s.locked(s.remove))
	mux.HandleFunc("POST /calendar/v3/freeBusy", s.locked(s.freeBusy))
	s.Gate = &calendartest.Gate{
		Next: mux, Issuer: issuer, Failure: failed,
		IsRead: func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/freeBusy") },
	}
	web := httptest.NewServer(s.Gate)
	t.Cleanup(web.Close)
	source := issuer.App(oauth.Google("", "", "")).Source(issuer.Connected(), keep)
	s.calendar = google.New(google.Config{Calendar: s.id, Owner: calendartest.Owner, Tokens: source, API: web.URL + "/calendar/v3"})
	return s, issuer
}

// failed answers as "Handle API errors" documents it.
func failed(w http.ResponseWriter, status int, reason string) {
	if reason == "" {
		reason = map[int]string{401: "authError", 429: "rateLimitExceeded", 500: "backendError"}[status]
	}
	send(w, status, map[string]any{"error": map[string]any{
		"code": status, "message": "Secret: ada@example.com", "errors": []map[string]string{{"domain": "calendar", "reason": reason, "message": "Secret"}},
	}})
}

func (s *server) locked(handle http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if id := r.PathValue("calendar"); id != "" && id != s.id {
			failed(w, http.StatusNotFound, "notFound")
			return
		}
		handle(w, r)
	}
}

func send(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) //nolint:errchkjson // what was JSON before
}

// only tells whether no other parameters are there.
func only(query url.Values, names ...string) bool {
	for name, values := range query {
		if !slices.Contains(names, name) || len(values) != 1 {
			return false
		}
	}
	return true
}

// read reads the body, and answers itself if it is not as it has to be.
func read(w http.ResponseWriter, r *http.Request, into any) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	if err != nil || kind != "application/json" || decoder.Decode(into) != nil {
		failed(w, http.StatusBadRequest, "parseError")
		return false
	}
	return true
}

const pageSize = 7

func (s *server) list(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	s.asked = append(s.asked, query)
	if s.role == "" {
		failed(w, http.StatusForbidden, "forbidden")
		return
	}
	if s.role == "unscoped" {
		failed(w, http.StatusForbidden, "insufficientPermissions")
		return
	}
	if !only(query, "singleEvents", "timeMin", "timeMax", "maxResults", "maxAttendees", "fields", "pageToken", "iCalUID", "showDeleted") {
		failed(w, http.StatusBadRequest, "invalidParameter")
		return
	}
	low, high, ok := window(query.Get("timeMin"), query.Get("timeMax"))
	if !ok {
		failed(w, http.StatusBadRequest, "timeRangeEmpty")
		return
	}
	var found []item
	for _, i := range s.items {
		uid := query.Get("iCalUID")
		gone := i.deleted && query.Get("showDeleted") != "true"
		if uid != "" && i.ICalUID != uid || gone || !high.IsZero() && !i.overlaps(low, high) {
			continue
		}
		found = append(found, s.shown(i, query.Get("maxAttendees") == "1"))
	}
	from, _ := strconv.Atoi(query.Get("pageToken"))
	page := map[string]any{"kind": "calendar#events", "timeZone": "Europe/Berlin", "accessRole": s.role}
	if from+pageSize < len(found) {
		page["nextPageToken"] = strconv.Itoa(from + pageSize)
		found = found[:from+pageSize]
	}
	page["items"] = found[from:]
	left, ok := masked(page, query.Get("fields"))
	if !ok {
		failed(w, http.StatusBadRequest, "invalidParameter")
		return
	}
	send(w, http.StatusOK, left)
}

// window reads two RFC 3339 times with an offset, or none.
func window(from, to string) (low, high time.Time, ok bool) {
	if from == "" && to == "" {
		return low, high, true
	}
	low, err1 := time.Parse(time.RFC3339, from)
	high, err2 := time.Parse(time.RFC3339, to)
	return low, high, err1 == nil && err2 == nil && low.Before(high)
}

func (s *server) shown(i *item, selfOnly bool) item {
	shown := *i
	if i.deleted { // not more than this is promised
		status := "cancelled"
		return item{ID: i.ID, Etag: i.Etag, ICalUID: i.ICalUID, resource: resource{Status: &status, Sequence: i.Sequence}}
	}
	if selfOnly && len(i.Attendees) > 1 {
		shown.Attendees = slices.DeleteFunc(slices.Clone(i.Attendees), func(p person) bool { return !p.Self })
	}
	return shown
}

func (i *item) overlaps(low, high time.Time) bool {
	start, _ := i.Start.time()
	end, _ := i.End.time()
	return start.Before(high) && end.After(low)
}

func (w *when) time() (time.Time, bool) {
	if w == nil {
		return time.Time{}, false
	}
	if w.Date != "" {
		t, err := time.ParseInLocation(time.DateOnly, w.Date, calendartest.Berlin())
		return t, err == nil && w.DateTime == ""
	}
	if _, err := time.LoadLocation(w.TimeZone); err != nil {
		return time.Time{}, false
	}
	t, err := time.Parse(time.RFC3339, w.DateTime)
	return t, err == nil
}

func (s *server) imported(w http.ResponseWriter, r *http.Request) {
	var body struct {
		resource

		ICalUID string `json:"iCalUID"`
	}
	if !s.writable(w) || !read(w, r, &body) {
		return
	}
	if len(r.URL.Query()) > 0 || body.ICalUID == "" || !body.valid() {
		failed(w, http.StatusBadRequest, "invalid")
		return
	}
	for _, i := range s.items {
		if i.ICalUID == body.ICalUID { // deleted ones too
			failed(w, http.StatusConflict, "duplicate")
			return
		}
	}
	i := &item{resource: body.resource, ICalUID: body.ICalUID, ID: fmt.Sprintf("event%d", len(s.items)), Organizer: person{Email: calendartest.Owner, Self: true}}
	s.add(i)
	send(w, http.StatusOK, i)
}

// add also knows the owner among those invited.
func (s *server) add(i *item) {
	s.etags++
	i.Etag = fmt.Sprintf("%q", strconv.Itoa(s.etags))
	for a := range i.Attendees {
		i.Attendees[a].Self = i.Attendees[a].Email == calendartest.Owner
	}
	if !slices.Contains(s.items, i) {
		s.items = append(s.items, i)
	}
}

func (r *resource) valid() bool {
	start, ok1 := r.Start.time()
	end, ok2 := r.End.time()
	if !ok1 || !ok2 || !start.Before(end) {
		return false
	}
	if r.Source != nil {
		if u, err := url.Parse(fmt.Sprint(r.Source["url"])); err != nil || u.Scheme != "https" && u.Scheme != "http" {
			return false
		}
	}
	for _, p := range r.Attendees {
		if p.Self || !strings.Contains(p.Email, "@") || !slices.Contains([]string{"needsAction", "accepted", "declined", "tentative"}, p.ResponseStatus) {
			return false
		}
	}
	return (r.Status == nil || slices.Contains([]string{"confirmed", "tentative", "cancelled"}, *r.Status)) &&
		(r.Transparency == nil || *r.Transparency == "opaque" || *r.Transparency == "transparent")
}

func (s *server) writable(w http.ResponseWriter) bool {
	if s.role != "owner" && s.role != "writer" {
		failed(w, http.StatusForbidden, "forbidden")
		return false
	}
	return true
}

func (s *server) find(id string) *item {
	for _, i := range s.items {
		if i.ID == id {
			return i
		}
	}
	return nil
}

func (s *server) patch(w http.ResponseWriter, r *http.Request) {
	var body resource
	i := s.find(r.PathValue("event"))
	switch {
	case !s.writable(w):
	case i == nil:
		failed(w, http.StatusNotFound, "notFound")
	case r.URL.RawQuery != "sendUpdates=none", r.Header.Get("If-Match") == "":
		failed(w, http.StatusBadRequest, "invalidParameter")
	case r.Header.Get("If-Match") != i.Etag:
		failed(w, http.StatusPreconditionFailed, "conditionNotMet")
	case s.frozen && !i.Organizer.Self:
		failed(w, http.StatusForbidden, "forbiddenForNonOrganizer")
	case !read(w, r, &body):
	case !body.valid(), body.Sequence != nil && *body.Sequence < *i.Sequence:
		failed(w, http.StatusBadRequest, "invalid")
	default:
		if body.Attendees == nil {
			body.Attendees = i.Attendees
		}
		i.resource, i.deleted = body, false
		s.add(i)
		send(w, http.StatusOK, i)
	}
}

func (s *server) remove(w http.ResponseWriter, r *http.Request) {
	i := s.find(r.PathValue("event"))
	switch {
	case !s.writable(w):
	case r.URL.RawQuery != "sendUpdates=none":
		failed(w, http.StatusBadRequest, "invalidParameter")
	case i == nil:
		failed(w, http.StatusNotFound, "notFound")
	case i.deleted:
		failed(w, http.StatusGone, "deleted")
	default:
		s.erase(i)
		w.WriteHeader(http.StatusNoContent)
	}
}

func (s *server) erase(i *item) {
	i.deleted = true
	*i.Sequence++
	s.etags++
	i.Etag = strconv.Itoa(s.etags)
}

func (s *server) freeBusy(w http.ResponseWriter, r *http.Request) {
	var body struct {
		TimeMin string              `json:"timeMin"`
		TimeMax string              `json:"timeMax"`
		Items   []map[string]string `json:"items"`
	}
	if !read(w, r, &body) {
		return
	}
	low, high, ok := window(body.TimeMin, body.TimeMax)
	if !ok || high.Sub(low) > 60*24*time.Hour || len(body.Items) != 1 {
		failed(w, http.StatusBadRequest, "timeRangeTooLong")
		return
	}
	id := body.Items[0]["id"]
	answer := map[string]any{}
	if id != s.id {
		answer["errors"] = []map[string]string{{"domain": "global", "reason": "notFound"}} // with a status of 200
	}
	busy := []map[string]string{}
	for _, i := range s.items {
		free := i.deleted || i.Transparency != nil && *i.Transparency == "transparent"
		if !free && i.overlaps(low, high) {
			start, _ := i.Start.time()
			end, _ := i.End.time()
			busy = append(busy, map[string]string{"start": maxTime(start, low), "end": minTime(end, high)})
		}
	}
	answer["busy"] = busy
	send(w, http.StatusOK, map[string]any{"kind": "calendar#freeBusy", "calendars": map[string]any{id: answer}})
}

func maxTime(a, b time.Time) string {
	if a.Before(b) {
		a = b
	}
	return a.UTC().Format(time.RFC3339)
}

func minTime(a, b time.Time) string {
	if a.After(b) {
		a = b
	}
	return a.UTC().Format(time.RFC3339)
}

// What others do, for calendartest.Rig.

func (s *server) Calendar() calendar.Calendar { return s.calendar }

func (s *server) Add(e calendartest.Entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for n, at := range e.Instances() {
		status, transparency, sequence := "confirmed", "opaque", 0
		if e.Tentative {
			status = "tentative"
		}
		if e.Free {
			transparency = "transparent"
		}
		i := &item{ID: fmt.Sprintf("%s_%d", e.UID, n), ICalUID: e.UID, deleted: e.Cancelled, resource: resource{
			Status: &status, Transparency: &transparency, Sequence: &sequence, Start: &when{}, End: &when{},
		}}
		if i.Start.DateTime, i.End.DateTime = at.Start.Format(time.RFC3339), at.End.Format(time.RFC3339); at.AllDay {
			i.Start, i.End = &when{Date: at.Start.Format(time.DateOnly)}, &when{Date: at.End.Format(time.DateOnly)}
		}
		if e.Weekly > 0 {
			i.RecurringEventID = e.UID
		}
		if e.Invited {
			answer := string(e.Answer)
			if answer == "" {
				answer = "needsAction"
			}
			i.Attendees = []person{{Email: "bo@example.com", ResponseStatus: "declined"}, {Email: calendartest.Owner, ResponseStatus: answer}}
		}
		s.add(i)
	}
}

func (s *server) each(uid string, do func(*item)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, i := range s.items {
		if i.ICalUID == uid && !i.deleted {
			do(i)
		}
	}
}

func (s *server) Move(uid string, to crm.Span) {
	s.each(uid, func(i *item) {
		i.Start, i.End = &when{DateTime: to.Start.Format(time.RFC3339)}, &when{DateTime: to.End.Format(time.RFC3339)}
		*i.Sequence += 3 // as Google counts
		s.add(i)
	})
}

func (s *server) Remove(uid string) { s.each(uid, s.erase) }

func (s *server) Answer(uid string, a calendar.Answer) bool {
	s.each(uid, func(i *item) {
		for p := range i.Attendees {
			if i.Attendees[p].Self {
				i.Attendees[p].ResponseStatus = string(a)
			}
		}
		s.add(i)
	})
	return true
}

func (s *server) Count(uid string) (n int) {
	s.each(uid, func(*item) { n++ })
	return n
}
