package caldav_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rapport-crm/rapport/activities/calendar"
	"github.com/rapport-crm/rapport/activities/calendar/calendartest"
	"github.com/rapport-crm/rapport/crm"
)

// What every calendar must do, with Radicale behind a gate.
func TestCalendar(t *testing.T) {
	t.Parallel()
	server := start(t)
	var number atomic.Int64
	calendartest.Run(t, func(t *testing.T) calendartest.Rig {
		t.Helper()
		to, err := url.Parse(server.url)
		if err != nil {
			t.Fatal(err)
		}
		r := &rig{t: t, server: server, path: server.collection(t, fmt.Sprintf("rig-%d", number.Add(1)))}
		r.Gate = &calendartest.Gate{
			Next:    httputil.NewSingleHostReverseProxy(to),
			IsRead:  func(req *http.Request) bool { return req.Method == "PROPFIND" || req.Method == "REPORT" },
			Failure: func(w http.ResponseWriter, status int, _ string) { w.WriteHeader(status) },
		}
		web := httptest.NewServer(r.Gate)
		t.Cleanup(web.Close)
		r.calendar = open(t, client(), web.URL+r.path)
		return r
	})
}

// rig is one of Radicale's calendars, for calendartest.Rig.
type rig struct {
	*calendartest.Gate
	t        *testing.T
	server   *radicale
	path     string
	calendar calendar.Calendar
}

func (r *rig) Calendar() calendar.Calendar { return r.calendar }

func (r *rig) Add(e calendartest.Entry) {
	start, day := calendartest.Clock(e.From)
	end, _ := calendartest.Clock(e.To)
	form, kind := "20060102T150405", ";TZID=Europe/Berlin:"
	if day {
		form, kind = "20060102", ";VALUE=DATE:"
	}
	head := "BEGIN:VEVENT\nUID:" + e.UID + "\nDTSTAMP:20261001T000000Z\n"
	lines := []string{head + "DTSTART" + kind + start.Format(form), "DTEND" + kind + end.Format(form)}
	for word, is := range map[string]bool{"TRANSP:TRANSPARENT": e.Free, "STATUS:TENTATIVE": e.Tentative, "STATUS:CANCELLED": e.Cancelled} {
		if is {
			lines = append(lines, word)
		}
	}
	if e.Invited {
		status := strings.ToUpper(string(e.Answer))
		lines = append(lines, "ORGANIZER:mailto:bo@example.com", "ATTENDEE;PARTSTAT="+status+":mailto:"+calendartest.Owner)
	}
	if e.Weekly > 0 {
		lines = append(lines, fmt.Sprintf("RRULE:FREQ=WEEKLY;COUNT=%d", e.Weekly))
	}
	for _, day := range e.Without {
		at, _ := calendartest.Clock(day + start.Format(" 15:04"))
		lines = append(lines, "EXDATE"+kind+at.Format(form))
	}
	lines = append(lines, "END:VEVENT")
	for _, i := range e.Instances() {
		if e.Moved != "" && i.Start.Format("2006-01-02") == e.Moved {
			at, _ := calendartest.Clock(e.Moved + start.Format(" 15:04"))
			lines = append(lines, head+"RECURRENCE-ID"+kind+at.Format(form), "DTSTART"+kind+i.Start.Format(form), "DTEND"+kind+i.End.Format(form), "END:VEVENT")
		}
	}
	r.server.put(r.t, r.path+e.UID+".ics", calendartest.Wrap(strings.Join(lines, "\n")))
}

// each does something to every object with this UID: its address and its text.
func (r *rig) each(uid string, do func(path, text string)) {
	req, err := http.NewRequestWithContext(r.t.Context(), "PROPFIND", r.server.url+r.path, http.NoBody)
	if err != nil {
		r.t.Fatal(err)
	}
	req.SetBasicAuth("ada", "hush-hush")
	req.Header.Set("Depth", "1")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	list, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusMultiStatus {
		r.t.Fatalf("propfind: %d, %v", resp.StatusCode, err)
	}
	for _, match := range regexp.MustCompile(`<href>([^<]+\.ics)</href>`).FindAllStringSubmatch(string(list), -1) {
		status, text := r.server.do(r.t, http.MethodGet, match[1], "")
		text = strings.NewReplacer("\r\n ", "", "\r\n\t", "").Replace(text)
		if status == http.StatusOK && strings.Contains(text, "\nUID:"+uid+"\r\n") {
			do(match[1], text)
		}
	}
}

func (r *rig) edit(uid, pattern, with string) {
	r.each(uid, func(path, text string) {
		begin := strings.Index(text, "BEGIN:VEVENT")
		r.server.put(r.t, path, text[:begin]+regexp.MustCompile(pattern).ReplaceAllString(text[begin:], with))
	})
}

func (r *rig) Move(uid string, to crm.Span) {
	r.edit(uid, `\nDTSTART[^\r]*`, "\nDTSTART:"+to.Start.UTC().Format("20060102T150405Z"))
	r.edit(uid, `\nDTEND[^\r]*`, "\nDTEND:"+to.End.UTC().Format("20060102T150405Z"))
}

func (r *rig) Remove(uid string) {
	r.each(uid, func(path, _ string) { r.server.do(r.t, http.MethodDelete, path, "") })
}

func (r *rig) Answer(uid string, a calendar.Answer) bool {
	r.edit(uid, `(\nATTENDEE[^\r]*)PARTSTAT=[A-Z-]+([^\r]*ada@)`, "${1}PARTSTAT="+strings.ToUpper(string(a))+"${2}")
	return true
}

func (r *rig) Count(uid string) (n int) {
	r.each(uid, func(string, string) { n++ })
	return n
}
