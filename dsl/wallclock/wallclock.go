package wallclock

import (
	"fmt"
	"sync"
	"time"
	_ "time/tzdata" // zones are part of the language, not of the machine
)

// zones keeps the time zones that were loaded: reading one takes longer than the decision that needs it. There are some six
// hundred.
//
//nolint:gochecknoglobals // a cache of constants
var zones sync.Map

// Zone is time.LoadLocation without the names that mean the machine's zone.
func Zone(name string) (*time.Location, error) {
	if name == "" || name == "Local" {
		return nil, fmt.Errorf("load time zone %q: not an IANA name", name)
	}
	if loc, ok := zones.Load(name); ok {
		return loc.(*time.Location), nil //nolint:forcetypeassert // nothing else is ever stored
	}
	loc, err := time.LoadLocation(name)
	if err == nil {
		zones.Store(name, loc)
	}
	return loc, err
}

// Date returns the date that calendars in loc show at t, as its midnight in UTC.
func Date(t time.Time, loc *time.Location) time.Time {
	y, m, d := t.In(loc).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// At returns the moment at which clocks in loc show what naive shows in UTC: the first of two, or the end of the gap
// when clocks skip it.
func At(naive time.Time, loc *time.Location) time.Time {
	y, m, d := naive.Date()
	h, minute, s := naive.Clock()
	t := time.Date(y, m, d, h, minute, s, naive.Nanosecond(), loc)
	from, to := t.ZoneBounds()
	_, offset := t.Zone()
	shown := t.Add(time.Duration(offset) * time.Second).UTC() // what clocks show at t, as naive does
	switch {
	case shown.After(naive) && !from.IsZero(): // moved past the gap
		return from.UTC()
	case shown.Before(naive) && !to.IsZero(): // moved before the gap
		return to.UTC()
	case !from.IsZero():
		_, before := from.Add(-time.Nanosecond).Zone()
		if earlier := naive.Add(-time.Duration(before) * time.Second); earlier.Before(from) {
			return earlier.UTC()
		}
	}
	return t.UTC()
}
