package dsl_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"

	"github.com/rapport-crm/rapport/dsl"
)

// TestFormatGolden formats every directory of testdata/format: input.yaml becomes output.yaml.
func TestFormatGolden(t *testing.T) {
	t.Parallel()
	inputs, err := filepath.Glob("testdata/format/*/input.yaml")
	if err != nil || len(inputs) < 10 {
		t.Fatalf("found %d cases, %v", len(inputs), err)
	}
	for _, input := range inputs {
		dir := filepath.Dir(input)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			t.Parallel()
			got, err := dsl.Format(readFile(t, input))
			if err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join(dir, "output.yaml")
			if *update {
				if err := os.WriteFile(golden, got, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(readFile(t, golden)), string(got)); diff != "" {
				t.Errorf("the layout differs (-want +got):\n%s", diff)
			}
		})
	}
}

// TestFormatKeepsExamples holds the examples against the layout: they are the reference of it, also when they come in
// another.
func TestFormatKeepsExamples(t *testing.T) {
	t.Parallel()
	for _, f := range exampleFiles(t) {
		for _, mess := range []string{"as it is", "DOS", "wide"} {
			got, err := dsl.Format(messes()[mess](f.Text))
			if diff := cmp.Diff(string(f.Text), string(got)); err != nil || diff != "" {
				t.Errorf("%s %s: %v\n%s", f.Path, mess, err, diff)
			}
		}
	}
}

// TestFormatKeepsHashes makes sure that a format publishes nothing anew.
func TestFormatKeepsHashes(t *testing.T) {
	t.Parallel()
	hashes := func(files []dsl.File) map[string]string {
		set, problems := dsl.Check(files, nil)
		if set == nil {
			t.Fatal(listing(problems))
		}
		all := map[string]string{}
		for _, d := range set.Documents {
			all[d.Kind+" "+d.Name] = d.Hash
		}
		return all
	}
	files := exampleFiles(t)
	want := hashes(files)
	for i, f := range files {
		text, err := dsl.Format(messes()["wide"](f.Text))
		if err != nil {
			t.Fatal(err)
		}
		files[i].Text = text
	}
	if diff := cmp.Diff(want, hashes(files)); diff != "" {
		t.Error(diff)
	}
}

// TestFormatKeepsMeaning formats every definition of the tests as it is and in worse layouts.
func TestFormatKeepsMeaning(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("testdata/*/*/input.yaml")
	if err != nil || len(paths) < 60 {
		t.Fatalf("found %d files, %v", len(paths), err)
	}
	files := append(exampleFiles(t), dsl.File{Path: "base", Text: readFile(t, "testdata/base.yaml")})
	for _, p := range paths {
		files = append(files, dsl.File{Path: filepath.Base(filepath.Dir(p)), Text: readFile(t, p)})
	}
	for name, mess := range messes() {
		for _, f := range files {
			t.Run(f.Path+" "+name, func(t *testing.T) {
				t.Parallel()
				holdFormat(t, mess(f.Text))
			})
		}
	}
}

// messes make a text worse without changing what it says, where it is YAML.
func messes() map[string]func([]byte) []byte {
	each := func(edit func(line string) string) func([]byte) []byte {
		return func(text []byte) []byte {
			lines := strings.Split(string(text), "\n")
			for i, l := range lines {
				lines[i] = edit(l)
			}
			return []byte(strings.Join(lines, "\n"))
		}
	}
	return map[string]func([]byte) []byte{
		"as it is":      func(text []byte) []byte { return text },
		"DOS":           func(text []byte) []byte { return bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n")) },
		"blank lines":   func(text []byte) []byte { return bytes.ReplaceAll(text, []byte("\n"), []byte("\n\n\n")) },
		"no end":        bytes.TrimSpace,
		"comment lines": func(text []byte) []byte { return bytes.ReplaceAll(text, []byte("\n"), []byte("\n# a comment\n")) },
		"trailing":      each(func(l string) string { return l + "  \t" }),
		"comments":      each(func(l string) string { return l + "   # say why" }),
		"wide": each(func(l string) string {
			content := strings.TrimLeft(l, " ")
			indent := strings.Repeat(" ", 3*(len(l)-len(content)))
			if entry, ok := strings.CutPrefix(content, "- "); ok {
				content = "-     " + entry
			}
			return indent + content
		}),
		"loose": each(func(l string) string {
			return strings.NewReplacer("{", "{  ", "}", "   }", ", ", " ,   ", ": ", " :    ").Replace(l)
		}),
	}
}

// holdFormat checks what holds for every text: Format is idempotent, changes no document, loses no comment, and leaves a
// text that is not YAML alone.
func holdFormat(t *testing.T, text []byte) {
	t.Helper()
	once, err := dsl.Format(text)
	if syntax, ok := errors.AsType[*dsl.SyntaxError](err); ok {
		if !bytes.Equal(text, once) || syntax.Problems[0].Line < 1 || syntax.Problems[0].Column < 1 {
			t.Errorf("%v with a changed text", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	twice, err := dsl.Format(once)
	if diff := cmp.Diff(string(once), string(twice)); err != nil || diff != "" {
		t.Errorf("the second time is not like the first, %v:\n%s\n%s", err, text, diff)
	}
	was, ok := nodes(text)
	if !ok {
		return // conditions that were not YAML have got their quotes
	}
	is, ok := nodes(once)
	if diff := cmp.Diff(was, is); (!ok || diff != "") && !misread(text) {
		t.Errorf("the content differs:\n%s\n%s\n%s", text, once, diff)
	}
	if diff := cmp.Diff(ink(text), ink(once)); diff != "" {
		t.Errorf("something is lost:\n%s", diff)
	}
}

// ink is everything that is not layout: with it, every comment is there and in its order.
func ink(text []byte) string {
	s := strings.ReplaceAll(strings.ReplaceAll(string(text), "\r", "\n"), "...", "\n")
	return strings.Join(strings.FieldsFunc(strings.TrimPrefix(s, "\ufeff"), func(r rune) bool { return strings.ContainsRune(" \t\n'\"\\-", r) }), "")
}

// misread tells whether the checker finds a condition that YAML cuts: the one thing that Format changes.
func misread(text []byte) bool {
	_, problems := dsl.Check([]dsl.File{{Path: "x", Text: text}}, nil)
	for _, p := range problems {
		if p.Code == "R0002" || p.Code == "R0301" {
			return true
		}
	}
	return false
}

// nodes returns the documents of a text, one line a node. Documents without content are left out.
func nodes(text []byte) (all []string, ok bool) {
	text = bytes.ReplaceAll(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")), []byte("\r"), []byte("\n"))
	loader, err := yaml.NewLoader(bytes.NewReader(append(text, '\n')))
	if err != nil {
		return nil, false
	}
	var walk func(n *yaml.Node)
	walk = func(n *yaml.Node) {
		all = append(all, strings.Join([]string{n.ShortTag(), n.Anchor, n.Value}, " "))
		for _, c := range n.Content {
			walk(c)
		}
		all = append(all, "end")
	}
	for {
		var n yaml.Node
		if err := loader.Load(&n); err != nil {
			return all, errors.Is(err, io.EOF)
		}
		if len(n.Content) > 0 && n.Content[0].ShortTag() != "!!null" {
			walk(&n)
		}
	}
}

func TestFormatSaysWhatIsNotYAML(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text string
		want string
	}{
		"bracket": {"sequence: s\nsteps: [1, 2\nenroll: by hand\n", "line 3, column 7: R0001 This is not YAML"},
		"second":  {"sequence: s\n---\na: b: c\n", "line 3, column 5: R0001 This is not YAML"},
		"bytes":   {"sequence: \xff\n", "line 1, column 1: R0011 This file is not text in UTF-8."},
		"large":   {strings.Repeat("a: b\n", 300_000), "line 1, column 1: R0011 This file is larger than one megabyte."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := dsl.Format([]byte(c.text))
			if string(got) != c.text || err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v", err)
			}
		})
	}
}

func FuzzFormat(f *testing.F) {
	paths, err := filepath.Glob("testdata/*/*/input.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, p := range append(paths, "testdata/base.yaml") {
		f.Add(string(readFile(f, p)))
	}
	f.Add("\ufeff\ufeff# nothing for YAML, but not nothing\n")
	f.Fuzz(func(t *testing.T, text string) {
		once, err := dsl.Format([]byte(text))
		if err != nil {
			if string(once) != text {
				t.Errorf("%v with a changed text", err)
			}
			return
		}
		twice, err := dsl.Format(once)
		if err != nil || !bytes.Equal(once, twice) {
			t.Errorf("%v, first:\n%q\nthen:\n%q", err, once, twice)
		}
	})
}
