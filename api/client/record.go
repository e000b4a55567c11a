package client

import (
	"context"

	processing "github.com/rapport-crm/rapport/dsl/record"
)

// Record returns the record of processing activities.
func (c *Client) Record(ctx context.Context) (*processing.Record, error) {
	return get[*processing.Record](ctx, c, "/v1/record-of-processing", nil)
}
