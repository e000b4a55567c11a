package command

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/api/client"
)

func interviewersCommand() *cobra.Command {
	var r remote
	cmd := &cobra.Command{Use: "interviewers", Short: "People who hold interviews: hours, groups, time off and calendars", Args: cobra.NoArgs}
	r.flags(cmd)
	cmd.AddCommand(listInterviewersCommand(&r), showInterviewerCommand(&r), importInterviewersCommand(&r), interviewerGroupsCommand(&r), timeOffCommand(&r), calendarCommand(&r), connectCommand(&r))
	return cmd
}

func listInterviewersCommand(r *remote) *cobra.Command {
	var query client.InterviewerQuery
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list [TEXT]",
		Short: "List interviewers by name, or those whose name or email address has a text in it",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := r.open()
			if err != nil {
				return err
			}
			query.Text = strings.Join(args, "")
			people, err := allInterviewers(cmd.Context(), c, query)
			if err != nil {
				return err
			}
			return printInterviewers(cmd, people, asJSON)
		},
	}
	cmd.Flags().StringVar(&query.Group, "group", "", "only those of a group")
	cmd.Flags().BoolVar(&query.Active, "active", false, "only those who get new interviews")
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object a line")
	return cmd
}

// allInterviewers returns them by name.
func allInterviewers(ctx context.Context, c *client.Client, query client.InterviewerQuery) ([]api.Interviewer, error) {
	people, err := collect(func(after string) (api.Page[api.Interviewer], error) { return c.Interviewers(ctx, query, 500, after) })
	slices.SortFunc(people, func(a, b api.Interviewer) int {
		return cmp.Or(strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), strings.Compare(a.Email, b.Email))
	})
	return people, err
}

func printInterviewers(cmd *cobra.Command, people []api.Interviewer, asJSON bool) error {
	if asJSON {
		out := json.NewEncoder(cmd.OutOrStdout())
		for i := range people {
			if err := out.Encode(&people[i]); err != nil {
				return fmt.Errorf("write interviewer: %w", err)
			}
		}
		return nil
	}
	if len(people) == 0 {
		cmd.Println("no interviewers")
		return nil
	}
	table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NAME\tEMAIL\tGROUPS\tHOURS\tLIMITS\tCALENDARS")
	for i := range people {
		p := &people[i]
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", cmp.Or(p.Name, "-"), p.Email, cmp.Or(strings.Join(p.Groups, ", "), "-"),
			cmp.Or(strings.TrimSpace(p.Hours+" "+p.Zone), "-"), limits(p), calendarStates(p))
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("write interviewers: %w", err)
	}
	return nil
}

// limits says how much somebody takes on.
func limits(p *api.Interviewer) string {
	var parts []string
	add := func(format string, n int) {
		if n > 0 {
			parts = append(parts, fmt.Sprintf(format, n))
		}
	}
	if !p.Active {
		parts = append(parts, "inactive")
	}
	if p.Trainee {
		parts = append(parts, "trainee")
	}
	add("%d a day", p.DailyLimit)
	add("%d a week", p.WeeklyLimit)
	if p.Weight > 1 {
		add("weight %d", p.Weight)
	}
	if p.MinGap != "" {
		parts = append(parts, p.MinGap+" between")
	}
	return cmp.Or(strings.Join(parts, ", "), "-")
}

// calendarStates names somebody's calendars, and what is wrong with them.
func calendarStates(p *api.Interviewer) string {
	var parts []string
	for i := range p.Calendars {
		c := &p.Calendars[i]
		text := string(c.Kind)
		if c.State != "" && c.State != "ok" {
			text += " (" + string(c.State) + ")"
		}
		parts = append(parts, text)
	}
	return cmp.Or(strings.Join(parts, ", "), "own")
}

func showInterviewerCommand(r *remote) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "show PERSON",
		Short: "Show an interviewer, by id or email address",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := r.open()
			if err != nil {
				return err
			}
			p, err := c.Interviewer(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if asJSON {
				return printInterviewers(cmd, []api.Interviewer{p}, true)
			}
			return printInterviewer(cmd, &p)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as a JSON object")
	return cmd
}

func printInterviewer(cmd *cobra.Command, p *api.Interviewer) error {
	table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	line := func(name, text string) {
		if text != "" && text != "-" {
			fmt.Fprintf(table, "%s\t%s\n", name, text)
		}
	}
	line("name", p.Name)
	line("email", p.Email)
	line("id", p.ID)
	line("groups", strings.Join(p.Groups, ", "))
	line("skills", strings.Join(p.Skills, ", "))
	line("hours", p.Hours)
	line("zone", p.Zone)
	line("limits", limits(p))
	for _, a := range p.TimeOff {
		line("away", awayText(a, p.Zone))
	}
	for i := range p.Calendars {
		c := &p.Calendars[i]
		text := strings.Join(slices.DeleteFunc([]string{c.ID, string(c.Kind), c.Address, c.Account}, func(s string) bool { return s == "" }), "  ")
		if c.State != "" {
			text += "  " + string(c.State) + " since " + c.Since.UTC().Format("2006-01-02 15:04:05")
		}
		line("calendar", text)
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("write interviewer: %w", err)
	}
	return nil
}

func interviewerGroupsCommand(r *remote) *cobra.Command {
	return &cobra.Command{
		Use:   "groups",
		Short: "List groups of interviewers; one that an interview asks for and that nobody is in makes the answer no",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := r.open()
			if err != nil {
				return err
			}
			groups, err := c.InterviewerGroups(cmd.Context())
			if err != nil {
				return err
			}
			if len(groups) == 0 {
				cmd.Println("no groups")
				return nil
			}
			empty := false
			table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(table, "GROUP\tACTIVE\tTRAINEES\tINACTIVE\tASKED FOR BY")
			for _, g := range groups {
				by := cmp.Or(strings.Join(g.NamedBy, ", "), "-")
				if g.Active == 0 && len(g.NamedBy) > 0 {
					empty, by = true, by+": nobody can hold it"
				}
				fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%s\n", g.Name, g.Active, g.Trainees, g.Inactive, by)
			}
			if err := table.Flush(); err != nil {
				return fmt.Errorf("write groups: %w", err)
			}
			if empty {
				return errNo
			}
			return nil
		},
	}
}

func importInterviewersCommand(r *remote) *cobra.Command {
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "import FILE.csv",
		Short: "Import interviewers; every mistake is listed with its row and column, the other rows are imported; safe to repeat",
		Long: `Import interviewers from a CSV file in UTF-8, with or without a byte order mark, with any line ending.

Columns are found by the names in the first row: email (required), name, locale, meeting_url, zone, hours, skills, groups,
daily_limit, weekly_limit, min_gap, weight, trainee, active. A row is known by its email address. An empty cell leaves what is there. Lists are separated by
semicolons. Hours are days and the parts of them, with a semicolon before the next days; a day that is named again has the later
hours only:

  mon-fri 09:00-12:00,13:00-17:30; fri 09:00-12:00

With --dry-run nothing is written.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := r.open()
			if err != nil {
				return err
			}
			f, size, err := openInput(args[0])
			if err != nil {
				return err
			}
			defer f.Close()
			progress := newBar(cmd, "importing", size)
			s, err := c.ImportInterviewers(cmd.Context(), f, client.InterviewerOptions{Progress: progress.set, DryRun: dryRun})
			progress.done()
			if err != nil {
				return err
			}
			return printImport(cmd, args[0], &s, dryRun)
		},
	}
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "write nothing, and say what would be created and changed")
	return cmd
}

func printImport(cmd *cobra.Command, path string, s *client.InterviewerSummary, dryRun bool) error {
	for _, w := range s.Warnings {
		cmd.PrintErrln("warning: " + w)
	}
	for _, p := range s.Problems {
		cmd.PrintErrln(path + ": " + p.Error())
	}
	cmd.Printf("%s: %d created, %d changed, %d unchanged, %d rejected\n", plural(s.Rows, "row"), s.Created, s.Changed, s.Unchanged, s.Rejected)
	if dryRun {
		cmd.Println("This was a dry run: nothing was written.")
	}
	if s.Rejected > 0 {
		return errNo
	}
	return nil
}
