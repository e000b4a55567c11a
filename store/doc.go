// Package store keeps the facts in Postgres: candidates, consents, events, definitions, enrollments, decisions and the
// message ledger. It loads what a rule needs, hands it over, and commits what the rule answers. It holds no rules itself:
// those are pure functions over crm.Facts and crm.Inbox.
//
// # Locks
//
// There is one lock: the candidate row, taken FOR NO KEY UPDATE by the first statement of a READ COMMITTED transaction.
// Facts are read by later statements, each of which takes a snapshot of its own, so they see all that was committed by
// whoever held the lock before. Several candidates are locked in the order of their ids. A transaction never locks a
// candidate after it has written anything. That alone settles caps, the order of events and opt-out races.
//
// A merge deletes a candidate's row. Who waited for its lock meanwhile holds nothing afterwards, or no longer all it needs, so
// every lock but those that skip is taken by the function lock_candidates, which fails then; the first batch is sent again and
// finds the survivor. See Store.Merge, and lockOwners for rows that lead to their candidate.
//
// Rows of enrollments and messages are only changed under the lock of their candidate, with one exception: the relays
// and the sweeper raise and acknowledge wake counters without it. They lock enrollment rows with SKIP LOCKED and lock
// nothing else, so they never wait while they hold something and cannot be part of a deadlock; what they skip they meet
// again in their next round.
//
// An interviewer's row is locked by what changes it, in the order of ids, and after any candidate.
//
// Unique keys make transactions wait for each other too. Every multi-row insert whose keys come from outside (events,
// candidates, suppressions) therefore inserts in the order of its key.
//
// # Round trips
//
// A transaction is two pipelined batches: begin, lock and load; then write and commit.
//
// # Time
//
// The clock is injected (Options.Now) and every time that is stored comes from it or from the caller, never from the
// database. Times are kept to the microsecond and read back in UTC.
package store
