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

// AddHold places a legal hold.
func (c *Client) AddHold(ctx context.Context, h *api.NewHold) (crm.Hold, error) {
	var out crm.Hold
	err := c.post(ctx, "/v1/holds", h, &out)
	return out, err
}

// Holds returns a page of legal holds, the newest first: of a candidate, or all for ""; also those that are over with ended.
func (c *Client) Holds(ctx context.Context, candidate string, ended bool, limit int, after string) (api.Page[crm.Hold], error) {
	var out api.Page[crm.Hold]
	err := c.get(ctx, "/v1/holds", filtered(candidate, ended, limit, after), &out)
	return out, err
}

// LiftHold ends a legal hold.
func (c *Client) LiftHold(ctx context.Context, id string) (crm.Hold, error) {
	var out crm.Hold
	err := c.post(ctx, "/v1/holds/"+url.PathEscape(id)+"/lift", nil, &out)
	return out, err
}

// OpenRequest writes down a request of a candidate. While one of the same kind is open, that one is returned.
func (c *Client) OpenRequest(ctx context.Context, r *api.NewRequest) (api.OpenedRequest, error) {
	var out api.OpenedRequest
	err := c.post(ctx, "/v1/requests", r, &out)
	return out, err
}

// Requests returns a page of requests, the newest first: of a candidate, or all for ""; also those that are closed with closed.
func (c *Client) Requests(ctx context.Context, candidate string, closed bool, limit int, after string) (api.Page[crm.PrivacyRequest], error) {
	var out api.Page[crm.PrivacyRequest]
	err := c.get(ctx, "/v1/requests", filtered(candidate, closed, limit, after), &out)
	return out, err
}

// ChangeRequest verifies, answers, refuses, extends or withdraws a request, as verb says; what is its body, or nil.
func (c *Client) ChangeRequest(ctx context.Context, id, verb string, what any) (crm.PrivacyRequest, error) {
	var out crm.PrivacyRequest
	err := c.post(ctx, "/v1/requests/"+url.PathEscape(id)+"/"+verb, what, &out)
	return out, err
}

// Grounds lists the grounds on which a request can be refused.
func (c *Client) Grounds(ctx context.Context) ([]crm.Refusal, error) {
	var out []crm.Refusal
	err := c.get(ctx, "/v1/requests/grounds", nil, &out)
	return out, err
}

// ExportRequest returns the ZIP of the data that a request is for.
func (c *Client) ExportRequest(ctx context.Context, id string) ([]byte, error) {
	var out []byte
	err := c.get(ctx, "/v1/requests/"+url.PathEscape(id)+"/export", nil, &out)
	return out, err
}

// post sends what, as JSON, to be done once: it is not sent again when no answer comes.
func (c *Client) post(ctx context.Context, path string, what, out any) error {
	var body []byte
	if what != nil {
		var err error
		if body, err = json.Marshal(what); err != nil {
			return fmt.Errorf("write request: %w", err)
		}
	}
	return c.do(ctx, &call{method: http.MethodPost, path: path, body: body, out: out})
}

func filtered(candidate string, all bool, limit int, after string) url.Values {
	query := paging(limit, after)
	if candidate != "" {
		query.Set("candidate", candidate)
	}
	if all {
		query.Set("all", "true")
	}
	return query
}
