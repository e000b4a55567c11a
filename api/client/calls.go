package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
)

// UpsertCandidates creates or changes up to api.MaxEvents candidates, each of which has an external id. A telephone number that cannot
// be read is kept with a warning: the candidate counts for more than a text.
func (c *Client) UpsertCandidates(ctx context.Context, items []json.RawMessage) (api.CandidateResults, error) {
	var out api.CandidateResults
	body, err := json.Marshal(map[string]any{"items": items})
	if err != nil {
		return out, fmt.Errorf("write candidates: %w", err)
	}
	err = c.do(ctx, &call{method: http.MethodPost, path: "/v1/candidates/batch", query: url.Values{"keep_numbers": {"true"}}, body: body, out: &out, repeatable: true})
	return out, err
}

// Candidate returns a candidate by id or external id.
func (c *Client) Candidate(ctx context.Context, id string) (api.CandidateDetails, error) {
	var out api.CandidateDetails
	err := c.get(ctx, "/v1/candidates/"+url.PathEscape(id), nil, &out)
	return out, err
}

// Candidates returns a page of candidates, the newest first. after is the cursor of the page before, or "".
func (c *Client) Candidates(ctx context.Context, limit int, after string) (api.Page[crm.Candidate], error) {
	var out api.Page[crm.Candidate]
	err := c.get(ctx, "/v1/candidates", paging(limit, after), &out)
	return out, err
}

// Merge merges a candidate into another who is the same person. Both are named by id or external id.
func (c *Client) Merge(ctx context.Context, from, into string) (api.MergedCandidate, error) {
	var out api.MergedCandidate
	body, err := json.Marshal(api.CandidateMerge{Into: into})
	if err != nil {
		return out, fmt.Errorf("write merge: %w", err)
	}
	err = c.do(ctx, &call{
		method: http.MethodPost, path: "/v1/candidates/" + url.PathEscape(from) + "/merge", body: body, out: &out, repeatable: true,
	})
	return out, err
}

// SendBatch sends up to api.MaxEvents events, CloudEvents or simple ones. key makes simple events without an id idempotent:
// another batch has another key. With recordOnly they are history, on which nothing starts or wakes up.
func (c *Client) SendBatch(ctx context.Context, events []json.RawMessage, key string, recordOnly bool) (api.EventResults, error) {
	var out api.EventResults
	body, err := json.Marshal(events)
	if err != nil {
		return out, fmt.Errorf("write events: %w", err)
	}
	query := url.Values{}
	if recordOnly {
		query.Set("record_only", "true")
	}
	header := http.Header{}
	if key != "" {
		header.Set("Idempotency-Key", key)
	}
	err = c.do(ctx, &call{method: http.MethodPost, path: "/v1/events", query: query, header: header, body: body, out: &out, repeatable: key != ""})
	return out, err
}

// Definitions lists the definitions in force, without their YAML.
func (c *Client) Definitions(ctx context.Context) ([]api.Definition, error) {
	var out api.Page[api.Definition]
	err := c.get(ctx, "/v1/definitions", nil, &out)
	return out.Items, err
}

// Definition returns one definition with its YAML; version 0 is the one in force.
func (c *Client) Definition(ctx context.Context, kind, name string, version int) (api.Definition, error) {
	var out api.Definition
	query := url.Values{}
	if version > 0 {
		query.Set("version", strconv.Itoa(version))
	}
	err := c.get(ctx, "/v1/definitions/"+url.PathEscape(kind)+"/"+url.PathEscape(name), query, &out)
	return out, err
}

// Timeline returns a page of a candidate's timeline, the oldest first. after is the cursor of the page before, or "".
func (c *Client) Timeline(ctx context.Context, candidate string, limit int, after string) (api.Page[api.TimelineEntry], error) {
	var out api.Page[api.TimelineEntry]
	err := c.get(ctx, "/v1/candidates/"+url.PathEscape(candidate)+"/timeline", paging(limit, after), &out)
	return out, err
}

// Events returns a page of a candidate's events with all of their data, the oldest first. after is the cursor of the page
// before, or "". The key needs api.ScopeEventsRead.
func (c *Client) Events(ctx context.Context, candidate string, limit int, after string) (api.Page[crm.Event], error) {
	var out api.Page[crm.Event]
	err := c.get(ctx, "/v1/candidates/"+url.PathEscape(candidate)+"/events", paging(limit, after), &out)
	return out, err
}

// Enrollments returns a page of a candidate's enrollments, or with "" of everybody's, the newest first.
func (c *Client) Enrollments(ctx context.Context, candidate string, limit int, after string) (api.Page[api.EnrollmentDetails], error) {
	var out api.Page[api.EnrollmentDetails]
	query := paging(limit, after)
	if candidate != "" {
		query.Set("candidate", candidate)
	}
	err := c.get(ctx, "/v1/enrollments", query, &out)
	return out, err
}

// Enroll asks for a run by hand and returns the id of the event that this became.
func (c *Client) Enroll(ctx context.Context, request api.EnrollmentRequest) (eventID string, err error) {
	var out api.Requested
	body, err := json.Marshal(request)
	if err != nil {
		return "", fmt.Errorf("write request: %w", err)
	}
	err = c.do(ctx, &call{method: http.MethodPost, path: "/v1/enrollments", body: body, out: &out})
	return out.Event, err
}

// Tell pauses, resumes or stops an enrollment: verb is pause, resume or stop.
func (c *Client) Tell(ctx context.Context, enrollment, verb string) error {
	return c.do(ctx, &call{method: http.MethodPost, path: "/v1/enrollments/" + url.PathEscape(enrollment) + "/" + url.PathEscape(verb)})
}

// Tasks returns a page of tasks in a state, or with "" of all, the newest first.
func (c *Client) Tasks(ctx context.Context, state crm.TaskState, limit int, after string) (api.Page[crm.Task], error) {
	var out api.Page[crm.Task]
	query := paging(limit, after)
	if state != "" {
		query.Set("state", string(state))
	}
	err := c.get(ctx, "/v1/tasks", query, &out)
	return out, err
}

// Messages returns a page of messages in a state, or with "" of all, the newest first.
func (c *Client) Messages(ctx context.Context, state crm.MessageState, limit int, after string) (api.Page[api.LedgerMessage], error) {
	var out api.Page[api.LedgerMessage]
	query := paging(limit, after)
	if state != "" {
		query.Set("state", string(state))
	}
	err := c.get(ctx, "/v1/messages", query, &out)
	return out, err
}

// SettleMessage says what became of a message whose fate is unknown.
func (c *Client) SettleMessage(ctx context.Context, id string, said api.MessageSettlement) error {
	body, err := json.Marshal(said)
	if err != nil {
		return fmt.Errorf("write settlement: %w", err)
	}
	return c.do(ctx, &call{method: http.MethodPost, path: "/v1/messages/" + url.PathEscape(id) + "/settle", body: body})
}

// Jobs returns a page of jobs, or only of the open ones, the newest first.
func (c *Client) Jobs(ctx context.Context, open bool, limit int, after string) (api.Page[crm.Job], error) {
	var out api.Page[crm.Job]
	query := paging(limit, after)
	if open {
		query.Set("state", "open")
	}
	err := c.get(ctx, "/v1/jobs", query, &out)
	return out, err
}

func (c *Client) get(ctx context.Context, path string, query url.Values, out any) error {
	return c.do(ctx, &call{method: http.MethodGet, path: path, query: query, out: out, repeatable: true})
}

func paging(limit int, after string) url.Values {
	query := url.Values{}
	if limit > 0 {
		query.Set("limit", strconv.Itoa(limit))
	}
	if after != "" {
		query.Set("after", after)
	}
	return query
}

// PreviewMessage returns a message as it would go to a candidate.
func (c *Client) PreviewMessage(ctx context.Context, ask api.MessagePreview) (dsl.Preview, error) {
	var out dsl.Preview
	body, err := json.Marshal(ask)
	if err != nil {
		return out, fmt.Errorf("write preview: %w", err)
	}
	err = c.do(ctx, &call{method: http.MethodPost, path: "/v1/messages/preview", body: body, out: &out, repeatable: true})
	return out, err
}
