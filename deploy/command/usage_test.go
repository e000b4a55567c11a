package command_test

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/rapport-crm/rapport/deploy/command"
)

// What stands in backquotes in a flag's usage is taken for the name of its value, so a command in them reads oddly.
func TestFlagsHaveValueNames(t *testing.T) {
	t.Parallel()
	flags := 0
	var visit func(cmd *cobra.Command)
	visit = func(cmd *cobra.Command) {
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			flags++
			if name, _ := pflag.UnquoteUsage(f); strings.Contains(name, " ") {
				t.Errorf("%s --%s %s", cmd.CommandPath(), f.Name, name)
			}
		})
		for _, c := range cmd.Commands() {
			visit(c)
		}
	}
	visit(command.Root())
	if flags < 40 {
		t.Errorf("only %d flags were found", flags)
	}
}
