package dsl_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
)

const newsletterYAML = `
sequence: members
purpose: news
enroll: {in: club}
steps: [{wait: 1d}]
---
sequence: jobs
purpose: news
reenroll: always
enroll: {in: club, on: role.opened, when: event.data.function == "nursing" && candidate.status != "hired"}
steps: [{wait: 1d}]
---
sequence: letter
purpose: news
enroll: {in: club, at: 2027-01-15T09:00, every: 1mo, pace: 2000/1d}
steps: [{wait: 1d}]
---
sequence: keen
purpose: news
enroll: {on: pool.entered, when: event.data.pool == "warm"}
steps: [{wait: 1d}]
---
sequence: handed
purpose: news
reenroll: 30d
enroll: by hand
steps: [{wait: 1d}]
---
pool: warm
when: candidate.score >= 5
---
pool: recent
when: days_since(candidate.last_activity_at) < 30
`

// inbox dispatches events of a candidate who is in the club.
type inbox struct {
	t   *testing.T
	set *dsl.Set
	in  crm.Inbox
	out *crm.Dispatched
}

func newInbox(t *testing.T, edits ...func(*crm.Inbox)) *inbox {
	t.Helper()
	set, problems := dsl.Check([]dsl.File{{Path: "w.yaml", Text: []byte(workspaceYAML + "---" + newsletterYAML)}}, nil)
	if set == nil {
		t.Fatal(problems)
	}
	b := &inbox{t: t, set: set, in: crm.Inbox{
		Candidate: crm.Candidate{ID: "cnd_1", Status: "lead", TimeZone: "Europe/London"}, Position: 10, Pools: []string{"club"},
	}}
	for _, edit := range edits {
		edit(&b.in)
	}
	return b
}

// tell dispatches one event and expects what it leads to, a line each.
func (b *inbox) tell(source, eventType string, data map[string]any, want ...string) {
	b.t.Helper()
	b.in.Events = []crm.Event{{
		ID: "evt_1", Source: source, ExternalID: "1", Type: eventType, CandidateID: "cnd_1", Time: friday(), ReceivedAt: friday(), Data: data,
	}}
	b.out = dsl.Dispatch(b.set, &b.in, friday())
	var got []string
	for _, r := range b.out.Records {
		for _, n := range r.Notes {
			got = append(got, strings.TrimSpace(fmt.Sprintf("%s %s %s", r.Definition, n.Kind, n.Reason)))
		}
	}
	for _, e := range b.out.New {
		got = append(got, e.Type+" "+e.Text("pool"))
	}
	for _, c := range b.out.Controls {
		got = append(got, c.EnrollmentID+" ends "+c.Ending)
	}
	if !slices.Equal(got, want) {
		b.t.Errorf("%s leads to\n%s\nwant\n%s", eventType, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func running(definition, pool string) func(*crm.Inbox) {
	return func(in *crm.Inbox) {
		in.Runs = append(in.Runs, crm.Enrollment{
			ID: "enr_" + definition, Definition: definition, CandidateID: "cnd_1", N: 1, Status: crm.EnrollmentRunning, Position: 1, Pool: pool,
		})
	}
}

func ended(definition string, days int) func(*crm.Inbox) {
	return func(in *crm.Inbox) {
		in.Runs = append(in.Runs, crm.Enrollment{
			ID: "enr_" + definition, Definition: definition, CandidateID: "cnd_1", N: 1, Status: crm.EnrollmentClosed, Position: 1,
			ClosedAt: friday().AddDate(0, 0, -days),
		})
	}
}

func TestEnrollByPool(t *testing.T) {
	t.Parallel()
	type data = map[string]any
	t.Run("who enters is enrolled, and the run knows the pool", func(t *testing.T) {
		t.Parallel()
		b := newInbox(t)
		b.tell("rapport", "pool.entered", data{"pool": "club"}, "keen not_enrolled condition", "members enrolled")
		if run := b.out.Enrollments[0]; run.Pool != "club" || run.Event == nil {
			t.Errorf("the run is %+v", run)
		}
	})
	t.Run("who leaves is let go, but not those whom something else enrolled", func(t *testing.T) {
		t.Parallel()
		newInbox(t, running("members", "club")).tell("rapport", "pool.left", data{"pool": "club"}, "enr_members ends left")
		newInbox(t, running("members", "")).tell("rapport", "pool.left", data{"pool": "club"})
		newInbox(t, running("members", "club")).tell("rapport", "pool.left", data{"pool": "warm"})
	})
	t.Run("members now", func(t *testing.T) {
		t.Parallel()
		newInbox(t).tell(crm.SourceControl, crm.ControlMember, data{"definition": "members", "pool": "club"}, "members enrolled")
		newInbox(t, func(in *crm.Inbox) { in.Pools = nil }).
			tell(crm.SourceControl, crm.ControlMember, data{"definition": "members", "pool": "club"}, "members not_enrolled not_in_pool")
		newInbox(t, ended("members", 300)).
			tell(crm.SourceControl, crm.ControlMember, data{"definition": "members", "pool": "club"}, "members not_enrolled reenroll")
	})
	t.Run("an event without a candidate reaches the members of whom its condition is true", func(t *testing.T) {
		t.Parallel()
		newInbox(t).tell(crm.SourceFanout, "role.opened", data{"role": "R1", "function": "nursing"}, "jobs enrolled")
		newInbox(t).tell(crm.SourceFanout, "role.opened", data{"role": "R1", "function": "it"}, "jobs not_enrolled condition")
		newInbox(t, func(in *crm.Inbox) { in.Pools = nil }).
			tell(crm.SourceFanout, "role.opened", data{"role": "R1", "function": "nursing"}, "jobs not_enrolled not_in_pool")
		newInbox(t, running("jobs", "")).
			tell(crm.SourceFanout, "role.opened", data{"role": "R2", "function": "nursing"}, "jobs not_enrolled already_running")
	})
	t.Run("each date of a campaign is a new run", func(t *testing.T) {
		t.Parallel()
		b := newInbox(t, ended("letter", 1))
		b.tell(crm.SourceControl, crm.ControlMember, data{"definition": "letter", "pool": "club", "date": "2027-02-15T09:00:00Z"}, "letter enrolled")
		if run := b.out.Enrollments[0]; run.N != 2 || run.Pool != "" {
			t.Errorf("the run is %+v", run)
		}
		newInbox(t, running("letter", "")).
			tell(crm.SourceControl, crm.ControlMember, data{"definition": "letter", "pool": "club", "date": "2027-02-15T09:00:00Z"}, "letter not_enrolled already_running")
		newInbox(t).tell("rapport", "pool.entered", data{"pool": "club"}, "keen not_enrolled condition", "members enrolled")
	})
	t.Run("a step of another run enrolls, but not sooner than reenroll allows", func(t *testing.T) {
		t.Parallel()
		by := crm.DeriveID(crm.PrefixEnrollment, friday(), "x")
		newInbox(t).tell(crm.SourceControl, crm.ControlEnroll, data{"definition": "handed", "by": by}, "handed enrolled")
		newInbox(t, ended("handed", 10)).tell(crm.SourceControl, crm.ControlEnroll, data{"definition": "handed", "by": by}, "handed not_enrolled reenroll")
		newInbox(t, ended("handed", 31)).tell(crm.SourceControl, crm.ControlEnroll, data{"definition": "handed", "by": by}, "handed enrolled")
		newInbox(t, ended("handed", 10)).tell(crm.SourceControl, crm.ControlEnroll, data{"definition": "handed", "by": "maya"}, "handed enrolled")
	})
	t.Run("a step of another run lets go", func(t *testing.T) {
		t.Parallel()
		newInbox(t, running("handed", "")).tell(crm.SourceControl, crm.ControlLeave, data{"definition": "handed"}, "enr_handed ends left")
	})
}

func TestPoolsFollowTheCandidate(t *testing.T) {
	t.Parallel()
	type data = map[string]any
	t.Run("a change puts in and takes out", func(t *testing.T) {
		t.Parallel()
		applicant := func(in *crm.Inbox) { in.Candidate.Status = "applicant" }
		newInbox(t, applicant).tell("rapport", "candidate.updated", data{"changed": []any{"status"}}, "pool.entered applicants")
		gone := func(in *crm.Inbox) { in.Pools = []string{"applicants", "club"} }
		newInbox(t, gone).tell("rapport", "candidate.updated", data{"changed": []any{"status"}}, "pool.left applicants")
		newInbox(t).tell("rapport", "candidate.updated", data{"changed": []any{"city"}})
	})
	t.Run("points put in, once they are enough", func(t *testing.T) {
		t.Parallel()
		b := newInbox(t, func(in *crm.Inbox) { in.Candidate.LastActivityAt = friday() })
		b.tell("ats", "message.clicked", nil, "pool.entered recent", "pool.entered warm")
		if s := b.out.Candidate.Score; s == nil || s.Points != 5 || !s.At.Equal(friday()) {
			t.Errorf("score %+v", s)
		}
		newInbox(t, func(in *crm.Inbox) { in.Pools = []string{"recent"} }).tell("site", "page.viewed", nil)
	})
	t.Run("asked to look again", func(t *testing.T) {
		t.Parallel()
		old := func(in *crm.Inbox) {
			in.Pools, in.Candidate.LastActivityAt = []string{"recent"}, friday().AddDate(0, 0, -31)
		}
		newInbox(t, old).tell(crm.SourceControl, crm.ControlPools, nil, "pool.left recent")
	})
	t.Run("what an event of a pool leads to is dispatched with it", func(t *testing.T) {
		t.Parallel()
		newInbox(t).tell("rapport", "pool.entered", data{"pool": "warm"}, "keen enrolled")
	})
}

func TestScoreDecays(t *testing.T) {
	t.Parallel()
	b := newInbox(t, func(in *crm.Inbox) { // eight points, two half-lives ago
		in.Candidate.Score, in.Candidate.ScoredAt, in.Pools = 8, friday().Add(-60*day), []string{"recent"}
	})
	b.tell("site", "page.viewed", nil)
	if s := b.out.Candidate.Score; s == nil || s.Points != 4 {
		t.Errorf("score %+v, want 8/4 + 2", s)
	}
	b = newInbox(t, func(in *crm.Inbox) { in.Pools = []string{"recent"} })
	b.in.Candidate.LastActivityAt = friday()
	b.tell("ats", "message.clicked", map[string]any{"text_kind": "machine"})
	if b.out.Candidate.Score != nil {
		t.Error("a machine's click was counted")
	}
}

func TestScoreWakesRunsThatReadIt(t *testing.T) {
	t.Parallel()
	b := newInbox(t, running("jobs", ""), func(in *crm.Inbox) {
		in.Runs[0].Awaits, in.Pools = []string{"changed:score"}, []string{"recent"}
	})
	b.tell("site", "page.viewed", nil)
	if !slices.Equal(b.out.Wake, []string{"enr_jobs"}) {
		t.Errorf("woken: %v", b.out.Wake)
	}
}

func TestMeasure(t *testing.T) {
	t.Parallel()
	set, problems := dsl.Check([]dsl.File{{Path: "w.yaml", Text: []byte(workspaceYAML + "---" + strings.Replace(steps(split), "transactional", "news", 1))}}, nil)
	if set == nil {
		t.Fatal(problems)
	}
	for name, c := range map[string]struct {
		step string
		days int
		want int
	}{
		"a click on a message of an arm":  {"a", 5, 1},
		"a click on another message":      {"z", 5, 0},
		"a click after the measure's end": {"a", 15, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := dsl.Dispatch(set, &crm.Inbox{
				Candidate: crm.Candidate{ID: "cnd_1"}, Position: 5,
				Runs: []crm.Enrollment{{
					ID: "enr_1", Definition: "s", CandidateID: "cnd_1", Status: crm.EnrollmentClosed, Position: 1,
					Progress: crm.Progress{Steps: map[string]crm.StepState{"letter": {Outcome: "story", At: friday().AddDate(0, 0, -c.days), Position: 1}}},
				}},
				Events: []crm.Event{{ID: "evt_1", Type: "message.clicked", Time: friday(), ReceivedAt: friday(), EnrollmentID: "enr_1", Step: c.step}},
			}, friday())
			if len(out.Measured) != c.want || c.want == 1 && out.Measured[0].Step != "letter" {
				t.Errorf("measured %+v", out.Measured)
			}
		})
	}
}
