package crm_test

import (
	"strings"
	"testing"

	"github.com/rapport-crm/rapport/crm"
)

func TestRetentionRunGuarded(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		run  crm.RetentionRun
		want bool
		says string
	}{
		"within the guard":                {run: crm.RetentionRun{MaxShare: 0.05, Scope: 1000, Due: 50}},
		"beyond the guard":                {run: crm.RetentionRun{MaxShare: 0.05, Scope: 1000, Due: 51}, want: true, says: "51 of the 1,000"},
		"a guard does not ask for tells":  {run: crm.RetentionRun{MaxShare: 0.05, First: true, Scope: 1000, Notify: 900}},
		"a guard of everything":           {run: crm.RetentionRun{MaxShare: 1, First: true, Scope: 1000, Due: 1000}},
		"a first run takes many":          {run: crm.RetentionRun{First: true, Scope: 1000, Due: 101}, want: true, says: "tell 0 and take 101"},
		"a first run tells many":          {run: crm.RetentionRun{First: true, Scope: 1000, Notify: 101}, want: true, says: "tell 101 and take 0"},
		"a first run takes a tenth":       {run: crm.RetentionRun{First: true, Scope: 1000, Due: 100}},
		"a first run takes a handful":     {run: crm.RetentionRun{First: true, Scope: 19, Due: 19}},
		"a first run takes a small group": {run: crm.RetentionRun{First: true, Scope: 20, Due: 20}, want: true, says: "first run"},
		"a later run":                     {run: crm.RetentionRun{Scope: 1000, Due: 1000}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := tc.run.Guarded(); got != tc.want {
				t.Errorf("guarded: %v", got)
			}
			tc.run.State = crm.RetentionAsked
			if text := tc.run.Standing(); !strings.Contains(text, tc.says) {
				t.Errorf("it says %q", text)
			}
		})
	}
}

func TestRetentionRunStanding(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		run  crm.RetentionRun
		says string
	}{
		"at work":           {crm.RetentionRun{Due: 1200, Error: "sqlstate_08006"}, "1,200 to be erased."},
		"waits for mail":    {crm.RetentionRun{Due: 5, Waiting: 2}, "5 to be erased; 2 of them are tried again."},
		"waits for a cause": {crm.RetentionRun{Due: 5, Waiting: 1, Error: "sqlstate_P0001"}, "1 of them are tried again, the last error is sqlstate_P0001."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tc.run.State = crm.RetentionActing
			if text := tc.run.Standing(); !strings.HasSuffix(text, tc.says) {
				t.Errorf("it says %q", text)
			}
		})
	}
}
