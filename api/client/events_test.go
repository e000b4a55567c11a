package client_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/api/client"
)

func eventLine(n int) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":"%d","source":"ats","type":"page.viewed","subject":"A-%d","time":"2026-11-05T10:00:00Z","data":{"seconds":%d}}`, n, n%7, n)
}

func eventFile(t *testing.T, lines ...string) *os.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "events.jsonl")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func TestSendEvents(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	f := eventFile(t,
		"\ufeff"+eventLine(1), eventLine(2), "", eventLine(2), `{"type":"page.viewed","candidate":"A"}`, `{"type":"page.viewed","candidate":"A"}`,
		`{"type":`, `[]`, `{"type":"page.veiwed","candidate":"A"}`, "   ", `{"type":"page.viewed","candidate":"`+strings.Repeat("x", 2<<20)+`"}`, eventLine(3)+"\r",
	)
	state := f.Name() + ".rapport-progress"
	for i, want := range []client.SendSummary{
		{Lines: 10, Accepted: 5, Duplicate: 1, Rejected: 4}, {Lines: 10, Accepted: 0, Duplicate: 6, Rejected: 4},
	} {
		var out bytes.Buffer
		var last, total int64
		got, err := w.SendEvents(t.Context(), f, client.SendOptions{State: state, BatchSize: 2, Report: &out, Progress: func(n, of int64) { last, total = n, of }})
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("run %d: %v (-want +got):\n%s", i+1, err, diff)
		}
		if info, err := f.Stat(); err != nil || last != info.Size() || total != info.Size() {
			t.Errorf("progress ended at %d of %d", last, total)
		}
		for _, part := range []string{"\n7,", "\n8,", "\n9,There is no event type page.veiwed. Did you mean page.viewed?", "\n11,the line is longer"} {
			if !strings.Contains(out.String(), part) {
				t.Errorf("the report lacks %q", part)
			}
		}
		if _, err := os.Stat(state); !os.IsNotExist(err) {
			t.Errorf("the state is left behind: %v", err)
		}
	}
}

func TestSendEventsResumes(t *testing.T) {
	t.Parallel()
	ctx, kill := context.WithCancel(t.Context())
	defer kill()
	var requests atomic.Int32
	w := newWorld(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(rw, r)
			if requests.Add(1) == 3 { // stored, but the answer does not arrive
				kill()
			}
		})
	})
	lines := make([]string, 50)
	for i := range lines {
		lines[i] = eventLine(i)
	}
	lines[25] = `{"type":"page.viewed","candidate":"A-1"}` // known by its place
	f := eventFile(t, lines...)
	opts := client.SendOptions{State: f.Name() + ".rapport-progress", BatchSize: 10}
	first, err := w.SendEvents(ctx, f, opts)
	if err == nil || first.Accepted < 20 || first.Accepted > 30 {
		t.Fatalf("%+v, %v", first, err)
	}
	sent := requests.Load()
	second, err := w.SendEvents(t.Context(), f, opts)
	if err != nil || !second.Resumed || second.Lines != 50 || second.Accepted+second.Duplicate != 50 {
		t.Fatalf("%+v, %v", second, err)
	}
	if again := requests.Load() - sent; again > 3 {
		t.Errorf("%d requests after the interruption: it began anew", again)
	}
	if third, err := w.SendEvents(t.Context(), f, opts); err != nil || third.Duplicate != 50 {
		t.Errorf("after all was sent: %+v, %v", third, err)
	}
}

func TestSendEventsDoesNotResumeAnotherFile(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	f := eventFile(t, eventLine(1), eventLine(2))
	state := filepath.Join(t.TempDir(), "state")
	for name, text := range map[string]string{
		"garbage": "{", "another file": `{"size":5,"head":"` + strings.Repeat("a", 64) + `","offset":3,"summary":{"lines":9}}`,
	} {
		if err := os.WriteFile(state, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := w.SendEvents(t.Context(), f, client.SendOptions{State: state}); err != nil || got.Lines != 2 || got.Resumed {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestSendEventsKeepsTheirOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	lines := make([]string, 60)
	for i := range lines {
		lines[i] = fmt.Sprintf(`{"id":"%d","type":"page.viewed","candidate":"A","time":"2026-11-05T10:00:00Z","data":{"seconds":%d}}`, i, i)
	}
	if _, err := w.SendEvents(t.Context(), eventFile(t, lines...), client.SendOptions{BatchSize: 7}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.ImportCandidates(t.Context(), strings.NewReader("external_id\nA\n"), client.ImportOptions{}); err != nil {
		t.Fatal(err)
	}
	page, err := w.Timeline(t.Context(), "A", 500, "")
	if err != nil {
		t.Fatal(err)
	}
	next := 0.0
	for _, e := range page.Items {
		if e.EventType == "page.viewed" {
			if e.Data["seconds"] != next {
				t.Fatalf("event %v came in place of %v", e.Data["seconds"], next)
			}
			next++
		}
	}
	if next != 60 {
		t.Errorf("%v events, want 60", next)
	}
}
