package bench_test

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/activities"
	"github.com/rapport-crm/rapport/worker"
)

// poolPeople is how many candidates are looked at.
const poolPeople = 200_000

const benchPools = `
pool: nurses-north-west
when: '"nursing" in candidate.functions && candidate.region == "North West" && candidate.status != "hired"'
---
pool: quiet
when: candidate.status == "lead" && days_since(candidate.created_at) > 90
`

// BenchmarkPools measures candidates per second that are looked at again when the conditions of two pools are new, of whom one
// in a hundred enters one, against reading the rows of all candidates from Postgres and nothing else.
func BenchmarkPools(b *testing.B) {
	for b.Loop() {
		in := install(b)
		in.people(b, poolPeople)
		in.publish(b, benchPools)
		in.read(b, poolPeople) // whatever is read first finds nothing in memory
		baseline := in.read(b, poolPeople)

		jobs := &worker.Jobs{
			Store: in.store, Library: activities.NewLibrary(worker.Published(in.store), func(err error) { b.Error(err) }), Now: time.Now,
			Backlog: poolPeople, Log: slog.New(slog.DiscardHandler),
		}
		began := time.Now()
		for more := true; more; {
			var err error
			if more, err = jobs.Work(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
		ours := poolPeople / time.Since(began).Seconds()
		if done, found := in.count(b, "select done from jobs"), in.count(b, "select found from jobs"); done != poolPeople || found != poolPeople/100 {
			b.Fatalf("%d candidates looked at, %d found", done, found)
		}
		baseline = max(baseline, in.read(b, poolPeople)) // a busy machine may slow either one down
		row(b, "pool re-evaluation", ours, baseline, "candidates_per_s", ">= 0.5")
	}
}

// people adds n candidates with everything that is usually known of one, at once. One in a hundred is a nurse of the North
// West.
func (in *installation) people(b *testing.B, n int) {
	b.Helper()
	_, err := in.pool.Exec(b.Context(), fmt.Sprintf(`insert into candidates (id, external_id, first_name, last_name, email, phone, country,
		region, city, time_zone, locale, status, source, owner, seniority, functions, skills, tags, score, attributes, legal_hold, created_at, updated_at)
		select 'cnd_' || lpad(i::text, 26, '0'), 'B-' || i, 'Ada', 'Lovelace', 'ada' || i || '@north.example', '+447700900000', 'GB',
			case when i %% 100 = 0 then 'North West' else 'London' end, 'Leeds', 'Europe/London', 'en-GB', 'lead', 'career-site', 'maya@north.example',
			'senior', '{nursing,theatre}', '{triage,scrub,recovery}', '{event-2026,newsletter}', i %% 50, '{"band": "6", "shift": "nights"}', false, now(), now()
		from generate_series(1, %d) i`, n))
	if err == nil {
		_, err = in.pool.Exec(b.Context(), "vacuum analyze candidates")
	}
	if err != nil {
		b.Fatal(err)
	}
}

// read reads the rows of all n candidates, and returns how many it read in a second.
func (in *installation) read(b *testing.B, n int) float64 {
	b.Helper()
	began := time.Now()
	rows, err := in.pool.Query(b.Context(), "select * from candidates")
	if err != nil {
		b.Fatal(err)
	}
	defer rows.Close()
	read := 0
	for rows.Next() {
		if _, err := rows.Values(); err != nil {
			b.Fatal(err)
		}
		read++
	}
	if rows.Err() != nil || read != n {
		b.Fatalf("%d rows read: %v", read, rows.Err())
	}
	return float64(n) / time.Since(began).Seconds()
}
