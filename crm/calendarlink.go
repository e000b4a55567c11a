package crm

import "time"

// CalendarKind is where a calendar is.
type CalendarKind string

// The kinds. Those that can be written to get the interviews.
const (
	CalendarOwn       CalendarKind = "own"       // Rapport's own: what is booked here is all there is
	CalendarICS       CalendarKind = "ics"       // a feed that is only read
	CalendarCalDAV    CalendarKind = "caldav"    //
	CalendarGoogle    CalendarKind = "google"    //
	CalendarMicrosoft CalendarKind = "microsoft" //
)

// CalendarState is how it went when a calendar was last asked.
type CalendarState string

// The states. Who can do something about it is said for each.
const (
	CalendarNew          CalendarState = ""             // it was not asked yet
	CalendarOK           CalendarState = "ok"           //
	CalendarUnauthorized CalendarState = "unauthorized" // its owner has to connect it again
	CalendarGone         CalendarState = "gone"         // its owner has to choose another
	CalendarUnavailable  CalendarState = "unavailable"  // nobody: it is asked again
)

// CalendarLink is what is known about one of an interviewer's calendars: where it is, what opens it, and how it is.
type CalendarLink struct {
	ID            string
	InterviewerID string
	Kind          CalendarKind
	Address       string // of a CalDAV calendar its URL, of Google and Microsoft the calendar's id; of a feed scheme and host
	Account       string // the user's name there
	Secret        Secret // of CalDAV the password, of Google and Microsoft the refresh token, of a feed its whole URL; "" where it was not asked for

	Locked bool // there is a secret, and no key here opens it

	State     CalendarState
	Since     time.Time // when it got that state
	LastOK    time.Time // when it last answered
	CreatedAt time.Time

	// Busy is what was taken when it last answered, at BusyAt, of the times within BusyFor. It serves to offer times while the
	// calendar does not answer, never to book them.
	Busy    []Span
	BusyAt  time.Time
	BusyFor Span
}

// Writable tells whether interviews can be written into it.
func (l *CalendarLink) Writable() bool {
	return l.Kind == CalendarCalDAV || l.Kind == CalendarGoogle || l.Kind == CalendarMicrosoft
}
