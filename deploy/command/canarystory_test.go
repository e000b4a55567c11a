package command_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/api/client"
	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/deploy/embedded/sandbox"
)

// canaryDefinitions have a candidate applied, written to, met and asked, and quote them wherever a definition can.
const canaryDefinitions = `
workspace: canary
calendar: {days: mon-sun, hours: "00:00-24:00", zone: UTC}
quiet: {sms: none, email: none}
from: {email: "Canary <canary@north.example>", sms: "+447700900000", address: "1 Way, Leeds"}
purposes:
  news: {basis: consent}
track: {transactional: {opens: true, clicks: true}}
statuses: [lead, applicant]
---
sequence: applied
purpose: transactional
per: application
enroll: {on: application.submitted}
steps:
  - id: receipt
    email:
      subject: "{{ candidate.first_name | default: 'Hello' }}, we have your application"
      body: |
        As {{ application.role | default: "one of us" }}. [What we do](https://careers.north.example/life). [Your choices]({{ links.preferences }}).
  - id: text
    sms: {body: "{{ candidate.first_name | default: 'Hello' }}, thank you. Reply STOP to opt out."}
  - id: moved
    ats: {move_to: Talk, push: [phone], note: "{{ candidate.last_name | default: 'They' }} applied."}
  - id: told
    emit: {event: custom.told, data: {name: "{{ candidate.first_name | default: 'them' }}"}}
  - id: call
    task: {title: "Call {{ candidate.first_name | default: 'them' }} {{ candidate.last_name | default: '' }}", assign: owner}
  - id: talk
    interview: talks
  - id: ask
    survey: {use: experience, by: email, timeout: 90d}
  - wait: 90d
  - id: later
    email: {subject: "How are you?", body: "Hello."}
---
interview: talks
purpose: transactional
enroll: by hand
rounds:
  - id: talk
    duration: 30m
    interviewers: recruiters
    offer: {slots: 12, notice: 1h, within: 1d}
    medium: phone
    attributes: [Care]
invite: {email: pick}
---
message: pick
channel: email
subject: "Pick a time"
body: "[Choose]({{ links.schedule }})."
---
survey: experience
intro: "How was it?"
questions:
  - {id: nps, ask: "Would you recommend us?", kind: nps}
  - {id: more, ask: "Anything else?", kind: text, optional: true}
anonymous_below: 5
`

// suspect is a candidate in all of whose fields there are words that are nowhere else.
type suspect struct {
	*victim

	name  string // in failures; nothing of it is sent
	phone string
	words map[string]string // by where they are put
	gone  time.Time         // when they were erased
}

func newSuspect(v *victim, name, phone string) *suspect {
	return &suspect{victim: v, name: name, phone: phone, words: map[string]string{"phone": phone}}
}

// word makes up a word for a place, the same each time.
func (p *suspect) word(place string) string {
	sum := sha256.Sum256([]byte(p.name + place))
	letters := []byte("Q")
	for _, b := range sum[:17] {
		letters = append(letters, 'a'+b%26)
	}
	p.words[place] = string(letters)
	return p.words[place]
}

// mailbox is the candidate's address.
func (p *suspect) mailbox() string { return strings.ToLower(p.word("email")) + "@example.com" }

// external is what the applicant tracking system calls them.
func (p *suspect) external() string { return "ATS-" + p.word("external id") }

// arrive has them imported, as one who was known under another id and address before, and something of them be known before that.
func (p *suspect) arrive() {
	p.t.Helper()
	p.tell(p.external(), "early", "page.viewed", map[string]any{"url": "https://careers.north.example/?q=" + p.word("url before they were known")})
	var table strings.Builder
	header := []string{
		"external_id", "first_name", "last_name", "email", "phone", "country", "region", "city", "time_zone", "locale", "status", "source", "owner", "seniority",
		"functions", "skills", "tags", "consents", "consented_at", "consent_wording", "consent_source",
	}
	fmt.Fprintln(&table, strings.Join(header, ","))
	fmt.Fprintln(&table, strings.Join([]string{
		p.external(), p.word("first name"), "O'" + p.word("last name") + "-Żółć", p.mailbox(), p.phone, "GB", p.word("region"), p.word("city"), "Europe/London", "en-GB", "lead",
		p.word("source"), "maya@north.example", p.word("seniority"), p.word("function"), p.word("skill"), strings.ToLower(p.word("tag")), "news:email+sms", "2026-09-01T09:00:00Z",
		p.word("wording"), p.word("consent source"),
	}, ","))
	fmt.Fprintf(&table, "OLD-%s,%s,,%s@example.com%s\n", p.word("old external id"), p.word("old first name"), strings.ToLower(p.word("old email")), strings.Repeat(",", len(header)-4))
	fmt.Fprintf(&table, "BAD-%s,,,no address of %s%s\n", p.word("refused external id"), p.word("refused email"), strings.Repeat(",", len(header)-4))
	file := filepath.Join(p.dir, "people.csv")
	if err := os.WriteFile(file, []byte(table.String()), 0o600); err != nil {
		p.t.Fatal(err)
	}
	if out, errOut, _ := rapport(p.t, "candidates", "import", file, "--url", p.address(), "--api-key", p.key()); !strings.Contains(out, "2 created, 0 changed, 0 unchanged, 1 rejected") {
		p.t.Fatalf("imported: %s%s", out, errOut)
	}
	attributes, err := json.Marshal(map[string]any{"external_id": p.external(), "attributes": map[string]any{"visa": p.word("attribute"), "children": []any{map[string]any{"of": p.word("attribute deep down")}}}})
	if err != nil {
		p.t.Fatal(err)
	}
	if _, err := p.client().UpsertCandidates(p.t.Context(), []json.RawMessage{attributes}); err != nil {
		p.t.Fatal(err)
	}
	if _, err := p.client().Merge(p.t.Context(), "OLD-"+p.word("old external id"), p.external()); err != nil {
		p.t.Fatal(err)
	}
}

// apply has them apply, look around and say things that nobody has a field for.
func (p *suspect) apply() {
	p.t.Helper()
	p.tell(p.external(), "apply", "application.submitted", map[string]any{
		"application": "APP-" + p.word("application id"), "role": p.word("role"), "role_function": p.word("role function"), "stage": p.word("stage"), "source": p.word("application source"),
		"answers": map[string]any{"why": p.word("answer"), "list": []any{p.word("answer in a list")}},
	})
	p.tell(p.external(), "view", "page.viewed", map[string]any{
		"url": "https://careers.north.example/?q=" + p.word("url"), "path": "/" + p.word("path"), "referrer": p.word("referrer"), "seconds": 3, "user_agent": p.word("user agent"),
	})
	p.tell(p.external(), "custom", "custom.said", map[string]any{p.word("name of a field"): p.word("custom data")})
	p.tell(p.external(), "referral", "referral.received", map[string]any{"by": p.word("referrer's name"), "relation": p.word("relation")})
	p.tell(p.external(), "evening", "event.registered", map[string]any{"name": p.word("event's name"), "kind": "evening"})
	p.tell(p.external(), "stage", "application.stage_changed", map[string]any{"application": "APP-" + p.word("application id"), "stage": p.word("next stage"), "reason": p.word("reason")})
}

// answer has them open and click what they were sent, and reply by mail and by text.
func (p *suspect) answer() {
	p.t.Helper()
	mail := p.mail("we have your application")
	tracked := regexp.MustCompile(`href="([^"]+/c/[^"]+)"`).FindStringSubmatch(mail.HTML)
	if tracked == nil {
		p.t.Fatalf("no link is tracked: %s", mail.HTML)
	}
	p.press("/mails/"+mail.ID+"/open", nil)
	p.press("/mails/"+mail.ID+"/click", url.Values{"url": {html.UnescapeString(tracked[1])}})
	p.reply(&mail)
	p.until("select count(*) from messages where step = 'text' and state in ('accepted', 'settled') and address = '"+p.phone+"'", 1)
	p.press("/phones/"+url.PathEscape(p.phone)+"/reply", url.Values{"to": {"+447700900000"}, "body": {"I am " + p.word("text message")}})
}

// reply writes a mail that quotes the one they got, and has a file with it.
func (p *suspect) reply(to *sandbox.Message) {
	p.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	file, err := form.CreateFormFile("attachment1", p.word("file name")+".pdf")
	if err == nil {
		_, err = file.Write([]byte("%PDF " + p.word("inside of a file")))
	}
	if err != nil {
		p.t.Fatal(err)
	}
	headers := "MIME-Version: 1.0\nMessage-ID: <" + p.word("message id") + "@mail.example>\nIn-Reply-To: " + to.MessageID + "\nReferences: " + to.MessageID + "\nSubject: Re: " + p.word("subject of a reply") +
		"\nFrom: " + p.word("display name") + " <" + p.mailbox() + ">\nTo: " + to.ReplyTo + "\nContent-Type: multipart/mixed; boundary=x\n"
	text := "I am " + p.word("reply") + ".\n\nOn Sunday, Canary wrote:\n> " + p.word("quoted") + "\n\n-- \n" + p.word("signature") + "\n"
	for _, field := range [][2]string{
		{"headers", headers},
		{"to", to.ReplyTo},
		{"from", p.mailbox()},
		{"subject", "Re: " + p.word("subject of a reply")},
		{"text", text},
		{"attachments", "1"},
		{"envelope", fmt.Sprintf(`{"to":[%q],"from":%q}`, to.ReplyTo, p.mailbox())},
		{"SPF", "pass"},
		{"dkim", "{@example.com : pass}"},
	} {
		if err := form.WriteField(field[0], field[1]); err != nil {
			p.t.Fatal(err)
		}
	}
	if err := form.Close(); err != nil {
		p.t.Fatal(err)
	}
	p.postSigned("/webhooks/sendgrid/inbound", form.FormDataContentType(), body.Bytes())
}

// postSigned posts what the sandbox's provider would, signed with its key.
func (v *victim) postSigned(path, contentType string, body []byte) {
	v.t.Helper()
	var pem string
	v.askOf("sandbox", "select pem from sandbox.signing_key", &pem)
	key, err := sandbox.ParseKey([]byte(pem))
	if err != nil {
		v.t.Fatal(err)
	}
	at := strconv.FormatInt(v.virtual().Unix(), 10)
	digest := sha256.Sum256(append([]byte(at), body...))
	signature, err := ecdsa.SignASN1(rand.Reader, key, digest[:])
	if err != nil {
		v.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(v.t.Context(), http.MethodPost, v.address()+path, bytes.NewReader(body))
	if err != nil {
		v.t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	req.Header.Set("X-Twilio-Email-Event-Webhook-Signature", base64.StdEncoding.EncodeToString(signature))
	req.Header.Set("X-Twilio-Email-Event-Webhook-Timestamp", at)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode/100 != 2 {
		text, _ := io.ReadAll(res.Body)
		v.t.Fatalf("%s was answered with %s: %s", path, res.Status, text)
	}
}

// virtual is what the installation's clock shows.
func (v *victim) virtual() time.Time {
	v.t.Helper()
	raw, err := os.ReadFile(filepath.Join(v.dir, "data", "clock.json"))
	var clock crm.Scale
	if err == nil {
		err = json.Unmarshal(raw, &clock)
	}
	if err != nil {
		v.t.Fatal(err)
	}
	return clock.Now(time.Now())
}

// pick has them pick a time and say what they need. Time flies: what was offered first is in the past by now.
func (p *suspect) pick() {
	p.t.Helper()
	page := p.linked("Pick a time", "/i/")
	var times [][]string
	for deadline := time.Now().Add(2 * time.Minute); len(times) == 0; time.Sleep(200 * time.Millisecond) {
		if time.Now().After(deadline) {
			p.t.Fatalf("no times are offered: %s", p.get(page))
		}
		times = regexp.MustCompile(`name="start"[^>]*value="([^"]+)"|value="([^"]+)"[^>]*name="start"`).FindAllStringSubmatch(p.get(page), -1)
	}
	last := times[len(times)-1]
	p.post(page, url.Values{"do": {"pick"}, "start": {last[1] + last[2]}, "needs": {"Please: " + p.word("needs")}})
}

// meet has their interviewer write down what they thought.
func (p *suspect) meet(d *diaries) {
	p.t.Helper()
	panel := p.panel(d)
	for deadline := time.Now().Add(2 * time.Minute); !strings.Contains(p.get(panel), `value="score"`); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(deadline) {
			p.t.Fatal("the interview does not begin")
		}
	}
	p.post(panel, url.Values{"do": {"score"}, "rating": {"4"}, "recommend": {"yes"}, "notes": {"They are " + p.word("scorecard")}, "notes_0": {p.word("scorecard on care")}})
}

// panel finds the interviewer's page of their interview in the calendar, which names them.
func (p *suspect) panel(d *diaries) string {
	p.t.Helper()
	var all string
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		all = d.text("ada")
		for event := range strings.SplitSeq(all, "BEGIN:VEVENT") {
			if link := regexp.MustCompile(`/v/[A-Za-z0-9._~-]+`).FindString(event); link != "" && strings.Contains(event, p.word("first name")) {
				return p.address() + link
			}
		}
	}
	p.t.Fatalf("the calendar has no event that names them: %s", all)
	return ""
}

// text is all of a calendar, its long lines put together again.
func (d *diaries) text(name string) string {
	d.t.Helper()
	found := d.ask("REPORT", name, "/"+name+"/work/", `<c:calendar-query xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"><d:prop><c:calendar-data/></d:prop>`+
		`<c:filter><c:comp-filter name="VCALENDAR"><c:comp-filter name="VEVENT"/></c:comp-filter></c:filter></c:calendar-query>`)
	return regexp.MustCompile(`(&#13;|\r)?\n[ \t]`).ReplaceAllString(found, "")
}

// judge has them answer the survey, choose what they want, and ask for a correction, which is answered.
func (p *suspect) judge() {
	p.t.Helper()
	p.post(p.linked("How was it", "/s/"), url.Values{"nps": {"9"}, "more": {"They were " + p.word("survey")}})
	choices := p.linked("we have your application", "/p/")
	p.post(choices, url.Values{"do": {"save"}, "shown": {"news:email", "news:sms"}, "want": {"news:email"}, "locale": {"en"}})
	p.post(choices, url.Values{"do": {"right"}, "right": {"rectification"}, "wish": {"My name is " + p.word("wish")}})
	requests, err := p.client().Requests(p.t.Context(), p.external(), false, 10, "")
	if err != nil || len(requests.Items) != 1 {
		p.t.Fatalf("%d requests, %v", len(requests.Items), err)
	}
	change := func(verb string, what any) {
		_, err := p.client().ChangeRequest(p.t.Context(), requests.Items[0].ID, verb, what)
		p.must(err)
	}
	change("verify", nil)
	change("extend", api.RequestExtension{Why: "Nobody knows " + p.word("why it takes longer")})
	change("answer", api.RequestAnswer{Answer: "You are " + p.word("answer to a request")})
}

// discuss has colleagues write about them, look at them and hold them.
func (p *suspect) discuss() {
	p.t.Helper()
	ctx, c := p.t.Context(), p.client()
	note := api.NewNote{Kind: crm.RemarkCall, Text: "Said " + p.word("note"), By: strings.ToLower(p.word("author")) + "@north.example", Source: p.word("note's source"), ID: p.word("note's id")}
	_, err := c.AddNote(ctx, p.external(), &note, "")
	p.must(err)
	hold, err := c.AddHold(ctx, &api.NewHold{Candidate: p.external(), Why: "A claim about " + p.word("hold")})
	p.must(err)
	_, err = c.LiftHold(ctx, hold.ID)
	p.must(err)
	tasks, err := c.Tasks(ctx, crm.TaskOpen, 100, "")
	p.must(err)
	for _, task := range tasks.Items {
		if strings.Contains(task.Title, p.word("first name")) {
			p.postJSON("/v1/tasks/"+task.ID+"/complete", api.TaskDone{Outcome: p.word("task's outcome"), Note: p.word("task's note")})
		}
	}
	for _, path := range []string{
		"/v1/candidates/" + p.external(), "/v1/candidates/" + p.external() + "/timeline", "/v1/candidates/" + p.external() + "/events", "/v1/candidates/" + p.external() + "/retention",
		"/v1/candidates?search=" + p.word("first name"), "/v1/tasks?candidate=" + p.external(), "/v1/erasures?candidate=" + p.external(), "/v1/candidates/none-" + p.word("id that is not known"),
	} {
		p.look(path)
	}
	_, err = c.Suppress(ctx, []api.SuppressionInput{{Address: p.mailbox(), Channel: crm.Email, Reason: crm.SuppressedManual}})
	p.must(err)
}

func (v *victim) must(err error) {
	v.t.Helper()
	if err != nil {
		v.t.Fatal(err)
	}
}

// kept are the places whose words Rapport keeps: all but those that it leaves out when it takes something in.
func (p *suspect) kept() []string {
	left := []string{
		"refused external id", "refused email", "old first name", "old email", // of a row that was refused, and of a record that was merged
		"inside of a file", "display name", "id that is not known",
	}
	return slices.DeleteFunc(slices.Sorted(maps.Keys(p.words)), func(place string) bool { return slices.Contains(left, place) })
}

// tell sends an event about them, with an id and a source that name them too.
func (p *suspect) tell(subject, id, kind string, data map[string]any) {
	p.t.Helper()
	line, err := json.Marshal(map[string]any{
		"specversion": "1.0", "id": id + "-" + p.word("id of an event"), "source": "ats/" + p.word("source of an event"), "subject": subject, "type": kind, "data": data,
	})
	p.must(err)
	if s, err := p.client().SendEvents(p.t.Context(), bytes.NewReader(line), client.SendOptions{}); err != nil || s.Rejected != 0 {
		p.t.Fatalf("%s: %+v, %v", kind, s, err)
	}
}

// mail waits for a mail to them whose subject has some words.
func (p *suspect) mail(subject string) (found sandbox.Message) {
	p.t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		var list struct {
			Messages []sandbox.Message `json:"messages"`
		}
		p.must(json.Unmarshal([]byte(p.get(fmt.Sprintf("http://127.0.0.1:%d/sandbox/messages?to=%s", p.ports[1], p.mailbox()))), &list))
		for _, m := range list.Messages {
			if strings.Contains(m.Subject, subject) {
				return m
			}
		}
	}
	p.t.Fatalf("%s has no mail about %q", p.name, subject)
	return found
}

// linked is the address of a page that a mail to them has a link to.
func (p *suspect) linked(subject, path string) string {
	p.t.Helper()
	mail := p.mail(subject)
	link := regexp.MustCompile(regexp.QuoteMeta(path) + `[A-Za-z0-9._~-]+`).FindString(mail.HTML + mail.Text)
	if link == "" {
		p.t.Fatalf("no link to %s: %s", path, mail.HTML)
	}
	return p.address() + link
}

func (v *victim) address() string { return fmt.Sprint("http://127.0.0.1:", v.ports[0]) }

// press presses a button of the sandbox.
func (v *victim) press(path string, form url.Values) {
	v.t.Helper()
	v.post(fmt.Sprintf("http://127.0.0.1:%d%s", v.ports[1], path), form)
}

// post posts a form, as a browser does.
func (v *victim) post(address string, form url.Values) {
	v.t.Helper()
	req, err := http.NewRequestWithContext(v.t.Context(), http.MethodPost, address, strings.NewReader(form.Encode()))
	v.must(err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := http.DefaultTransport.RoundTrip(req)
	v.must(err)
	defer res.Body.Close()
	if res.StatusCode >= 400 {
		text, _ := io.ReadAll(res.Body)
		v.t.Fatalf("POST %s %v: %s %s", address, form, res.Status, text)
	}
}

func (v *victim) postJSON(path string, what any) {
	v.t.Helper()
	text, err := json.Marshal(what)
	v.must(err)
	res := v.request(http.MethodPost, path, bytes.NewReader(text))
	defer res.Body.Close()
	if res.StatusCode >= 400 {
		text, _ := io.ReadAll(res.Body)
		v.t.Fatalf("POST %s: %s %s", path, res.Status, text)
	}
}

// look reads something, whatever the answer is.
func (v *victim) look(path string) (text []byte, status int) {
	v.t.Helper()
	res := v.request(http.MethodGet, path, http.NoBody)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	v.must(err)
	return text, res.StatusCode
}

func (v *victim) request(method, path string, body io.Reader) *http.Response {
	v.t.Helper()
	req, err := http.NewRequestWithContext(context.WithoutCancel(v.t.Context()), method, v.address()+path, body)
	v.must(err)
	req.Header.Set("Authorization", "Bearer "+v.key())
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	v.must(err)
	return res
}
