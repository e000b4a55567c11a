package dsl_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
)

//nolint:gochecknoglobals // how the testing package takes flags
var update = flag.Bool("update", false, "write the golden files")

// readFile reads a file of the test data.
func readFile(tb testing.TB, path string) []byte {
	tb.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// baseDocuments are the documents in force in the golden tests.
func baseDocuments(tb testing.TB) []dsl.Document {
	tb.Helper()
	set, problems := dsl.Check([]dsl.File{{Path: "base.yaml", Text: readFile(tb, "testdata/base.yaml")}}, nil)
	if set == nil {
		tb.Fatalf("base.yaml: %s", listing(problems))
	}
	return set.Documents
}

// listing writes problems one a line.
func listing(problems []crm.Problem) string {
	var b strings.Builder
	for _, p := range problems {
		b.WriteString(p.String() + "\n")
	}
	return b.String()
}

// TestCheckGolden checks every directory of testdata/check: input.yaml against problems.txt. Run with -update after a change
// and read the difference.
func TestCheckGolden(t *testing.T) {
	t.Parallel()
	base := baseDocuments(t)
	dirs, err := filepath.Glob("testdata/check/*/input.yaml")
	if err != nil || len(dirs) < 40 {
		t.Fatalf("found %d cases, %v", len(dirs), err)
	}
	for _, input := range dirs {
		dir := filepath.Dir(input)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			t.Parallel()
			set, problems := dsl.Check([]dsl.File{{Path: "input.yaml", Text: readFile(t, input)}}, base)
			got, golden := listing(problems), filepath.Join(dir, "problems.txt")
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(readFile(t, golden)), got); diff != "" {
				t.Errorf("problems differ (-want +got):\n%s", diff)
			}
			if (set == nil) != strings.Contains(got, ": error ") {
				t.Errorf("set is %v", set)
			}
		})
	}
}

// TestStricterRulesUnpublishNothing loads what a version with fewer rules has accepted.
func TestStricterRulesUnpublishNothing(t *testing.T) {
	t.Parallel()
	for name, d := range map[string]dsl.Document{
		"an expression that takes too long": {Kind: dsl.KindSequence, Name: "s", Source: "sequence: s\npurpose: transactional\nenroll: by hand\nsteps:\n  - wait: 1d\n" +
			"    if: 'candidate.tags.exists(a, candidate.skills.exists(b, candidate.functions.exists(c, a == b && b == c)))'\n"},
		"a body with unknown elements": {Kind: dsl.KindMessage, Name: "m", Source: "message: m\nchannel: email\nsubject: s\n" +
			"mjml: '<mjml><mj-body><mj-section><mj-column><mj-text>Hi <blink>there</blink></mj-text></mj-column></mj-section></mj-body></mjml>'\n"},
		"a window in the quiet hours": {Kind: dsl.KindSequence, Name: "s", Source: "sequence: s\npurpose: transactional\nenroll: by hand\nsteps:\n" +
			"  - {id: a, sms: {body: Hi, window: {hours: \"22:00-23:00\"}}}\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set, err := dsl.Load([]dsl.Document{d})
			if err != nil || len(set.All) != 1 {
				t.Errorf("%v", err)
			}
		})
	}
}

// TestDocumentsInForceArePartOfACircle checks one file against what is published: the circle is reported in the file.
func TestDocumentsInForceArePartOfACircle(t *testing.T) {
	t.Parallel()
	sequence := func(name, next string) string {
		return "sequence: " + name + "\npurpose: talent-community\nenroll: by hand\nreenroll: always\nsteps:\n  - enroll: " + next + "\n"
	}
	base := baseDocuments(t)
	published, _ := dsl.Check([]dsl.File{{Path: "old.yaml", Text: []byte(sequence("a", "b") + "---\n" + strings.Replace(sequence("b", "a"), "- enroll: a", "- wait: 1d", 1))}}, base)
	if published == nil {
		t.Fatal("a sequence that leads to another was refused")
	}
	_, problems := dsl.Check([]dsl.File{{Path: "new.yaml", Text: []byte(sequence("b", "a"))}}, published.All)
	want := "new.yaml:6:13: error R0211: Candidates go round in a circle: a enrolls b, b enrolls a. Take one of them out, or write `reenroll: never` in one of them.\n"
	if got := listing(problems); !strings.Contains(got, "new.yaml:6:13: error R0211") || strings.Count(got, "\n") != 1 {
		t.Errorf("got %s, want %s", got, want)
	}
}
