package command

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/deploy/service"
	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/store"
)

func eraseCommand() *cobra.Command {
	var r remote
	var request api.ErasureRequest
	var yes bool
	cmd := &cobra.Command{
		Use:   "erase CANDIDATE",
		Short: "Erase a candidate, named by id or external id, at once and for good",
		Long: `Delete all that is known of a candidate, and print the signed receipt as JSON. What is left are keyed hashes, by which they are
recognised when somebody imports them again. With --mode anonymize counts stay too, of which none tells of one person.

    rapport erase ATS-7-000123 --reason request > receipt.json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !yes {
				if err := confirmErasure(cmd, args[0]); err != nil {
					return err
				}
			}
			c, err := r.open()
			if err != nil {
				return err
			}
			erased, err := c.Erase(cmd.Context(), args[0], request)
			if err != nil {
				return err
			}
			return printReceipt(cmd, &erased.SignedReceipt)
		},
	}
	r.flags(cmd)
	cmd.Flags().StringVar(&request.Mode, "mode", crm.RetentionErase, "erase, or anonymize to keep counts")
	cmd.Flags().StringVar(&request.Reason, "reason", "", "why, as a code such as request (required)")
	cmd.Flags().StringVar(&request.Rule, "rule", "request", "by which policy or right, as a code such as gdpr/art-17")
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	if err := cmd.MarkFlagRequired("reason"); err != nil {
		panic(err) // the flag was declared above
	}
	return cmd
}

// confirmErasure has the name typed once more: it cannot be undone.
func confirmErasure(cmd *cobra.Command, name string) error {
	cmd.PrintErrf("This cannot be undone. Type %s to erase them: ", name)
	answer, err := bufio.NewReader(cmd.InOrStdin()).ReadString('\n')
	if strings.TrimSpace(answer) == name {
		return nil
	}
	if err != nil && answer == "" {
		return errors.New("nothing was erased: say --yes where nobody can be asked")
	}
	return errors.New("nothing was erased: that is not the same name")
}

func printReceipt(cmd *cobra.Command, r *crm.SignedReceipt) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("write receipt: %w", err)
	}
	cmd.Println(string(text))
	return nil
}

func erasuresCommand() *cobra.Command {
	var r remote
	cmd := &cobra.Command{Use: "erasures", Short: "Receipts of erasures, and what they need after a restore", Args: cobra.NoArgs}
	cmd.AddCommand(listErasuresCommand(&r), pastCountsCommand(&r), replayErasuresCommand(), vacuumErasuresCommand())
	return cmd
}

func listErasuresCommand(r *remote) *cobra.Command {
	var candidate string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List what was erased, in order; with --json the signed receipts, one a line",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := r.open()
			if err != nil {
				return err
			}
			all, err := collect(func(after string) (api.Page[api.Erasure], error) {
				return c.Erasures(cmd.Context(), candidate, 500, after)
			})
			if err != nil {
				return err
			}
			if len(all) == 0 {
				cmd.PrintErrln("nothing was erased yet")
			}
			out := json.NewEncoder(cmd.OutOrStdout())
			for i := range all {
				if asJSON {
					if err := out.Encode(&all[i].SignedReceipt); err != nil {
						return fmt.Errorf("write receipt: %w", err)
					}
					continue
				}
				if err := printErasure(cmd, &all[i]); err != nil {
					return err
				}
			}
			return nil
		},
	}
	r.flags(cmd)
	cmd.Flags().StringVar(&candidate, "candidate", "", "only of whoever went by this id or external id")
	cmd.Flags().BoolVar(&asJSON, "json", false, "the signed receipts, one a line")
	return cmd
}

func printErasure(cmd *cobra.Command, e *api.Erasure) error {
	receipt, err := e.Read()
	if err != nil {
		return err
	}
	var rows int64
	for _, n := range receipt.Rows {
		rows += n
	}
	cmd.Printf("%6d  %s  %-9s  %s by %s, for %s: %d rows\n", receipt.Number, receipt.At.UTC().Format("2006-01-02 15:04:05"), receipt.Mode, receipt.Candidate, receipt.By, receipt.Rule, rows)
	for _, o := range e.Outside {
		cmd.Printf("%8s%s: %s (%d)\n", "", o.Kind, o.Outcome, o.N)
	}
	return nil
}

func pastCountsCommand(r *remote) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "counts",
		Short: "What is counted of people who were anonymized, by month; groups of fewer than five are left out",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := r.open()
			if err != nil {
				return err
			}
			counts, err := c.PastCounts(cmd.Context())
			if err != nil {
				return err
			}
			if len(counts) == 0 {
				cmd.Println("nothing is counted yet")
			}
			for i := range counts {
				n := &counts[i]
				what := strings.Join(strings.Fields(n.Kind+" "+n.Definition+" "+n.Step+" "+n.Outcome), " ")
				cmd.Printf("%s  %6d  %s\n", n.Month.UTC().Format("2006-01"), n.N, what)
			}
			return nil
		},
	}
	r.flags(cmd)
	return cmd
}

// openDatabase opens an installation's database for commands that work on it directly.
func openDatabase(cmd *cobra.Command, dsn string) (*store.Store, error) {
	if dsn == "" {
		return nil, errors.New("--database-url is required; as an environment variable it is RAPPORT_DATABASE_URL")
	}
	keys, err := sealKeys()
	if err != nil {
		return nil, err
	}
	if err := store.Migrate(cmd.Context(), dsn); err != nil {
		text := strings.Join(strings.Fields(err.Error()), " ") // Postgres says it in several lines
		return nil, errors.New("the database cannot be used; check --database-url and whether it runs: " + text)
	}
	return store.Open(cmd.Context(), dsn, store.Options{Seal: keys, Holding: (&dsl.Holding{}).Holds})
}

func replayErasuresCommand() *cobra.Command {
	var dsn, path string
	cmd := &cobra.Command{
		Use:   "replay",
		Short: "After a restore: do the erasures of the log again that the database does not know of",
		Long: `Do the erasures of the log again that the database does not know of, since an older state of it was restored. The same happens
whenever serve, work or up begins with --erasure-log, before anything is sent.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := logger(cmd)
			if err != nil {
				return err
			}
			if path == "" {
				return errors.New("--erasure-log is required: the file to which serve and work add every erasure; as an environment variable it is RAPPORT_ERASURE_LOG")
			}
			if _, err := os.Stat(path); err != nil {
				return fmt.Errorf("the log of erasures cannot be read; name it by --erasure-log: %w", err)
			}
			s, err := openDatabase(cmd, dsn)
			if err != nil {
				return err
			}
			defer s.Close()
			done, err := (&service.Config{Store: s, ErasureLog: path, Log: l}).ReplayErasures(cmd.Context())
			if err != nil {
				return err
			}
			cmd.Printf("%d erased again\n", done)
			return nil
		},
	}
	cmd.Flags().StringVar(&dsn, "database-url", "", "the Postgres database (required)")
	erasureLogFlag(cmd.Flags(), &path)
	return cmd
}

func vacuumErasuresCommand() *cobra.Command {
	var dsn string
	var full bool
	cmd := &cobra.Command{
		Use:   "vacuum",
		Short: "Take what was erased out of the tables now, instead of when a worker next does: once an hour",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := openDatabase(cmd, dsn)
			if err != nil {
				return err
			}
			defer s.Close()
			return s.VacuumErased(cmd.Context(), full)
		},
	}
	cmd.Flags().StringVar(&dsn, "database-url", "", "the Postgres database (required)")
	cmd.Flags().BoolVar(&full, "full", false, "rewrite the tables, so that their old files go too; nobody can use a table meanwhile")
	return cmd
}
