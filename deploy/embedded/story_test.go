package embedded_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/api/client"
	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/deploy/embedded"
	"github.com/rapport-crm/rapport/examples"
)

// The whole of Rapport, through the doors that its users have: definitions, candidates and events come in by the API, mail
// and texts are read in the sandbox, and what candidates do is done with its buttons. A day passes in half a second.
func TestStory(t *testing.T) {
	t.Parallel()
	r := start(t, 2*24*3600)
	r.publish()
	r.importCandidates()
	for _, candidate := range []string{"click", "silence", "reply", "reluctant"} {
		r.event(candidate, "application.submitted", map[string]any{"application": "A-" + candidate, "role": "Theatre nurse"})
		r.event(candidate, "application.rejected", map[string]any{"application": "A-" + candidate, "reason": "silver_medallist"})
	}
	for _, candidate := range []string{"click", "silence", "reply", "reluctant"} {
		if ack := r.mail(candidate, "application-acknowledged/receipt"); ack.Subject != "We have your application for Theatre nurse" {
			t.Errorf("%s was acknowledged with %q", candidate, ack.Subject)
		}
	}

	thanks := r.mail("click", "silver-medallist-nurses/thanks")
	if thanks.Subject != "Sarah, thank you, and please stay in touch" || !strings.Contains(thanks.Text, "https://careers.trust.example/theatre") {
		t.Errorf("thanked with %q: %s", thanks.Subject, thanks.HTML)
	}
	tracked := regexp.MustCompile(`href="(http://127.0.0.1:\d+/c/[^"]+)">See how`).FindStringSubmatch(thanks.HTML)
	if tracked == nil {
		t.Fatalf("the mail has no link that is tracked: %s", thanks.HTML)
	}
	r.press("/mails/"+thanks.ID+"/click", url.Values{"url": {tracked[1]}})
	r.press("/mails/"+r.mail("reply", "silver-medallist-nurses/thanks").ID+"/reply", url.Values{"text": {"Yes please, call me."}})

	r.told("click", "branch", "heard", "clicked")
	r.told("click", "task", "call", "")
	tasks, err := r.client.Tasks(t.Context(), crm.TaskOpen, 10, "")
	if err != nil || len(tasks.Items) != 1 || tasks.Items[0].Title != "Call Sarah about theatre roles" || tasks.Items[0].Assignee != "maya@trust.example" {
		t.Errorf("tasks: %+v, %v", tasks.Items, err)
	}
	r.outcome("reply", "replied")
	r.told("silence", "branch", "heard", "timeout")
	if text := r.text("+447700900203"); !strings.Contains(text.Text, "Reply and") {
		t.Errorf("the nudge is %q", text.Text)
	}
	r.told("reply", "exit", "", "replied")
	r.told("reluctant", "skipped", "thanks", "")
	r.told("reluctant", "branch", "heard", "timeout")
	// Days pass quickly here: the first letters of the quarter may have gone out by now.
	if stats := r.stats(); stats.Duplicates != 0 || stats.Texts != 1 || stats.Mails < 4+3 {
		t.Errorf("the sandbox has %+v", stats)
	}
	r.temporalTells()
	r.event("click", "offer.accepted", map[string]any{"application": "A-click"})
	r.atsTold()
}

// inTheATS is a sequence that tells the applicant tracking system.
const inTheATS = `
sequence: in-the-ats
purpose: transactional
per: application
enroll: {on: offer.accepted}
steps:
  - id: moved
    ats: {move_to: Onboarding, push: [phone], note: "{{ candidate.first_name | default: 'They' }} said yes."}
`

// atsTold waits until the sandbox's applicant tracking system was told, and holds the whole of it against what it should be.
func (r *rig) atsTold() {
	r.t.Helper()
	var list struct {
		Updates []struct {
			Body struct{ Data map[string]any }
		}
	}
	eventually(r.t, func() string {
		r.read(r.sandbox("/sandbox/ats"), &list)
		if len(list.Updates) == 0 {
			return "the applicant tracking system was told nothing"
		}
		return ""
	})
	want := map[string]any{
		"candidate": "click", "application": "A-click", "move_to": "Onboarding", "fields": map[string]any{"phone": "+447700900201"},
		"note": "Sarah said yes.", "sequence": "in-the-ats", "step": "moved",
	}
	if diff := cmp.Diff(want, list.Updates[0].Body.Data); diff != "" || len(list.Updates) != 1 {
		r.t.Errorf("the applicant tracking system was told %d times: %s", len(list.Updates), diff)
	}
}

// rig is a running `rapport up`.
type rig struct {
	t      *testing.T
	config embedded.Config
	out    *output
	client *client.Client
}

// start runs everything on free ports, at so many virtual seconds per second, until the test ends.
func start(t *testing.T, factor float64) *rig {
	t.Helper()
	r := &rig{t: t, out: &output{}}
	r.config = embedded.Config{
		Data: filepath.Join(t.TempDir(), "data"), Ports: freePorts(t), SMSNumbers: []string{"+447700900000"}, TimeScale: factor,
		Out: r.out, Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
	ctx, cancel := context.WithCancel(context.Background())
	stopped := make(chan error, 1)
	go func() { stopped <- embedded.Run(ctx, r.config) }()
	t.Cleanup(func() {
		cancel()
		if err := <-stopped; err != nil {
			t.Errorf("stopped with: %v", err)
		}
	})
	eventually(t, func() string {
		if strings.Contains(r.out.String(), "Ctrl-C") {
			return ""
		}
		select {
		case err := <-stopped:
			t.Fatalf("did not start: %v", err)
		default:
		}
		return "not ready: " + r.out.String()
	})
	key, err := os.ReadFile(filepath.Join(r.config.Data, "admin.key"))
	if err != nil {
		t.Fatal(err)
	}
	r.client = client.New(fmt.Sprint("http://127.0.0.1:", r.config.Ports.API), strings.TrimSpace(string(key)))
	return r
}

func freePorts(t *testing.T) embedded.Ports {
	t.Helper()
	var ports [5]int
	for i := range ports {
		l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // a local port is taken at once
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		ports[i] = l.Addr().(*net.TCPAddr).Port
	}
	return embedded.Ports{API: ports[0], Sandbox: ports[1], TemporalUI: ports[2], Temporal: ports[3], Postgres: ports[4]}
}

func (r *rig) publish() {
	r.t.Helper()
	var files []api.DefinitionFile
	for _, name := range []string{"workspace.yaml", "application-acknowledged.yaml", "silver-medallist-nurses.yaml"} {
		text, err := examples.Files.ReadFile(name)
		if err != nil {
			r.t.Fatal(err)
		}
		files = append(files, api.DefinitionFile{Path: name, Text: string(text)})
	}
	files = append(files, api.DefinitionFile{Path: "in-the-ats.yaml", Text: inTheATS})
	if _, err := r.client.ApplyDefinitions(r.t.Context(), files); err != nil {
		r.t.Fatal(err)
	}
}

const people = `external_id,first_name,last_name,email,phone,time_zone,owner,functions,consents,consented_at
click,Sarah,Okafor,click@example.com,+447700900201,Europe/London,maya@trust.example,nursing,talent-community:email+sms,2026-09-01T09:00:00Z
reply,Lívia,da Silva,reply@example.com,+447700900202,Europe/London,maya@trust.example,nursing,talent-community:email+sms,2026-09-01T09:00:00Z
silence,Mia,Nguyen,silence@example.com,+447700900203,Europe/London,maya@trust.example,nursing,talent-community:email+sms,2026-09-01T09:00:00Z
reluctant,Tom,Whitfield,reluctant@example.com,,Europe/London,maya@trust.example,nursing,,
`

func (r *rig) importCandidates() {
	r.t.Helper()
	s, err := r.client.ImportCandidates(r.t.Context(), strings.NewReader(people), client.ImportOptions{})
	if err != nil || s.Created != 4 {
		r.t.Fatalf("import: %+v, %v", s, err)
	}
}

func (r *rig) event(subject, eventType string, data map[string]any) {
	r.t.Helper()
	line, err := json.Marshal(map[string]any{"specversion": "1.0", "source": "ats", "id": subject + eventType, "type": eventType, "subject": subject, "data": data})
	if err != nil {
		r.t.Fatal(err)
	}
	results, err := r.client.SendBatch(r.t.Context(), []json.RawMessage{line}, "", false)
	if err != nil || len(results.Results) != 1 || results.Results[0].Status != api.ItemAccepted {
		r.t.Fatalf("%s of %s: %+v, %v", eventType, subject, results, err)
	}
}

// message is what the sandbox keeps of a message.
type message struct {
	ID      string          `json:"id"`
	Subject string          `json:"subject"`
	HTML    string          `json:"html"`
	Text    string          `json:"text"`
	Raw     json.RawMessage `json:"raw"`
}

func (r *rig) sandbox(path string) string {
	return fmt.Sprintf("http://127.0.0.1:%d%s", r.config.Ports.Sandbox, path)
}

func (r *rig) read(address string, into any) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, address, http.NoBody)
	if err != nil {
		r.t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		r.t.Fatalf("GET %s: %s %v %s", address, res.Status, err, raw)
	}
	if into == nil {
		return
	}
	if err := json.Unmarshal(raw, into); err != nil {
		r.t.Fatalf("GET %s: %v: %.300s", address, err, raw)
	}
}

// mail waits for a candidate's mail of a step.
func (r *rig) mail(candidate, category string) message {
	r.t.Helper()
	return r.find("to="+candidate+"@example.com", func(m *message) bool { return strings.Contains(string(m.Raw), `"`+category+`"`) })
}

func (r *rig) text(number string) message {
	r.t.Helper()
	return r.find("provider=twilio&direction=outbound&to="+url.QueryEscape(number), func(*message) bool { return true })
}

func (r *rig) find(query string, fits func(*message) bool) (found message) {
	r.t.Helper()
	eventually(r.t, func() string {
		var list struct {
			Messages []message `json:"messages"`
		}
		r.read(r.sandbox("/sandbox/messages?"+query), &list)
		for _, m := range list.Messages {
			r.read(r.sandbox("/sandbox/messages/"+m.ID), &found)
			if fits(&found) {
				return ""
			}
		}
		return fmt.Sprintf("no such message among %d of %s", len(list.Messages), query)
	})
	return found
}

type stats struct{ Mails, Texts, Duplicates int }

func (r *rig) stats() (s stats) {
	r.t.Helper()
	r.read(r.sandbox("/sandbox/stats"), &s)
	return s
}

// press presses a button of the sandbox.
func (r *rig) press(path string, form url.Values) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, r.sandbox(path), strings.NewReader(form.Encode()))
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := (&http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusSeeOther {
		r.t.Fatalf("POST %s: %s", path, res.Status)
	}
}

// outcome waits for the end of a candidate's nurture.
func (r *rig) outcome(candidate, want string) {
	r.t.Helper()
	eventually(r.t, func() string {
		runs, err := r.client.Enrollments(r.t.Context(), candidate, 10, "")
		if err != nil {
			r.t.Fatal(err)
		}
		for _, run := range runs.Items {
			if run.Definition == "silver-medallist-nurses" && run.Outcome == want {
				return ""
			}
		}
		return fmt.Sprintf("%s did not end as %s: %+v", candidate, want, runs.Items)
	})
}

// told waits until a candidate's timeline has a line.
func (r *rig) told(candidate, kind, step, outcome string) {
	r.t.Helper()
	eventually(r.t, func() string {
		page, err := r.client.Timeline(r.t.Context(), candidate, 200, "")
		if err != nil {
			r.t.Fatal(err)
		}
		for _, e := range page.Items {
			if e.Definition == "silver-medallist-nurses" && string(e.Kind) == kind && e.Step == step && e.Outcome == outcome {
				return ""
			}
		}
		return fmt.Sprintf("the timeline of %s does not tell of %s %s %s", candidate, kind, step, outcome)
	})
}

// temporalTells checks that the Temporal UI lists the runs with what engineers look for.
func (r *rig) temporalTells() {
	r.t.Helper()
	base := fmt.Sprintf("http://127.0.0.1:%d", r.config.Ports.TemporalUI)
	r.read(base+"/namespaces/default/workflows", nil)
	eventually(r.t, func() string {
		var list struct {
			Executions []json.RawMessage `json:"executions"`
		}
		r.read(base+"/api/v1/namespaces/default/workflows?query="+url.QueryEscape(`RapportDefinition="silver-medallist-nurses" AND RapportOutcome="replied"`), &list)
		if len(list.Executions) != 1 {
			return fmt.Sprintf("%d runs ended as replied", len(list.Executions))
		}
		return ""
	})
}

// eventually waits for a condition; what it returns says what is missing.
func eventually(t *testing.T, missing func() string) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		what := missing()
		if what == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("gave up waiting: %s", what)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// output is what `rapport up` prints.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write keeps it.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}
