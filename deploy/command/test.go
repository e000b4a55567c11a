package command

import (
	"context"
	"fmt"
	"regexp"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/worker/play"
)

const formatJUnit = "junit"

func testCommand() *cobra.Command {
	var run string
	var verbose bool
	format := choice{value: formatText, known: []string{formatText, formatJSON, formatJUnit}}
	cmd := &cobra.Command{
		Use:   "test PATH...",
		Short: "Run the tests of definitions, on a clock that does not wait",
		Long: `Run the tests among definitions: files, folders with *.yaml and *.yml, or - for standard input. Every test plays its
sequence for its candidate with the code that production runs, on a clock that does not wait; there is no server, and nothing
is sent. A failure shows what was expected beside what came.

The exit code is 0 when every test passes, 1 when one fails or the definitions have errors, and 2 when nothing was run.`,
		Example: "  rapport test definitions\n" +
			"  rapport test --run 'reply|click' -v definitions",
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			pattern, err := regexp.Compile(run)
			if err != nil {
				return fmt.Errorf("--run is a regular expression, and %q is none: %w", run, err)
			}
			files, err := readInput(cmd, args)
			if err != nil {
				return err
			}
			set, problems := dsl.Check(files, nil)
			if set == nil {
				printProblems(cmd.ErrOrStderr(), problems, files)
				return errNo
			}
			tests := slices.DeleteFunc(slices.Clone(set.Tests), func(t *dsl.Test) bool { return !pattern.MatchString(t.Of + ": " + t.Name) })
			if run != "" && len(tests) == 0 {
				return fmt.Errorf("no test matches --run %q: there are %s", run, plural(len(set.Tests), "test"))
			}
			begun := time.Now()
			report := newReport(cmd, format.value, verbose)
			trials := runTests(cmd.Context(), set, tests, report.progress(len(tests)))
			return report.write(trials, time.Since(begun))
		},
	}
	format.flag(cmd, "format", "how results are listed")
	cmd.Flags().StringVar(&run, "run", "", "only tests whose \"sequence: name\" matches this regular expression")
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "list every test, with all that happened in those that fail")
	return cmd
}

// runTests plays tests on all cores. The results are in the order of the tests.
func runTests(ctx context.Context, set *dsl.Set, tests []*dsl.Test, done func()) []*play.Trial {
	stages := map[string]*play.Stage{}
	for _, t := range tests {
		if stages[t.Of] == nil {
			stages[t.Of] = play.On(set, t.Of)
		}
	}
	trials := make([]*play.Trial, len(tests))
	var told sync.Mutex
	var lanes errgroup.Group
	lanes.SetLimit(runtime.GOMAXPROCS(0))
	for i, t := range tests {
		lanes.Go(func() error {
			trials[i] = stages[t.Of].Try(ctx, t)
			told.Lock()
			defer told.Unlock()
			done()
			return nil
		})
	}
	lanes.Wait() //nolint:errcheck,gosec // what fails is in the trials
	return trials
}
