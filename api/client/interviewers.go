package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/crm"
)

// UpsertInterviewers creates or changes up to api.MaxEvents interviewers by their email addresses. A dry run only says what
// would become of them.
func (c *Client) UpsertInterviewers(ctx context.Context, items []json.RawMessage, dryRun bool) (api.InterviewerResults, error) {
	query := url.Values{}
	if dryRun {
		query.Set("dry_run", "true")
	}
	var out api.InterviewerResults
	err := c.change(ctx, http.MethodPost, "/v1/interviewers/batch", query, map[string]any{"items": items}, &out)
	return out, err
}

// Interviewer returns an interviewer by id or email address.
func (c *Client) Interviewer(ctx context.Context, id string) (api.Interviewer, error) {
	var out api.Interviewer
	err := c.get(ctx, "/v1/interviewers/"+url.PathEscape(id), nil, &out)
	return out, err
}

// InterviewerQuery says which interviewers to list. Empty fields do not filter.
type InterviewerQuery struct {
	Text   string // part of a name or an email address
	Group  string
	Active bool // only those who get new interviews
}

// Interviewers returns a page of interviewers, the newest first. after is the cursor of the page before, or "".
func (c *Client) Interviewers(ctx context.Context, q InterviewerQuery, limit int, after string) (api.Page[api.Interviewer], error) {
	query := paging(limit, after)
	for name, value := range map[string]string{"q": q.Text, "group": q.Group} {
		if value != "" {
			query.Set(name, value)
		}
	}
	if q.Active {
		query.Set("active", "true")
	}
	var out api.Page[api.Interviewer]
	err := c.get(ctx, "/v1/interviewers", query, &out)
	return out, err
}

// InterviewerGroups returns the groups that somebody is in or an interview asks for, by name.
func (c *Client) InterviewerGroups(ctx context.Context) ([]api.InterviewerGroup, error) {
	var out api.Page[api.InterviewerGroup]
	err := c.get(ctx, "/v1/interviewer-groups", nil, &out)
	return out.Items, err
}

// SetTimeOff replaces the times at which an interviewer is away.
func (c *Client) SetTimeOff(ctx context.Context, id string, away []api.AwayInput) (api.TimeOffSet, error) {
	var out api.TimeOffSet
	err := c.change(ctx, http.MethodPut, "/v1/interviewers/"+url.PathEscape(id)+"/time-off", nil, map[string]any{"items": append([]api.AwayInput{}, away...)}, &out)
	return out, err
}

// PutCalendar connects a calendar of an interviewer, or gives one that is connected a new secret.
func (c *Client) PutCalendar(ctx context.Context, id string, calendar api.CalendarInput) (api.Calendar, error) {
	var out api.Calendar
	err := c.change(ctx, http.MethodPut, "/v1/interviewers/"+url.PathEscape(id)+"/calendars", nil, calendar, &out)
	return out, err
}

// RemoveCalendar forgets a calendar of an interviewer.
func (c *Client) RemoveCalendar(ctx context.Context, id, calendar string) error {
	return c.do(ctx, &call{
		method: http.MethodDelete, path: "/v1/interviewers/" + url.PathEscape(id) + "/calendars/" + url.PathEscape(calendar), repeatable: true,
	})
}

// change sends what is the same when it is sent twice.
func (c *Client) change(ctx context.Context, method, path string, query url.Values, given, out any) error {
	body, err := json.Marshal(given)
	if err != nil {
		return fmt.Errorf("write request: %w", err)
	}
	return c.do(ctx, &call{method: method, path: path, query: query, body: body, out: out, repeatable: true})
}

// InterviewReport reports on the interviews of a period: days like 2026-11-01, the last of which is part; "" is the server's choice.
func (c *Client) InterviewReport(ctx context.Context, from, to string) (api.InterviewReport, error) {
	query := url.Values{}
	for name, value := range map[string]string{"from": from, "to": to} {
		if value != "" {
			query.Set(name, value)
		}
	}
	var out api.InterviewReport
	err := c.get(ctx, "/v1/reports/interviews", query, &out)
	return out, err
}

// MakeCalendarLink makes a link by which an interviewer connects a calendar at a provider, google or microsoft.
func (c *Client) MakeCalendarLink(ctx context.Context, id string, provider crm.CalendarKind) (api.CalendarLink, error) {
	var out api.CalendarLink
	err := c.change(ctx, http.MethodPost, "/v1/interviewers/"+url.PathEscape(id)+"/calendars/connect", nil, api.CalendarLinkInput{Provider: provider}, &out)
	return out, err
}

// CheckCalendars asks an interviewer's calendars now, and returns how they answered.
func (c *Client) CheckCalendars(ctx context.Context, id string) ([]api.CheckedCalendar, error) {
	var out api.Page[api.CheckedCalendar]
	err := c.do(ctx, &call{method: http.MethodPost, path: "/v1/interviewers/" + url.PathEscape(id) + "/calendars/check", out: &out, repeatable: true})
	return out.Items, err
}
