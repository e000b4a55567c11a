package ical

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/rapport-crm/rapport/dsl/wallclock"
)

// zone tells what clocks on walls show at a moment, and the other way round. Wall time is kept as a time in UTC.
type zone interface {
	wall(moment time.Time) time.Time
	moment(wall time.Time) time.Time
}

// place is a zone of the IANA.
type place struct{ *time.Location }

func (p place) offset(moment time.Time) time.Duration {
	_, seconds := moment.In(p.Location).Zone()
	return time.Duration(seconds) * time.Second
}

func (p place) wall(moment time.Time) time.Time { return moment.UTC().Add(p.offset(moment)) }

// moment follows RFC 5545, 3.3.5: of a time that clocks show twice it is the first, and one that they skip counts with the offset
// before the gap.
func (p place) moment(wall time.Time) time.Time {
	const day = 24 * time.Hour
	before, after := p.offset(wall.Add(-day)), p.offset(wall.Add(day))
	first := wall.Add(-before)
	if before == after || p.offset(first) == before {
		return first
	}
	if second := wall.Add(-after); p.offset(second) == after {
		return second
	}
	return first
}

// observed is a zone by the rules that came with the calendar (VTIMEZONE).
type observed struct{ changes []onset } // in order; at least one

// onset is when clocks change.
type onset struct {
	wall     time.Time // what clocks show right before
	from, to time.Duration
}

func (o *observed) wall(moment time.Time) time.Time {
	moment = moment.UTC()
	offset := o.changes[0].from
	for _, change := range o.changes {
		if moment.Before(change.wall.Add(-change.from)) {
			break
		}
		offset = change.to
	}
	return moment.Add(offset)
}

func (o *observed) moment(wall time.Time) time.Time {
	offset := o.changes[0].from
	for _, change := range o.changes {
		if wall.Before(change.wall.Add(max(change.to-change.from, 0))) { // in a gap the offset before counts
			break
		}
		offset = change.to
	}
	return wall.Add(-offset)
}

// zones finds zones by the names that a calendar gives them.
type zones struct {
	rules map[string]*component // VTIMEZONE by TZID
	known map[string]zone
	span  [2]time.Time // what moments are asked for, with some air around them
	work  *budget
}

// named finds a zone. The names of the IANA and of Windows mean what they mean everywhere, whatever rules came with them; the
// rules count for names that only the calendar knows.
func (z *zones) named(name string) (zone, error) {
	if found, ok := z.known[name]; ok {
		return found, nil
	}
	found, err := z.find(name)
	if err != nil {
		return nil, err
	}
	z.known[name] = found
	return found, nil
}

func (z *zones) find(name string) (zone, error) {
	trimmed := strings.Trim(strings.TrimSpace(name), `"`)
	if loc := location(trimmed); loc != nil {
		return place{loc}, nil
	}
	if rules := z.rules[name]; rules != nil {
		changes, err := z.changes(rules)
		if err != nil {
			return nil, err
		}
		if len(changes) > 0 {
			return &observed{changes}, nil
		}
	}
	if len(trimmed) > 64 {
		trimmed = trimmed[:64]
	}
	return nil, unreadable("unknown_zone", "unknown time zone %q", trimmed)
}

// location reads the name of a zone. Some programs put their own before it: /freeassociation.sourceforge.net/Europe/Berlin.
func location(name string) *time.Location {
	if iana := windowsZone(name); iana != "" {
		name = iana
	}
	for {
		if loc, err := wallclock.Zone(name); err == nil {
			return loc
		}
		_, after, ok := strings.Cut(strings.TrimPrefix(name, "/"), "/")
		if !ok || !strings.Contains(after, "/") {
			return nil
		}
		name = after
	}
}

// changes reads the rules of a VTIMEZONE. It is empty if none can be read.
func (z *zones) changes(rules *component) ([]onset, error) {
	var all []onset
	for _, part := range rules.parts {
		start, form, ok := parseTime(part.value("DTSTART"))
		from, fine := parseOffset(part.value("TZOFFSETFROM"))
		to, too := parseOffset(part.value("TZOFFSETTO"))
		if part.kind != "STANDARD" && part.kind != "DAYLIGHT" || !ok || !fine || !too || form != formLocal {
			continue
		}
		all = append(all, onset{start, from, to})
		err := part.all("RDATE", func(l *line) error {
			for text := range strings.SplitSeq(l.value, ",") {
				if t, _, ok := parseTime(text); ok {
					all = append(all, onset{t, from, to})
				}
			}
			return nil
		})
		if err == nil {
			err = z.recur(part, start, func(t time.Time) { all = append(all, onset{t, from, to}) })
		}
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(all, func(a, b onset) int {
		return cmp.Or(a.wall.Add(-a.from).Compare(b.wall.Add(-b.from)), cmp.Compare(a.to, b.to))
	})
	return all, nil
}

// recur follows the rule of one observance for as long as anybody asks for.
func (z *zones) recur(part *component, start time.Time, each func(time.Time)) error {
	text := part.value("RRULE")
	if text == "" {
		return nil
	}
	r, err := parseRule(text)
	if err != nil {
		return unreadable("bad_zone", "the rules of a time zone cannot be read")
	}
	from := z.span[0]
	if !r.until.IsZero() && r.until.Before(from) {
		from = r.until.AddDate(-2, 0, 0) // what it ended with still counts
	}
	return r.occurrences(start, from, z.span[1], z.work, func(t time.Time) error { each(t); return nil })
}
