package ical

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/rapport-crm/rapport/activities/calendar"
	"github.com/rapport-crm/rapport/crm"
)

// moments is a set of beginnings of occurrences. Some programs write a date where a time is meant: all that begins on that day.
type moments struct {
	at   map[int64]bool
	days map[int64]bool // midnights on the wall
}

func (m *moments) add(t time.Time, day bool) {
	if m.at == nil {
		m.at, m.days = map[int64]bool{}, map[int64]bool{}
	}
	if day {
		m.days[t.Unix()] = true
	} else {
		m.at[t.Unix()] = true
	}
}

func (m *moments) has(moment, wall time.Time) bool {
	return m.at[moment.Unix()] || m.days[wall.Truncate(24*time.Hour).Unix()]
}

// series is one recurring event and its exceptions.
type series struct {
	*reader
	exceptions []event // that hold for all from there on, in order
	replaced   moments
	seen       moments
}

// expand adds the blocks of all events with the same UID: those that recur, and those that stand for one occurrence of them.
func (r *reader) expand(events []event) error {
	s := series{reader: r}
	for _, e := range events {
		if !e.exception {
			continue
		}
		s.replaced.add(e.replaces, e.day)
		if e.following {
			s.exceptions = append(s.exceptions, e)
		}
		if err := s.block(&e, e.start); err != nil {
			return err
		}
	}
	slices.SortFunc(s.exceptions, func(a, b event) int { return a.replaces.Compare(b.replaces) })
	for _, e := range events {
		if e.exception {
			continue
		}
		s.seen = moments{}
		if err := s.master(&e); err != nil {
			return err
		}
	}
	return nil
}

// block adds the occurrence of an event that begins at that wall time.
func (s *series) block(e *event, start time.Time) error {
	if e.free {
		return nil
	}
	span := crm.Span{Start: e.zone.moment(start), End: e.end(start)}
	return s.add(calendar.Block{Span: span, UID: e.uid, Tentative: e.tentative, AllDay: e.allDay})
}

// master adds the occurrences of an event that recurs, or of one that does not.
func (s *series) master(e *event) error {
	excluded, err := s.excluded(e)
	if err != nil {
		return err
	}
	occurs := func(start time.Time) error { return s.occurs(e, start, &excluded) }
	if err := occurs(e.start); err != nil {
		return err
	}
	if err := s.dates(e, &excluded); err != nil {
		return err
	}
	from, to := s.reach(e)
	return e.part.all("RRULE", func(l *line) error {
		r, err := parseRule(l.value)
		if err != nil {
			return unreadable("bad_rule", "the rule of a recurring event cannot be read")
		}
		if r.untilUTC {
			r.until = e.zone.wall(r.until)
		}
		return r.occurrences(e.start, from, to, s.work, occurs)
	})
}

// reach is between which wall times an occurrence may begin to matter for the span that was asked for. Two days more on either
// side are enough for any two zones.
func (s *series) reach(e *event) (from, to time.Time) {
	back, ahead := e.length.wall+e.length.exact, time.Duration(0)
	for _, x := range s.exceptions {
		shift := x.zone.moment(x.start).Sub(x.replaces)
		back = max(back, x.length.wall+x.length.exact+shift)
		ahead = max(ahead, -shift)
	}
	const air = 48 * time.Hour
	return e.zone.wall(s.within.Start).Add(-back - air), e.zone.wall(s.within.End).Add(ahead + air)
}

// occurs adds one occurrence, unless it was left out, has an event of its own, or is there already.
func (s *series) occurs(e *event, start time.Time, excluded *moments) error {
	moment := e.zone.moment(start)
	if s.seen.has(moment, start) || excluded.has(moment, start) || s.replaced.has(moment, start) {
		return nil
	}
	s.seen.add(moment, false)
	for i := len(s.exceptions) - 1; i >= 0; i-- {
		if x := &s.exceptions[i]; !moment.Before(x.replaces) {
			return s.block(x, x.start.Add(start.Sub(e.zone.wall(x.replaces)))) // moved by as much as the first of them
		}
	}
	return s.block(e, start)
}

// excluded reads which occurrences were left out.
func (s *series) excluded(e *event) (moments, error) {
	var out moments
	err := e.part.all("EXDATE", func(l *line) error {
		for text := range strings.SplitSeq(l.value, ",") {
			wall, form, in, err := s.when(l, text)
			switch {
			case err != nil:
				return err
			case in == nil:
			case form == formDate && !e.allDay:
				out.add(wall, true)
			default:
				out.add(in.moment(wall), false)
			}
		}
		return nil
	})
	return out, err
}

// dates adds the occurrences that are listed one by one, some with a length of their own.
func (s *series) dates(e *event, excluded *moments) error {
	return e.part.all("RDATE", func(l *line) error {
		for text := range strings.SplitSeq(l.value, ",") {
			listed := *e
			if p, ok, err := s.period(l, text); err != nil {
				return err
			} else if ok {
				listed.zone, listed.start, listed.length = p.zone, p.start, p.length
			} else {
				wall, form, in, err := s.when(l, text)
				if err != nil {
					return err
				}
				if in == nil || (form == formDate) != e.allDay {
					continue
				}
				listed.zone, listed.start = in, wall
			}
			if err := s.work.spend(1); err != nil {
				return err
			}
			if err := s.occurs(&listed, listed.start, excluded); err != nil {
				return err
			}
		}
		return nil
	})
}

// latest returns the newest version of the event with this UID that is no exception, or nil (RFC 5546, 2.1.5).
func latest(parts []*component, uid string) *component {
	var found *component
	for _, part := range parts {
		if part.value("UID") != uid || part.first("RECURRENCE-ID") != nil {
			continue
		}
		if found == nil || cmp.Or(cmp.Compare(sequence(part), sequence(found)), strings.Compare(part.value("DTSTAMP"), found.value("DTSTAMP"))) > 0 {
			found = part
		}
	}
	return found
}
