package play

import (
	"fmt"
	"log/slog"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/workflows"
)

const (
	// patience is how long (really) the test environment waits for anything before it gives up: only a bug takes it.
	patience   = time.Minute
	signalTurn = "turn"
)

// withWorkflows plays from now on with workflows, in an environment that skips time, until no run is open or the play is
// over. Its main workflow is the stage: it lets the script happen, starts runs as its children, and wakes them.
func (p *player) withWorkflows() {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestWorkflowEnvironment()
	env.SetStartTime(p.clock)
	env.SetTestTimeout(patience)
	env.SetWorkflowRunTimeout(0)
	env.SetWorkerOptions(worker.Options{
		DeadlockDetectionTimeout: patience,
		Interceptors:             []interceptor.WorkerInterceptor{&deciding{player: p}},
	})
	env.RegisterWorkflowWithOptions(workflows.Sequence, workflow.RegisterOptions{Name: workflows.SequenceType})
	env.RegisterWorkflowWithOptions(workflows.Sequence, workflow.RegisterOptions{Name: workflows.InterviewType})
	told := false // one signal is enough until the stage looks
	p.wake = func() {
		if !told {
			told = true
			env.SignalWorkflow(signalTurn, nil)
		}
	}
	env.ExecuteWorkflow(func(ctx workflow.Context) error { return p.direct(ctx, &told) })
	p.wake = func() {}
	if err := env.GetWorkflowError(); err != nil && p.err == nil {
		p.err = fmt.Errorf("play: %w", err)
	}
}

// direct is the workflow of the stage.
func (p *player) direct(ctx workflow.Context, told *bool) error {
	turns := workflow.GetSignalChannel(ctx, signalTurn)
	for p.err == nil {
		p.now(ctx)
		p.settle()
		if err := p.relay(ctx); err != nil {
			return err
		}
		*told = false
		switch {
		case p.err != nil || !p.open():
			return nil
		case !p.quiet(): // they act on what has happened before the next thing happens
			turns.Receive(ctx, nil)
			continue
		case p.step():
			continue
		}
		next, end := p.end(), p.end()
		if at, ok := p.next(); ok && at.Before(next) {
			next = at
		}
		if !p.clock.Before(end) {
			p.over = true
			return nil
		}
		p.rest(ctx, turns, next)
	}
	return nil
}

// now sets the clock by the workflow's.
func (p *player) now(ctx workflow.Context) {
	p.clock = workflow.Now(ctx).UTC().Truncate(precision)
}

// rest waits until a time, or until a run has decided something.
func (p *player) rest(ctx workflow.Context, turns workflow.ReceiveChannel, until time.Time) {
	timer, cancel := workflow.WithCancel(ctx)
	defer cancel()
	selector := workflow.NewSelector(ctx).
		AddReceive(turns, func(c workflow.ReceiveChannel, _ bool) { c.Receive(ctx, nil) }).
		AddFuture(workflow.NewTimer(timer, until.Sub(workflow.Now(ctx))), func(workflow.Future) {})
	selector.Select(ctx)
}

// relay starts the workflows of new runs and wakes those that await what has happened, as the relays of a worker do.
func (p *player) relay(ctx workflow.Context) error {
	for _, run := range p.store.Starting() {
		child := workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
			WorkflowID: run.WorkflowID(), ParentClosePolicy: enumspb.PARENT_CLOSE_POLICY_TERMINATE,
		})
		workflow.ExecuteChildWorkflow(child, workflows.TypeOf(run.WorkflowID()), workflows.SequenceInput{EnrollmentID: run.ID})
		p.store.MarkStarted(run.ID)
	}
	for _, run := range p.store.Woken() {
		wake := workflows.Wake{N: run.Wake}
		if err := workflow.SignalExternalWorkflow(ctx, run.WorkflowID(), "", workflows.SignalWake, wake).Get(ctx, nil); err != nil {
			return fmt.Errorf("wake %s: %w", run.WorkflowID(), err)
		}
		p.store.MarkSignalled(run.ID, run.Wake)
	}
	return nil
}

// quiet tells whether every open run has acted on all that it was started or woken for.
func (p *player) quiet() bool {
	for _, r := range p.store.Enrollments(p.id) {
		if r.Open() && (r.Seq == 0 || r.WakeSeen < r.Wake) {
			return false
		}
	}
	return true
}

// deciding answers the activities of runs. It does so where they are asked for, in the workflow's own goroutine, so that the
// order of things follows from the script and not from the machine.
type deciding struct {
	interceptor.WorkerInterceptorBase
	*player
}

// InterceptWorkflow implements interceptor.WorkerInterceptor.
func (d *deciding) InterceptWorkflow(_ workflow.Context, next interceptor.WorkflowInboundInterceptor) interceptor.WorkflowInboundInterceptor {
	return &inbound{interceptor.WorkflowInboundInterceptorBase{Next: next}, d.player}
}

type inbound struct {
	interceptor.WorkflowInboundInterceptorBase
	p *player
}

// Init implements interceptor.WorkflowInboundInterceptor.
func (i *inbound) Init(next interceptor.WorkflowOutboundInterceptor) error {
	return i.Next.Init(&outbound{interceptor.WorkflowOutboundInterceptorBase{Next: next}, i.p})
}

type outbound struct {
	interceptor.WorkflowOutboundInterceptorBase
	p *player
}

// ExecuteLocalActivity implements interceptor.WorkflowOutboundInterceptor.
func (o *outbound) ExecuteLocalActivity(ctx workflow.Context, name string, args ...any) workflow.Future {
	return o.p.activity(ctx, name, args)
}

// ExecuteActivity implements interceptor.WorkflowOutboundInterceptor.
func (o *outbound) ExecuteActivity(ctx workflow.Context, name string, args ...any) workflow.Future {
	return o.p.activity(ctx, name, args)
}

// activity does what a workflow asks for.
func (p *player) activity(ctx workflow.Context, name string, args []any) workflow.Future {
	answer, settle := workflow.NewFuture(ctx)
	var in any
	if len(args) == 1 {
		in = args[0]
	}
	switch in := in.(type) {
	case crm.DecideInput:
		settle.Set(p.decide(in))
	case crm.CallInput:
		settle.Set(p.caller.Call(p.ctx, in))
	default:
		p.err = fmt.Errorf("play: a workflow asks for %s, which is not played", name)
		settle.SetError(p.err)
	}
	return answer
}

// decide makes a run's next decision, after all that happens until this very moment.
func (p *player) decide(in crm.DecideInput) (crm.Answer, error) {
	p.clock = in.Now.UTC().Truncate(precision)
	for _, r := range p.store.Enrollments(p.id) {
		if r.ID == in.EnrollmentID && !r.Due.IsZero() && !r.Due.After(p.clock) {
			p.catchUp()
		}
	}
	answer, err := p.decider.Decide(p.ctx, in)
	if err != nil && p.err == nil {
		p.err = fmt.Errorf("play: %w", err)
	}
	p.settle()
	p.wake()
	return answer, err
}
