package client

import (
	"context"
	"net/http"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/crm"
)

// Erase erases a candidate, who is named by id or external id. Asked again, it answers with the same receipt.
func (c *Client) Erase(ctx context.Context, candidate string, request api.ErasureRequest) (api.Erasure, error) {
	return change[api.Erasure](ctx, c, http.MethodPost, path("candidates", candidate, "erase"), nil, request)
}

// Erasures returns a page of receipts in the order of their numbers: of whoever went by a name, or all for "".
func (c *Client) Erasures(ctx context.Context, candidate string, limit int, after string) (api.Page[api.Erasure], error) {
	return get[api.Page[api.Erasure]](ctx, c, "/v1/erasures", paging(limit, after, "candidate", candidate))
}

// PastCounts returns what is counted of people who were anonymized.
func (c *Client) PastCounts(ctx context.Context) ([]crm.PastCount, error) {
	return get[[]crm.PastCount](ctx, c, "/v1/erasures/counts", nil)
}
