package dsl_test

import (
	"testing"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
)

func TestWinner(t *testing.T) {
	t.Parallel()
	count := func(arm string, mature, met int) crm.ArmCount {
		return crm.ArmCount{Step: "letter", Arm: arm, Assigned: 2 * mature, Measured: 2 * met, Mature: mature, Met: met}
	}
	winner := &dsl.Settle{After: 100}
	for name, test := range map[string]struct {
		settle *dsl.Settle
		counts []crm.ArmCount
		want   string // "": not settled
	}{
		"never":                        {nil, []crm.ArmCount{count("a", 500, 10), count("b", 500, 20)}, ""},
		"nobody yet":                   {winner, nil, ""},
		"too few":                      {winner, []crm.ArmCount{count("a", 50, 1), count("b", 49, 20)}, ""},
		"enough":                       {winner, []crm.ArmCount{count("a", 50, 1), count("b", 50, 20)}, "b"},
		"the rate, not the number":     {winner, []crm.ArmCount{count("a", 90, 30), count("b", 10, 5)}, "b"},
		"in the order of the file":     {winner, []crm.ArmCount{count("b", 50, 10), count("a", 100, 20), count("c", 50, 10)}, "a"},
		"nothing met":                  {winner, []crm.ArmCount{count("a", 100, 0), count("b", 100, 0)}, "a"},
		"an arm without runs":          {winner, []crm.ArmCount{count("b", 100, 1)}, "b"},
		"the last without runs":        {winner, []crm.ArmCount{count("a", 100, 0)}, "a"},
		"an arm that is gone":          {winner, []crm.ArmCount{count("old", 99, 99), count("a", 50, 1), count("b", 49, 2)}, ""},
		"a named arm":                  {&dsl.Settle{After: 100, To: "c"}, []crm.ArmCount{count("a", 60, 9), count("c", 60, 1)}, "c"},
		"a named arm, before its time": {&dsl.Settle{After: 100, To: "c"}, []crm.ArmCount{count("a", 60, 9)}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := &dsl.Experiment{Settle: test.settle, Arms: []dsl.ExperimentArm{{Name: "a"}, {Name: "b"}, {Name: "c"}}}
			if got, ok := x.Winner(test.counts); got != test.want || ok != (test.want != "") {
				t.Errorf("got %q, %v, want %q", got, ok, test.want)
			}
		})
	}
}

func TestMature(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 9, 12, 0, 0, 0, time.UTC) // a Monday
	ws := &dsl.Workspace{}
	for name, test := range map[string]struct {
		within dsl.Duration
		want   time.Time
	}{
		"any time":      {dsl.Duration{}, now},
		"hours":         {dsl.Duration{Exact: 36 * time.Hour}, now.Add(-36 * time.Hour)},
		"days":          {dsl.Duration{Days: 14}, now.AddDate(0, 0, -14)},
		"months":        {dsl.Duration{Months: 6}, now.AddDate(0, -6, 0)},
		"business days": {dsl.Duration{BusinessDays: 2}, now.AddDate(0, 0, -4)}, // Thursday
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := &dsl.Experiment{Within: test.within}
			if got := x.Mature(ws, now); got.Sub(test.want).Abs() > 2*time.Second {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}
