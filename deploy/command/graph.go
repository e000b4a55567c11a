package command

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/dsl/graph"
)

func graphCommand() *cobra.Command {
	var paths []string
	var format, output string
	cmd := &cobra.Command{
		Use:   "graph NAME [PATH...]",
		Short: "Draw a sequence or an interview as a flowchart that people can read without knowing the language",
		Long: "Draw a sequence or an interview as a flowchart that people can read without knowing the language: its steps, branches, repeats and ends;\n" +
			"of an interview, how each round goes, and what else can happen on the way.\n" +
			"Definitions are read from the given files and folders, or from the current folder; messages and the workspace belong to them.",
		Example: "  rapport graph silver-medallist-nurses definitions --output nurses.svg\n" +
			"  rapport graph silver-medallist-nurses definitions/*.yaml    # Mermaid, for a Markdown page",
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			g, err := readGraph(cmd, args[0], slices.Concat(args[1:], paths))
			if err != nil {
				return err
			}
			text, err := drawn(g, format, output)
			if err != nil {
				return err
			}
			if output == "" {
				_, err = io.WriteString(cmd.OutOrStdout(), text)
				return err
			}
			if err := os.WriteFile(output, []byte(text), 0o644); err != nil { //nolint:gosec // a drawing is there to be shown
				return fmt.Errorf("write drawing: %w", err)
			}
			return nil
		},
		ValidArgsFunction: completeDrawable,
	}
	cmd.Flags().StringArrayVar(&paths, "file", nil, "a file or folder with definitions; may be given more than once")
	cmd.Flags().StringVar(&format, "format", "", "mermaid or svg (default: by the name of the output, else mermaid)")
	cmd.Flags().StringVarP(&output, "output", "o", "", "the file to write; without it the drawing is printed")
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]string{"mermaid", "svg"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// readGraph checks the definitions and draws one. Problems are listed as `check` does.
func readGraph(cmd *cobra.Command, name string, paths []string) (*graph.Graph, error) {
	if len(paths) == 0 {
		paths = []string{"."}
	}
	set, err := readSet(cmd, paths)
	if err != nil {
		return nil, err
	}
	return graph.Of(set, name)
}

// drawn writes a graph in the format, or in the one that the name of the output tells.
func drawn(g *graph.Graph, format, output string) (string, error) {
	if format == "" && filepath.Ext(output) == ".svg" {
		format = "svg"
	}
	switch format {
	case "svg":
		return g.SVG(), nil
	case "mermaid", "":
		return g.Mermaid(), nil
	}
	return "", fmt.Errorf("format %q is not known: use mermaid or svg", format)
}

// completeDrawable completes the name of a sequence or an interview from the definitions of --file or the current folder, then paths.
func completeDrawable(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveDefault
	}
	paths, err := cmd.Flags().GetStringArray("file")
	if err != nil || len(paths) == 0 {
		paths = []string{"."}
	}
	files, err := readFiles(slices.Compact(paths)) // completion parses flags twice
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	set, _ := dsl.Check(files, nil)
	if set == nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return graph.Names(set), cobra.ShellCompDirectiveNoFileComp
}
