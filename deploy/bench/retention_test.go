package bench_test

import (
	"flag"
	"fmt"
	"log/slog"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/activities"
	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/worker"
	"github.com/rapport-crm/rapport/workflows"
)

const keptFew = 20_000

//nolint:gochecknoglobals // a flag of the benchmark
var keptMany = flag.Int("retained", 200_000, "how many candidates the larger run of BenchmarkRetention looks at, such as 1000000")

const benchRetention = `
retention: quiet
basis: GDPR Art. 5(1)(e)
daily: {at: "03:00", zone: Europe/London}
applies_to: candidate.country == "GB"
keep: {for: 2y, after: 'has(candidate.last_decision_at) ? candidate.last_decision_at : candidate.created_at'}
then: erase
guard: {max_share: 5%}
---
retention: federal
basis: 41 CFR 60-1.12
daily: {at: "03:00", zone: America/New_York}
applies_to: candidate.country == "US"
keep: {at_least: 2y, after: candidate.created_at}
`

// BenchmarkRetention measures candidates per second that one run of a policy looks at, against reading the rows of all candidates from
// Postgres and nothing else, and the memory of a run over ten times as many, or as -retained says.
func BenchmarkRetention(b *testing.B) {
	for b.Loop() {
		few, _ := keep(b, keptFew)
		many, ours := keep(b, *keptMany)
		row(b, fmt.Sprintf("retention run, %d candidates", *keptMany), ours.rate, ours.baseline, "candidates_per_s", ">= 0.1")
		row(b, fmt.Sprintf("its heap, against %d candidates", keptFew), many, few, "heap_MB", "<= 1.5")
		if many > 1.5*few+8 {
			b.Errorf("a run over %d candidates takes %.0f MB, and one over %d takes %.0f MB", *keptMany, many, keptFew, few)
		}
	}
}

type kept struct{ rate, baseline float64 }

// keep has a policy look at n candidates, and returns the largest heap meanwhile, in MB.
func keep(b *testing.B, n int) (heap float64, k kept) {
	b.Helper()
	in := install(b)
	in.people(b, n)
	in.publish(b, benchRetention)
	run, err := in.store.AskRetention(b.Context(), "quiet", "2026-11-22", "bench")
	if err != nil {
		b.Fatal(err)
	}
	r := &worker.Retainer{
		Store: in.store, Library: activities.NewLibrary(worker.Published(in.store), func(err error) { b.Error(err) }), Now: time.Now,
		Span: func(d time.Duration) time.Duration { return d }, Log: slog.New(slog.DiscardHandler),
	}
	peak, stop := watchHeap()
	began := time.Now()
	for done := (workflows.RetentionProgress{}); !done.Ended; {
		if done, err = r.Retain(b.Context(), workflows.RetentionStep{Policy: "quiet", Workflow: run.Workflow}); err != nil {
			b.Fatal(err)
		}
	}
	k.rate = float64(n) / time.Since(began).Seconds()
	stop()
	if run, err = in.store.RetentionRun(b.Context(), run.Policy, run.Day); err != nil || run.Looked != int64(n) || run.State != crm.RetentionDone {
		b.Fatalf("%+v, %v", run, err)
	}
	if n != keptFew {
		in.read(b, n) // whatever is read first finds nothing in memory
		k.baseline = in.read(b, n)
	}
	return float64(peak.Load()) / (1 << 20), k
}

// watchHeap notes the largest heap until it is stopped.
func watchHeap() (peak *atomic.Uint64, stop func()) {
	runtime.GC()
	peak = &atomic.Uint64{}
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			peak.Store(max(peak.Load(), m.HeapAlloc))
			select {
			case <-end:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	return peak, func() { close(end); <-ended }
}
