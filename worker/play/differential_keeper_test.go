package play_test

import (
	"context"
	"time"

	"github.com/rapport-crm/rapport/activities"
	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
)

// keeper is a store that holds one candidate. What both stores can do is brought to one form here, and nothing is decided.
type keeper interface {
	activities.Runs
	activities.Calls

	receive(ctx context.Context, e crm.Event, o *optOut) error
	change(ctx context.Context, set map[string]any, at time.Time) error
	enroll(ctx context.Context, definition, application string, at time.Time) error
	control(ctx context.Context, run, controlType string, at time.Time) error
	complete(ctx context.Context, task, outcome string, at time.Time) error
	settle(ctx context.Context, definition, step, arm string, at time.Time) error

	look(ctx context.Context) (queues, error)
	dispatch(ctx context.Context, decide func(*crm.Inbox) (*crm.Dispatched, error)) (bool, error)
	starting(ctx context.Context) ([]wake, error)
	woken(ctx context.Context) ([]wake, error)
	claim(ctx context.Context, now time.Time, check func(*crm.Message, *crm.Facts) dsl.Clearance) ([]crm.Message, error)
	accept(ctx context.Context, m *crm.Message, at time.Time) error
	refuse(ctx context.Context, m *crm.Message, at time.Time) error
	unknown(ctx context.Context, m *crm.Message, at time.Time) error

	runs(ctx context.Context) ([]crm.Enrollment, error)    // by id
	messages(ctx context.Context) ([]crm.Message, error)   // as they were planned
	tasks(ctx context.Context) ([]crm.Task, error)         // by id
	arms(ctx context.Context, run string) ([]armed, error) // by step
}

// queues say what there is to do.
type queues struct {
	pending, starting, woken bool
	due, send                time.Time // the next time of a run, and of a message; zero: none
}

// wake is a run to start or to wake, and the number of the wake.
type wake struct {
	run string
	n   int64
}

// optOut is a word that stops messages.
type optOut struct {
	channel crm.Channel
	reason  crm.SuppressionReason
	at      time.Time
}

// armed is the arm that a run was given, and when it met the measure.
type armed struct {
	Step       string    `json:"step"`
	Arm        string    `json:"arm"`
	At         time.Time `json:"at"`
	MeasuredAt time.Time `json:"measured_at,omitzero"`
}

// line is an explanation as it is kept: of a decision of a run, or of an event.
type line struct {
	Run        string     `json:"run"`
	Seq        int64      `json:"seq"`
	Definition string     `json:"definition"`
	At         time.Time  `json:"at"`
	Notes      []crm.Note `json:"notes"`
}
