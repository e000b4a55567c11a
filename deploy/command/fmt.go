package command

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rapport-crm/rapport/dsl"
)

func fmtCommand() *cobra.Command {
	var check bool
	cmd := &cobra.Command{
		Use:   "fmt PATH...",
		Short: "Format definitions in the one layout; comments, block texts and line breaks stay",
		Long: `Format definitions in the one layout: files, folders with *.yaml and *.yml, or - to format standard input to standard
output. Comments, block texts, the order of keys and line breaks stay, and so does what the definitions say. Conditions get
the quotes that YAML asks for. A file that is not YAML is not touched.

With --check nothing is written: the files that would change are listed, and the exit code is 1 if there are any.`,
		Example: "  rapport fmt definitions\n" +
			"  rapport fmt --check definitions",
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			files, err := readInput(cmd, args)
			if err != nil {
				return err
			}
			return format(cmd, files, check)
		},
	}
	cmd.Flags().BoolVar(&check, "check", false, "write nothing; list the files that would change")
	return cmd
}

// format formats what it can, and tells of what it cannot.
func format(cmd *cobra.Command, files []dsl.File, check bool) error {
	var changed, broken int
	for _, f := range files {
		text, err := dsl.Format(f.Text)
		var syntax *dsl.SyntaxError
		switch differs := !bytes.Equal(text, f.Text); {
		case errors.As(err, &syntax):
			broken++
			reportSyntax(cmd, f, syntax)
		case err != nil:
			return fmt.Errorf("format %s: %w", f.Path, err)
		case check && differs:
			changed++
			cmd.Println(f.Path)
		case check:
		case f.Path == stdinName:
			if _, err := cmd.OutOrStdout().Write(text); err != nil {
				return fmt.Errorf("write standard output: %w", err)
			}
		case differs:
			if err := rewrite(f.Path, text); err != nil {
				return err
			}
			cmd.Println(f.Path)
		}
	}
	switch {
	case broken > 0:
		return fmt.Errorf("%s not formatted", plural(broken, "file"))
	case changed > 0:
		return errNo
	}
	return nil
}

// reportSyntax says why a file was not formatted.
func reportSyntax(cmd *cobra.Command, f dsl.File, syntax *dsl.SyntaxError) {
	var b strings.Builder
	lines := sourceLines([]dsl.File{f})[f.Path]
	for _, p := range syntax.Problems {
		p.File = f.Path
		printProblem(&b, p, lines, styleOf(cmd.ErrOrStderr()))
	}
	write(cmd.ErrOrStderr(), b.String())
}

// rewrite puts a text in the place of a file's, which keeps its mode.
func rewrite(path string, text []byte) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("format: %w", err)
	}
	if err := os.WriteFile(path, text, info.Mode().Perm()); err != nil {
		return fmt.Errorf("format: %w", err)
	}
	return nil
}
