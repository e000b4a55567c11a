package command

import (
	"github.com/spf13/cobra"

	"github.com/rapport-crm/rapport/api/client"
)

func candidatesCommand() *cobra.Command {
	var r remote
	cmd := &cobra.Command{Use: "candidates", Short: "Work with candidates"}
	r.flags(cmd)
	cmd.AddCommand(importCommand(&r), mergeCommand(&r))
	return cmd
}

func mergeCommand(r *remote) *cobra.Command {
	return &cobra.Command{
		Use:   "merge FROM INTO",
		Short: "Make one candidate of two who are the same person; it cannot be undone",
		Long: `Merge FROM into INTO, each an id or an external id. INTO survives.

What INTO has stays, what is missing comes from FROM: fields, consents, applications, messages, tasks, runs and the timeline. Where
both are in the same sequence, the run that is further goes on and the other ends as merged. FROM's ids stay known: whoever uses
them reaches INTO. Doing it again changes nothing.`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := r.open()
			if err != nil {
				return err
			}
			merged, err := c.Merge(cmd.Context(), args[0], args[1])
			if err != nil {
				return err
			}
			if merged.Merged {
				cmd.Printf("%s is part of %s now (%s)\n", args[0], args[1], merged.ID)
			} else {
				cmd.Printf("%s was part of %s already (%s)\n", args[0], args[1], merged.ID)
			}
			return nil
		},
	}
}

func importCommand(r *remote) *cobra.Command {
	var report, country string
	cmd := &cobra.Command{
		Use:   "import FILE.csv",
		Short: "Import candidates; bad rows go to a report, the others are imported; safe to repeat",
		Long: `Import candidates from a CSV file in UTF-8, with or without a byte order mark, with any line ending.

Columns are found by the names in the first row; columns that are not known are left out, with a warning. Lists are separated by
semicolons. A row is known by its external_id, else by its email address or phone number, so importing a file again changes
nothing. Telephone numbers are read as they are dialled in the row's country, else in that of --country, and kept with the country
code (E.164); one that cannot be read is kept as it is written and gets no texts. Rows that cannot be imported, and those numbers, are
written with the reason to a report beside the file.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.feed(cmd, "importing", args[0], report, func(f *feeding) (int, error) {
				s, err := f.client.ImportCandidates(cmd.Context(), f.file, client.ImportOptions{Progress: f.bar.set, Report: f.rejects, Country: country})
				f.bar.done()
				if err != nil {
					return 0, err
				}
				for _, w := range s.Warnings {
					cmd.PrintErrln("warning: " + w)
				}
				cmd.Printf("%s: %d created, %d changed, %d unchanged, %d rejected\n", plural(s.Rows, "row"), s.Created, s.Changed, s.Unchanged, s.Rejected)
				if s.Unread > 0 {
					cmd.Printf("%s cannot be read; their rows were imported, and nothing is texted to them\n", plural(s.Unread, "telephone number"))
				}
				return s.Rejected, nil
			})
		},
	}
	cmd.Flags().StringVar(&country, "country", "", "the country of telephone numbers without a country code, such as GB, where a row has none")
	cmd.Flags().StringVar(&report, "report", "", "where rejected rows are written; default: FILE.rejected.csv")
	return cmd
}
