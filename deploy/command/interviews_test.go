package command_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/deploy/command"
)

func TestInterviewReport(t *testing.T) {
	t.Parallel()
	from := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	report := &api.InterviewReport{
		From: from, To: from.AddDate(0, 1, 0), Zone: "Europe/London",
		Interviewers: []api.InterviewerShare{
			{Name: "Anna Reed", Email: "anna@trust.example", Groups: []string{"recruiters"}, Weight: 1, Active: true, Held: 6, Upcoming: 2, HoursPerWeek: 1.87, Declined: 1},
			{Name: "=Raj", Email: "raj@trust.example", Weight: 1, Held: 1, Missed: 1, Released: 2, HoursPerWeek: 0.23},
			{Email: "tom@trust.example", Weight: 2, Active: true, Trainee: true, Shadowed: 3},
		},
		Groups: []api.GroupShare{{Name: "recruiters", Total: 10, Members: []api.MemberShare{
			{Name: "Anna Reed", Interviews: 8, Share: 0.8, Fair: 0.5}, {Name: "Tom Hill", Interviews: 2, Share: 0.2, Fair: 0.5},
		}}},
		Rounds: []api.RoundReport{
			{
				Interview: "onsite", Round: "screen", Loops: 9, Meetings: 10, Booked: 8, Held: 6, Rescheduled: 2, NoShows: 1, GaveUp: 1, Open: 2,
				ToPick: api.Spread{Count: 8, Median: 5.5, P90: 40}, ToSchedule: api.Spread{Count: 8, Median: 6, P90: 41.25}, Scorecards: api.ScorecardReport{OnTime: 4, Late: 1, Missing: 1},
			},
			{Interview: "onsite", Round: "panel", Loops: 1, Meetings: 1, Open: 1},
		},
	}
	for name, write := range map[string]func(out *strings.Builder) error{
		"report.txt": func(out *strings.Builder) error { return command.PrintReport(out, report) },
		"people.csv": func(out *strings.Builder) error { return command.ReportCSV(out, report, false) },
		"rounds.csv": func(out *strings.Builder) error { return command.ReportCSV(out, report, true) },
		"empty.txt": func(out *strings.Builder) error {
			return command.PrintReport(out, &api.InterviewReport{From: from, To: report.To, Zone: "UTC"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			if err := write(&out); err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", "interviews", name)
			if *update {
				if err := os.WriteFile(golden, []byte(out.String()), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), out.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
