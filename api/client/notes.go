package client

import (
	"context"
	"net/http"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/crm"
)

// AddNote adds a note about a candidate, who is named by id or external id. key makes a note without an id idempotent: another
// note has another key.
func (c *Client) AddNote(ctx context.Context, candidate string, note *api.NewNote, key string) (out api.KeptNote, err error) {
	err = c.do(ctx, &call{
		method: http.MethodPost, path: path("candidates", candidate, "notes"), header: keyed(key), given: note, out: &out,
		repeatable: key != "" || note.ID != "",
	})
	return out, err
}

// Notes returns a page of the notes about a candidate, the newest first. after is the cursor of the page before, or "".
func (c *Client) Notes(ctx context.Context, candidate string, limit int, after string) (api.Page[crm.Remark], error) {
	return get[api.Page[crm.Remark]](ctx, c, path("candidates", candidate, "notes"), paging(limit, after))
}
