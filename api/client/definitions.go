package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"github.com/rapport-crm/rapport/api"
)

// ApplyDefinitions publishes definitions. When they have errors the error is an *Error whose Problems lists them all.
func (c *Client) ApplyDefinitions(ctx context.Context, files []api.DefinitionFile) (api.AppliedDefinitions, error) {
	return c.Publish(ctx, api.DefinitionFiles{Files: files})
}

// Publish publishes definitions, or with Prune what is in force instead. With the fingerprint of a plan it is refused, with
// api.CodeConflict, when something has drifted since.
func (c *Client) Publish(ctx context.Context, set api.DefinitionFiles) (api.AppliedDefinitions, error) {
	var out api.AppliedDefinitions
	body, err := json.Marshal(set)
	if err != nil {
		return out, fmt.Errorf("write definitions: %w", err)
	}
	// With a fingerprint it is not repeated: after the first time the definitions in force are not those of the plan.
	err = c.do(ctx, &call{method: http.MethodPut, path: "/v1/definitions", body: body, out: &out, repeatable: set.Confirmed == ""})
	return out, err
}

// Plan says what publishing definitions would change. When they have errors the error is an *Error whose Problems lists them
// all.
func (c *Client) Plan(ctx context.Context, set api.DefinitionFiles) (api.DefinitionPlan, error) {
	var out api.DefinitionPlan
	body, err := json.Marshal(set)
	if err != nil {
		return out, fmt.Errorf("write definitions: %w", err)
	}
	err = c.do(ctx, &call{method: http.MethodPost, path: "/v1/definitions/plan", body: body, out: &out, repeatable: true})
	return out, err
}

// MigrateRuns moves open runs of a sequence to the version in force, some of them: it is to be called with Next until there is
// none.
func (c *Client) MigrateRuns(ctx context.Context, sequence, after string) (api.Migrated, error) {
	var out api.Migrated
	err := c.do(ctx, &call{
		method: http.MethodPost, path: "/v1/definitions/sequence/" + url.PathEscape(sequence) + "/migrate", query: cursor(after), out: &out, repeatable: true,
	})
	return out, err
}

// StopRuns stops open runs of a sequence that is not in force, some of them: it is to be called with Next until there is none.
func (c *Client) StopRuns(ctx context.Context, sequence, after string) (api.Stopped, error) {
	var out api.Stopped
	err := c.do(ctx, &call{
		method: http.MethodPost, path: "/v1/definitions/sequence/" + url.PathEscape(sequence) + "/stop", query: cursor(after), out: &out, repeatable: true,
	})
	return out, err
}

func cursor(after string) url.Values {
	if after == "" {
		return nil
	}
	return url.Values{"after": {after}}
}
