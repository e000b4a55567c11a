package dsl_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/dsl/phrases"
)

const doubleOptIn = `workspace: trust
locale: de
purposes:
  news: {basis: consent, wording: "Neues von uns", double_opt_in: true}
  alerts: {basis: consent}
from: {email: "Trust {{ Careers }} <careers@trust.example>", sms: "+447700900000", address: "1 Trust Way"}
`

func keys(docs []dsl.Document) []string {
	var names []string
	for i := range docs {
		names = append(names, strings.TrimSpace(docs[i].Kind+" "+docs[i].Name+" "+docs[i].Locale))
	}
	slices.Sort(names)
	return names
}

// A workspace that wants confirmation gets what it takes to ask for it, in every language, as if it had been written by hand.
func TestDoubleOptInIsBuiltIn(t *testing.T) {
	t.Parallel()
	set, problems := dsl.Check([]dsl.File{{Path: "w.yaml", Text: []byte(doubleOptIn)}}, nil)
	if set == nil || len(problems) > 0 {
		t.Fatalf("problems: %+v", problems)
	}
	want := []string{"message confirm-consent", "message confirm-consent-sms", "sequence confirm-news", "workspace trust"}
	for _, locale := range phrases.Languages() {
		if locale != "de" { // the workspace's is the one that everybody else gets
			want = append(want, "message confirm-consent "+locale, "message confirm-consent-sms "+locale)
		}
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, keys(set.Documents)); diff != "" {
		t.Errorf("documents (-want +got):\n%s", diff)
	}
	german := set.Template("confirm-consent", "pl")
	r, err := german.Render(map[string]any{
		"enrollment": map[string]any{"event": map[string]any{"data": map[string]any{"wording": "Neues von uns"}}},
		"links":      map[string]any{"consent": "https://x.example/c/1"},
	}, nil)
	if err != nil || !strings.Contains(r.Text, "Neues von uns") || !strings.Contains(r.HTML, `href="https://x.example/c/1"`) || !strings.Contains(r.Subject, "Bitte bestätigen") {
		t.Errorf("rendered %+v, %v", r, err)
	}
	again, _ := dsl.Check([]dsl.File{{Path: "w.yaml", Text: []byte(doubleOptIn)}}, set.Documents)
	if again == nil || !slices.EqualFunc(again.Documents, set.Documents, func(a, b dsl.Document) bool { return a.Hash == b.Hash }) {
		t.Error("the same again is something else")
	}
}

func TestOwnConfirmationsReplaceTheBuiltIn(t *testing.T) {
	t.Parallel()
	own := doubleOptIn + `---
message: confirm-consent
channel: email
subject: Really?
body: "[Yes]({{ links.consent }})"
`
	set, problems := dsl.Check([]dsl.File{{Path: "w.yaml", Text: []byte(own)}}, nil)
	if set == nil || slices.Contains(keys(set.Documents), "message confirm-consent cy") || set.Template("confirm-consent", "cy").Locale != "" {
		t.Fatalf("got %v, %+v", keys(set.Documents), problems)
	}
}

func TestNewLinksAreMailedInEveryLanguage(t *testing.T) {
	t.Parallel()
	for name, ws := range map[string]*dsl.Workspace{
		"a usual one": {Name: "trust", From: dsl.From{Email: "Trust <a@trust.example>"}},
		"an odd name": {Name: "trust", Locale: "cy", From: dsl.From{Email: `"{{ x }} \"&' <b>" <a@trust.example>`}},
		"none":        {},
	} {
		if got := len(dsl.LinkMails(ws)); got != 1+len(phrases.Languages()) {
			t.Errorf("%s: %d documents", name, got)
		}
	}
}

func TestAsk(t *testing.T) {
	t.Parallel()
	set, _ := dsl.Check([]dsl.File{{Path: "w.yaml", Text: []byte(doubleOptIn)}}, nil)
	now := time.Date(2026, 11, 6, 10, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name string
		data map[string]any
		want string
		line crm.ConsentState
	}{
		{"without proof", map[string]any{"purpose": "news"}, crm.EventConsentRequested, crm.ConsentPending},
		{"with proof", map[string]any{"purpose": "news", "confirmed_at": "2026-11-05T10:00:00Z"}, crm.EventConsentGranted, crm.ConsentGranted},
		{"with nonsense for proof", map[string]any{"purpose": "news", "confirmed_at": "yes"}, crm.EventConsentRequested, crm.ConsentPending},
		{"of another purpose", map[string]any{"purpose": "alerts"}, crm.EventConsentGranted, crm.ConsentGranted},
	} {
		e := crm.Event{Type: crm.EventConsentGranted, Source: "form", Time: now, ReceivedAt: now, Data: c.data}
		set.Workspace.Ask(&e)
		purpose := e.Text("purpose")
		if e.Type != c.want || crm.ConsentFor(e.Consents(), purpose, crm.Email) != c.line {
			t.Errorf("%s: %s, %+v", c.name, e.Type, e.Consents())
		}
		facts := &crm.Facts{Candidate: crm.Candidate{Email: "a@b.example"}, Consents: e.Consents()}
		if v := dsl.Permit(set.Workspace, facts, dsl.Intent{Channel: crm.Email, Purpose: purpose}, now); (v.Skip == dsl.ReasonNoConsent) != (c.line == crm.ConsentPending) {
			t.Errorf("%s: permit says %+v", c.name, v)
		}
	}
}
