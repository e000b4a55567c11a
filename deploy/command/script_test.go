package command_test

import (
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestScripts runs the command as a person does. See testdata/script.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	})
}

// TestExitCodes holds the difference between "no" and "could not do it", which scripts cannot see.
func TestExitCodes(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]int{
		"check ../../examples":                         0,
		"fmt --check ../../examples":                   0,
		"explain R0001":                                0,
		"help":                                         0,
		"check ../../dsl/testdata/check/names":         1,
		"fmt --check ../../dsl/testdata/format/dos":    1,
		"fmt --check ../../dsl/testdata/check/deep/..": 2, // some of these are not YAML
		"explain R9999":                                2,
		"check none.yaml":                              2,
		"chek":                                         2,
		"check --formt":                                2,
		"candidates x":                                 2,
	} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			if out, errOut, code := rapport(t, strings.Fields(line)...); code != want {
				t.Errorf("exit %d, want %d: %s%s", code, want, out, errOut)
			}
		})
	}
}
