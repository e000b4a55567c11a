package client

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/crm"
)

// AuditQuery says which entries of the audit log are meant. Empty fields do not filter.
type AuditQuery struct {
	Candidate, Actor, Action, Kind string
	From, To                       time.Time
}

func (q *AuditQuery) pairs() []string {
	return []string{
		"candidate", q.Candidate, "actor", q.Actor, "action", q.Action, "kind", q.Kind, "from", instant(q.From), "to", instant(q.To),
	}
}

// instant is a time in a query; the zero time is left out.
func instant(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(time.RFC3339Nano)
}

// Audit returns a page of the audit log, the newest first. after is the cursor of the page before, or "".
func (c *Client) Audit(ctx context.Context, q *AuditQuery, limit int, after string) (api.Page[crm.AuditLine], error) {
	return get[api.Page[crm.AuditLine]](ctx, c, "/v1/audit", paging(limit, after, q.pairs()...))
}

// ExportAudit returns an export of the audit log, to be read to its end and closed: crm.VerifyAudit checks it. With openings it says whom
// entries are about, as far as that is known.
func (c *Client) ExportAudit(ctx context.Context, from, to time.Time, openings bool) (io.ReadCloser, error) {
	query := where("from", instant(from), "to", instant(to), "openings", flag(openings))
	patient := *c
	patient.http = &http.Client{} // a long log takes longer than an answer may
	response, err := patient.send(ctx, &call{method: http.MethodGet, path: "/v1/audit/export", query: query})
	if err != nil {
		return nil, unreachable(ctx, c.base, err)
	}
	if response.StatusCode == http.StatusOK {
		return response.Body, nil
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return nil, unreachable(ctx, c.base, err)
	}
	return nil, problem(c.base, response, text)
}

// CreateKey makes an API key. Its secret is in the answer and nowhere else.
func (c *Client) CreateKey(ctx context.Context, key *api.NewKey) (api.CreatedKey, error) {
	return post[api.CreatedKey](ctx, c, "/v1/keys", key)
}

// Keys returns all API keys, revoked ones too.
func (c *Client) Keys(ctx context.Context) ([]api.Key, error) {
	return list[api.Key](ctx, c, "/v1/keys", nil)
}

// RevokeKey ends an API key for good.
func (c *Client) RevokeKey(ctx context.Context, id string) error {
	return c.do(ctx, &call{method: http.MethodDelete, path: path("keys", id), repeatable: true})
}
