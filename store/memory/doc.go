// Package memory is the store without Postgres: candidates, runs, events and the ledger of messages as plain values, for
// playing definitions on a fake clock. It loads the same facts as package store, commits the same decisions and has no
// rules of its own, so that what is played is decided as production decides it. TestPostgresAndMemory of package play holds the two to that.
//
// It keeps what it is given the way Postgres hands it back: times in UTC to the microsecond, free data as JSON reads it.
package memory
