package crm_test

import (
	"testing"
	"time"

	"github.com/rapport-crm/rapport/crm"
)

const (
	phone   = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1"
	desktop = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"
)

func TestVisitsOfMachines(t *testing.T) {
	t.Parallel()
	arrived := time.Date(2026, 11, 6, 10, 0, 0, 0, time.UTC)
	after := arrived.Add
	click := func(agent string, d time.Duration) crm.Visit {
		return crm.Visit{URL: "https://a.example", Agent: agent, At: after(d)}
	}
	open := func(agent string, d time.Duration) crm.Visit { return crm.Visit{Agent: agent, At: after(d)} }
	other := func(d time.Duration) crm.Visit {
		return crm.Visit{URL: "https://b.example", Agent: desktop, At: after(d)}
	}
	again := func(d time.Duration) crm.Visit {
		return crm.Visit{URL: "https://a.example", Agent: desktop, At: after(d)}
	}
	for name, c := range map[string]struct {
		visit  crm.Visit
		others []crm.Visit
		want   bool
	}{
		"a click on a phone, a minute later":        {click(phone, time.Minute), nil, false},
		"a click on a computer, five seconds later": {click(desktop, 5*time.Second), nil, false},
		"a click as it arrives":                     {click(desktop, 0), nil, true},
		"a click four seconds later":                {click(desktop, 4*time.Second), nil, true},
		"a click before the delivery was reported":  {click(desktop, -2*time.Second), nil, true},
		"a click of a clock that is an hour behind": {click(desktop, -time.Hour), nil, false},
		"nobody says by what":                       {click("", time.Minute), nil, false},
		"another link a second before":              {click(desktop, time.Minute), []crm.Visit{other(59 * time.Second)}, true},
		"another link in the same second":           {click(desktop, time.Minute), []crm.Visit{other(time.Minute)}, true},
		"another link two seconds after":            {click(desktop, time.Minute), []crm.Visit{other(62 * time.Second)}, true},
		"another link three seconds before":         {click(desktop, time.Minute), []crm.Visit{other(57 * time.Second)}, false},
		"the same link twice":                       {click(desktop, time.Minute), []crm.Visit{again(59 * time.Second)}, false},
		"an open in the same second":                {click(desktop, time.Minute), []crm.Visit{open(desktop, time.Minute)}, false},
		"a HEAD request":                            {crm.Visit{URL: "https://a.example", Agent: desktop, Automatic: true, At: after(time.Hour)}, nil, true},
		"an open on a phone":                        {open(phone, time.Minute), nil, false},
		"an open as it arrives":                     {open(desktop, time.Second), nil, false},
		"Outlook's own name":                        {open("Mozilla/4.0 (compatible; ms-office; MSOffice 16)", time.Minute), nil, false},
		"a telephone called Cubot":                  {click("Mozilla/5.0 (Linux; Android 12; CUBOT NOTE 20) AppleWebKit/537.36 Chrome/141.0.0.0 Mobile Safari/537.36", time.Minute), nil, false},
		"Apple's Mail Privacy Protection":           {open("Mozilla/5.0", time.Hour), nil, true},
		"Gmail's proxy":                             {open("Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)", time.Hour), nil, true},
		"Yahoo's proxy":                             {open("YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html", time.Hour), nil, true},
		"marked by the provider":                    {crm.Visit{Agent: phone, Automatic: true, At: after(time.Hour)}, nil, true},
		"a scanner that says so":                    {click("BarracudaCentral/2.1", time.Hour), nil, true},
		"a preview of the link in a chat":           {click("Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)", time.Hour), nil, true},
		"a search engine":                           {click("Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)", time.Hour), nil, true},
		"a browser without a window":                {click("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 HeadlessChrome/141.0.0.0 Safari/537.36", time.Hour), nil, true},
		"a program":                                 {click("python-requests/2.32.3", time.Hour), nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := c.visit.Machine([]time.Time{arrived, {}}, c.others); got != c.want {
				t.Errorf("machine: %v, want %v", got, c.want)
			}
		})
	}
}

// What a machine does leaves no trace in the ledger but that the message arrived, if the provider says so.
func TestFoldOfMachines(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 6, 10, 0, 0, 0, time.UTC)
	machine := map[string]any{"text_kind": crm.TextKindMachine}
	for name, c := range map[string]struct {
		event   crm.Event
		want    crm.MessageState
		clicked bool
		opened  bool
	}{
		"a person's click":           {crm.Event{Source: "sendgrid", Type: "message.clicked"}, crm.MessageAccepted, true, false},
		"a machine's click":          {crm.Event{Source: "sendgrid", Type: "message.clicked", Data: machine}, crm.MessageAccepted, false, false},
		"a machine's open":           {crm.Event{Source: "sendgrid", Type: "message.opened", Data: machine}, crm.MessageAccepted, false, false},
		"a person, on our own link":  {crm.Event{Source: crm.SourceTracking, Type: "message.clicked"}, crm.MessageAccepted, true, false},
		"a machine, on our own link": {crm.Event{Source: crm.SourceTracking, Type: "message.clicked", Data: machine}, crm.MessageClaimed, false, false},
		"a person, by our own pixel": {crm.Event{Source: crm.SourceTracking, Type: "message.opened"}, crm.MessageAccepted, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := crm.Message{State: crm.MessageClaimed}
			c.event.Time = at
			m.Fold(&c.event)
			if m.State != c.want || m.ClickedAt.IsZero() == c.clicked || m.OpenedAt.IsZero() == c.opened {
				t.Errorf("it is %s, clicked %v, opened %v", m.State, m.ClickedAt, m.OpenedAt)
			}
		})
	}
}
