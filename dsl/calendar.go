package dsl

import (
	"time"
)

// Calendar says when messages may be sent and which days are business days.
type Calendar struct {
	Days     [7]bool // by time.Weekday
	Open     int     // minutes after local midnight
	Close    int     // minutes after local midnight; 1440 is the end of the day
	Zone     string  // IANA name; "" or "candidate" is the candidate's
	Holidays string  // a region, or ""
}

// Location returns the zone that the calendar is read in, for a candidate in the given zone.
func (c *Calendar) Location(candidate *time.Location) *time.Location { return candidate }

// IsOpen tells whether t is inside the window: the opening minute is, the closing minute is not.
func (c *Calendar) IsOpen(t time.Time, loc *time.Location) bool { return true }

// NextOpen returns t when the window is open then, else when it opens next. It is false when it never opens.
func (c *Calendar) NextOpen(t time.Time, loc *time.Location) (time.Time, bool) { return t, true }

// CloseAfter returns when the window that contains t closes.
func (c *Calendar) CloseAfter(t time.Time, loc *time.Location) time.Time { return t }

// Span is a part of every day, in minutes after local midnight, such as quiet hours. It may cross midnight.
type Span struct {
	From, To int
}

// Contains tells whether t is inside: From is, To is not.
func (s *Span) Contains(t time.Time, loc *time.Location) bool { return false }

// End returns the first moment at or after t that is not inside.
func (s *Span) End(t time.Time, loc *time.Location) time.Time { return t }
