// Package remote does the HTTP requests to people's calendars. Where a calendar is was typed in by somebody who may not run
// the server, so requests go over HTTPS to public addresses only, follow redirects within one host, and take no more than a
// bounded answer in a bounded time. What went wrong is said as a *calendar.Error, without anything that the other side wrote.
package remote
