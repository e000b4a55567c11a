package command

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/api/client"
)

// publication is what plan and apply have in common: a server, and files that may stand for all there is.
type publication struct {
	remote

	prune bool
}

func (p *publication) flags(cmd *cobra.Command) {
	p.remote.flags(cmd)
	cmd.Flags().BoolVar(&p.prune, "prune", false, "take out of force what is not among the files; the workspace stays")
}

// errWrong says that the definitions have errors, which were listed.
var errWrong = errors.New("the definitions have errors")

// plan reads the files and asks the server what publishing them would change. Problems are listed before errWrong is returned.
func (p *publication) plan(cmd *cobra.Command, paths []string) (*client.Client, api.DefinitionFiles, *api.DefinitionPlan, error) {
	set := api.DefinitionFiles{Prune: p.prune}
	files, err := readFiles(paths)
	if err != nil {
		return nil, set, nil, err
	}
	for _, f := range files {
		set.Files = append(set.Files, api.DefinitionFile{Path: f.Path, Text: string(f.Text)})
	}
	c, err := p.open()
	if err != nil {
		return nil, set, nil, err
	}
	plan, err := c.Plan(cmd.Context(), set)
	if refused, ok := errors.AsType[*client.Error](err); ok && len(refused.Problems) > 0 {
		printProblems(cmd.ErrOrStderr(), refused.Problems, files)
		return nil, set, nil, errWrong
	}
	return c, set, &plan, err
}

func planCommand() *cobra.Command {
	var p publication
	var format string
	var exitCode bool
	cmd := &cobra.Command{
		Use:   "plan PATH...",
		Short: "What applying would change, how many candidates it would reach now, and where running enrollments would land",
		Long: `Show what ` + "`rapport apply`" + ` would do with the same files, and change nothing: definitions that would be added, changed or
removed, and what is different about them; how many candidates would be enrolled, or enter or leave a pool, at once; how many
a rule about events would have enrolled in the last 30 days, by the events that the server has stored and the candidates as they
are now; and for enrollments that run on another version, at which step they stand and where they would land with --migrate.

The exit code is 0 whether or not there is something to change; with --exit-code it is 1 when there is. It is 2 when nothing
could be planned: a definition has an error, or the server was not reached.`,
		Example: "  rapport plan definitions\n" +
			"  rapport plan --exit-code definitions || echo 'not applied yet'",
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if format != "text" && format != "json" {
				return fmt.Errorf("format %q is not known: use text or json", format)
			}
			_, _, plan, err := p.plan(cmd, args)
			if err != nil {
				return err
			}
			if format == "json" {
				encoder := json.NewEncoder(cmd.OutOrStdout())
				encoder.SetEscapeHTML(false)
				encoder.SetIndent("", "  ")
				err = encoder.Encode(plan)
			} else {
				write(cmd.OutOrStdout(), planText(styleOf(cmd.OutOrStdout()), plan))
			}
			if err == nil && exitCode && plan.Changes {
				return errNo
			}
			return err
		},
	}
	p.flags(cmd)
	cmd.Flags().StringVar(&format, "format", "text", "text or json")
	cmd.Flags().BoolVar(&exitCode, "exit-code", false, "exit with 1 when there is something to change")
	return cmd
}
