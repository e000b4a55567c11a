package dsl_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
)

//nolint:gochecknoglobals // how the testing package takes flags
var update = flag.Bool("update", false, "write the golden files")

// readFile reads a file of the test data.
func readFile(tb testing.TB, path string) []byte {
	tb.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// baseDocuments are the documents in force in the golden tests.
func baseDocuments(tb testing.TB) []dsl.Document {
	tb.Helper()
	set, problems := dsl.Check([]dsl.File{{Path: "base.yaml", Text: readFile(tb, "testdata/base.yaml")}}, nil)
	if set == nil {
		tb.Fatalf("base.yaml: %s", listing(problems))
	}
	return set.Documents
}

// listing writes problems one a line.
func listing(problems []crm.Problem) string {
	var b strings.Builder
	for _, p := range problems {
		b.WriteString(p.String() + "\n")
	}
	return b.String()
}

// TestCheckGolden checks every directory of testdata/check: input.yaml against problems.txt. Run with -update after a change
// and read the difference.
func TestCheckGolden(t *testing.T) {
	t.Parallel()
	base := baseDocuments(t)
	dirs, err := filepath.Glob("testdata/check/*/input.yaml")
	if err != nil || len(dirs) < 40 {
		t.Fatalf("found %d cases, %v", len(dirs), err)
	}
	for _, input := range dirs {
		dir := filepath.Dir(input)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			t.Parallel()
			set, problems := dsl.Check([]dsl.File{{Path: "input.yaml", Text: readFile(t, input)}}, base)
			got, golden := listing(problems), filepath.Join(dir, "problems.txt")
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(readFile(t, golden)), got); diff != "" {
				t.Errorf("problems differ (-want +got):\n%s", diff)
			}
			if (set == nil) != strings.Contains(got, ": error ") {
				t.Errorf("set is %v", set)
			}
		})
	}
}
