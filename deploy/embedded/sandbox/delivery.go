package sandbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"
)

const (
	tick = 150 * time.Millisecond
	// eventBatch is the highest number of events in one SendGrid post, and how many other webhooks are taken at once.
	eventBatch = 100
	// eventPause is how long SendGrid's events gather before a batch that is not full is posted.
	eventPause = 300 * time.Millisecond
	// deliverers is how many of Twilio's webhooks are posted at the same time.
	deliverers = 8
	// The pause before the next attempt doubles from firstRetry to longestRetry. After giveUpAfter a webhook counts as refused;
	// SendGrid retries for 24 hours too.
	firstRetry   = 500 * time.Millisecond
	longestRetry = 15 * time.Second
	giveUpAfter  = 24 * time.Hour
)

// Run posts due webhooks until ctx ends, and returns nil then. Webhooks that are not answered for by then stay in the
// database for the next Run. Only one Run may be active on a database.
func (s *Sandbox) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.repeat(ctx, tick, s.hurry, s.deliverOthers) })
	g.Go(func() error { return s.repeat(ctx, eventPause, nil, s.deliverEvents) })
	return g.Wait()
}

// repeat calls work at every tick and when hurried. An error, such as a database that restarts, is logged and tried again.
func (s *Sandbox) repeat(ctx context.Context, pause time.Duration, hurry <-chan struct{}, work func(context.Context) error) error {
	ticker := time.NewTicker(pause)
	defer ticker.Stop()
	for {
		if err := work(ctx); err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "sandbox could not post webhooks, will try again", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		case <-hurry:
		}
	}
}

// deliverEvents posts SendGrid's events in batches until none is due.
func (s *Sandbox) deliverEvents(ctx context.Context) error {
	for {
		due, err := s.due(ctx, true)
		if err != nil || len(due) == 0 {
			return err
		}
		// One post goes to one URL; the base URL may have changed since the older rows were written.
		for first := 0; first < len(due); {
			last := first + 1
			for last < len(due) && due[last].url == due[first].url {
				last++
			}
			outcome := s.post(ctx, due[first].url, "application/json", eventBody(due[first:last]), targetSendGridEvents)
			if err := s.settle(ctx, due[first:last], outcome); err != nil {
				return err
			}
			first = last
		}
		if len(due) < eventBatch {
			return nil
		}
	}
}

// eventBody is the array that SendGrid posts, with its line ends, which are part of what is signed.
func eventBody(events []webhook) []byte {
	var body bytes.Buffer
	body.WriteByte('[')
	for i, event := range events {
		if i > 0 {
			body.WriteString(",\r\n")
		}
		body.Write(event.payload)
	}
	body.WriteString("]\r\n")
	return body.Bytes()
}

// deliverOthers posts the webhooks that go one by one, several at a time.
func (s *Sandbox) deliverOthers(ctx context.Context) error {
	for {
		due, err := s.due(ctx, false)
		if err != nil || len(due) == 0 {
			return err
		}
		g, inner := errgroup.WithContext(ctx)
		g.SetLimit(deliverers)
		for i := range due {
			g.Go(func() error {
				w := due[i]
				o := s.post(inner, w.url, w.contentType, w.payload, w.target)
				if err := s.settle(inner, due[i:i+1], o); err != nil || w.target != targetTwilioInbound {
					return err
				}
				return s.answerText(inner, w.payload, o.body)
			})
		}
		if err := g.Wait(); err != nil {
			return err
		}
		if len(due) < eventBatch {
			return nil
		}
	}
}

// due lets happen what is due, and returns webhooks to post: SendGrid's events or all others.
func (s *Sandbox) due(ctx context.Context, events bool) ([]webhook, error) {
	if err := s.letHappen(ctx); err != nil {
		return nil, err
	}
	faults := s.Faults()
	if faults.MuteWebhooks {
		return nil, nil
	}
	comparison := "<>"
	if events {
		comparison = "="
	}
	rows, err := s.pool.Query(ctx, `select seq, target, event, url, content_type, payload, attempts, extract(epoch from now() - first_due_at)::float8
from sandbox.webhooks where state = 'pending' and happened_at is not null and due_at <= now() and target `+comparison+` $1
order by due_at, seq limit $2`, targetSendGridEvents, eventBatch)
	if err != nil {
		return nil, fmt.Errorf("load due webhooks: %w", err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (webhook, error) {
		var w webhook
		var overdue float64
		err := row.Scan(&w.seq, &w.target, &w.event, &w.url, &w.contentType, &w.payload, &w.attempts, &overdue)
		w.overdue = time.Duration(overdue * float64(time.Second))
		return w, err
	})
	if err != nil {
		return nil, fmt.Errorf("load due webhooks: %w", err)
	}
	if faults.ShuffleWebhooks {
		rand.Shuffle(len(found), func(i, j int) { found[i], found[j] = found[j], found[i] }) //nolint:gosec // a test's disorder needs no secrecy
	}
	return s.withoutLost(ctx, found)
}

// letHappen gives messages the statuses that are due, whether or not anybody is told.
func (s *Sandbox) letHappen(ctx context.Context) error {
	_, err := s.pool.Exec(ctx, `
with due as (
    update sandbox.webhooks set happened_at = $1 where seq in (
        select seq from sandbox.webhooks where happened_at is null and due_at <= now() order by seq for update skip locked)
    returning seq, message, target, event, error_code),
last as (
    select distinct on (message) message, event, error_code, bool_or(event = 'sent') over (partition by message) as sent
    from due where target in ('sendgrid.events', 'twilio.status') order by message, seq desc)
update sandbox.messages m set status = last.event, error_code = last.error_code, updated_at = $1,
    sent_at = case when last.sent then coalesce(m.sent_at, $1) else m.sent_at end
from last where m.seq = last.message`, s.now())
	if err != nil {
		return fmt.Errorf("advance messages: %w", err)
	}
	return nil
}

// withoutLost drops the webhooks that a fault loses.
func (s *Sandbox) withoutLost(ctx context.Context, found []webhook) ([]webhook, error) {
	kept := found[:0]
	for _, w := range found {
		if !s.faults.loseWebhook() {
			kept = append(kept, w)
			continue
		}
		if _, err := s.pool.Exec(ctx, "update sandbox.webhooks set state = 'lost', settled_at = $2 where seq = $1", w.seq, s.now()); err != nil {
			return nil, fmt.Errorf("lose webhook: %w", err)
		}
	}
	return kept, nil
}

// outcome is how a receiver took a post.
type outcome struct {
	state  string // accepted, refused, or pending to try again
	answer string // in words, for the page
	body   []byte // of what was accepted, the beginning
}

// post sends one signed webhook, more than once if a fault says so, and returns how the last one was taken.
func (s *Sandbox) post(ctx context.Context, to, contentType string, body []byte, kind target) outcome {
	var last outcome
	for range 1 + s.Faults().RepeatWebhooks {
		last = s.postOnce(ctx, to, contentType, body, kind)
	}
	return last
}

func (s *Sandbox) postOnce(ctx context.Context, to, contentType string, body []byte, kind target) outcome {
	method := http.MethodPost
	if kind == targetReader {
		method = http.MethodGet
	}
	request, err := http.NewRequestWithContext(ctx, method, to, bytes.NewReader(body))
	if err != nil {
		return outcome{state: "refused", answer: "not a URL"}
	}
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	if err := s.sign(request, to, body, kind); err != nil {
		return outcome{state: "refused", answer: err.Error()}
	}
	response, err := s.client.Do(request)
	if err != nil {
		return outcome{state: "pending", answer: reasonOf(err)}
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, 1<<16)) // so that the connection can be used again
	if err != nil {
		return outcome{state: "pending", answer: reasonOf(err)}
	}
	status := strconv.Itoa(response.StatusCode)
	switch {
	case response.StatusCode < 300, kind == targetReader && response.StatusCode < 400: // where it leads on to is not Rapport's
		return outcome{state: "accepted", answer: status, body: answer}
	case response.StatusCode >= 500, response.StatusCode == http.StatusTooManyRequests, response.StatusCode == http.StatusRequestTimeout:
		return outcome{state: "pending", answer: status}
	}
	return outcome{state: "refused", answer: status}
}

func (s *Sandbox) sign(request *http.Request, to string, body []byte, kind target) error {
	switch kind {
	case targetSendGridEvents, targetSendGridInbound:
		request.Header.Set("User-Agent", "SendGrid Event API")
		return signSendGrid(request.Header, s.key, body, s.now())
	case targetTwilioStatus, targetTwilioInbound:
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return fmt.Errorf("sign Twilio webhook: %w", err)
		}
		request.Header.Set("User-Agent", "TwilioProxy/1.1")
		signTwilio(request.Header, s.config.AuthToken, to, form)
	case targetReader:
		request.Header.Set("User-Agent", readerAgent)
	case targetOneClick: // a mailbox provider's request, which nobody signs
	}
	return nil
}

// reasonOf shortens a connection error to what a person needs to know.
func reasonOf(err error) string {
	if u, ok := errors.AsType[*url.Error](err); ok {
		if u.Timeout() {
			return "no answer in time"
		}
		return u.Err.Error()
	}
	return err.Error()
}

// settle records how webhooks were taken, and when they are tried again.
func (s *Sandbox) settle(ctx context.Context, posted []webhook, o outcome) error {
	if ctx.Err() != nil {
		return ctx.Err() // stopping: what the receiver did not answer stays pending as it was
	}
	batch := &pgx.Batch{}
	for _, w := range posted {
		state := o.state
		if state == "pending" && w.overdue > giveUpAfter {
			state = "refused"
		}
		batch.Queue(`update sandbox.webhooks set state = $2, answer = $3, attempts = attempts + 1,
    due_at = case when $2 = 'pending' then now() + $4 * interval '1 second' else due_at end,
    settled_at = case when $2 = 'pending' then null else $5::timestamptz end where seq = $1`,
			w.seq, state, o.answer, retryPause(w.attempts).Seconds(), s.now())
	}
	if err := s.pool.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("settle webhooks: %w", err)
	}
	return nil
}

func retryPause(attempts int) time.Duration {
	return min(firstRetry<<min(attempts, 10), longestRetry)
}
