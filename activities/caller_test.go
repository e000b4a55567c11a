package activities_test

import (
	"context"
	"errors"
	"testing"

	"go.temporal.io/sdk/testsuite"

	"github.com/rapport-crm/rapport/activities"
	"github.com/rapport-crm/rapport/crm"
)

// oneCall is a call, and the answer that is stored.
type oneCall struct {
	call   crm.Call
	stored *crm.CallResult
}

func (c *oneCall) CallOf(context.Context, string, int64) (crm.Call, *crm.CallResult, error) {
	return c.call, nil, nil
}

func (c *oneCall) CallDone(_ context.Context, _ string, r crm.CallResult) error {
	c.stored = &r
	return nil
}

// calendars answer as they are told.
type calendars struct {
	result crm.CallResult
	err    error
}

func (c calendars) Act(_ context.Context, seq int64, r *crm.Call) (crm.CallResult, error) {
	if seq != 3 || r.Meeting != "mtg_1" {
		return crm.CallResult{}, errors.New("not what was asked for")
	}
	return c.result, c.err
}

func TestCallOfAnInterview(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		meetings activities.Actor
		outcome  string // "": another attempt
		reason   string
		stored   bool
	}{
		"found":           {calendars{result: crm.CallResult{Outcome: crm.MeetingFound}}, crm.MeetingFound, "", true},
		"another attempt": {calendars{err: &crm.CallError{Host: "calendars", Reason: "calendar_unavailable"}}, "", "", false},
		"no database":     {calendars{err: errors.New("broken pipe")}, "", "", false},
		"erased":          {calendars{err: &crm.Error{Code: crm.CodeNotFound}}, crm.CallFailed, "", false},
		"no calendars":    {nil, crm.CallFailed, "no_calendars", true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			calls := &oneCall{call: crm.Call{Action: crm.ActionFind, Meeting: "mtg_1"}}
			caller := &activities.Caller{Calls: calls, Meetings: c.meetings}
			env := (&testsuite.WorkflowTestSuite{}).NewTestActivityEnvironment()
			env.RegisterActivity(caller.Call)
			value, err := env.ExecuteActivity(caller.Call, crm.CallInput{EnrollmentID: "enr_1", Seq: 3})
			if c.outcome == "" {
				if err == nil || calls.stored != nil {
					t.Errorf("it ended: %v, %+v", err, calls.stored)
				}
				return
			}
			var done crm.CallDone
			if err == nil {
				err = value.Get(&done)
			}
			if err != nil || done.Outcome != c.outcome || (calls.stored != nil) != c.stored {
				t.Errorf("%+v, %v, stored %+v", done, err, calls.stored)
			}
			if c.stored && (calls.stored.Seq != 3 || calls.stored.Reason != c.reason) {
				t.Errorf("stored %+v", calls.stored)
			}
		})
	}
}
