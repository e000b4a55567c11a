package store_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/store"
)

// Every table with rows of a candidate is in their copy, with everything that stands in it, or in the list of those that are not, with why.
func TestExportHoldsEverything(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.everywhere(t)
	receipt := b.tables(t)
	_, files, err := b.Export(t.Context(), "ATS-1")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]int{}
	var all strings.Builder
	for _, f := range files {
		if f.About == "" || rows[f.Name] > 0 {
			t.Errorf("file %q is there twice, or nobody knows what it is", f.Name)
		}
		rows[f.Name] = len(f.Rows)
		for _, r := range f.Rows {
			if !json.Valid(r) {
				t.Errorf("%s: %s", f.Name, r)
			}
			all.Write(r)
		}
		if len(f.Rows) == 0 {
			t.Errorf("%s is empty, though the candidate has a row in every table", f.Name)
		}
	}
	for table, n := range receipt {
		if remaining()[table] != "" || n == 0 || store.NotExported()[table] != "" {
			continue
		}
		if !slices.Contains(store.ExportedTables(), table) {
			t.Errorf("%s is erased, and not in the copy: add it to exports, or say in NotExported why not", table)
		}
	}
	for _, word := range []string{canary, "Żółć", "🦜", "+447700900666", id} {
		if !strings.Contains(all.String(), word) {
			t.Errorf("the copy lacks %s", word)
		}
	}
	for _, secret := range []string{"a claim", "address_hash", "wake_sent"} {
		if strings.Contains(all.String(), secret) {
			t.Errorf("the copy says %s", secret)
		}
	}
	if _, _, err := b.Export(t.Context(), "nobody"); crm.CodeOf(err) != crm.CodeNotFound {
		t.Errorf("a copy of nobody: %v", err)
	}
}
