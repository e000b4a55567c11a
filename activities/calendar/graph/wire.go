package graph

import (
	"strings"
	"time"

	"github.com/rapport-crm/rapport/activities/calendar"
	"github.com/rapport-crm/rapport/activities/calendar/cloud"
	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl/wallclock"
)

// The extended properties in which Rapport keeps what Graph has no place for. The namespace is ours alone: a random UUID.
const (
	namespace = "{c1e0e2a1-6d0f-4f0c-9d5b-2a7b1f3e8d64}"
	uidKey    = "String " + namespace + " Name RapportUID"
	markKey   = "String " + namespace + " Name RapportMark"
)

// event is an event as it is read, as far as it is asked for.
type event struct {
	ID             string     `json:"id"`
	Etag           string     `json:"@odata.etag"`
	ICalUID        string     `json:"iCalUId"`
	Subject        string     `json:"subject"`
	Body           body       `json:"body"`
	Start          moment     `json:"start"`
	End            moment     `json:"end"`
	Location       location   `json:"location"`
	IsAllDay       bool       `json:"isAllDay"`
	IsCancelled    bool       `json:"isCancelled"`
	ShowAs         string     `json:"showAs"`
	ResponseStatus response   `json:"responseStatus"`
	Organizer      attendee   `json:"organizer"`
	Attendees      []attendee `json:"attendees"`
	Properties     []property `json:"singleValueExtendedProperties"`
}

// moment is a date and time as clocks show it in a zone.
type moment struct {
	DateTime string `json:"dateTime"`
	TimeZone string `json:"timeZone"`
}

type body struct {
	ContentType string `json:"contentType"`
	Content     string `json:"content"`
}

type location struct {
	DisplayName string `json:"displayName"`
}

type response struct {
	Response string `json:"response"`
}

type attendee struct {
	Type         string   `json:"type"`
	Status       response `json:"status"`
	EmailAddress struct {
		Name    string `json:"name"`
		Address string `json:"address"`
	} `json:"emailAddress"`
}

type property struct {
	ID    string `json:"id"`
	Value string `json:"value"`
}

// content is what is put of an event. All of it is always sent: an empty text replaces one that is there.
type content struct {
	TransactionID string     `json:"transactionId,omitempty"`
	Subject       string     `json:"subject"`
	Body          body       `json:"body"`
	Start         moment     `json:"start"`
	End           moment     `json:"end"`
	IsAllDay      bool       `json:"isAllDay"`
	Location      location   `json:"location"`
	ShowAs        string     `json:"showAs"`
	Properties    []property `json:"singleValueExtendedProperties"`
}

func contentOf(e *calendar.Event) content {
	text := e.Description
	if e.URL != "" && !strings.Contains(text, e.URL) { // there is no place for an address of one's own
		text = strings.TrimSpace(text + "\n\n" + e.URL)
	}
	sent := content{
		Subject: e.Summary, Body: body{ContentType: "text", Content: text}, Start: utc(e.Start), End: utc(e.End),
		Location: location{DisplayName: e.Location}, ShowAs: "busy",
		Properties: []property{{ID: uidKey, Value: e.UID}, {ID: markKey, Value: cloud.MarkOf(e).String()}},
	}
	if e.Cancelled {
		sent.ShowAs = "free"
	}
	return sent
}

func utc(t time.Time) moment {
	return moment{DateTime: t.UTC().Format("2006-01-02T15:04:05"), TimeZone: "UTC"}
}

func (m moment) time() (time.Time, error) {
	t, err := time.Parse("2006-01-02T15:04:05", m.DateTime) // parts of seconds are read too
	if err != nil || m.TimeZone != "UTC" {
		return t, &calendar.Error{Kind: calendar.Unreadable, Code: "bad_time"}
	}
	return t, nil
}

// span returns the time that the event takes. Whole days are told as midnights of no zone, whatever zone was asked for; they are
// the owner's days.
func (e *event) span(owner *time.Location) (span crm.Span, err error) {
	if span.Start, err = e.Start.time(); err != nil {
		return span, err
	}
	if span.End, err = e.End.time(); err != nil {
		return span, err
	}
	if e.IsAllDay && midnight(span.Start) && midnight(span.End) {
		span.Start, span.End = wallclock.At(span.Start, owner), wallclock.At(span.End, owner)
	}
	return span, nil
}

func midnight(t time.Time) bool { return t.Equal(t.Truncate(24 * time.Hour)) }

func (e *event) property(id string) string {
	for _, p := range e.Properties {
		if strings.EqualFold(p.ID, id) { // the case of the namespace may change on its way
			return p.Value
		}
	}
	return ""
}

// uid is ours, or Graph's for an event of others.
func (e *event) uid() string {
	if uid := e.property(uidKey); uid != "" {
		return uid
	}
	return e.ICalUID
}

func (r response) answer() calendar.Answer {
	switch r.Response {
	case "accepted":
		return calendar.Accepted
	case "declined":
		return calendar.Declined
	case "tentativelyAccepted":
		return calendar.Tentative
	}
	return calendar.None // none, notResponded, organizer
}

func (a *attendee) person() calendar.Person {
	return calendar.Person{Name: a.EmailAddress.Name, Email: strings.ToLower(a.EmailAddress.Address)}
}
