package crm

import (
	"slices"
	"time"
)

// Interviewer is a person who holds interviews. Empty strings, nil slices and zeros mean "not given".
type Interviewer struct {
	ID     string
	Email  string
	Name   string // as candidates and colleagues see it
	Zone   string // IANA name, in which hours, days and weeks are meant; "": the workspace's
	Hours  Hours  // when they work; none: the workspace's hours
	Skills []string
	Groups []string // what rounds ask for: {any: 1, of: GROUP}

	DailyLimit  int           // interviews on one date in their zone; 0: any number
	WeeklyLimit int           // interviews in one ISO 8601 week (Monday to Sunday) in their zone; 0: any number
	MinGap      time.Duration // at least this long between two interviews; the buffer of a round may ask for more
	Weight      int           // of 2 gets twice the interviews of 1; 0 counts as 1

	Trainee bool   // shadows interviews: never counts as one of those who hold it
	TimeOff []Span // away: no interview then
	Active  bool   // false: gets no new interviews
}

// InGroup tells whether the interviewer is one of a group.
func (i *Interviewer) InGroup(group string) bool { return slices.Contains(i.Groups, group) }

// Hours are the parts of each day of the week, by time.Weekday, in which somebody works. The parts of a day may be in any
// order; none means a day off.
type Hours [7][]DayPart

// DayPart is a part of a day on a clock on the wall, in minutes after local midnight: From is inside, To is not. 1440 is the
// end of the day. One that would cross midnight is two.
type DayPart struct {
	From int
	To   int
}

// IsZero tells whether no hours are given for any day.
func (h *Hours) IsZero() bool {
	return !slices.ContainsFunc(h[:], func(day []DayPart) bool { return len(day) > 0 })
}
