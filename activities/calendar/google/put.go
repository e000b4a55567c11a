package google

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/rapport-crm/rapport/activities/calendar"
	"github.com/rapport-crm/rapport/activities/calendar/cloud"
)

// Put imports the event (Events: import), or changes the one that is there (Events: patch) as long as nobody else does meanwhile
// (If-Match). What the owner chose for themselves stays: reminders, color. So does their answer, unless the time is another.
func (c *Calendar) Put(ctx context.Context, e calendar.Event) error {
	if e.UID == "" || e.IsEmpty() {
		return &calendar.Error{Kind: calendar.Refused, Code: "bad_event"}
	}
	for range attempts {
		found, zone, err := c.find(ctx, e.UID)
		if err != nil {
			return err
		}
		var again bool
		if found == nil {
			again, err = c.create(ctx, &e)
		} else {
			again, err = c.change(ctx, &e, found, zone)
		}
		if !again {
			return err
		}
	}
	return &calendar.Error{Kind: calendar.Unavailable, Code: "changed_meanwhile"}
}

func (c *Calendar) create(ctx context.Context, e *calendar.Event) (again bool, err error) {
	sent := c.content(e)
	sent.ICalUID, sent.Attendees = e.UID, c.invited(e, nil)
	status, err := c.client.Do(ctx, cloud.Request{Method: http.MethodPost, Path: c.event("import"), Body: sent}, nil)
	return status == http.StatusConflict, err // there is one by now
}

func (c *Calendar) change(ctx context.Context, e *calendar.Event, found *event, zone *time.Location) (again bool, err error) {
	span, _, err := found.span(zone)
	deleted := found.Status == "cancelled"
	if err != nil && !deleted { // of a deleted one there may be no more than its id
		return false, err
	}
	moved := !span.Start.Equal(e.Start) || !span.End.Equal(e.End)
	if !deleted {
		there, ours := found.mark(), cloud.MarkOf(e)
		if there.Sequence > e.Sequence {
			return false, &calendar.Error{Kind: calendar.Conflict, Code: "newer_sequence"}
		}
		mailed := cloud.Mark{Sequence: e.Sequence} // Google's copy of our invitation by mail has no mark
		if !moved && (there == ours || there == mailed && !e.Cancelled) {
			return false, nil
		}
	}
	sent := c.content(e)
	sent.Sequence = max(found.Sequence, e.Sequence) // Google counts the owner's changes too, and takes none that is lower
	if moved || found.self() == nil {
		sent.Attendees = c.invited(e, found)
	}
	status, err := c.client.Do(ctx, cloud.Request{
		Method: http.MethodPatch, Path: c.event(found.ID), Query: silent(),
		Header: http.Header{"If-Match": {found.Etag}}, Body: sent,
	}, nil)
	switch status {
	case http.StatusPreconditionFailed, http.StatusNotFound, http.StatusGone:
		return true, err
	}
	return false, err
}

// invited are the owner, not having answered unless the caller knows better, and whomever they invited themselves.
func (c *Calendar) invited(e *calendar.Event, found *event) []participant {
	if c.owner == "" {
		return nil
	}
	status := "needsAction"
	for _, a := range e.Attendees {
		if strings.EqualFold(a.Email, c.owner) && a.Answer != calendar.None {
			status = string(a.Answer)
		}
	}
	all := []participant{{Email: c.owner, ResponseStatus: status}}
	if found != nil {
		for _, p := range found.Attendees {
			if !p.Self {
				all = append(all, p)
			}
		}
	}
	return all
}

// silent asks Google to send nobody a mail: we invite ourselves.
func silent() url.Values { return url.Values{"sendUpdates": {"none"}} }

// Delete deletes the event (Events: delete).
func (c *Calendar) Delete(ctx context.Context, uid string) error {
	found, _, err := c.find(ctx, uid)
	if err != nil || found == nil || found.Status == "cancelled" {
		return err
	}
	status, err := c.client.Do(ctx, cloud.Request{Method: http.MethodDelete, Path: c.event(found.ID), Query: silent()}, nil)
	if status == http.StatusNotFound || status == http.StatusGone {
		return nil
	}
	return err
}
