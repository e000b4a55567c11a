package worker_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rapport-crm/rapport/activities"
	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/deploy/embedded/postgres/postgrestest"
	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/store"
	"github.com/rapport-crm/rapport/worker"
)

// office is a database without a Temporal server, on a clock that stands still until it is moved.
type office struct {
	t     *testing.T
	store *store.Store
	pool  *pgxpool.Pool
	dsn   string
	clock atomic.Pointer[time.Time]
	names int
}

func newOffice(t *testing.T) *office {
	t.Helper()
	o := &office{t: t, dsn: postgrestest.New(t, "rapport", store.Migrate)}
	o.at("2026-10-02T09:00:00Z") // a Friday
	var err error
	if o.pool, err = pgxpool.New(t.Context(), o.dsn); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.pool.Close)
	o.store = o.open()
	return o
}

func (o *office) open() *store.Store {
	o.t.Helper()
	s, err := store.Open(o.t.Context(), o.dsn, store.Options{Now: o.now, MaxConns: 6})
	if err != nil {
		o.t.Fatal(err)
	}
	o.t.Cleanup(s.Close)
	return s
}

func (o *office) now() time.Time { return *o.clock.Load() }

func (o *office) at(text string) {
	o.t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		o.t.Fatal(err)
	}
	o.clock.Store(&at)
}

// jobs are those of another worker each time, with chunks of two candidates.
func (o *office) jobs(edits ...func(*worker.Jobs)) *worker.Jobs {
	j := &worker.Jobs{Store: o.store, Now: o.now, Chunk: 2, Backlog: 1000, Log: slog.New(slog.DiscardHandler)}
	for _, edit := range edits {
		edit(j)
	}
	j.Library = activities.NewLibrary(worker.Published(j.Store), func(error) {})
	return j
}

// work does whatever jobs there are to do now.
func (o *office) work(edits ...func(*worker.Jobs)) {
	o.t.Helper()
	j := o.jobs(edits...)
	for more := true; more; {
		var err error
		if more, err = j.Work(o.t.Context()); err != nil {
			o.t.Fatal(err)
		}
	}
}

func (o *office) apply(text string) {
	o.t.Helper()
	set, problems := dsl.Check([]dsl.File{{Path: "test.yaml", Text: []byte(workspace + text)}}, nil)
	if set == nil {
		o.t.Fatalf("definitions: %v", problems)
	}
	if _, err := o.store.ApplyDefinitions(o.t.Context(), set.Documents, o.now()); err != nil {
		o.t.Fatal(err)
	}
}

// withdraw takes a definition out of force.
func (o *office) withdraw(kind, name string) {
	o.t.Helper()
	o.sql("delete from published where kind = $1 and name = $2", kind, name)
	o.sql("update generation set value = value + 1")
}

func (o *office) sql(statement string, args ...any) {
	o.t.Helper()
	if _, err := o.pool.Exec(o.t.Context(), statement, args...); err != nil {
		o.t.Fatalf("%s: %v", statement, err)
	}
}

// candidates adds candidates of a function; the first event of each, that they were created, is taken as dispatched.
func (o *office) candidates(n int, function string, pools ...string) []string {
	o.t.Helper()
	var ids []string
	for range n {
		o.names++
		written, err := o.store.UpsertCandidates(o.t.Context(), []store.Write{{Candidate: crm.Candidate{
			ExternalID: fmt.Sprint("C-", o.names), Email: fmt.Sprintf("c%d@zebra.example", o.names), Functions: []string{function}, Status: "lead",
		}}}, o.now().Add(time.Duration(o.names)*time.Millisecond)) // so that ids are in this order
		if err != nil {
			o.t.Fatal(err)
		}
		ids = append(ids, written[0].ID)
		for _, pool := range pools {
			o.sql("insert into pool_members values ($1, $2, $3)", pool, written[0].ID, o.now())
		}
	}
	o.dispatched()
	return ids
}

// dispatched takes all events as dispatched.
func (o *office) dispatched() {
	o.t.Helper()
	o.sql("update events set position = 1 where position is null and candidate_id is not null")
}

func (o *office) receive(eventType, subject string, data map[string]any) crm.Event {
	o.t.Helper()
	o.names++
	received, err := o.store.Receive(o.t.Context(), []crm.Event{{
		Source: "ats", ExternalID: fmt.Sprint("e", o.names), Type: eventType, Subject: subject, Time: o.now().Add(-time.Minute), Data: data,
	}})
	if err != nil {
		o.t.Fatal(err)
	}
	return received[0].Event
}

// told returns the events of a type that wait for the dispatcher, by candidate.
func (o *office) told(eventType string) []crm.Event {
	o.t.Helper()
	rows, err := o.pool.Query(o.t.Context(), `select id, source, external_id, type, candidate_id, time, data from events
		where type = $1 and position is null and candidate_id is not null order by candidate_id`, eventType)
	if err != nil {
		o.t.Fatal(err)
	}
	events, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (e crm.Event, err error) {
		err = row.Scan(&e.ID, &e.Source, &e.ExternalID, &e.Type, &e.CandidateID, &e.Time, &e.Data)
		return e, err
	})
	if err != nil {
		o.t.Fatal(err)
	}
	return events
}

// exactly expects one waiting event of a type for each of some candidates, and for nobody else.
func (o *office) exactly(eventType string, candidates ...[]string) {
	o.t.Helper()
	want := slices.Sorted(slices.Values(slices.Concat(candidates...)))
	var got []string
	for _, e := range o.told(eventType) {
		got = append(got, e.CandidateID)
	}
	if !slices.Equal(got, want) {
		o.t.Errorf("%s for\n%v\nwant\n%v", eventType, got, want)
	}
}

// list returns what there is about every job: its kind, what it is for, how far it is, and how it went.
func (o *office) list() []string {
	o.t.Helper()
	jobs, _, err := o.store.ListJobs(o.t.Context(), store.JobFilter{})
	if err != nil {
		o.t.Fatal(err)
	}
	var lines []string
	for i := range jobs {
		j := &jobs[i]
		state := "open"
		if !j.FinishedAt.IsZero() {
			state = "finished"
		}
		lines = append(lines, strings.Join(strings.Fields(fmt.Sprintf("%s %s %s %d/%d found %d %s %s",
			j.Kind, j.Definition, strings.Join(j.Pools, ","), j.Done, j.Total, j.Found, state, j.Error)), " "))
	}
	slices.Sort(lines)
	return lines
}

func (o *office) lists(want ...string) {
	o.t.Helper()
	if got := o.list(); !slices.Equal(got, want) {
		o.t.Errorf("jobs are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

const clubs = `pool: nurses
members: by hand
---
pool: drivers
members: by hand
---
`

const alerts = clubs + `sequence: nursing-roles
purpose: news
reenroll: always
enroll: {in: nurses, on: role.opened, when: event.data.function == "nursing" && "nursing" in candidate.functions}
steps: [{wait: 1d}]
---
sequence: all-roles
purpose: news
enroll: {in: [POOL], on: [role.opened, role.closed]}
steps: [{wait: 1d}]
`

func TestFanout(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.apply(strings.Replace(alerts, "[POOL]", "drivers", 1))
	nurses := o.candidates(5, "nursing", "nurses")
	o.candidates(2, "law", "nurses")
	o.candidates(2, "nursing")
	drivers := o.candidates(2, "driving", "drivers")
	both := o.candidates(1, "nursing", "drivers", "nurses")

	role := o.receive("role.opened", "", map[string]any{"role": "R-1", "function": "nursing"})
	o.work()
	o.exactly("role.opened", nurses, drivers, both)
	for _, e := range o.told("role.opened") {
		if e.Source != crm.SourceFanout || e.ExternalID != role.ID+"/"+e.CandidateID || e.Text("role") != "R-1" || !e.Time.Equal(role.Time) {
			t.Errorf("the copy is %+v", e)
		}
	}
	o.lists("fanout drivers,nurses 10/10 found 8 finished")

	o.dispatched()
	o.receive("role.opened", "", map[string]any{"role": "R-2", "function": "law"})
	o.work()
	o.exactly("role.opened", drivers, both)
	o.dispatched()
	o.receive("role.closed", "", map[string]any{"role": "R-2"})
	o.work()
	o.exactly("role.closed", drivers, both)
}

// An event of a role has no candidate, even if its source names a subject that is somebody's id.
func TestFanoutWaitsForNobody(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.apply(clubs)
	o.candidates(1, "nursing", "nurses")
	if e := o.receive("role.opened", "C-1", nil); e.CandidateID != "" || e.Subject != "" {
		t.Errorf("it is of %q", e.CandidateID)
	}
	o.receive("role.opened", "R-9", nil)
	if n, err := o.store.AdoptEvents(t.Context(), 10); n != 0 || err != nil {
		t.Errorf("%d adopted: %v", n, err)
	}
	o.work()
	o.exactly("role.opened")
	o.lists("fanout 0/0 found 0 finished", "fanout 0/0 found 0 finished")
	o.work()
	if _, err := o.store.Receive(t.Context(), []crm.Event{{Source: "ats", ExternalID: "old", Type: "role.opened", RecordOnly: true}}); err != nil {
		t.Fatal(err)
	}
	o.work()
	if n := len(o.list()); n != 2 {
		t.Errorf("%d jobs: an event that is only recorded is told to nobody", n)
	}
}

// However often and wherever it is cut short, a job tells each member once, and looks at none twice.
func TestJobCutShort(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.apply(strings.Replace(alerts, "[POOL]", "drivers", 1))
	nurses := o.candidates(11, "nursing", "nurses")
	o.receive("role.opened", "", map[string]any{"function": "nursing"})
	cut := 0
	for try := 1; ; try++ {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		calls := 0
		j := o.jobs(func(j *worker.Jobs) {
			j.Chunk = 1
			// The clock is read once a round when jobs are made, and once when a chunk is begun, its row being locked.
			j.Now = func() time.Time {
				if calls++; calls >= try%6+1 {
					cancel()
				}
				return o.now()
			}
		})
		more, err := true, error(nil)
		for more && err == nil {
			more, err = j.Work(ctx)
		}
		if err == nil {
			break
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		cut++
		if try > 200 {
			t.Fatal("it does not get on")
		}
	}
	if cut < 5 {
		t.Errorf("it was cut short %d times only", cut)
	}
	o.exactly("role.opened", nurses)
	o.lists("fanout drivers,nurses 11/11 found 11 finished")
}

// A chunk that the database refuses leaves nothing behind, says so, and does not keep other jobs waiting.
func TestJobRefused(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.apply(strings.Replace(alerts, "[POOL]", "drivers", 1))
	nurses := o.candidates(5, "nursing", "nurses")
	drivers := o.candidates(3, "driving", "drivers")
	o.sql(`create function refuse() returns trigger language plpgsql as $$ begin
		if new.candidate_id = '` + nurses[3] + `' and new.type = 'role.opened' then raise exception 'no' using errcode = '23514'; end if;
		return new; end $$`)
	o.sql("create trigger refuse before insert on events for each row execute function refuse()")
	o.receive("role.opened", "", map[string]any{"function": "nursing"})
	o.receive("role.closed", "", nil)
	o.work()
	o.exactly("role.opened", nurses[:2])
	o.exactly("role.closed", drivers)
	o.lists("fanout drivers 3/3 found 3 finished", "fanout drivers,nurses 2/8 found 2 open database_refused_23514")
	o.sql("drop trigger refuse on events")
	o.work()
	o.exactly("role.opened", nurses[:2]) // it rests
	o.at("2026-10-02T09:00:01Z")
	o.work()
	o.exactly("role.opened", nurses, drivers)
	o.lists("fanout drivers 3/3 found 3 finished", "fanout drivers,nurses 8/8 found 8 finished")
}

func TestJobsOfSeveralWorkers(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.apply(strings.Replace(alerts, "[POOL]", "drivers", 1) + "---\npool: people\nwhen: candidate.status == 'lead'\n" + `---
sequence: welcome
purpose: news
enroll: {in: drivers}
steps: [{wait: 1d}]
`)
	nurses, drivers := o.candidates(40, "nursing", "nurses"), o.candidates(40, "driving", "drivers")
	o.receive("role.opened", "", map[string]any{"function": "nursing"})
	o.receive("role.closed", "", nil)
	var running sync.WaitGroup
	for range 4 {
		s := o.open()
		j := o.jobs(func(j *worker.Jobs) { j.Store = s })
		running.Go(func() {
			for idle := 0; idle < 3; {
				more, err := j.Work(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				if !more {
					idle++
				}
			}
		})
	}
	running.Wait()
	o.work()
	o.exactly("role.opened", nurses, drivers)
	o.exactly("role.closed", drivers)
	o.exactly(crm.ControlMember, drivers)
	o.exactly(crm.ControlPools, nurses, drivers)
	o.lists("fanout drivers 40/40 found 40 finished", "fanout drivers,nurses 80/80 found 80 finished",
		"members welcome drivers 40/40 found 40 finished", "pool people 80/80 found 80 finished")
}

// Jobs do not fill the queue faster than the dispatcher empties it.
func TestJobsRest(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.apply(strings.Replace(alerts, "[POOL]", "drivers", 1))
	drivers := o.candidates(9, "driving", "drivers")
	o.receive("role.closed", "", nil)
	few := func(j *worker.Jobs) { j.Backlog = 3 }
	o.work(few)
	o.exactly("role.closed", drivers[:4])
	o.work(few)
	o.exactly("role.closed", drivers[:4])
	o.dispatched()
	o.work(few)
	o.exactly("role.closed", drivers[4:8])
	o.dispatched()
	o.work(few)
	o.exactly("role.closed", drivers[8:])
}

func TestMembersNow(t *testing.T) {
	t.Parallel()
	const welcome = clubs + "sequence: welcome\npurpose: news\nreenroll: always\nenroll: {in: nurses}\nsteps: [{wait: %s}]\n"
	o := newOffice(t)
	nurses := o.candidates(5, "nursing", "nurses")
	o.candidates(2, "driving", "drivers")
	o.apply(fmt.Sprintf(welcome, "1d"))
	settling := func(j *worker.Jobs) { j.Settle = 2 * time.Second }
	o.work(settling)
	o.exactly(crm.ControlMember) // a dispatcher may still be at work with the definitions from before
	o.at("2026-10-02T09:00:02Z")
	o.work(settling)
	o.exactly(crm.ControlMember, nurses)
	for _, e := range o.told(crm.ControlMember) {
		if e.Source != crm.SourceControl || e.Text("definition") != "welcome" || e.Text("pool") != "nurses" || e.Text("date") != "" {
			t.Errorf("the event is %+v", e)
		}
	}
	o.dispatched()

	o.apply(fmt.Sprintf(welcome, "2d")) // another version with the rule
	o.work()
	o.exactly(crm.ControlMember)
	o.apply(clubs + "sequence: welcome\npurpose: news\nenroll: by hand\nsteps: [{wait: 1d}]\n")
	o.work()
	o.apply(fmt.Sprintf(welcome, "2d")) // the rule is back
	o.work()
	o.exactly(crm.ControlMember, nurses)
	o.dispatched()

	// A sequence that is withdrawn before its job gets to it.
	o.apply(clubs + "sequence: late\npurpose: news\nenroll: {in: drivers}\nsteps: [{wait: 1d}]\n")
	o.work(settling)
	o.withdraw("sequence", "late")
	o.at("2026-10-02T09:00:04Z")
	o.work()
	o.exactly(crm.ControlMember)
	o.lists("members late drivers 0/0 found 0 finished withdrawn", "members welcome nurses 5/5 found 5 finished", "members welcome nurses 5/5 found 5 finished")
}

func TestCampaign(t *testing.T) {
	t.Parallel()
	const letter = clubs + `sequence: letter
purpose: news
reenroll: always
enroll: {in: nurses, at: 2026-10-31T09:00, every: 1mo, pace: 3/1d, when: '"nursing" in candidate.functions'}
steps: [{wait: %s}]
`
	o := newOffice(t)
	o.apply(fmt.Sprintf(letter, "1d"))
	first := o.candidates(2, "nursing", "nurses")
	o.candidates(1, "law", "nurses")
	members := slices.Concat(first, o.candidates(5, "nursing", "nurses"))
	o.at("2026-10-31T08:59:59Z")
	o.work()
	o.lists()

	o.at("2026-10-31T09:00:00Z")
	o.work()
	o.exactly(crm.ControlMember, members[:3])
	for _, e := range o.told(crm.ControlMember) {
		if e.Text("definition") != "letter" || e.Text("pool") != "nurses" || e.Text("date") != "2026-10-31T09:00:00Z" {
			t.Errorf("the event is %+v", e)
		}
	}
	o.at("2026-11-01T08:59:59Z")
	o.candidates(2, "nursing", "nurses") // who comes later gets the next letter
	o.work()
	o.exactly(crm.ControlMember)
	o.at("2026-11-01T09:00:00Z")
	o.work()
	o.exactly(crm.ControlMember, members[3:6])
	o.dispatched()
	o.apply(fmt.Sprintf(letter, "2d")) // another version goes on with it
	o.at("2026-11-05T00:00:00Z")
	o.work()
	o.exactly(crm.ControlMember, members[6:])
	o.lists("campaign letter nurses 8/8 found 7 finished")
	o.dispatched()

	// Nobody was at work for months: the last date counts.
	o.at("2027-02-28T09:00:00Z")
	o.work()
	events := o.told(crm.ControlMember)
	if len(events) != 3 || events[0].Text("date") != "2027-02-28T09:00:00Z" {
		t.Errorf("%d events: %+v", len(events), events)
	}
	for _, day := range []string{"2027-03-01T09:00:00Z", "2027-03-02T09:00:00Z", "2027-03-03T09:00:00Z"} {
		o.at(day)
		o.work()
	}
	o.lists("campaign letter nurses 10/10 found 9 finished") // the first one is forgotten after a month
}

// Once the job's row is forgotten, a date that was done stays done.
func TestCampaignOnce(t *testing.T) {
	t.Parallel()
	const once = clubs + "sequence: party\npurpose: news\nreenroll: always\nenroll: {in: nurses, at: 2026-10-05T09:00}\nsteps: [{wait: 1d}]\n"
	o := newOffice(t)
	o.apply(once)
	nurses := o.candidates(3, "nursing", "nurses")
	o.at("2026-10-05T12:00:00Z")
	o.work()
	o.exactly(crm.ControlMember, nurses)
	o.dispatched()
	o.sql("delete from jobs")
	o.at("2027-10-05T12:00:00Z")
	o.work()
	o.lists()
	o.apply(clubs + "sequence: late\npurpose: news\nenroll: {in: nurses, at: 2026-10-05T09:00}\nsteps: [{wait: 1d}]\n")
	o.work()
	o.lists() // its date was before it was published
}

// A date that comes while nobody is at work is made up for, also when the sequence was paused and resumed before anybody was.
func TestCampaignOfPausedSequence(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.apply(clubs + "sequence: party\npurpose: news\nenroll: {in: nurses, at: 2026-10-05T09:00}\nsteps: [{wait: 1d}]\n")
	nurses := o.candidates(3, "nursing", "nurses")
	o.at("2026-10-06T09:00:00Z")
	for _, paused := range []bool{true, false} {
		if err := o.store.PauseDefinition(t.Context(), "party", paused); err != nil {
			t.Fatal(err)
		}
	}
	o.work()
	o.exactly(crm.ControlMember, nurses)
}

// A campaign is for all who belong into its pool, also when that is still being found out.
func TestCampaignWaitsForPool(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.candidates(3, "nursing")
	o.apply("pool: people\nwhen: candidate.status == 'lead'\n---\nsequence: party\npurpose: news\nenroll: {in: people, at: 2026-10-02T10:00}\nsteps: [{wait: 1d}]\n")
	o.at("2026-10-02T09:00:00Z")
	j := o.jobs()
	step := func(want ...string) {
		t.Helper()
		if _, err := j.Work(t.Context()); err != nil {
			t.Fatal(err)
		}
		o.lists(want...)
	}
	step("campaign party people 0/0 found 0 open", "pool people 2/3 found 2 open")
	step("campaign party people 0/0 found 0 open", "pool people 3/3 found 3 finished")
	step("campaign party people 0/0 found 0 open", "pool people 3/3 found 3 finished") // they are still to enter
	o.sql("insert into pool_members select 'people', id, $1 from candidates", o.now())
	o.dispatched()
	step("campaign party people 2/3 found 2 open", "pool people 3/3 found 3 finished")
	step("campaign party people 3/3 found 3 finished", "pool people 3/3 found 3 finished")
}

func TestPools(t *testing.T) {
	t.Parallel()
	const pools = clubs + "pool: staff\nwhen: '\"%s\" in candidate.functions'\n---\npool: leads\nwhen: candidate.status == 'lead'\n"
	o := newOffice(t)
	nursing, law := o.candidates(3, "nursing", "drivers"), o.candidates(3, "law")
	settled := func() { // as the dispatcher would leave it
		o.sql("delete from pool_members where pool in ('staff', 'leads')")
		o.sql("insert into pool_members select 'leads', id, now() from candidates")
		o.dispatched()
	}
	o.apply(fmt.Sprintf(pools, "nursing"))
	o.work()
	o.exactly(crm.ControlPools, nursing, law)
	o.lists("pool leads,staff 6/6 found 6 finished")
	settled()
	o.sql("insert into pool_members select 'staff', unnest($1::text[]), now()", nursing)

	o.apply(fmt.Sprintf(pools, "nursing") + "description: Everybody new.\n") // the same condition
	o.work()
	o.lists("pool leads,staff 6/6 found 6 finished")

	o.at("2026-10-02T09:01:00Z")
	o.apply(fmt.Sprintf(pools, "law"))
	o.work()
	o.exactly(crm.ControlPools, nursing, law) // the ones leave, the others enter
	settled()
	o.sql("insert into pool_members select 'staff', unnest($1::text[]), now()", law)
	o.work()
	o.lists("pool leads,staff 6/6 found 6 finished", "pool staff 6/6 found 6 finished")

	o.withdraw("pool", "staff")
	o.work()
	o.exactly(crm.ControlPools, law)
	o.dispatched()
	o.sql("delete from pool_members where pool = 'staff'")
	o.apply(fmt.Sprintf(pools, "law"))
	o.work()
	o.exactly(crm.ControlPools, law)
}

func TestPoolsDaily(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	ids := o.candidates(3, "nursing")
	o.sql("update candidates set last_activity_at = $1 where id = $2", o.now().AddDate(0, 0, -29), ids[1])
	o.apply("pool: quiet\nwhen: has(candidate.last_activity_at) && days_since(candidate.last_activity_at) >= 30\n---\npool: people\nwhen: candidate.status == 'lead'\n")
	o.work()
	o.dispatched()
	o.sql("insert into pool_members select 'people', id, now() from candidates")
	o.at("2026-10-03T01:59:59Z") // 02:59:59 in London
	o.work()
	o.lists("pool people,quiet 3/3 found 3 finished")
	o.at("2026-10-03T02:00:00Z")
	o.work()
	o.exactly(crm.ControlPools) // it is a few hours early
	o.at("2026-10-04T02:00:00Z")
	o.work()
	o.exactly(crm.ControlPools, ids[1:2])
	o.dispatched()
	o.sql("insert into pool_members values ('quiet', $1, now())", ids[1])
	o.work()
	o.at("2026-10-08T12:00:00Z") // after days at rest: once
	o.work()
	o.exactly(crm.ControlPools)
	o.lists("pool people,quiet 3/3 found 3 finished", "pool quiet 3/3 found 0 finished", "pool quiet 3/3 found 0 finished", "pool quiet 3/3 found 1 finished")
}
