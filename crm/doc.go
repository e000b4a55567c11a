// Package crm is the vocabulary of candidate relationship management that every other package speaks: candidates,
// consents, applications, events, enrollments, messages, tasks, what a decision is made from and what it leads to.
//
// It holds values and the few rules that are about them alone (who may be contacted, which event means what). It does no
// I/O, reads no clock and imports nothing but the standard library. Times are instants in UTC unless a comment says
// otherwise; the zero time means "never" or "not known".
//
// Read it in this order: candidate.go, consent.go, event.go (what is known about a person), enrollment.go, decision.go
// (what a run is and what it does next), message.go (the ledger of what was sent), dispatch.go (what an event leads to),
// interview.go, interviewer.go and calendarlink.go (rounds, who holds them, and where their calendars are).
package crm
