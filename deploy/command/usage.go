package command

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/rapport-crm/rapport/dsl"
)

// helpful prepares a command and those below it to say what to do next when they are called wrongly, and to complete paths.
func helpful(cmd *cobra.Command) {
	for _, c := range cmd.Commands() {
		helpful(c)
	}
	if cmd.HasSubCommands() && !cmd.Runnable() {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownCommand(cmd, args[0])
			}
			return nil
		}
		cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
		cmd.DisableFlagsInUseLine = true
		return
	}
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, args); err != nil {
				return fmt.Errorf("%w; write `%s`, and see `%s --help`", err, cmd.UseLine(), cmd.CommandPath())
			}
			return nil
		}
	}
	if strings.HasSuffix(cmd.Use, " PATH...") && cmd.ValidArgsFunction == nil {
		cmd.ValidArgsFunction = completeDefinitions
	}
}

// helpCommand is cobra's, but for a command that does not exist.
func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Help about any command",
		RunE: func(cmd *cobra.Command, args []string) error {
			about, rest, err := cmd.Root().Find(args)
			if err != nil {
				return err
			}
			if len(rest) > 0 {
				return unknownCommand(about, rest[0])
			}
			about.InitDefaultHelpFlag()
			return about.Help()
		},
		ValidArgsFunction: func(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
			var all []cobra.Completion
			if about, _, err := cmd.Root().Find(args); err == nil {
				for _, c := range about.Commands() {
					if c.IsAvailableCommand() {
						all = append(all, cobra.CompletionWithDesc(c.Name(), c.Short))
					}
				}
			}
			return all, cobra.ShellCompDirectiveNoFileComp
		},
	}
}

func unknownCommand(cmd *cobra.Command, name string) error {
	var known []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			known = append(known, c.Name())
		}
	}
	return fmt.Errorf("there is no command %q.%s Run `%s` for the list", name, meant(name, known), helpLine(cmd))
}

// unknownFlag explains an error of the flags.
func unknownFlag(cmd *cobra.Command, err error) error {
	flag, ok := errors.AsType[*pflag.NotExistError](err)
	if !ok {
		return fmt.Errorf("%w; see `%s --help`", err, cmd.CommandPath())
	}
	name := flag.GetSpecifiedName()
	if flag.GetSpecifiedShortnames() != "" { // -xyz
		return fmt.Errorf("there is no flag -%s. Run `%s --help` for the list", name, cmd.CommandPath())
	}
	var known []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			known = append(known, f.Name)
		}
	})
	near := dsl.Nearest(name, known)
	if near != "" {
		near = "--" + near
	}
	return fmt.Errorf("there is no flag --%s.%s Run `%s --help` for the list", name, didYouMean(near), cmd.CommandPath())
}

func meant(word string, known []string) string { return didYouMean(dsl.Nearest(word, known)) }

func didYouMean(word string) string {
	if word == "" {
		return ""
	}
	return fmt.Sprintf(" Did you mean %q?", word)
}

// helpLine is what shows the commands below one.
func helpLine(cmd *cobra.Command) string {
	return strings.TrimSpace(cmd.Root().Name() + " help " + strings.TrimPrefix(strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name()), " "))
}
