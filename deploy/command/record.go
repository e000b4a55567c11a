package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rapport-crm/rapport/dsl/record"
)

// recordFlags say what a record is made of and how it is written.
type recordFlags struct {
	remote

	format, output, date string
}

func recordCommand() *cobra.Command {
	var f recordFlags
	cmd := &cobra.Command{
		Use:   "record [PATH...]",
		Short: "Make the record of processing activities (GDPR Art. 30) of definitions and settings",
		Long: `Write what is done with whose data and why, who gets some of it, how long it is kept and what protects it: of the definitions in force
and the settings of the server, or of files and folders alone. What nobody has said is named as missing, with where to say it.

The same definitions, settings and day make the same record; the hash in it says which definitions it was made of.`,
		Example: "  rapport record -o record.html\n" +
			"  rapport record definitions --format md    # without a server: who carries messages is what the workspace says",
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := f.make(cmd, args)
			if err != nil {
				return err
			}
			text, err := f.written(r)
			if err != nil {
				return err
			}
			if f.output == "" {
				_, err = io.WriteString(cmd.OutOrStdout(), text)
				return err
			}
			if err := os.WriteFile(f.output, []byte(text), 0o644); err != nil { //nolint:gosec // a record is there to be shown
				return fmt.Errorf("write record: %w", err)
			}
			return nil
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveDefault
		},
	}
	f.flags(cmd)
	cmd.Flags().StringVar(&f.format, "format", "", "html, md or json (default: by the name of the output, else md)")
	cmd.Flags().StringVarP(&f.output, "output", "o", "", "the file to write; without it the record is printed")
	cmd.Flags().StringVar(&f.date, "date", "", "the day that a record of files is made on, such as 2026-11-22; default: today")
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]string{"html", "md", "json"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// make makes the record of files, or has the server make it. Problems of files are listed as `check` does.
func (f *recordFlags) make(cmd *cobra.Command, paths []string) (*record.Record, error) {
	if len(paths) == 0 {
		if f.date != "" {
			return nil, errors.New("--date is for a record of files: a server makes its record today")
		}
		c, err := f.open()
		if err != nil {
			return nil, fmt.Errorf("%w; or name files or folders with definitions", err)
		}
		return c.Record(cmd.Context())
	}
	on := time.Now()
	if f.date != "" {
		var err error
		if on, err = time.Parse(time.DateOnly, f.date); err != nil {
			return nil, fmt.Errorf("date %q is not a day: write it as 2026-11-22", f.date)
		}
	}
	set, err := readSet(cmd, paths)
	if err != nil {
		return nil, err
	}
	return record.Of(set, nil, on), nil
}

// written writes a record in the format, or in the one that the name of the output tells.
func (f *recordFlags) written(r *record.Record) (string, error) {
	format := f.format
	if format == "" {
		format = strings.TrimPrefix(filepath.Ext(f.output), ".")
	}
	switch format {
	case "html", "htm":
		return r.HTML()
	case "json":
		var b strings.Builder
		encoder := json.NewEncoder(&b)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(r); err != nil {
			return "", fmt.Errorf("write record: %w", err)
		}
		return b.String(), nil
	case "md", "":
		return r.Markdown(), nil
	}
	if f.format == "" {
		return "", fmt.Errorf("what %s should hold is not known: use --format html, md or json", f.output)
	}
	return "", fmt.Errorf("format %q is not known: use html, md or json", format)
}
