package command_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/crm"
)

func someJobs() []crm.Job {
	at := time.Date(2026, 11, 6, 10, 0, 0, 0, time.UTC)
	return []crm.Job{
		{ID: "job_5", Kind: crm.JobPool, Pools: []string{"leads", "nurses"}, Total: 100, Done: 50, Found: 7, CreatedAt: at, NotBefore: at, StartedAt: at, WorkedAt: at},
		{ID: "job_4", Kind: crm.JobCampaign, Definition: "letter", Pools: []string{"nurses"}, Date: at, Total: 10, Done: 4, Found: 3, CreatedAt: at, StartedAt: at, WorkedAt: at, NotBefore: at.AddDate(0, 0, 1)},
		{ID: "job_3", Kind: crm.JobMembers, Definition: "late", Pools: []string{"nurses"}, CreatedAt: at, NotBefore: at, StartedAt: at, FinishedAt: at, Error: crm.JobWithdrawn},
		{ID: "job_2", Kind: crm.JobFanout, EventID: "evt_1", Pools: []string{"nurses"}, Total: 10, Done: 2, CreatedAt: at, NotBefore: at, StartedAt: at, Error: "database_refused_23514"},
		{ID: "job_1", Kind: crm.JobPool, Pools: []string{"quiet"}, Date: at, CreatedAt: at, NotBefore: at},
	}
}

// jobServer answers with jobs, and with the open ones where those are asked for. change sees every answer before it goes.
func jobServer(t *testing.T, jobs []crm.Job, change func(open bool, jobs []crm.Job)) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/jobs" || r.Header.Get("Authorization") != "Bearer rk_test" {
			t.Errorf("asked for %s", r.URL)
		}
		open := r.URL.Query().Get("state") == "open"
		answer := slices.Clone(jobs)
		change(open, answer)
		if open {
			answer = slices.DeleteFunc(answer, func(j crm.Job) bool { return !j.FinishedAt.IsZero() })
		}
		if err := json.NewEncoder(w).Encode(api.Page[crm.Job]{Items: answer}); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestJobs(t *testing.T) {
	t.Parallel()
	url := jobServer(t, someJobs(), func(bool, []crm.Job) {})
	out, errOut, code := rapport(t, "jobs", "--url", url, "--api-key", "rk_test")
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, errOut)
	}
	want := `CREATED              JOB                                              LOOKED AT  FOUND  STATE
2026-11-06 10:00:00  look at leads, nurses                            50 of 100  7      running
2026-11-06 10:00:00  enroll nurses into letter of 2026-11-06 10:00    4 of 10    3      rests until 2026-11-07 10:00:00
2026-11-06 10:00:00  enroll nurses into late                          0 of 0     0      finished: withdrawn
2026-11-06 10:00:00  tell evt_1 to nurses                             2 of 10    0      failed, is tried again: database refused 23514
2026-11-06 10:00:00  look at quiet of 2026-11-06                      0 of 0     0      waiting
`
	if squeeze(out) != squeeze(want) {
		t.Errorf("it prints\n%s\nwant\n%s", out, want)
	}
}

func squeeze(s string) string { return strings.Join(strings.Fields(s), " ") }

func TestWatchJobs(t *testing.T) {
	t.Parallel()
	var looks atomic.Int32
	url := jobServer(t, someJobs()[:3], func(open bool, jobs []crm.Job) {
		n := looks.Load()
		if open {
			n = looks.Add(1)
		}
		if n > 1 {
			jobs[0].FinishedAt, jobs[0].Done, jobs[0].Found = jobs[0].CreatedAt, 100, 9
		}
		if n > 2 {
			jobs[1].FinishedAt, jobs[1].Done, jobs[1].Found = jobs[1].CreatedAt, 10, 8
		}
	})
	out, errOut, code := rapport(t, "jobs", "--watch", "--url", url, "--api-key", "rk_test")
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, errOut)
	}
	want := "look at leads, nurses: 9 found among 100, finished\nenroll nurses into letter of 2026-11-06 10:00: 8 found among 10, finished\n"
	if out != want {
		t.Errorf("it prints\n%s\nwant\n%s", out, want)
	}
}
