package command_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/deploy/command"
	"github.com/rapport-crm/rapport/dsl/retention"
)

func TestRetentionPicture(t *testing.T) {
	t.Parallel()
	day := func(month time.Month, day int) time.Time { return time.Date(2026, month, day, 0, 0, 0, 0, time.UTC) }
	v := &retention.Verdict{At: day(3, 1), State: retention.Kept, Policy: "most", NoticeAt: day(6, 1), DueAt: day(7, 2), Rules: []retention.Rule{
		{Policy: "by law", Applies: true, Minimum: true, After: day(1, 1), Until: day(4, 1)},
		{Policy: "most", Applies: true, After: day(1, 1), Until: day(7, 1)},
		{Policy: "elsewhere"},
		{Policy: "unclear", Applies: true, Problem: "no such key"},
	}}
	want := `
        2026-01-01                                        2026-07-02
by law  ███████████████████│██████████
most    ░░░░░░░░░░░░░░░░░░░│░░░░░░░░░░░░░░░░░░░░░░░░░░░░░✉░░░░░░░░░×
`
	if diff := cmp.Diff(want, command.RetentionPicture(v)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for name, v := range map[string]*retention.Verdict{
		"nothing applies": {At: day(1, 1), Rules: []retention.Rule{{Policy: "elsewhere"}}},
		"no time at all":  {At: day(1, 1), Rules: []retention.Rule{{Policy: "now", Applies: true, After: day(1, 1), Until: day(1, 1)}}},
	} {
		if got := command.RetentionPicture(v); got != "" {
			t.Errorf("%s: %q", name, got)
		}
	}
}
