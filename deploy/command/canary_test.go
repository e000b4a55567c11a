package command_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/api/client"
	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/deploy/embedded/postgres"
)

// TestErasedIsGone is what a privacy officer would show an auditor. Two candidates with unusual words in every field go through
// application, sequence, replies, interview and survey, and are erased and anonymized. None of the words is left in what pg_dump writes of the
// databases, in what the planner knows, in the log at its most talkative, in exports, in calendars or in files; after a full vacuum they are not in
// the bytes of Postgres' own files either; and a backup from before that is restored is erased again before anybody is written to.
//
// The sandbox stands for the providers, who have their own duties, and for what candidates have in their inboxes: its database is not looked at.
func TestErasedIsGone(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("runs everything, for a minute or two")
	}
	if _, err := exec.LookPath("pg_dump"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("pg_dump is not installed")
		}
		t.Skip("pg_dump is not installed: apt-get install postgresql-client")
	}
	logFile, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer logFile.Close()
	v := &victim{t: t, dir: t.TempDir(), ports: freePorts(t), log: logFile, more: []string{"--calendar-private", "--log-level", "debug", "--time-scale", "1d=20s"}}
	d := newDiaries(t, v)
	v.start()
	t.Cleanup(v.stop)
	v.hold(d, canaryDefinitions)
	v.bystander()

	erased, anonymized := newSuspect(v, "erased", "+4915799263741"), newSuspect(v, "anonymized", "+4915799485926")
	people := []*suspect{erased, anonymized}
	for _, act := range []func(*suspect){
		(*suspect).arrive, (*suspect).apply, (*suspect).answer, (*suspect).pick, func(p *suspect) { p.meet(d) }, (*suspect).judge, (*suspect).discuss,
	} {
		for _, p := range people {
			act(p)
		}
	}
	v.exec("rapport", "analyze")
	v.known(people)
	backup := v.dump("rapport")

	erased.erase(crm.RetentionErase)
	anonymized.erase(crm.RetentionAnonymize)
	v.until("select count(*) from erasure_jobs where finished_at is null and not (kind = 'calendar' and passes > 0)", 0) // what a calendar lost is looked after once more, minutes later
	v.until("select count(*) from erasures where logged_at is null", 0)
	for _, p := range people {
		p.comeBack()
	}
	v.forgotten(people, d)

	v.stop()
	v.vacuum(people)
	v.restore(backup)
	v.start()
	v.again(people)
}

// hold publishes definitions, and gives the installation a recruiter with a calendar.
func (v *victim) hold(d *diaries, definitions string) {
	v.t.Helper()
	v.publishText(definitions)
	v.interviewer(d, "ada", "recruiters")
}

// bystander is somebody else, who stays.
func (v *victim) bystander() {
	v.t.Helper()
	row := "external_id,first_name,email\nSTAYS-1,Ada,stays@example.com\n"
	_, err := v.client().ImportCandidates(v.t.Context(), strings.NewReader(row), client.ImportOptions{})
	v.must(err)
	v.send(map[string]any{
		"specversion": "1.0", "id": "stays", "source": "ats", "subject": "STAYS-1", "type": "application.submitted", "data": map[string]any{"application": "A-1", "role": "Nurse"},
	})
	v.until("select count(*) from messages where step = 'receipt' and address = 'stays@example.com' and state in ('accepted', 'settled')", 1)
}

// known holds that the words are in Rapport's database, or the test would prove nothing, and neither in Temporal's nor in the log.
func (v *victim) known(people []*suspect) {
	v.t.Helper()
	s := wholeScanner(people)
	found := s.find(v.dump("rapport"))
	for _, p := range people {
		for _, place := range p.kept() {
			if found[p.name+"'s "+place] == 0 {
				v.t.Errorf("%s's %s is not in the database to begin with", p.name, place)
			}
		}
	}
	v.outside(s)
}

// outside looks at what never holds anything personal.
func (v *victim) outside(s *scanner) {
	v.t.Helper()
	somebody := hex.EncodeToString([]byte(v.text("select e.id from enrollments e join candidates c on c.id = e.candidate_id where external_id = 'STAYS-1' limit 1")))
	for _, database := range []string{"temporal", "temporal_visibility"} {
		dump := v.dump(database)
		if database == "temporal" && !bytes.Contains(dump, []byte(somebody)) {
			v.t.Error("Temporal's dump does not even have the id of a run: it is not read right")
		}
		s.none(v.t, "the database "+database, dump)
		s.none(v.t, "the statistics of "+database, v.statistics(database))
	}
	log, err := os.ReadFile(v.log.Name())
	v.must(err)
	if !bytes.Contains(log, []byte("route=/v1/candidates/:id")) {
		v.t.Error("the log does not tell of requests: it is not at its most talkative")
	}
	s.none(v.t, "the log", log)
}

// erase erases them as a person does.
func (p *suspect) erase(mode string) {
	p.t.Helper()
	var errOut string
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(time.Second) { // while a message is being sent it is refused
		out, said, code := rapport(p.t, "erase", p.external(), "--mode", mode, "--reason", "request", "--yes", "--url", p.address(), "--api-key", p.key())
		if code == 0 {
			wholeScanner([]*suspect{p}).none(p.t, "the receipt", []byte(out))
			var signed crm.SignedReceipt
			p.must(json.Unmarshal([]byte(out), &signed))
			receipt, err := signed.Read()
			p.must(err)
			p.gone = receipt.At
			return
		}
		errOut = said
	}
	p.t.Fatalf("not erased: %s", errOut)
}

// comeBack has them imported again, by each of the names that they had and in other ways to write them, and something be known of them.
func (p *suspect) comeBack() {
	p.t.Helper()
	want := "They were erased on " + p.gone.UTC().Format(time.DateOnly) + " under the rule request."
	for name, row := range map[string]string{
		"external id":                      p.external() + ",,",
		"old external id":                  "OLD-" + p.word("old external id") + ",,",
		"address":                          "," + p.mailbox() + ",",
		"address, shouted and with spaces": "NEW-1, " + strings.ToUpper(p.mailbox()) + " ,",
		"number":                           ",," + p.phone,
		"number with other punctuation":    "NEW-3,,+49 (1579) " + p.phone[7:10] + "-" + p.phone[10:],
	} {
		file := filepath.Join(p.t.TempDir(), "again.csv")
		p.must(os.WriteFile(file, []byte("external_id,email,phone\n"+row+"\n"), 0o600))
		out, errOut, _ := rapport(p.t, "candidates", "import", file, "--url", p.address(), "--api-key", p.key())
		report, err := os.ReadFile(file + ".rejected.csv")
		if err != nil || !strings.Contains(out, "1 rejected") || !strings.Contains(string(report), want) {
			p.t.Errorf("%s, imported again by their %s: %s%s %s %v", p.name, name, out, errOut, report, err)
		}
	}
	late := fmt.Sprintf(`{"specversion":"1.0","id":"late","source":"ats","subject":%q,"type":"page.viewed","data":{"url":"https://careers.north.example/%s"}}`, p.external(), p.word("url after the erasure"))
	if _, err := p.client().SendBatch(p.t.Context(), []json.RawMessage{json.RawMessage(late)}, "", false); err != nil {
		p.t.Errorf("an event of who was erased: %v", err)
	}
	for channel, address := range map[crm.Channel]string{crm.Email: p.mailbox(), crm.SMS: p.phone} {
		text, status := p.look("/v1/suppressions?channel=" + string(channel) + "&address=" + url.QueryEscape(address))
		if status != http.StatusOK || !strings.Contains(string(text), `"erased"`) {
			p.t.Errorf("%s can be written to again: %d %s", p.name, status, text)
		}
	}
}

// forgotten holds that nothing is left of them anywhere but in the bytes of Postgres' own files, and that who is not meant is there.
func (v *victim) forgotten(people []*suspect, d *diaries) {
	v.t.Helper()
	s := wholeScanner(people)
	s.none(v.t, "the database", v.dump("rapport"))
	if _, errOut, code := rapport(v.t, "erasures", "vacuum", "--database-url", v.databaseURL("rapport")); code != 0 { // as a worker does within the hour
		v.t.Fatal(errOut)
	}
	s.none(v.t, "what the planner knows", v.statistics("rapport"))
	v.outside(s)
	for _, path := range []string{
		"/v1/audit/export?openings=true", "/v1/audit?limit=500", "/v1/erasures", "/v1/erasures/counts", "/v1/retention/runs", "/v1/candidates", "/v1/tasks", "/v1/messages", "/v1/suppressions",
		"/v1/requests?all=true", "/v1/holds?all=true", "/v1/enrollments", "/v1/jobs", "/metrics",
	} {
		text, status := v.look(path)
		if status != http.StatusOK || len(text) == 0 {
			v.t.Errorf("GET %s: %d %s", path, status, text)
		}
		s.none(v.t, path, text)
	}
	s.none(v.t, "the calendar", []byte(d.text("ada")))
	s.noneIn(v.t, filepath.Join(v.dir, "data"), filepath.Join("postgres", "data"))
	if n := v.number("select count(*) from candidates where external_id = 'STAYS-1'"); n != 1 {
		v.t.Error("somebody else is gone too")
	}
}

// postgres runs the installation's Postgres alone.
func (v *victim) postgres() *postgres.Server {
	v.t.Helper()
	server, err := postgres.Start(v.t.Context(), postgres.Config{Dir: filepath.Join(v.dir, "data", "postgres"), Port: v.ports[4], Durable: true})
	v.must(err)
	v.t.Cleanup(func() { _ = server.Stop() }) // of a test that fails: it is stopped by now, if not
	return server
}

// vacuum takes them out of Postgres' own files too, as docs/operations.md has it, and looks at every byte.
func (v *victim) vacuum(people []*suspect) {
	v.t.Helper()
	server := v.postgres()
	s := pieceScanner(people)
	files := filepath.Join(v.dir, "data", "postgres", "data")
	wal, tables := v.places(s, filepath.Join(files, "pg_wal")), v.places(s, filepath.Join(files, "base", v.text("select oid::text from pg_database where datname = 'rapport'")))
	if len(wal) < 10 {
		v.t.Errorf("before the vacuum the write-ahead log has only %v: the test does not read it right", wal)
	}
	v.t.Logf("before the full vacuum, of %d words %d are in the write-ahead log and %d in the tables' files", len(people)*len(people[0].words), len(wal), len(tables))
	v.exec("postgres", "drop database sandbox") // what the providers have
	out, errOut, code := rapport(v.t, "erasures", "vacuum", "--full", "--database-url", v.databaseURL("rapport"))
	if code != 0 {
		v.t.Fatalf("vacuum: %s%s", out, errOut)
	}
	v.must(server.Stop())
	read := s.noneIn(v.t, files)
	v.t.Logf("%d MB of Postgres' files were read", read>>20)
}

// places are those whose words are in the files below a folder.
func (v *victim) places(s *scanner, dir string) []string {
	v.t.Helper()
	all := map[string]int{}
	v.must(filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		maps.Copy(all, s.find(text))
		return err
	}))
	return slices.Sorted(maps.Keys(all))
}

// restore puts the backup in the place of the database, with a message to everybody that is due.
func (v *victim) restore(backup []byte) {
	v.t.Helper()
	server := v.postgres()
	v.exec("postgres", "drop database rapport", "create database rapport")
	cmd := exec.CommandContext(v.t.Context(), "psql", "--quiet", "--set", "ON_ERROR_STOP=1", v.databaseURL("rapport"))
	cmd.Stdin = bytes.NewReader(backup)
	if out, err := cmd.CombinedOutput(); err != nil {
		v.t.Fatalf("restore: %v: %s", err, out)
	}
	v.exec("rapport", `update messages set state = 'planned', not_before = planned_at, provider_id = '', claimed_at = null, lease_until = null, accepted_at = null, delivered_at = null
		where step = 'receipt'`)
	if n := v.number("select count(*) from messages where state = 'planned' and step = 'receipt'"); n != 3 {
		v.t.Fatalf("%d messages are due in the backup", n)
	}
	v.must(server.Stop())
}

// again holds that a restored backup was erased again before anybody was written to. The sandbox begins anew, with an empty inbox.
func (v *victim) again(people []*suspect) {
	v.t.Helper()
	s := wholeScanner(people)
	s.none(v.t, "the restored database", v.dump("rapport"))
	deadline := time.Now().Add(time.Minute)
	for v.box().Mails == 0 && time.Now().Before(deadline) { // to who was not erased
		time.Sleep(200 * time.Millisecond)
	}
	sent := v.get(fmt.Sprintf("http://127.0.0.1:%d/sandbox/messages", v.ports[1]))
	if !strings.Contains(sent, "stays@example.com") {
		v.t.Errorf("nobody was written to: it is not tested that the others were not: %s", sent)
	}
	s.none(v.t, "the inbox after the restore", []byte(sent))
	for _, p := range people {
		if _, status := v.look("/v1/candidates/" + p.external()); status != http.StatusNotFound {
			v.t.Errorf("%s is there again", p.name)
		}
	}
	if n := v.number("select count(*) from erasures"); n != 2 {
		v.t.Errorf("%d receipts are there after the restore", n)
	}
}
