package client

import (
	"context"

	processing "github.com/rapport-crm/rapport/dsl/record"
)

// Record returns the record of processing activities.
func (c *Client) Record(ctx context.Context) (*processing.Record, error) {
	var out processing.Record
	err := c.get(ctx, "/v1/record-of-processing", nil, &out)
	return &out, err
}
