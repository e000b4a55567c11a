package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/store"
)

// heard are the events of somebody that came in as mails or texts, whole.
func (w *world) heard(candidateID string) []crm.Event {
	w.t.Helper()
	events, _, err := w.store.EventsOf(w.t.Context(), candidateID, 500, "")
	if err != nil {
		w.t.Fatal(err)
	}
	return slices.DeleteFunc(events, func(e crm.Event) bool { return e.Source != "sendgrid" && e.Source != "twilio" })
}

// inbound is a mail with some header.
func inbound(from, to, text string, header ...string) map[string]string {
	return map[string]string{
		"from": from, "text": text, "headers": strings.Join(header, "\n"), "envelope": fmt.Sprintf(`{"from":%q,"to":[%q]}`, from, to),
	}
}

// Which run a reply belongs to: by the token, by the thread, by the address.
func TestWhoseReply(t *testing.T) {
	t.Parallel()
	const careers = "careers@in.example"
	for name, tc := range map[string]struct {
		mail  func(first, second string) map[string]string
		after time.Duration // since the second message
		want  string        // whose: first, second, ann, both or nobody
		other bool          // it came from another address
	}{
		"token": {mail: func(first, _ string) map[string]string {
			return inbound("sarah@example.org", "reply+"+first+"@in.example", "x")
		}, want: "first"},
		"token, in capitals": {mail: func(first, _ string) map[string]string {
			return inbound("sarah@example.org", "REPLY+"+strings.ToUpper(first)+"@in.example", "x")
		}, want: "first"},
		"token before thread": {mail: func(first, second string) map[string]string {
			return inbound("sarah@example.org", "reply+"+first+"@in.example", "x", "In-Reply-To: <"+second+"@t>")
		}, want: "first"},
		"thread before address": {mail: func(first, _ string) map[string]string {
			return inbound("sarah@example.org", careers, "x", "In-Reply-To: <"+first+"@t>")
		}, want: "first"},
		"older in the references": {mail: func(first, _ string) map[string]string {
			return inbound("sarah@example.org", careers, "x", "In-Reply-To: <other@x>", "References: <"+first+"@t> <other@x>")
		}, want: "first"},
		"passed on": {mail: func(first, _ string) map[string]string {
			return inbound("tom@other.example", "reply+"+first+"@in.example", "x")
		}, want: "first", other: true},
		"passed on, by thread": {mail: func(_, second string) map[string]string {
			return inbound("tom@other.example", careers, "x", "References: <"+second+"@t>")
		}, want: "second", other: true},
		"long after, by token": {mail: func(first, _ string) map[string]string {
			return inbound("sarah@example.org", "reply+"+first+"@in.example", "x")
		}, after: 400 * 24 * time.Hour, want: "first"},
		"by address": {mail: func(string, string) map[string]string { return inbound("Sarah@Example.org", careers, "x") }, want: "second"},
		"token of nobody": {mail: func(string, string) map[string]string {
			return inbound("sarah@example.org", "reply+msg_00000000000000000000000000@in.example", "x")
		}, want: "second"},
		"a thread of others": {mail: func(string, string) map[string]string {
			return inbound("sarah@example.org", careers, "x", "In-Reply-To: <msg_1@t>")
		}, want: "second"},
		"by address, too late": {mail: func(string, string) map[string]string { return inbound("sarah@example.org", careers, "x") }, after: 31 * 24 * time.Hour, want: "both"},
		"not written to":       {mail: func(string, string) map[string]string { return inbound("ann@example.org", careers, "x") }, want: "ann"},
		"nobody":               {mail: func(string, string) map[string]string { return inbound("x@y.example", careers, "x") }, want: "nobody"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			// Sarah and Sam share an address; the last message went to Sam. Ann was never written to.
			sarah, sam, ann := w.candidate("1", "sarah@example.org", ""), w.candidate("2", "sarah@example.org", ""), w.candidate("3", "ann@example.org", "")
			first := w.message(sarah, crm.Email, "sarah@example.org")
			w.pass(time.Minute)
			second := w.message(sam, crm.Email, "sarah@example.org")
			w.pass(time.Minute + tc.after)
			w.mail(tc.mail(first, second)).want(204, nil)
			got := map[string]string{}
			for _, id := range []string{sarah, sam, ann} {
				for _, e := range w.heard(id) {
					got[id] += e.Type + " " + e.EnrollmentID + e.Text("message")
					if other, _ := e.Data["other_address"].(bool); other != tc.other {
						t.Errorf("from another address: %t", other)
					}
				}
			}
			run := func(id string) string {
				m, err := w.store.MessageByID(t.Context(), id)
				if err != nil {
					t.Fatal(err)
				}
				return "message.replied " + m.EnrollmentID + id
			}
			want := map[string]map[string]string{
				"first": {sarah: run(first)}, "second": {sam: run(second)}, "ann": {ann: "message.replied "}, "both": {sarah: "message.replied ", sam: "message.replied "}, "nobody": {},
			}[tc.want]
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			result := `rapport_inbound_total{channel="email",result="replied"} 1`
			if tc.want == "nobody" {
				result = `rapport_inbound_total{channel="email",result="nobody"} 1`
			}
			if metrics := string(w.send(http.MethodGet, "/metrics", nil, nil).body); !strings.Contains(metrics, result) {
				t.Errorf("metrics lack %s", result)
			}
		})
	}
}

// A text belongs to the last message to its number within thirty days, also of a run that is closed.
func TestWhoseText(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		from   string
		after  time.Duration
		closed bool
		want   string
	}{
		"soon":         {from: "+447700900123", want: "message.replied second"},
		"29 days":      {from: "+447700900123", after: 29 * 24 * time.Hour, want: "message.replied second"},
		"31 days":      {from: "+447700900123", after: 31 * 24 * time.Hour, want: "message.replied "},
		"a closed run": {from: "+447700900123", closed: true, want: "message.replied second"},
		"a stranger":   {from: "+447700900999", want: ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			sarah := w.candidate("1", "", "+447700900123")
			w.message(sarah, crm.SMS, "+447700900123")
			w.pass(time.Minute)
			second := w.message(sarah, crm.SMS, "+447700900123")
			w.pass(tc.after)
			if tc.closed {
				m, err := w.store.MessageByID(t.Context(), second)
				if err != nil {
					t.Fatal(err)
				}
				w.decided(m.EnrollmentID, func(_ *crm.Facts, d *crm.Decision) { d.Command, d.Outcome = crm.CommandExit, "completed" })
			}
			w.twilio("/webhooks/twilio/inbound", object{"MessageSid": "SM1", "From": tc.from, "To": "+447700900000", "Body": "Yes, gladly", "NumMedia": 1, "MediaContentType0": "image/png"}).want(200, nil)
			var lines []string
			for _, e := range w.heard(sarah) {
				lines = append(lines, e.Type+" "+strings.ReplaceAll(e.Text("message"), second, "second"))
				if diff := cmp.Diff([]any{object{"type": "image/png"}}, e.Data["attachments"]); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			}
			if got := strings.Join(lines, ", "); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

// What an event keeps of a mail.
func TestWhatIsKeptOfAReply(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sarah := w.candidate("1", "sarah@example.org", "")
	id := w.message(sarah, crm.Email, "sarah@example.org")
	raw := strings.Join([]string{
		"From: Sarah <sarah@example.org>", "Subject: =?iso-8859-1?Q?Gr=FC=DFe?=", "Message-ID: <1@x>", "In-Reply-To: <" + id + "@t>", "Content-Type: multipart/mixed; boundary=b", "",
		"--b", "Content-Type: text/plain; charset=iso-8859-1", "", "Gerne, sch\xf6n.", "", "Am 06.11.26 um 10:00 schrieb North:", "> Hallo",
		"--b", "Content-Type: application/pdf", "Content-Disposition: attachment; filename=cv.pdf", "", "12345",
	}, "\r\n") // it breaks off
	w.mail(map[string]string{"from": "sarah@example.org", "email": raw}).want(204, nil)
	events := w.heard(sarah)
	want := object{
		"message": id, "step": "thanks", "sequence": "nurses", "channel": "email", "subject": "Grüße", "text": "Gerne, schön.",
		"whole_text": "Gerne, schön.\n\nAm 06.11.26 um 10:00 schrieb North:\n> Hallo", "damaged": true,
		"attachments": []any{object{"name": "cv.pdf", "size": 5.0, "type": "application/pdf"}},
	}
	if len(events) != 1 {
		t.Fatalf("%d events", len(events))
	}
	if diff := cmp.Diff(want, events[0].Data); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	// The words are for keys that may read them.
	var page api.Page[api.TimelineEntry]
	words := func(scopes ...string) (all []string) {
		w.callAs(w.key(scopes...), http.MethodGet, "/v1/candidates/1/timeline", nil).want(200, &page)
		for _, e := range page.Items {
			if e.Said != nil {
				all = append(all, e.Said.Text)
			}
		}
		return all
	}
	if got := words("candidates:read"); got != nil {
		t.Errorf("a key for the timeline sees %q", got)
	}
	if got := words("candidates:read", "notes:read"); !slices.Contains(got, "Gerne, schön.") {
		t.Errorf("got %q", got)
	}
	huge := inbound("sarah@example.org", "reply+"+id+"@in.example", strings.Repeat("ä", 50_000), "Message-ID: <2@x>")
	w.mail(huge).want(204, nil)
	for _, e := range w.heard(sarah) {
		if n := len([]rune(e.Text("text"))); e.ExternalID == "mail/2@x" && n != 20_000 {
			t.Errorf("%d characters are kept", n)
		}
	}
}

// A bounce that comes as mail does what a provider's report of one does, if it is about a message of ours.
func TestBouncesByMail(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		status     string
		to         string
		back       string
		want       string
		suppressed bool
	}{
		"hard, by token":         {"Action: failed\nStatus: 5.1.1", "reply+ID@in.example", "", "message.bounced ID true", true},
		"hard, by what returned": {"Action: failed\nStatus: 5.1.1", "careers@in.example", "Message-ID: <ID@trust.example>", "message.bounced ID true", true},
		"soft":                   {"Action: failed\nStatus: 4.2.2", "reply+ID@in.example", "", "message.bounced ID false", false},
		"late":                   {"Action: delayed\nStatus: 4.4.1", "reply+ID@in.example", "", "", false},
		"about no message":       {"Final-Recipient: rfc822; sarah@example.org\nAction: failed\nStatus: 5.1.1", "careers@in.example", "", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			sarah := w.candidate("1", "sarah@example.org", "")
			id := w.message(sarah, crm.Email, "sarah@example.org")
			raw := strings.Join([]string{
				"From: Mailer <mailer-daemon@mx.example.org>", "Auto-Submitted: auto-replied", "Message-ID: <dsn@x>", "Content-Type: multipart/report; report-type=delivery-status; boundary=b", "",
				"--b", "", "It did not work.", "--b", "Content-Type: message/delivery-status", "", "Reporting-MTA: dns; mx", "", tc.status,
				"--b", "Content-Type: message/rfc822", "", strings.ReplaceAll(tc.back, "ID@", id+"@") + "\nSubject: Hi", "--b--",
			}, "\n")
			for range 2 { // it is posted again
				w.mail(map[string]string{"email": raw, "envelope": `{"from":"","to":["` + strings.ReplaceAll(tc.to, "ID", id) + `"]}`}).want(204, nil)
			}
			var lines []string
			for _, e := range w.heard(sarah) {
				lines = append(lines, fmt.Sprintf("%s %s %v", e.Type, strings.ReplaceAll(e.Text("message"), id, "ID"), e.Data["hard"]))
			}
			if got := strings.Join(lines, ", "); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
			suppressed, err := w.store.Suppressed(t.Context(), crm.Email, "sarah@example.org", crm.SuppressedBounce)
			if err != nil || suppressed != tc.suppressed {
				t.Errorf("suppressed: %t, %v", suppressed, err)
			}
			if w.consent(sarah, crm.Email) == "" {
				t.Error("the candidate has said nothing, and lost consent")
			}
		})
	}
}

// Whoever asks to be left alone, in words of their own, is left alone until a person has read it, but for what they are part of.
func TestReplyThatAsksToBeRemoved(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		text, header string
		asks         bool
	}{
		"English":            {"Please remove me from your mailing list.\n\nSarah", "", true},
		"German":             {"Bitte löschen Sie meine E-Mail-Adresse.", "", true},
		"French":             {"Merci de ne plus me contacter.", "", true},
		"Spanish":            {"Quiero darme de baja", "", true},
		"Dutch":              {"Verwijder mij uit uw mailinglijst", "", true},
		"subject alone":      {" ", "Subject: Unsubscribe", true},
		"only in the quote":  {"Gladly!\n\nOn Fri, 6 Nov 2026 at 10:00, North wrote:\n> Please remove me from your list", "", false},
		"by a machine":       {"Please remove me from your list", "Auto-Submitted: auto-replied", false},
		"an ordinary answer": {"I can't stop thinking about the role", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.call(http.MethodPut, "/v1/definitions", files(workspaceYAML,
				"sequence: nurture\npurpose: talent-community\nenroll: by hand\nsteps:\n  - wait: 3d\n  - id: ring\n    task: {title: Call}\n",
				"sequence: booked\npurpose: transactional\nenroll: by hand\nsteps:\n  - wait: 3d\n  - id: ring\n    task: {title: Call}\n")).want(200, nil)
			nurture := w.enrolled("ATS-1", "nurture")
			run, err := w.store.Enrollment(t.Context(), nurture)
			if err != nil {
				t.Fatal(err)
			}
			sarah := run.CandidateID
			w.call(http.MethodPut, "/v1/candidates/by-external-id/ATS-1", object{"email": "sarah@example.org", "owner": "maya@north.example"}).want(200, nil)
			booked := w.again(sarah, "booked")
			w.mail(inbound("sarah@example.org", "careers@in.example", tc.text, "Message-ID: <1@x>", tc.header)).want(204, nil)
			w.pass(time.Minute)
			if got := w.resting(nurture, booked); got != [2]bool{tc.asks, false} {
				t.Errorf("the runs rest: %v", got)
			}
			var page api.Page[crm.Task]
			w.call(http.MethodGet, "/v1/tasks?assignee=maya@north.example", nil).want(200, &page)
			if len(page.Items) > 0 != tc.asks || tc.asks && !strings.HasPrefix(page.Items[0].Title, "asks to be removed: ") {
				t.Errorf("tasks: %+v", page.Items)
			}
			if !tc.asks {
				return
			}
			// A person has read it, and decides that the run goes on. The mail comes once more: nothing is done again.
			w.call(http.MethodPost, "/v1/enrollments/"+nurture+"/resume", nil).want(202, nil)
			w.obey(sarah)
			w.mail(inbound("sarah@example.org", "careers@in.example", tc.text, "Message-ID: <1@x>", tc.header)).want(204, nil)
			if got := w.resting(nurture, booked); got != [2]bool{} {
				t.Errorf("after all of it the runs rest: %v", got)
			}
		})
	}
}

// again begins a run of another sequence for somebody.
func (w *world) again(candidate, sequence string) (run string) {
	w.t.Helper()
	d, err := w.store.Definition(w.t.Context(), "sequence", sequence, "", 0)
	if err != nil {
		w.t.Fatal(err)
	}
	run = crm.NewID(crm.PrefixEnrollment, w.clock())
	w.call(http.MethodPost, "/v1/events", object{"type": "custom.begin", "candidate": candidate}).want(200, nil)
	w.dispatch(candidate, func(in *crm.Inbox, out *crm.Dispatched) {
		out.Enrollments = []crm.Enrollment{{
			ID: run, Definition: sequence, Hash: d.Hash, CandidateID: in.Candidate.ID, N: 1, Status: crm.EnrollmentStarting, StartedAt: w.clock(),
		}}
	})
	return run
}

// resting tells which runs are paused.
func (w *world) resting(runs ...string) (paused [2]bool) {
	w.t.Helper()
	for i, id := range runs {
		run, err := w.store.Enrollment(w.t.Context(), id)
		if err != nil {
			w.t.Fatal(err)
		}
		paused[i] = run.Paused
	}
	return paused
}

// obey carries out what somebody's runs were told, as the dispatcher does.
func (w *world) obey(candidate string) {
	w.t.Helper()
	done, err := w.store.Dispatch(w.t.Context(), candidate, func(in *crm.Inbox) (*crm.Dispatched, error) {
		return dsl.Dispatch(&dsl.Set{}, in, w.clock()), nil
	})
	if err != nil || !done {
		w.t.Fatal(done, err)
	}
}

func TestNotes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.written("ATS-1")
	w.written("ATS-2")
	add := func(candidate, key string, note object) answer {
		header := http.Header{"Authorization": {"Bearer " + w.admin}, "Content-Type": {"application/json"}}
		if key != "" {
			header.Set("Idempotency-Key", key)
		}
		text, err := json.Marshal(note)
		if err != nil {
			t.Fatal(err)
		}
		return w.send(http.MethodPost, "/v1/candidates/"+candidate+"/notes", header, text)
	}
	var note, again api.KeptNote
	add("ATS-1", "k1", object{"kind": "call", "text": "Starts in May.", "at": "2026-11-05T10:00:00Z", "by": "maya@north.example"}).want(201, &note)
	if note.Kind != crm.RemarkCall || note.By != "maya@north.example" || note.At.Day() != 5 || note.Duplicate {
		t.Errorf("got %+v", note)
	}
	add("ATS-1", "k1", object{"kind": "call", "text": "Starts in May."}).want(201, &again)
	if !again.Duplicate || again.ID != note.ID {
		t.Errorf("got %+v", again)
	}
	add("ATS-2", "k1", object{"text": "x"}).problem(409, api.CodeConflict)
	add("nobody", "", object{"text": "x"}).problem(404, api.CodeNotFound)
	for name, body := range map[string]object{
		"no text": {"text": ""}, "blank": {"text": " \n"}, "too long": {"text": strings.Repeat("x", 20_001)}, "a kind of its own": {"text": "x", "kind": "fax"},
		"in the future": {"text": "x", "at": "2026-11-07T10:00:00Z"}, "by nobody": {"text": "x", "by": "Maya"}, "an id alone": {"text": "x", "id": "1"},
		"NUL": {"text": "a\x00"}, "our source": {"text": "x", "source": "idempotency-key", "id": "k1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := add("ATS-1", "", body)
			a.t = t
			a.problem(422, api.CodeInvalid)
		})
	}
	var byKey api.KeptNote
	add("ATS-1", "", object{"text": "by the key", "source": "phone", "id": "7"}).want(201, &byKey)
	if byKey.By != "test" || byKey.Kind != crm.RemarkNote || !byKey.At.Equal(w.clock()) {
		t.Errorf("got %+v", byKey)
	}
	var page api.Page[crm.Remark]
	w.call(http.MethodGet, "/v1/candidates/ATS-1/notes", nil).want(200, &page)
	if len(page.Items) != 2 || page.Items[0].ID != byKey.ID {
		t.Errorf("got %+v", page.Items)
	}
	reader := w.key("candidates:read", "candidates:write")
	w.callAs(reader, http.MethodGet, "/v1/candidates/ATS-1/notes", nil).problem(403, api.CodeForbidden)
	w.callAs(reader, http.MethodPost, "/v1/candidates/ATS-1/notes", object{"text": "x"}).problem(403, api.CodeForbidden)
	w.call(http.MethodDelete, "/v1/candidates/ATS-2/notes/"+note.ID, nil).problem(404, api.CodeNotFound)
	w.call(http.MethodDelete, "/v1/candidates/ATS-1/notes/"+note.ID, nil).want(204, nil)
	entries, _, err := w.store.Timeline(t.Context(), "ATS-1", 100, "")
	if err != nil || len(slices.DeleteFunc(entries, func(e store.Entry) bool { return e.Kind != store.EntryNote })) != 1 {
		t.Errorf("timeline: %+v, %v", entries, err)
	}
}
