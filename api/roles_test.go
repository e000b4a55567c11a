package api_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rapport-crm/rapport/api"
)

var update = flag.Bool("update", false, "write the golden files") //nolint:gochecknoglobals // a flag of the test

// route is an operation of the OpenAPI document.
type route struct {
	method, path, scope, audit string
}

func routes(t *testing.T) []route {
	t.Helper()
	text, err := api.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	var document struct {
		Paths map[string]map[string]struct {
			Security []map[string][]string `json:"security"`
			Audit    string                `json:"x-audit"` //nolint:tagliatelle // OpenAPI has extensions begin with x-
		} `json:"paths"`
	}
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	var all []route
	for _, path := range slices.Sorted(maps.Keys(document.Paths)) {
		for _, method := range slices.Sorted(maps.Keys(document.Paths[path])) {
			op := document.Paths[path][method]
			if len(op.Security) != 1 || len(op.Security[0]["key"]) != 1 {
				t.Errorf("%s %s needs no scope", method, path)
				continue
			}
			all = append(all, route{strings.ToUpper(method), path, op.Security[0]["key"][0], op.Audit})
		}
	}
	return all
}

// TestRolesAreAsThePageSays compares who may do what with docs/roles.md. A new operation is to appear there, and somebody is to look at
// who may use it and what it leaves in the audit log: go test ./api -run TestRoles -update writes it.
func TestRolesAreAsThePageSays(t *testing.T) {
	t.Parallel()
	var page strings.Builder
	page.WriteString(`# Who may do what

A key has scopes, roles or both (` + "`rapport keys create NAME --role recruiter`" + `). A role is a name for scopes, and grows with the release that runs. A key
with the scope ` + "`admin`" + ` may do everything. The last column says what the operation leaves in the audit log, if anything.

`)
	for _, role := range api.Roles() {
		fmt.Fprintf(&page, "- **%s**: %s\n", role, "`"+strings.Join(api.RoleScopes(role), "`, `")+"`")
	}
	page.WriteString("\n| operation | scope | " + strings.Join(api.Roles(), " | ") + " | audit log |\n| --- | --- |" + strings.Repeat(" --- |", len(api.Roles())+1) + "\n")
	for _, r := range routes(t) {
		fmt.Fprintf(&page, "| `%s %s` | `%s` |", r.method, r.path, r.scope)
		for _, role := range api.Roles() {
			mark := " "
			if slices.Contains(api.RoleScopes(role), r.scope) {
				mark = " ✓ "
			}
			page.WriteString(mark + "|")
		}
		fmt.Fprintf(&page, " %s |\n", r.audit)
	}
	const path = "../docs/roles.md"
	if *update {
		if err := os.WriteFile(path, []byte(page.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if page.String() != string(want) {
		t.Error("docs/roles.md does not say who may do what now: look at what has changed, and write it with go test ./api -run TestRoles -update")
	}
}

var placeholder = regexp.MustCompile(`\{[^}]*\}`)

// TestRolesAreKept calls every operation with a key of every role, and with one of none that can do it.
func TestRolesAreKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, role := range api.Roles() {
		_, secret, err := w.store.CreateKeyWithRoles(t.Context(), role, nil, []string{role}, w.clock())
		if err != nil {
			t.Fatal(err)
		}
		refused := 0
		for _, r := range routes(t) {
			got := w.callAs(secret, r.method, placeholder.ReplaceAllString(r.path, "nothing"), nil)
			may := slices.Contains(api.RoleScopes(role), r.scope)
			if got.status == http.StatusUnauthorized || (got.status == http.StatusForbidden) == may {
				t.Errorf("%s, %s %s: %d, and it may: %v", role, r.method, r.path, got.status, may)
			}
			if !may {
				refused++
			}
		}
		if refused == 0 {
			t.Errorf("%s may do everything", role)
		}
	}
}

// Every operation that reads with a scope by which candidates are seen either says what it leaves in the audit log or is listed here with
// the reason why it does not.
func TestReadsOfCandidatesAreAudited(t *testing.T) {
	t.Parallel()
	silent := map[string]string{
		"GET /v1/pools": "numbers", "GET /v1/suppressions/sync": "how far lists were read", "GET /v1/sequences/{name}/experiments": "numbers",
	}
	for _, r := range routes(t) {
		seen := slices.Contains([]string{api.ScopeCandidatesRead, api.ScopeEventsRead, api.ScopeEnrollmentsRead, api.ScopeNotesRead, api.ScopeAuditRead}, r.scope)
		if seen && r.audit == "" && silent[r.method+" "+r.path] == "" {
			t.Errorf("%s %s leaves nothing in the audit log", r.method, r.path)
		}
	}
}
