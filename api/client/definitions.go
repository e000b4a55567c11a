package client

import (
	"context"
	"net/http"

	"github.com/rapport-crm/rapport/api"
)

// ApplyDefinitions publishes definitions. When they have errors the error is an *Error whose Problems lists them all.
func (c *Client) ApplyDefinitions(ctx context.Context, files []api.DefinitionFile) (api.AppliedDefinitions, error) {
	return c.Publish(ctx, api.DefinitionFiles{Files: files})
}

// Publish publishes definitions, or with Prune what is in force instead. With the fingerprint of a plan it is refused, with
// api.CodeConflict, when something has drifted since.
func (c *Client) Publish(ctx context.Context, set api.DefinitionFiles) (out api.AppliedDefinitions, err error) {
	// With a fingerprint it is not repeated: after the first time the definitions in force are not those of the plan.
	err = c.do(ctx, &call{method: http.MethodPut, path: "/v1/definitions", given: set, out: &out, repeatable: set.Confirmed == ""})
	return out, err
}

// Plan says what publishing definitions would change. When they have errors the error is an *Error whose Problems lists them
// all.
func (c *Client) Plan(ctx context.Context, set api.DefinitionFiles) (api.DefinitionPlan, error) {
	return change[api.DefinitionPlan](ctx, c, http.MethodPost, "/v1/definitions/plan", nil, set)
}

// MigrateRuns moves open runs of a sequence to the version in force, some of them: it is to be called with Next until there is
// none.
func (c *Client) MigrateRuns(ctx context.Context, sequence, after string) (api.Migrated, error) {
	return change[api.Migrated](ctx, c, http.MethodPost, path("definitions", "sequence", sequence, "migrate"), where("after", after), nil)
}

// StopRuns stops open runs of a sequence that is not in force, some of them: it is to be called with Next until there is none.
func (c *Client) StopRuns(ctx context.Context, sequence, after string) (api.Stopped, error) {
	return change[api.Stopped](ctx, c, http.MethodPost, path("definitions", "sequence", sequence, "stop"), where("after", after), nil)
}
