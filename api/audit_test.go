package api_test

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/api/client"
	"github.com/rapport-crm/rapport/crm"
)

// log is the whole audit log, the oldest first, as action and kind.
func (w *world) log(q *client.AuditQuery) []crm.AuditLine {
	w.t.Helper()
	page, err := client.New(w.server.URL, w.admin).Audit(w.t.Context(), q, 500, "")
	if err != nil {
		w.t.Fatal(err)
	}
	return page.Items
}

func TestReadsAreInTheAuditLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.candidate("ATS-1", "ana@example.org", "+447700900123")
	key, secret, err := w.store.CreateKeyWithRoles(t.Context(), "maya", nil, []string{api.RoleRecruiter, api.RolePrivacy}, w.clock())
	if err != nil {
		t.Fatal(err)
	}
	request, _, err := w.store.OpenRequest(t.Context(), crm.PrivacyRequest{CandidateID: "ATS-1", Kind: crm.RequestAccess, Source: "staff"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.store.AddHold(t.Context(), crm.Hold{CandidateID: "ATS-1", Why: "a claim", By: "lena"}); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"/v1/requests?candidate=ATS-1":    "list requests",
		"/v1/requests/" + request.ID:      "read request",
		"/v1/holds":                       "list holds",
		"/v1/erasures?candidate=ATS-2":    "read erasures",
		"/v1/candidates/ATS-1":            "read candidate",
		"/v1/candidates/ATS-1/timeline":   "read timeline",
		"/v1/candidates/ATS-1/events":     "read events",
		"/v1/candidates/ATS-1/notes":      "read notes",
		"/v1/candidates?q=ana":            "list candidates",
		"/v1/enrollments?candidate=ATS-1": "list enrollments",
		"/v1/messages?candidate=ATS-1":    "list messages",
		"/v1/tasks?candidate=ATS-1":       "list tasks",
	} {
		if got := w.callAs(secret, http.MethodGet, path, nil); got.status != http.StatusOK {
			t.Fatalf("%s: %d %s", path, got.status, got.body)
		}
		last := w.log(&client.AuditQuery{Actor: key})[0]
		if got := last.Action + " " + last.Kind; got != want {
			t.Errorf("%s left %q, want %q", path, got, want)
		}
		if about := strings.HasPrefix(want, "read") != (want == "read erasures") || slices.Contains([]string{"list candidates", "list requests", "list holds"}, want); about && (len(last.Openings) != 1 || last.Openings[0].Value != id) {
			t.Errorf("%s is not about %s: %+v", path, id, last)
		}
	}
	if got := w.callAs(secret, http.MethodGet, "/v1/candidates/nobody", nil); got.status != http.StatusNotFound {
		t.Errorf("of nobody: %d", got.status)
	}
	if about := w.log(&client.AuditQuery{Candidate: "ATS-1", Actor: key}); len(about) != 8 {
		t.Errorf("%d entries are about the candidate, want 8", len(about))
	}
	if own := w.log(&client.AuditQuery{Kind: "audit"}); len(own) == 0 {
		t.Error("who looks at the audit log is not in it")
	}
}

func TestNothingIsShownThatCannotBeAudited(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.candidate("ATS-1", "ana@example.org", "+447700900123")
	conn, err := pgx.Connect(t.Context(), w.dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), "drop function audit_append"); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/v1/candidates/ATS-1", "/v1/candidates", "/v1/candidates/ATS-1/notes", "/v1/audit", "/v1/requests", "/v1/holds", "/v1/erasures"} {
		if got := w.callAs(w.admin, http.MethodGet, path, nil); got.status != http.StatusServiceUnavailable || bytes.Contains(got.body, []byte("ana@")) {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
}

func TestAuditExport(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.candidate("ATS-1", "ana@example.org", "+447700900123")
	for range 30 {
		w.callAs(w.admin, http.MethodGet, "/v1/candidates/ATS-1", nil)
		w.pass(time.Minute)
	}
	c := client.New(w.server.URL, w.admin)
	for name, tt := range map[string]struct {
		from, to time.Time
		openings bool
		entries  func(n int64) bool
	}{
		"whole":         {entries: func(n int64) bool { return n > 30 }},
		"with openings": {openings: true, entries: func(n int64) bool { return n > 30 }},
		"ten minutes":   {from: start().Add(10 * time.Minute), to: start().Add(20 * time.Minute), entries: func(n int64) bool { return n == 10 }},
		"later":         {from: start().Add(100 * time.Hour), entries: func(n int64) bool { return n == 0 }},
		"earlier":       {to: start().Add(-time.Hour), entries: func(n int64) bool { return n == 0 }},
	} {
		export, err := c.ExportAudit(t.Context(), tt.from, tt.to, tt.openings)
		if err != nil {
			t.Fatal(err)
		}
		var text bytes.Buffer
		_, err = text.ReadFrom(export)
		export.Close()
		if err != nil {
			t.Fatal(err)
		}
		result, err := crm.VerifyAudit(bytes.NewReader(text.Bytes()), crm.AuditCheck{Whole: tt.from.IsZero() && tt.to.IsZero()})
		if err != nil || !tt.entries(result.Last-result.First+1) {
			t.Errorf("%s: %+v, %v", name, result, err)
		}
		if bytes.Contains(text.Bytes(), []byte(id)) != tt.openings {
			t.Errorf("%s: names the candidate: %v", name, !tt.openings)
		}
	}
	if _, err := client.New(w.server.URL, w.key(api.ScopeCandidatesRead)).ExportAudit(t.Context(), time.Time{}, time.Time{}, false); err == nil {
		t.Error("a key without the scope got an export")
	}
}

func TestMetricsOfTheAuditLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.candidate("ATS-1", "ana@example.org", "+447700900123")
	span, err := w.store.AuditSpan(t.Context(), time.Time{}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	want := func(lines ...string) {
		t.Helper()
		text := "\n" + string(w.send(http.MethodGet, "/metrics", nil, nil).want(200, nil).body)
		for _, line := range lines {
			if !strings.Contains(text, "\n"+line+"\n") {
				t.Errorf("metrics lack %s", line)
			}
		}
		if checked := strings.Contains(text, "\nrapport_audit_checkpoint_age_seconds "); checked != (len(lines) > 2) {
			t.Errorf("there is an age: %v", checked)
		}
	}
	want(fmt.Sprintf("rapport_audit_entries_since_checkpoint %d", span.Number), "rapport_audit_broken 0")
	if err := w.store.CheckedAudit(t.Context(), &span, false); err != nil {
		t.Fatal(err)
	}
	w.pass(90 * time.Second)
	w.callAs(w.admin, http.MethodGet, "/v1/candidates/ATS-1", nil).want(200, nil)
	want("rapport_audit_entries_since_checkpoint 1", "rapport_audit_broken 0", "rapport_audit_checkpoint_age_seconds 90")
	if err := w.store.CheckedAudit(t.Context(), &span, true); err != nil {
		t.Fatal(err)
	}
	want("rapport_audit_entries_since_checkpoint 1", "rapport_audit_broken 1", "rapport_audit_checkpoint_age_seconds 0")
	if err := w.store.CheckedAudit(t.Context(), &span, false); err != nil {
		t.Fatal(err)
	}
	want("rapport_audit_broken 1", "rapport_audit_entries_since_checkpoint 1", "rapport_audit_checkpoint_age_seconds 0") // until a person takes it back
}
