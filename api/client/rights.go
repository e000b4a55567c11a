package client

import (
	"context"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/crm"
)

// AddHold places a legal hold.
func (c *Client) AddHold(ctx context.Context, h *api.NewHold) (crm.Hold, error) {
	return post[crm.Hold](ctx, c, "/v1/holds", h)
}

// Holds returns a page of legal holds, the newest first: of a candidate, or all for ""; also those that are over with ended.
func (c *Client) Holds(ctx context.Context, candidate string, ended bool, limit int, after string) (api.Page[crm.Hold], error) {
	return get[api.Page[crm.Hold]](ctx, c, "/v1/holds", paging(limit, after, "candidate", candidate, "all", flag(ended)))
}

// LiftHold ends a legal hold.
func (c *Client) LiftHold(ctx context.Context, id string) (crm.Hold, error) {
	return post[crm.Hold](ctx, c, path("holds", id, "lift"), nil)
}

// OpenRequest writes down a request of a candidate. While one of the same kind is open, that one is returned.
func (c *Client) OpenRequest(ctx context.Context, r *api.NewRequest) (api.OpenedRequest, error) {
	return post[api.OpenedRequest](ctx, c, "/v1/requests", r)
}

// Requests returns a page of requests, the newest first: of a candidate, or all for ""; also those that are closed with closed.
func (c *Client) Requests(ctx context.Context, candidate string, closed bool, limit int, after string) (api.Page[crm.PrivacyRequest], error) {
	return get[api.Page[crm.PrivacyRequest]](ctx, c, "/v1/requests", paging(limit, after, "candidate", candidate, "all", flag(closed)))
}

// ChangeRequest verifies, answers, refuses, extends or withdraws a request, as verb says; what is its body, or nil.
func (c *Client) ChangeRequest(ctx context.Context, id, verb string, what any) (crm.PrivacyRequest, error) {
	return post[crm.PrivacyRequest](ctx, c, path("requests", id, verb), what)
}

// Grounds lists the grounds on which a request can be refused.
func (c *Client) Grounds(ctx context.Context) ([]crm.Refusal, error) {
	return get[[]crm.Refusal](ctx, c, "/v1/requests/grounds", nil)
}

// ExportRequest returns the ZIP of the data that a request is for.
func (c *Client) ExportRequest(ctx context.Context, id string) ([]byte, error) {
	return get[[]byte](ctx, c, path("requests", id, "export"), nil)
}
