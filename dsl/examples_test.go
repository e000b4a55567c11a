package dsl_test

import (
	"cmp"
	"path/filepath"
	"slices"
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

// TestRetentionLibrary makes sure that every file says where it is from and what it is not. docs has a test of what was read.
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
		for _, says := range []string{"not advice", "# Source: http"} {
			if !strings.Contains(string(f.Text), says) && f.Path != "notice.yaml" {
				t.Errorf("%s does not say %q", f.Path, says)
			}
		}
	}
}

// TestRetentionLibraryIsTested makes sure that whoever starts from a policy sees what it does: one that takes data has a test of
// taking them, of a minute too early, of a hold, of an application that begins meanwhile, and of somebody it is not about.
func TestRetentionLibraryIsTested(t *testing.T) {
	t.Parallel()
	set, problems := dsl.Check(libraryFiles(t), nil)
	if set == nil {
		t.Fatal(listing(problems))
	}
	tests, ends := map[string]int{}, map[string][]string{}
	for _, test := range set.Tests {
		for _, name := range append([]string{test.Of}, test.Beside...) {
			tests[name]++
		}
		for _, x := range test.Expect {
			ends[test.Of] = append(ends[test.Of], cmp.Or(x.Reason, x.Name))
		}
	}
	for name, p := range set.Retentions {
		taken := map[string]string{crm.RetentionAnonymize: "anonymized", crm.RetentionErase: "erased"}[p.Then]
		for _, want := range []string{taken, crm.KeptNotice, crm.KeptHold, crm.KeptApplication, crm.KeptNoPolicy} {
			if !p.For.IsZero() && !slices.Contains(ends[name], want) {
				t.Errorf("%s has no test with %s", name, want)
			}
		}
		if tests[name] < 2 {
			t.Errorf("%s has %d tests", name, tests[name])
		}
	}
}
