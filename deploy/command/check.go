package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
)

func checkCommand() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "check PATH...",
		Short: "Check definitions: files, or folders with *.yaml and *.yml; every problem at once",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			files, err := readFiles(args)
			if err != nil {
				return err
			}
			_, problems := dsl.Check(files, nil)
			switch format {
			case "text":
				printProblems(cmd.OutOrStdout(), problems, len(files))
			case "json":
				if problems == nil {
					problems = []crm.Problem{}
				}
				if err := json.NewEncoder(cmd.OutOrStdout()).Encode(problems); err != nil {
					return err
				}
			default:
				return fmt.Errorf("format %q is not known: use text or json", format)
			}
			if hasErrors(problems) {
				return errNo
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&format, "format", "text", "text or json")
	return cmd
}

func hasErrors(problems []crm.Problem) bool {
	return slices.ContainsFunc(problems, func(p crm.Problem) bool { return p.Severity == crm.SeverityError })
}

// printProblems lists problems as compilers do, and counts them.
func printProblems(w io.Writer, problems []crm.Problem, files int) {
	var b strings.Builder
	counts := map[crm.Severity]int{}
	for _, p := range problems {
		counts[p.Severity]++
		b.WriteString(p.String() + "\n")
	}
	fmt.Fprintf(&b, "%s: %s, %s, %s\n", plural(files, "file"), plural(counts[crm.SeverityError], "error"),
		plural(counts[crm.SeverityWarning], "warning"), plural(counts[crm.SeverityHint], "hint"))
	io.WriteString(w, b.String()) //nolint:errcheck,gosec // there is nowhere else to say it
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// readFiles reads files, and of folders all definitions in them.
func readFiles(paths []string) ([]dsl.File, error) {
	var files []dsl.File
	for _, path := range paths {
		err := filepath.WalkDir(path, func(name string, entry fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			named := name == path // a file that was asked for by name is read whatever it is called
			if entry.IsDir() || !named && !slices.Contains([]string{".yaml", ".yml"}, filepath.Ext(name)) {
				return nil
			}
			text, err := os.ReadFile(name) //nolint:gosec // the person who runs the command named it
			files = append(files, dsl.File{Path: name, Text: text})
			return err
		})
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("there is no file or folder %s", path)
		}
		if err != nil {
			return nil, fmt.Errorf("read definitions: %w", err)
		}
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("no definitions in %s: looked for *.yaml and *.yml", strings.Join(paths, ", "))
	}
	return files, nil
}
