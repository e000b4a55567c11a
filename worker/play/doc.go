// Package play plays definitions for one candidate on a clock that does not wait: a year passes in milliseconds, and no
// server, no database and no provider is needed. Nothing that it does reaches anybody.
//
// What runs is what production runs: the Sequence workflow itself, in Temporal's test environment, decides by
// activities.Decider over the store in memory; events go through dsl.Dispatch, and messages through the sender's last check,
// dsl.LastCheck. Only the things at the edge are played: a provider takes every message at once, and calls are answered as
// the script says. For interviews, booking.Booker itself finds times, books and repairs, in calendars that the script describes.
//
// Everything happens on one goroutine at a time and in an order that follows from the script alone, so that the same script
// always gives the same timeline.
package play
