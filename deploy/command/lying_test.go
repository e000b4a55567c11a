package command_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/api/client"
	"github.com/rapport-crm/rapport/deploy/embedded/sandbox"
)

const acknowledgements = `
workspace: lying
calendar: {days: mon-sun, hours: "00:00-24:00", zone: UTC}
quiet: {sms: none, email: none}
from: {email: "Lying <lying@north.example>", sms: "+447700900000", address: "1 Way, Leeds"}
---
sequence: acknowledged
purpose: transactional
per: application
enroll: {on: application.submitted}
steps:
  - id: receipt
    email: {subject: "We have it", body: "Thank you."}
  - id: text
    sms: {body: "We have your application. Reply STOP to opt out."}
`

// The providers lie: they take a message and drop the connection, answer 500 after taking it, or answer when nobody listens
// any more; they tell of it late, 46 times and in any order. No message reaches them twice, none is lost without a row that
// says so, and every unknown one that they took is settled once they tell.
func TestProviderThatLies(t *testing.T) {
	t.Parallel()
	v := &victim{t: t, dir: t.TempDir(), ports: freePorts(t)}
	v.start()
	t.Cleanup(v.stop)
	if _, err := v.client().ApplyDefinitions(t.Context(), []api.DefinitionFile{{Path: "lying.yaml", Text: acknowledgements}}); err != nil {
		t.Fatal(err)
	}
	const dropping, failing, slow, refusing = 8, 8, 3, 2 // how many people are written to while the provider does so
	v.importWithPhones(dropping + failing + slow + refusing)
	open := func(state string) string { return "select count(*) from messages where state = '" + state + "'" }
	const doubted = "select count(*) from messages where unknown_at is not null" // also those that a look-up has found meanwhile

	v.faults(sandbox.Faults{MuteWebhooks: true, DropNext: 2 * dropping})
	v.apply(0, dropping)
	v.until(doubted, 2*dropping)
	v.faults(sandbox.Faults{MuteWebhooks: true, FailNext: 2 * failing})
	v.apply(dropping, failing)
	v.until(doubted, 2*(dropping+failing))
	v.faults(sandbox.Faults{MuteWebhooks: true, DelayMS: 25_000}) // longer than a request may take
	v.apply(dropping+failing, slow)
	taken := 2 * (dropping + failing + slow)
	v.until(doubted, taken)
	v.faults(sandbox.Faults{MuteWebhooks: true, RefuseNext: 2 * refusing, RefuseStatus: http.StatusBadGateway}) // and are not taken
	v.apply(dropping+failing+slow, refusing)
	v.until(doubted, taken+2*refusing)
	if box := v.box(); box.Messages != taken || box.Duplicates != 0 {
		t.Fatalf("the providers took %d messages, %d of them twice, want %d", box.Messages, box.Duplicates, taken)
	}

	v.faults(sandbox.Faults{RepeatWebhooks: 45, ShuffleWebhooks: true})
	v.until(open("unknown"), 2*refusing)
	v.until(open("settled"), taken)
	v.until("select count(*) from events where type = 'message.delivered'", taken)
	v.settleByHand(2 * refusing)
	v.until("select count(*) from messages where state = 'refused' and reason = 'not_sent'", 2*refusing)
	if n := v.number("select count(*) from messages"); n != taken+2*refusing {
		t.Errorf("%d rows in the ledger, want %d", n, taken+2*refusing)
	}
	if n := v.number("select count(*) from events where type = 'message.delivered'"); n != taken {
		t.Errorf("%d deliveries, want one of each of %d messages", n, taken)
	}
	if box := v.box(); box.Messages != taken || box.Duplicates != 0 || box.WebhooksRefused != 0 {
		t.Errorf("in the end: %+v", box)
	}
}

func (v *victim) importWithPhones(n int) {
	v.t.Helper()
	var table strings.Builder
	table.WriteString("external_id,first_name,email,phone\n")
	for i := range n {
		fmt.Fprintf(&table, "L-%d,Ada,l%d@example.com,+44770091%04d\n", i, i, 2000+i)
	}
	s, err := v.client().ImportCandidates(v.t.Context(), strings.NewReader(table.String()), client.ImportOptions{})
	if err != nil || s.Created != n {
		v.t.Fatalf("%+v, %v", s, err)
	}
}

// apply has people apply.
func (v *victim) apply(first, n int) {
	v.t.Helper()
	var events []json.RawMessage
	for i := first; i < first+n; i++ {
		events = append(events, json.RawMessage(fmt.Sprintf(
			`{"specversion":"1.0","id":"apply-%d","source":"ats","subject":"L-%d","type":"application.submitted","data":{"application":"A-%d","role":"Nurse"}}`, i, i, i)))
	}
	results, err := v.client().SendBatch(v.t.Context(), events, "", false)
	if err != nil {
		v.t.Fatalf("%+v, %v", results, err)
	}
}

// faults makes the sandbox misbehave.
func (v *victim) faults(f sandbox.Faults) {
	v.t.Helper()
	body, err := json.Marshal(f)
	if err != nil {
		v.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(v.t.Context(), http.MethodPut, fmt.Sprintf("http://127.0.0.1:%d/sandbox/faults", v.ports[1]), bytes.NewReader(body))
	if err != nil {
		v.t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		v.t.Fatalf("faults were answered with %s", res.Status)
	}
}

// settleByHand settles what the provider will never tell of, as a person does who has looked.
func (v *victim) settleByHand(want int) {
	v.t.Helper()
	url, key := fmt.Sprint("http://127.0.0.1:", v.ports[0]), v.key()
	out, errOut, code := rapport(v.t, "messages", "unknown", "--json", "--url", url, "--api-key", key)
	if code != 0 {
		v.t.Fatalf("exit code %d: %s", code, errOut)
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != want {
		v.t.Fatalf("%d are listed as unknown, want %d: %s", len(lines), want, out)
	}
	for _, line := range lines {
		var m api.LedgerMessage
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			v.t.Fatal(err)
		}
		if m.UnknownReason == "" || m.ClaimedAt.IsZero() {
			v.t.Errorf("no evidence: %s", line)
		}
		_, errOut, code := rapport(v.t, "messages", "settle", m.ID, "--not-sent", "--note", "not in the sandbox", "--url", url, "--api-key", key)
		if code != 0 {
			v.t.Fatalf("exit code %d: %s", code, errOut)
		}
	}
}
