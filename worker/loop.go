package worker

import (
	"context"
	"log/slog"
	"time"
)

// loop drains a queue: it works while there is more to do, then rests until the bell rings or a while has passed. An error
// is logged and tried again, less and less often.
type loop struct {
	name string
	rest time.Duration
	bell chan struct{}
	log  *slog.Logger
	work func(context.Context) (more bool, err error)
}

func newLoop(name string, rest time.Duration, log *slog.Logger, work func(context.Context) (bool, error)) *loop {
	return &loop{name: name, rest: rest, bell: make(chan struct{}, 1), log: log, work: work}
}

// ring says that there is work. It never blocks; rings in quick succession are one.
func (l *loop) ring() {
	select {
	case l.bell <- struct{}{}:
	default:
	}
}

const maxRest = 10 * time.Second

func (l *loop) run(ctx context.Context) {
	failures := 0
	for ctx.Err() == nil {
		more, err := l.work(ctx)
		switch {
		case err != nil && ctx.Err() == nil:
			failures++
			l.log.ErrorContext(ctx, "queue not drained, trying again", "queue", l.name, "attempt", failures, "error", err)
		case err == nil:
			failures = 0
			if more {
				continue
			}
		}
		l.pause(ctx, min(l.rest<<min(failures, 6), maxRest), failures > 0)
	}
}

// pause waits for the bell or the time. After a failure the bell is not heard: it would make the loop spin.
func (l *loop) pause(ctx context.Context, d time.Duration, deaf bool) {
	t := time.NewTimer(d)
	defer t.Stop()
	bell := l.bell
	if deaf {
		bell = nil
	}
	select {
	case <-ctx.Done():
	case <-bell:
		time.Sleep(gather)
	case <-t.C:
	}
}

// gather is how long a loop that was rung waits for more, so that what comes at the same time is done together.
const gather = 10 * time.Millisecond
