package sendgrid

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/sendgrid/rest"
	sg "github.com/sendgrid/sendgrid-go"

	"github.com/rapport-crm/rapport/activities/provider"
	"github.com/rapport-crm/rapport/crm"
)

// Name is the name under which receipts are known.
func (c *Client) Name() string { return Provider }

// Find looks a message up in the account's Email Activity Feed by the custom argument that carries its id. The feed is an
// extra that an account has to buy: one that has none says so once, and is not asked again. That the feed does not show a
// message proves nothing: it lags behind, and SendGrid promises no time.
func (c *Client) Find(ctx context.Context, l crm.Lookup) (crm.Finding, error) {
	if c.noFeed.Load() {
		return crm.Finding{}, crm.ErrNoListing
	}
	request := sg.GetRequest(c.config.APIKey, "/v3/messages", c.config.BaseURL)
	request.Method = rest.Get
	request.QueryParams = map[string]string{"limit": "10", "query": fmt.Sprintf("(unique_args['%s']=%q)", messageArg, l.MessageID)}
	ctx, attempt := provider.Watch(ctx)
	response, err := c.http.SendWithContext(ctx, request)
	if err != nil {
		return crm.Finding{}, attempt.Failure(fmt.Errorf("list activity: %w", err))
	}
	switch status := response.StatusCode; {
	case status == http.StatusForbidden, status == http.StatusNotFound:
		c.noFeed.Store(true)
		return crm.Finding{}, crm.ErrNoListing
	case status != http.StatusOK:
		return crm.Finding{}, provider.Answer(status, response.Headers, "", time.Now(), refusal(response.Body))
	}
	return readFeed(response.Body)
}

func readFeed(body string) (crm.Finding, error) {
	var feed struct {
		Messages []struct {
			ID string `json:"msg_id"`
		} `json:"messages"`
	}
	if err := json.Unmarshal([]byte(body), &feed); err != nil {
		return crm.Finding{}, &crm.SendError{Class: crm.SendUnknown, Code: "bad_answer", Err: errors.New("activity is not readable")}
	}
	var finding crm.Finding
	for _, m := range feed.Messages {
		id, _, _ := strings.Cut(m.ID, ".") // what Send got as X-Message-Id, then parts of SendGrid's own
		finding.Sightings = append(finding.Sightings, crm.Sighting{ProviderID: id, Exact: true})
	}
	return finding, nil
}
