// Package ical reads and writes iCalendar (RFC 5545), as far as meetings need it.
//
// Reading (Parse) turns a calendar into blocks of busy time: recurring events with their exceptions, all-day events, floating
// times, zones by IANA name, by Windows name and by their own rules. Wall time is kept across clock changes. What is read comes
// from strangers, so everything is bounded: bytes, lines, nesting, events, and the work of expanding recurrences.
//
// Writing makes the objects that a CalDAV server keeps (Object), the invitations that go by mail (Request, Cancel; RFC 5546 and
// RFC 6047) and the file that people download (Publish); ParseReply reads what comes back. Text from people can neither end a
// line nor begin another.
//
// It is pure: no I/O, no clock.
package ical
