package command

import (
	"github.com/spf13/cobra"

	"github.com/rapport-crm/rapport/api/client"
)

func candidatesCommand() *cobra.Command {
	var r remote
	cmd := &cobra.Command{Use: "candidates", Short: "Work with candidates"}
	r.flags(cmd)
	cmd.AddCommand(importCommand(&r))
	return cmd
}

func importCommand(r *remote) *cobra.Command {
	var report string
	cmd := &cobra.Command{
		Use:   "import FILE.csv",
		Short: "Import candidates; bad rows go to a report, the others are imported; safe to repeat",
		Long: `Import candidates from a CSV file in UTF-8, with or without a byte order mark, with any line ending.

Columns are found by the names in the first row; columns that are not known are left out, with a warning. Lists are separated by
semicolons. A row is known by its external_id, else by its email address or phone number, so importing a file again changes
nothing. Rows that cannot be imported are written, with their number and the reason, to a report beside the file.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.feed(cmd, "importing", args[0], report, func(f *feeding) (int, error) {
				s, err := f.client.ImportCandidates(cmd.Context(), f.file, client.ImportOptions{Progress: f.bar.set, Report: f.rejects})
				f.bar.done()
				if err != nil {
					return 0, err
				}
				for _, w := range s.Warnings {
					cmd.PrintErrln("warning: " + w)
				}
				cmd.Printf("%s: %d created, %d changed, %d unchanged, %d rejected\n", plural(s.Rows, "row"), s.Created, s.Changed, s.Unchanged, s.Rejected)
				return s.Rejected, nil
			})
		},
	}
	cmd.Flags().StringVar(&report, "report", "", "where rejected rows are written; default: FILE.rejected.csv")
	return cmd
}
