package dsl_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rapport-crm/rapport/dsl"
)

// TestDiffGolden compares old.yaml and new.yaml of every directory of testdata/diff with diff.txt. Run with -update after a
// change and read the difference.
func TestDiffGolden(t *testing.T) {
	t.Parallel()
	dirs, err := filepath.Glob("testdata/diff/*")
	if err != nil || len(dirs) < 6 {
		t.Fatalf("found %d cases, %v", len(dirs), err)
	}
	for _, dir := range dirs {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			t.Parallel()
			got, golden := diffText(t, dir), filepath.Join(dir, "diff.txt")
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(readFile(t, golden)), got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func diffText(t *testing.T, dir string) string {
	t.Helper()
	before, after := documentsOf(t, filepath.Join(dir, "old.yaml")), documentsOf(t, filepath.Join(dir, "new.yaml"))
	var b strings.Builder
	for i := range after {
		b.WriteString(after[i].Kind + " " + after[i].Name + "\n")
		for _, c := range dsl.Diff(&before[i], &after[i]) {
			b.WriteString("  " + c.String() + "\n")
		}
		if same := dsl.Diff(&after[i], &after[i]); len(same) > 0 {
			t.Errorf("it differs from itself: %v", same)
		}
	}
	return b.String()
}

func documentsOf(t *testing.T, path string) []dsl.Document {
	t.Helper()
	base, problems := dsl.Check([]dsl.File{{Path: "workspace.yaml", Text: []byte(workspaceYAML)}}, nil)
	if base == nil {
		t.Fatal(listing(problems))
	}
	set, problems := dsl.Check([]dsl.File{{Path: path, Text: readFile(t, path)}}, base.Documents)
	if set == nil {
		t.Fatal(listing(problems))
	}
	return set.Documents
}

// TestDiffSaysEverything holds for random edits: there is a difference exactly when the content has changed, and what a step
// is said to be is in the version that it is said of.
func TestDiffSaysEverything(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		d := &draft{t: rt}
		d.steps = d.block(0)
		before, old := d.document()
		for range d.number(0, 3, "edits") {
			d.edit(map[string]bool{})
		}
		after, changed := d.document()
		changes := dsl.Diff(&before, &after)
		if (len(changes) == 0) != (before.Hash == after.Hash) {
			rt.Errorf("hashes %s and %s, changes %v", before.Hash, after.Hash, changes)
		}
		for _, c := range changes {
			_, was := old.Find(c.Step)
			_, is := changed.Find(c.Step)
			if c.What == "content" || was != (c.Kind != dsl.ChangeAdded) || is != (c.Kind != dsl.ChangeRemoved) {
				rt.Errorf("%s; the step was there: %v, it is there: %v", c, was, is)
			}
		}
	})
}
