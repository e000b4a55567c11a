package client

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
)

// UpsertCandidates creates or changes up to api.MaxEvents candidates, each of which has an external id. A telephone number that cannot
// be read is kept with a warning: the candidate counts for more than a text.
func (c *Client) UpsertCandidates(ctx context.Context, items []json.RawMessage) (api.CandidateResults, error) {
	return change[api.CandidateResults](ctx, c, http.MethodPost, "/v1/candidates/batch", where("keep_numbers", "true"), map[string]any{"items": items})
}

// Candidate returns a candidate by id or external id.
func (c *Client) Candidate(ctx context.Context, id string) (api.CandidateDetails, error) {
	return get[api.CandidateDetails](ctx, c, path("candidates", id), nil)
}

// Candidates returns a page of candidates, the newest first. after is the cursor of the page before, or "".
func (c *Client) Candidates(ctx context.Context, limit int, after string) (api.Page[crm.Candidate], error) {
	return get[api.Page[crm.Candidate]](ctx, c, "/v1/candidates", paging(limit, after))
}

// Merge merges a candidate into another who is the same person. Both are named by id or external id.
func (c *Client) Merge(ctx context.Context, from, into string) (api.MergedCandidate, error) {
	return change[api.MergedCandidate](ctx, c, http.MethodPost, path("candidates", from, "merge"), nil, api.CandidateMerge{Into: into})
}

// SendBatch sends up to api.MaxEvents events, CloudEvents or simple ones. key makes simple events without an id idempotent:
// another batch has another key. With recordOnly they are history, on which nothing starts or wakes up.
func (c *Client) SendBatch(ctx context.Context, events []json.RawMessage, key string, recordOnly bool) (out api.EventResults, err error) {
	err = c.do(ctx, &call{
		method: http.MethodPost, path: "/v1/events", query: where("record_only", flag(recordOnly)), header: keyed(key), given: events, out: &out,
		repeatable: key != "",
	})
	return out, err
}

// Definitions lists the definitions in force, without their YAML.
func (c *Client) Definitions(ctx context.Context) ([]api.Definition, error) {
	return list[api.Definition](ctx, c, "/v1/definitions", nil)
}

// Definition returns one definition with its YAML; version 0 is the one in force.
func (c *Client) Definition(ctx context.Context, kind, name string, version int) (api.Definition, error) {
	return get[api.Definition](ctx, c, path("definitions", kind, name), where("version", number(version)))
}

// Timeline returns a page of a candidate's timeline, the oldest first. after is the cursor of the page before, or "".
func (c *Client) Timeline(ctx context.Context, candidate string, limit int, after string) (api.Page[api.TimelineEntry], error) {
	return get[api.Page[api.TimelineEntry]](ctx, c, path("candidates", candidate, "timeline"), paging(limit, after))
}

// Events returns a page of a candidate's events with all of their data, the oldest first. after is the cursor of the page
// before, or "". The key needs api.ScopeEventsRead.
func (c *Client) Events(ctx context.Context, candidate string, limit int, after string) (api.Page[crm.Event], error) {
	return get[api.Page[crm.Event]](ctx, c, path("candidates", candidate, "events"), paging(limit, after))
}

// Enrollments returns a page of a candidate's enrollments, or with "" of everybody's, the newest first.
func (c *Client) Enrollments(ctx context.Context, candidate string, limit int, after string) (api.Page[api.EnrollmentDetails], error) {
	return get[api.Page[api.EnrollmentDetails]](ctx, c, "/v1/enrollments", paging(limit, after, "candidate", candidate))
}

// Enroll asks for a run by hand and returns the id of the event that this became.
func (c *Client) Enroll(ctx context.Context, request api.EnrollmentRequest) (eventID string, err error) {
	out, err := post[api.Requested](ctx, c, "/v1/enrollments", request)
	return out.Event, err
}

// Tell pauses, resumes or stops an enrollment: verb is pause, resume or stop.
func (c *Client) Tell(ctx context.Context, enrollment, verb string) error {
	return c.do(ctx, &call{method: http.MethodPost, path: path("enrollments", enrollment, verb)})
}

// Tasks returns a page of tasks in a state, or with "" of all, the newest first.
func (c *Client) Tasks(ctx context.Context, state crm.TaskState, limit int, after string) (api.Page[crm.Task], error) {
	return get[api.Page[crm.Task]](ctx, c, "/v1/tasks", paging(limit, after, "state", string(state)))
}

// Messages returns a page of messages in a state, or with "" of all, the newest first.
func (c *Client) Messages(ctx context.Context, state crm.MessageState, limit int, after string) (api.Page[api.LedgerMessage], error) {
	return get[api.Page[api.LedgerMessage]](ctx, c, "/v1/messages", paging(limit, after, "state", string(state)))
}

// SettleMessage says what became of a message whose fate is unknown.
func (c *Client) SettleMessage(ctx context.Context, id string, said api.MessageSettlement) error {
	return c.do(ctx, &call{method: http.MethodPost, path: path("messages", id, "settle"), given: said})
}

// PreviewMessage returns a message as it would go to a candidate.
func (c *Client) PreviewMessage(ctx context.Context, ask api.MessagePreview) (dsl.Preview, error) {
	return change[dsl.Preview](ctx, c, http.MethodPost, "/v1/messages/preview", nil, ask)
}

// Jobs returns a page of jobs, or only of the open ones, the newest first.
func (c *Client) Jobs(ctx context.Context, open bool, limit int, after string) (api.Page[crm.Job], error) {
	state := ""
	if open {
		state = "open"
	}
	return get[api.Page[crm.Job]](ctx, c, "/v1/jobs", paging(limit, after, "state", state))
}
