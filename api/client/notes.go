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

// AddNote adds a note about a candidate, who is named by id or external id. key makes a note without an id idempotent: another
// note has another key.
func (c *Client) AddNote(ctx context.Context, candidate string, note *api.NewNote, key string) (api.KeptNote, error) {
	var out api.KeptNote
	body, err := json.Marshal(note)
	if err != nil {
		return out, fmt.Errorf("write note: %w", err)
	}
	header := http.Header{}
	if key != "" {
		header.Set("Idempotency-Key", key)
	}
	err = c.do(ctx, &call{
		method: http.MethodPost, path: "/v1/candidates/" + url.PathEscape(candidate) + "/notes", header: header, body: body, out: &out,
		repeatable: key != "" || note.ID != "",
	})
	return out, err
}

// Notes returns a page of the notes about a candidate, the newest first. after is the cursor of the page before, or "".
func (c *Client) Notes(ctx context.Context, candidate string, limit int, after string) (api.Page[crm.Remark], error) {
	var out api.Page[crm.Remark]
	err := c.get(ctx, "/v1/candidates/"+url.PathEscape(candidate)+"/notes", paging(limit, after), &out)
	return out, err
}
