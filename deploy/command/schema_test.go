package command_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rapport-crm/rapport/dsl"
)

func TestSchema(t *testing.T) {
	t.Parallel()
	out, errOut, code := rapport(t, "schema")
	if code != 0 || out != string(dsl.JSONSchema()) {
		t.Errorf("it printed %d bytes, %q, exit code %d", len(out), errOut, code)
	}
	path := filepath.Join(t.TempDir(), "rapport.schema.json")
	if out, errOut, code := rapport(t, "schema", "--output", path); out+errOut != "" || code != 0 {
		t.Errorf("it said %q %q, exit code %d", out, errOut, code)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != string(dsl.JSONSchema()) {
		t.Errorf("the file has %d bytes, %v", len(text), err)
	}
	if _, errOut, code := rapport(t, "schema", "-o", filepath.Join(path, "no-such-folder")); code != 2 || !strings.Contains(errOut, "write the schema") {
		t.Errorf("it said %q, exit code %d", errOut, code)
	}
}
