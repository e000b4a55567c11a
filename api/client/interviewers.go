package client

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/crm"
)

// UpsertInterviewers creates or changes up to api.MaxEvents interviewers by their email addresses. A dry run only says what
// would become of them.
func (c *Client) UpsertInterviewers(ctx context.Context, items []json.RawMessage, dryRun bool) (api.InterviewerResults, error) {
	return change[api.InterviewerResults](ctx, c, http.MethodPost, "/v1/interviewers/batch", where("dry_run", flag(dryRun)), map[string]any{"items": items})
}

// Interviewer returns an interviewer by id or email address.
func (c *Client) Interviewer(ctx context.Context, id string) (api.Interviewer, error) {
	return get[api.Interviewer](ctx, c, path("interviewers", id), nil)
}

// InterviewerQuery says which interviewers to list. Empty fields do not filter.
type InterviewerQuery struct {
	Text   string // part of a name or an email address
	Group  string
	Active bool // only those who get new interviews
}

// Interviewers returns a page of interviewers, the newest first. after is the cursor of the page before, or "".
func (c *Client) Interviewers(ctx context.Context, q InterviewerQuery, limit int, after string) (api.Page[api.Interviewer], error) {
	return get[api.Page[api.Interviewer]](ctx, c, "/v1/interviewers", paging(limit, after, "q", q.Text, "group", q.Group, "active", flag(q.Active)))
}

// InterviewerGroups returns the groups that somebody is in or an interview asks for, by name.
func (c *Client) InterviewerGroups(ctx context.Context) ([]api.InterviewerGroup, error) {
	return list[api.InterviewerGroup](ctx, c, "/v1/interviewer-groups", nil)
}

// SetTimeOff replaces the times at which an interviewer is away.
func (c *Client) SetTimeOff(ctx context.Context, id string, away []api.AwayInput) (api.TimeOffSet, error) {
	items := append([]api.AwayInput{}, away...)
	return change[api.TimeOffSet](ctx, c, http.MethodPut, path("interviewers", id, "time-off"), nil, map[string]any{"items": items})
}

// PutCalendar connects a calendar of an interviewer, or gives one that is connected a new secret.
func (c *Client) PutCalendar(ctx context.Context, id string, calendar api.CalendarInput) (api.Calendar, error) {
	return change[api.Calendar](ctx, c, http.MethodPut, path("interviewers", id, "calendars"), nil, calendar)
}

// RemoveCalendar forgets a calendar of an interviewer.
func (c *Client) RemoveCalendar(ctx context.Context, id, calendar string) error {
	return c.do(ctx, &call{method: http.MethodDelete, path: path("interviewers", id, "calendars", calendar), repeatable: true})
}

// InterviewReport reports on the interviews of a period: days like 2026-11-01, the last of which is part; "" is the server's choice.
func (c *Client) InterviewReport(ctx context.Context, from, to string) (api.InterviewReport, error) {
	return get[api.InterviewReport](ctx, c, "/v1/reports/interviews", where("from", from, "to", to))
}

// MakeCalendarLink makes a link by which an interviewer connects a calendar at a provider, google or microsoft.
func (c *Client) MakeCalendarLink(ctx context.Context, id string, provider crm.CalendarKind) (api.CalendarLink, error) {
	return change[api.CalendarLink](ctx, c, http.MethodPost, path("interviewers", id, "calendars", "connect"), nil, api.CalendarLinkInput{Provider: provider})
}

// CheckCalendars asks an interviewer's calendars now, and returns how they answered.
func (c *Client) CheckCalendars(ctx context.Context, id string) ([]api.CheckedCalendar, error) {
	page, err := change[api.Page[api.CheckedCalendar]](ctx, c, http.MethodPost, path("interviewers", id, "calendars", "check"), nil, nil)
	return page.Items, err
}
