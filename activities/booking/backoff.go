package booking

import (
	"sync"
	"time"
)

// The shortest and the longest time until a person's calendars are asked again that did not answer.
const (
	firstRest   = 30 * time.Second
	longestRest = time.Hour
)

// backoff is whom not to ask for now. It is lost with the process, which costs a request. The zero value asks everybody.
type backoff struct {
	mu    sync.Mutex
	rests map[string]rest
}

type rest struct {
	until    time.Time // real time
	failures int
}

// due tells whether somebody may be asked.
func (b *backoff) due(id string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return !time.Now().Before(b.rests[id].until)
}

// failed leaves somebody alone for a while: longer each time, and no shorter than their provider wants.
func (b *backoff) failed(id string, atLeast time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.rests == nil {
		b.rests = map[string]rest{}
	}
	r := b.rests[id]
	r.until = time.Now().Add(max(min(firstRest<<min(r.failures, 10), longestRest), atLeast))
	r.failures++
	b.rests[id] = r
}

func (b *backoff) worked(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.rests, id)
}

// deletions are the events that were deleted, and when first. The zero value has none.
type deletions struct {
	mu    sync.Mutex
	first map[seat]time.Time // real time
}

// seat is one person's place in a meeting.
type seat struct{ meeting, interviewer string }

// since is when a seat's event was first deleted; zero when it was not.
func (d *deletions) since(s seat) time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.first[s]
}

func (d *deletions) note(s seat) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.first == nil {
		d.first = map[seat]time.Time{}
	}
	d.first[s] = time.Now()
}

func (d *deletions) forget(s seat) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.first, s)
}
