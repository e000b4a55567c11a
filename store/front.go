package store

import (
	"context"
	"sync"
	"time"

	"github.com/rapport-crm/rapport/crm"
)

const (
	// frontPatience is how long a call waits for the lane before it may take the second one. One lane merges more calls into a
	// transaction, which costs less; the second is for when a transaction is held up.
	frontPatience = 20 * time.Millisecond

	frontEvents  = 512              // events that one transaction takes at most, or a little more
	frontTimeout = 30 * time.Second // of one transaction: whom it serves may have gone
)

// front merges small calls of Receive that arrive at the same time. While the lane's transaction is in flight further calls
// queue up, and the lane then takes them all: under load many requests share one commit, and without load nobody waits.
type front struct {
	store    *Store
	requests chan *intakeRequest
	late     chan *intakeRequest // to the second lane
	closed   chan struct{}
	lanes    sync.WaitGroup
}

type intakeRequest struct {
	events []crm.Event
	gone   <-chan struct{} // closed when the caller has given up
	reply  chan intakeReply
}

type intakeReply struct {
	received []Received
	err      error
}

func newFront(s *Store) *front {
	f := &front{store: s, requests: make(chan *intakeRequest), late: make(chan *intakeRequest), closed: make(chan struct{})}
	f.lanes.Go(f.firstLane)
	f.lanes.Go(f.secondLane)
	return f
}

func (f *front) close() {
	close(f.closed)
	f.lanes.Wait()
}

func (f *front) receive(ctx context.Context, events []crm.Event) ([]Received, error) {
	r := &intakeRequest{events: events, gone: ctx.Done(), reply: make(chan intakeReply, 1)}
	if err := f.hand(ctx, r); err != nil {
		return nil, err
	}
	select {
	case reply := <-r.reply:
		return reply.received, reply.err
	case <-ctx.Done(): // the events may or may not be stored; sending them again does no harm
		return nil, ctx.Err()
	}
}

// hand gives a call to a lane: to the second one only after a while.
func (f *front) hand(ctx context.Context, r *intakeRequest) error {
	patience := time.NewTimer(frontPatience)
	defer patience.Stop()
	var late chan<- *intakeRequest
	for {
		select {
		case f.requests <- r:
			return nil
		case late <- r:
			return nil
		case <-patience.C:
			late = f.late
		case <-ctx.Done():
			return ctx.Err()
		case <-f.closed:
			return &crm.Error{Code: crm.CodeUnavailable, Message: "The server is shutting down.", Next: "Send the events again."}
		}
	}
}

func (f *front) firstLane()  { f.lane(f.requests) }
func (f *front) secondLane() { f.lane(f.late) }

func (f *front) lane(requests <-chan *intakeRequest) {
	for {
		select {
		case r := <-requests:
			f.serve(f.gather(r))
		case <-f.closed:
			return
		}
	}
}

// gather takes the calls that are waiting now.
func (f *front) gather(first *intakeRequest) []*intakeRequest {
	group, events := []*intakeRequest{first}, len(first.events)
	for events < frontEvents {
		select {
		case r := <-f.requests:
			group = append(group, r)
			events += len(r.events)
		default:
			return group
		}
	}
	return group
}

// serve stores the events of a group in one transaction. If that fails each call is tried alone, so that nobody suffers for
// what another has sent.
func (f *front) serve(group []*intakeRequest) {
	total := 0
	for _, r := range group {
		total += len(r.events)
	}
	merged := make([]crm.Event, 0, total)
	waiting := group[:0]
	for _, r := range group {
		select {
		case <-r.gone:
		default:
			waiting = append(waiting, r)
			merged = append(merged, r.events...)
		}
	}
	if len(waiting) == 0 {
		return
	}
	received, err := f.insert(merged)
	if err != nil && len(waiting) > 1 {
		for _, r := range waiting {
			received, err := f.insert(r.events)
			r.reply <- intakeReply{received, err}
		}
		return
	}
	for _, r := range waiting {
		if err != nil {
			r.reply <- intakeReply{err: err}
			continue
		}
		r.reply <- intakeReply{received: received[:len(r.events):len(r.events)]}
		received = received[len(r.events):]
	}
}

func (f *front) insert(events []crm.Event) ([]Received, error) {
	ctx, cancel := context.WithTimeout(context.Background(), frontTimeout)
	defer cancel()
	return f.store.insert(ctx, events)
}
