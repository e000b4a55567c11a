package command_test

import (
	"bytes"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/deploy/command"
)

// rapport runs the command and returns what it printed and its exit code.
func rapport(t *testing.T, args ...string) (out, errOut string, code int) {
	t.Helper()
	var o, e bytes.Buffer
	code = command.Main(t.Context(), args, &o, &e)
	return o.String(), e.String(), code
}

func TestCheck(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := write("good.yaml", "sequence: s\npurpose: transactional\nenroll: {on: application.submitted}\nsteps:\n  - id: a\n    email: {subject: S, body: B}\n")
	bad := write("bad.yaml", "sequence: s\npurpose: transactional\nenroll: {on: application.submited}\nsteps:\n  - id: a\n    emial: {subject: S, body: B}\n")

	t.Run("right", func(t *testing.T) {
		t.Parallel()
		if out, errOut, code := rapport(t, "check", good); code != 0 || !strings.Contains(out, "1 file: 0 errors") {
			t.Errorf("exit %d: %s%s", code, out, errOut)
		}
	})
	t.Run("wrong, every problem with its place", func(t *testing.T) {
		t.Parallel()
		out, _, code := rapport(t, "check", bad)
		for _, want := range []string{"bad.yaml:3:14: error", "application.submitted", "bad.yaml:6:5: error", "email", "2 errors"} {
			if !strings.Contains(out, want) {
				t.Errorf("%q is missing in:\n%s", want, out)
			}
		}
		if code != 1 {
			t.Errorf("exit %d, want 1", code)
		}
	})
	t.Run("as JSON", func(t *testing.T) {
		t.Parallel()
		out, _, code := rapport(t, "check", "--format", "json", bad)
		var problems []crm.Problem
		if err := json.Unmarshal([]byte(out), &problems); err != nil || len(problems) != 2 || problems[0].Line != 3 || code != 1 {
			t.Errorf("exit %d, %v: %s", code, err, out)
		}
	})
	t.Run("not there", func(t *testing.T) {
		t.Parallel()
		if _, errOut, code := rapport(t, "check", filepath.Join(dir, "none.yaml")); code != 2 || !strings.Contains(errOut, "there is no file or folder") {
			t.Errorf("exit %d: %s", code, errOut)
		}
	})
}

func TestNoServer(t *testing.T) {
	t.Parallel()
	_, errOut, code := rapport(t, "timeline", "--data", t.TempDir(), "anybody")
	if code != 2 || !strings.Contains(errOut, "run `rapport up` in this folder, or set RAPPORT_URL") {
		t.Errorf("exit %d: %s", code, errOut)
	}
}

func TestUpSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // a local port is taken at once
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	busy := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"busy port":         {[]string{"--data", t.TempDir(), "--api-port", busy}, "in use by another program; stop that or choose another port with --api-port"},
		"a folder's a file": {[]string{"--data", "/dev/null/x"}, "cannot be used"},
		"time scale":        {[]string{"--time-scale", "1s=1d"}, "write it as 1d=10s"},
		"scaled real ATS":   {[]string{"--time-scale", "1d=10s", "--ats-url", "https://hooks.example.com"}, "a time scale is for the sandbox only"},
		"scaled real mail":  {[]string{"--time-scale", "1d=10s", "--sendgrid-api-key", "SG.x"}, "a time scale is for the sandbox only"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, errOut, code := rapport(t, append([]string{"up"}, c.args...)...); code != 2 || !strings.Contains(errOut, c.want) {
				t.Errorf("exit %d: %s", code, errOut)
			}
		})
	}
}
