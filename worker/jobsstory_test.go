package worker_test

import (
	"strings"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/store"
)

const community = `pool: nurses
when: '"FUNCTION" in candidate.functions'
---
sequence: welcome
purpose: news
enroll: {in: nurses}
steps:
  - id: heard
    wait_for: {clicked: {on: message.clicked}, timeout: 3y}
---
sequence: role-alert
purpose: news
reenroll: always
enroll: {in: nurses, on: role.opened, when: event.data.function == "nursing"}
steps:
  - id: alert
    email: {subject: "A new role", body: "Hello there"}
---
sequence: letter
purpose: news
reenroll: always
enroll: {in: nurses, at: 2026-10-02T12:00, every: 1d}
steps:
  - id: letter
    email: {subject: "News", body: "Hello there"}
`

// A pool is made up, its members are welcomed, told of a role and written to every day; then its condition changes and they
// leave.
func TestPoolStory(t *testing.T) {
	t.Parallel()
	r := newRig(t, 4*time.Second)
	people := []string{r.candidate("anna"), r.candidate("ben"), r.candidate("carla")}
	for i, function := range []string{"nursing", "nursing", "law"} {
		if _, err := r.store.UpsertCandidates(t.Context(), []store.Write{{Candidate: crm.Candidate{ID: people[i], Functions: []string{function}}}}, r.now()); err != nil {
			t.Fatal(err)
		}
	}
	r.apply(strings.Replace(community, "FUNCTION", "nursing", 1))
	r.work()
	welcomed := func(person, want string) func() string {
		return func() string { return differ("welcome of "+person, r.outcome(person, "welcome"), want) }
	}
	r.until(welcomed(people[0], "running"))
	r.until(welcomed(people[1], "running"))

	r.event("", "role.opened", "role", "R-1", "function", "nursing")
	r.event("", "role.opened", "role", "R-2", "function", "law")
	alerts := func() string {
		return differ("alerts", r.sql("select count(*) from enrollments where definition = 'role-alert' and outcome = 'completed'"), 2)
	}
	r.until(alerts)
	letters := func() string {
		if r.sql("select count(distinct candidate_id) from enrollments where definition = 'letter' and n >= 2") < 2 {
			return "nobody got a second letter"
		}
		return ""
	}
	r.until(letters)

	r.apply(strings.Replace(community, "FUNCTION", "law", 1))
	r.until(welcomed(people[0], crm.OutcomeLeft))
	r.until(welcomed(people[1], crm.OutcomeLeft))
	r.until(welcomed(people[2], "running"))
	for what, n := range map[string]int{
		"select count(*) from events where type = 'pool.entered'":                                                                                                      3,
		"select count(*) from events where type = 'pool.left'":                                                                                                         2,
		"select count(*) from enrollments where definition = 'role-alert'":                                                                                             2,
		"select count(*) from messages m where step = 'alert' and state in ('accepted', 'settled')":                                                                    2,
		"select count(*) from enrollments where definition = 'welcome'":                                                                                                3,
		"select count(*) from events where type = 'role.opened' and candidate_id is not null":                                                                          2,
		"select count(*) from events where set_aside is not null":                                                                                                      0,
		"select count(*) from (select from events where source = 'rapport/control' and type = 'enrollment.matched' group by candidate_id, data having count(*) > 1) d": 0,
	} {
		if got := r.sql(what); got != n {
			t.Errorf("%s: %d, want %d", what, got, n)
		}
	}
}

// outcome returns how a candidate's last run of a sequence ended, or its status.
func (r *rig) outcome(candidate, definition string) string {
	r.t.Helper()
	runs, _, err := r.store.ListEnrollments(r.t.Context(), store.EnrollmentFilter{Candidate: candidate, Definition: definition, Limit: 1})
	if err != nil {
		r.t.Fatal(err)
	}
	if len(runs) == 0 {
		return "none"
	}
	if runs[0].Outcome != "" {
		return runs[0].Outcome
	}
	return string(runs[0].Status)
}
