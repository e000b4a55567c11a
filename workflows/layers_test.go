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
	net := slices.Clip([]string{"crm", "dsl/wallclock", "activities/calendar", "activities/address", "activities/provider"})
	own := map[string][]string{ // package → own packages that it may link
		"crm":           {},
		"dsl/phone":     {},
		"dsl/phrases":   {},
		"dsl/wallclock": {},
		"dsl/slots":     {"crm", "dsl/wallclock"},
		"dsl":           {"crm", "dsl/phone", "dsl/phrases", "dsl/wallclock"},
		"dsl/retention": {"crm", "dsl", "dsl/phone", "dsl/phrases", "dsl/wallclock"},
		"workflows":     {"crm"},
		"store":         {"crm", "store/seal"},
		"store/memory":  {"crm"},
		"store/seal":    {"crm"},

		"activities":          {"crm", "dsl/..."},
		"activities/mail":     {},
		"activities/sendgrid": {"crm", "activities/provider", "activities/mail"},
		"activities/twilio":   {"crm", "activities/provider"},
		"activities/address":  {},
		"activities/call":     {"crm", "activities/provider", "activities/address"},
		"activities/booking":  {"crm", "dsl/...", "activities", "activities/calendar"},

		"activities/calendar":        {"crm", "dsl/wallclock"},
		"activities/calendar/ical":   {"crm", "dsl/wallclock", "activities/calendar"},
		"activities/calendar/remote": net,
		"activities/calendar/caldav": append(net, "activities/calendar/ical", "activities/calendar/remote"),
		"activities/calendar/feed":   append(net, "activities/calendar/ical", "activities/calendar/remote"),
		"activities/calendar/cloud":  append(net, "activities/calendar/remote"),
		"activities/calendar/oauth":  append(net, "activities/calendar/remote"),
		"activities/calendar/google": append(net, "activities/calendar/cloud", "activities/calendar/remote"),
		"activities/calendar/graph":  append(net, "activities/calendar/cloud", "activities/calendar/remote"),

		"worker/play": {"crm", "dsl/...", "workflows", "activities", "activities/booking", "activities/calendar", "store/memory"},
		"worker":      {"crm", "dsl/...", "workflows", "activities", "activities/booking", "activities/calendar", "activities/calendar/ical", "store/..."},
		"api": {
			"crm", "dsl/...", "workflows", "store/...", "activities", "activities/sendgrid", "activities/twilio", "activities/mail", "activities/booking",
			"activities/calendar/...", "activities/provider", "activities/address",
		},
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
				if ours && name != pkg && !slices.ContainsFunc(allowed, func(room string) bool { return holds(room, name) }) {
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

// holds tells whether a package is the one that a list names, or, where that ends in "/...", it or one inside it.
func holds(room, name string) bool {
	outer, all := strings.CutSuffix(room, "/...")
	return name == outer || all && strings.HasPrefix(name, outer+"/")
}
