package bench_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/rapport-crm/rapport/crm"
)

// touches returns a sequence of n times a mail and a wait.
func touches(n int, wait string) string {
	var s strings.Builder
	s.WriteString("sequence: touches\npurpose: transactional\nenroll: {on: application.rejected}\nsteps:\n")
	for i := range n {
		fmt.Fprintf(&s, "  - id: t%d\n    email: {subject: \"Touch %d\", body: \"Hello {{ candidate.first_name | default: 'you' }}.\"}\n  - wait: %s\n", i, i, wait)
	}
	return s.String()
}

// byHand is the same nurture as a Go developer would write it: an activity per send, a sleep in between. The activity reads the
// candidate, calls SendGrid and keeps a record of what it sent.
type byHand struct{ in *installation }

func (h *byHand) Send(ctx context.Context, candidate string, touch int) error {
	var email, name string
	err := h.in.pool.QueryRow(ctx, `select email, first_name from candidates where external_id = $1`, candidate).Scan(&email, &name)
	if err != nil {
		return err
	}
	receipt, err := h.in.sendgrid.Send(ctx, crm.Outgoing{
		MessageID: fmt.Sprint(candidate, "-", touch), Channel: crm.Email, From: "Bench <bench@north.example>", To: email,
		Subject: fmt.Sprint("Touch ", touch), Text: "Hello " + name + ".", HTML: "<p>Hello " + name + ".</p>",
	})
	if err != nil {
		return err
	}
	_, err = h.in.pool.Exec(ctx, `insert into sent_by_hand values ($1, $2, $3) on conflict do nothing`, candidate, touch, receipt.ProviderID)
	return err
}

func (h *byHand) Nurture(ctx workflow.Context, candidate string, n int, wait time.Duration) error {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: 10 * time.Second})
	for i := range n {
		if err := workflow.ExecuteActivity(ctx, h.Send, candidate, i).Get(ctx, nil); err != nil {
			return err
		}
		if err := workflow.Sleep(ctx, wait); err != nil {
			return err
		}
	}
	return nil
}

// workByHand runs a worker for the hand-written nurture until the benchmark ends, with as many pollers as Rapport's.
func (in *installation) workByHand(b *testing.B) *byHand {
	b.Helper()
	if _, err := in.pool.Exec(b.Context(), `create table sent_by_hand (candidate text, touch int, provider_id text, primary key (candidate, touch))`); err != nil {
		b.Fatal(err)
	}
	h := &byHand{in}
	w := worker.New(in.temporal, in.queue+"-hand", worker.Options{MaxConcurrentWorkflowTaskPollers: 8, MaxConcurrentActivityTaskPollers: 8})
	w.RegisterWorkflow(h.Nurture)
	w.RegisterActivity(h.Send)
	if err := w.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(w.Stop)
	return h
}

const enrollments = 1000

// BenchmarkSequence measures whole enrollments: an event comes in, three messages go out with a wait after each, the run ends.
func BenchmarkSequence(b *testing.B) {
	for b.Loop() {
		in := install(b)
		in.connect(b)
		in.publish(b, touches(3, "1s"))
		in.candidates(b, enrollments)
		h := in.workByHand(b)
		hand := in.enrollByHand(b, h)
		before := int(in.mails.Load())
		if more := before - 3*enrollments; more != 0 { // an activity that stalls is tried again, and sends again
			b.Logf("by hand %d mails were sent twice", more)
		}
		in.work(b)
		ours := in.enroll(b)
		if mails := int(in.mails.Load()) - before; mails != 3*enrollments {
			b.Fatalf("%d mails were sent, want %d", mails, 3*enrollments)
		}
		row(b, "3-touch sequence, enrollments finished", ours, hand, "per_s", ">= 1.5")
	}
}

func (in *installation) enroll(b *testing.B) float64 {
	b.Helper()
	began := time.Now()
	for from := 0; from < enrollments; from += 100 {
		events := make([]crm.Event, 0, 100)
		for i := from; i < min(enrollments, from+100); i++ {
			events = append(events, crm.Event{Source: "bench", ExternalID: strconv.Itoa(i), Type: "application.rejected", Subject: fmt.Sprint("B-", i)})
		}
		if _, err := in.store.Receive(b.Context(), events); err != nil {
			b.Fatal(err)
		}
	}
	for in.count(b, `select count(*) from enrollments where status = 'closed'`) < enrollments ||
		in.count(b, `select count(*) from messages where state = 'accepted'`) < 3*enrollments {
		time.Sleep(50 * time.Millisecond)
	}
	return enrollments / time.Since(began).Seconds()
}

func (in *installation) enrollByHand(b *testing.B, h *byHand) float64 {
	b.Helper()
	began := time.Now()
	var all sync.WaitGroup
	slots := make(chan struct{}, 256)
	for i := range enrollments {
		slots <- struct{}{}
		all.Go(func() {
			run, err := in.temporal.ExecuteWorkflow(b.Context(), client.StartWorkflowOptions{
				ID: fmt.Sprint(in.queue, "-hand-", i), TaskQueue: in.queue + "-hand", EnableEagerStart: true,
			}, h.Nurture, fmt.Sprint("B-", i), 3, time.Second)
			<-slots
			if err == nil {
				err = run.Get(b.Context(), nil)
			}
			if err != nil {
				b.Error(err)
			}
		})
	}
	all.Wait()
	return enrollments / time.Since(began).Seconds()
}

// BenchmarkHistory counts what a touch (a send and a wait) adds to a run's history, and what of it Temporal Cloud would bill.
func BenchmarkHistory(b *testing.B) {
	for b.Loop() {
		in := install(b)
		in.connect(b)
		in.candidates(b, 1)
		h := in.workByHand(b)
		handEvents, handActions := in.perTouch(b, func(n int) string {
			id := fmt.Sprint(in.queue, "-touch-", n)
			run, err := in.temporal.ExecuteWorkflow(b.Context(), client.StartWorkflowOptions{ID: id, TaskQueue: in.queue + "-hand"}, h.Nurture, "B-0", n, time.Second)
			if err != nil {
				b.Fatal(err)
			}
			if err := run.Get(b.Context(), nil); err != nil {
				b.Fatal(err)
			}
			return id
		})
		in.work(b)
		round := 0
		events, actions := in.perTouch(b, func(n int) string {
			in.publish(b, strings.Replace(touches(n, "1s"), "sequence: touches", fmt.Sprint("sequence: touches-", n), 1)+"")
			round++
			if _, err := in.store.Receive(b.Context(), []crm.Event{{Source: "bench", ExternalID: fmt.Sprint("h", n), Type: "application.rejected", Subject: "B-0"}}); err != nil {
				b.Fatal(err)
			}
			closed := fmt.Sprintf(`select count(*) from enrollments where status = 'closed' and definition = 'touches-%d'`, n)
			for in.count(b, closed) == 0 {
				time.Sleep(20 * time.Millisecond)
			}
			var candidate string
			if err := in.pool.QueryRow(b.Context(), `select id from candidates`).Scan(&candidate); err != nil {
				b.Fatal(err)
			}
			return fmt.Sprintf("sequence/touches-%d/%s/1", n, candidate)
		})
		row(b, "history events per touch", events, handEvents, "events", "<= 6")
		//nolint:forbidigo // a row of the table
		fmt.Printf("%-48s %10.1f  baseline %10.1f  ratio %5.2f  goal <= 2\n", "billable actions per touch", actions, handActions, actions/handActions)
	}
}

// perTouch runs a nurture of three touches and one of six, and returns what each further touch adds.
func (in *installation) perTouch(b *testing.B, run func(touches int) (workflowID string)) (events, actions float64) {
	b.Helper()
	e3, a3 := in.history(b, run(3))
	e6, a6 := in.history(b, run(6))
	return float64(e6-e3) / 3, float64(a6-a3) / 3
}

// history counts a closed run's events, and those that are billable actions: activities, local activities, timers, signals,
// search attributes.
func (in *installation) history(b *testing.B, workflowID string) (events, actions int) {
	b.Helper()
	for {
		d, err := in.temporal.DescribeWorkflowExecution(b.Context(), workflowID, "")
		if err != nil {
			b.Fatal(err)
		}
		if d.GetWorkflowExecutionInfo().GetStatus() == enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	h := in.temporal.GetWorkflowHistory(b.Context(), workflowID, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for h.HasNext() {
		e, err := h.Next()
		if err != nil {
			b.Fatal(err)
		}
		events++
		switch e.GetEventType() { //nolint:exhaustive // the others are free
		case enumspb.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED, enumspb.EVENT_TYPE_MARKER_RECORDED, enumspb.EVENT_TYPE_TIMER_STARTED,
			enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED, enumspb.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES:
			actions++
		}
	}
	return events, actions
}
