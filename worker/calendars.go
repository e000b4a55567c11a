package worker

import (
	"cmp"
	"context"
	"time"

	"github.com/rapport-crm/rapport/activities/booking"
)

const (
	mirrorEvery = 2 * time.Second // real time; a pass that finds nothing to do is one query
	watchEvery  = 5 * time.Minute // real time between looks into calendars; on a scaled clock as much less, but at least watchLeast
	watchLeast  = 10 * time.Second
)

// noDomain is that of events' UIDs where no other is known.
const noDomain = "rapport.invalid"

// booker is what does things in calendars; nil without a way to them.
func (w *Worker) booker(c *Config) *booking.Booker {
	if c.Calendars == nil {
		return nil
	}
	return &booking.Booker{
		Store: c.Store, Library: w.library, Open: c.Calendars, Domain: cmp.Or(c.CalendarDomain, noDomain), Now: func() time.Time { return w.now().Truncate(time.Microsecond) },
		Page: c.InterviewerPage, Log: c.Log,
	}
}

// mirror brings calendars up to date. It has a loop of its own, as the watch does: calendars are slow.
func (w *Worker) mirror(ctx context.Context) (more bool, err error) {
	done, err := w.bookings.Mirror(ctx)
	return done > 0 && err == nil, err
}

// watch looks into calendars from time to time.
func (w *Worker) watch(ctx context.Context) (more bool, err error) {
	if time.Now().Before(w.watchRest) {
		return false, nil
	}
	w.watchRest = time.Now().Add(watchEvery)
	if scaled := w.span(time.Second); scaled > time.Second {
		w.watchRest = time.Now().Add(max(time.Duration(float64(watchEvery)*float64(time.Second)/float64(scaled)), watchLeast))
	}
	return false, w.bookings.Watch(ctx)
}
