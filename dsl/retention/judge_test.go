package retention_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl/retention"
)

const (
	decision = "candidate.last_decision_at"
	activity = "candidate.last_activity_at"
)

// notice is one about the policy a, sent as it should be, for the date of rejected.
func notice(tb testing.TB, state crm.NoticeState, at string) crm.RetentionNotice {
	tb.Helper()
	return crm.RetentionNotice{Policy: "a", Until: on(tb, "2026-07-15T10:00"), At: on(tb, at), State: state}
}

func grant(tb testing.TB, at string) crm.Consent {
	tb.Helper()
	return crm.Consent{Purpose: "talent-community", Channel: crm.Email, Granted: true, At: on(tb, at)}
}

// stands is a verdict as the table says it.
type stands struct {
	State                      retention.State
	Reason, Policy             string
	Conflict                   bool
	Until, Notice, Due, NextAt string
}

// clock writes a moment in one way, and none as nothing.
func clock(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// shown is clock of a moment as the table writes it.
func shown(tb testing.TB, text string) string {
	tb.Helper()
	if text == "" {
		return ""
	}
	return clock(on(tb, text))
}

func TestJudge(t *testing.T) {
	t.Parallel()
	told := maximum("a", "6mo", decision, asks)
	type change = func(c *crm.RetentionCase)
	for name, tc := range map[string]struct {
		policies string
		now      string
		change   change
		state    retention.State
		reason   string
		policy   string
		until    string
		notice   string
		due      string
		next     string
		conflict bool
	}{
		"nothing applies": {
			policies: told, now: "2026-03-01", change: func(c *crm.RetentionCase) { c.Facts.Candidate.Country = "FR" },
			state: retention.Free, reason: "no_policy",
		},
		"a condition without a value does not apply": {
			policies: told, now: "2026-03-01", change: func(c *crm.RetentionCase) { c.Facts.Candidate.Country = "" },
			state: retention.Free, reason: "no_policy",
		},
		"kept, no notice": {
			policies: maximum("a", "6mo", decision), now: "2026-03-01",
			state: retention.Kept, reason: "maximum", policy: "a", until: "2026-07-15T10:00", due: "2026-07-16T03:00", next: "2026-07-16T03:00",
		},
		"the last moment before the run": {
			policies: maximum("a", "6mo", decision), now: "2026-07-16T02:59",
			state: retention.Kept, reason: "maximum", policy: "a", until: "2026-07-15T10:00", due: "2026-07-16T03:00", next: "2026-07-16T03:00",
		},
		"due at the run": {
			policies: maximum("a", "6mo", decision), now: "2026-07-16T03:00",
			state: retention.Due, policy: "a", until: "2026-07-15T10:00", due: "2026-07-16T03:00",
		},
		"months clamp": {
			policies: maximum("a", "6mo", decision), now: "2026-09-01", change: func(c *crm.RetentionCase) { c.Facts.Candidate.LastDecisionAt = on(t, "2026-08-31T12:00") },
			state: retention.Kept, reason: "maximum", policy: "a", until: "2027-02-28T12:00", due: "2027-03-01T03:00", next: "2027-03-01T03:00",
		},
		"an end at the very run is taken by the next": {
			policies: maximum("a", "6mo", decision), now: "2026-07-15T03:00", change: func(c *crm.RetentionCase) { c.Facts.Candidate.LastDecisionAt = on(t, "2026-01-15T03:00") },
			state: retention.Kept, reason: "maximum", policy: "a", until: "2026-07-15T03:00", due: "2026-07-16T03:00", next: "2026-07-16T03:00",
		},
		"a notice is to come": {
			policies: told, now: "2026-03-01",
			state: retention.Kept, reason: "maximum", policy: "a", until: "2026-07-15T10:00", notice: "2026-06-15T03:00", due: "2026-07-16T03:00", next: "2026-06-15T03:00",
		},
		"the notice has to go": {
			policies: told, now: "2026-06-15T03:00",
			state: retention.Notify, reason: "notice", policy: "a", until: "2026-07-15T10:00", notice: "2026-06-15T03:00", due: "2026-07-16T03:00",
		},
		"a late notice moves what is due": {
			policies: told, now: "2028-02-10T03:00",
			state: retention.Notify, reason: "notice", policy: "a", until: "2026-07-15T10:00", notice: "2028-02-10T03:00", due: "2028-03-12T03:00",
		},
		"told": {
			policies: told, now: "2026-07-01", change: func(c *crm.RetentionCase) {
				c.Notices = append(c.Notices, notice(t, crm.NoticeSent, "2026-06-15T03:04"))
			},
			state: retention.Noticed, reason: "notice", policy: "a", until: "2026-07-15T10:00", due: "2026-07-16T03:00", next: "2026-07-16T03:00",
		},
		"told, and silence": {
			policies: told, now: "2026-07-16T03:00", change: func(c *crm.RetentionCase) {
				c.Notices = append(c.Notices, notice(t, crm.NoticeSent, "2026-06-15T03:04"))
			},
			state: retention.Due, policy: "a", until: "2026-07-15T10:00", due: "2026-07-16T03:00",
		},
		"it took days to send the notice": {
			policies: told, now: "2026-07-16T03:00", change: func(c *crm.RetentionCase) {
				c.Notices = append(c.Notices, notice(t, crm.NoticeSent, "2026-06-18T11:00"))
			},
			state: retention.Noticed, reason: "notice", policy: "a", until: "2026-07-15T10:00", due: "2026-07-19T03:00", next: "2026-07-19T03:00",
		},
		"what the notice named is kept": {
			policies: told, now: "2026-07-16T03:00", change: func(c *crm.RetentionCase) {
				n := notice(t, crm.NoticeSent, "2026-06-15T03:04")
				n.Due = on(t, "2026-07-20T05:00")
				c.Notices = append(c.Notices, n)
			},
			state: retention.Noticed, reason: "notice", policy: "a", until: "2026-07-15T10:00", due: "2026-07-21T03:00", next: "2026-07-21T03:00",
		},
		"the notice is on its way": {
			policies: told, now: "2026-08-16T03:00", change: func(c *crm.RetentionCase) {
				c.Notices = append(c.Notices, notice(t, crm.NoticePlanned, "2026-06-15T03:00"))
			},
			state: retention.Noticed, reason: "notice", policy: "a", until: "2026-07-15T10:00",
		},
		"a bounce counts as sent": {
			policies: told, now: "2026-07-16T03:00", change: func(c *crm.RetentionCase) {
				c.Notices = append(c.Notices, notice(t, crm.NoticeBounced, "2026-06-15T03:04"))
			},
			state: retention.Due, policy: "a", until: "2026-07-15T10:00", due: "2026-07-16T03:00",
		},
		"nobody to tell: from the attempt": {
			policies: told, now: "2026-07-01", change: func(c *crm.RetentionCase) {
				c.Notices = append(c.Notices, notice(t, crm.NoticeUnreachable, "2026-06-15T03:00"))
			},
			state: retention.Noticed, reason: "notice", policy: "a", until: "2026-07-15T10:00", due: "2026-07-16T03:00", next: "2026-07-16T03:00",
		},
		"of two notices the first that went": {
			policies: told, now: "2026-07-16T03:00", change: func(c *crm.RetentionCase) {
				c.Notices = append(c.Notices, notice(t, crm.NoticePlanned, "2026-06-15T03:00"), notice(t, crm.NoticeSent, "2026-06-16T03:00"), notice(t, crm.NoticeSent, "2026-06-15T04:00"))
			},
			state: retention.Due, policy: "a", until: "2026-07-15T10:00", due: "2026-07-16T03:00",
		},
		"another policy's notice does not count": {
			policies: told, now: "2026-07-16T03:00", change: func(c *crm.RetentionCase) {
				n := notice(t, crm.NoticeSent, "2026-06-15T03:04")
				n.Policy = "b"
				c.Notices = append(c.Notices, n)
			},
			state: retention.Notify, reason: "notice", policy: "a", until: "2026-07-15T10:00", notice: "2026-07-16T03:00", due: "2026-08-16T03:00",
		},
		"a yes extends from the grant": {
			policies: told, now: "2026-07-16T03:00", change: func(c *crm.RetentionCase) {
				c.Notices = append(c.Notices, notice(t, crm.NoticeSent, "2026-06-15T03:04"))
				c.Facts.Consents = append(c.Facts.Consents, grant(t, "2026-06-20T18:00"))
			},
			state: retention.Kept, reason: "extended", policy: "a", until: "2027-06-20T18:00", notice: "2027-05-21T03:00", due: "2027-06-21T03:00", next: "2027-05-21T03:00",
		},
		"a yes that ends first changes nothing": {
			policies: told, now: "2026-03-01", change: func(c *crm.RetentionCase) { c.Facts.Consents = append(c.Facts.Consents, grant(t, "2025-03-01")) },
			state: retention.Kept, reason: "maximum", policy: "a", until: "2026-07-15T10:00", notice: "2026-06-15T03:00", due: "2026-07-16T03:00", next: "2026-06-15T03:00",
		},
		"a yes that is taken back": {
			policies: told, now: "2026-07-16T03:00", change: func(c *crm.RetentionCase) {
				c.Notices = append(c.Notices, notice(t, crm.NoticeSent, "2026-06-15T03:04"))
				no := grant(t, "2026-06-21")
				no.Granted = false
				c.Facts.Consents = append(c.Facts.Consents, grant(t, "2026-06-20"), no)
			},
			state: retention.Due, policy: "a", until: "2026-07-15T10:00", due: "2026-07-16T03:00",
		},
		"a yes that is not confirmed": {
			policies: told, now: "2026-06-15T03:00", change: func(c *crm.RetentionCase) {
				maybe := grant(t, "2026-06-01")
				maybe.Pending = true
				c.Facts.Consents = append(c.Facts.Consents, maybe)
			},
			state: retention.Notify, reason: "notice", policy: "a", until: "2026-07-15T10:00", notice: "2026-06-15T03:00", due: "2026-07-16T03:00",
		},
		"new activity moves the date, and the notice counts no more": {
			policies: maximum("a", "6mo", activity, asks), now: "2026-07-16T03:00", change: func(c *crm.RetentionCase) {
				c.Facts.Candidate.LastActivityAt = on(t, "2026-06-20T12:00")
				c.Notices = append(c.Notices, notice(t, crm.NoticeSent, "2026-06-15T03:04"))
			},
			state: retention.Kept, reason: "maximum", policy: "a", until: "2026-12-20T12:00", notice: "2026-11-20T03:00", due: "2026-12-21T03:00", next: "2026-11-20T03:00",
		},
		"the earliest of two maxima": {
			policies: documents(maximum("a", "6mo", decision), maximum("b", "3mo", decision, "then: erase")), now: "2026-03-01",
			state: retention.Kept, reason: "maximum", policy: "b", until: "2026-04-15T10:00", due: "2026-04-16T03:00", next: "2026-04-16T03:00",
		},
		"of equal maxima the one that tells": {
			policies: documents(maximum("b", "6mo", decision, "then: erase"), told), now: "2026-06-15T03:00",
			state: retention.Notify, reason: "notice", policy: "a", until: "2026-07-15T10:00", notice: "2026-06-15T03:00", due: "2026-07-16T03:00",
		},
		"a minimum before the maximum": {
			policies: documents(maximum("a", "6mo", decision), minimum("m", "3mo", decision)), now: "2026-03-01",
			state: retention.Kept, reason: "maximum", policy: "a", until: "2026-07-15T10:00", due: "2026-07-16T03:00", next: "2026-07-16T03:00",
		},
		"a minimum after the maximum wins and is a conflict": {
			policies: documents(told, minimum("m", "2y", activity)), now: "2026-07-16T03:00",
			state: retention.Kept, reason: "minimum", policy: "a", until: "2028-01-10T20:00", notice: "2027-12-11T03:00", due: "2028-01-11T03:00", next: "2027-12-11T03:00", conflict: true,
		},
		"the latest of two minima": {
			policies: documents(maximum("a", "6mo", decision), minimum("m", "2y", decision), minimum("n", "1y", decision)), now: "2026-07-16T03:00",
			state: retention.Kept, reason: "minimum", policy: "a", until: "2028-01-15T10:00", due: "2028-01-16T03:00", next: "2028-01-16T03:00", conflict: true,
		},
		"only minima": {
			policies: minimum("m", "1y", decision), now: "2026-07-16T03:00",
			state: retention.Free, reason: "no_policy", until: "2027-01-15T10:00",
		},
		"a minimum whose beginning is not known": {
			policies: documents(maximum("a", "6mo", decision), minimum("m", "1y", activity)), now: "2027-07-16T03:00",
			change: func(c *crm.RetentionCase) { c.Facts.Candidate.LastActivityAt = time.Time{} },
			state:  retention.Unclear, reason: "unclear", policy: "a", until: "2026-07-15T10:00",
		},
		"a maximum whose beginning is not known": {
			policies: maximum("a", "6mo", decision), now: "2027-07-16T03:00",
			change: func(c *crm.RetentionCase) { c.Facts.Candidate.LastDecisionAt = time.Time{} },
			state:  retention.Unclear, reason: "unclear",
		},
		"a legal hold": {
			policies: maximum("a", "6mo", decision), now: "2026-09-01",
			change: func(c *crm.RetentionCase) { c.Holds = append(c.Holds, crm.RetentionHold{Why: "a claim"}) },
			state:  retention.Held, reason: "legal_hold", policy: "a", until: "2026-07-15T10:00",
		},
		"a legal hold that ends by itself": {
			policies: maximum("a", "6mo", decision), now: "2026-09-01",
			change: func(c *crm.RetentionCase) {
				c.Holds = append(c.Holds, crm.RetentionHold{Why: "a claim", Until: on(t, "2026-10-01")})
			},
			state: retention.Held, reason: "legal_hold", policy: "a", until: "2026-07-15T10:00", next: "2026-10-01",
		},
		"a legal hold that has ended": {
			policies: maximum("a", "6mo", decision), now: "2026-10-01T03:00",
			change: func(c *crm.RetentionCase) {
				c.Holds = append(c.Holds, crm.RetentionHold{Why: "a claim", Until: on(t, "2026-10-01")})
			},
			state: retention.Due, policy: "a", until: "2026-07-15T10:00", due: "2026-07-16T03:00",
		},
		"the candidate's own mark is a hold": {
			policies: maximum("a", "6mo", decision), now: "2026-09-01", change: func(c *crm.RetentionCase) { c.Facts.Candidate.LegalHold = true },
			state: retention.Held, reason: "legal_hold", policy: "a", until: "2026-07-15T10:00",
		},
		"an open application": {
			policies: maximum("a", "6mo", decision), now: "2026-09-01",
			change: func(c *crm.RetentionCase) {
				c.Facts.Applications = []crm.Application{{Status: crm.ApplicationRejected}, {Status: crm.ApplicationOpen}}
			},
			state: retention.Busy, reason: "open_application", policy: "a", until: "2026-07-15T10:00",
		},
		"closed applications": {
			policies: maximum("a", "6mo", decision), now: "2026-09-01",
			change: func(c *crm.RetentionCase) {
				c.Facts.Applications = []crm.Application{{Status: crm.ApplicationRejected}, {Status: crm.ApplicationWithdrawn}}
			},
			state: retention.Due, policy: "a", until: "2026-07-15T10:00", due: "2026-07-16T03:00",
		},
		"an interview": {
			policies: maximum("a", "6mo", decision), now: "2026-09-01", change: func(c *crm.RetentionCase) { c.Interviews = []string{"onsite"} },
			state: retention.Busy, reason: "interview", policy: "a", until: "2026-07-15T10:00",
		},
		"a restriction": {
			policies: maximum("a", "6mo", decision), now: "2026-09-01", change: func(c *crm.RetentionCase) { c.Restricted = true },
			state: retention.Restricted, reason: "restricted", policy: "a", until: "2026-07-15T10:00",
		},
		"a restriction when a notice has to go": {
			policies: told, now: "2026-06-15T03:00", change: func(c *crm.RetentionCase) { c.Restricted = true },
			state: retention.Restricted, reason: "restricted", policy: "a", until: "2026-07-15T10:00",
		},
		"a restriction after the notice": {
			policies: told, now: "2026-07-16T03:00", change: func(c *crm.RetentionCase) {
				c.Restricted = true
				c.Notices = append(c.Notices, notice(t, crm.NoticeSent, "2026-06-15T03:04"))
			},
			state: retention.Restricted, reason: "restricted", policy: "a", until: "2026-07-15T10:00",
		},
		"a refused deletion restricts, and asks nobody to keep": {
			policies: maximum("a", "6mo", decision), now: "2026-09-01", change: func(c *crm.RetentionCase) { c.Facts.Candidate.RestrictedAt = on(t, "2026-03-01") },
			state: retention.Due, policy: "a", until: "2026-07-15T10:00", due: "2026-07-16T03:00",
		},
		"a hold and a restriction": {
			policies: maximum("a", "6mo", decision), now: "2026-09-01",
			change: func(c *crm.RetentionCase) {
				c.Restricted, c.Holds = true, []crm.RetentionHold{{Why: "a claim", Until: on(t, "2026-10-01")}}
			},
			state: retention.Held, reason: "legal_hold", policy: "a", until: "2026-07-15T10:00", next: "2026-10-01",
		},
		"nothing applies to restricted data": {
			policies: minimum("m", "1y", decision), now: "2026-07-16T03:00", change: func(c *crm.RetentionCase) { c.Restricted = true },
			state: retention.Free, reason: "no_policy", until: "2027-01-15T10:00",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := rejected(t)
			if tc.change != nil {
				tc.change(c)
			}
			v := rules(t, tc.policies).Judge(c, on(t, tc.now))
			want := stands{tc.state, tc.reason, tc.policy, tc.conflict, shown(t, tc.until), shown(t, tc.notice), shown(t, tc.due), shown(t, tc.next)}
			got := stands{v.State, v.Reason, v.Policy, v.Conflict, clock(v.Until), clock(v.NoticeAt), clock(v.DueAt), clock(v.NextAt)}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
