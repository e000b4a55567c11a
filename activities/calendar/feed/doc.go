// Package feed reads a calendar that somebody published as an iCalendar file: the "secret address" of Google, Outlook's published
// calendar, any webcal:// link. It can be read and no more. Asked again, it takes the file only if that has changed.
package feed
