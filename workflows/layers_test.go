package workflows_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// Imports only go down: see docs/architecture.md. depguard checks direct imports; this looks at everything that is linked.
func TestLayers(t *testing.T) {
	t.Parallel()
	const module = "github.com/rapport-crm/rapport/"
	own := map[string][]string{ // package → own packages that it may link
		"crm":                 {},
		"dsl/phone":           {},
		"dsl/phrases":         {},
		"dsl/wallclock":       {},
		"dsl/slots":           {"crm", "dsl/wallclock"},
		"dsl":                 {"crm", "dsl/phone", "dsl/phrases", "dsl/wallclock"},
		"workflows":           {"crm"},
		"store":               {"crm", "store/seal"},
		"activities":          {"crm", "dsl", "dsl/phone", "dsl/phrases", "dsl/wallclock"},
		"activities/mail":     {},
		"activities/sendgrid": {"crm", "activities/provider", "activities/mail"},
		"activities/twilio":   {"crm", "activities/provider"},
		"activities/address":  {},
		"activities/call":     {"crm", "activities/provider", "activities/address"},

		"activities/calendar":        {"crm", "dsl/wallclock"},
		"activities/calendar/ical":   {"crm", "dsl/wallclock", "activities/calendar"},
		"activities/calendar/remote": {"crm", "dsl/wallclock", "activities/calendar", "activities/address", "activities/provider"},
		"activities/calendar/caldav": {
			"crm", "dsl/wallclock", "activities/calendar", "activities/calendar/ical", "activities/calendar/remote", "activities/address", "activities/provider",
		},
		"activities/calendar/cloud": {
			"crm", "dsl/wallclock", "activities/calendar", "activities/calendar/remote", "activities/address", "activities/provider",
		},
		"activities/calendar/oauth": {
			"crm", "dsl/wallclock", "activities/calendar", "activities/calendar/remote", "activities/address", "activities/provider",
		},
		"activities/calendar/google": {
			"crm", "dsl/wallclock", "activities/calendar", "activities/calendar/cloud", "activities/calendar/remote", "activities/address", "activities/provider",
		},
		"activities/calendar/graph": {
			"crm", "dsl/wallclock", "activities/calendar", "activities/calendar/cloud", "activities/calendar/remote", "activities/address", "activities/provider",
		},
		"activities/calendar/feed": {
			"crm", "dsl/wallclock", "activities/calendar", "activities/calendar/ical", "activities/calendar/remote", "activities/address", "activities/provider",
		},
		"activities/booking": {"crm", "dsl", "dsl/phone", "dsl/phrases", "dsl/wallclock", "dsl/slots", "activities", "activities/calendar"},

		"store/memory": {"crm"},
		"store/seal":   {"crm"},
		"worker/play":  {"crm", "dsl", "dsl/phone", "dsl/phrases", "dsl/wallclock", "workflows", "activities", "store/memory"},
		"worker":       {"crm", "dsl", "dsl/phone", "dsl/phrases", "dsl/wallclock", "dsl/slots", "workflows", "activities", "activities/booking", "activities/calendar", "store", "store/seal"},
		"api":          {"crm", "dsl", "dsl/phone", "dsl/phrases", "dsl/wallclock", "workflows", "store", "store/seal", "activities/sendgrid", "activities/twilio", "activities/provider", "activities/mail", "activities/calendar", "activities/calendar/ical"},
	}
	never := map[string][]string{ // package → packages of others that it must not link
		"crm":         {"net/http", "database/sql", "go.temporal.io/"},
		"dsl/phone":   {"net", "database/sql", "go.temporal.io/"},
		"dsl/phrases": {"net", "database/sql", "go.temporal.io/"},
		"dsl/slots":   {"net", "database/sql", "go.temporal.io/"},
		"dsl":         {"net/http", "database/sql", "go.temporal.io/", "github.com/jackc/"},

		"activities/calendar/ical": {"net/http", "database/sql", "go.temporal.io/"},

		"workflows": {"database/sql", "github.com/jackc/", "github.com/google/cel-go"},
		"store":     {"go.temporal.io/", "github.com/gin-gonic/", "github.com/google/cel-go"},
	}
	for pkg, allowed := range own {
		t.Run(pkg, func(t *testing.T) {
			t.Parallel()
			out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", module+pkg).Output()
			if err != nil {
				t.Fatalf("go list: %v", err)
			}
			for dep := range strings.FieldsSeq(string(out)) {
				name, ours := strings.CutPrefix(dep, module)
				if ours && name != pkg && !slices.Contains(allowed, name) {
					t.Errorf("%s links %s; it may link %v", pkg, name, allowed)
				}
				for _, bad := range never[pkg] {
					if dep == bad || (strings.HasSuffix(bad, "/") || strings.Contains(bad, ".")) && strings.HasPrefix(dep, bad) {
						t.Errorf("%s links %s", pkg, dep)
					}
				}
			}
		})
	}
}
