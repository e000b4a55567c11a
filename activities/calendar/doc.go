// Package calendar is the border to people's calendars, wherever they are kept: when somebody is busy, and the events that
// Rapport puts there. Each way to reach one has a package of its own below:
//
//   - caldav speaks CalDAV (RFC 4791);
//   - feed reads a published iCalendar file, and can do no more;
//   - ical reads and writes iCalendar (RFC 5545), which both of them and invitations by mail are made of;
//   - remote does their HTTP requests.
//
// It knows nothing of interviews: what is put where, and when, is for its callers to say. Nothing here keeps state beyond a
// feed's last answer, so that every call may be repeated.
package calendar
