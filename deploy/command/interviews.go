package command

import (
	"cmp"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/api/client"
)

func interviewsCommand() *cobra.Command {
	var r remote
	cmd := &cobra.Command{Use: "interviews", Short: "How interviews go, and who holds them", Args: cobra.NoArgs}
	r.flags(cmd)
	cmd.AddCommand(interviewReportCommand(&r))
	return cmd
}

func interviewReportCommand(r *remote) *cobra.Command {
	var from, to, format string
	var rounds bool
	cmd := &cobra.Command{
		Use:   "report",
		Short: "Who holds how many interviews, how fairly they are spread, and how long it takes to agree on a time",
		Long: "Who holds how many interviews, how fairly they are spread, and how long it takes to agree on a time.\n" +
			"The days are those of the workspace's zone. It names no candidate.",
		Example: "  rapport interviews report --from 2026-11-01 --to 2026-11-30\n  rapport interviews report --format csv --rounds > rounds.csv",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := r.open()
			if err != nil {
				return err
			}
			report, err := c.InterviewReport(cmd.Context(), from, to)
			if err != nil {
				return err
			}
			switch format {
			case "text":
				return printReport(cmd.OutOrStdout(), &report)
			case "json":
				return json.NewEncoder(cmd.OutOrStdout()).Encode(report)
			case "csv":
				return reportCSV(cmd.OutOrStdout(), &report, rounds)
			}
			return fmt.Errorf("format %q is not known: use text, csv or json", format)
		},
	}
	cmd.Flags().StringVar(&from, "from", "", "the first day, such as 2026-11-01 (default: that of this month)")
	cmd.Flags().StringVar(&to, "to", "", "the last day (default: that of the same month)")
	cmd.Flags().StringVar(&format, "format", "text", "text, csv or json")
	cmd.Flags().BoolVar(&rounds, "rounds", false, "as CSV, a line for each round instead of each interviewer")
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]string{"text", "csv", "json"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// barWidth is how many characters the longest bar has.
const barWidth = 24

// printReport draws a report: bars where people rather look than read.
func printReport(out io.Writer, r *api.InterviewReport) error {
	fmt.Fprintf(out, "%s to %s, %s\n", r.From.Format("Mon 2 Jan 2006"), r.To.Add(-time.Minute).Format("Mon 2 Jan 2006"), r.Zone)
	if len(r.Interviewers) == 0 && len(r.Rounds) == 0 {
		fmt.Fprintln(out, "no interviews, and nobody to hold them")
		return nil
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "\nINTERVIEWER\tHELD\tUPCOMING\tH/WEEK\tMISSED\tSHADOWED\tDECLINED\tRELEASED\t")
	most := 1
	for i := range r.Interviewers {
		most = max(most, r.Interviewers[i].Held+r.Interviewers[i].Upcoming)
	}
	for i := range r.Interviewers {
		p := &r.Interviewers[i]
		fmt.Fprintf(table, "%s\t%d\t%d\t%s\t%d\t%d\t%d\t%d\t%s\n", personLabel(p), p.Held, p.Upcoming, decimal(p.HoursPerWeek), p.Missed, p.Shadowed, p.Declined, p.Released,
			strings.Repeat("█", p.Held*barWidth/most)+strings.Repeat("░", (p.Held+p.Upcoming)*barWidth/most-p.Held*barWidth/most))
	}
	printShares(table, r.Groups)
	printRounds(table, r.Rounds)
	if err := table.Flush(); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

func personLabel(p *api.InterviewerShare) string {
	name := cmp.Or(p.Name, p.Email)
	switch {
	case !p.Active:
		return name + " (inactive)"
	case p.Trainee:
		return name + " (trainee)"
	}
	return name
}

// printShares shows everybody's part in their groups beside what would be fair.
func printShares(out io.Writer, groups []api.GroupShare) {
	for i := range groups {
		g := &groups[i]
		fmt.Fprintf(out, "\nGROUP %s\tINTERVIEWS\tSHARE\tFAIR\t\n", g.Name)
		for _, m := range g.Members {
			fair := int(m.Fair*barWidth + 0.5)
			bar := []rune(strings.Repeat("█", int(m.Share*barWidth+0.5)))
			for len(bar) <= fair {
				bar = append(bar, ' ')
			}
			bar[fair] = '│' // where it would end by weight alone
			fmt.Fprintf(out, "%s\t%d\t%s\t%s\t%s\n", m.Name, m.Interviews, percent(m.Share), percent(m.Fair), string(bar))
		}
	}
}

func printRounds(out io.Writer, rounds []api.RoundReport) {
	if len(rounds) == 0 {
		return
	}
	fmt.Fprintln(out, "\nROUND\tLOOPS\tBOOKED\tHELD\tMOVED\tNO-SHOW\tCANCELLED\tGAVE UP\tOPEN")
	for i := range rounds {
		r := &rounds[i]
		fmt.Fprintf(out, "%s › %s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\n", r.Interview, r.Round, r.Loops, r.Booked, r.Held, r.Rescheduled, r.NoShows, r.Cancelled, r.GaveUp, r.Open)
	}
	fmt.Fprintln(out, "\nHOURS\tTO PICK\t9 OF 10\tTO BOOK\t9 OF 10\tCARDS IN TIME\tLATE\tMISSING\tDUE")
	for i := range rounds {
		r := &rounds[i]
		cards := &r.Scorecards
		fmt.Fprintf(out, "%s › %s\t%s\t%s\t%s\t%s\t%d\t%d\t%d\t%d\n", r.Interview, r.Round, hours(r.ToPick, r.ToPick.Median), hours(r.ToPick, r.ToPick.P90),
			hours(r.ToSchedule, r.ToSchedule.Median), hours(r.ToSchedule, r.ToSchedule.P90), cards.OnTime, cards.Late, cards.Missing, cards.Due)
	}
}

func decimal(x float64) string { return strconv.FormatFloat(x, 'f', 1, 64) }

func percent(x float64) string { return strconv.FormatFloat(100*x, 'f', 0, 64) + "%" }

// hours is a number of hours, of a spread that may be over nothing.
func hours(s api.Spread, x float64) string {
	if s.Count == 0 {
		return "-"
	}
	return decimal(x)
}

// reportCSV writes a table for a spreadsheet.
func reportCSV(out io.Writer, r *api.InterviewReport, rounds bool) error {
	w := csv.NewWriter(out)
	if rounds {
		_ = w.Write([]string{
			"interview", "round", "loops", "meetings", "booked", "held", "rescheduled", "no_shows", "cancelled", "gave_up", "open",
			"to_pick_median_hours", "to_pick_p90_hours", "to_schedule_median_hours", "to_schedule_p90_hours",
			"scorecards_on_time", "scorecards_late", "scorecards_missing", "scorecards_due",
		})
		for i := range r.Rounds {
			x := &r.Rounds[i]
			_ = w.Write(append([]string{x.Interview, x.Round}, numbers(x.Loops, x.Meetings, x.Booked, x.Held, x.Rescheduled, x.NoShows, x.Cancelled, x.GaveUp, x.Open,
				x.ToPick.Median, x.ToPick.P90, x.ToSchedule.Median, x.ToSchedule.P90, x.Scorecards.OnTime, x.Scorecards.Late, x.Scorecards.Missing, x.Scorecards.Due)...))
		}
	} else {
		_ = w.Write([]string{"name", "email", "groups", "weight", "active", "trainee", "held", "upcoming", "missed", "shadowed", "declined", "released", "hours_per_week"})
		for i := range r.Interviewers {
			p := &r.Interviewers[i]
			_ = w.Write(append([]string{client.Plain(p.Name), client.Plain(p.Email), client.Plain(strings.Join(p.Groups, " "))},
				numbers(p.Weight, p.Active, p.Trainee, p.Held, p.Upcoming, p.Missed, p.Shadowed, p.Declined, p.Released, p.HoursPerWeek)...))
		}
	}
	w.Flush()
	if err := w.Error(); err != nil { // of any of the writes
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

func numbers(values ...any) []string {
	fields := make([]string, len(values))
	for i, v := range values {
		fields[i] = fmt.Sprint(v)
	}
	return fields
}
