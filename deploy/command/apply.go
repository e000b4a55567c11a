package command

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/api/client"
)

func applyCommand() *cobra.Command {
	var r remote
	cmd := &cobra.Command{
		Use:   "apply PATH...",
		Short: "Publish definitions, all or none; running enrollments stay on their version",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			files, err := readFiles(args)
			if err != nil {
				return err
			}
			c, err := r.open()
			if err != nil {
				return err
			}
			set := make([]api.DefinitionFile, len(files))
			for i, f := range files {
				set[i] = api.DefinitionFile{Path: f.Path, Text: string(f.Text)}
			}
			applied, err := c.ApplyDefinitions(cmd.Context(), set)
			var refused *client.Error
			if errors.As(err, &refused) && len(refused.Problems) > 0 {
				printProblems(cmd.ErrOrStderr(), refused.Problems, files)
				fmt.Fprintln(cmd.ErrOrStderr(), "Nothing was published.")
				return errNo
			}
			if err != nil {
				return err
			}
			for _, d := range applied.Results {
				cmd.Printf("%-10s %s %s", d.Status, d.Kind, d.Name)
				if d.Locale != "" {
					cmd.Printf(" (%s)", d.Locale)
				}
				cmd.Printf(", version %d\n", d.Version)
			}
			for _, p := range applied.Problems {
				cmd.Println(p.String())
			}
			return nil
		},
	}
	r.flags(cmd)
	return cmd
}
