package calendartest

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"os"
	"os/exec"
	"testing"
)

//go:embed read.py
var reader string

// Understood is what a parser that is not ours reads in a calendar of one event.
type Understood struct {
	Method      string              `json:"method"`
	UID         string              `json:"uid"`
	Sequence    int                 `json:"sequence"`
	Start       int64               `json:"start"` // Unix seconds
	End         int64               `json:"end"`
	Zone        string              `json:"zone"`
	Summary     string              `json:"summary"`
	Description string              `json:"description"`
	Location    string              `json:"location"`
	URL         string              `json:"url"`
	Status      string              `json:"status"`
	Organizer   map[string]string   `json:"organizer"`
	Attendees   []map[string]string `json:"attendees"`
}

// ReadElsewhere reads a calendar with python3-icalendar. The test is skipped where there is none, but not in CI.
func ReadElsewhere(t *testing.T, content []byte) (got Understood) {
	t.Helper()
	const python = "/usr/bin/python3" // Debian's, since python3-icalendar belongs to it
	if err := exec.CommandContext(t.Context(), python, "-c", "import icalendar").Run(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("python3-icalendar: %v", err)
		}
		t.Skipf("python3-icalendar is not installed: %v", err)
	}
	cmd := exec.CommandContext(t.Context(), python, "-c", reader) //nolint:gosec // reader is the file beside this one
	cmd.Stdin = bytes.NewReader(content)
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s\n%s", err, problems.String(), content)
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	return got
}
