// Package caltest has calendars for tests, and what they come to: the same table holds for the reader of iCalendar and for a
// server that keeps the events.
package caltest
