package calendar

import (
	"fmt"
	"time"
)

// Kind is what is wrong with a calendar, as far as it matters for what to do next.
type Kind string

// The kinds of failures. Who can do something about it is said for each.
const (
	Unauthorized Kind = "unauthorized" // the owner has to connect the calendar again
	Gone         Kind = "gone"         // there is no calendar there: the owner has to choose another
	ReadOnly     Kind = "read_only"    // the owner has to allow writing, or to choose another calendar
	Conflict     Kind = "conflict"     // a newer event is there, or somebody else writes the same one all the time
	Unreadable   Kind = "unreadable"   // something in the calendar cannot be understood, or is beyond all bounds
	Refused      Kind = "refused"      // the request itself was turned down, by the provider or by us: a wrong address, say
	Throttled    Kind = "throttled"    // try again, after RetryAfter
	Unavailable  Kind = "unavailable"  // try again: no answer, or one that says that the provider is in trouble
)

// Error says why a calendar could not be read or changed. It holds no title, no name, no address and nothing else that the
// provider sent, so that it can be logged and kept in workflow history.
type Error struct {
	Kind       Kind
	Code       string        // more exactly: http_503, timeout, newer_sequence
	RetryAfter time.Duration // how long the provider wants to be left alone, at most an hour; 0 where it does not say
	Detail     string        // for a person, about the calendar's form and never its content: `unknown time zone "Mars"`; or ""
}

func (e *Error) Error() string {
	text := fmt.Sprintf("calendar is %s (%s)", words(e.Kind), e.Code)
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	if e.RetryAfter > 0 {
		text += fmt.Sprintf("; try again in %s", e.RetryAfter)
	}
	return text
}

func words(k Kind) string {
	switch k {
	case Unauthorized:
		return "closed to us: its owner has to connect it again"
	case Gone:
		return "no longer there: its owner has to choose another"
	case ReadOnly:
		return "read-only"
	case Conflict:
		return "ahead of us: the event there is not the one we knew"
	case Unreadable:
		return "not readable"
	case Refused:
		return "not to be asked like this"
	case Throttled:
		return "asked too often"
	case Unavailable:
		return "not available"
	}
	return string(k)
}

// Retryable tells whether the same call may succeed later without anybody doing anything.
func (e *Error) Retryable() bool { return e.Kind == Throttled || e.Kind == Unavailable }
