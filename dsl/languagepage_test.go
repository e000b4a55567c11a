package dsl_test

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
)

// row is a row of a table of docs/language.md.
type row struct {
	head string   // of the table's first column
	cell []string // as they are written
}

var (
	inCode   = regexp.MustCompile("(\\*\\*)?`([^`]+)`")
	outOfPag = regexp.MustCompile(`(?s)` + "```.*?```")
)

// languageRows reads the tables of the page.
func languageRows(t *testing.T) (rows []row, page string) {
	t.Helper()
	page = string(readFile(t, "../docs/language.md"))
	head, inside := "", false
	for line := range strings.Lines(outOfPag.ReplaceAllString(page, "")) {
		line = strings.TrimSpace(strings.ReplaceAll(line, `\|`, "¦"))
		if !strings.HasPrefix(line, "|") {
			inside = false
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		switch {
		case !inside:
			head, inside = cells[0], true
		case !strings.HasPrefix(cells[0], "---"):
			rows = append(rows, row{head, cells})
		}
	}
	return rows, page
}

// code returns what stands in a cell as code.
func code(cell string) []string {
	var words []string
	for _, m := range inCode.FindAllStringSubmatch(cell, -1) {
		words = append(words, m[2])
	}
	return words
}

// TestLanguagePageHasTheGrammar holds the tables of keys against the grammar: the same keys at the same places, those that
// are needed in bold, and every word that a value can be.
func TestLanguagePageHasTheGrammar(t *testing.T) {
	t.Parallel()
	rows, page := languageRows(t)
	want, got := map[string][]string{}, map[string][]string{}
	grammar := dsl.Grammar()
	for place, keys := range grammar {
		for name, k := range keys {
			if k.Must {
				name = "**" + name
			}
			want[place] = append(want[place], name)
		}
		slices.Sort(want[place])
	}
	add := func(place string, cell string) {
		for _, m := range inCode.FindAllStringSubmatch(cell, -1) {
			got[place] = append(got[place], m[1]+m[2])
		}
		slices.Sort(got[place])
	}
	for _, r := range rows {
		place, isKeys := strings.CutPrefix(r.head, "key of ")
		switch {
		case r.head == "place":
			add(r.cell[0], r.cell[1])
		case isKeys:
			add(place, r.cell[0])
			for _, name := range code(r.cell[0]) {
				said := strings.Join(r.cell, " ")
				for _, word := range grammar[place][name].Words {
					if len(grammar[place][name].Words) > 12 {
						said = page
					}
					if !strings.Contains(said, "`"+word+"`") {
						t.Errorf("the row of %s of %s does not say %s", name, place, word)
					}
				}
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the grammar (-) and the page (+) differ:\n%s", diff)
	}
}

func TestLanguagePageHasTheEvents(t *testing.T) {
	t.Parallel()
	rows, _ := languageRows(t)
	want, got := map[string][]string{}, map[string][]string{}
	for _, event := range crm.EventTypes() {
		fields, _ := crm.EventFields(event)
		want[event] = slices.Sorted(maps.Keys(fields))
	}
	for _, r := range rows {
		if r.head == "event" {
			for _, event := range code(r.cell[0]) {
				got[event] = slices.Sorted(slices.Values(code(r.cell[1])))
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the events (-) and the page (+) differ:\n%s", diff)
	}
}

func TestLanguagePageHasTheEnvironment(t *testing.T) {
	t.Parallel()
	rows, page := languageRows(t)
	got, functions := map[string][]string{}, []string{}
	for _, r := range rows {
		if object, ok := strings.CutPrefix(r.head, "field of "); ok {
			got[object] = append(got[object], code(r.cell[0])...)
			slices.Sort(got[object])
		}
		if r.head == "function" {
			for _, f := range code(r.cell[0]) {
				name, _, _ := strings.Cut(f, "(")
				functions = append(functions, name)
			}
		}
	}
	if diff := cmp.Diff(dsl.Fields(), got); diff != "" {
		t.Errorf("the fields (-) and the page (+) differ:\n%s", diff)
	}
	want, err := dsl.Functions()
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(functions)
	if diff := cmp.Diff(want, functions); diff != "" {
		t.Errorf("the functions (-) and the page (+) differ:\n%s", diff)
	}
	for _, word := range dsl.Liquid() {
		if !strings.Contains(page, "`"+word+"`") {
			t.Errorf("the page does not mention the filter or tag %s", word)
		}
	}
}
