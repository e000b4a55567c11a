package dsl_test

import (
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
)

// TestProblemsPage holds docs/problems.md against the codes: one section each, under the code's title, whose wrong example
// has the problem and whose right example has no error and not the problem.
func TestProblemsPage(t *testing.T) {
	t.Parallel()
	page := string(readFile(t, "../docs/problems.md"))
	sections := regexp.MustCompile(`(?m)^## (R\d{4}) (.*)$`).FindAllStringSubmatchIndex(page, -1)
	titles := map[string]string{}
	base := baseDocuments(t)
	for i, s := range sections {
		code, end := page[s[2]:s[3]], len(page)
		titles[code] = page[s[4]:s[5]]
		if i+1 < len(sections) {
			end = sections[i+1][0]
		}
		for name, text := range yamlExamples(page[s[1]:end]) {
			t.Run(code+" "+name, func(t *testing.T) {
				t.Parallel()
				set, problems := dsl.Check([]dsl.File{{Path: "example.yaml", Text: []byte(text)}}, base)
				found := slices.ContainsFunc(problems, func(p crm.Problem) bool { return p.Code == code })
				if found != (name == "Wrong") || name == "Right" && set == nil {
					t.Errorf("problems:\n%s", listing(problems))
				}
			})
		}
	}
	if diff := cmp.Diff(dsl.ProblemTitles(), titles); diff != "" {
		t.Errorf("the page and the code differ:\n%s", diff)
	}
	if len(titles) != len(sections) {
		t.Error("a code has two sections")
	}
}

// yamlExamples returns the blocks of a section by the word before them.
func yamlExamples(section string) map[string]string {
	blocks := map[string]string{}
	for _, m := range regexp.MustCompile("(?s)(Wrong|Right):\n\n```yaml\n(.*?)```").FindAllStringSubmatch(section, -1) {
		blocks[m[1]] = m[2]
	}
	return blocks
}

// TestGoldenFilesShowEveryCode makes sure that each code is reported somewhere, at a place that a golden file holds.
func TestGoldenFilesShowEveryCode(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/check/*/problems.txt")
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]bool{"R0011": true} // not a text: see TestCheckReportsAllFilesInOrder
	for _, f := range files {
		for _, code := range regexp.MustCompile(`R\d{4}`).FindAllString(string(readFile(t, f)), -1) {
			shown[code] = true
		}
	}
	want := slices.Sorted(maps.Keys(dsl.ProblemTitles()))
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(shown))); diff != "" {
		t.Error(diff)
	}
}
