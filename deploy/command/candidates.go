package command

import (
	"fmt"
	"os"

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
			bar := newBar(cmd, "importing", size)
			s, err := c.ImportCandidates(cmd.Context(), f, client.ImportOptions{Progress: bar.set, Report: rejects})
			bar.done()
			if err := rejects.close(); err != nil {
				return err
			}
			if err != nil {
				return err
			}
			for _, w := range s.Warnings {
				cmd.PrintErrln("warning: " + w)
			}
			cmd.Printf("%s: %d created, %d changed, %d unchanged, %d rejected\n", plural(s.Rows, "row"), s.Created, s.Changed, s.Unchanged, s.Rejected)
			if s.Rejected > 0 {
				cmd.Println("Rejected rows, with the reason: " + report)
				return errNo
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&report, "report", "", "where rejected rows are written; default: FILE.rejected.csv")
	return cmd
}

func openInput(path string) (*os.File, int64, error) {
	f, err := os.Open(path) //nolint:gosec // the person who runs the command named it
	if os.IsNotExist(err) {
		return nil, 0, fmt.Errorf("there is no file %s", path)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("open input: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, 0, fmt.Errorf("open input: %w", err)
	}
	return f, info.Size(), nil
}

// lazyFile is a file that exists only once something is written to it.
type lazyFile struct {
	path string
	file *os.File
}

// Write creates the file at first.
func (l *lazyFile) Write(p []byte) (int, error) {
	if l.file == nil {
		f, err := os.Create(l.path)
		if err != nil {
			return 0, fmt.Errorf("write report: %w", err)
		}
		l.file = f
	}
	return l.file.Write(p)
}

func (l *lazyFile) close() error {
	if l.file == nil {
		return nil
	}
	return l.file.Close()
}
