package client

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/crm"
)

// AuditQuery says which entries of the audit log are meant. Empty fields do not filter.
type AuditQuery struct {
	Candidate, Actor, Action, Kind string
	From, To                       time.Time
}

func (q *AuditQuery) values(into url.Values) url.Values {
	for name, value := range map[string]string{"candidate": q.Candidate, "actor": q.Actor, "action": q.Action, "kind": q.Kind} {
		if value != "" {
			into.Set(name, value)
		}
	}
	for name, at := range map[string]time.Time{"from": q.From, "to": q.To} {
		if !at.IsZero() {
			into.Set(name, at.UTC().Format(time.RFC3339Nano))
		}
	}
	return into
}

// Audit returns a page of the audit log, the newest first. after is the cursor of the page before, or "".
func (c *Client) Audit(ctx context.Context, q *AuditQuery, limit int, after string) (api.Page[crm.AuditLine], error) {
	var out api.Page[crm.AuditLine]
	err := c.get(ctx, "/v1/audit", q.values(paging(limit, after)), &out)
	return out, err
}

// ExportAudit returns an export of the audit log, to be read to its end and closed: crm.VerifyAudit checks it. With openings it says whom
// entries are about, as far as that is known.
func (c *Client) ExportAudit(ctx context.Context, from, to time.Time, openings bool) (io.ReadCloser, error) {
	query := (&AuditQuery{From: from, To: to}).values(url.Values{})
	if openings {
		query.Set("openings", "true")
	}
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
	var out api.CreatedKey
	text, err := json.Marshal(key)
	if err != nil {
		return out, fmt.Errorf("write key: %w", err)
	}
	err = c.do(ctx, &call{method: http.MethodPost, path: "/v1/keys", body: text, out: &out})
	return out, err
}

// Keys returns all API keys, revoked ones too.
func (c *Client) Keys(ctx context.Context) ([]api.Key, error) {
	var out api.KeyList
	err := c.get(ctx, "/v1/keys", nil, &out)
	return out.Items, err
}

// RevokeKey ends an API key for good.
func (c *Client) RevokeKey(ctx context.Context, id string) error {
	return c.do(ctx, &call{method: http.MethodDelete, path: "/v1/keys/" + url.PathEscape(id), repeatable: true})
}
