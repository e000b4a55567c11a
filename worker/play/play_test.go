package play_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/worker/play"
)

// load checks definitions together with the workspace of the test data.
func load(tb testing.TB, texts ...string) *dsl.Set {
	tb.Helper()
	workspace, err := os.ReadFile("testdata/workspace.yaml")
	if err != nil {
		tb.Fatal(err)
	}
	files := []dsl.File{{Path: "workspace.yaml", Text: workspace}}
	for _, text := range texts {
		files = append(files, dsl.File{Path: "test.yaml", Text: []byte(text)})
	}
	set, problems := dsl.Check(files, nil)
	for _, p := range problems {
		if p.Severity == crm.SeverityError {
			tb.Error(p.String())
		}
	}
	if set == nil {
		tb.FailNow()
	}
	return set
}

// listing is a timeline in words, for failures.
func listing(rows []play.Row) string {
	var b strings.Builder
	for _, r := range rows {
		mark := "  "
		if !r.OK {
			mark = "✗ "
		}
		b.WriteString(mark)
		if r.Want != nil {
			b.WriteString("want " + string(r.Want.Kind) + " " + r.Want.Name + " | ")
		}
		if r.Got != nil {
			b.WriteString(strings.Join([]string{
				r.Got.At.In(r.Got.Zone).Format("Mon 2006-01-02 15:04:05"), string(r.Got.Kind), r.Got.Name, r.Got.Reason, r.Got.Text, r.Got.Problem,
			}, " "))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// TestDefinitions plays the tests of testdata: each holds a rule of events, time, runs or tests.
func TestDefinitions(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(paths) < 4 {
		t.Fatalf("found %v, %v", paths, err)
	}
	for _, path := range paths {
		if filepath.Base(path) == "workspace.yaml" {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		set := load(t, string(text))
		for _, test := range set.Tests {
			t.Run(test.Of+" "+test.Name, func(t *testing.T) {
				t.Parallel()
				trial := play.On(set, test.Of).Try(t.Context(), test)
				if trial.Err != nil || !trial.Passed {
					t.Errorf("%v %v\n%s", trial.Err, trial.Problems, listing(trial.Rows))
				}
			})
		}
	}
}
