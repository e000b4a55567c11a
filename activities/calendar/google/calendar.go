package google

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/rapport-crm/rapport/activities/calendar"
	"github.com/rapport-crm/rapport/activities/calendar/cloud"
	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl/wallclock"
)

// API is where Google answers.
const API = "https://www.googleapis.com/calendar/v3"

const (
	pageSize = "1000" // at most 2500 (Events: list, maxResults)
	maxPages = 50
	attempts = 4 // somebody else may write the same event between our reading and our writing
)

// Config says which calendar it is.
type Config struct {
	Calendar string       // its id; "" is the account's primary one
	Owner    string       // the email address of whom it belongs to, so that they can answer, in their primary calendar; "" if they need not
	Tokens   cloud.Tokens // of the account
	HTTP     *http.Client // nil is one with a timeout
	API      string       // "" is Google's
}

// Calendar is a calendar at Google. It is safe for concurrent use.
type Calendar struct {
	client cloud.Client
	id     string
	owner  string
}

var _ calendar.Calendar = (*Calendar)(nil)

// New returns the calendar. It does not ask whether there is one.
func New(c Config) *Calendar {
	if c.API == "" {
		c.API = API
	}
	switch {
	case c.Calendar == "":
		c.Calendar = "primary"
	case c.Calendar != "primary" && !strings.EqualFold(c.Calendar, c.Owner):
		c.Owner = "" // listed in another calendar, they would have the event in their own as well
	}
	return &Calendar{
		client: cloud.Client{Base: c.API, Tokens: c.Tokens, HTTP: c.HTTP, Explain: explain},
		id:     c.Calendar, owner: c.Owner,
	}
}

func (c *Calendar) events() string { return "/calendars/" + url.PathEscape(c.id) + "/events" }

func (c *Calendar) event(id string) string { return c.events() + "/" + url.PathEscape(id) }

// page is an answer of Events: list.
type page struct {
	AccessRole    string  `json:"accessRole"`
	TimeZone      string  `json:"timeZone"`
	NextPageToken string  `json:"nextPageToken"`
	Items         []event `json:"items"`
}

func (p *page) zone() (*time.Location, error) {
	zone, err := wallclock.Zone(p.TimeZone)
	if err != nil {
		return nil, &calendar.Error{Kind: calendar.Unreadable, Code: "unknown_zone"}
	}
	return zone, nil
}

// list asks for events page by page (Events: list) and hands each page to take.
func (c *Calendar) list(ctx context.Context, query url.Values, take func(*page) error) error {
	for range maxPages {
		var p page
		if _, err := c.client.Do(ctx, cloud.Request{Method: http.MethodGet, Path: c.events(), Query: query}, &p); err != nil {
			return err
		}
		if p.AccessRole == "freeBusyReader" || p.AccessRole == "none" { // what events are listed then is not said anywhere
			return &calendar.Error{Kind: calendar.ReadOnly, Code: forbidden}
		}
		if err := take(&p); err != nil {
			return err
		}
		if p.NextPageToken == "" {
			return nil
		}
		query.Set("pageToken", p.NextPageToken)
	}
	return &calendar.Error{Kind: calendar.Unreadable, Code: "too_many_events"}
}

// Find returns the event with this UID. Its zone is the one it was put with; Google's copy of an invitation by mail is found too.
func (c *Calendar) Find(ctx context.Context, uid string) (*calendar.Event, error) {
	found, zone, err := c.find(ctx, uid)
	if err != nil || found == nil || found.Status == "cancelled" {
		return nil, err
	}
	span, allDay, err := found.span(zone)
	if err != nil {
		return nil, err
	}
	mark := found.mark()
	e := &calendar.Event{
		UID: uid, Sequence: mark.Sequence, Span: span, Zone: found.Start.TimeZone, AllDay: allDay,
		Summary: found.Summary, Description: found.Description, Location: found.Location,
		Organizer: found.Organizer.person(), Cancelled: mark.Cancelled, Answer: found.answer(),
	}
	if allDay {
		e.Zone = zone.String()
	}
	if e.Zone == "UTC" {
		e.Zone = ""
	}
	if found.Source != nil {
		e.URL = found.Source.URL
	}
	for i := range found.Attendees {
		a := &found.Attendees[i]
		e.Attendees = append(e.Attendees, calendar.Attendee{Person: a.person(), Optional: a.Optional, Answer: a.answer()})
	}
	return e, nil
}

// find also finds a deleted event: its UID cannot be imported again. It returns nil if there never was one, and the zone of the
// calendar.
func (c *Calendar) find(ctx context.Context, uid string) (found *event, zone *time.Location, err error) {
	query := url.Values{"iCalUID": {uid}, "showDeleted": {"true"}, "fields": {
		"accessRole,timeZone,nextPageToken,items(id,etag,status,transparency,iCalUID,sequence,recurringEventId,start,end,summary," +
			"description,location,organizer,attendees(email,displayName,self,optional,responseStatus),source,extendedProperties/private)",
	}}
	err = c.list(ctx, query, func(p *page) (err error) {
		for i := range p.Items {
			item := &p.Items[i]
			if item.ICalUID == uid && item.RecurringEventID == "" && (found == nil || found.Status == "cancelled") {
				found = item
			}
		}
		zone, err = p.zone()
		return err
	})
	return found, zone, err
}

// Busy lists the events as single instances. Where reading them is not allowed it asks for free and busy, which has neither UIDs
// nor tentative events.
func (c *Calendar) Busy(ctx context.Context, within crm.Span) ([]calendar.Block, error) {
	if within.IsEmpty() {
		return nil, nil
	}
	blocks, err := c.listed(ctx, within)
	if hidden(err) {
		blocks, err = c.freeBusy(ctx, within)
	}
	if err != nil {
		return nil, err
	}
	calendar.SortBlocks(blocks)
	return blocks, nil
}

// listed asks for no more than it needs: no titles, and of those invited the owner alone (maxAttendees).
func (c *Calendar) listed(ctx context.Context, within crm.Span) ([]calendar.Block, error) {
	query := url.Values{
		"singleEvents": {"true"}, "timeMin": {rfc3339(within.Start)}, "timeMax": {rfc3339(roundUp(within.End))},
		"maxResults": {pageSize}, "maxAttendees": {"1"},
		"fields": {"accessRole,timeZone,nextPageToken,items(status,transparency,iCalUID,start,end,attendees(self,responseStatus))"},
	}
	var blocks []calendar.Block
	err := c.list(ctx, query, func(p *page) error {
		zone, err := p.zone()
		if err != nil {
			return err
		}
		for i := range p.Items {
			block, busy, err := p.Items[i].block(zone)
			if err != nil {
				return err
			}
			if busy && block.Overlaps(within) {
				blocks = append(blocks, block)
			}
		}
		return nil
	})
	return blocks, err
}

func (e *event) block(zone *time.Location) (block calendar.Block, busy bool, err error) {
	answer := e.answer()
	if e.Status == "cancelled" || e.Transparency == "transparent" || answer == calendar.Declined {
		return block, false, nil
	}
	block.UID, block.Tentative = e.ICalUID, e.Status == "tentative" || answer == calendar.Tentative
	block.Span, block.AllDay, err = e.span(zone)
	return block, true, err
}

func rfc3339(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// roundUp goes to the next whole second: Google disregards parts of seconds.
func roundUp(t time.Time) time.Time {
	if whole := t.Truncate(time.Second); !whole.Equal(t) {
		return whole.Add(time.Second)
	}
	return t
}
