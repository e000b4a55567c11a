package workflows_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/workflows"
)

// A request is looked at when it begins, when its time has come, and at a wake-up that it has not seen; an outage is waited out.
func TestRequestWaits(t *testing.T) {
	t.Parallel()
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestWorkflowEnvironment()
	begin := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	env.SetStartTime(begin)
	var asked []time.Duration
	env.RegisterActivityWithOptions(func(_ context.Context, in crm.RequestInput) (crm.RequestStep, error) {
		asked = append(asked, env.Now().Sub(begin).Truncate(time.Hour))
		if in.RequestID != "req_1" {
			return crm.RequestStep{}, errors.New("another request")
		}
		switch len(asked) {
		case 1:
			return crm.RequestStep{}, errors.New("see to request: sqlstate_57P01")
		case 2:
			return crm.RequestStep{Seen: 1, Until: begin.AddDate(0, 0, 23)}, nil
		case 3:
			return crm.RequestStep{Seen: 2}, nil // all reminders are out
		}
		return crm.RequestStep{Done: true, Outcome: "answered"}, nil
	}, activity.RegisterOptions{Name: string(workflows.RequestActivity)})
	env.RegisterDelayedCallback(func() { env.SignalWorkflow(workflows.SignalWake, workflows.Wake{N: 1}) }, 24*time.Hour) // it has seen that
	env.RegisterDelayedCallback(func() { env.SignalWorkflow(workflows.SignalWake, workflows.Wake{N: 3}) }, 40*24*time.Hour)
	env.ExecuteWorkflow(workflows.Request, crm.RequestInput{RequestID: "req_1"})
	if err := env.GetWorkflowError(); err != nil {
		t.Fatal(err)
	}
	want := []time.Duration{0, 0, 23 * 24 * time.Hour, 40 * 24 * time.Hour}
	if len(asked) != len(want) {
		t.Fatalf("asked at %v", asked)
	}
	for i := range want {
		if asked[i] != want[i] {
			t.Errorf("asked at %v, want %v", asked, want)
		}
	}
}
