package command

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rapport-crm/rapport/api"
)

func keysCommand() *cobra.Command {
	var r remote
	cmd := &cobra.Command{Use: "keys", Short: "API keys, and what they may be used for", Args: cobra.NoArgs}
	r.flags(cmd)
	cmd.AddCommand(createKeyCommand(&r), listKeysCommand(&r), revokeKeyCommand(&r))
	return cmd
}

func createKeyCommand(r *remote) *cobra.Command {
	var key api.NewKey
	cmd := &cobra.Command{
		Use:   "create NAME",
		Short: "Make a key and print its secret, which is shown this once; docs/roles.md says what each role may do",
		Long: `Make an API key, named for who uses it, and print its secret. It is not kept, and cannot be shown again.

    rapport keys create maya --role recruiter
    rapport keys create greenhouse --scope events:write`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := r.open()
			if err != nil {
				return err
			}
			key.Name = args[0]
			created, err := c.CreateKey(cmd.Context(), &key)
			if err != nil {
				return err
			}
			cmd.PrintErrln(created.ID)
			cmd.Println(created.Secret)
			return nil
		},
	}
	cmd.Flags().StringSliceVar(&key.Roles, "role", nil, strings.Join(api.Roles(), ", ")+"; may be given several times")
	cmd.Flags().StringSliceVar(&key.Scopes, "scope", nil, "a single scope, such as events:write; may be given several times")
	return cmd
}

func listKeysCommand(r *remote) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the keys, revoked ones too",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := r.open()
			if err != nil {
				return err
			}
			keys, err := c.Keys(cmd.Context())
			if err != nil {
				return err
			}
			for i := range keys {
				k := &keys[i]
				state := "in force"
				if !k.RevokedAt.IsZero() {
					state = "revoked " + k.RevokedAt.UTC().Format("2006-01-02 15:04:05")
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s  %s  %s  %s\n", k.ID, k.Name, strings.Join(append(k.Roles, k.Scopes...), " "), state)
			}
			return nil
		},
	}
}

func revokeKeyCommand(r *remote) *cobra.Command {
	return &cobra.Command{
		Use:   "revoke ID",
		Short: "End a key for good",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := r.open()
			if err != nil {
				return err
			}
			return c.RevokeKey(cmd.Context(), args[0])
		},
	}
}
