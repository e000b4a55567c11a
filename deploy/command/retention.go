package command

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/api/client"
	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl/retention"
)

func retentionCommand() *cobra.Command {
	var r remote
	cmd := &cobra.Command{Use: "retention", Short: "How long data are kept: runs of policies, and what they say of a candidate", Args: cobra.NoArgs}
	cmd.AddCommand(retentionStatusCommand(&r), retentionExplainCommand(&r), retentionPlanCommand(&r), retentionRunCommand(&r),
		retentionDecideCommand(&r, "confirm", "Have a run go on that asks", (*client.Client).ConfirmRetention),
		retentionDecideCommand(&r, "stop", "Stop a run; what it has done stays done", (*client.Client).StopRetention))
	return cmd
}

func retentionStatusCommand(r *remote) *cobra.Command {
	var asJSON, open bool
	var limit int
	cmd := &cobra.Command{
		Use:   "status [POLICY]",
		Short: "Runs of retention policies, how far they are, and which of them ask",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := r.open()
			if err != nil {
				return err
			}
			runs, err := c.RetentionRuns(cmd.Context(), strings.Join(args, ""), open, limit)
			if err != nil {
				return err
			}
			if asJSON {
				return printEach(cmd, runs)
			}
			return printRetention(cmd, runs)
		},
	}
	r.flags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object a line")
	cmd.Flags().BoolVar(&open, "open", false, "only those that have not ended")
	cmd.Flags().IntVar(&limit, "limit", 50, "how many at most")
	return cmd
}

func printEach[T any](cmd *cobra.Command, items []T) error {
	out := json.NewEncoder(cmd.OutOrStdout())
	for i := range items {
		if err := out.Encode(&items[i]); err != nil {
			return fmt.Errorf("write answer: %w", err)
		}
	}
	return nil
}

func printRetention(cmd *cobra.Command, runs []crm.RetentionRun) error {
	if len(runs) == 0 {
		cmd.Println("no policy has run yet")
		return nil
	}
	table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "POLICY\tDAY\tSTATE\tLOOKED AT\tIN SCOPE\tNOTICED\tTAKEN\tKEPT")
	for i := range runs {
		run := &runs[i]
		var kept []string
		for _, reason := range append(crm.KeptReasons(), crm.KeptSending, crm.KeptOther) {
			if n := run.Kept[reason]; n > 0 {
				kept = append(kept, fmt.Sprintf("%d %s", n, words(reason)))
			}
		}
		if run.Waiting > 0 {
			kept = append(kept, fmt.Sprintf("%d to be tried again", run.Waiting))
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%d of %d\t%d\t%d of %d\t%d of %d\t%s\n", run.Policy, run.Day, after(string(run.State), ": ", words(run.Error)),
			run.Looked, max(run.Total, run.Looked), run.Scope, run.Noticed, run.Notify, run.Taken, run.Due, strings.Join(kept, ", "))
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("write runs: %w", err)
	}
	for i := range runs {
		if run := &runs[i]; run.State == crm.RetentionAsked {
			cmd.Printf("\n%s of %s %s. Decide:\n  rapport retention confirm %s %s\n  rapport retention stop %s %s\n",
				run.Policy, run.Day, run.Asking(), run.Policy, run.Day, run.Policy, run.Day)
		}
	}
	return nil
}

func retentionExplainCommand(r *remote) *cobra.Command {
	var asJSON, all bool
	cmd := &cobra.Command{
		Use:   "explain CANDIDATE",
		Short: "How long a candidate's data are kept, by which policy, and why",
		Long: `Say how long a candidate's data are kept, by which policy, and why, with a picture of the policies that apply: █ is kept because a law
says so, ░ until a policy takes the data, │ is today, ✉ the notice, × the run that takes them.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := r.open()
			if err != nil {
				return err
			}
			answer, err := c.Retention(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if asJSON {
				return printEach(cmd, []*retention.Verdict{answer.Verdict})
			}
			cmd.Println(strings.Join(answer.Text, "\n"))
			for i := range answer.Verdict.Rules {
				if r := &answer.Verdict.Rules[i]; all && !r.Applies && r.Problem == "" {
					cmd.Println(r.Explain())
				}
			}
			cmd.Print(retentionPicture(answer.Verdict))
			return nil
		},
	}
	r.flags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "the verdict as JSON")
	cmd.Flags().BoolVar(&all, "all", false, "say also why the other policies do not apply")
	return cmd
}

func retentionPlanCommand(r *remote) *cobra.Command {
	var asJSON, list bool
	var days int
	cmd := &cobra.Command{
		Use:   "plan [POLICY]",
		Short: "Whom policies would tell and take in the days to come, if nothing changes",
		Long: `Hold everybody against the policies in force, and count by week who would be told and who would be erased or anonymized. Of policies
that are not published yet, rapport plan says it.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := r.open()
			if err != nil {
				return err
			}
			plan, err := wholePlan(cmd, c, strings.Join(args, ""), days, list)
			if err != nil {
				return err
			}
			if asJSON {
				return printEach(cmd, []*api.RetentionPlan{plan})
			}
			return printRetentionPlan(cmd, plan)
		},
	}
	r.flags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "the plan as JSON")
	cmd.Flags().BoolVar(&list, "list", false, "name the candidates too")
	cmd.Flags().IntVar(&days, "days", retention.ForecastDays, "how far ahead")
	return cmd
}

// wholePlan reads a plan, part by part.
func wholePlan(cmd *cobra.Command, c *client.Client, policy string, days int, list bool) (*api.RetentionPlan, error) {
	whole, err := c.RetentionPlan(cmd.Context(), policy, days, list, time.Time{}, "")
	for err == nil && whole.Next != "" {
		var part api.RetentionPlan
		if part, err = c.RetentionPlan(cmd.Context(), policy, days, list, whole.At, whole.Next); err == nil {
			whole.Merge(&part.Forecast)
			whole.Items, whole.Next = append(whole.Items, part.Items...), part.Next
		}
	}
	return &whole, err
}

func printRetentionPlan(cmd *cobra.Command, plan *api.RetentionPlan) error {
	noticed, taken := plan.Totals()
	cmd.Printf("In the next %d days %d would be told and %d erased or anonymized, of %d looked at; the next runs would take %d.\n",
		plan.Days, noticed, taken, plan.Looked, plan.Now)
	if plan.Conflicts > 0 {
		cmd.Printf("Of %d a policy keeps the data for longer than another allows: the minimum wins. `rapport retention explain CANDIDATE` says which.\n", plan.Conflicts)
	}
	if plan.Unclear > 0 {
		cmd.Printf("Of %d it cannot be said until when data are kept: nothing is taken.\n", plan.Unclear)
	}
	table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "WEEK FROM\tTOLD\tTAKEN")
	most := int64(1)
	for _, w := range plan.Weeks {
		most = max(most, w.Noticed, w.Taken)
	}
	for _, w := range plan.Weeks {
		fmt.Fprintf(table, "%s\t%d\t%d\t%s\n", w.Starts.Format(time.DateOnly), w.Noticed, w.Taken, bars(w.Noticed, w.Taken, most))
	}
	if len(plan.Items) > 0 {
		slices.SortStableFunc(plan.Items, func(a, b api.PlannedRetention) int { return a.DueAt.Compare(b.DueAt) })
		fmt.Fprintln(table, "\nCANDIDATE\tPOLICY\tTOLD\tTAKEN")
	}
	for i := range plan.Items {
		p := &plan.Items[i]
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", p.Candidate, p.Policy, dayOf(p.NoticeAt), dayOf(p.DueAt))
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("write plan: %w", err)
	}
	return nil
}

func dayOf(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.DateOnly)
}

func retentionRunCommand(r *remote) *cobra.Command {
	var now bool
	cmd := &cobra.Command{
		Use:   "run POLICY --now",
		Short: "Run a policy now, beside its daily runs",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := r.open()
			if err != nil {
				return err
			}
			run, err := c.RunRetention(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			cmd.Printf("%s of %s is started: `rapport retention status %s` says how far it is\n", run.Policy, run.Day, run.Policy)
			return nil
		},
	}
	r.flags(cmd)
	cmd.Flags().BoolVar(&now, "now", false, "yes, now (required): data are erased for good")
	if err := cmd.MarkFlagRequired("now"); err != nil {
		panic(err) // the flag was declared above
	}
	return cmd
}

// retentionDecision tells the server what a person has decided.
type retentionDecision func(c *client.Client, ctx context.Context, policy, day string) (crm.RetentionRun, error)

// retentionDecideCommand is one by which a person decides about a run.
func retentionDecideCommand(r *remote, use, short string, decide retentionDecision) *cobra.Command {
	cmd := &cobra.Command{
		Use:   use + " POLICY DAY",
		Short: short,
		Args:  cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := r.open()
			if err != nil {
				return err
			}
			run, err := decide(c, cmd.Context(), args[0], args[1])
			if err != nil {
				return err
			}
			cmd.Printf("%s of %s is %s: %s\n", run.Policy, run.Day, run.State, run.Standing())
			return nil
		},
	}
	r.flags(cmd)
	return cmd
}
