package retention_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/crm"
)

// TestExplain holds what is said against testdata; UPDATE=1 writes it anew.
func TestExplain(t *testing.T) {
	t.Parallel()
	told := maximum("a", "6mo", decision, asks)
	both := documents(told, minimum("m", "2y", activity), maximum("f", "1y", activity, `applies_to: candidate.region == "BY"`))
	for name, tc := range map[string]struct {
		policies, now string
		change        func(c *crm.RetentionCase)
	}{
		"kept":     {told, "2026-03-01", nil},
		"conflict": {both, "2026-03-01", nil},
		"notify":   {told, "2026-06-15T03:00", nil},
		"bounced": {told, "2026-07-16T03:00", func(c *crm.RetentionCase) {
			c.Notices = append(c.Notices, notice(t, crm.NoticeBounced, "2026-06-15T03:04"))
		}},
		"unreachable": {told, "2026-07-01", func(c *crm.RetentionCase) {
			c.Notices = append(c.Notices, notice(t, crm.NoticeUnreachable, "2026-06-15T03:00"))
		}},
		"on-its-way": {told, "2026-07-01", func(c *crm.RetentionCase) {
			c.Notices = append(c.Notices, notice(t, crm.NoticePlanned, "2026-06-15T03:00"))
		}},
		"extended": {told, "2026-07-16T03:00", func(c *crm.RetentionCase) { c.Facts.Consents = append(c.Facts.Consents, grant(t, "2026-06-20T18:00")) }},
		"held": {both, "2026-07-16T03:00", func(c *crm.RetentionCase) {
			c.Holds = []crm.RetentionHold{{Why: "claim 12/2026", Until: on(t, "2027-01-01")}}
		}},
		"restricted": {told, "2026-07-16T03:00", func(c *crm.RetentionCase) { c.Restricted = true }},
		"unclear":    {both, "2026-07-16T03:00", func(c *crm.RetentionCase) { c.Facts.Candidate.LastActivityAt = time.Time{} }},
		"free":       {both, "2026-07-16T03:00", func(c *crm.RetentionCase) { c.Facts.Candidate.Country = "" }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := rejected(t)
			if tc.change != nil {
				tc.change(c)
			}
			got := strings.Join(rules(t, tc.policies).Judge(c, on(t, tc.now)).Explain(), "\n") + "\n"
			path := filepath.Join("testdata", name+".txt")
			if os.Getenv("UPDATE") != "" {
				if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
