package command

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
)

// Formats in which problems are listed.
const (
	formatText  = "text"
	formatJSON  = "json"
	formatSARIF = "sarif"
)

func checkCommand() *cobra.Command {
	format := choice{value: formatText, known: []string{formatText, formatJSON, formatSARIF}}
	cmd := &cobra.Command{
		Use:   "check PATH...",
		Short: "Check definitions: files, or folders with *.yaml and *.yml; every problem at once",
		Long: `Check definitions: files, folders with *.yaml and *.yml, or - for standard input. Every problem is reported at once,
with its place, its code and what to do; ` + "`rapport explain CODE`" + ` says more about a code.

The exit code is 0 when there is no error, 1 when there is one (warnings and hints are none), and 2 when nothing was checked.`,
		Example: "  rapport check definitions\n" +
			"  rapport check --format sarif definitions > rapport.sarif",
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			files, err := readInput(cmd, args)
			if err != nil {
				return err
			}
			_, problems := dsl.Check(files, nil)
			if err := writeProblems(cmd.OutOrStdout(), format.value, problems, files); err != nil {
				return err
			}
			if hasErrors(problems) {
				return errNo
			}
			return nil
		},
	}
	format.flag(cmd, "format", "how problems are listed")
	return cmd
}

func writeProblems(w io.Writer, format string, problems []crm.Problem, files []dsl.File) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	switch format {
	case formatJSON:
		if problems == nil {
			problems = []crm.Problem{}
		}
		return encoder.Encode(problems)
	case formatSARIF:
		encoder.SetIndent("", "  ")
		return encoder.Encode(sarifLog(problems))
	}
	printProblems(w, problems, files)
	return nil
}

// choice is the value of a flag that has one of a few (pflag.Value).
type choice struct {
	value string
	known []string
}

// flag declares the flag, with completion.
func (c *choice) flag(cmd *cobra.Command, name, usage string) {
	cmd.Flags().Var(c, name, usage+": "+strings.Join(c.known, ", "))
	complete := cobra.FixedCompletions(c.known, cobra.ShellCompDirectiveNoFileComp)
	if err := cmd.RegisterFlagCompletionFunc(name, complete); err != nil {
		panic(err) // the flag was declared a line above
	}
}

func (c *choice) String() string { return c.value }

// Type names the value in the usage.
func (c *choice) Type() string { return "word" }

// Set takes a known word.
func (c *choice) Set(value string) error {
	if slices.Contains(c.known, value) {
		c.value = value
		return nil
	}
	return fmt.Errorf("use one of %s", strings.Join(c.known, ", "))
}
