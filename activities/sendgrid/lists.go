package sendgrid

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/sendgrid/rest"
	sg "github.com/sendgrid/sendgrid-go"

	"github.com/rapport-crm/rapport/activities/provider"
	"github.com/rapport-crm/rapport/crm"
)

// listPage is how many addresses one request asks for: the most that SendGrid gives.
const listPage = 500

// lists are SendGrid's suppression lists, with what being on one means. Blocks are not among them: SendGrid goes on delivering
// to a blocked address, so it says nothing of the next message.
func lists() map[string]crm.SuppressionReason {
	return map[string]crm.SuppressionReason{
		"bounces": crm.SuppressedBounce, "invalid_emails": crm.SuppressedBounce, "spam_reports": crm.SuppressedComplaint,
		"unsubscribes": crm.SuppressedUnsubscribe,
	}
}

// Lists names the lists that Listed reads.
func (c *Client) Lists() []string {
	return []string{"bounces", "invalid_emails", "spam_reports", "unsubscribes"}
}

// Listed returns a page of the addresses that a list got from a moment on (whole seconds, both ends included), from an offset.
// Every error is a *crm.SendError; a retry says when.
func (c *Client) Listed(ctx context.Context, list string, since, until time.Time, offset int) (crm.AddressList, error) {
	reason, known := lists()[list]
	if !known {
		return crm.AddressList{}, &crm.SendError{Class: crm.SendRefused, Code: "no_such_list", Err: fmt.Errorf("list %q is not one of SendGrid's", list)}
	}
	request := sg.GetRequest(c.config.APIKey, "/v3/suppression/"+list, c.config.BaseURL)
	request.Method = rest.Get
	request.QueryParams = map[string]string{
		"start_time": strconv.FormatInt(max(since.Unix(), 1), 10), "end_time": strconv.FormatInt(until.Unix(), 10),
		"limit": strconv.Itoa(listPage), "offset": strconv.Itoa(offset),
	}
	body, err := c.ask(ctx, request, "read list "+list)
	if err != nil {
		return crm.AddressList{}, err
	}
	var entries []struct {
		Email   string `json:"email"`
		Created int64  `json:"created"`
	}
	if err := json.Unmarshal([]byte(body), &entries); err != nil {
		return crm.AddressList{}, &crm.SendError{Class: crm.SendUnknown, Code: "bad_answer", Err: errors.New("list is not readable")}
	}
	page := crm.AddressList{More: len(entries) == listPage}
	for _, e := range entries {
		if e.Email != "" {
			page.Addresses = append(page.Addresses, crm.ListedAddress{Address: e.Email, Reason: reason, At: time.Unix(e.Created, 0).UTC()})
		}
	}
	return page, nil
}

// Suppress tells SendGrid of addresses that it must not write to either: its global unsubscribes. To tell it twice is to tell
// it once.
func (c *Client) Suppress(ctx context.Context, addresses []string) error {
	raw, err := json.Marshal(map[string][]string{"recipient_emails": addresses})
	if err != nil {
		return fmt.Errorf("write addresses: %w", err)
	}
	request := sg.GetRequest(c.config.APIKey, "/v3/asm/suppressions/global", c.config.BaseURL)
	request.Method, request.Body = rest.Post, raw
	request.Headers["Content-Type"] = "application/json"
	_, err = c.ask(ctx, request, "add suppressions")
	return err
}

func (c *Client) ask(ctx context.Context, request rest.Request, what string) (string, error) {
	ctx, attempt := provider.Watch(ctx)
	response, err := c.http.SendWithContext(ctx, request)
	switch {
	case err != nil:
		return "", attempt.Failure(fmt.Errorf("%s: %w", what, err))
	case response.StatusCode != http.StatusOK && response.StatusCode != http.StatusCreated:
		return "", provider.Answer(response.StatusCode, response.Headers, "", time.Now(), refusal(response.Body))
	}
	return response.Body, nil
}
