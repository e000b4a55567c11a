package dsl_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
)

// exampleFiles reads the examples that ship with Rapport.
func exampleFiles(tb testing.TB) []dsl.File {
	tb.Helper()
	paths, err := filepath.Glob("../examples/*.yaml")
	if err != nil || len(paths) < 3 {
		tb.Fatalf("found %v, %v", paths, err)
	}
	return readFiles(tb, paths)
}

// libraryFiles reads the library of retention policies that ships with Rapport.
func libraryFiles(tb testing.TB) []dsl.File {
	tb.Helper()
	paths, err := filepath.Glob("../examples/retention/*.yaml")
	if err != nil || len(paths) < 16 {
		tb.Fatalf("found %v, %v", paths, err)
	}
	return readFiles(tb, paths)
}

func readFiles(tb testing.TB, paths []string) []dsl.File {
	tb.Helper()
	files := make([]dsl.File, 0, len(paths))
	for _, p := range paths {
		files = append(files, dsl.File{Path: filepath.Base(p), Text: readFile(tb, p)})
	}
	return files
}

func examples(tb testing.TB) *dsl.Set {
	tb.Helper()
	set, problems := dsl.Check(exampleFiles(tb), nil)
	if set == nil {
		tb.Fatalf("problems:\n%s", listing(problems))
	}
	return set
}

func TestExamplesCheckWithoutErrorOrWarning(t *testing.T) {
	t.Parallel()
	_, problems := dsl.Check(exampleFiles(t), nil)
	for _, p := range problems {
		if p.Severity != crm.SeverityHint {
			t.Error(p)
		}
	}
	t.Log(listing(problems))
}

// TestExamplesAreTested makes sure that whoever starts from an example can change it without fear.
func TestExamplesAreTested(t *testing.T) {
	t.Parallel()
	tests := map[string]int{}
	set := examples(t)
	for _, test := range set.Tests {
		tests[test.File]++
		tests[test.Of]++
	}
	for _, d := range set.Documents {
		least := 3
		if d.Name == "application-acknowledged" { // one step, one test
			least = 1
		}
		if d.Kind == dsl.KindSequence && tests[d.File] < least {
			t.Errorf("%s has %d tests", d.File, tests[d.File])
		}
		if d.Kind == dsl.KindInterview && tests[d.Name] < 10 {
			t.Errorf("%s has %d tests", d.Name, tests[d.Name])
		}
	}
}

// TestRetentionLibrary makes sure that every policy has a basis and tests, and every file says where it is from, when that was
// looked at, and what it is not.
func TestRetentionLibrary(t *testing.T) {
	t.Parallel()
	files := libraryFiles(t)
	set, problems := dsl.Check(append(files, exampleFiles(t)...), nil)
	if set == nil {
		t.Fatal(listing(problems))
	}
	for _, p := range problems {
		if p.Severity != crm.SeverityHint {
			t.Error(p)
		}
	}
	for _, f := range files {
		for _, says := range []string{"not advice", "As generally known on 20", "Source: https://"} {
			if !strings.Contains(string(f.Text), says) && f.Path != "notice.yaml" {
				t.Errorf("%s does not say %q", f.Path, says)
			}
		}
	}
	tests := map[string]int{}
	for _, test := range set.Tests {
		tests[test.Of]++
	}
	for _, d := range set.Documents {
		if d.Kind == dsl.KindRetention && tests[d.Name] == 0 {
			t.Errorf("%s has no tests", d.Name)
		}
	}
}
