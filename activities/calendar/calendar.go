package calendar

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl/wallclock"
)

// Calendar is one person's calendar at a provider. Errors are of the type *Error, or the context's own when that ended.
type Calendar interface {
	// Busy returns what takes the owner's time within the span, sorted by start: opaque events, confirmed and tentative. It
	// leaves out transparent and cancelled events and those that the owner declined. A block may begin before the span and end
	// after it, and blocks may overlap.
	Busy(ctx context.Context, within crm.Span) ([]Block, error)
	// Put creates the event, or replaces the one with its UID. The same again changes nothing. An event with a higher sequence
	// is left as it is, and the error is a conflict.
	Put(ctx context.Context, event Event) error
	// Delete removes the event with this UID. That there is none is no error.
	Delete(ctx context.Context, uid string) error
	// Find returns the event with this UID as it stands, or nil if there is none: somebody deleted it.
	Find(ctx context.Context, uid string) (*Event, error)
}

// Block is a time at which the owner is busy.
type Block struct {
	crm.Span         // moments, in UTC
	UID       string // of the event; "" where the provider does not tell
	Tentative bool   // the event, or the owner's answer to it, is not certain
	AllDay    bool   // whole days in the owner's zone
}

// SortBlocks puts blocks in the order in which Busy returns them.
func SortBlocks(blocks []Block) {
	slices.SortFunc(blocks, func(a, b Block) int {
		if c := a.Start.Compare(b.Start); c != 0 {
			return c
		}
		if c := a.End.Compare(b.End); c != 0 {
			return c
		}
		return strings.Compare(a.UID, b.UID)
	})
}

// Event is one meeting. It does not recur.
type Event struct {
	UID      string // the same for ever: how every program knows the meeting again
	Sequence int    // grows with each change that matters to those invited (RFC 5546, 2.1.4)
	crm.Span        // whole seconds
	Zone     string // the IANA name of the zone in which programs show it; "" is UTC
	AllDay   bool   // Start and End are midnights in Zone. Only Find tells

	Summary     string
	Description string
	Location    string
	URL         string // http or https; "" for none
	Organizer   Person
	Attendees   []Attendee
	Cancelled   bool // it stays in the calendar and takes no time

	Answer Answer // the owner's. Only Find tells, where the provider knows
}

// Person is somebody's name and email address.
type Person struct {
	Name  string
	Email string
}

// Attendee is somebody who is invited.
type Attendee struct {
	Person
	Optional bool
	Answer   Answer
}

// Answer is what somebody said to an invitation.
type Answer string

// The answers. They are the participation statuses of RFC 5545, 3.2.12; a delegation counts as none.
const (
	None      Answer = "" // has not answered
	Accepted  Answer = "accepted"
	Declined  Answer = "declined"
	Tentative Answer = "tentative"
)

// Zoned is the location of the event's zone. The error says that there is no such zone.
func (e *Event) Zoned() (*time.Location, error) {
	if e.Zone == "" {
		return time.UTC, nil
	}
	return wallclock.Zone(e.Zone)
}
