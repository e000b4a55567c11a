package client

import (
	"context"
	"net/http"
	"net/url"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/crm"
)

// Erase erases a candidate, who is named by id or external id. Asked again, it answers with the same receipt.
func (c *Client) Erase(ctx context.Context, candidate string, request api.ErasureRequest) (api.Erasure, error) {
	var out api.Erasure
	err := c.change(ctx, http.MethodPost, "/v1/candidates/"+url.PathEscape(candidate)+"/erase", nil, request, &out)
	return out, err
}

// Erasures returns a page of receipts in the order of their numbers: of whoever went by a name, or all for "".
func (c *Client) Erasures(ctx context.Context, candidate string, limit int, after string) (api.Page[api.Erasure], error) {
	var out api.Page[api.Erasure]
	query := paging(limit, after)
	if candidate != "" {
		query.Set("candidate", candidate)
	}
	err := c.get(ctx, "/v1/erasures", query, &out)
	return out, err
}

// PastCounts returns what is counted of people who were anonymized.
func (c *Client) PastCounts(ctx context.Context) ([]crm.PastCount, error) {
	var out []crm.PastCount
	err := c.get(ctx, "/v1/erasures/counts", nil, &out)
	return out, err
}
