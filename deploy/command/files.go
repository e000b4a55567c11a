package command

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rapport-crm/rapport/dsl"
)

// stdinPath is how a person asks for standard input, and stdinName how problems call it.
const (
	stdinPath = "-"
	stdinName = "<stdin>"
)

// readInput reads files as readFiles does, or standard input for a lone "-".
func readInput(cmd *cobra.Command, paths []string) ([]dsl.File, error) {
	if !slices.Contains(paths, stdinPath) {
		return readFiles(paths)
	}
	if len(paths) > 1 {
		return nil, errors.New("standard input (-) does not go together with other paths: leave one of them out")
	}
	text, err := io.ReadAll(cmd.InOrStdin())
	if err != nil {
		return nil, fmt.Errorf("read standard input: %w", err)
	}
	return []dsl.File{{Path: stdinName, Text: text}}, nil
}

// readSet reads definitions, and checks them. Problems are listed as `check` does.
func readSet(cmd *cobra.Command, paths []string) (*dsl.Set, error) {
	files, err := readFiles(paths)
	if err != nil {
		return nil, err
	}
	set, problems := dsl.Check(files, nil)
	if set == nil {
		printProblems(cmd.ErrOrStderr(), problems, files)
		return nil, errNo
	}
	return set, nil
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
			if entry.IsDir() || !named && !slices.Contains(definitionTypes(), strings.TrimPrefix(filepath.Ext(name), ".")) {
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

// definitionTypes are the endings of files with definitions.
func definitionTypes() []string { return []string{"yaml", "yml"} }

// completeDefinitions completes the names of files with definitions, and of folders.
func completeDefinitions(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return definitionTypes(), cobra.ShellCompDirectiveFilterFileExt
}
