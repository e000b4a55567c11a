package dsl_test

import (
	"path/filepath"
	"testing"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
)

// exampleFiles reads the examples that ship with Rapport.
func exampleFiles(t testing.TB) []dsl.File {
	t.Helper()
	paths, err := filepath.Glob("../examples/*.yaml")
	if err != nil || len(paths) < 3 {
		t.Fatalf("found %v, %v", paths, err)
	}
	files := make([]dsl.File, 0, len(paths))
	for _, p := range paths {
		files = append(files, dsl.File{Path: filepath.Base(p), Text: readFile(t, p)})
	}
	return files
}

func examples(t testing.TB) *dsl.Set {
	t.Helper()
	set, problems := dsl.Check(exampleFiles(t), nil)
	if set == nil {
		t.Fatalf("problems:\n%s", listing(problems))
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
