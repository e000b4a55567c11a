package command_test

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/api/client"
	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/deploy/command"
	"github.com/rapport-crm/rapport/deploy/local"
)

const (
	forgotten    = 2400 // candidates whose time is over
	remembered   = 200  // candidates whose time is not
	noticeKills  = 4
	erasureKills = 6
	// clockSlack is how long after an answer an erasure may say that it was before it, on a machine that is busy.
	clockSlack = 250 * time.Millisecond
)

const quietPolicy = `
workspace: kill
calendar: {days: mon-sun, hours: "00:00-24:00", zone: UTC}
quiet: {email: none}
statuses: [lead]
purposes: {news: {basis: consent, wording: "Hear from us"}}
from: {email: "Kill <kill@north.example>", address: "1 Way, Leeds"}
---
message: stay
channel: email
subject: "We remove your details"
body: "[Stay]({{ links.consent }})"
---
retention: quiet
basis: GDPR Art. 5(1)(e)
daily: {at: "03:00", zone: UTC}
applies_to: candidate.status == "lead"
keep: {for: 6mo, after: 'has(candidate.last_activity_at) ? candidate.last_activity_at : candidate.created_at'}
notice: {before: 30d, email: stay, extend: 12mo, on: consent.granted}
then: erase
guard: {max_share: 100%}
`

// Ten times over, everything is killed with SIGKILL at a random moment while a policy tells thousands of candidates that it takes their
// data, and then takes them, while holds are placed, people say yes and do things. Everybody who was due is erased, once, with a receipt;
// nobody is told twice; and nobody is erased once it was answered that their hold, their yes or what they did has arrived.
func TestKilledWhileErasing(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes minutes")
	}
	v := &victim{t: t, dir: t.TempDir(), ports: freePorts(t)}
	v.start()
	t.Cleanup(v.stop)
	v.publishFiles("quiet.yaml", quietPolicy)
	v.importQuiet()

	told := "select count(*) from messages where state <> 'planned'"
	v.killedWhile(noticeKills, told)
	v.until(`select count(*) from messages where state = 'planned'`, 0)
	if n := v.number(`select count(*) from (select from retention_notices group by candidate_id having count(*) > 1) twice`); n != 0 {
		t.Errorf("%d candidates have two notices", n)
	}
	if box, notices := v.box(), v.number(`select count(*) from retention_notices`); box.Duplicates != 0 || box.Mails > notices || notices != forgotten {
		t.Errorf("%d notices for %d candidates; %d mails, %d of them twice", notices, forgotten, box.Mails, box.Duplicates)
	}
	v.passDays(40)

	arriving := v.arrive()
	t.Cleanup(arriving.end)
	v.killedWhile(erasureKills, `select count(*) from erasures`)
	arriving.end()
	v.checkErased(arriving)
}

// killedWhile runs the policy, and kills everything some times at random moments at which a number grows. Then it waits until the run is done.
func (v *victim) killedWhile(times int, progress string) {
	v.t.Helper()
	run, err := v.client().RunRetention(v.t.Context(), "quiet")
	if err != nil {
		v.t.Fatal(err)
	}
	over := fmt.Sprintf(`select count(*) from retention_runs where policy = 'quiet' and day = '%s' and state = 'done'`, run.Day)
	during := 0
	for range times {
		began := v.number(progress)
		for deadline := time.Now().Add(time.Minute); v.number(progress) == began && v.number(over) == 0; time.Sleep(20 * time.Millisecond) {
			if time.Now().After(deadline) {
				v.t.Fatalf("nothing went on for a minute: %s", v.text(`select state || ' ' || error from retention_runs order by day desc limit 1`))
			}
		}
		time.Sleep(time.Duration(rand.Int64N(int64(time.Second))))
		if v.number(over) == 0 {
			during++
		}
		v.kill()
		v.start()
	}
	v.until(over, 1)
	v.t.Logf("%d of %d kills during the run", during, times)
	if during < times/2 {
		v.t.Errorf("only %d of %d kills were during the run", during, times)
	}
}

func (v *victim) publishFiles(path, text string) {
	v.t.Helper()
	if _, err := v.client().ApplyDefinitions(v.t.Context(), []api.DefinitionFile{{Path: path, Text: text}}); err != nil {
		v.t.Fatal(err)
	}
}

// importQuiet imports candidates, a tenth of them from Leeds, and makes those who are to be forgotten a year old.
func (v *victim) importQuiet() {
	v.t.Helper()
	var table strings.Builder
	table.WriteString("external_id,first_name,email,status,city\n")
	for i := range forgotten + remembered {
		city := "York"
		if i%10 == 0 {
			city = "Leeds"
		}
		fmt.Fprintf(&table, "K-%d,Ada,k%d@example.com,lead,%s\n", i, i, city)
	}
	s, err := v.client().ImportCandidates(v.t.Context(), strings.NewReader(table.String()), client.ImportOptions{})
	if err != nil || s.Created != forgotten+remembered {
		v.t.Fatalf("%+v, %v", s, err)
	}
	v.until(`select count(*) from events where position is null`, 0)
	v.changed(fmt.Sprintf(`update candidates set created_at = created_at - interval '1 year', last_activity_at = null
		where substr(external_id, 3)::int < %d returning 1`, forgotten), forgotten)
}

// changed runs a statement beside the process that changes so many rows.
func (v *victim) changed(statement string, rows int) {
	v.t.Helper()
	if n := v.number("with changed as (" + statement + ") select count(*) from changed"); n != rows {
		v.t.Fatalf("%s changed %d rows", statement, n)
	}
}

// passDays has the notices be some days older. Those of whom nobody knows whether they were sent stay as they are.
func (v *victim) passDays(days int) {
	v.t.Helper()
	sent := v.number(`select count(*) from messages where state in ('accepted', 'settled')`)
	v.changed(fmt.Sprintf(`update messages set planned_at = planned_at - %[1]s, accepted_at = accepted_at - %[1]s, changed_at = changed_at - %[1]s
		where state in ('accepted', 'settled') returning 1`, fmt.Sprintf("interval '%d days'", days)), sent)
	v.changed(fmt.Sprintf(`update retention_notices set due = due - interval '%d days' returning 1`, days), forgotten)
}

// arrivals are what arrives while a run takes data: when it was answered that it has.
type arrivals struct {
	v     *victim
	stop  chan struct{}
	once  sync.Once // of stopping
	ended chan struct{}
	ids   map[string]string    // of candidates by external id
	held  map[string]time.Time // by candidate's id
	said  map[string]time.Time // who said yes, or did something
	leeds time.Time            // when everybody of Leeds was put under a hold
	tries int
}

// arrive places holds and sends events for candidates at random, one after the other, through all kills.
func (v *victim) arrive() *arrivals {
	v.t.Helper()
	a := &arrivals{
		v: v, stop: make(chan struct{}), ended: make(chan struct{}), ids: map[string]string{}, held: map[string]time.Time{}, said: map[string]time.Time{},
	}
	for pair := range strings.FieldsSeq(v.text(`select string_agg(external_id || '=' || id, ' ') from candidates`)) {
		name, id, _ := strings.Cut(pair, "=")
		a.ids[name] = id
	}
	order := rand.Perm(forgotten)
	go func() {
		defer close(a.ended)
		for i, n := range order {
			select {
			case <-a.stop:
				return
			case <-time.After(100 * time.Millisecond):
			}
			a.next(i, fmt.Sprint("K-", n))
		}
	}()
	return a
}

// end stops them.
func (a *arrivals) end() {
	a.once.Do(func() { close(a.stop) })
	<-a.ended
}

// next lets one thing arrive. Where nobody answers nothing is known of it.
func (a *arrivals) next(i int, name string) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	c := client.New(fmt.Sprint("http://127.0.0.1:", a.v.ports[0]), a.v.key())
	id := a.ids[name]
	a.tries++
	if a.leeds.IsZero() && i > 40 {
		if _, err := c.AddHold(ctx, &api.NewHold{Condition: `candidate.city == "Leeds"`, Why: "a claim"}); err == nil {
			a.leeds = time.Now()
		}
		return
	}
	event := map[string]any{"specversion": "1.0", "id": fmt.Sprint("yes-", i), "source": "page", "subject": name}
	switch i % 3 {
	case 0:
		if _, err := c.AddHold(ctx, &api.NewHold{Candidate: name, Why: "a claim"}); err == nil {
			a.held[id] = time.Now()
		}
		return
	case 1:
		event["type"], event["data"] = "consent.granted", map[string]any{"purpose": "news", "channels": []string{"email"}, "source": "page", "wording": "Hear from us"}
	case 2:
		event["type"], event["data"] = "page.viewed", map[string]any{"url": "https://north.example/jobs"}
	}
	line, err := json.Marshal(event)
	if err != nil {
		a.v.t.Error(err)
		return
	}
	if _, err := c.SendBatch(ctx, []json.RawMessage{line}, fmt.Sprint("yes-", i), false); err == nil {
		a.said[id] = time.Now()
	}
}

// checkErased checks the receipts, and who was erased and who was not.
func (v *victim) checkErased(a *arrivals) {
	v.t.Helper()
	erased := v.receipts()
	for id, at := range a.held {
		if was, gone := erased[id]; gone {
			v.t.Errorf("%s was erased at %s, and their hold was in place at %s", id, was, at)
		}
	}
	late := func(id string, at time.Time, why string) {
		if was := erased[id]; was.After(at.Add(clockSlack)) {
			v.t.Errorf("%s was erased %s after %s", id, was.Sub(at), why)
		}
	}
	for id, at := range a.said {
		late(id, at, "their yes or what they did had arrived")
	}
	if !a.leeds.IsZero() {
		for name, id := range a.ids {
			if strings.HasSuffix(name, "0") {
				late(id, a.leeds, "a hold was on everybody of Leeds")
			}
		}
	}
	v.t.Logf("%d erased; of %d arrivals %d holds and %d events were answered for, a hold on Leeds: %v", len(erased), a.tries, len(a.held), len(a.said), !a.leeds.IsZero())
	if len(a.held) == 0 || len(a.said) == 0 || a.leeds.IsZero() {
		v.t.Error("too little arrived to show anything")
	}
	v.until(`select count(*) from events where position is null`, 0)
	if n := v.number(`select count(*) from candidates`); n+len(erased) != forgotten+remembered {
		v.t.Errorf("%d are left of %d, and %d receipts", n, forgotten+remembered, len(erased))
	}
	// Nobody was skipped: whoever is left has something that stands against it, or a notice of which it was not known in time whether it went.
	if n := v.number(`select count(*) from candidates c join retention_notices n on n.candidate_id = c.id join messages m on m.id = n.message_id
		where c.city <> 'Leeds' and c.last_activity_at is null and m.accepted_at < now() - interval '31 days'
			and not exists (select from legal_holds h where h.candidate_id = c.id)
			and not exists (select from consents s where s.candidate_id = c.id and s.granted)`); n != 0 {
		v.t.Errorf("%d were skipped", n)
	}
	plan, err := v.client().RetentionPlan(v.t.Context(), "quiet", 1, false, time.Time{}, "")
	if err != nil || plan.Now != 0 {
		v.t.Errorf("the next run would take %d, %v", plan.Now, err)
	}
	if taken := v.number(`select sum(taken)::int from retention_runs`); taken != len(erased) {
		v.t.Errorf("the runs say that they took %d, and there are %d receipts", taken, len(erased))
	}
}

// receipts checks all receipts and the audit log, and returns when each candidate was erased.
func (v *victim) receipts() map[string]time.Time {
	v.t.Helper()
	var all []crm.SignedReceipt
	erased := map[string]time.Time{}
	for after := ""; ; {
		page, err := v.client().Erasures(v.t.Context(), "", 500, after)
		if err != nil {
			v.t.Fatal(err)
		}
		for i := range page.Items {
			all = append(all, page.Items[i].SignedReceipt)
			r, err := all[len(all)-1].Read()
			if err != nil {
				v.t.Fatal(err)
			}
			if _, twice := erased[r.Candidate]; twice || r.Number != int64(len(all)) || r.Rule != "retention/quiet" {
				v.t.Errorf("receipt %d is %+v, twice: %v", len(all), r, twice)
			}
			erased[r.Candidate] = r.At
		}
		if after = page.Next; after == "" {
			break
		}
	}
	data := filepath.Join(v.dir, "data")
	secret, err := os.ReadFile(filepath.Join(data, local.ReceiptKeyFile))
	if err != nil {
		v.t.Fatal(err)
	}
	key, err := crm.ParseReceiptKey(string(secret))
	if err != nil {
		v.t.Fatal(err)
	}
	public, _ := key.Public().(ed25519.PublicKey)
	if err := crm.VerifyChain(all, public); err != nil {
		v.t.Error(err)
	}
	var out strings.Builder
	if code := command.Main(v.t.Context(), []string{"audit", "verify", "--data", data}, &out, &out); code != 0 || !strings.HasPrefix(out.String(), "valid: ") {
		v.t.Errorf("the audit log: %s", out.String())
	}
	return erased
}
