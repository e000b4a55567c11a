package crm

import (
	"slices"
	"time"
)

// Interviewer is a person who holds interviews. Empty strings, nil slices and zeros mean "not given".
type Interviewer struct {
	ID     string
	Email  string // in lower case; unique
	Name   string // as candidates and colleagues see it
	Locale string // BCP 47, of mail to them; "": the workspace's
	Zone   string // IANA name, in which hours, days and weeks are meant; "": the workspace's
	Hours  Hours  // when they work; none: the workspace's hours
	Skills []string
	Groups []string // what rounds ask for: {any: 1, of: GROUP}

	MeetingURL string // where they hold video interviews: an http or https link; "": none

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

// Merge takes over what is given of an interviewer and returns the names of the fields that it changed, as InterviewerFields
// has them. Present names the fields that are given. Neither the id nor time off is among them.
func (i *Interviewer) Merge(given *Interviewer, present func(field string) bool) (changed []string) {
	before := *i
	set := func(field string, take func() (differs bool)) {
		if present(field) && take() {
			changed = append(changed, field)
		}
	}
	set("email", func() bool { i.Email = given.Email; return i.Email != before.Email })
	set("name", func() bool { i.Name = given.Name; return i.Name != before.Name })
	set("locale", func() bool { i.Locale = given.Locale; return i.Locale != before.Locale })
	set("meeting_url", func() bool { i.MeetingURL = given.MeetingURL; return i.MeetingURL != before.MeetingURL })
	set("zone", func() bool { i.Zone = given.Zone; return i.Zone != before.Zone })
	set("hours", func() bool { i.Hours = given.Hours; return i.Hours.String() != before.Hours.String() })
	set("skills", func() bool { i.Skills = given.Skills; return !slices.Equal(i.Skills, before.Skills) })
	set("groups", func() bool { i.Groups = given.Groups; return !slices.Equal(i.Groups, before.Groups) })
	set("daily_limit", func() bool { i.DailyLimit = given.DailyLimit; return i.DailyLimit != before.DailyLimit })
	set("weekly_limit", func() bool { i.WeeklyLimit = given.WeeklyLimit; return i.WeeklyLimit != before.WeeklyLimit })
	set("min_gap", func() bool { i.MinGap = given.MinGap; return i.MinGap != before.MinGap })
	set("weight", func() bool { i.Weight = given.Weight; return i.Weight != before.Weight })
	set("trainee", func() bool { i.Trainee = given.Trainee; return i.Trainee != before.Trainee })
	set("active", func() bool { i.Active = given.Active; return i.Active != before.Active })
	return changed
}

// InterviewerFields are the names of the fields that Merge knows, in their order.
func InterviewerFields() []string {
	return []string{"email", "name", "locale", "meeting_url", "zone", "hours", "skills", "groups", "daily_limit", "weekly_limit", "min_gap", "weight", "trainee", "active"}
}

// Recipient is an interviewer as a message to them needs to know them.
type Recipient struct {
	Interviewer

	Suppressions []Suppression // of their address
	// OwnEvent says that a calendar of theirs has meetings as events that no invitation by mail belongs to: with one they would see
	// the meeting twice.
	OwnEvent bool
}
