package command

import (
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/api/client"
	"github.com/rapport-crm/rapport/crm"
)

func requestsCommand() *cobra.Command {
	var r remote
	cmd := &cobra.Command{Use: "requests", Short: "What candidates ask for by their rights: access, correction, deletion and the like", Args: cobra.NoArgs}
	r.flags(cmd)
	cmd.AddCommand(listRequestsCommand(&r), openRequestCommand(&r), exportRequestCommand(&r), groundsCommand(&r))
	var answer api.RequestAnswer
	answers := changeRequestCommand(&r, "answer REQUEST", "Close a request as answered", "answer", func() any { return &answer })
	answers.Flags().StringVar(&answer.Answer, "say", "", "what was done, for the candidate to read")
	var refusal api.RequestRefusal
	refuses := changeRequestCommand(&r, "refuse REQUEST", "Refuse a request on a ground that the law has: see rapport requests grounds", "refuse", func() any { return &refusal })
	refuses.Flags().StringVar((*string)(&refusal.Ground), "ground", "", "one of the codes of rapport requests grounds (required)")
	refuses.Flags().StringVar(&refusal.Answer, "say", "", "for the candidate to read")
	refuses.Flags().StringVar(&refusal.Until, "until", "", "of a deletion: the day on which the ground ends, such as 2027-06-30, and the data is deleted")
	refuses.Flags().BoolVar(&refusal.Verified, "verified", false, "you are sure who asks; --until needs it, unless that is known already")
	var extension api.RequestExtension
	extends := changeRequestCommand(&r, "extend REQUEST", "Extend a request by two months, once", "extend", func() any { return &extension })
	extends.Flags().StringVar(&extension.Why, "why", "", "why it takes longer (required)")
	for cmd, flag := range map[*cobra.Command]string{refuses: "ground", extends: "why"} {
		if err := cmd.MarkFlagRequired(flag); err != nil {
			panic(err) // the flag was declared above
		}
	}
	cmd.AddCommand(answers, refuses, extends,
		changeRequestCommand(&r, "verify REQUEST", "Say that it is the candidate who asks", "verify", nothing),
		changeRequestCommand(&r, "withdraw REQUEST", "Close a request that the candidate takes back", "withdraw", nothing))
	return cmd
}

// nothing is the body of what needs none.
func nothing() any { return nil }

func changeRequestCommand(r *remote, use, short, verb string, what func() any) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := r.open()
			if err != nil {
				return err
			}
			changed, err := c.ChangeRequest(cmd.Context(), args[0], verb, what())
			if err != nil {
				return err
			}
			printRequest(cmd, &changed)
			return nil
		},
	}
}

func listRequestsCommand(r *remote) *cobra.Command {
	var candidate string
	var closed bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the requests that are open, the newest first",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := r.open()
			if err != nil {
				return err
			}
			requests, err := collect(func(after string) (api.Page[crm.PrivacyRequest], error) {
				return c.Requests(cmd.Context(), candidate, closed, 500, after)
			})
			if err != nil {
				return err
			}
			if len(requests) == 0 {
				cmd.PrintErrln("no requests")
			}
			for i := range requests {
				printRequest(cmd, &requests[i])
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&candidate, "candidate", "", "only theirs, by id or external id")
	cmd.Flags().BoolVar(&closed, "all", false, "also those that are closed")
	return cmd
}

func openRequestCommand(r *remote) *cobra.Command {
	var n api.NewRequest
	cmd := &cobra.Command{
		Use:   "open CANDIDATE KIND",
		Short: "Write down a request: access, portability, rectification, restriction, objection or deletion",
		Long: `Write down what a candidate asks for by their rights. Unless you say --verified, they are asked by mail whether it was them. It is
due within a month, and the privacy contact of the workspace is reminded.

    rapport requests open ATS-7-000123 access
    rapport requests open ATS-7-000123 rectification --wish "I moved to Leeds." --verified`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			n.Candidate, n.Kind = args[0], crm.RequestKind(args[1])
			c, err := r.open()
			if err != nil {
				return err
			}
			opened, err := c.OpenRequest(cmd.Context(), &n)
			if err != nil {
				return err
			}
			if opened.Duplicate {
				cmd.PrintErrln("They have asked for that before, and it is open:")
			}
			printRequest(cmd, &opened.PrivacyRequest)
			return nil
		},
	}
	cmd.Flags().StringVar(&n.Purpose, "purpose", "", "of an objection: what they object to; default: everything")
	cmd.Flags().StringVar(&n.Wish, "wish", "", "in their own words")
	cmd.Flags().BoolVar(&n.Verified, "verified", false, "you are sure who asks")
	return cmd
}

func exportRequestCommand(r *remote) *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "export REQUEST",
		Short: "Write the copy of the data that a request is for: a ZIP of JSON files and a page to read",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := r.open()
			if err != nil {
				return err
			}
			return exportRequest(cmd, c, args[0], out)
		},
	}
	cmd.Flags().StringVarP(&out, "output", "o", "", "the file; default: REQUEST.zip")
	return cmd
}

func exportRequest(cmd *cobra.Command, c *client.Client, id, out string) error {
	if out == "" {
		out = id + ".zip"
	}
	file, err := c.ExportRequest(cmd.Context(), id)
	if err != nil {
		return err
	}
	if err := os.WriteFile(out, file, 0o600); err != nil {
		return fmt.Errorf("write copy: %w", err)
	}
	cmd.Printf("%s written, %d bytes\n", out, len(file))
	return nil
}

func groundsCommand(r *remote) *cobra.Command {
	return &cobra.Command{
		Use:   "grounds",
		Short: "List the grounds on which a request can be refused, with their articles of the GDPR",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := r.open()
			if err != nil {
				return err
			}
			grounds, err := c.Grounds(cmd.Context())
			if err != nil {
				return err
			}
			for _, g := range grounds {
				cmd.Printf("%-26s Art. %-16s %s\n", g.Code, g.Article, g.Text)
			}
			return nil
		},
	}
}

// named is a candidate's id, and before it what they are called elsewhere.
func named(externalID, id string) string {
	if externalID == "" {
		return id
	}
	return externalID + " (" + id + ")"
}

func printRequest(cmd *cobra.Command, r *crm.PrivacyRequest) {
	state := string(r.State)
	if r.Ground != "" {
		state += " (" + string(r.Ground) + ")"
	}
	if r.Stands() {
		state += ", looked at again on " + r.AgainAt.UTC().Format(time.DateOnly)
	}
	cmd.Printf("%s  due %s  %-13s %s, of %s, received %s\n", r.ID, r.DueAt.UTC().Format(time.DateOnly), r.Kind, state, named(r.ExternalID, r.CandidateID), r.ReceivedAt.UTC().Format(time.DateOnly))
	if r.Wish != "" {
		cmd.Print(indent(r.Wish))
	}
}
