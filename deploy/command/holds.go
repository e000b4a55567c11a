package command

import (
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/crm"
)

func holdsCommand() *cobra.Command {
	var r remote
	cmd := &cobra.Command{Use: "holds", Short: "Legal holds: who must not be erased for now, and why", Args: cobra.NoArgs}
	r.flags(cmd)
	cmd.AddCommand(addHoldCommand(&r), listHoldsCommand(&r), liftHoldCommand(&r))
	return cmd
}

func addHoldCommand(r *remote) *cobra.Command {
	var h api.NewHold
	var until string
	cmd := &cobra.Command{
		Use:   "add",
		Short: "Place a hold on a candidate, an application, a role or whoever a condition is true of",
		Long: `Place a legal hold. While it is in force nothing of those whom it is on is deleted, by a policy, a person or their own request.

    rapport holds add --candidate ATS-7-000123 --why "Claim of 3 May"
    rapport holds add --role NUR-7 --until 2027-06-30T00:00:00Z --why "Audit of the hiring for NUR-7"
    rapport holds add --condition 'candidate.country == "US"' --why "Subpoena 12-345"`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if until != "" {
				var err error
				if h.Until, err = time.Parse(time.RFC3339, until); err != nil {
					return errors.New("--until is no time: write it like 2027-06-30T00:00:00Z")
				}
			}
			c, err := r.open()
			if err != nil {
				return err
			}
			placed, err := c.AddHold(cmd.Context(), &h)
			if err != nil {
				return err
			}
			printHold(cmd, &placed)
			return nil
		},
	}
	cmd.Flags().StringVar(&h.Candidate, "candidate", "", "id or external id")
	cmd.Flags().StringVar(&h.Application, "application", "", "Rapport's id of it; its candidate is held")
	cmd.Flags().StringVar(&h.Role, "role", "", "everybody who has applied for it")
	cmd.Flags().StringVar(&h.Condition, "condition", "", "CEL over the candidate, as in a pool")
	cmd.Flags().StringVar(&h.Why, "why", "", "for colleagues; no candidate reads it (required)")
	cmd.Flags().StringVar(&until, "until", "", "when it ends by itself; default: when it is lifted")
	if err := cmd.MarkFlagRequired("why"); err != nil {
		panic(err) // the flag was declared above
	}
	return cmd
}

func listHoldsCommand(r *remote) *cobra.Command {
	var candidate string
	var ended bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the holds in force, the newest first",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := r.open()
			if err != nil {
				return err
			}
			holds, err := collect(func(after string) (api.Page[crm.Hold], error) {
				return c.Holds(cmd.Context(), candidate, ended, 500, after)
			})
			if err != nil {
				return err
			}
			if len(holds) == 0 {
				cmd.PrintErrln("no holds")
			}
			for i := range holds {
				printHold(cmd, &holds[i])
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&candidate, "candidate", "", "only those on this candidate, by id or external id")
	cmd.Flags().BoolVar(&ended, "all", false, "also those that were lifted or have ended")
	return cmd
}

func liftHoldCommand(r *remote) *cobra.Command {
	return &cobra.Command{
		Use:   "lift HOLD",
		Short: "Lift a hold; it stays on record",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := r.open()
			if err != nil {
				return err
			}
			lifted, err := c.LiftHold(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			printHold(cmd, &lifted)
			return nil
		},
	}
}

func printHold(cmd *cobra.Command, h *crm.Hold) {
	on := "candidate " + named(h.ExternalID, h.CandidateID)
	switch {
	case h.ApplicationID != "":
		on = "application " + h.ApplicationID + " of " + named(h.ExternalID, h.CandidateID)
	case h.Role != "":
		on = "role " + h.Role
	case h.Condition != "":
		on = "whoever " + h.Condition
	}
	ends := "until it is lifted"
	switch {
	case !h.LiftedAt.IsZero():
		ends = "lifted " + h.LiftedAt.UTC().Format(time.DateOnly) + " by " + h.LiftedBy
	case !h.Until.IsZero():
		ends = "until " + h.Until.UTC().Format("2006-01-02 15:04:05")
	}
	cmd.Printf("%s  %s  %s, placed by %s, %s\n%s", h.ID, h.CreatedAt.UTC().Format("2006-01-02 15:04:05"), on, h.By, ends, indent(h.Why))
}
