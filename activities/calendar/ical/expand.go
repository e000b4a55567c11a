package ical

import (
	"slices"
	"time"
)

// budget bounds the work of one answer. A rule that never comes true, such as the 30th of February, uses it up like any other.
type budget struct{ left int }

func (b *budget) spend(n int) error {
	if b.left -= n; b.left < 0 {
		return unreadable("too_much", "its recurring events take more than %d steps to follow", maxWork)
	}
	return nil
}

// completed fills in what a rule leaves to the first occurrence (RFC 5545, 3.3.10).
func (r rule) completed(start time.Time) rule {
	if len(r.weeks)+len(r.yearDays)+len(r.monthDays)+len(r.weekdays) == 0 {
		switch r.freq {
		case yearly:
			if len(r.months) == 0 {
				r.months = []int{int(start.Month())}
			}
			r.monthDays = []int{start.Day()}
		case monthly:
			r.monthDays = []int{start.Day()}
		case weekly:
			r.weekdays = []nthWeekday{{day: start.Weekday()}}
		case secondly, minutely, hourly, daily:
		}
	}
	if len(r.hours) == 0 && r.freq > hourly {
		r.hours = []int{start.Hour()}
	}
	if len(r.minutes) == 0 && r.freq > minutely {
		r.minutes = []int{start.Minute()}
	}
	if len(r.seconds) == 0 && r.freq > secondly {
		r.seconds = []int{start.Second()}
	}
	return r
}

// occurrences calls each with the wall times at which the rule's occurrences begin, in order, from the first one at or after from
// to the last one before to. start is where the rule begins.
func (r rule) occurrences(start, from, to time.Time, work *budget, each func(time.Time) error) error {
	r = r.completed(start)
	if !r.until.IsZero() && r.until.Before(to) {
		to = r.until.Add(time.Second)
	}
	counted := 0
	for i := r.skip(start, from); ; i += r.interval {
		begin, days := r.period(start, i)
		if !begin.Before(to) {
			return nil
		}
		if err := work.spend(len(days)); err != nil {
			return err
		}
		days = slices.DeleteFunc(days, func(day time.Time) bool { return !r.picks(day) })
		if err := work.spend(1 + r.cost(len(days))); err != nil {
			return err
		}
		for _, t := range r.at(days) {
			if t.Before(start) {
				continue
			}
			if counted++; !t.Before(to) || r.count > 0 && counted > r.count {
				return nil
			}
			if t.Before(from) {
				continue
			}
			if err := each(t); err != nil {
				return err
			}
		}
		if r.count > 0 && counted >= r.count {
			return nil
		}
	}
}

// cost is how much there is to look at in a period of so many days.
func (r *rule) cost(days int) int {
	return days * max(len(r.hours), 1) * max(len(r.minutes), 1) * max(len(r.seconds), 1)
}

// skip is the first period worth looking at, counted in units of the frequency from start. What is counted has to be counted from
// the start; all else may begin right before from.
func (r *rule) skip(start, from time.Time) int {
	if r.count > 0 || !start.Before(from) {
		return 0
	}
	units := 0
	switch r.freq {
	case yearly:
		units = from.Year() - start.Year()
	case monthly:
		units = (from.Year()-start.Year())*12 + int(from.Month()) - int(start.Month())
	case weekly:
		units = int(from.Unix()/86400-start.Unix()/86400) / 7
	case daily:
		units = int(from.Unix()/86400 - start.Unix()/86400)
	case hourly, minutely, secondly:
		units = int((from.Unix() - start.Unix()) / int64(r.unit().Seconds()))
	}
	return max(units/r.interval-1, 0) * r.interval
}

func (r *rule) unit() time.Duration {
	switch r.freq {
	case hourly:
		return time.Hour
	case minutely:
		return time.Minute
	case secondly, daily, weekly, monthly, yearly:
	}
	return time.Second
}

// period returns when the ith period begins, and the days in it that come into question; for a frequency below a day, its one
// moment.
func (r *rule) period(start time.Time, i int) (time.Time, []time.Time) {
	y, m, d := start.Date()
	switch r.freq {
	case yearly:
		begin := date(y+i, 1, 1)
		if len(r.months) == 0 {
			return begin, span(begin, daysInYear(y+i))
		}
		var days []time.Time
		for _, month := range r.months {
			first := date(y+i, month, 1)
			days = append(days, span(first, daysInMonth(first))...)
		}
		return begin, days
	case monthly:
		begin := date(y, int(m)+i, 1)
		return begin, span(begin, daysInMonth(begin))
	case weekly:
		begin := date(y, int(m), d-(int(start.Weekday()-r.weekStart)+7)%7+7*i)
		return begin, span(begin, 7)
	case daily:
		begin := date(y, int(m), d+i)
		return begin, span(begin, 1)
	case hourly, minutely, secondly:
	}
	begin := start.Truncate(r.unit()).Add(time.Duration(i) * r.unit())
	return begin, []time.Time{begin}
}

// span returns that many days in a row.
func span(first time.Time, n int) []time.Time {
	days := make([]time.Time, n)
	for i := range days {
		days[i] = first.AddDate(0, 0, i)
	}
	return days
}

func date(year, month, day int) time.Time {
	return time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
}

// picks tells whether the parts of the rule that are about days let this one through.
func (r *rule) picks(day time.Time) bool {
	return has(r.months, int(day.Month())) &&
		hasEither(r.monthDays, day.Day(), day.Day()-daysInMonth(day)-1) &&
		hasEither(r.yearDays, day.YearDay(), day.YearDay()-daysInYear(day.Year())-1) &&
		r.picksWeek(day) && r.picksWeekday(day)
}

func (r *rule) picksWeek(day time.Time) bool {
	if len(r.weeks) == 0 {
		return true
	}
	n, last := weekOfYear(day, r.weekStart)
	return hasEither(r.weeks, n, n-last-1)
}

func (r *rule) picksWeekday(day time.Time) bool {
	if len(r.weekdays) == 0 {
		return true
	}
	for _, w := range r.weekdays {
		if w.day != day.Weekday() {
			continue
		}
		at, size := day.YearDay(), daysInYear(day.Year())
		switch {
		case w.n == 0, r.freq < monthly, r.freq == yearly && len(r.weeks) > 0: // a number has no meaning there
			return true
		case r.freq == monthly, len(r.months) > 0:
			at, size = day.Day(), daysInMonth(day)
		}
		if w.n == (at+6)/7 || w.n == -(size-at)/7-1 {
			return true
		}
	}
	return false
}

// at puts the times of day to the days that a period has, and picks by position among them.
func (r *rule) at(days []time.Time) []time.Time {
	var all []time.Time
	for _, day := range days {
		for _, h := range orOwn(r.hours, day.Hour(), r.freq <= hourly) {
			for _, m := range orOwn(r.minutes, day.Minute(), r.freq <= minutely) {
				for _, s := range orOwn(r.seconds, day.Second(), r.freq == secondly) {
					y, month, d := day.Date()
					all = append(all, time.Date(y, month, d, h, m, s, 0, time.UTC))
				}
			}
		}
	}
	if len(r.positions) == 0 {
		return all
	}
	var picked []time.Time
	for i, t := range all {
		if hasEither(r.positions, i+1, i-len(all)) {
			picked = append(picked, t)
		}
	}
	return picked
}

// orOwn returns what a part of the rule allows. Where the frequency goes through the unit itself, that is the moment's own value
// or nothing.
func orOwn(allowed []int, own int, stepped bool) []int {
	if !stepped {
		return allowed
	}
	if has(allowed, own) {
		return []int{own}
	}
	return nil
}

// has tells whether a part of a rule allows a value. A part that is not there allows every one.
func has(allowed []int, value int) bool { return len(allowed) == 0 || slices.Contains(allowed, value) }

// hasEither is has for a value that can be counted from the end as well.
func hasEither(allowed []int, value, fromEnd int) bool {
	return has(allowed, value) || slices.Contains(allowed, fromEnd)
}

func daysInMonth(day time.Time) int { return date(day.Year(), int(day.Month())+1, 0).Day() }
func daysInYear(year int) int       { return date(year, 12, 31).YearDay() }

// weekOfYear returns the number of the week that a day is in, and of the last week of that week's year. The first week is the first
// with four days in the year, as in ISO 8601, but weeks may begin on any weekday.
func weekOfYear(day time.Time, weekStart time.Weekday) (week, last int) {
	first := func(year int) time.Time { // the first day of the year's first week: the one that has the 4th of January
		fourth := date(year, 1, 4)
		return fourth.AddDate(0, 0, -(int(fourth.Weekday()-weekStart)+7)%7)
	}
	year := day.Year()
	switch {
	case day.Before(first(year)):
		year--
	case !day.Before(first(year + 1)):
		year++
	}
	weeks := func(to time.Time) int { return int(to.Sub(first(year)).Hours()) / (24 * 7) }
	return weeks(day) + 1, weeks(first(year + 1))
}
