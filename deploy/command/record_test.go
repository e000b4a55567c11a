package command_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rapport-crm/rapport/dsl/record"
)

func TestRecord(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := write("good.yaml", "workspace: north-trust\ncontroller: {name: North Trust}\n---\nsequence: thank-you\npurpose: transactional\nenroll: {on: application.submitted}\nsteps: [{wait: 1d}]\n")
	bad := write("bad.yaml", "workspace: north-trust\ncontroler: {name: N}\n")
	page := filepath.Join(dir, "record.html")
	for name, c := range map[string]struct {
		args    []string
		code    int
		out     string
		errPart string
	}{
		"Markdown":            {[]string{good, "--date", "2026-11-22"}, 0, "Made on 2026-11-22 of 2 documents", ""},
		"JSON":                {[]string{good, "--format", "json"}, 0, `"name": "thank-you"`, ""},
		"a page":              {[]string{good, "-o", page}, 0, "", ""},
		"another format":      {[]string{good, "--format", "pdf"}, 2, "", `format "pdf" is not known: use html, md or json`},
		"another ending":      {[]string{good, "-o", filepath.Join(dir, "record.pdf")}, 2, "", "use --format html, md or json"},
		"no day":              {[]string{good, "--date", "today"}, 2, "", "write it as 2026-11-22"},
		"wrong definitions":   {[]string{bad}, 1, "", "bad.yaml:2:1: error R0007"},
		"no server, no files": {[]string{"--data", dir}, 2, "", "or name files or folders with definitions"},
		"a day of a server":   {[]string{"--date", "2026-11-22"}, 2, "", "a server makes its record today"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, errOut, code := rapport(t, append([]string{"record"}, c.args...)...)
			if code != c.code || !strings.Contains(out, c.out) || !strings.Contains(errOut, c.errPart) {
				t.Errorf("exit %d\n%s\n%s", code, out, errOut)
			}
			switch name {
			case "JSON":
				var r record.Record
				if err := json.Unmarshal([]byte(out), &r); err != nil || r.Controller.Name != "North Trust" {
					t.Errorf("%v: %+v", err, r)
				}
			case "a page":
				html, err := os.ReadFile(page)
				if err != nil || !strings.HasPrefix(string(html), "<!DOCTYPE html>") || out != "" {
					t.Errorf("%v: %.100s\n%s", err, html, out)
				}
			}
		})
	}
}
