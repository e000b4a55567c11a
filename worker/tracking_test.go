package worker_test

import (
	"strings"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/worker"
)

const tracked = `
sequence: nurture
purpose: news
enroll: {on: application.rejected}
steps:
  - id: mail
    email: {subject: "News", body: "Read [this](https://trust.example/news), or call."}
  - id: text
    sms: {body: "Read https://trust.example/text. STOP to opt out"}
---
sequence: acknowledged
purpose: transactional
enroll: {on: application.rejected}
steps:
  - id: receipt
    email: {subject: "Receipt", body: "See [this](https://trust.example/receipt)."}
`

// Who tracks is said once; what is tracked, by the purpose.
func TestWhatIsTracked(t *testing.T) {
	t.Parallel()
	own := worker.Tracking{
		Link: func(id, url string) string {
			if path, ok := strings.CutPrefix(url, "https://trust.example/"); ok {
				return "http://localhost/c/" + id + "." + path
			}
			return url
		},
		Pixel: func(id string) string { return "http://localhost/o/" + id + ".gif" },
	}
	for name, c := range map[string]struct {
		tracking worker.Tracking
		track    string // of the workspace
		want     []string
	}{
		"own, if nothing is said":      {own, "", []string{"mail link", "mail pixel -", "text -", "receipt -"}},
		"own, everything":              {own, "track: {news: {opens: true, texts: true}, transactional: {clicks: true}}\n", []string{"mail link", "mail pixel own", "text link", "receipt link"}},
		"own, nothing":                 {own, "track: {news: {clicks: false}}\n", []string{"mail -", "mail pixel -", "text -", "receipt -"}},
		"provider, if nothing is said": {worker.Tracking{Provider: true}, "", []string{"mail provider", "mail pixel -", "text -", "receipt -"}},
		"provider, everything": {
			worker.Tracking{Provider: true},
			"track: {news: {opens: true, texts: true}, transactional: {clicks: true}}\n",
			[]string{"mail provider", "mail pixel provider", "text -", "receipt provider"},
		},
		"nobody": {worker.Tracking{}, "track: {news: {opens: true, texts: true}}\n", []string{"mail -", "mail pixel -", "text -", "receipt -"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, 500*time.Millisecond)
			r.tracking = c.tracking
			r.applyAll(strings.Replace(workspace, "purposes:", c.track+"purposes:", 1) + tracked)
			r.work()
			r.event(r.candidate("tracked"), "application.rejected")
			mails := r.sent(3)
			got := []string{
				"mail " + howTracked(mails["News"], "news"), "mail pixel " + howOpened(mails["News"]),
				"text " + howTracked(mails[""], "text"), "receipt " + howTracked(mails["Receipt"], "receipt"),
			}
			if strings.Join(got, ", ") != strings.Join(c.want, ", ") {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if text := mails["News"].Text; !strings.Contains(text, "https://trust.example/news") {
				t.Errorf("the text part is %q", text)
			}
			if unsubscribe := `<a href="http://localhost/u/` + mails["News"].MessageID + `"`; !strings.Contains(mails["News"].HTML, unsubscribe) {
				t.Errorf("the mail has no %s: %s", unsubscribe, mails["News"].HTML)
			}
		})
	}
}

func howTracked(out crm.Outgoing, path string) string {
	body := out.HTML
	if out.Channel == crm.SMS {
		body = out.Text
	}
	switch own := "http://localhost/c/" + out.MessageID + "." + path; {
	case strings.Contains(body, own) && !out.TrackClicks && !strings.Contains(body, "https://trust.example/"):
		return "link"
	case !strings.Contains(body, own) && strings.Contains(body, "https://trust.example/"+path):
		if out.TrackClicks {
			return "provider"
		}
		return "-"
	}
	return body
}

func howOpened(out crm.Outgoing) string {
	switch own := strings.Contains(out.HTML, `<img src="http://localhost/o/`+out.MessageID+`.gif"`); {
	case own && !out.TrackOpens:
		return "own"
	case own:
		return "twice"
	case out.TrackOpens:
		return "provider"
	}
	return "-"
}
