// Package caldav speaks to calendar servers by CalDAV (RFC 4791): Radicale, Nextcloud, Fastmail, iCloud, Zimbra and others.
//
// Reading asks for the events that touch the time and follows their recurrence here (package ical), so that every server's answer
// comes to the same. Where only the times may be seen, it asks for those. Writing never overwrites what it has not seen: every
// PUT says which version it replaces (If-Match, where the server has strong ETags), or that there must be none (If-None-Match).
// A request whose answer was lost may simply be repeated. Discover finds a person's calendars (RFC 6764).
package caldav
