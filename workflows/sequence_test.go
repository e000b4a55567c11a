package workflows_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/workflows"
)

// play is a run whose decisions are written down beforehand. What a decision is made of is tested where it is made; here it
// is what the workflow does with one.
type play struct {
	env   *testsuite.TestWorkflowEnvironment
	asked []crm.DecideInput
}

func newPlay(t *testing.T, decide func(n int, in crm.DecideInput) (crm.Answer, error)) *play {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	p := &play{env: suite.NewTestWorkflowEnvironment()}
	p.env.SetStartTime(time.Date(2026, 10, 2, 9, 0, 0, 0, time.UTC))
	p.env.RegisterWorkflow(workflows.Sequence)
	p.env.RegisterActivityWithOptions(func(_ context.Context, in crm.DecideInput) (crm.Answer, error) {
		p.asked = append(p.asked, in)
		return decide(len(p.asked), in)
	}, activity.RegisterOptions{Name: string(workflows.DecideActivity)})
	return p
}

func (p *play) run() error {
	p.env.ExecuteWorkflow(workflows.Sequence, workflows.SequenceInput{EnrollmentID: "enr_1"})
	return p.env.GetWorkflowError()
}

func exits(seq int64) (crm.Answer, error) {
	return crm.Answer{Seq: seq, Command: crm.CommandExit, Outcome: crm.OutcomeCompleted}, nil
}

func TestSequenceWaitsUntilItIsTime(t *testing.T) {
	t.Parallel()
	p := newPlay(t, func(n int, in crm.DecideInput) (crm.Answer, error) {
		if n == 1 {
			return crm.Answer{Seq: 1, Command: crm.CommandWait, Until: in.Now.Add(14 * 24 * time.Hour)}, nil
		}
		return exits(2)
	})
	if err := p.run(); err != nil {
		t.Fatal(err)
	}
	if len(p.asked) != 2 || p.asked[0].After != 0 || p.asked[1].After != 1 {
		t.Fatalf("asked %+v", p.asked)
	}
	if waited := p.asked[1].Now.Sub(p.asked[0].Now); waited != 14*24*time.Hour {
		t.Errorf("waited %s", waited)
	}
}

func TestSequenceIgnoresWakeUpsThatWereSeen(t *testing.T) {
	t.Parallel()
	p := newPlay(t, func(n int, in crm.DecideInput) (crm.Answer, error) {
		if n < 3 {
			return crm.Answer{Seq: int64(n), Command: crm.CommandWait, Seen: 5, Until: in.Now.Add(24 * time.Hour).Truncate(48 * time.Hour).Add(48 * time.Hour)}, nil
		}
		return exits(3)
	})
	wake := func(after time.Duration, n int64) {
		p.env.RegisterDelayedCallback(func() { p.env.SignalWorkflow(workflows.SignalWake, workflows.Wake{N: n}) }, after)
	}
	wake(time.Hour, 4)
	wake(time.Hour, 5)
	wake(2*time.Hour, 6) // new: one decision
	if err := p.run(); err != nil {
		t.Fatal(err)
	}
	if len(p.asked) != 3 {
		t.Fatalf("%d decisions: %+v", len(p.asked), p.asked)
	}
	if woken := p.asked[1].Now.Sub(p.asked[0].Now); woken != 2*time.Hour {
		t.Errorf("woken after %s, want the new wake-up's two hours", woken)
	}
}

// A run without a time waits for a wake-up only.
func TestSequenceWithoutATime(t *testing.T) {
	t.Parallel()
	p := newPlay(t, func(n int, _ crm.DecideInput) (crm.Answer, error) {
		if n == 1 {
			return crm.Answer{Seq: 1, Command: crm.CommandWait}, nil
		}
		return exits(2)
	})
	p.env.RegisterDelayedCallback(func() { p.env.SignalWorkflow(workflows.SignalWake, workflows.Wake{N: 1}) }, 400*24*time.Hour)
	if err := p.run(); err != nil || len(p.asked) != 2 {
		t.Errorf("%v, asked %+v", err, p.asked)
	}
}

// Again is what Decide says to a clock that is too old: the workflow asks with a newer one, on behalf of the same decision.
func TestSequenceAsksAgain(t *testing.T) {
	t.Parallel()
	p := newPlay(t, func(n int, _ crm.DecideInput) (crm.Answer, error) {
		if n == 1 {
			return crm.Answer{Command: crm.CommandAgain}, nil
		}
		return exits(1)
	})
	if err := p.run(); err != nil || len(p.asked) != 2 || p.asked[1].After != 0 || !p.asked[1].Now.After(p.asked[0].Now) {
		t.Errorf("%v, asked %+v", err, p.asked)
	}
}

// No error of the database ends a run: what fails at once is retried for as long as it takes.
func TestSequenceOutlastsErrors(t *testing.T) {
	t.Parallel()
	p := newPlay(t, func(n int, _ crm.DecideInput) (crm.Answer, error) {
		if n < 9 { // the test environment gives up at the tenth attempt, a server does not
			return crm.Answer{}, errors.New("sqlstate_57P01")
		}
		return exits(1)
	})
	if err := p.run(); err != nil || len(p.asked) != 9 {
		t.Errorf("%v after %d attempts", err, len(p.asked))
	}
}

// A run continues as new when Temporal suggests it, and carries the enrollment's id only.
func TestSequenceContinuesAsNew(t *testing.T) {
	t.Parallel()
	p := newPlay(t, func(n int, in crm.DecideInput) (crm.Answer, error) {
		return crm.Answer{Seq: int64(n), Command: crm.CommandWait, Until: in.Now.Add(time.Hour)}, nil
	})
	p.env.SetContinueAsNewSuggested(true)
	var next *workflow.ContinueAsNewError
	if err := p.run(); !errors.As(err, &next) {
		t.Fatalf("ended with %v", err)
	}
	var input map[string]any
	if err := converter.GetDefaultDataConverter().FromPayloads(next.Input, &input); err != nil {
		t.Fatal(err)
	}
	if len(input) != 1 || input["enrollment_id"] != "enr_1" || len(p.asked) != 1 {
		t.Errorf("carries %v after %d decisions", input, len(p.asked))
	}
}

func TestSequenceAnswersItsState(t *testing.T) {
	t.Parallel()
	p := newPlay(t, func(n int, in crm.DecideInput) (crm.Answer, error) {
		if n == 1 {
			return crm.Answer{Seq: 1, Command: crm.CommandWait, Summary: "heard: clicked", Until: in.Now.Add(time.Hour)}, nil
		}
		return exits(2)
	})
	p.env.RegisterDelayedCallback(func() {
		answer, err := p.env.QueryWorkflow(workflows.QueryState)
		if err != nil {
			t.Error(err)
			return
		}
		var s workflows.State
		if err := answer.Get(&s); err != nil || s.EnrollmentID != "enr_1" || s.Decision != 1 || s.Waiting != "heard: clicked" {
			t.Errorf("%+v, %v", s, err)
		}
	}, time.Minute)
	if err := p.run(); err != nil {
		t.Fatal(err)
	}
}

// TestSequenceMakesACall makes sure that a request is made for the very decision that stored it, tried again until it works,
// and that the next decision follows it.
func TestSequenceMakesACall(t *testing.T) {
	t.Parallel()
	p := newPlay(t, func(n int, _ crm.DecideInput) (crm.Answer, error) {
		if n == 1 {
			return crm.Answer{Seq: 7, Command: crm.CommandCall}, nil
		}
		return exits(8)
	})
	var calls []crm.CallInput
	p.env.RegisterActivityWithOptions(func(_ context.Context, in crm.CallInput) (crm.CallDone, error) {
		calls = append(calls, in)
		if len(calls) < 3 {
			return crm.CallDone{}, errors.New("call: status_503")
		}
		return crm.CallDone{Outcome: crm.CallOK}, nil
	}, activity.RegisterOptions{Name: string(workflows.CallActivity)})
	if err := p.run(); err != nil {
		t.Fatal(err)
	}
	if len(calls) != 3 || calls[0] != (crm.CallInput{EnrollmentID: "enr_1", Seq: 7}) {
		t.Errorf("called %+v", calls)
	}
	if len(p.asked) != 2 || p.asked[1].After != 7 {
		t.Errorf("asked %+v", p.asked)
	}
}
