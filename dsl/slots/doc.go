// Package slots finds out when the people of an interview can meet a candidate, and who of a group it is.
//
// It is pure: no I/O, no clock. Calendars, bookings, holds and counts are passed, and so is what a definition says, with its
// durations already turned into moments.
//
// Reading order:
//
//	search.go   the question: seats, people, hours, limits
//	finder.go   the question made ready: who may take which seat, in which order they are asked
//	bars.go     when one person cannot begin an interview, and why
//	sheet.go    all people against all starts
//	panel.go    who takes the seats at one start
//	offer.go    the answers: Offer, At, Replace
//	spread.go   which of the possible starts are offered
//	report.go   how many starts were refused, and why; text.go says it in words
//
// A start is possible when every seat can be filled by a different person. That is a matching, not a choice seat by seat: the
// only person for the second seat must not sit in the first. The sets of people who can fill the seats together are the bases of a
// transversal matroid (J. Edmonds, D. R. Fulkerson, 1965), so asking people in order of their load, and taking each who can still be
// seated beside those already taken, gives the fairest panel: sorted by load, its first, second, third... person has no higher
// load than those of any other panel. No sum, largest load or count of kept people could be better.
package slots
