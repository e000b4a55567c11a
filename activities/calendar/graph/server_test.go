package graph_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/activities/calendar"
	"github.com/rapport-crm/rapport/activities/calendar/calendartest"
	"github.com/rapport-crm/rapport/activities/calendar/graph"
	"github.com/rapport-crm/rapport/activities/calendar/oauth"
	"github.com/rapport-crm/rapport/crm"
)

// server keeps one calendar as Graph does, and checks what it checks.
type server struct {
	*calendartest.Gate
	base     string
	denied   bool // reading and writing events
	calendar *graph.Calendar

	mu        sync.Mutex
	items     []*item
	changes   int
	lag       int // so many filters by extended property do not yet see what is new
	selected  []string
	scheduled []string
}

// item is an event. What a request may hold of it is in set.
type item struct {
	set         map[string]any
	id          string
	etag        string
	uid         string // iCalUId
	organizer   bool
	cancelled   bool
	response    string
	gone        bool
	transaction string
}

func newServer(t *testing.T, uses int, change ...func(*graph.Config)) *server {
	t.Helper()
	issuer := calendartest.NewIssuer(t, uses)
	s := &server{}
	mux := http.NewServeMux()
	for _, base := range []string{"/v1.0/me/calendar", "/v1.0/me/calendars/{calendar}"} {
		mux.HandleFunc("GET "+base+"/calendarView", s.locked(s.view))
		mux.HandleFunc("GET "+base+"/events", s.locked(s.list))
		mux.HandleFunc("POST "+base+"/events", s.locked(s.create))
		mux.HandleFunc("PATCH "+base+"/events/{event}", s.locked(s.patch))
		mux.HandleFunc("DELETE "+base+"/events/{event}", s.locked(s.remove))
	}
	mux.HandleFunc("POST /v1.0/me/calendar/getSchedule", s.schedule)
	s.Gate = &calendartest.Gate{
		Next: mux, Issuer: issuer, Failure: failed,
		IsRead: func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/getSchedule") },
	}
	web := httptest.NewServer(s.Gate)
	t.Cleanup(web.Close)
	s.base = web.URL
	source := issuer.App(oauth.Microsoft("", "", "", "")).Source(issuer.Connected(), func(context.Context, oauth.Token) error { return nil })
	config := graph.Config{Owner: calendartest.Owner, Zone: calendartest.Berlin(), Tokens: source, API: web.URL + "/v1.0"}
	for _, c := range change {
		c(&config)
	}
	s.calendar = graph.New(config)
	return s
}

// failed answers as "Microsoft Graph error responses and resource types" documents it.
func failed(w http.ResponseWriter, status int, code string) {
	if code == "" {
		code = map[int]string{401: "InvalidAuthenticationToken", 429: "TooManyRequests", 503: "serviceNotAvailable"}[status]
	}
	send(w, status, map[string]any{"error": map[string]any{
		"code": code, "message": "Secret: ada@example.com", "innerError": map[string]string{"request-id": "Secret", "date": "2026-11-02T00:00:00"},
	}})
}

func (s *server) locked(handle http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		prefer := r.Header.Get("Prefer")
		switch {
		case s.denied:
			failed(w, http.StatusForbidden, "ErrorAccessDenied")
		case r.PathValue("calendar") != "" && r.PathValue("calendar") != "AAMk/1=":
			failed(w, http.StatusNotFound, "ErrorItemNotFound")
		case r.Method != http.MethodDelete && !strings.Contains(prefer, `outlook.timezone="UTC"`):
			failed(w, http.StatusBadRequest, "notInUTC") // this server has no other
		default:
			handle(w, r)
		}
	}
}

func send(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json;odata.metadata=minimal")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) //nolint:errchkjson // what was JSON before
}

func only(query url.Values, names ...string) bool {
	for name, values := range query {
		if !slices.Contains(names, name) || len(values) != 1 {
			return false
		}
	}
	return true
}

const pageSize = 6

func (s *server) view(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	low, err1 := time.Parse(time.RFC3339, query.Get("startDateTime"))
	high, err2 := time.Parse(time.RFC3339, query.Get("endDateTime"))
	top, err3 := strconv.Atoi(query.Get("$top"))
	if err1 != nil || err2 != nil || err3 != nil || top < 1 || top > 1000 || !low.Before(high) ||
		!only(query, "startDateTime", "endDateTime", "$select", "$expand", "$top", "$skip") {
		failed(w, http.StatusBadRequest, "ErrorInvalidParameter")
		return
	}
	var found []*item
	for _, i := range s.items {
		start, _ := read(i.set["start"])
		end, _ := read(i.set["end"])
		if !i.gone && start.Before(high) && end.After(low) { // whole days as days in UTC
			found = append(found, i)
		}
	}
	s.page(w, r, found)
}

// page answers with a few, in the form that is asked for, and the address of more.
func (s *server) page(w http.ResponseWriter, r *http.Request, found []*item) {
	query := r.URL.Query()
	s.selected = append(s.selected, query.Get("$select"))
	skip, _ := strconv.Atoi(query.Get("$skip"))
	body := map[string]any{"@odata.context": s.base + "/v1.0/$metadata#events"}
	if skip+pageSize < len(found) {
		query.Set("$skip", strconv.Itoa(skip+pageSize))
		body["@odata.nextLink"] = s.base + r.URL.Path + "?" + query.Encode()
		found = found[:skip+pageSize]
	}
	value := []map[string]any{}
	for _, i := range found[skip:] {
		shown, ok := i.shown(query.Get("$select"), query.Get("$expand"))
		if !ok {
			failed(w, http.StatusBadRequest, "ErrorInvalidUrlQuery")
			return
		}
		value = append(value, shown)
	}
	body["value"] = value
	send(w, http.StatusOK, body)
}

const property = `String \{[0-9a-f-]{36}\} Name \w+`

func (i *item) all() map[string]any {
	all := maps.Clone(i.set)
	maps.Copy(all, map[string]any{
		"id": i.id, "iCalUId": i.uid, "isCancelled": i.cancelled, "responseStatus": map[string]string{"response": i.response},
		"organizer": map[string]any{"emailAddress": map[string]string{"name": "Ada", "address": calendartest.Owner}}, "attendees": []any{},
	})
	return all
}

func (i *item) shown(selected, expand string) (map[string]any, bool) {
	all := i.all()
	shown := map[string]any{"@odata.etag": i.etag, "id": i.id}
	for name := range strings.SplitSeq(selected, ",") {
		value, known := all[name]
		if !known || name == "singleValueExtendedProperties" {
			return nil, false
		}
		shown[name] = value
	}
	inside, ok := strings.CutPrefix(expand, "singleValueExtendedProperties($filter=")
	inside, closed := strings.CutSuffix(inside, ")")
	if !ok || !closed {
		return nil, false
	}
	var properties []any
	for clause := range strings.SplitSeq(inside, " or ") {
		match := regexp.MustCompile(`^id eq '(` + property + `)'$`).FindStringSubmatch(clause)
		if match == nil {
			return nil, false
		}
		if value, ok := i.property(match[1]); ok {
			properties = append(properties, map[string]string{"id": match[1], "value": value})
		}
	}
	if properties != nil {
		shown["singleValueExtendedProperties"] = properties
	}
	return shown, true
}

func (i *item) property(id string) (string, bool) {
	list, _ := i.set["singleValueExtendedProperties"].([]any)
	for _, p := range list {
		if p := p.(map[string]any); p["id"] == id {
			return p["value"].(string), true
		}
	}
	return "", false
}

func (s *server) list(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	const text = `'((?:[^']|'')*)'`
	mine := regexp.MustCompile(`^singleValueExtendedProperties/Any\(ep: ep/id eq '(` + property + `)' and ep/value eq ` + text + `\)$`).FindStringSubmatch(query.Get("$filter"))
	mailed := regexp.MustCompile(`^iCalUId eq ` + text + `$`).FindStringSubmatch(query.Get("$filter"))
	if !only(query, "$filter", "$select", "$expand", "$skip") || mine == nil && mailed == nil {
		failed(w, http.StatusBadRequest, "ErrorInvalidUrlQueryFilter")
		return
	}
	var found []*item
	for _, i := range s.items {
		var is bool
		if mine != nil {
			value, ok := i.property(mine[1])
			is = ok && strings.EqualFold(value, strings.ReplaceAll(mine[2], "''", "'")) && s.lag == 0
		} else {
			is = i.uid == strings.ReplaceAll(mailed[1], "''", "'")
		}
		if is && !i.gone {
			found = append(found, i)
		}
	}
	if mine != nil && s.lag > 0 {
		s.lag--
	}
	s.page(w, r, found)
}

// body reads what may be set of an event, and answers itself if it is not as it has to be.
func body(w http.ResponseWriter, r *http.Request) map[string]any {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	var set map[string]any
	if err != nil || kind != "application/json" || json.NewDecoder(r.Body).Decode(&set) != nil || r.URL.RawQuery != "" {
		failed(w, http.StatusBadRequest, "BadRequest")
		return nil
	}
	start, ok1 := read(set["start"])
	end, ok2 := read(set["end"])
	if !ok1 || !ok2 || !start.Before(end) || !known(set) {
		failed(w, http.StatusBadRequest, "ErrorInvalidRequest")
		return nil
	}
	return set
}

// known tells whether all of it may be set. Whoever is listed would be invited, so nobody may be.
func known(set map[string]any) bool {
	fields := []string{"transactionId", "subject", "body", "start", "end", "isAllDay", "location", "showAs", "singleValueExtendedProperties"}
	for name := range set {
		if !slices.Contains(fields, name) {
			return false
		}
	}
	text, _ := set["body"].(map[string]any)
	properties, _ := set["singleValueExtendedProperties"].([]any)
	for _, p := range properties {
		id, _ := p.(map[string]any)["id"].(string)
		if !regexp.MustCompile("^" + property + "$").MatchString(id) {
			return false
		}
	}
	return slices.Contains([]any{"text", "html"}, text["contentType"]) &&
		slices.Contains([]any{"free", "tentative", "busy", "oof", "workingElsewhere"}, set["showAs"])
}

// read reads a dateTimeTimeZone, which has no offset.
func read(value any) (time.Time, bool) {
	when, _ := value.(map[string]any)
	text, _ := when["dateTime"].(string)
	t, err := time.Parse("2006-01-02T15:04:05", text)
	return t, err == nil && when["timeZone"] == "UTC"
}

func moment(t time.Time) map[string]any {
	return map[string]any{"dateTime": t.UTC().Format("2006-01-02T15:04:05.0000000"), "timeZone": "UTC"}
}

func (s *server) create(w http.ResponseWriter, r *http.Request) {
	set := body(w, r)
	if set == nil {
		return
	}
	transaction, _ := set["transactionId"].(string)
	delete(set, "transactionId")
	for _, i := range s.items {
		if i.transaction != transaction || transaction == "" {
			continue
		}
		if i.gone || fmt.Sprint(i.set) != fmt.Sprint(set) {
			failed(w, http.StatusConflict, "ErrorDuplicateTransactionId")
			return
		}
		send(w, http.StatusCreated, i.all())
		return
	}
	i := &item{set: set, id: fmt.Sprintf("AAMk%d/+=", len(s.items)), uid: fmt.Sprintf("040000008200E%d", len(s.items)), organizer: true, response: "organizer", transaction: transaction}
	s.items = append(s.items, i)
	s.changed(i)
	send(w, http.StatusCreated, i.all())
}

func (s *server) changed(i *item) {
	s.changes++
	i.etag = fmt.Sprintf(`W/"%d=="`, s.changes)
}

func (s *server) find(w http.ResponseWriter, id string) *item {
	for _, i := range s.items {
		if i.id == id && !i.gone {
			return i
		}
	}
	failed(w, http.StatusNotFound, "ErrorItemNotFound")
	return nil
}

func (s *server) patch(w http.ResponseWriter, r *http.Request) {
	i := s.find(w, r.PathValue("event"))
	if i == nil {
		return
	}
	if match := r.Header.Get("If-Match"); match != i.etag {
		failed(w, http.StatusPreconditionFailed, "ErrorIrresolvableConflict")
		return
	}
	set := body(w, r)
	if set == nil {
		return
	}
	if _, ok := set["transactionId"]; ok {
		failed(w, http.StatusBadRequest, "ErrorPropertyUpdate")
		return
	}
	maps.Copy(i.set, set)
	s.changed(i)
	send(w, http.StatusOK, i.all())
}

func (s *server) remove(w http.ResponseWriter, r *http.Request) {
	if i := s.find(w, r.PathValue("event")); i != nil {
		i.gone = true
		w.WriteHeader(http.StatusNoContent)
	}
}

func (s *server) schedule(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ask struct {
		Schedules []string       `json:"schedules"`
		StartTime map[string]any `json:"startTime"`
		EndTime   map[string]any `json:"endTime"`
	}
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	if decoder.Decode(&ask) != nil || len(ask.Schedules) != 1 || ask.Schedules[0] != calendartest.Owner {
		failed(w, http.StatusBadRequest, "ErrorInvalidRequest")
		return
	}
	low, ok1 := read(ask.StartTime)
	high, ok2 := read(ask.EndTime)
	if !ok1 || !ok2 || high.Sub(low) > 62*24*time.Hour {
		failed(w, http.StatusBadRequest, "ErrorTimeIntervalTooBig")
		return
	}
	items := []any{}
	for _, i := range s.items {
		start, _ := read(i.set["start"])
		end, _ := read(i.set["end"])
		if !i.gone && start.Before(high) && end.After(low) {
			items = append(items, map[string]any{"status": i.set["showAs"], "start": i.set["start"], "end": i.set["end"]})
		}
	}
	s.scheduled = append(s.scheduled, ask.Schedules...)
	send(w, http.StatusOK, map[string]any{"value": []any{map[string]any{"scheduleId": ask.Schedules[0], "availabilityView": "0", "scheduleItems": items}}})
}

// What others do, for calendartest.Rig.

func (s *server) Calendar() calendar.Calendar { return s.calendar }

func (s *server) Add(e calendartest.Entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for n, at := range e.Instances() {
		show, answer := "busy", "organizer"
		if e.Tentative {
			show = "tentative"
		}
		if e.Free {
			show = "free"
		}
		if e.Invited {
			answer = map[calendar.Answer]string{
				calendar.None: "notResponded", calendar.Accepted: "accepted", calendar.Declined: "declined", calendar.Tentative: "tentativelyAccepted",
			}[e.Answer]
		}
		start, end := moment(at.Start), moment(at.End)
		if at.AllDay { // midnights, whatever the zone
			start["dateTime"], end["dateTime"] = at.Start.Format(time.DateOnly)+"T00:00:00.0000000", at.End.Format(time.DateOnly)+"T00:00:00.0000000"
		}
		i := &item{id: fmt.Sprintf("AAMk%s_%d", e.UID, n), uid: e.UID, cancelled: e.Cancelled, response: answer, organizer: !e.Invited, set: map[string]any{
			"subject": "Secret", "body": map[string]any{"contentType": "text", "content": ""}, "start": start, "end": end,
			"isAllDay": at.AllDay, "showAs": show, "location": map[string]any{"displayName": ""},
		}}
		s.items = append(s.items, i)
		s.changed(i)
	}
}

// each finds what Rapport put under a UID.
func (s *server) each(uid string, do func(*item)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, i := range s.items {
		list, _ := i.set["singleValueExtendedProperties"].([]any)
		for _, p := range list {
			if p.(map[string]any)["value"] == uid && !i.gone {
				do(i)
			}
		}
	}
}

func (s *server) Move(uid string, to crm.Span) {
	s.each(uid, func(i *item) {
		i.set["start"], i.set["end"] = moment(to.Start), moment(to.End)
		s.changed(i)
	})
}

func (s *server) Remove(uid string) { s.each(uid, func(i *item) { i.gone = true }) }

func (s *server) Answer(string, calendar.Answer) bool { return false }

func (s *server) Count(uid string) (n int) {
	s.each(uid, func(*item) { n++ })
	return n
}
