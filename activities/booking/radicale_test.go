package booking_test

import (
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/rapport-crm/rapport/activities/calendar/calendartest"
)

// stamp is how iCalendar writes moments.
const stamp = "20060102T150405Z"

// radicale is a running server with one account, ada, to whom all calendars of a test belong.
type radicale struct{ url string }

func radicaleServer(t *testing.T) *radicale {
	t.Helper()
	return &radicale{calendartest.Radicale(t, "ada:hush-hush")}
}

// must does a plain request, without the code under test.
func (r *radicale) must(t *testing.T, method, path, body string, status int) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, r.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("ada", "hush-hush")
	if method == "PROPFIND" {
		req.Header.Set("Depth", "1")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != status {
		t.Fatalf("%s %s: %d, %v: %s", method, path, resp.StatusCode, err, text)
	}
	return string(text)
}

// events are the beginnings of events in a calendar, by UID.
func (r *radicale) events(t *testing.T, path string) map[string]string {
	t.Helper()
	found := map[string]string{}
	list := r.must(t, "PROPFIND", path, "", http.StatusMultiStatus)
	for _, match := range regexp.MustCompile(`<href>([^<]+\.ics)</href>`).FindAllStringSubmatch(list, -1) {
		text := strings.NewReplacer("\r\n ", "").Replace(r.must(t, http.MethodGet, match[1], "", http.StatusOK))
		_, event, _ := strings.Cut(text, "BEGIN:VEVENT")
		uid := regexp.MustCompile(`\nUID:([^\r]+)`).FindStringSubmatch(event)
		at := regexp.MustCompile(`\nDTSTART([^:\r]*):([^\r]+)`).FindStringSubmatch(event)
		if uid == nil || at == nil {
			t.Fatalf("no event: %s", text)
		}
		found[uid[1]] = at[2]
		if strings.Contains(at[1], "Europe/London") { // in winter it is UTC
			found[uid[1]] += "Z"
		}
	}
	return found
}
