package command

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/api/client"
	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/store"
)

func applyCommand() *cobra.Command {
	a := &applying{}
	cmd := &cobra.Command{
		Use:   "apply PATH...",
		Short: "Publish definitions, all or none; running enrollments stay on their version",
		Long: `Publish definitions: all of them, or none when one has an error. The plan is shown first, and publishing is refused when
the definitions have changed since, or an audience by more than ten candidates and one in twenty.

Running enrollments stay on the version they began with. With --migrate they move to the new one, by step id: each stays at
its step, or goes on after the last one it has passed that is still there. Those for which nobody can tell where they belong
stay on their version and are listed. A migration that was cut short goes on when the command is repeated.

Definitions that are not among the files stay in force. With --prune they are taken out of it, but for the workspace and for
messages and surveys that running enrollments may still use; enrollments of a removed sequence finish on their version, or
with --stop-runs are stopped.

The exit code is 1 when nothing was published because of an error in a definition, a drifted plan or your answer.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.run(cmd, args) },
	}
	a.flags(cmd)
	cmd.Flags().BoolVarP(&a.yes, "yes", "y", false, "do not ask")
	cmd.Flags().BoolVar(&a.migrate, "migrate", false, "move running enrollments to the new version")
	cmd.Flags().BoolVar(&a.stopRuns, "stop-runs", false, "with --prune: stop the running enrollments of removed sequences")
	return cmd
}

// applying is one publication at work.
type applying struct {
	publication

	yes, migrate, stopRuns bool
}

func (a *applying) run(cmd *cobra.Command, args []string) error {
	if a.stopRuns && !a.prune {
		return errors.New("--stop-runs is about sequences that --prune removes: add --prune, or stop enrollments one by one")
	}
	c, set, plan, err := a.plan(cmd, args)
	if errors.Is(err, errWrong) {
		fmt.Fprintln(cmd.ErrOrStderr(), "Nothing was published.")
		return errNo
	}
	if err != nil {
		return err
	}
	write(cmd.OutOrStdout(), planText(styleOf(cmd.OutOrStdout()), plan))
	if !plan.Changes && !a.moves(plan) {
		return nil
	}
	if !a.yes {
		if err := agreed(cmd.InOrStdin(), cmd.OutOrStdout()); err != nil {
			return err
		}
	}
	if plan.Changes {
		if err := publish(cmd, c, set, plan); err != nil {
			return err
		}
	}
	return a.followUp(cmd, c, plan)
}

// moves tells whether there are enrollments to move or to stop.
func (a *applying) moves(plan *api.DefinitionPlan) bool {
	for _, d := range plan.Definitions {
		if d.Runs != nil && (a.migrate && d.Status != store.StatusRemoved || a.stopRuns && d.Status == store.StatusRemoved) {
			return true
		}
	}
	return false
}

// agreed asks for a yes.
func agreed(in io.Reader, out io.Writer) error {
	if f, ok := in.(*os.File); ok && !term.IsTerminal(int(f.Fd())) {
		return errors.New("there is nobody to confirm the plan; add --yes to apply it without being asked")
	}
	write(out, "\nApply this plan? Only `yes` is a yes: ")
	answer, err := bufio.NewReader(in).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read answer: %w", err)
	}
	if strings.TrimSpace(answer) != "yes" {
		write(out, "Nothing was published.\n")
		return errNo
	}
	return nil
}

// publish publishes what was confirmed.
func publish(cmd *cobra.Command, c *client.Client, set api.DefinitionFiles, plan *api.DefinitionPlan) error {
	set.Confirmed = plan.Fingerprint
	applied, err := c.Publish(cmd.Context(), set)
	if refused, ok := errors.AsType[*client.Error](err); ok && refused.Code == api.CodeConflict {
		fmt.Fprintln(cmd.ErrOrStderr(), refused.Error())
		return errNo
	}
	if err != nil {
		return err
	}
	cmd.Println()
	for _, d := range applied.Results {
		if d.Status == store.StatusUnchanged {
			continue
		}
		cmd.Printf("%-10s %s %s", d.Status, d.Kind, d.Name)
		if d.Locale != "" {
			cmd.Printf(" (%s)", d.Locale)
		}
		cmd.Printf(", version %d\n", d.Version)
	}
	return nil
}

// followUp moves and stops enrollments once the definitions are published.
func (a *applying) followUp(cmd *cobra.Command, c *client.Client, plan *api.DefinitionPlan) error {
	for _, d := range plan.Definitions {
		var err error
		switch {
		case d.Runs == nil:
		case d.Status == store.StatusRemoved && a.stopRuns:
			err = stopAll(cmd, c, d.Name)
		case d.Status != store.StatusRemoved && a.migrate:
			err = migrateAll(cmd, c, d.Name)
		}
		if err != nil {
			return fmt.Errorf("%w; the definitions are published: repeat the command to go on", err)
		}
	}
	return nil
}

// migrateAll moves the enrollments of a sequence, part by part.
func migrateAll(cmd *cobra.Command, c *client.Client, sequence string) error {
	moved := 0
	teller := &planTeller{style: styleOf(cmd.OutOrStdout())}
	for after := ""; ; {
		part, err := c.MigrateRuns(cmd.Context(), sequence, after)
		if err != nil {
			return err
		}
		for _, class := range part.Classes {
			if class.Kind == crm.LandRefused {
				teller.line("%s", teller.class(&class))
				continue
			}
			moved += class.Count
		}
		if after = part.Next; after == "" {
			break
		}
		cmd.PrintErrf("%s: %s migrated so far\n", sequence, plural(moved, "enrollment"))
	}
	cmd.Printf("%-10s %s: %s\n", "migrated", sequence, plural(moved, "enrollment"))
	write(cmd.OutOrStdout(), teller.String())
	return nil
}

// stopAll stops the enrollments of a removed sequence, part by part.
func stopAll(cmd *cobra.Command, c *client.Client, sequence string) error {
	stopped := 0
	for after := ""; ; {
		part, err := c.StopRuns(cmd.Context(), sequence, after)
		if err != nil {
			return err
		}
		stopped += part.Stopped
		if after = part.Next; after == "" {
			cmd.Printf("%-10s %s: %s\n", "stopped", sequence, plural(stopped, "enrollment"))
			return nil
		}
	}
}
