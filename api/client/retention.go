package client

import (
	"context"
	"strconv"
	"time"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/crm"
)

// Retention says how long a candidate's data are kept, and why. They are named by id or external id.
func (c *Client) Retention(ctx context.Context, candidate string) (api.RetentionAnswer, error) {
	return get[api.RetentionAnswer](ctx, c, path("candidates", candidate, "retention"), nil)
}

// RetentionRuns returns runs of a policy, or of all for "", the newest first.
func (c *Client) RetentionRuns(ctx context.Context, policy string, open bool, limit int) ([]crm.RetentionRun, error) {
	return list[crm.RetentionRun](ctx, c, "/v1/retention/runs", where("policy", policy, "open", flag(open), "limit", number(limit)))
}

// RetentionPlan returns a part of whom a policy, or all for "", would tell and take: the first for a zero at, the one after another by its
// at and next.
func (c *Client) RetentionPlan(ctx context.Context, policy string, days int, list bool, at time.Time, after string) (api.RetentionPlan, error) {
	return get[api.RetentionPlan](ctx, c, "/v1/retention/plan",
		where("policy", policy, "days", strconv.Itoa(days), "list", flag(list), "at", instant(at), "after", after))
}

// RunRetention has a policy run now, beside its daily runs.
func (c *Client) RunRetention(ctx context.Context, policy string) (crm.RetentionRun, error) {
	return post[crm.RetentionRun](ctx, c, path("retention", policy, "runs"), nil)
}

// ConfirmRetention has a run go on that asks.
func (c *Client) ConfirmRetention(ctx context.Context, policy, day string) (crm.RetentionRun, error) {
	return post[crm.RetentionRun](ctx, c, path("retention", policy, "runs", day, "confirm"), nil)
}

// StopRetention stops a run.
func (c *Client) StopRetention(ctx context.Context, policy, day string) (crm.RetentionRun, error) {
	return post[crm.RetentionRun](ctx, c, path("retention", policy, "runs", day, "stop"), nil)
}
