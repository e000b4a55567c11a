// Package bench measures what Rapport promises to hold, each figure beside its baseline in the same run, so that the ratio
// means the same on every machine. `make bench` prints them; docs/numbers.md keeps the goals. There is no code here but the
// benchmarks.
package bench
