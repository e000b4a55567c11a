package command

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/rapport-crm/rapport/activities/calendar"
	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/api/client"
	"github.com/rapport-crm/rapport/crm"
)

func connectCommand(r *remote) *cobra.Command {
	var google, microsoft bool
	cmd := &cobra.Command{
		Use:   "connect PERSON --google|--microsoft",
		Short: "Make a link by which an interviewer connects their calendar at Google or Microsoft",
		Long: `Make a link for an interviewer, who is named by id or email address. Send it to them: whoever opens it signs in at the provider,
allows Rapport to see when they are busy and to put interviews there, and is done. It works once, for a week.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := r.open()
			if err != nil {
				return err
			}
			provider := crm.CalendarGoogle
			if microsoft {
				provider = crm.CalendarMicrosoft
			}
			link, err := c.MakeCalendarLink(cmd.Context(), args[0], provider)
			if err != nil {
				return err
			}
			cmd.PrintErrf("For %s alone, once, until %s:\n", args[0], link.ExpiresAt.UTC().Format("Mon 2 Jan 2006 15:04 MST"))
			cmd.Println(link.URL)
			return nil
		},
	}
	cmd.Flags().BoolVar(&google, "google", false, "a Google calendar")
	cmd.Flags().BoolVar(&microsoft, "microsoft", false, "a Microsoft calendar")
	cmd.MarkFlagsOneRequired("google", "microsoft")
	cmd.MarkFlagsMutuallyExclusive("google", "microsoft")
	return cmd
}

// checkTogether is how many people's calendars are asked at the same time.
const checkTogether = 8

func checkCalendarsCommand(r *remote) *cobra.Command {
	return &cobra.Command{
		Use:   "check [PERSON]",
		Short: "Ask every calendar, or those of an interviewer, and tell how each answers; one that does not makes the answer no",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := r.open()
			if err != nil {
				return err
			}
			var people []api.Interviewer
			if len(args) == 0 {
				people, err = allInterviewers(cmd.Context(), c, client.InterviewerQuery{})
			} else {
				var one api.Interviewer
				one, err = c.Interviewer(cmd.Context(), args[0])
				people = []api.Interviewer{one}
			}
			if err != nil {
				return err
			}
			checked, err := checkCalendars(cmd.Context(), c, people)
			if err != nil {
				return err
			}
			return printChecked(cmd, people, checked)
		},
	}
}

// checkCalendars asks the calendars of some people, and returns how they answered in the order of the people.
func checkCalendars(ctx context.Context, c *client.Client, people []api.Interviewer) ([][]api.CheckedCalendar, error) {
	checked, errs := make([][]api.CheckedCalendar, len(people)), make([]error, len(people))
	turns := make(chan struct{}, checkTogether)
	var all sync.WaitGroup
	for i := range people {
		if len(people[i].Calendars) == 0 {
			continue
		}
		turns <- struct{}{}
		all.Go(func() {
			defer func() { <-turns }()
			checked[i], errs[i] = c.CheckCalendars(ctx, people[i].ID)
		})
	}
	all.Wait()
	for i, err := range errs {
		if err != nil {
			return nil, fmt.Errorf("check calendars of %s: %w", people[i].Email, err)
		}
	}
	return checked, nil
}

func printChecked(cmd *cobra.Command, people []api.Interviewer, checked [][]api.CheckedCalendar) error {
	rows, failed := 0, 0
	table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	for i := range people {
		for k := range checked[i] {
			x := &checked[i][k]
			if rows++; rows == 1 {
				fmt.Fprintln(table, "INTERVIEWER\tCALENDAR\tANSWER\tBUSY\tLAST ANSWERED")
			}
			answer, busy := string(x.Result), strconv.Itoa(x.Busy)
			if x.Result != checkAnswered {
				failed++
				answer, busy = cmp.Or(x.Detail, answer), "-"
			}
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", cmp.Or(people[i].Name, people[i].Email), calendarName(x), answer, busy, lastAnswered(x))
		}
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("write calendars: %w", err)
	}
	if rows == 0 {
		cmd.Println("no calendars")
	}
	if failed > 0 {
		return errNo
	}
	return nil
}

const checkAnswered calendar.Kind = "ok"

// calendarName tells a calendar from the others of its owner.
func calendarName(x *api.CheckedCalendar) string {
	if at := cmp.Or(x.Address, x.Account); at != "" {
		return string(x.Kind) + " " + at
	}
	return string(x.Kind)
}

func lastAnswered(x *api.CheckedCalendar) string {
	switch {
	case x.Kind == crm.CalendarOwn:
		return "-"
	case x.LastOK.IsZero():
		return "never"
	}
	return x.LastOK.UTC().Format(time.DateTime)
}
