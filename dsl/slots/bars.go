package slots

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl/wallclock"
)

// bar is a stretch of time in which no interview can begin. Times are in seconds since 1970, from is inside, to is not.
type bar struct {
	from, to int64
	why      Reason
}

// Spans that do not begin or end on a whole second count to the next.
func floor(t time.Time) int64 { return t.Unix() }

func ceil(t time.Time) int64 {
	if t.Nanosecond() > 0 {
		return t.Unix() + 1
	}
	return t.Unix()
}

func seconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }

// forAll returns when nobody can begin: it is too soon, too late, or not a time for the candidate. Moments are needed between
// from and to.
func (f *Finder) forAll(from, to int64) []bar {
	s := &f.search
	bars := []bar{{math.MinInt64, ceil(s.NotBefore), Notice}, {ceil(s.Until), math.MaxInt64, Late}}
	if zone := s.Candidate.Zone; zone != nil {
		var decent crm.Hours
		for day := range decent {
			decent[day] = []crm.DayPart{{From: candidateOpen, To: candidateClose}}
		}
		bars = append(bars, f.outside(opening(decent, crm.DayPart{}, zone, from, to), CandidateHours)...)
	}
	return append(bars, f.during(s.Candidate.Busy, 0, CandidateBusy)...)
}

// barsOf returns when a person cannot begin, the reasons in order. Moments are needed between from and to.
func (f *Finder) barsOf(p *member, from, to int64, holidays map[time.Time]bool) []bar {
	bars := f.outside(f.hours(p, from, to), OutsideHours)
	bars = append(bars, f.during(f.holidays(p, from, to, holidays), 0, Holiday)...)
	bars = append(bars, f.during(p.TimeOff, 0, TimeOff)...)
	bars = append(bars, f.limits(p)...)
	bars = append(bars, f.during(slices.Concat(p.Busy, p.Interviews), f.search.Buffer, Busy)...)
	return append(bars, f.during(p.Interviews, p.MinGap, Gap)...)
}

// during bars starts of interviews that would overlap a span, or come closer to it than a distance. What overlaps becomes one
// bar.
func (f *Finder) during(spans []crm.Span, distance time.Duration, why Reason) []bar {
	bars := make([]bar, 0, len(spans))
	before, after := seconds(distance)+seconds(f.search.Length)-1, seconds(distance)
	for _, s := range spans {
		if !s.IsEmpty() {
			bars = append(bars, bar{floor(s.Start) - before, ceil(s.End) + after, why})
		}
	}
	slices.SortFunc(bars, func(a, b bar) int { return cmp.Compare(a.from, b.from) })
	merged := bars[:0]
	for _, b := range bars {
		if last := len(merged) - 1; last >= 0 && b.from <= merged[last].to {
			merged[last].to = max(merged[last].to, b.to)
			continue
		}
		merged = append(merged, b)
	}
	return merged
}

// outside bars starts of interviews that would not be inside one of some spans, which are merged, from beginning to end.
func (f *Finder) outside(spans []crm.Span, why Reason) []bar {
	bars := make([]bar, 0, len(spans)+1)
	since := int64(math.MinInt64)
	for _, s := range spans {
		bars = append(bars, bar{since, ceil(s.Start), why})
		since = floor(s.End) - seconds(f.search.Length) + 1
	}
	return append(bars, bar{since, math.MaxInt64, why})
}

// hours returns when a person works.
func (f *Finder) hours(p *member, from, to int64) []crm.Span {
	hours, within := p.Hours, f.search.Hours
	if hours.IsZero() {
		hours = f.search.Office
		if within != (crm.DayPart{}) {
			for day, parts := range hours {
				if len(parts) > 0 {
					hours[day] = []crm.DayPart{within}
				}
			}
		}
	}
	return opening(hours, within, p.loc, from, to)
}

// opening returns the spans of hours on the days around some moments. Parts that touch, at midnight too, are one span.
func opening(hours crm.Hours, within crm.DayPart, loc *time.Location, from, to int64) []crm.Span {
	var spans []crm.Span
	eachDate(loc, from, to, func(date time.Time) {
		for _, part := range hours[date.Weekday()] {
			if within != (crm.DayPart{}) {
				part = crm.DayPart{From: max(part.From, within.From), To: min(part.To, within.To)}
			}
			if part.From < part.To {
				spans = append(spans, crm.Span{Start: clock(date, part.From, loc), End: clock(date, part.To, loc)})
			}
		}
	})
	return crm.MergeSpans(spans)
}

// holidays returns the days on which a person does not work. What is known of a date is kept in known.
func (f *Finder) holidays(p *member, from, to int64, known map[time.Time]bool) []crm.Span {
	if f.search.Holiday == nil {
		return nil
	}
	var spans []crm.Span
	eachDate(p.loc, from, to, func(date time.Time) {
		off, looked := known[date]
		if !looked {
			off = f.search.Holiday(date)
			known[date] = off
		}
		if off {
			spans = append(spans, crm.Span{Start: clock(date, 0, p.loc), End: clock(date.AddDate(0, 0, 1), 0, p.loc)})
		}
	})
	return spans
}

// limits bars the days and weeks in which a person has enough interviews. An interview belongs to the day on which it begins.
func (f *Finder) limits(p *member) []bar {
	byDay, byWeek := map[time.Time]int{}, map[time.Time]int{}
	for _, i := range p.Interviews {
		date := wallclock.Date(i.Start, p.loc)
		byDay[date]++
		byWeek[date.AddDate(0, 0, -(int(date.Weekday())+6)%7)]++ // ISO 8601: weeks begin on Monday
	}
	full := func(booked map[time.Time]int, limit, days int, why Reason) (bars []bar) {
		for date, n := range booked {
			if limit > 0 && n >= limit {
				bars = append(bars, bar{ceil(clock(date, 0, p.loc)), ceil(clock(date.AddDate(0, 0, days), 0, p.loc)), why})
			}
		}
		return bars
	}
	return append(full(byDay, p.DailyLimit, 1, DailyLimit), full(byWeek, p.WeeklyLimit, 7, WeeklyLimit)...)
}

// clock returns the moment at which clocks in loc show a time of a date, in minutes after midnight.
func clock(date time.Time, minutes int, loc *time.Location) time.Time {
	return wallclock.At(date.Add(time.Duration(minutes)*time.Minute), loc)
}

// eachDate calls f with the dates in loc between two moments, and some days around: interviews last a day at most.
func eachDate(loc *time.Location, from, to int64, f func(date time.Time)) {
	last := wallclock.Date(time.Unix(to, 0), loc).AddDate(0, 0, 2)
	for date := wallclock.Date(time.Unix(from, 0), loc).AddDate(0, 0, -1); !date.After(last); date = date.AddDate(0, 0, 1) {
		f(date)
	}
}
