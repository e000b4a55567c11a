package client

import (
	"context"
	"net/http"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/crm"
)

// SuppressionQuery says which suppressions are meant. Empty fields do not filter.
type SuppressionQuery struct {
	Channel crm.Channel
	Address string // needs the channel
	Reason  crm.SuppressionReason
}

func (q *SuppressionQuery) pairs() []string {
	return []string{"channel", string(q.Channel), "address", q.Address, "reason", string(q.Reason)}
}

// Suppressions returns a page of the suppressed addresses, the newest first.
func (c *Client) Suppressions(ctx context.Context, q SuppressionQuery, limit int, after string) (api.Page[api.SuppressedAddress], error) {
	return get[api.Page[api.SuppressedAddress]](ctx, c, "/v1/suppressions", paging(limit, after, q.pairs()...))
}

// Suppress puts up to 1,000 addresses on the list.
func (c *Client) Suppress(ctx context.Context, items []api.SuppressionInput) (int, error) {
	out, err := change[api.SuppressedCount](ctx, c, http.MethodPost, "/v1/suppressions", nil, api.SuppressionBatch{Items: items})
	return out.Suppressed, err
}

// Unsuppress takes an address off the list for a reason.
func (c *Client) Unsuppress(ctx context.Context, q SuppressionQuery) error {
	return c.do(ctx, &call{method: http.MethodDelete, path: "/v1/suppressions", query: where(q.pairs()...)})
}

// SyncSuppressions has a worker read the provider's own lists now.
func (c *Client) SyncSuppressions(ctx context.Context) error {
	return c.do(ctx, &call{method: http.MethodPost, path: "/v1/suppressions/sync", repeatable: true})
}

// SyncedLists says how far they were read.
func (c *Client) SyncedLists(ctx context.Context) ([]api.SyncedList, error) {
	return list[api.SyncedList](ctx, c, "/v1/suppressions/sync", nil)
}
