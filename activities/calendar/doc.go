// Package calendar is the border to people's calendars, wherever they are kept: when somebody is busy, and the events that
// Rapport puts there. Each way to reach one has a package of its own below:
//
//   - caldav speaks CalDAV (RFC 4791);
//   - feed reads a published iCalendar file, and can do no more;
//   - google and graph speak Google's and Microsoft's own protocols, by what is in cloud, and with tokens by oauth;
//   - ical reads and writes iCalendar (RFC 5545), which caldav, feed and invitations by mail are made of;
//   - remote does the HTTP requests of caldav and feed.
//
// It knows nothing of interviews: what is put where, and when, is for its callers to say. Nothing here keeps state beyond a
// feed's last answer, so that every call may be repeated.
package calendar
