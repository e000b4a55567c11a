package retention_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/dsl/retention"
)

const stay = `message: stay
channel: email
subject: "May we keep your details?"
body: "We remove them on {{ retention.due | date: '%-d %B %Y' }}. [Stay]({{ links.consent }})"
`

// rules compiles policies, which are separated as documents are.
func rules(tb testing.TB, text string) *retention.Rules {
	tb.Helper()
	set, problems := dsl.Check([]dsl.File{{Path: "policies.yaml", Text: []byte(text + "\n---\n" + stay)}}, nil)
	if set == nil {
		tb.Fatalf("%v", problems)
	}
	r, err := retention.New(set)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

// maximum is a policy with an end, and what else is given; minimum is one that keeps.
func maximum(name, keep, after string, more ...string) string {
	return policy(name, "for: "+keep, after, append([]string{"then: anonymize"}, more...)...)
}

func minimum(name, keep, after string) string { return policy(name, "at_least: "+keep, after) }

func policy(name, keep, after string, more ...string) string {
	lines := []string{
		"retention: " + name, "basis: law of " + name, `daily: {at: "03:00", zone: Europe/Berlin}`, `applies_to: candidate.country == "DE"`,
		fmt.Sprintf("keep: {%s, after: %s}", keep, after),
	}
	for _, line := range more { // what is given replaces what stands there
		key, _, _ := strings.Cut(line, ":")
		if i := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, key+":") }); i >= 0 {
			lines[i] = line
			continue
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func documents(policies ...string) string { return strings.Join(policies, "\n---\n") }

const asks = "notice: {before: 30d, email: stay, extend: 12mo, on: consent.granted}"

// on reads a moment, by the clocks of Berlin.
func on(tb testing.TB, text string) time.Time {
	tb.Helper()
	m, err := dsl.ParseMoment(text)
	if err != nil {
		tb.Fatal(err)
	}
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		tb.Fatal(err)
	}
	return m.In(berlin)
}

// rejected is a case of somebody in Germany who was told no on 15 January 2026.
func rejected(tb testing.TB) *crm.RetentionCase {
	tb.Helper()
	return &crm.RetentionCase{Facts: crm.Facts{Candidate: crm.Candidate{
		Country: "DE", CreatedAt: on(tb, "2025-12-01T09:00"), LastActivityAt: on(tb, "2026-01-10T20:00"), LastDecisionAt: on(tb, "2026-01-15T10:00"),
	}}}
}
