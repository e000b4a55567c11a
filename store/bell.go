package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rapport-crm/rapport/crm"
)

const (
	// bellRest is the least time between two notifications of one topic to other processes.
	bellRest = 100 * time.Millisecond
	// bellTimeout bounds one notification.
	bellTimeout = 5 * time.Second
	// channelPrefix sets Rapport's Postgres channels apart.
	channelPrefix = "rapport_"
	// reconnectFirst and reconnectLast bound the pauses between attempts to listen again.
	reconnectFirst = 100 * time.Millisecond
	reconnectLast  = 5 * time.Second
)

// bell tells listeners that a queue has new work: those in this process at once, other processes by NOTIFY. A NOTIFY inside
// a transaction would have commits wait for each other, so it is sent on its own, after the commit, and seldom. Who misses
// one finds the work by looking: a notification is a hint, never a fact.
type bell struct {
	store *Store
	id    string // of this process, to know its own notifications

	mu      sync.Mutex
	pending []string
	ears    []chan<- string // of listeners in this process

	ring chan struct{}
	stop context.CancelFunc
	done sync.WaitGroup
}

func newBell(s *Store) *bell {
	ctx, stop := context.WithCancel(context.Background())
	b := &bell{store: s, id: crm.NewID("bell", time.Now()), ring: make(chan struct{}, 1), stop: stop}
	b.done.Go(func() { b.run(ctx) })
	return b
}

func (b *bell) close() {
	b.stop()
	b.done.Wait()
}

// Notify tells all who listen that a queue has new work. It returns at once; calls in quick succession become one. The
// methods of the store that fill a queue call it themselves, after their commit.
func (s *Store) Notify(topic string) {
	b := s.bell
	b.mu.Lock()
	for _, ear := range b.ears {
		select {
		case ear <- topic:
		default: // the listener has enough to do, and will look
		}
	}
	if !slices.Contains(b.pending, topic) {
		b.pending = append(b.pending, topic)
	}
	b.mu.Unlock()
	select {
	case b.ring <- struct{}{}:
	default:
	}
}

// run sends what is pending, then rests.
func (b *bell) run(ctx context.Context) {
	rest := time.NewTicker(bellRest)
	defer rest.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-b.ring:
		}
		b.mu.Lock()
		topics := b.pending
		b.pending = nil
		b.mu.Unlock()
		if err := b.send(ctx, topics); err != nil && ctx.Err() == nil {
			b.store.log.WarnContext(ctx, "notification not sent", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-rest.C:
		}
	}
}

func (b *bell) send(ctx context.Context, topics []string) error {
	ctx, cancel := context.WithTimeout(ctx, bellTimeout)
	defer cancel()
	batch := &pgx.Batch{}
	for _, topic := range topics {
		batch.Queue("select pg_notify($1, $2)", channelPrefix+topic, b.id)
	}
	return b.store.pool.SendBatch(ctx, batch).Close()
}

// earSize is how many unheard topics a listener may have; a further one says nothing new.
const earSize = 16

// Listen calls ring with each topic that is notified by this process or another, until the context ends, and returns its
// error. It calls from one goroutine; topics that come while ring runs may be merged. It has a connection of its own, makes
// a new one when that breaks, and rings every topic then, since some may have been missed.
func (s *Store) Listen(ctx context.Context, topics []string, ring func(topic string)) error {
	ear := make(chan string, max(earSize, len(topics)))
	s.bell.attach(ear)
	defer s.bell.detach(ear)
	var remote sync.WaitGroup
	defer remote.Wait()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	remote.Go(func() { s.listenRemote(ctx, topics, ear) })
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case topic := <-ear:
			if slices.Contains(topics, topic) {
				ring(topic)
			}
		}
	}
}

func (b *bell) attach(ear chan<- string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ears = append(b.ears, ear)
}

func (b *bell) detach(ear chan<- string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ears = slices.DeleteFunc(b.ears, func(e chan<- string) bool { return e == ear })
}

// listenRemote passes on what other processes notify. It comes back from every broken connection.
func (s *Store) listenRemote(ctx context.Context, topics []string, ear chan<- string) {
	pause := reconnectFirst
	for ctx.Err() == nil {
		connected, err := s.listenOnce(ctx, topics, ear)
		if ctx.Err() != nil {
			return
		}
		if connected {
			pause = reconnectFirst
		}
		s.log.WarnContext(ctx, "listening interrupted", "error", err, "retry_in", pause)
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		pause = min(2*pause, reconnectLast)
	}
}

func (s *Store) listenOnce(ctx context.Context, topics []string, ear chan<- string) (connected bool, err error) {
	conn, err := pgx.ConnectConfig(ctx, s.pool.Config().ConnConfig)
	if err != nil {
		return false, fmt.Errorf("connect: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
	for _, topic := range topics {
		if _, err := conn.Exec(ctx, "listen "+pgx.Identifier{channelPrefix + topic}.Sanitize()); err != nil {
			return false, fmt.Errorf("listen: %w", err)
		}
	}
	for _, topic := range topics {
		select {
		case ear <- topic:
		case <-ctx.Done():
			return true, ctx.Err()
		}
	}
	for {
		n, err := conn.WaitForNotification(ctx)
		if err != nil {
			return true, fmt.Errorf("wait for notification: %w", err)
		}
		if n.Payload == s.bell.id {
			continue // this process has heard it already
		}
		select {
		case ear <- strings.TrimPrefix(n.Channel, channelPrefix):
		case <-ctx.Done():
			return true, ctx.Err()
		}
	}
}
