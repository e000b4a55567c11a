package command

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/rapport-crm/rapport/dsl"
)

func schemaCommand() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of definitions, for editors",
		Long: `Print the JSON Schema (draft-07) of definitions. Editors with yaml-language-server (VS Code with the YAML extension, Neovim,
Emacs, Helix, JetBrains by a setting) complete keys and values with it, show what they mean, and mark what does not fit.

Write it beside your definitions:

    rapport schema --output rapport.schema.json

and name it in the first line of each file:

    # yaml-language-server: $schema=rapport.schema.json

or once for all of them, in VS Code's .vscode/settings.json:

    {"yaml.schemas": {"./rapport.schema.json": "definitions/**/*.yaml"}}

An editor sees less than "rapport check", which also knows whether names exist and conditions make sense.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if output == "" {
				_, err := cmd.OutOrStdout().Write(dsl.JSONSchema())
				return err
			}
			if err := os.WriteFile(output, dsl.JSONSchema(), 0o644); err != nil { //nolint:gosec // it is for everybody to read
				return fmt.Errorf("write the schema: %w", err)
			}
			return nil
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "", "write it to this file instead of standard output")
	return cmd
}
