package graph

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/url"

	"github.com/rapport-crm/rapport/activities/calendar"
	"github.com/rapport-crm/rapport/activities/calendar/cloud"
)

// Put creates the event ("Create event"), or changes the one that is there ("Update event") as long as nobody else does meanwhile
// (If-Match). What the owner chose for themselves stays: reminders, categories.
//
// Creating it twice makes one event, even when the first answer was lost and the event cannot be found yet: both have the same
// transaction id ("event resource type"). One that was deleted since needs another id, so those are counted.
func (c *Calendar) Put(ctx context.Context, e calendar.Event) error {
	if e.UID == "" || e.IsEmpty() {
		return &calendar.Error{Kind: calendar.Refused, Code: "bad_event"}
	}
	sent := contentOf(&e)
	generation := 0
	for range attempts {
		found, err := c.find(ctx, e.UID)
		if err != nil {
			return err
		}
		if found == nil {
			sent.TransactionID = transaction(e.UID, generation)
			_, err := c.client.Do(ctx, cloud.Request{Method: http.MethodPost, Path: c.base + "/events", Header: inUTC(), Body: sent}, nil)
			if !isDuplicate(err) {
				return err
			}
			generation++
			continue
		}
		sent.TransactionID = "" // it cannot be changed
		if again, err := c.change(ctx, &e, found, sent); !again {
			return err
		}
	}
	return &calendar.Error{Kind: calendar.Unavailable, Code: "changed_meanwhile"}
}

func (c *Calendar) change(ctx context.Context, e *calendar.Event, found *event, sent content) (again bool, err error) {
	mark := found.mark()
	if mark.Sequence > e.Sequence {
		return false, &calendar.Error{Kind: calendar.Conflict, Code: "newer_sequence"}
	}
	span, err := found.span(c.zone)
	if err != nil {
		return false, err
	}
	if mark == cloud.MarkOf(e) && span.Start.Equal(e.Start) && span.End.Equal(e.End) {
		return false, nil
	}
	header := inUTC()
	header.Set("If-Match", found.Etag)
	status, err := c.client.Do(ctx, cloud.Request{Method: http.MethodPatch, Path: c.event(found), Header: header, Body: sent}, nil)
	switch status {
	case http.StatusPreconditionFailed, http.StatusConflict, http.StatusNotFound:
		return true, err
	}
	return false, err
}

// Delete deletes the event that Rapport put ("Delete event"). One that came by mail goes by mail.
func (c *Calendar) Delete(ctx context.Context, uid string) error {
	found, err := c.find(ctx, uid)
	if err != nil || found == nil {
		return err
	}
	status, err := c.client.Do(ctx, cloud.Request{Method: http.MethodDelete, Path: c.event(found)}, nil)
	if status == http.StatusNotFound || status == http.StatusGone {
		return nil
	}
	return err
}

func (c *Calendar) event(e *event) string { return c.base + "/events/" + url.PathEscape(e.ID) }

// transaction is an id for creating the event for the first time, the second, and so on. It looks like the UUIDs of Graph's
// examples (version 8: of our own making; RFC 9562, 5.8).
func transaction(uid string, generation int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "rapport %d %s", generation, uid))
	sum[6] = sum[6]&0x0f | 0x80
	sum[8] = sum[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[0:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}
