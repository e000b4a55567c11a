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

// SuppressionQuery says which suppressions are meant. Empty fields do not filter.
type SuppressionQuery struct {
	Channel crm.Channel
	Address string // needs the channel
	Reason  crm.SuppressionReason
}

func (q *SuppressionQuery) values(into url.Values) url.Values {
	for name, value := range map[string]string{"channel": string(q.Channel), "address": q.Address, "reason": string(q.Reason)} {
		if value != "" {
			into.Set(name, value)
		}
	}
	return into
}

// Suppressions returns a page of the suppressed addresses, the newest first.
func (c *Client) Suppressions(ctx context.Context, q SuppressionQuery, limit int, after string) (api.Page[api.SuppressedAddress], error) {
	var out api.Page[api.SuppressedAddress]
	err := c.get(ctx, "/v1/suppressions", q.values(paging(limit, after)), &out)
	return out, err
}

// Suppress puts up to 1,000 addresses on the list.
func (c *Client) Suppress(ctx context.Context, items []api.SuppressionInput) (int, error) {
	body, err := json.Marshal(api.SuppressionBatch{Items: items})
	if err != nil {
		return 0, fmt.Errorf("write suppressions: %w", err)
	}
	var out api.SuppressedCount
	err = c.do(ctx, &call{method: http.MethodPost, path: "/v1/suppressions", body: body, out: &out, repeatable: true})
	return out.Suppressed, err
}

// Unsuppress takes an address off the list for a reason.
func (c *Client) Unsuppress(ctx context.Context, q SuppressionQuery) error {
	return c.do(ctx, &call{method: http.MethodDelete, path: "/v1/suppressions", query: q.values(url.Values{})})
}

// SyncSuppressions has a worker read the provider's own lists now.
func (c *Client) SyncSuppressions(ctx context.Context) error {
	return c.do(ctx, &call{method: http.MethodPost, path: "/v1/suppressions/sync", repeatable: true})
}

// SyncedLists says how far they were read.
func (c *Client) SyncedLists(ctx context.Context) ([]api.SyncedList, error) {
	var out api.Page[api.SyncedList]
	err := c.get(ctx, "/v1/suppressions/sync", nil, &out)
	return out.Items, err
}
