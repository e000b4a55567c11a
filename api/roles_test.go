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

	"github.com/gin-gonic/gin"

	"github.com/rapport-crm/rapport/api"
)

var update = flag.Bool("update", false, "write the golden files") //nolint:gochecknoglobals // a flag of the test

// route is an operation of the OpenAPI document.
type route struct {
	method, path, scope string
	audit, why          string // what it leaves in the audit log, or why it leaves nothing
}

// leaves is what the page says of the audit log.
func (r *route) leaves() string {
	if r.why != "" {
		return "nothing: " + r.why
	}
	return r.audit
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
			Audit    string                `json:"x-audit"`       //nolint:tagliatelle // OpenAPI has extensions begin with x-
			Why      string                `json:"x-not-audited"` //nolint:tagliatelle // likewise
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
			all = append(all, route{strings.ToUpper(method), path, op.Security[0]["key"][0], op.Audit, op.Why})
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
with the scope ` + "`admin`" + ` may do everything. The last column says what the operation leaves in the audit log, or why it leaves nothing there.

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
		fmt.Fprintf(&page, " %s |\n", r.leaves())
	}
	page.WriteString("\nPages, webhooks and what else has no key:\n\n| address | who | audit log |\n| --- | --- | --- |\n")
	keyless := keyless()
	for _, path := range slices.Sorted(maps.Keys(keyless)) {
		fmt.Fprintf(&page, "| `%s` | %s | %s |\n", path, keyless[path].who, keyless[path].leaves)
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

// TestEveryOperationIsInTheAuditLogOrSaysWhy fails for a new operation that says neither what it leaves in the audit log nor why nothing.
func TestEveryOperationIsInTheAuditLogOrSaysWhy(t *testing.T) {
	t.Parallel()
	for _, r := range routes(t) {
		if (r.audit == "") == (r.why == "") {
			t.Errorf("%s %s: it leaves %q in the audit log, and says of why it leaves nothing: %q. One of both is needed: see audited, changes and unaudited", r.method, r.path, r.audit, r.why)
		}
	}
}

// access is who opens an address without a key, and what that leaves in the audit log.
type access struct{ who, leaves string }

// keyless are the addresses that need no key.
func keyless() map[string]access {
	const candidate, anybody, provider = "a candidate, by their link", "anybody", "a provider, by its signature"
	own, events := "nothing: what is shown is their own", "nothing: events are kept, and consents with their proof"
	return map[string]access{
		"GET /u/:token": {candidate, own}, "POST /u/:token": {candidate, events},
		"GET /c/:token": {candidate, events}, "HEAD /c/:token": {candidate, events}, "GET /o/:token": {candidate, events}, "HEAD /o/:token": {candidate, events},
		"GET /s/:token": {candidate, own}, "POST /s/:token": {candidate, events},
		"GET /p/:token": {candidate, own}, "POST /p/:token": {candidate, "create request, of a request; else nothing: events are kept, and consents with their proof"},
		"GET /i/:token": {candidate, own}, "POST /i/:token": {candidate, events},
		"GET /v/:token": {"an interviewer, by their link", "read meeting"}, "POST /v/:token": {"an interviewer, by their link", "read meeting, when they see the page again; events are kept"},
		"GET /rights/:token": {candidate, own}, "POST /rights/:token": {candidate, "change request"},
		"GET /data/:token": {candidate, own}, "POST /data/:token": {candidate, "export request"},
		"GET /confirm/:token": {candidate, own}, "POST /confirm/:token": {candidate, events},
		"GET /calendars/connect/:token": {"an interviewer, by their link", "nothing: no candidates"}, "GET /calendars/connected": {"an interviewer, back from their provider", "change interviewer"},
		"POST /webhooks/sendgrid/events": {provider, events}, "POST /webhooks/sendgrid/inbound": {provider, events},
		"POST /webhooks/twilio/status": {provider, events}, "POST /webhooks/twilio/inbound": {provider, events},
		"GET /openapi.json": {anybody, "nothing: no candidates"}, "GET /docs": {anybody, "nothing: no candidates"}, "GET /": {anybody, "nothing: no candidates"},
		"GET /livez": {anybody, "nothing: no candidates"}, "GET /readyz": {anybody, "nothing: no candidates"}, "GET /metrics": {anybody, "nothing: numbers"},
	}
}

// TestAddressesWithoutAKeyAreListed fails for a new page of which nobody has said who opens it, and what that leaves in the audit log.
func TestAddressesWithoutAKeyAreListed(t *testing.T) {
	t.Parallel()
	router, ok := api.New(api.Config{}).(*gin.Engine)
	if !ok {
		t.Fatal("the API is no router any more: find its addresses another way")
	}
	listed := keyless()
	for _, r := range router.Routes() {
		if strings.HasPrefix(r.Path, "/v1/") {
			continue // every one of them is an operation, which needs a scope
		}
		if _, ok := listed[r.Method+" "+r.Path]; !ok {
			t.Errorf("%s %s is not in keyless", r.Method, r.Path)
		}
		delete(listed, r.Method+" "+r.Path)
	}
	for path := range listed {
		t.Errorf("there is no %s", path)
	}
}
