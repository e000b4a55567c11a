package worker

import (
	"context"
	"errors"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/dsl/retention"
	"github.com/rapport-crm/rapport/store"
	"github.com/rapport-crm/rapport/workflows"
)

const (
	schedulesEvery = 5 * time.Second // really; how often it is looked whether policies were published
	// schedulesFresh is how long (really) schedules are believed to be as they were left.
	schedulesFresh = time.Hour
	// retentionCatchUp is how late a run may start, after an outage.
	retentionCatchUp = 24 * time.Hour
	// shiftsAhead is how far ahead days are looked for on which the clocks are changed.
	shiftsAhead  = 400 * 24 * time.Hour
	signalsBatch = 50
	// leastInterval is the least time between two runs where days are shortened.
	leastInterval = time.Second
)

// retain keeps a Temporal Schedule for each policy in force that takes data, and tells runs what people have said of them.
func (w *Worker) retain(ctx context.Context) (more bool, err error) {
	signals, err := w.store.RetentionSignals(ctx, signalsBatch)
	if err != nil {
		return false, err
	}
	err = each(ctx, signals, w.tellRetention)
	return len(signals) == signalsBatch, errors.Join(err, w.syncSchedules(ctx))
}

// tellRetention wakes the workflow of a run, and starts it where there is none.
func (w *Worker) tellRetention(ctx context.Context, s store.RetentionSignal) error {
	_, err := w.temporal.SignalWithStartWorkflow(ctx, s.Workflow, workflows.SignalWake, workflows.Wake{N: s.Wake}, client.StartWorkflowOptions{
		ID: s.Workflow, TaskQueue: w.taskQueue, StaticSummary: retentionSummary(s.Policy), TypedSearchAttributes: retentionAttributes(s.Policy),
	}, workflows.RetentionType, workflows.RetentionInput{Policy: s.Policy})
	if err != nil {
		return wrap("signal workflow", err)
	}
	return w.store.RetentionSignalled(ctx, s)
}

func retentionSummary(policy string) string { return "retention policy " + policy }

func retentionAttributes(policy string) temporal.SearchAttributes {
	return temporal.NewSearchAttributes(workflows.AttributeDefinition.ValueSet(policy))
}

// syncSchedules makes the schedules be as the policies in force say. Workers that do so at the same time do no harm.
func (w *Worker) syncSchedules(ctx context.Context) error {
	set, err := w.library.Active(ctx)
	if err != nil {
		return err
	}
	if set == w.scheduled && time.Since(w.scheduledAt) < schedulesFresh {
		return nil
	}
	rules, err := retention.New(set)
	if err != nil {
		return err
	}
	var failed []error // a schedule that Temporal does not take must not keep the others from theirs
	for _, name := range rules.Names() {
		if rules.Policy(name).Then != "" {
			failed = append(failed, w.putSchedule(ctx, w.schedule(rules, name)))
		}
	}
	if err := errors.Join(append(failed, w.dropSchedules(ctx, rules))...); err != nil {
		return err
	}
	w.scheduled, w.scheduledAt = set, time.Now()
	return nil
}

// schedule is that of a policy.
func (w *Worker) schedule(rules *retention.Rules, name string) client.ScheduleOptions {
	p := rules.Policy(name)
	spec := client.ScheduleSpec{TimeZoneName: p.Zone, Calendars: []client.ScheduleCalendarSpec{{Hour: only(p.At / 60), Minute: only(p.At % 60)}}}
	// Temporal leaves out a time that a clock change skips: the run is at the first instant after.
	for _, at := range rules.Shifted(name, time.Now(), time.Now().Add(shiftsAhead)) {
		spec.Calendars = append(spec.Calendars, client.ScheduleCalendarSpec{
			Hour: only(at.Hour()), Minute: only(at.Minute()), DayOfMonth: only(at.Day()), Month: only(int(at.Month())), Year: only(at.Year()),
			Comment: "the clocks are changed",
		})
	}
	if w.scale.Scaled() {
		day := time.Duration(float64(24*time.Hour) / w.scale.Factor)
		spec = client.ScheduleSpec{Intervals: []client.ScheduleIntervalSpec{{Every: max(day, leastInterval).Round(time.Second)}}}
	}
	id := crm.RetentionPrefix + name
	return client.ScheduleOptions{
		ID: id, Spec: spec, Overlap: enumspb.SCHEDULE_OVERLAP_POLICY_SKIP, CatchupWindow: retentionCatchUp, Note: p.Description,
		Action: &client.ScheduleWorkflowAction{
			ID: id, Workflow: workflows.RetentionType, Args: []any{workflows.RetentionInput{Policy: name}}, TaskQueue: w.taskQueue,
			StaticSummary: retentionSummary(name), TypedSearchAttributes: retentionAttributes(name),
		},
	}
}

func only(n int) []client.ScheduleRange { return []client.ScheduleRange{{Start: n}} }

// putSchedule creates a schedule, or makes the one that is there the same. Whether somebody has paused it in the Temporal UI stays.
func (w *Worker) putSchedule(ctx context.Context, o client.ScheduleOptions) error {
	schedules := w.temporal.ScheduleClient()
	_, err := schedules.Create(ctx, o)
	if !errors.Is(err, temporal.ErrScheduleAlreadyRunning) {
		return wrap("create schedule", err)
	}
	err = schedules.GetHandle(ctx, o.ID).Update(ctx, client.ScheduleUpdateOptions{
		DoUpdate: func(in client.ScheduleUpdateInput) (*client.ScheduleUpdate, error) {
			s := in.Description.Schedule
			s.Spec, s.Action = &o.Spec, o.Action
			s.Policy = &client.SchedulePolicies{Overlap: o.Overlap, CatchupWindow: o.CatchupWindow}
			return &client.ScheduleUpdate{Schedule: &s}, nil
		},
	})
	return wrap("update schedule", err)
}

// dropSchedules deletes the schedules of policies that are no longer in force. One that the list does not show yet starts runs that end at
// once, until the next time.
func (w *Worker) dropSchedules(ctx context.Context, rules *retention.Rules) error {
	schedules := w.temporal.ScheduleClient()
	list, err := schedules.List(ctx, client.ScheduleListOptions{PageSize: 100})
	if err != nil {
		return wrap("list schedules", err)
	}
	var failed []error
	for list.HasNext() {
		s, err := list.Next()
		if err != nil {
			return errors.Join(append(failed, wrap("list schedules", err))...)
		}
		name, ours := strings.CutPrefix(s.ID, crm.RetentionPrefix)
		if p := rules.Policy(name); !ours || p != nil && p.Then != "" {
			continue
		}
		err = w.dropSchedule(ctx, schedules.GetHandle(ctx, s.ID))
		if _, gone := errors.AsType[*serviceerror.NotFound](err); !gone && err != nil {
			failed = append(failed, wrap("delete schedule", err))
		}
	}
	return errors.Join(failed...)
}

// dropSchedule deletes a schedule, unless it is another installation's that shares the namespace: their task queues tell them apart.
func (w *Worker) dropSchedule(ctx context.Context, schedule client.ScheduleHandle) error {
	described, err := schedule.Describe(ctx)
	if err != nil {
		return err
	}
	action, ok := described.Schedule.Action.(*client.ScheduleWorkflowAction)
	if !ok || action.TaskQueue != w.taskQueue {
		return nil
	}
	return schedule.Delete(ctx)
}

// retentionStep is what sends a notice: no program has it.
func (w *Worker) retentionStep(m *crm.Message) (*dsl.Program, *sendStep) {
	return &dsl.Program{Name: m.Definition}, ownWords(m)
}

// ownWords is what sends a message that no step of a definition does.
func ownWords(m *crm.Message) *sendStep {
	return &sendStep{
		Intent: dsl.Intent{Channel: m.Channel, Purpose: m.Purpose, Seed: m.ID}, send: &dsl.Send{Channel: m.Channel, OnUnknown: "skip"},
	}
}
