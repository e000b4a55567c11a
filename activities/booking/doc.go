// Package booking does what interviews ask of people's calendars: it finds times, writes what was picked, and looks for somebody
// else when a person cannot come (Booker.Act); it keeps calendars as they should be (Booker.Mirror), and notices what happens in
// them (Booker.Watch).
//
// Postgres says who holds what; a calendar is a copy. So whatever happens in between, even a kill, calendars come to the same:
//
//   - Before an event is written, its seat is marked as written (store.MarkSeats). An event of which nobody knows cannot be.
//   - A meeting is booked in the transaction that stores the answer of the call, after its events are written.
//   - Mirror puts what is wanted and missing, and takes out what is there, or may be there, and is not wanted.
//   - What an attempt that was given up for lost still writes is taken out too: deleting counts when it was done again
//     after any attempt has ended.
//
// A calendar that does not answer is asked again later. What was last known of it serves to offer times, never to book them.
//
// It has no database and no provider of its own: Store and Open are passed. Rules of meetings are in crm, those of finding times
// in dsl/slots.
package booking
