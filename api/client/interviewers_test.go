package client_test

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/api/client"
)

func (w *world) people(t *testing.T) int {
	t.Helper()
	page, err := w.Interviewers(t.Context(), client.InterviewerQuery{}, 500, "")
	if err != nil {
		t.Fatal(err)
	}
	return len(page.Items)
}

func TestImportInterviewers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	text := "E-Mail,Full name,time zone,hours,skills,groups,daily limit,weekly_limit,min_gap,weight,trainee,active,shoe size\n" +
		`Maya@trust.example,Maya,Europe/London,"mon-fri 09:00-12:00,13:00-17:30; fri 09:00-12:00",Go;SQL,recruiters|leads,2,6,15m,3,yes,no,38` + "\n" +
		"tom@trust.example,,,,,,,,,,,,\n"
	for _, dryRun := range []bool{true, false} {
		s, err := w.ImportInterviewers(t.Context(), strings.NewReader(text), client.InterviewerOptions{DryRun: dryRun})
		if err != nil || s.Created != 2 || s.Rows != 2 || len(s.Warnings) != 1 || len(s.Problems) != 0 {
			t.Fatalf("%+v, %v", s, err)
		}
		if got := w.people(t); dryRun != (got == 0) {
			t.Errorf("dry run %v: there are %d", dryRun, got)
		}
	}
	maya, err := w.Interviewer(t.Context(), "maya@trust.example")
	if err != nil {
		t.Fatal(err)
	}
	want := api.Interviewer{
		ID: maya.ID, Email: "maya@trust.example", Name: "Maya", Zone: "Europe/London", Hours: "mon-thu 09:00-12:00,13:00-17:30; fri 09:00-12:00",
		Skills: []string{"Go", "SQL"}, Groups: []string{"recruiters", "leads"}, DailyLimit: 2, WeeklyLimit: 6, MinGap: "15m", Weight: 3, Trainee: true,
		TimeOff: []api.Away{}, Calendars: []api.Calendar{},
	}
	if diff := cmp.Diff(want, maya); diff != "" {
		t.Error(diff)
	}
	if tom, err := w.Interviewer(t.Context(), "tom@trust.example"); err != nil || !tom.Active {
		t.Errorf("%+v, %v", tom, err)
	}
	again, err := w.ImportInterviewers(t.Context(), strings.NewReader(text), client.InterviewerOptions{})
	if err != nil || again.Unchanged != 2 {
		t.Errorf("the same again: %+v, %v", again, err)
	}
	some, err := w.ImportInterviewers(t.Context(), strings.NewReader("email,name,hours\nmaya@trust.example,Maya S.,\n"), client.InterviewerOptions{})
	if after, e := w.Interviewer(t.Context(), maya.ID); err != nil || e != nil || some.Changed != 1 || after.Name != "Maya S." || after.Hours != maya.Hours {
		t.Errorf("%+v, %v, %+v, %v", some, err, after, e)
	}
}

func TestImportSaysEverythingThatIsWrong(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	text := strings.Join([]string{
		"email,name,zone,hours,groups,daily_limit,min_gap,active",
		"ann@trust.example,Ann,,,,,,",                                     // 2
		"nobody,Bo,Mars/Base,mon-fry 09:00-17:00,ok;Not OK,two,2bd,maybe", // 3
		",Cy,,,,,,",                      // 4
		"Ann@trust.example,Again,,,,,,",  // 5
		"di@trust.example,Di",            // 6
		"ed@trust.example,\"Ed,,,,,,",    // 7
		"fay@trust.example,Fay,,,,-1,,0", // 8
		"gus@trust.example,Gus,,,,,,",    // 9
	}, "\n")
	s, err := w.ImportInterviewers(t.Context(), strings.NewReader(text), client.InterviewerOptions{})
	if err != nil || s.Rows != 8 || s.Created != 2 || s.Rejected != 6 {
		t.Fatalf("%+v, %v", s, err)
	}
	var got []string
	for _, p := range s.Problems {
		got = append(got, p.Error())
	}
	want := []string{
		"row 3, daily_limit: it is not a whole number",
		"row 3, active: it is neither yes nor no",
		"row 3, email: it is not an email address",
		"row 3, zone: it is not a time zone like Europe/London (IANA)",
		`row 3, hours: "mon-fry" is not a day such as mon, or days such as mon-fri`,
		"row 3, groups: it is not a name like backend-leads: lower-case letters, digits and hyphens",
		"row 3, min_gap: it is not a time like 15m or 1h, up to 24h",
		"row 4, email: it is missing",
		"row 5, email: row 2 is the same person",
		"row 6: it has 2 fields and the first row has 8: is a comma not quoted?",
		`row 7: a quote is out of place: extraneous or missing " in quoted-field`,
		"row 8, daily_limit: it is not between 0 and 100",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for name, text := range map[string]string{"empty": "", "no email": "name\nAnn\n", "twice": "email,mail\na,b\n"} {
		if _, err := w.ImportInterviewers(t.Context(), strings.NewReader(text), client.InterviewerOptions{}); err == nil {
			t.Errorf("%s was imported", name)
		}
	}
}

func TestDemoInterviewersAreRight(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	f, err := os.Open("../../examples/demo/interviewers.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var done, total int64
	s, err := w.ImportInterviewers(t.Context(), f, client.InterviewerOptions{Progress: func(d, of int64) { done, total = d, of }})
	if err != nil || len(s.Problems) != 0 || s.Created < 6 || done != total || total == 0 {
		t.Errorf("%+v, %v, progress %d of %d", s, err, done, total)
	}
	groups, err := w.InterviewerGroups(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"recruiters", "backend-leads"} {
		found := false
		for _, g := range groups {
			found = found || g.Name == name && g.Active >= 2
		}
		if !found {
			t.Errorf("too few are in %s: %+v", name, groups)
		}
	}
}

func TestInterviewerCalls(t *testing.T) {
	t.Parallel()
	deletions := 0
	w := newWorld(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodDelete {
				deletions++
			}
			next.ServeHTTP(rw, r)
		})
	})
	ctx := t.Context()
	if _, err := w.ImportInterviewers(ctx, strings.NewReader("email,zone\nann@trust.example,Europe/London\n"), client.InterviewerOptions{}); err != nil {
		t.Fatal(err)
	}
	set, err := w.SetTimeOff(ctx, "ann@trust.example", []api.AwayInput{{Start: "2026-12-24", End: "2026-12-24"}})
	if err != nil || len(set.Items) != 1 || set.Items[0].End.Sub(set.Items[0].Start).Hours() != 24 {
		t.Errorf("%+v, %v", set, err)
	}
	if set, err = w.SetTimeOff(ctx, "ann@trust.example", nil); err != nil || len(set.Items) != 0 {
		t.Errorf("%+v, %v", set, err)
	}
	own, err := w.PutCalendar(ctx, "ann@trust.example", api.CalendarInput{Kind: "own"})
	if err != nil || own.ID == "" {
		t.Fatalf("%+v, %v", own, err)
	}
	if err := w.RemoveCalendar(ctx, "ann@trust.example", own.ID); err != nil || deletions != 1 {
		t.Errorf("%d deletions, %v", deletions, err)
	}
	if page, err := w.Interviewers(ctx, client.InterviewerQuery{Text: "ANN", Group: "x", Active: true}, 10, ""); err != nil || len(page.Items) != 0 {
		t.Errorf("%+v, %v", page, err)
	}
}

func FuzzImportInterviewers(f *testing.F) {
	f.Add("email,hours\nann@trust.example,\"mon 09:00-10:00\n11:00-12:00\"\n")
	f.Add("mail;active\r\"a\"\"\r;\x00\n")
	f.Fuzz(func(t *testing.T, text string) {
		nobody := client.New("http://127.0.0.1:1", "rk") // rows are read before any is sent
		nobody.Patience = 0
		s, err := nobody.ImportInterviewers(t.Context(), strings.NewReader(text), client.InterviewerOptions{})
		if err == nil && s.Rows != s.Rejected {
			t.Errorf("rows were imported by nobody: %+v", s)
		}
	})
}
