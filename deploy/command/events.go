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
			c, err := r.open()
			if err != nil {
				return err
			}
			f, size, err := openInput(args[0])
			if err != nil {
				return err
			}
			defer f.Close()
			if report == "" {
				report = args[0] + ".rejected.csv"
			}
			rejects := &lazyFile{path: report}
			bar := newBar(cmd, "sending", size)
			s, err := c.SendEvents(cmd.Context(), f, client.SendOptions{
				RecordOnly: recordOnly, State: args[0] + ".rapport-progress", Report: rejects, Progress: bar.set,
			})
			bar.done()
			if err := rejects.close(); err != nil {
				return err
			}
			if err != nil {
				return err
			}
			if s.Resumed {
				cmd.Println("Went on where sending was interrupted.")
			}
			cmd.Printf("%s: %d accepted, %d duplicate, %d rejected\n", plural(s.Lines, "event"), s.Accepted, s.Duplicate, s.Rejected)
			if s.Rejected > 0 {
				cmd.Println("Rejected events, with the reason: " + report)
				return errNo
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&recordOnly, "record-only", false, "store history that enrolls nobody and wakes no run")
	cmd.Flags().StringVar(&report, "report", "", "where rejected events are written; default: FILE.rejected.csv")
	return cmd
}
