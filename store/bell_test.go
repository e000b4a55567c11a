package store_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/store"
)

// hearing listens until the test ends and passes on what rings.
func hearing(t *testing.T, s *store.Store, topics ...string) <-chan string {
	t.Helper()
	rings := make(chan string, 1000)
	ctx, cancel := context.WithCancel(t.Context())
	var done sync.WaitGroup
	done.Go(func() {
		if err := s.Listen(ctx, topics, func(topic string) { rings <- topic }); !errors.Is(err, context.Canceled) {
			t.Errorf("listening ended with %v", err)
		}
	})
	t.Cleanup(func() { cancel(); done.Wait() })
	for range topics { // every topic rings once it listens
		await(t, rings)
	}
	return rings
}

func await(t *testing.T, rings <-chan string) string {
	t.Helper()
	select {
	case topic := <-rings:
		return topic
	case <-time.After(10 * time.Second):
		t.Fatal("nothing rings")
		return ""
	}
}

func TestNotify(t *testing.T) {
	t.Parallel()
	b := setup(t)
	here := hearing(t, b.Store, store.TopicEvents, store.TopicMessages)
	there := hearing(t, b.open(t), store.TopicEvents)
	for range 100 {
		b.Notify(store.TopicEvents)
	}
	b.Notify(store.TopicWakes) // nobody asked for it
	for name, rings := range map[string]<-chan string{"here": here, "there": there} {
		if topic := await(t, rings); topic != store.TopicEvents {
			t.Errorf("%s rings %s", name, topic)
		}
	}
	if n := len(there); n > 20 {
		t.Errorf("100 notifications became %d for others, want few", n)
	}
	b.receive(t, b.event("page.viewed", "x", nil))
	for name, rings := range map[string]<-chan string{"here": here, "there": there} {
		for len(rings) > 1 { // what is left of the hundred
			<-rings
		}
		if topic := await(t, rings); topic != store.TopicEvents {
			t.Errorf("%s rings %s after an event", name, topic)
		}
	}
}

func TestListenReconnects(t *testing.T) {
	t.Parallel()
	b := setup(t)
	other := b.open(t)
	rings := hearing(t, other, store.TopicStarting)
	b.exec(t, "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query ilike 'listen%'")
	await(t, rings) // again, since it listens anew
	b.Notify(store.TopicStarting)
	if topic := await(t, rings); topic != store.TopicStarting {
		t.Errorf("rings %s", topic)
	}
}

func TestCloseWhileReceiving(t *testing.T) {
	t.Parallel()
	b := setup(t)
	other, err := store.Open(t.Context(), b.dsn, store.Options{Now: b.now})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for {
				_, err := other.Receive(t.Context(), []crm.Event{b.event("page.viewed", "x", nil)})
				if err != nil {
					if crm.CodeOf(err) != crm.CodeUnavailable {
						t.Errorf("got %v", err)
					}
					return
				}
				if t.Context().Err() != nil {
					return
				}
			}
		})
	}
	b.receive(t, b.event("page.viewed", "x", nil))
	other.Close()
	wg.Wait()
}
