package twilio

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	messaging "github.com/twilio/twilio-go/rest/api/v2010"

	"github.com/rapport-crm/rapport/activities/provider"
	"github.com/rapport-crm/rapport/crm"
)

const (
	// listedAfter is when Twilio's list certainly has a message that it took.
	listedAfter = 15 * time.Minute
	// clockSkew is how far Twilio's clock and ours may be apart.
	clockSkew = 2 * time.Minute
	// listed is how many messages to one number from one sender are looked at, the newest ones.
	listed = 200
)

// Name is the name under which receipts are known.
func (c *Client) Name() string { return Provider }

// Find looks a message up in the account's list: from and to the same numbers, in the time in which it can have been handed
// over. It is the one whose text has the same hash. The list is not narrowed by DateSent, as a text that still waits at Twilio
// has none; its DateCreated is looked at instead.
func (c *Client) Find(ctx context.Context, l crm.Lookup) (crm.Finding, error) {
	switch {
	case l.To == "" || l.From == "": // every message of the account would be listed
		return crm.Finding{}, &crm.SendError{Class: crm.SendRefused, Code: "invalid_lookup", Err: errors.New("no numbers to look for")}
	case c.baseErr != nil:
		return crm.Finding{}, &crm.SendError{Class: crm.SendRetry, Code: "base_url", Err: c.baseErr}
	}
	ctx, cancel := context.WithTimeout(ctx, c.config.Timeout)
	defer cancel()
	ctx, attempt := provider.Watch(ctx)
	call := &exchange{client: c, ctx: ctx}
	params := &messaging.ListMessageParams{}
	params.SetTo(l.To).SetFrom(l.From).SetPageSize(listed).SetLimit(listed)
	messages, err := call.api().ListMessage(params)
	switch {
	case err != nil && call.status == 0:
		return crm.Finding{}, attempt.Failure(fmt.Errorf("list messages: %w", err))
	case err != nil:
		return crm.Finding{}, refusal(call, err)
	}
	finding := crm.Finding{Complete: l.Now.Sub(l.UnknownAt) >= listedAfter && len(messages) < listed}
	for i := range messages {
		if sighting, ok := sighted(&messages[i], &l); ok {
			finding.Sightings = append(finding.Sightings, sighting)
		}
	}
	return finding, nil
}

// sighted tells whether a message of the list can be the one that is looked for.
func sighted(m *messaging.ApiV2010Message, l *crm.Lookup) (crm.Sighting, bool) {
	if m.Sid == nil || m.Direction != nil && *m.Direction == "inbound" {
		return crm.Sighting{}, false
	}
	if m.DateCreated != nil { // a date that cannot be read rules nothing out
		at, err := time.Parse(time.RFC1123Z, *m.DateCreated)
		if err == nil && (at.Before(l.ClaimedAt.Add(-clockSkew)) || at.After(l.UnknownAt.Add(clockSkew))) {
			return crm.Sighting{}, false
		}
	}
	exact := m.Body != nil && l.BodyHash != nil && bytes.Equal(crm.BodyHash(*m.Body), l.BodyHash)
	return crm.Sighting{ProviderID: *m.Sid, Exact: exact}, true
}
