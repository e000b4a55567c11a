package slots

import (
	"time"

	"github.com/rapport-crm/rapport/crm"
)

// Search asks when some people can meet a candidate.
type Search struct {
	Seats  []Seat
	People []Person // whom the seats may mean, each once, in any order

	Length time.Duration // of the interview
	Buffer time.Duration // that everybody on the panel has free before and after it
	Step   time.Duration // starts are at multiples of it after midnight in Zone; zero: a quarter of an hour

	// Hours narrow the hours of those who have their own. Who has none works in Hours on the days of Office, or in Office when
	// there are no Hours either.
	Hours  crm.DayPart
	Office crm.Hours
	Zone   *time.Location // the workspace's, for people without one; nil: UTC

	// Holiday tells whether nobody works on a date, which is given as its midnight in UTC. Nil: there are no holidays.
	Holiday func(date time.Time) bool

	Now       time.Time
	NotBefore time.Time // no earlier start: Now and the notice
	Until     time.Time // every start is before it

	Count     int // how many slots to offer
	Candidate Candidate

	Prefer  []string // ids of people who are taken first, for example who held the interview that is moved
	Without []string // ids of people who are not asked, for example who declined
}

// Seat is a place on a panel, or several of the same kind.
type Seat struct {
	Person string // id, for the seat of one person, such as the hiring manager; else:
	Group  string
	Any    int // how many of the group; 0: everybody in it but trainees
}

// Person is an interviewer with what is already in their calendar. When an interview is moved, it is left out of it.
type Person struct {
	crm.Interviewer

	Busy       []crm.Span // from calendars, bookings and holds; in any order, may overlap
	Interviews []crm.Span // booked or held, of all ISO weeks that the search touches; they count as busy too
	Recent     int        // interviews in the last 28 days
}

// weight is the share of interviews that a person takes.
func (p *Person) weight() int { return max(p.Weight, 1) }

// Candidate is whom the people meet.
type Candidate struct {
	Zone *time.Location // nil: not known; else slots are between 07:00 and 22:00 there
	Busy []crm.Span     // other interviews, and times that did not suit
}

// The hours in which a candidate is asked to come, in minutes after midnight in their zone.
const (
	candidateOpen  = 7 * 60
	candidateClose = 22 * 60
)

// Reason says why an interview cannot begin at some time.
type Reason uint8

// The reasons. Of several that hold at a time, the first in this list is given.
const (
	Possible       Reason = iota
	Notice                // too soon
	Late                  // after the last start
	CandidateHours        // before 07:00 or after 22:00 where the candidate is
	CandidateBusy         // the candidate cannot
	OutsideHours          // the interviewer does not work then
	Holiday               // on a holiday where the interviewer is
	TimeOff               // the interviewer is away
	DailyLimit            // the interviewer has enough interviews on that day
	WeeklyLimit           // the interviewer has enough interviews in that week
	Busy                  // something is in the interviewer's calendar, or within the buffer
	Gap                   // too close to another interview
)

// String returns the reason as a word.
func (r Reason) String() string {
	words := [...]string{
		"possible", "notice", "late", "candidate_hours", "candidate_busy", "outside_hours", "holiday", "time_off", "daily_limit",
		"weekly_limit", "busy", "gap",
	}
	if int(r) >= len(words) {
		return "unknown"
	}
	return words[r]
}

// MarshalText writes the reason as its word.
func (r Reason) MarshalText() ([]byte, error) { return []byte(r.String()), nil }
