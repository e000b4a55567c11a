package store_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/store"
)

// maya is an interviewer with everything that there is.
func maya(t *testing.T) crm.Interviewer {
	t.Helper()
	hours, err := crm.ParseHours("mon-thu 09:00-12:00,13:00-17:30; fri 09:00-12:00")
	if err != nil {
		t.Fatal(err)
	}
	return crm.Interviewer{
		Email: "Maya@Trust.example", Name: "Maya Shah", Zone: "Europe/London", Hours: hours, Skills: []string{"go"}, Groups: []string{"recruiters", "leads"},
		DailyLimit: 2, WeeklyLimit: 6, MinGap: 15 * time.Minute, Weight: 3, Trainee: true, Active: true,
	}
}

func (b *bundle) interviewer(t *testing.T, i *crm.Interviewer, fields ...string) store.Upserted {
	t.Helper()
	w := store.InterviewerWrite{Interviewer: *i}
	if fields != nil {
		w.Present = map[string]bool{}
		for _, field := range fields {
			w.Present[field] = true
		}
	}
	done, err := b.UpsertInterviewers(t.Context(), []store.InterviewerWrite{w}, "ops", b.now(), false)
	if err != nil {
		t.Fatal(err)
	}
	return done[0]
}

func TestInterviewers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	want := maya(t)
	made := b.interviewer(t, &want)
	if !made.Created || made.Err != nil || !crm.HasPrefix(made.ID, crm.PrefixInterviewer) {
		t.Fatalf("made %+v", made)
	}
	want.ID, want.Email = made.ID, "maya@trust.example"
	for _, name := range []string{made.ID, "MAYA@trust.example"} {
		if got, err := b.Interviewer(t.Context(), name); err != nil || cmp.Diff(want, got) != "" {
			t.Errorf("%s: %v\n%s", name, err, cmp.Diff(want, got))
		}
	}
	if again := b.interviewer(t, &want); again.Created || len(again.Changed) != 0 || again.ID != made.ID {
		t.Errorf("the same again: %+v", again)
	}
	some := crm.Interviewer{Email: "maya@TRUST.example", Name: "Maya Shah-Lee", Weight: 1, Groups: []string{"leads"}}
	if changed := b.interviewer(t, &some, "name", "groups"); !slices.Equal(changed.Changed, []string{"name", "groups"}) {
		t.Errorf("changed %v", changed.Changed)
	}
	want.Name, want.Groups = some.Name, some.Groups
	if got, err := b.Interviewer(t.Context(), made.ID); err != nil || cmp.Diff(want, got) != "" {
		t.Errorf("%v\n%s", err, cmp.Diff(want, got))
	}
	bare := crm.Interviewer{Email: "tom@trust.example"}
	tom := b.interviewer(t, &bare, "email")
	if got, err := b.Interviewer(t.Context(), tom.ID); err != nil || !got.Active || got.Weight != 1 || !got.Hours.IsZero() {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := b.CreateInterviewer(t.Context(), store.InterviewerWrite{Interviewer: bare}, "ops", b.now()); crm.CodeOf(err) != crm.CodeConflict {
		t.Errorf("made twice: %v", err)
	}
	done, err := b.UpsertInterviewers(t.Context(), []store.InterviewerWrite{
		{ID: tom.ID, Interviewer: crm.Interviewer{Email: "maya@trust.example"}, Present: map[string]bool{"email": true}},
		{ID: "int_none", Interviewer: crm.Interviewer{Name: "Nobody"}},
		{ID: tom.ID, Interviewer: crm.Interviewer{Email: "tom.lee@trust.example"}, Present: map[string]bool{"email": true}},
	}, "ops", b.now(), false)
	if err != nil || crm.CodeOf(done[0].Err) != crm.CodeConflict || crm.CodeOf(done[1].Err) != crm.CodeNotFound || !slices.Equal(done[2].Changed, []string{"email"}) {
		t.Errorf("%+v, %v", done, err)
	}
	changes, _, err := b.InterviewerChanges(t.Context(), made.ID, 0, 0)
	if err != nil || len(changes) != 2 || changes[0].What != "changed" || !slices.Equal(changes[0].Fields, []string{"name", "groups"}) || changes[1].What != "created" || changes[1].By != "ops" {
		t.Errorf("changes %+v, %v", changes, err)
	}
}

func TestDryRunWritesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	there := crm.Interviewer{Email: "ann@trust.example", Name: "Ann"}
	b.interviewer(t, &there)
	done, err := b.UpsertInterviewers(t.Context(), []store.InterviewerWrite{
		{Interviewer: crm.Interviewer{Email: "ann@trust.example", Name: "Anna"}, Present: map[string]bool{"name": true}},
		{Interviewer: crm.Interviewer{Email: "bo@trust.example"}},
	}, "ops", b.now(), true)
	if err != nil || !slices.Equal(done[0].Changed, []string{"name"}) || !done[1].Created {
		t.Errorf("%+v, %v", done, err)
	}
	people, _, err := b.ListInterviewers(t.Context(), store.InterviewerFilter{})
	if err != nil || len(people) != 1 || people[0].Name != "Ann" {
		t.Errorf("%+v, %v", people, err)
	}
}

func TestConcurrentInterviewersAreOne(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var wait sync.WaitGroup
	results := make([]store.Upserted, 12)
	errs := make([]error, len(results))
	for n := range results {
		wait.Go(func() {
			var writes []store.InterviewerWrite
			for _, name := range []string{"zoe", "ann", "Maya"} { // not in the order of their keys
				i := crm.Interviewer{Email: name + "@trust.example", Name: fmt.Sprint(name, n)}
				writes = append(writes, store.InterviewerWrite{Interviewer: i, Present: map[string]bool{"name": true}})
			}
			done, err := b.UpsertInterviewers(t.Context(), writes, "ops", b.now(), false)
			if errs[n] = err; err == nil {
				results[n] = done[2]
			}
		})
	}
	wait.Wait()
	created := 0
	for n := range results {
		if errs[n] != nil || results[n].ID != results[0].ID {
			t.Errorf("%d: %+v, %v", n, results[n], errs[n])
		}
		if results[n].Created {
			created++
		}
	}
	people, _, err := b.ListInterviewers(t.Context(), store.InterviewerFilter{})
	if err != nil || len(people) != 3 || created != 1 {
		t.Errorf("%d created, there are %+v, %v", created, people, err)
	}
}

func TestListInterviewers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for n, group := range []string{"recruiters", "leads", "recruiters", "recruiters"} {
		b.pass(time.Second)
		i := crm.Interviewer{Email: fmt.Sprintf("p%d@trust.example", n), Name: "Person " + strings.Repeat("I", n), Groups: []string{group}, Active: n != 3, Trainee: n == 2}
		b.interviewer(t, &i)
	}
	names := func(f store.InterviewerFilter) (found []string) {
		t.Helper()
		for {
			people, next, err := b.ListInterviewers(t.Context(), f)
			if err != nil {
				t.Fatal(err)
			}
			for i := range people {
				found = append(found, people[i].Email[:2])
			}
			if f.After = next; next == "" {
				return found
			}
		}
	}
	for name, c := range map[string]struct {
		filter store.InterviewerFilter
		want   string
	}{
		"all": {store.InterviewerFilter{Limit: 3}, "p3 p2 p1 p0"}, "a group": {store.InterviewerFilter{Group: "recruiters", Limit: 1}, "p3 p2 p0"},
		"active": {store.InterviewerFilter{Group: "recruiters", Active: true}, "p2 p0"}, "a name": {store.InterviewerFilter{Query: "person ii"}, "p3 p2"},
		"an address": {store.InterviewerFilter{Query: "P1@"}, "p1"}, "nobody": {store.InterviewerFilter{Query: "%"}, ""},
	} {
		if got := strings.Join(names(c.filter), " "); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	groups, err := b.InterviewerGroups(t.Context())
	want := []store.InterviewerGroup{{Name: "leads", Active: 1}, {Name: "recruiters", Active: 1, Trainees: 1, Inactive: 1}}
	if diff := cmp.Diff(want, groups); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	some, err := b.InterviewersOf(t.Context(), []string{"leads"}, []string{"P0@trust.example", "nobody"})
	if err != nil || len(some) != 2 || some[0].Email != "p0@trust.example" || some[1].Email != "p1@trust.example" {
		t.Errorf("%+v, %v", some, err)
	}
}

func TestTimeOff(t *testing.T) {
	t.Parallel()
	b := setup(t)
	i := crm.Interviewer{Email: "ann@trust.example"}
	id := b.interviewer(t, &i).ID
	day := func(from, to int) crm.Span {
		return crm.Span{Start: start().AddDate(0, 0, from), End: start().AddDate(0, 0, to)}
	}
	for range 2 {
		away, err := b.SetTimeOff(t.Context(), "Ann@trust.example", []crm.Span{day(9, 12), day(1, 2), day(2, 4), day(10, 11), day(7, 7)}, "ops", b.now())
		if err != nil || cmp.Diff([]crm.Span{day(1, 4), day(9, 12)}, away) != "" {
			t.Errorf("%v, %v", away, err)
		}
	}
	if got, err := b.Interviewer(t.Context(), id); err != nil || cmp.Diff([]crm.Span{day(1, 4), day(9, 12)}, got.TimeOff) != "" {
		t.Errorf("%v, %v", got.TimeOff, err)
	}
	if again := b.interviewer(t, &i); len(again.Changed) != 0 {
		t.Errorf("changed %v", again.Changed)
	}
	if _, err := b.SetTimeOff(t.Context(), id, nil, "ops", b.now()); err != nil {
		t.Error(err)
	}
	if got, err := b.Interviewer(t.Context(), id); err != nil || got.TimeOff != nil {
		t.Errorf("%v, %v", got.TimeOff, err)
	}
	if _, err := b.SetTimeOff(t.Context(), "nobody@trust.example", nil, "ops", b.now()); crm.CodeOf(err) != crm.CodeNotFound {
		t.Errorf("nobody: %v", err)
	}
	changes, before, err := b.InterviewerChanges(t.Context(), id, 2, 0)
	if err != nil || len(changes) != 2 || changes[0].What != "time_off" || changes[1].What != "time_off" {
		t.Errorf("%+v, %v", changes, err)
	}
	if changes, before, err = b.InterviewerChanges(t.Context(), id, 2, before); err != nil || len(changes) != 1 || before != 0 || changes[0].What != "created" {
		t.Errorf("%+v, %d, %v", changes, before, err)
	}
}

func TestInterviewersWhoAreReferredToStay(t *testing.T) {
	t.Parallel()
	b := setup(t)
	conn, err := pgx.Connect(t.Context(), b.dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	id := ""
	for _, name := range []string{"ann", "bo"} {
		i := crm.Interviewer{Email: name + "@trust.example"}
		id = b.interviewer(t, &i).ID
	}
	if _, err := conn.Exec(t.Context(), "create table kept (id text references interviewers)"); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), "insert into kept values ($1)", id); err != nil {
		t.Fatal(err)
	}
	if err := b.DeleteInterviewer(t.Context(), id, "ops", b.now()); crm.CodeOf(err) != crm.CodeConflict {
		t.Errorf("bo: %v", err)
	}
	ann, err := b.Interviewer(t.Context(), "ann@trust.example")
	if err != nil {
		t.Fatal(err)
	}
	if err := b.DeleteInterviewer(t.Context(), "ann@trust.example", "ops", b.now()); err != nil {
		t.Errorf("ann: %v", err)
	}
	if err := b.DeleteInterviewer(t.Context(), ann.ID, "ops", b.now()); crm.CodeOf(err) != crm.CodeNotFound {
		t.Errorf("ann again: %v", err)
	}
	if changes, _, err := b.InterviewerChanges(t.Context(), ann.ID, 0, 0); err != nil || len(changes) != 2 || changes[0].What != "deleted" {
		t.Errorf("%+v, %v", changes, err)
	}
}
