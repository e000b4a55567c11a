package command

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/dsl/wallclock"
)

func timeOffCommand(r *remote) *cobra.Command {
	var add, none bool
	cmd := &cobra.Command{
		Use:   "time-off PERSON [FROM..TO]...",
		Short: "Show or say when an interviewer is away; nobody is asked why",
		Long: `Say when an interviewer is away, by id or email address: it replaces what was said before. FROM and TO are dates, both of them
days away in the interviewer's zone, or times:

  rapport interviewers time-off maya@trust.example 2026-12-24..2027-01-02 2026-11-06T13:00:00Z..2026-11-06T18:00:00Z

A single date is one day. Without any, what is known is shown.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := r.open()
			if err != nil {
				return err
			}
			person, err := c.Interviewer(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			away := person.TimeOff
			if len(args) > 1 || none {
				var given []api.AwayInput
				if add {
					given = known(person.TimeOff)
				}
				for _, text := range args[1:] {
					from, to, found := strings.Cut(text, "..")
					if !found {
						to = from
					}
					given = append(given, api.AwayInput{Start: from, End: to})
				}
				set, err := c.SetTimeOff(cmd.Context(), person.ID, given)
				if err != nil {
					return err
				}
				away = set.Items
			}
			for _, a := range away {
				cmd.Println(awayText(a, person.Zone))
			}
			if len(away) == 0 {
				cmd.Println("no time off")
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&add, "add", false, "keep what was said before too")
	cmd.Flags().BoolVar(&none, "none", false, "the interviewer is never away")
	cmd.MarkFlagsMutuallyExclusive("add", "none")
	return cmd
}

// known is what was said before, to say it again.
func known(away []api.Away) []api.AwayInput {
	again := make([]api.AwayInput, len(away))
	for i, a := range away {
		again[i] = api.AwayInput{Start: a.Start.Format(time.RFC3339Nano), End: a.End.Format(time.RFC3339Nano)}
	}
	return again
}

// awayText writes whole days as dates, and anything else as times, on the clocks of a zone, or of UTC.
func awayText(a api.Away, zone string) string {
	loc, err := wallclock.Zone(zone)
	if err != nil {
		loc = time.UTC
	}
	start, end := a.Start.In(loc), a.End.In(loc)
	if midnight(start) && midnight(end) {
		last := end.AddDate(0, 0, -1)
		if last.Equal(start) {
			return start.Format("Mon 2 Jan 2006")
		}
		return start.Format("Mon 2 Jan 2006") + " to " + last.Format("Mon 2 Jan 2006")
	}
	const clock = "Mon 2 Jan 2006 15:04"
	return fmt.Sprintf("%s to %s", start.Format(clock), end.Format(clock+" MST"))
}

func midnight(t time.Time) bool {
	h, m, s := t.Clock()
	return h == 0 && m == 0 && s == 0 && t.Nanosecond() == 0
}
