package command_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rivo/uniseg"
)

// TestCaretStandsUnderThePlace checks lines that are not one column a character: the caret stands under the misspelt event
// type.
func TestCaretStandsUnderThePlace(t *testing.T) {
	t.Parallel()
	const wrong = "application.submited"
	long := strings.Repeat("lorem ipsum ", 20)
	for name, c := range map[string]struct {
		line, want string
	}{
		"plain":           {"enroll: {on: " + wrong + "}", "enroll: {on: " + wrong + "}"},
		"tab":             {"enroll: {per: x,\ton: " + wrong + "}", "enroll: {per: x,    on: " + wrong + "}"},
		"wide":            {"enroll: {per: 日本語, on: " + wrong + "}", "enroll: {per: 日本語, on: " + wrong + "}"},
		"accent of two":   {"enroll: {per: e\u0301, on: " + wrong + "}", "enroll: {per: e\u0301, on: " + wrong + "}"},
		"family":          {"enroll: {per: 👩‍👩‍👧, on: " + wrong + "}", "enroll: {per: 👩‍👩‍👧, on: " + wrong + "}"},
		"right to left":   {"enroll: {per: \"a\u202eb\", on: " + wrong + "}", "enroll: {per: \"a·b\", on: " + wrong + "}"},
		"long before":     {"enroll: {per: " + long + ", on: " + wrong + "}", "…rem ipsum lorem ipsum lorem ipsum , on: " + wrong + "}"},
		"long behind":     {"enroll: {on: " + wrong + ", per: " + long + "}", "enroll: {on: " + wrong + ", per: " + long[:60] + "…"},
		"long both sides": {"enroll: {per: " + long + ", on: " + wrong + ", if: " + long + "}", "…rem ipsum lorem ipsum lorem ipsum , on: " + wrong + ", if: lorem ipsum lorem ipsum lorem ips…"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "x.yaml")
			if err := os.WriteFile(path, []byte("sequence: s\n"+c.line+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			out, _, _ := rapport(t, "check", path)
			m := regexp.MustCompile(`R0201: .*\n    2 \| (.*)\n      \| ( *)\^\n`).FindStringSubmatch(out)
			if m == nil {
				t.Fatal(out)
			}
			text, caret := m[1], len(m[2])
			if text != c.want {
				t.Errorf("shown is\n%q, want\n%q", text, c.want)
			}
			before, _, _ := strings.Cut(text, wrong)
			if width := uniseg.StringWidth(before); width != caret {
				t.Errorf("the caret is at column %d, want %d:\n%s", caret, width, out)
			}
		})
	}
}

func TestExcerptDoesNotSteerTheTerminal(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.yaml")
	if err := os.WriteFile(path, []byte("sequence: \x1b[31m s\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, _, code := rapport(t, "check", path); code != 1 || strings.Contains(out, "\x1b") {
		t.Errorf("exit %d: %q", code, out)
	}
}
