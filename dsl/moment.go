package dsl

import (
	"fmt"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/rapport-crm/rapport/dsl/wallclock"
)

// Moment is a date with a time as definitions write it: with an offset it is an instant, without one it is what clocks show
// wherever it is read.
type Moment struct {
	shown time.Time // in UTC when fixed, else what clocks show
	fixed bool
}

// IsZero tells whether there is no moment.
func (m Moment) IsZero() bool { return m.shown.IsZero() }

// In returns the instant, for clocks in loc: of a repeated local time the first, of a skipped one the first instant after.
func (m Moment) In(loc *time.Location) time.Time {
	if m.fixed || m.IsZero() {
		return m.shown
	}
	return wallclock.At(m.shown, loc)
}

// Shown returns what clocks show at the moment, as a time in UTC, and whether it really is one: then it had an offset.
func (m Moment) Shown() (at time.Time, fixed bool) { return m.shown, m.fixed }

// ParseMoment reads a moment such as 2026-10-23T10:00, with seconds and an offset if it has them, or a date, which is its
// midnight.
func ParseMoment(s string) (Moment, error) {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return Moment{t.UTC(), true}, nil
	}
	if t, err := time.Parse("2006-01-02T15:04Z07:00", s); err == nil {
		return Moment{t.UTC(), true}, nil
	}
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05", time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return Moment{t, false}, nil
		}
	}
	return Moment{}, fmt.Errorf("parse %q: not a moment such as 2026-10-23T10:00", clip(s))
}

// moment reads a moment.
func (r *docReader) moment(n *yaml.Node, place string) Moment {
	t, ok := r.text(n, place)
	if !ok {
		return Moment{}
	}
	m, err := ParseMoment(t)
	if err != nil {
		r.add(n, codeMoment, fmt.Sprintf("%s is a date with a time, not %q.", sentence(place), clip(t)), "Write it as 2026-10-23T10:00, with an offset such as +01:00 if it is meant for one place.")
	}
	return m
}

// At returns the moment of an instant.
func At(t time.Time) Moment { return Moment{t.UTC(), !t.IsZero()} }
