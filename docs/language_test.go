package docs_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/worker/play"
)

var block = regexp.MustCompile("(?s)(?:Wrong, (R[0-9]{4}):\n\n)?```yaml\n(.*?)```")

// TestLanguage checks every block of language.md on top of the first one, and runs its tests. A block after the word Wrong is
// refused with the code that is named.
func TestLanguage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("language.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := block.FindAllSubmatchIndex(page, -1)
	if len(blocks) < 20 {
		t.Fatalf("found %d blocks", len(blocks))
	}
	var base []dsl.Document
	for i, b := range blocks {
		text, wrong := string(page[b[4]:b[5]]), ""
		if b[2] >= 0 {
			wrong = string(page[b[2]:b[3]])
		}
		line := 1 + strings.Count(string(page[:b[4]]), "\n")
		set, problems := dsl.Check([]dsl.File{{Path: fmt.Sprintf("language.md from line %d", line), Text: []byte(text)}}, base)
		if i == 0 && set != nil {
			base = set.Documents
		}
		first, _, _ := strings.Cut(text, "\n")
		t.Run(fmt.Sprintf("line %d, %s", line, first), func(t *testing.T) {
			t.Parallel()
			if wrong != "" {
				refused(t, wrong, problems)
			} else {
				works(t, set, problems)
			}
		})
	}
}

// refused makes sure that a block has the error that the page names, and no other.
func refused(t *testing.T, code string, problems []crm.Problem) {
	t.Helper()
	isError := func(p crm.Problem) bool { return p.Severity == crm.SeverityError }
	if !slices.ContainsFunc(problems, isError) {
		t.Errorf("it is not refused")
	}
	for _, p := range problems {
		if isError(p) && p.Code != code {
			t.Error(p)
		}
	}
}

// works makes sure that a block has no error and no warning, and that its tests pass.
func works(t *testing.T, set *dsl.Set, problems []crm.Problem) {
	t.Helper()
	for _, p := range problems {
		if p.Severity != crm.SeverityHint {
			t.Error(p)
		}
	}
	if set == nil {
		return
	}
	for _, test := range set.Tests {
		trial := play.On(set, test.Of).Try(t.Context(), test)
		if trial.Err != nil || !trial.Passed || len(trial.Problems) > 0 {
			t.Errorf("%s: %v %v", test.Name, trial.Err, trial.Problems)
		}
		for _, r := range trial.Rows {
			if !r.OK {
				t.Errorf("wanted %+v, got %+v", r.Want, r.Got)
			}
		}
	}
}
