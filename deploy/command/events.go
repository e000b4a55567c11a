package command

import (
	"github.com/spf13/cobra"

	"github.com/rapport-crm/rapport/api/client"
)

func eventsCommand() *cobra.Command {
	var r remote
	cmd := &cobra.Command{Use: "events", Short: "Work with candidates' events"}
	r.flags(cmd)
	cmd.AddCommand(sendCommand(&r))
	return cmd
}

func sendCommand(r *remote) *cobra.Command {
	var recordOnly bool
	var report string
	cmd := &cobra.Command{
		Use:   "send FILE.jsonl",
		Short: "Send events, one CloudEvent in JSON a line; resumes where it was interrupted",
		Long: `Send events from a file with one CloudEvents 1.0 object in JSON on each line.

How far it got is kept beside the file, so that after an interruption the same command goes on from there. An event that was sent
before (same source and id) is a duplicate and does nothing. With --record-only events are stored as history: they enroll nobody
and wake no run.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.feed(cmd, "sending", args[0], report, func(f *feeding) (int, error) {
				s, err := f.client.SendEvents(cmd.Context(), f.file, client.SendOptions{
					RecordOnly: recordOnly, State: args[0] + ".rapport-progress", Report: f.rejects, Progress: f.bar.set,
				})
				f.bar.done()
				if err != nil {
					return 0, err
				}
				if s.Resumed {
					cmd.Println("Went on where sending was interrupted.")
				}
				cmd.Printf("%s: %d accepted, %d duplicate, %d rejected\n", plural(s.Lines, "event"), s.Accepted, s.Duplicate, s.Rejected)
				return s.Rejected, nil
			})
		},
	}
	cmd.Flags().BoolVar(&recordOnly, "record-only", false, "store history that enrolls nobody and wakes no run")
	cmd.Flags().StringVar(&report, "report", "", "where rejected events are written; default: FILE.rejected.csv")
	return cmd
}
