package bench_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/crm"
)

const (
	intakePeople = 2000
	intakeTime   = 6 * time.Second
	connections  = 32
)

// BenchmarkIntakeBatch measures events committed through POST /v1/events in batches of 100, against COPY of the same rows into
// the same table.
func BenchmarkIntakeBatch(b *testing.B) {
	for b.Loop() {
		in := install(b)
		in.candidates(b, intakePeople)
		baseline := in.rate(b, 4, 100, in.copyRows)
		ours := in.rate(b, 4, 100, in.poster(b))
		row(b, "event intake, batches of 100", ours, baseline, "events_per_s", ">= 0.3")
	}
}

// BenchmarkIntakeSingle measures events committed one by one through POST /v1/events, against one INSERT per transaction from as
// many connections.
func BenchmarkIntakeSingle(b *testing.B) {
	for b.Loop() {
		in := install(b)
		in.candidates(b, intakePeople)
		baseline := in.rate(b, connections, 1, in.insertRow)
		ours := in.rate(b, connections, 1, in.poster(b))
		row(b, "event intake, single requests", ours, baseline, "events_per_s", ">= 0.8")
	}
}

// rate returns the events per second that some lanes commit, each in steps of size events.
func (in *installation) rate(b *testing.B, lanes, size int, commit func(ctx context.Context, events []crm.Event) error) float64 {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), intakeTime+30*time.Second)
	defer cancel()
	began := time.Now()
	var total, names atomic.Int64
	var all sync.WaitGroup
	for range lanes {
		all.Go(func() {
			for time.Since(began) < intakeTime {
				events := make([]crm.Event, size)
				for i := range events {
					n := names.Add(1)
					events[i] = crm.Event{
						ID: crm.NewID(crm.PrefixEvent, began), Source: "career-site", ExternalID: fmt.Sprintf("%p-%d", &names, n), Type: "page.viewed",
						Subject: fmt.Sprint("B-", n%intakePeople), Time: time.Now(), Data: map[string]any{"url": "https://careers.example/theatre", "seconds": 12},
					}
				}
				if err := commit(ctx, events); err != nil {
					b.Error(err)
					return
				}
				total.Add(int64(size))
			}
		})
	}
	all.Wait()
	return float64(total.Load()) / time.Since(began).Seconds()
}

func columns() []string {
	return []string{"id", "seq", "source", "external_id", "type", "subject", "candidate_id", "time", "received_at", "record_only", "data"}
}

func values(e *crm.Event) ([]any, error) {
	data, err := json.Marshal(e.Data)
	return []any{e.ID, 1, e.Source, e.ExternalID, e.Type, e.Subject, "cnd_" + e.Subject, e.Time, e.Time, false, data}, err
}

func (in *installation) copyRows(ctx context.Context, events []crm.Event) error {
	_, err := in.pool.CopyFrom(ctx, pgx.Identifier{"events"}, columns(), pgx.CopyFromSlice(len(events), func(i int) ([]any, error) {
		return values(&events[i])
	}))
	return err
}

func (in *installation) insertRow(ctx context.Context, events []crm.Event) error {
	args, err := values(&events[0])
	if err != nil {
		return err
	}
	_, err = in.pool.Exec(ctx, `insert into events (id, seq, source, external_id, type, subject, candidate_id, time, received_at, record_only, data)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`, args...)
	return err
}

// poster returns a function that posts events to the API over HTTP, and fails unless all of them are accepted.
func (in *installation) poster(b *testing.B) func(context.Context, []crm.Event) error {
	b.Helper()
	_, key, err := in.store.CreateKey(b.Context(), "bench", []string{"events:write"}, time.Now())
	if err != nil {
		b.Fatal(err)
	}
	server := httptest.NewServer(api.New(api.Config{Store: in.store}))
	b.Cleanup(server.Close)
	clients := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections}}
	return func(ctx context.Context, events []crm.Event) error {
		batch := make([]map[string]any, len(events))
		for i := range events {
			e := &events[i]
			batch[i] = map[string]any{
				"specversion": "1.0", "id": e.ExternalID, "source": e.Source, "type": e.Type, "subject": e.Subject,
				"time": e.Time.Format(time.RFC3339Nano), "data": e.Data,
			}
		}
		body, err := json.Marshal(batch)
		if err != nil {
			return err
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL+"/v1/events", bytes.NewReader(body))
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", "application/cloudevents-batch+json")
		req.Header.Set("Authorization", "Bearer "+key)
		res, err := clients.Do(req)
		if err != nil {
			return err
		}
		defer res.Body.Close()
		answer, err := io.ReadAll(res.Body)
		if err != nil {
			return err
		}
		if accepted := bytes.Count(answer, []byte(`"accepted"`)); res.StatusCode != http.StatusOK || accepted < len(events) {
			return fmt.Errorf("%s: %d accepted of %d: %.300s", res.Status, accepted, len(events), answer)
		}
		return nil
	}
}
