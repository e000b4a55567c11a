package command_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestGraph(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := write("good.yaml", "sequence: thank-you\npurpose: transactional\nenroll: {on: application.submitted}\nsteps:\n  - id: a\n    email: {subject: Thank you, body: B}\n")
	bad := write("bad.yaml", "sequence: s\npurpose: transactional\nenroll: {on: application.submited}\nsteps: [{wait: 1d}]\n")
	picture := filepath.Join(dir, "picture.svg")
	for name, c := range map[string]struct {
		args    []string
		code    int
		out     string // part of the output
		errPart string
	}{
		"Mermaid":            {[]string{"thank-you", good}, 0, "flowchart TD", ""},
		"as SVG":             {[]string{"thank-you", "--file", good, "--format", "svg"}, 0, "Email · a</text>", ""},
		"to a file":          {[]string{"thank-you", good, "--output", picture}, 0, "", ""},
		"a name nearly":      {[]string{"thankyou", good}, 2, "", `did you mean "thank-you"?`},
		"another format":     {[]string{"thank-you", good, "--format", "png"}, 2, "", `format "png" is not known: use mermaid or svg`},
		"wrong definitions":  {[]string{"s", bad}, 1, "", "bad.yaml:3:14: error"},
		"no definitions":     {[]string{"s", filepath.Join(dir, "none")}, 2, "", "there is no file or folder"},
		"where none can be":  {[]string{"thank-you", good, "--output", filepath.Join(dir, "none", "x.svg")}, 2, "", "write drawing"},
		"completes the name": {[]string{"--file", good, ""}, 0, "thank-you", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := append([]string{"graph"}, c.args...)
			if strings.HasPrefix(name, "completes") {
				args = append([]string{"__complete"}, args...)
			}
			out, errOut, code := rapport(t, args...)
			if code != c.code || !strings.Contains(out, c.out) || !strings.Contains(errOut, c.errPart) {
				t.Errorf("exit %d\n%s\n%s", code, out, errOut)
			}
			if c.code == 0 && name == "to a file" {
				svg, err := os.ReadFile(picture)
				if err != nil || !strings.HasPrefix(string(svg), "<svg ") || out != "" {
					t.Errorf("%v: %.100s\n%s", err, svg, out)
				}
			}
		})
	}
}
