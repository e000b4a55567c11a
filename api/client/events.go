package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/rapport-crm/rapport/api"
)

// SendOptions say how events are sent. The zero value is good.
type SendOptions struct {
	RecordOnly bool                    // keep them as history: nobody is enrolled and no run wakes up
	BatchSize  int                     // events in a request; 0 is 500
	State      string                  // path of the file that remembers how far sending got; "" remembers nothing
	Report     io.Writer               // gets the lines that were not taken, with their number and the reason, as CSV. It may be nil
	Progress   func(done, total int64) // in bytes. It may be nil
}

// SendSummary is what became of the lines of a file, over all of its runs.
type SendSummary struct {
	Lines     int `json:"lines"` // without empty ones
	Accepted  int `json:"accepted"`
	Duplicate int `json:"duplicate"`
	Rejected  int `json:"rejected"` // refused by the server, or not an event at all

	Resumed bool `json:"-"` // sending went on where it was interrupted
}

const (
	sendBatch = 500     // events in a request unless the options say otherwise
	maxLine   = 1 << 20 // bytes of a line
	maxBatch  = 8 << 20 // bytes in a request
	readAhead = 2       // batches that are ready while one is sent
)

// SendEvents sends a file of events, one JSON object a line, in the order of the file: the order of a candidate's events
// matters, so one request is under way at a time while the next ones are read. Empty lines are skipped; a line that is no
// event goes to the report.
//
// When it is interrupted, the next call with the same State goes on after the last batch that was confirmed. What was sent
// and not confirmed is sent again, which does nothing: events are idempotent by source and id, and those without an id by
// their place in the file.
func (c *Client) SendEvents(ctx context.Context, f io.ReadSeeker, opts SendOptions) (SendSummary, error) {
	if opts.BatchSize <= 0 || opts.BatchSize > api.MaxEvents {
		opts.BatchSize = sendBatch
	}
	s := &sender{client: c, opts: opts, total: size(f), report: report{out: opts.Report, what: "line"}}
	var err error
	if s.progress, err = openProgress(f, opts); err != nil {
		return SendSummary{}, err
	}
	err = s.run(ctx, f)
	if err == nil {
		err = s.progress.remove(opts.State)
	}
	return s.progress.Summary, err
}

// sender is a file being sent.
type sender struct {
	client   *Client
	opts     SendOptions
	total    int64
	report   report
	progress *progress
}

// batch is a part of a file.
type batch struct {
	events  []json.RawMessage
	numbers []int // of the events' lines
	bad     []badLine
	start   int64 // offset of its first line
	end     int64 // offset after its last line
	line    int   // number of its last line
	bytes   int
	err     error // of reading; the batch before it is complete
}

type badLine struct {
	number       int
	reason, text string
}

func (s *sender) run(ctx context.Context, f io.Reader) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	batches := make(chan *batch, readAhead)
	go s.read(ctx, f, batches)
	for b := range batches {
		if b.err != nil {
			return fmt.Errorf("read events: %w", b.err)
		}
		if err := s.send(ctx, b); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// read cuts the file into batches. It ends with the file, an error or the context.
func (s *sender) read(ctx context.Context, f io.Reader, out chan<- *batch) {
	defer close(out)
	in := newLines(f, maxLine, false)
	in.offset, in.number = s.progress.Offset, s.progress.Line
	for done := false; !done; {
		b := &batch{start: in.offset}
		done = s.fill(b, in)
		select {
		case out <- b:
		case <-ctx.Done():
			return
		}
	}
}

func (s *sender) fill(b *batch, in *lines) (done bool) {
	for len(b.events) < s.opts.BatchSize && len(b.bad) < s.opts.BatchSize && b.bytes < maxBatch {
		l, err := in.next()
		if errors.Is(err, io.EOF) {
			return true
		}
		if err != nil {
			b.err = err
			return true
		}
		b.add(l)
	}
	return false
}

func (b *batch) add(l line) {
	b.end, b.line = l.end, l.number
	text := bytes.TrimSpace(l.text)
	if l.number == 1 {
		text = bytes.TrimPrefix(text, []byte("\ufeff"))
	}
	switch {
	case l.tooBig:
		b.bad = append(b.bad, badLine{l.number, fmt.Sprintf("the line is longer than %d kB", maxLine>>10), string(text[:min(len(text), 1000)])})
	case len(text) == 0:
	case text[0] != '{' || !json.Valid(text):
		b.bad = append(b.bad, badLine{l.number, "the line is not a JSON object", string(text)})
	default:
		b.events, b.numbers = append(b.events, bytes.Clone(text)), append(b.numbers, l.number)
		b.bytes += len(text)
	}
}

// send sends a batch and remembers that it was confirmed.
func (s *sender) send(ctx context.Context, b *batch) error {
	if b.end == 0 { // nothing was left
		return nil
	}
	summary := &s.progress.Summary
	if len(b.events) > 0 {
		key := s.progress.Head[:16] + "-" + strconv.FormatInt(b.start, 10)
		results, err := s.client.SendBatch(ctx, b.events, key, s.opts.RecordOnly)
		if err != nil {
			return fmt.Errorf("send lines %d to %d: %w", b.numbers[0], b.line, err)
		}
		summary.Accepted += results.Accepted
		summary.Duplicate += results.Duplicate
		for _, r := range results.Results {
			if r.Problem != nil {
				b.bad = append(b.bad, badLine{b.numbers[r.Index], r.Problem.Detail, string(b.events[r.Index])})
				summary.Lines-- // counted below
			}
		}
	}
	summary.Lines += len(b.events) + len(b.bad)
	summary.Rejected += len(b.bad)
	for _, bad := range b.bad {
		if err := s.report.add(bad.number, bad.reason, bad.text); err != nil {
			return err
		}
	}
	s.progress.Offset, s.progress.Line = b.end, b.line
	if err := s.progress.save(s.opts.State); err != nil {
		return err
	}
	if s.opts.Progress != nil {
		s.opts.Progress(b.end, s.total)
	}
	return nil
}
