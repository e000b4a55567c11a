package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// version is set by the linker.
var version = "dev"

// Exit codes: 1 says that the command did its work and the answer is no (a check found errors), 2 that it could not.
const (
	exitNo     = 1
	exitBroken = 2
)

// errNo is returned by a command whose answer is no and that has already said why.
var errNo = errors.New("no")

// Main runs the command and returns its exit code.
func Main(ctx context.Context, args []string, out, errOut io.Writer) int {
	root := root(out, errOut) //nolint:contextcheck // the commands get ctx from ExecuteContext
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errNo):
		return exitNo
	}
	fmt.Fprintln(errOut, "rapport: "+err.Error())
	return exitBroken
}

func root(out, errOut io.Writer) *cobra.Command {
	cmd := &cobra.Command{
		Use:           "rapport",
		Short:         "Automation for candidate relationship management",
		Version:       version,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	cmd.SetOut(out)
	cmd.SetErr(errOut)
	cmd.PersistentFlags().String("log-level", "warn", "what is logged: debug, info, warn or error")
	cmd.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error { return fromEnvironment(cmd) }
	cmd.AddCommand(serveCommand(), workCommand(), openapiCommand())
	cmd.AddCommand(checkCommand(), testCommand(), simulateCommand(), fmtCommand(), explainCommand(), graphCommand(), schemaCommand())
	cmd.AddCommand(planCommand(), applyCommand(), candidatesCommand(), interviewersCommand(), interviewsCommand(), suppressionsCommand(), eventsCommand())
	cmd.AddCommand(timelineCommand(), notesCommand(), jobsCommand(), messagesCommand())
	cmd.AddCommand(eraseCommand(), auditCommand(), keysCommand(), erasuresCommand(), receiptCommand(), retentionCommand(), holdsCommand(), requestsCommand(), recordCommand())
	if up := upCommand(); up != nil {
		cmd.AddCommand(up)
	}
	cmd.SetHelpCommand(helpCommand())
	cmd.SetFlagErrorFunc(unknownFlag)
	levels := cobra.FixedCompletions([]string{"debug", "info", "warn", "error"}, cobra.ShellCompDirectiveNoFileComp)
	if err := cmd.RegisterFlagCompletionFunc("log-level", levels); err != nil {
		panic(err) // the flag was declared above
	}
	helpful(cmd)
	return cmd
}

// fromEnvironment gives every flag that was not set the value of its environment variable: --api-port is RAPPORT_API_PORT.
func fromEnvironment(cmd *cobra.Command) error {
	var all []error
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		name := "RAPPORT_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		if value, ok := os.LookupEnv(name); ok && !f.Changed {
			if err := cmd.Flags().Set(f.Name, value); err != nil {
				all = append(all, fmt.Errorf("environment variable %s: %w", name, err))
			}
		}
	})
	return errors.Join(append(all, requiredFlags(cmd))...)
}

// requiredFlags asks for the flags that a command cannot do without.
func requiredFlags(cmd *cobra.Command) (err error) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if _, required := f.Annotations[cobra.BashCompOneRequiredFlag]; required && !f.Changed && err == nil {
			err = fmt.Errorf("--%s is required: %s; see `%s --help`", f.Name, strings.Replace(f.Usage, " (required)", "", 1), cmd.CommandPath())
		}
	})
	return err
}

// logger writes to standard error.
func logger(cmd *cobra.Command) (*slog.Logger, error) {
	name, err := cmd.Flags().GetString("log-level")
	if err != nil {
		return nil, err
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(name)); err != nil {
		return nil, fmt.Errorf("log level %q is not known: use debug, info, warn or error", name)
	}
	return slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: level})), nil
}
