package api_test

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/api/client"
	"github.com/rapport-crm/rapport/crm"
)

const choicesYAML = `workspace: north-trust
calendar: {days: mon-fri, hours: "09:00-17:30", zone: Europe/London}
privacy: privacy@trust.example
purposes:
  job-alerts: {basis: consent, wording: "New jobs that fit you", double_opt_in: true}
  sourced: {basis: legitimate_interest}
  talent-community: {basis: consent, wording: "Hear from us about life at North Trust"}
from: {email: "Careers <careers@trust.example>", sms: "+447700900000", address: "1 Trust Way"}
`

// chooser is a candidate with a preference page.
type chooser struct {
	*world

	id, path string
}

func newChooser(t *testing.T, more object) *chooser {
	t.Helper()
	w := newWorld(t)
	w.call(http.MethodPut, "/v1/definitions", files(choicesYAML)).want(200, nil)
	person := object{"first_name": "Sarah", "email": "sarah.jones@example.org"}
	maps.Copy(person, more)
	var written api.WrittenCandidate
	w.call(http.MethodPut, "/v1/candidates/by-external-id/1", person).want(200, &written)
	return &chooser{w, written.ID, w.preferences(written.ID)}
}

func (w *world) preferences(candidate string) string {
	return strings.TrimPrefix(api.PreferencesURL(publicURL, []byte(linkSecret), candidate, w.clock()), publicURL)
}

// state is what is in force, as purpose:channel.
func (c *chooser) state() string {
	c.t.Helper()
	_, consents, err := c.store.Candidate(c.t.Context(), c.id)
	if err != nil {
		c.t.Fatal(err)
	}
	names := map[crm.ConsentState]string{crm.ConsentGranted: "yes", crm.ConsentRevoked: "no", crm.ConsentPending: "pending"}
	var all []string
	for _, purpose := range []string{"job-alerts", "sourced", "talent-community"} {
		for _, ch := range []crm.Channel{crm.Email, crm.SMS} {
			if name := names[crm.ConsentFor(consents, purpose, ch)]; name != "" {
				all = append(all, purpose+":"+string(ch)+"="+name)
			}
		}
	}
	return strings.Join(all, " ")
}

func (c *chooser) history() []crm.Consent {
	c.t.Helper()
	_, consents, err := c.store.Candidate(c.t.Context(), c.id)
	if err != nil {
		c.t.Fatal(err)
	}
	return consents
}

func allShown() []string {
	return []string{"job-alerts:email", "job-alerts:sms", "sourced:email", "sourced:sms", "talent-community:email", "talent-community:sms"}
}

func (c *chooser) save(want ...string) answer {
	c.t.Helper()
	return c.fill(c.path, url.Values{"do": {"save"}, "shown": allShown(), "want": want, "locale": {"de"}})
}

func TestPreferencesAreSaved(t *testing.T) {
	t.Parallel()
	c := newChooser(t, object{"phone": "+447700900123"})
	shown := c.send(http.MethodGet, c.path, nil, nil)
	body := string(shown.body)
	if shown.status != 200 || !strings.Contains(body, "s…\u2060@example.org") || strings.Contains(body, "sarah") || strings.Contains(body, "7700900123") || strings.Contains(body, "Sarah") {
		t.Fatalf("%d: the page shows more than a masked address, or less:\n%s", shown.status, body)
	}
	if strings.Count(body, " checked>") != 2 || strings.Count(body, `type="checkbox"`) != 6 {
		t.Errorf("what is in force at first is the legitimate interest, on both channels:\n%s", body)
	}
	saved := c.save("job-alerts:email", "job-alerts:sms", "talent-community:email", "sourced:email")
	if body := string(saved.body); saved.status != 200 || !strings.Contains(body, `<html lang="de"`) || !strings.Contains(body, "Ihre Auswahl ist gespeichert.") {
		t.Errorf("%d:\n%s", saved.status, body)
	}
	const want = "job-alerts:email=yes job-alerts:sms=pending sourced:sms=no talent-community:email=yes"
	if got := c.state(); got != want {
		t.Errorf("in force is %q, want %q", got, want)
	}
	for _, line := range c.history() {
		if line.Source != crm.SourcePreferencePage || line.AddressHash == "" || line.Granted && line.Wording == "" || line.Granted && !line.Pending && line.ConfirmedAt.IsZero() {
			t.Errorf("a line without proof: %+v", line)
		}
	}
	before := len(c.history())
	c.pass(time.Minute)
	c.save("job-alerts:email", "job-alerts:sms", "talent-community:email", "sourced:email")
	if got := len(c.history()); got != before {
		t.Errorf("saving twice adds %d lines", got-before)
	}
	c.save()
	if got := c.state(); strings.Contains(got, "yes") {
		t.Errorf("after taking everything back: %q", got)
	}
}

// Of pages that are saved at once one is in force, and never a mixture.
func TestPreferencesSavedAtOnce(t *testing.T) {
	t.Parallel()
	c := newChooser(t, nil)
	for range 10 {
		var all sync.WaitGroup
		for _, want := range [][]string{{"talent-community:email"}, {"job-alerts:email"}} {
			all.Go(func() { c.save(want...) })
		}
		all.Wait()
		if got := c.state(); strings.Contains(got, "talent-community:email=yes") == strings.Contains(got, "job-alerts:email=yes") {
			t.Fatalf("a mixture is in force: %q", got)
		}
	}
}

func TestPause(t *testing.T) {
	t.Parallel()
	c := newChooser(t, nil)
	page := c.fill(c.path, url.Values{"do": {"pause"}})
	candidate, _, err := c.store.Candidate(t.Context(), c.id)
	if want := time.Date(2027, 2, 6, 0, 0, 0, 0, time.UTC); err != nil || !candidate.PausedUntil.Equal(want) {
		t.Errorf("paused until %v, want %v (%v)", candidate.PausedUntil, want, err)
	}
	if !strings.Contains(string(page.body), "6 February 2027") {
		t.Errorf("the page does not say until when:\n%s", page.body)
	}
	page = c.fill(c.path, url.Values{"do": {"resume"}})
	if candidate, _, _ = c.store.Candidate(t.Context(), c.id); !candidate.PausedUntil.IsZero() || !strings.Contains(string(page.body), "Pause for 3 months") {
		t.Errorf("still paused until %v", candidate.PausedUntil)
	}
}

func TestStopEverythingAndBack(t *testing.T) {
	t.Parallel()
	c := newChooser(t, object{"consents": []object{{"purpose": "talent-community"}, {"purpose": "forgotten"}}})
	c.fill(c.path, url.Values{"do": {"stop"}})
	if got := c.state(); got != "sourced:email=no sourced:sms=no talent-community:email=no" && got != "sourced:email=no talent-community:email=no" {
		t.Errorf("in force is %q", got)
	}
	if state := crm.ConsentFor(c.history(), "forgotten", crm.Email); state != crm.ConsentRevoked {
		t.Errorf("a purpose that the workspace has forgotten is %v", state)
	}
	suppressed, _ := c.store.Suppressed(t.Context(), crm.Email, "sarah.jones@example.org", crm.SuppressedUnsubscribe)
	if !suppressed {
		t.Error("the address is not suppressed")
	}
	c.save("talent-community:email")
	if suppressed, _ = c.store.Suppressed(t.Context(), crm.Email, "sarah.jones@example.org", crm.SuppressedUnsubscribe); suppressed {
		t.Error("who wants messages again is still suppressed")
	}
}

func TestErasureIsAskedFor(t *testing.T) {
	t.Parallel()
	c := newChooser(t, object{"consents": []object{{"purpose": "talent-community"}}})
	if sure := c.fill(c.path, url.Values{"do": {"delete"}}); sure.status != 200 || !strings.Contains(string(sure.body), `value="erase"`) || c.state() != "talent-community:email=yes" {
		t.Fatalf("it is not asked once more: %d, %q", sure.status, c.state())
	}
	for range 2 { // twice is once
		done := c.fill(c.path, url.Values{"do": {"erase"}})
		if done.status != 200 || !strings.Contains(string(done.body), "6 December 2026") {
			t.Errorf("%d:\n%s", done.status, done.body)
		}
	}
	if got := c.state(); strings.Contains(got, "yes") {
		t.Errorf("in force is %q", got)
	}
	if r := c.request(); r.Kind != crm.RequestDeletion || r.State != crm.RequestVerifying || !r.DueAt.Equal(start().AddDate(0, 0, 30)) {
		t.Errorf("the request is %+v", r)
	}
	var page api.Page[crm.Task]
	c.call(http.MethodGet, "/v1/tasks", nil).want(200, &page)
	if len(page.Items) != 0 { // a person is asked once one is needed
		t.Errorf("tasks %+v", page.Items)
	}
}

// To what rests on a legitimate interest candidates object by one button, for good and on every channel.
func TestObjectionToOnePurpose(t *testing.T) {
	t.Parallel()
	c := newChooser(t, object{"consents": []object{{"purpose": "talent-community"}}})
	shown := string(c.send(http.MethodGet, c.path, nil, nil).body)
	if strings.Count(shown, `value="object"`) != 1 || !strings.Contains(shown, `name="purpose" value="sourced"`) {
		t.Fatalf("one purpose can be objected to:\n%s", shown)
	}
	if wrong := c.fill(c.path, url.Values{"do": {"object"}, "purpose": {"talent-community"}}); wrong.status != 422 {
		t.Errorf("an objection to what rests on consent: %d", wrong.status)
	}
	for range 2 {
		if done := c.fill(c.path, url.Values{"do": {"object"}, "purpose": {"sourced"}}); done.status != 200 || !strings.Contains(string(done.body), "You have objected.") {
			t.Errorf("%d:\n%s", done.status, done.body)
		}
	}
	if got := c.state(); got != "sourced:email=no sourced:sms=no talent-community:email=yes" {
		t.Errorf("in force is %q", got)
	}
	if r := c.request(); r.Kind != crm.RequestObjection || r.Purpose != "sourced" || r.State != crm.RequestAnswered {
		t.Errorf("the request is %+v", r)
	}
	if said := c.log(&client.AuditQuery{Actor: crm.ActorCandidate}); len(said) != 1 || said[0].Action+" "+said[0].Kind != "create request" {
		t.Errorf("of the candidate the audit log says %+v", said)
	}
}

func TestAnOldLinkIsReplacedByMail(t *testing.T) {
	t.Parallel()
	c := newChooser(t, nil)
	c.pass(366 * 24 * time.Hour)
	for _, path := range []string{c.path, "/p/cnd_x.y.z"} {
		dead := c.send(http.MethodGet, path, nil, nil)
		sent := c.fill(path, url.Values{"do": {"fresh"}})
		if dead.status != 404 || !strings.Contains(string(dead.body), `value="fresh"`) || sent.status != 200 {
			t.Errorf("%s: %d, then %d", path, dead.status, sent.status)
		}
	}
	c.fill(c.path, url.Values{"do": {"fresh"}})
	var asked int
	looked := &crm.Error{Code: "looked"}
	_, _ = c.store.Dispatch(t.Context(), c.id, func(in *crm.Inbox) (*crm.Dispatched, error) {
		for i := range in.Events {
			if in.Events[i].Type == crm.EventPreferencesWanted {
				asked++
			}
		}
		return nil, looked
	})
	if asked != 1 {
		t.Errorf("asked for %d links on one day", asked)
	}
	if _, err := c.store.Definition(t.Context(), "sequence", "preference-link", "", 0); err != nil {
		t.Errorf("nothing would send it: %v", err)
	}
}
