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
)

var block = regexp.MustCompile("(?s)(?:Wrong, (R[0-9]{4}):\n\n)?```yaml\n(.*?)```")

// TestLanguage checks every block of docs/language.md on top of the first one, and runs its tests. A block after the word
// Wrong is refused with the code that is named.
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
		wrong, text := "", string(page[b[4]:b[5]])
		if b[2] >= 0 {
			wrong = string(page[b[2]:b[3]])
		}
		line := 1 + strings.Count(string(page[:b[4]]), "\n")
		set, problems := dsl.Check([]dsl.File{{Path: fmt.Sprintf("language.md from line %d", line), Text: []byte(text)}}, base)
		if i == 0 && set != nil {
			base = set.Documents
		}
		name, _, _ := strings.Cut(text, "\n")
		t.Run(fmt.Sprintf("line %d, %s", line, name), func(t *testing.T) {
			t.Parallel()
			if wrong != "" {
				refused(t, wrong, set, problems)
				return
			}
			for _, p := range problems {
				if p.Severity != crm.SeverityHint {
					t.Error(p)
				}
			}
		})
	}
}

// refused tells whether a block has the error that the page says, and no other.
func refused(t *testing.T, code string, set *dsl.Set, problems []crm.Problem) {
	t.Helper()
	if set != nil || !slices.ContainsFunc(problems, func(p crm.Problem) bool { return p.Code == code }) {
		t.Errorf("it should be refused with %s: %v", code, problems)
	}
	for _, p := range problems {
		if p.Severity == crm.SeverityError && p.Code != code {
			t.Error(p)
		}
	}
}
