package ical_test

import (
	"bytes"
	"errors"
	"flag"
	"mime"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/activities/calendar"
	"github.com/rapport-crm/rapport/activities/calendar/calendartest"
	"github.com/rapport-crm/rapport/activities/calendar/ical"
	"github.com/rapport-crm/rapport/crm"
)

//nolint:gochecknoglobals // a flag of the test binary
var update = flag.Bool("update", false, "write the golden files")

func stamp() time.Time { return time.Date(2026, 10, 1, 8, 30, 0, 0, time.UTC) }

func meeting() calendar.Event {
	start := time.Date(2026, 11, 5, 9, 0, 0, 0, time.UTC)
	return calendar.Event{
		UID: "0f8b2c3d-interview@rapport.example.com", Sequence: 2, Span: crm.Span{Start: start, End: start.Add(time.Hour)}, Zone: "Europe/Berlin",
		Summary: "Interview: system design", Description: "With Ada; 60 minutes, remote.\nBring: nothing\\else.", Location: "Meeting room \"Zürich\", 3rd floor",
		URL: "https://rapport.example.com/i/abc?x=1", Organizer: calendar.Person{Name: "Lovelace, Ada", Email: "hiring@example.com"},
		Attendees: []calendar.Attendee{
			{Person: calendar.Person{Name: "Grace \"Amazing\" Hopper; RADM", Email: "grace@example.com"}},
			{Person: calendar.Person{Name: "李雷", Email: "li+lei@example.com"}, Optional: true, Answer: calendar.Accepted},
			{Person: calendar.Person{Email: "nameless@example.com"}},
		},
	}
}

func TestWriteGolden(t *testing.T) {
	t.Parallel()
	for name, write := range map[string]func() (crm.Attachment, error){
		"request": func() (crm.Attachment, error) { return ical.Request(meeting(), stamp()) },
		"cancel":  func() (crm.Attachment, error) { return ical.Cancel(meeting(), stamp()) },
		"publish": func() (crm.Attachment, error) { return ical.Publish(meeting(), stamp()) },
		"object": func() (crm.Attachment, error) {
			content, err := ical.Object(meeting(), stamp())
			return crm.Attachment{Content: content}, err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := write()
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join("testdata", name+".ics")
			if *update {
				if err := os.WriteFile(path, got.Content, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got.Content)); diff != "" {
				t.Error(diff)
			}
			wellFormed(t, got.Content)
			if got.ContentType == "" {
				return
			}
			kind, params, err := mime.ParseMediaType(got.ContentType)
			if err != nil || kind != "text/calendar" || params["method"] != strings.ToUpper(name) || params["charset"] != "UTF-8" || got.Name != "invite.ics" {
				t.Errorf("goes as %q %q: %v", got.Name, got.ContentType, err)
			}
		})
	}
}

// wellFormed looks at lines: they end in CRLF, hold no control characters, and none is longer than 75 bytes.
func wellFormed(t *testing.T, content []byte) {
	t.Helper()
	for part := range bytes.SplitSeq(bytes.TrimSuffix(content, []byte("\r\n")), []byte("\r\n")) {
		if len(part) == 0 || len(part) > 75 || bytes.ContainsFunc(part, func(r rune) bool { return r < ' ' || r == 0x7f || r == 0xfffd }) {
			t.Errorf("line %q", part)
		}
	}
}

func TestAnotherParserUnderstands(t *testing.T) {
	t.Parallel()
	change := func(change func(*calendar.Event)) calendar.Event {
		e := meeting()
		change(&e)
		return e
	}
	at := func(zone string, start time.Time) calendar.Event {
		return change(func(e *calendar.Event) {
			e.Zone, e.Span = zone, crm.Span{Start: start, End: start.Add(90 * time.Minute)}
		})
	}
	summer := time.Date(2026, 7, 7, 9, 0, 0, 0, time.UTC)
	winter := time.Date(2026, 12, 7, 9, 0, 0, 0, time.UTC)
	for name, e := range map[string]calendar.Event{
		"a meeting":                       meeting(),
		"in UTC":                          at("", winter),
		"New York in summer":              at("America/New_York", summer),
		"New York in winter":              at("America/New_York", winter),
		"Sydney in their summer":          at("Australia/Sydney", winter),
		"Dublin, summer is standard":      at("Europe/Dublin", summer),
		"Kolkata has no summer time":      at("Asia/Kolkata", summer),
		"Casablanca by the moon":          at("Africa/Casablanca", time.Date(2026, 2, 25, 9, 0, 0, 0, time.UTC)),
		"Santiago":                        at("America/Santiago", winter),
		"Lord Howe moves by half an hour": at("Australia/Lord_Howe", summer),
		"Godthab changes on a Saturday":   at("America/Nuuk", summer),
		"right after clocks went forward": at("Europe/Berlin", time.Date(2026, 3, 29, 1, 0, 0, 0, time.UTC)),
		"in the hour that comes twice":    at("Europe/Berlin", time.Date(2026, 10, 25, 0, 30, 0, 0, time.UTC)),
		"over New Year":                   at("America/New_York", time.Date(2027, 1, 1, 4, 30, 0, 0, time.UTC)),
		"long text": change(func(e *calendar.Event) {
			e.Summary, e.Description = strings.Repeat("Straße ", 40), strings.Repeat("日本語のテキスト", 60)
		}),
		"text that wants out": change(func(e *calendar.Event) {
			e.Summary = "Hi\r\nATTENDEE:mailto:evil@example.com\r\nEND:VEVENT\r\nEND:VCALENDAR"
			e.Location = "\rX-EVIL:1\u2028X-EVIL:2\u0085X-EVIL:3"
			e.Attendees[0].Name = "x\";PARTSTAT=DECLINED:mailto:evil@example.com\r\nX-EVIL:4"
		}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, err := ical.Request(e, stamp())
			if err != nil {
				t.Fatal(err)
			}
			wellFormed(t, a.Content)
			got := calendartest.ReadElsewhere(t, a.Content)
			if got.Start != e.Start.Unix() || got.End != e.End.Unix() {
				t.Errorf("from %s to %s, want %s to %s\n%s", time.Unix(got.Start, 0).UTC(), time.Unix(got.End, 0).UTC(), e.Start, e.End, a.Content)
			}
			lines := strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u2028", "\n", "\u0085", "\n")
			if got.Summary != lines.Replace(e.Summary) || got.Description != e.Description || got.Location != lines.Replace(e.Location) {
				t.Errorf("text is %q, %q, %q", got.Summary, got.Description, got.Location)
			}
			if got.Method != "REQUEST" || got.Status != "CONFIRMED" || got.UID != e.UID || got.Sequence != 2 || got.URL != e.URL {
				t.Errorf("got %+v", got)
			}
			if got.Organizer["email"] != "mailto:hiring@example.com" || got.Organizer["cn"] != "Lovelace, Ada" || len(got.Attendees) != 3 {
				t.Fatalf("organizer %v, attendees %v", got.Organizer, got.Attendees)
			}
			for i, a := range got.Attendees {
				status := "NEEDS-ACTION"
				if i == 1 {
					status = "ACCEPTED"
				}
				if a["email"] != "mailto:"+e.Attendees[i].Email || a["rsvp"] != "TRUE" || a["partstat"] != status {
					t.Errorf("attendee %v", a)
				}
			}
			again(t, a.Content, e)
		})
	}
}

// again reads what was written with our own reader.
func again(t *testing.T, content []byte, e calendar.Event) {
	t.Helper()
	c, err := ical.Parse(content)
	if err != nil {
		t.Fatal(err)
	}
	found, err := c.Find(e.UID, ical.Owner{Emails: []string{"LI+lei@example.com"}})
	if err != nil || found == nil {
		t.Fatalf("found %v %v", found, err)
	}
	if !found.Start.Equal(e.Start) || !found.End.Equal(e.End) || found.Sequence != 2 || found.Answer != calendar.Accepted ||
		found.Description != e.Description || len(found.Attendees) != 3 || !found.Attendees[1].Optional {
		t.Errorf("found %+v", found)
	}
}

func TestWriteRefuses(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*calendar.Event){
		"no UID":                       func(e *calendar.Event) { e.UID = "" },
		"a UID of two lines":           func(e *calendar.Event) { e.UID = "a\r\nATTENDEE:x" },
		"a zone that is none":          func(e *calendar.Event) { e.Zone = "Europe/Berlin\r\nX:Y" },
		"no time":                      func(e *calendar.Event) { e.End = e.Start },
		"half a second":                func(e *calendar.Event) { e.End = e.End.Add(time.Second / 2) },
		"a link that runs code":        func(e *calendar.Event) { e.URL = "javascript:alert(1)" },
		"a link of two lines":          func(e *calendar.Event) { e.URL = "https://example.com/\r\nX:Y" },
		"no organizer":                 func(e *calendar.Event) { e.Organizer = calendar.Person{} },
		"nobody is invited":            func(e *calendar.Event) { e.Attendees = nil },
		"an address with more to it":   func(e *calendar.Event) { e.Attendees[0].Email = "a@example.com?cc=b@example.com" },
		"an address of two lines":      func(e *calendar.Event) { e.Attendees[0].Email = "a@example.com\r\nX:Y" },
		"an address that is a name":    func(e *calendar.Event) { e.Attendees[0].Email = "Ada <ada@example.com>" },
		"an organizer without a place": func(e *calendar.Event) { e.Organizer.Email = "ada" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := meeting()
			change(&e)
			_, err := ical.Request(e, stamp())
			var failure *calendar.Error
			if !errors.As(err, &failure) || failure.Kind != calendar.Refused || strings.Contains(err.Error(), "@") {
				t.Errorf("got %v, want a refusal without an address", err)
			}
		})
	}
}

func TestReply(t *testing.T) {
	t.Parallel()
	reply := func(method string, lines ...string) string {
		return "BEGIN:VCALENDAR\r\nMETHOD:" + method + "\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:u@example.com\r\nSEQUENCE:3\r\nDTSTAMP:20261102T120000Z\r\n" +
			"DTSTART:20261105T100000Z\r\nDTEND:20261105T110000Z\r\n" + strings.Join(lines, "\r\n") + "\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
	}
	base := ical.Reply{
		UID: "u@example.com", Sequence: 3, Stamp: time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC),
		From: calendar.Person{Name: "Grace Hopper", Email: "grace@example.com"},
	}
	with := func(answer calendar.Answer, comment string, proposed *crm.Span) *ical.Reply {
		r := base
		r.Answer, r.Comment, r.Proposed = answer, comment, proposed
		return &r
	}
	grace := func(status string) string {
		return "ATTENDEE;CN=\"Grace Hopper\";ROLE=REQ-PARTICIPANT;PARTSTAT=" + status + ":mailto:grace@example.com"
	}
	other := crm.Span{Start: time.Date(2026, 11, 5, 10, 0, 0, 0, time.UTC), End: time.Date(2026, 11, 5, 11, 0, 0, 0, time.UTC)}
	for name, tc := range map[string]struct {
		text string
		want *ical.Reply
	}{
		"accepted":              {reply("REPLY", grace("ACCEPTED")), with(calendar.Accepted, "", nil)},
		"declined, and why":     {reply("REPLY", grace("DECLINED"), `COMMENT:I am on leave\, sorry.\nGrace`), with(calendar.Declined, "I am on leave, sorry.\nGrace", nil)},
		"why, as Google has it": {reply("REPLY", "ATTENDEE;PARTSTAT=DECLINED;CN=Grace Hopper;X-RESPONSE-COMMENT=\"On ^'leave^', sorry\":mailto:grace@example.com"), with(calendar.Declined, `On "leave", sorry`, nil)},
		"tentative":             {reply("REPLY", grace("TENTATIVE")), with(calendar.Tentative, "", nil)},
		"folded in the name":    {reply("REPLY", "ATTENDEE;CN=Grace\r\n  Hopper;PARTSTAT=ACCEPTED:MAILTO:grace@\r\n example.com"), with(calendar.Accepted, "", nil)},
		"another time":          {reply("COUNTER", grace("TENTATIVE")), with(calendar.Tentative, "", &other)},
		"an invitation":         {reply("REQUEST", grace("NEEDS-ACTION")), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := ical.ParseReply([]byte(tc.text))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	if _, err := ical.ParseReply([]byte(reply("REPLY"))); err == nil {
		t.Error("a reply of nobody was taken")
	}
}
