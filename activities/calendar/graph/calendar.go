package graph

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/rapport-crm/rapport/activities/calendar"
	"github.com/rapport-crm/rapport/activities/calendar/cloud"
	"github.com/rapport-crm/rapport/crm"
)

// API is where Graph answers. National clouds have other hosts ("National cloud deployments").
const API = "https://graph.microsoft.com/v1.0"

const (
	pageSize = "500" // at most 1000 ("List calendarView")
	maxPages = 100
	attempts = 4 // somebody else may write the same event between our reading and our writing
)

// Config says which calendar it is.
type Config struct {
	Calendar string         // its id; "" is the account's default one
	Owner    string         // the email address of whom it belongs to; without it there is no free and busy where events are hidden
	Zone     *time.Location // the owner's: which time their whole days are; nil is UTC
	Tokens   cloud.Tokens   // of the account
	HTTP     *http.Client   // nil is one with a timeout
	API      string         // "" is Microsoft's global one
}

// Calendar is a calendar at Microsoft. It is safe for concurrent use.
type Calendar struct {
	client cloud.Client
	base   string
	owner  string
	zone   *time.Location
}

var _ calendar.Calendar = (*Calendar)(nil)

// New returns the calendar. It does not ask whether there is one.
func New(c Config) *Calendar {
	if c.API == "" {
		c.API = API
	}
	if c.Zone == nil {
		c.Zone = time.UTC
	}
	base := "/me/calendar"
	if c.Calendar != "" {
		base = "/me/calendars/" + url.PathEscape(c.Calendar)
	}
	return &Calendar{
		client: cloud.Client{Base: c.API, Tokens: c.Tokens, HTTP: c.HTTP, Explain: explain},
		base:   base, owner: c.Owner, zone: c.Zone,
	}
}

// inUTC asks for all times in UTC, and for texts as they were written.
func inUTC() http.Header {
	return http.Header{"Prefer": {`outlook.timezone="UTC", outlook.body-content-type="text"`}}
}

type page struct {
	Value    []event `json:"value"`
	NextLink string  `json:"@odata.nextLink"`
}

// list asks for events page by page. Pages are followed by the address that Graph gives ("Paging Microsoft Graph data").
func (c *Calendar) list(ctx context.Context, path string, query url.Values) ([]event, error) {
	var all []event
	for range maxPages {
		var p page
		request := cloud.Request{Method: http.MethodGet, Path: path, Query: query, Header: inUTC()}
		if _, err := c.client.Do(ctx, request, &p); err != nil {
			return nil, err
		}
		if all = append(all, p.Value...); p.NextLink == "" {
			return all, nil
		}
		path, query = p.NextLink, nil
	}
	return nil, &calendar.Error{Kind: calendar.Unreadable, Code: "too_many_events"}
}

// Busy lists single events and occurrences ("List calendarView"). Where reading them is not allowed it asks for free and busy
// ("calendar: getSchedule"), which has no UIDs.
func (c *Calendar) Busy(ctx context.Context, within crm.Span) ([]calendar.Block, error) {
	if within.IsEmpty() {
		return nil, nil
	}
	blocks, err := c.events(ctx, within)
	if c.owner != "" && hidden(err) {
		blocks, err = c.schedule(ctx, within)
	}
	if err != nil {
		return nil, err
	}
	calendar.SortBlocks(blocks)
	return blocks, nil
}

// events asks for a day more at both ends: whole days are compared as days in UTC by Graph, and are the owner's.
func (c *Calendar) events(ctx context.Context, within crm.Span) ([]calendar.Block, error) {
	const day = 24 * time.Hour
	found, err := c.list(ctx, c.base+"/calendarView", url.Values{
		"startDateTime": {within.Start.Add(-day).UTC().Format(time.RFC3339)},
		"endDateTime":   {within.End.Add(day).UTC().Format(time.RFC3339)},
		"$select":       {"iCalUId,start,end,isAllDay,isCancelled,showAs,responseStatus"},
		"$expand":       {expand(uidKey)},
		"$top":          {pageSize},
	})
	if err != nil {
		return nil, err
	}
	var blocks []calendar.Block
	for i := range found {
		e := &found[i]
		busy, tentative := taken(e.ShowAs)
		answer := e.ResponseStatus.answer()
		if !busy || e.IsCancelled || answer == calendar.Declined {
			continue
		}
		span, err := e.span(c.zone)
		if err != nil {
			return nil, err
		}
		if span.Overlaps(within) {
			blocks = append(blocks, calendar.Block{
				Span: span, UID: e.uid(), AllDay: e.IsAllDay, Tentative: tentative || answer == calendar.Tentative,
			})
		}
	}
	return blocks, nil
}

// taken tells what a free and busy status comes to. Working elsewhere is not busy: it says where somebody works, mostly all day
// long, and Outlook itself takes them for available then. What is not known is busy: better no offer than a wrong one.
func taken(status string) (busy, tentative bool) {
	switch status {
	case "free", "workingElsewhere":
		return false, false
	case "tentative":
		return true, true
	}
	return true, false // busy, oof, unknown
}

// Find returns the event with this UID. Times have lost their zone on the way. The answer is that to the invitation by mail, if
// there was one.
func (c *Calendar) Find(ctx context.Context, uid string) (*calendar.Event, error) {
	found, err := c.find(ctx, uid)
	if err != nil {
		return nil, err
	}
	mailed, err := c.mailed(ctx, uid)
	if err != nil {
		return nil, err
	}
	e := found
	switch {
	case found == nil && mailed == nil:
		return nil, nil //nolint:nilnil // nil is what Find of calendar.Calendar says for an event that is not there
	case found == nil:
		e = mailed
	case mailed == nil:
		mailed = found
	}
	span, err := e.span(c.zone)
	if err != nil {
		return nil, err
	}
	mark := e.mark()
	event := &calendar.Event{
		UID: uid, Sequence: mark.Sequence, Span: span, AllDay: e.IsAllDay,
		Summary: e.Subject, Description: strings.TrimSpace(strings.ReplaceAll(e.Body.Content, "\r\n", "\n")),
		Location: e.Location.DisplayName, Organizer: e.Organizer.person(),
		Cancelled: mark.Cancelled || e.IsCancelled, Answer: mailed.ResponseStatus.answer(),
	}
	for i := range e.Attendees {
		a := &e.Attendees[i]
		event.Attendees = append(event.Attendees, calendar.Attendee{
			Person: a.person(), Optional: a.Type == "optional", Answer: a.Status.answer(),
		})
	}
	return event, nil
}

// mark is the mark of the version that is there; of an event that came by mail it is the zero one.
func (e *event) mark() cloud.Mark {
	m, _ := cloud.ParseMark(e.property(markKey))
	return m
}

const details = "id,iCalUId,subject,body,start,end,location,isAllDay,isCancelled,showAs,responseStatus,organizer,attendees"

// find returns the event that Rapport put under this UID, or nil.
func (c *Calendar) find(ctx context.Context, uid string) (*event, error) {
	return c.first(ctx, "singleValueExtendedProperties/Any(ep: ep/id eq "+quote(uidKey)+" and ep/value eq "+quote(uid)+")",
		func(e *event) bool { return e.property(uidKey) == uid }) // Graph compares values without regard to case
}

// mailed returns the event that came by mail with this UID, or nil.
func (c *Calendar) mailed(ctx context.Context, uid string) (*event, error) {
	return c.first(ctx, "iCalUId eq "+quote(uid), func(e *event) bool { return e.ICalUID == uid })
}

func (c *Calendar) first(ctx context.Context, filter string, is func(*event) bool) (*event, error) {
	found, err := c.list(ctx, c.base+"/events", url.Values{
		"$filter": {filter}, "$select": {details}, "$expand": {expand(uidKey, markKey)},
	})
	for i := range found {
		if is(&found[i]) {
			return &found[i], err
		}
	}
	return nil, err
}

// expand asks for extended properties too ("Get singleValueLegacyExtendedProperty").
func expand(ids ...string) string {
	for i := range ids {
		ids[i] = "id eq " + quote(ids[i])
	}
	return "singleValueExtendedProperties($filter=" + strings.Join(ids, " or ") + ")"
}

// quote writes a string of OData: an apostrophe is two (OData 4.01, URL Conventions, 5.1.1.6.1).
func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }
