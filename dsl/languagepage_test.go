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

// docs/language.md cannot lag behind the language, or run ahead of it: its tables are held against the parser's.

var (
	codeInCell = regexp.MustCompile("(\\*\\*)?`([^`]+)`")
	codeBlock  = regexp.MustCompile("(?s)```.*?```")
)

// row is a row of a table of the page.
type row struct {
	head  string // of the table's first column
	cells []string
}

// languageRows reads the tables of the page.
func languageRows(t *testing.T) (rows []row, page string) {
	t.Helper()
	page = string(readFile(t, "../docs/language.md"))
	head := ""
	for line := range strings.Lines(codeBlock.ReplaceAllString(page, "")) {
		line = strings.TrimSpace(strings.ReplaceAll(line, `\|`, "¦"))
		if !strings.HasPrefix(line, "|") {
			head = ""
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		switch {
		case head == "":
			head = cells[0]
		case !strings.HasPrefix(cells[0], "---"):
			rows = append(rows, row{head, cells})
		}
	}
	return rows, page
}

// words returns what stands in a cell as code. Those in bold begin with two asterisks.
func words(cell string) []string {
	var list []string
	for _, m := range codeInCell.FindAllStringSubmatch(cell, -1) {
		list = append(list, m[1]+m[2])
	}
	return list
}

// gather collects words by name, sorted.
func gather(into map[string][]string, name, cell string) {
	into[name] = append(into[name], words(cell)...)
	slices.Sort(into[name])
}

// TestLanguagePageHasTheGrammar looks for the same keys at the same places, those that are needed in bold.
func TestLanguagePageHasTheGrammar(t *testing.T) {
	t.Parallel()
	want, got := map[string][]string{}, map[string][]string{}
	for place, keys := range dsl.Grammar() {
		for name, k := range keys {
			if k.Must {
				name = "**" + name
			}
			want[place] = append(want[place], name)
		}
		slices.Sort(want[place])
	}
	rows, _ := languageRows(t)
	for _, r := range rows {
		if place, ok := strings.CutPrefix(r.head, "key of "); ok {
			gather(got, place, r.cells[0])
		} else if r.head == "place" {
			gather(got, r.cells[0], r.cells[1])
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the grammar (-) and the page (+) differ:\n%s", diff)
	}
}

// TestLanguagePageHasTheWords looks for every word that a value can be: in the row of its key, and of long lists on the page.
func TestLanguagePageHasTheWords(t *testing.T) {
	t.Parallel()
	rows, page := languageRows(t)
	grammar := dsl.Grammar()
	for _, r := range rows {
		place := strings.TrimPrefix(r.head, "key of ")
		for _, name := range words(r.cells[0]) {
			name = strings.TrimPrefix(name, "**")
			said := strings.Join(r.cells, " ")
			if len(grammar[place][name].Words) > 12 {
				said = page
			}
			for _, word := range grammar[place][name].Words {
				if !strings.Contains(said, "`"+word+"`") {
					t.Errorf("the row of %s of %s does not say %s", name, place, word)
				}
			}
		}
	}
	for _, word := range slices.Concat(dsl.Liquid(), dsl.SkipReasons(), crm.KeptReasons()) {
		if !strings.Contains(page, "`"+word+"`") {
			t.Errorf("the page does not mention %s", word)
		}
	}
}

func TestLanguagePageHasTheEvents(t *testing.T) {
	t.Parallel()
	want, got := map[string][]string{}, map[string][]string{}
	for _, event := range crm.EventTypes() {
		fields, _ := crm.EventFields(event)
		want[event] = slices.Sorted(maps.Keys(fields))
	}
	rows, _ := languageRows(t)
	for _, r := range rows {
		if r.head == "event" {
			for _, event := range words(r.cells[0]) {
				gather(got, event, r.cells[1])
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the events (-) and the page (+) differ:\n%s", diff)
	}
}

// TestLanguagePageHasTheEnvironment looks for all that conditions can see and do.
func TestLanguagePageHasTheEnvironment(t *testing.T) {
	t.Parallel()
	fields, functions := map[string][]string{}, []string{}
	rows, _ := languageRows(t)
	for _, r := range rows {
		if object, ok := strings.CutPrefix(r.head, "field of "); ok {
			gather(fields, object, r.cells[0])
		}
		if r.head == "function" {
			for _, f := range words(r.cells[0]) {
				name, _, _ := strings.Cut(f, "(")
				functions = append(functions, name)
			}
		}
	}
	if diff := cmp.Diff(dsl.Fields(), fields); diff != "" {
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
}
