package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/crm"
)

// Retention says how long a candidate's data are kept, and why. They are named by id or external id.
func (c *Client) Retention(ctx context.Context, candidate string) (api.RetentionAnswer, error) {
	var out api.RetentionAnswer
	err := c.get(ctx, "/v1/candidates/"+url.PathEscape(candidate)+"/retention", nil, &out)
	return out, err
}

// RetentionRuns returns runs of a policy, or of all for "", the newest first.
func (c *Client) RetentionRuns(ctx context.Context, policy string, open bool, limit int) ([]crm.RetentionRun, error) {
	var out api.Page[crm.RetentionRun]
	query := url.Values{"limit": {strconv.Itoa(limit)}, "open": {strconv.FormatBool(open)}}
	if policy != "" {
		query.Set("policy", policy)
	}
	err := c.get(ctx, "/v1/retention/runs", query, &out)
	return out.Items, err
}

// RetentionPlan returns a part of whom a policy, or all for "", would tell and take: the first for a zero at, the one after another by its
// at and next.
func (c *Client) RetentionPlan(ctx context.Context, policy string, days int, list bool, at time.Time, after string) (api.RetentionPlan, error) {
	var out api.RetentionPlan
	query := url.Values{"days": {strconv.Itoa(days)}, "list": {strconv.FormatBool(list)}}
	if policy != "" {
		query.Set("policy", policy)
	}
	if !at.IsZero() {
		query.Set("at", at.Format(time.RFC3339Nano))
		query.Set("after", after)
	}
	err := c.get(ctx, "/v1/retention/plan", query, &out)
	return out, err
}

// RunRetention has a policy run now, beside its daily runs.
func (c *Client) RunRetention(ctx context.Context, policy string) (crm.RetentionRun, error) {
	return c.retentionRun(ctx, policy, "")
}

// ConfirmRetention has a run go on that asks.
func (c *Client) ConfirmRetention(ctx context.Context, policy, day string) (crm.RetentionRun, error) {
	return c.retentionRun(ctx, policy, "/"+url.PathEscape(day)+"/confirm")
}

// StopRetention stops a run.
func (c *Client) StopRetention(ctx context.Context, policy, day string) (crm.RetentionRun, error) {
	return c.retentionRun(ctx, policy, "/"+url.PathEscape(day)+"/stop")
}

func (c *Client) retentionRun(ctx context.Context, policy, what string) (crm.RetentionRun, error) {
	var out crm.RetentionRun
	err := c.do(ctx, &call{method: http.MethodPost, path: "/v1/retention/" + url.PathEscape(policy) + "/runs" + what, out: &out})
	return out, err
}
