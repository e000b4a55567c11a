package play_test

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rapport-crm/rapport/activities"
	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/store/memory"
)

// inMemory is the store that plays use.
type inMemory struct {
	*memory.Store
	candidate string
}

func newInMemory(clock func() time.Time, bare crm.Candidate) (*inMemory, error) {
	s := memory.New(clock)
	return &inMemory{s, bare.ID}, s.Add(memory.Seed{Candidate: bare})
}

func (k *inMemory) Begin(ctx context.Context, run string, _ int64) (activities.Turn, error) {
	turn, err := k.Store.Begin(ctx, run)
	if err != nil {
		return nil, err
	}
	return turn, nil
}

func (k *inMemory) receive(_ context.Context, e crm.Event, o *optOut) error {
	if err := k.Receive(e); err != nil || o == nil {
		return err
	}
	return k.OptOut(k.candidate, memory.OptOut{Channel: o.channel, Reason: o.reason, Source: e.Source, At: o.at})
}

func (k *inMemory) change(_ context.Context, set map[string]any, at time.Time) error {
	change := &crm.CandidateChange{Set: maps.Clone(set)}
	if points, ok := set["score"].(float64); ok {
		delete(change.Set, "score")
		change.Score = &crm.Score{Points: points, At: at}
	}
	return k.Change(k.candidate, change, at)
}

func (k *inMemory) enroll(_ context.Context, definition, application string, at time.Time) error {
	data := map[string]any{"definition": definition, "by": "test"}
	if application != "" {
		data["application"] = application
	}
	return k.Receive(k.controlEvent(crm.ControlEnroll, at, data))
}

func (k *inMemory) control(_ context.Context, run, controlType string, at time.Time) error {
	return k.Receive(k.controlEvent(controlType, at, map[string]any{"enrollment": run, "by": "test"}))
}

func (k *inMemory) controlEvent(controlType string, at time.Time, data map[string]any) crm.Event {
	id := crm.NewID(crm.PrefixEvent, at)
	return crm.Event{
		ID: id, Source: crm.SourceControl, ExternalID: id, Type: controlType, Subject: k.candidate, CandidateID: k.candidate,
		Time: at, ReceivedAt: at, Data: data,
	}
}

func (k *inMemory) complete(_ context.Context, task, outcome string, at time.Time) error {
	return k.CompleteTask(task, outcome, "spoken", "test", at)
}

func (k *inMemory) settle(_ context.Context, definition, step, arm string, _ time.Time) error {
	k.Settle(definition, step, arm)
	return nil
}

func (k *inMemory) look(context.Context) (queues, error) {
	q := queues{pending: len(k.Pending()) > 0, starting: len(k.Starting()) > 0, woken: len(k.Woken()) > 0, send: k.Due()}
	for _, r := range k.Enrollments(k.candidate) {
		if r.Open() && !r.Due.IsZero() && (q.due.IsZero() || r.Due.Before(q.due)) {
			q.due = r.Due
		}
	}
	return q, nil
}

func (k *inMemory) dispatch(ctx context.Context, decide func(*crm.Inbox) (*crm.Dispatched, error)) (bool, error) {
	return k.Dispatch(ctx, k.candidate, decide)
}

func (k *inMemory) starting(context.Context) ([]wake, error) { return wakes(k.Starting()), nil }
func (k *inMemory) woken(context.Context) ([]wake, error)    { return wakes(k.Woken()), nil }

func wakes(runs []crm.Enrollment) []wake {
	list := make([]wake, len(runs))
	for i := range runs {
		list[i] = wake{runs[i].ID, runs[i].Wake}
	}
	return byRun(list)
}

func byRun(list []wake) []wake {
	slices.SortFunc(list, func(a, b wake) int { return strings.Compare(a.run, b.run) })
	return list
}

func (k *inMemory) claim(_ context.Context, now time.Time, check func(*crm.Message, *crm.Facts) dsl.Clearance) ([]crm.Message, error) {
	claims, err := k.Claim(now, func(c *memory.Claim) memory.Verdict {
		v := check(&c.Message, &c.Facts)
		return memory.Verdict{State: v.State, Reason: v.Reason, NotBefore: v.NotBefore, NotAfter: v.NotAfter, Address: c.Facts.Candidate.Address(c.Message.Channel)}
	})
	claimed := make([]crm.Message, len(claims))
	for i := range claims {
		claimed[i] = claims[i].Message
	}
	return claimed, err
}

func (k *inMemory) accept(_ context.Context, m *crm.Message, at time.Time) error {
	return k.Accept(m.ID, at)
}

func (k *inMemory) refuse(_ context.Context, m *crm.Message, at time.Time) error {
	return k.Refuse(m.ID, "invalid", at)
}

func (k *inMemory) unknown(_ context.Context, m *crm.Message, at time.Time) error {
	return k.Unknown(m.ID, "timeout", at)
}

func (k *inMemory) runs(context.Context) ([]crm.Enrollment, error) {
	runs := k.Enrollments(k.candidate)
	slices.SortFunc(runs, func(a, b crm.Enrollment) int { return strings.Compare(a.ID, b.ID) })
	return runs, nil
}

func (k *inMemory) messages(context.Context) ([]crm.Message, error) {
	messages := k.Messages(k.candidate)
	slices.SortStableFunc(messages, func(a, b crm.Message) int {
		return cmp.Or(a.PlannedAt.Compare(b.PlannedAt), strings.Compare(a.ID, b.ID))
	})
	return messages, nil
}

func (k *inMemory) tasks(context.Context) ([]crm.Task, error) {
	tasks := k.Tasks(k.candidate)
	slices.SortFunc(tasks, func(a, b crm.Task) int { return strings.Compare(a.ID, b.ID) })
	return tasks, nil
}

func (k *inMemory) arms(_ context.Context, run string) ([]armed, error) {
	var arms []armed
	for _, a := range k.Assignments(run) {
		arms = append(arms, armed{a.Step, a.Arm, a.At, a.MeasuredAt})
	}
	slices.SortFunc(arms, func(a, b armed) int { return strings.Compare(a.Step, b.Step) })
	return arms, nil
}
