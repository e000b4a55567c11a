// Package worker is what runs until it is told to stop: it binds workflows to activities on a Temporal worker, and keeps the
// two outboxes empty.
//
//   - The dispatcher (dispatcher.go) turns a candidate's new events into enrollments and wake-ups, in one transaction.
//   - The relays (relay.go) carry both to Temporal: they start workflows and signal them.
//   - The sender (sender.go) claims planned messages, checks them a last time and hands them to the providers, each
//     channel in a lane (lane.go) at the rate of its account.
//   - Look-ups (lookup.go) ask the providers about messages whose fate is unknown.
//   - Jobs (jobs.go, jobplan.go, jobchunk.go) do what concerns many candidates, a chunk at a time: fan-outs, members of pools,
//     campaigns, who belongs into which pool.
//   - The mirror and the watch (calendars.go) keep people's calendars as Postgres says, and notice what happens in them.
//   - The sweeper (sweeper.go) finds what fell between two stools after a crash, and wakes it.
//
// Each is a loop over a queue in Postgres (loop.go). Any number of workers can run beside each other, and any of them can be
// killed at any moment: what it was doing is done again, or found to be done.
package worker
