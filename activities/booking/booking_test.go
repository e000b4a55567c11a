package booking_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/activities/booking"
	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
)

func two() []dsl.Seat { return []dsl.Seat{{Group: "leads", Any: 2}} }
func one() []dsl.Seat { return []dsl.Seat{{Group: "leads", Any: 1}} }

// duo is ada and bo, who hold everything together.
func duo(t *testing.T) *rig {
	t.Helper()
	r := newRig(t, two()...)
	r.withCalendar(t, "ada", "leads")
	r.withCalendar(t, "bo", "leads")
	return r
}

// TestStory finds, books and moves an interview, as a plain CalDAV client sees it.
func TestStory(t *testing.T) {
	t.Parallel()
	r := duo(t)
	nine := crm.Span{Start: start().Add(time.Hour), End: start().Add(9 * time.Hour)}
	r.appointment(t, "bo", "dentist", nine) // all Monday
	id := r.asked(t, "ana", "")
	found := r.want(t, id, crm.ActionFind, crm.MeetingFound).Result.(booking.Found)
	m := r.meeting(t, id)
	if m.State != crm.MeetingOffered || len(m.Offered) != 4 || len(found.Times) != 4 || !strings.Contains(found.Report, "1h") {
		t.Fatalf("offered %+v, found %+v", m, found)
	}
	for _, s := range m.Offered {
		if s.StartsAt.Before(start().Add(24*time.Hour)) || len(s.Seats) != 2 {
			t.Errorf("offered %+v", s)
		}
	}
	if err := r.pick(t.Context(), id, 0); err != nil {
		t.Fatal(err)
	}
	r.want(t, id, crm.ActionBook, crm.MeetingWritten)
	r.want(t, id, crm.ActionBook, crm.MeetingWritten) // again changes nothing
	m = r.meeting(t, id)
	if m.State != crm.MeetingBooked || m.Panel[0].Email == "" || m.BookedAt.IsZero() {
		t.Fatalf("booked %+v", m)
	}
	text := r.server.must(t, http.MethodGet, r.path("ada")+r.uid(id)+".ics", "", http.StatusOK)
	for _, want := range []string{"SUMMARY:Interview: ana\\, Engineer", "SEQUENCE:1", "With bo", "careers@north.example"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "mailto:bo@") {
		t.Error("a server might invite bo by ada's event")
	}
	if err := r.pick(t.Context(), id, 1); err != nil {
		t.Fatal(err)
	}
	r.want(t, id, crm.ActionBook, crm.MeetingWritten)
	r.settle(t)
	delete(r.gates, "bo")
	r.consistent(t, id)
}

// TestKilledAnywhere ends an attempt before each step. Whether it is made again, the candidate cancels, or picks another time: calendars
// come to what the store says.
func TestKilledAnywhere(t *testing.T) {
	t.Parallel()
	r := duo(t)
	cancel := func(r *rig, ctx context.Context, id string) error {
		return r.change(ctx, id, func(m *crm.Meeting) error { _, err := m.Cancel(r.now()); return err })
	}
	after := map[string]func(t *testing.T, id string){
		"again": func(t *testing.T, id string) {
			t.Helper()
			r.want(t, id, crm.ActionBook, crm.MeetingWritten)
			if m := r.meeting(t, id); m.State != crm.MeetingBooked {
				t.Errorf("it is %s", m.State)
			}
		},
		"cancelled": func(t *testing.T, id string) {
			t.Helper()
			if err := cancel(r, t.Context(), id); err != nil {
				t.Fatal(err)
			}
		},
		"taken": func(t *testing.T, id string) {
			t.Helper()
			m := r.meeting(t, id)
			r.appointment(t, "bo", "sudden-"+id, crm.Span{Start: m.StartsAt, End: m.EndsAt})
			defer func() {
				r.server.must(t, http.MethodDelete, r.path("bo")+"sudden-"+id+".ics", "", http.StatusOK)
			}()
			r.want(t, id, crm.ActionBook, crm.MeetingTaken)
		},
	}
	var all []string
	for _, moved := range []bool{false, true} { //nolint:paralleltest // they share calendars
		for _, step := range []string{"mark", "recheck", "put ada", "put bo", "commit"} {
			for then, do := range after {
				name := step + " then " + then
				if moved {
					name = "move, " + name
				}
				step := strings.NewReplacer("ada", r.ids["ada"], "bo", r.ids["bo"]).Replace(step)
				t.Run(name, func(t *testing.T) {
					id := r.offered(t, strings.NewReplacer(" ", "-", ",", "").Replace(name))
					all = append(all, id)
					if moved {
						if err := r.pick(t.Context(), id, 1); err != nil {
							t.Fatal(err)
						}
						r.want(t, id, crm.ActionBook, crm.MeetingWritten)
					}
					if err := r.pick(t.Context(), id, 0); err != nil {
						t.Fatal(err)
					}
					reached := r.killAt(step, nil)
					if result, err := r.act(t.Context(), id, crm.ActionBook); err == nil || !reached() {
						t.Fatalf("not killed: %+v", result)
					}
					do(t, id)
					r.settle(t)
					r.consistent(t, all...)
					if m := r.meeting(t, id); m.State == crm.MeetingBooked { // makes room
						if err := cancel(r, t.Context(), id); err != nil {
							t.Fatal(err)
						}
						r.settle(t)
					}
				})
			}
		}
	}
}

// TestLateWrite has the candidate cancel, and calendars cleared, while an attempt is still writing; then it is killed, or not.
func TestLateWrite(t *testing.T) {
	t.Parallel()
	for _, killed := range []bool{false, true} {
		name := "ends"
		if killed {
			name = "killed"
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := duo(t)
			r.booker.Settle = 300 * time.Millisecond
			id := r.offered(t, "ana")
			if err := r.pick(t.Context(), id, 0); err != nil {
				t.Fatal(err)
			}
			var gone bool
			r.booker.Before = func(ctx context.Context, step string) error {
				switch {
				case step == "recheck" && !gone:
					gone = true
					if err := r.change(ctx, id, func(m *crm.Meeting) error { _, err := m.Cancel(r.now()); return err }); err != nil {
						return err
					}
					if _, err := r.booker.Mirror(ctx); err != nil { // the first deletion: there is nothing yet
						return err
					}
				case step == "commit" && killed:
					return errKilled
				}
				return nil
			}
			if _, err := r.act(t.Context(), id, crm.ActionBook); err == nil {
				t.Fatal("it was booked")
			}
			if events := r.server.events(t, r.path("ada")); len(events) != 1 {
				t.Fatalf("nothing was late: %v", events)
			}
			r.settle(t)
			r.consistent(t, id)
		})
	}
}

// TestLostAnswers loses the answer of each write: it is made again, and there is one event.
func TestLostAnswers(t *testing.T) {
	t.Parallel()
	r := duo(t)
	id := r.offered(t, "ana")
	if err := r.pick(t.Context(), id, 0); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"ada", "bo"} {
		r.gates[name].LoseAnswer()
	}
	if _, err := r.act(t.Context(), id, crm.ActionBook); kindOf(err) != "calendar_unavailable" {
		t.Fatalf("got %v", err)
	}
	if m := r.meeting(t, id); m.State != crm.MeetingHeld {
		t.Fatalf("it is %s", m.State)
	}
	r.want(t, id, crm.ActionBook, crm.MeetingWritten)
	if r.gates["ada"].Writes() != 1 {
		t.Errorf("%d writes", r.gates["ada"].Writes())
	}
	r.settle(t)
	r.consistent(t, id)
}

// TestAnswerOfTheFirst holds that a call that is made again after its answer changes nothing.
func TestAnswerOfTheFirst(t *testing.T) {
	t.Parallel()
	r := newRig(t, one()...)
	r.person(t, "cleo", "leads")
	id := r.asked(t, "ana", "")
	find := &crm.Call{Action: crm.ActionFind, Meeting: id}
	if _, err := r.booker.Act(t.Context(), 7, find); err != nil {
		t.Fatal(err)
	}
	before := r.meeting(t, id).Offered
	r.set(r.now().Add(26 * time.Hour))
	if _, err := r.booker.Act(t.Context(), 7, find); err != nil {
		t.Fatal(err)
	}
	if after := r.meeting(t, id).Offered; !after[0].StartsAt.Equal(before[0].StartsAt) {
		t.Errorf("offered %v, then %v", before, after)
	}
	if _, err := r.booker.Act(t.Context(), 8, &crm.Call{Action: crm.ActionFind, Meeting: "mtg_none"}); crm.CodeOf(err) != crm.CodeNotFound {
		t.Errorf("an erased meeting: %v", err)
	}
}

// TestOutage holds that what was last known serves to offer, and never to book.
func TestOutage(t *testing.T) {
	t.Parallel()
	r := duo(t)
	tuesday := start().AddDate(0, 0, 1).Add(time.Hour)
	r.appointment(t, "bo", "dentist", crm.Span{Start: tuesday, End: tuesday.Add(8 * time.Hour)})
	r.offered(t, "first") // reads the calendars
	r.gates["bo"].Fail(http.StatusServiceUnavailable, nil, 1000)
	id := r.asked(t, "ana", "")
	found := r.want(t, id, crm.ActionFind, crm.MeetingFound).Result.(booking.Found)
	if len(found.Notes) != 1 || !strings.Contains(found.Notes[0], "bo does not answer. It counts as it was on Mon 2 Nov 08:00") {
		t.Errorf("notes %q", found.Notes)
	}
	m := r.meeting(t, id)
	for _, s := range m.Offered {
		if s.StartsAt.Before(tuesday.Add(8*time.Hour)) && tuesday.Before(s.EndsAt) {
			t.Errorf("offered %s, when bo was known to be busy", s.StartsAt)
		}
	}
	if err := r.pick(t.Context(), id, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := r.act(t.Context(), id, crm.ActionBook); kindOf(err) != "calendar_unavailable" {
		t.Errorf("booked: %v", err)
	}
	if m := r.meeting(t, id); m.State != crm.MeetingHeld || len(r.server.events(t, r.path("ada"))) != 0 {
		t.Errorf("it is %s, ada has %v", m.State, r.server.events(t, r.path("ada")))
	}
	r.set(r.now().Add(time.Minute))
	r.gates["bo"].Fail(http.StatusUnauthorized, nil, 1000)
	if result := r.want(t, id, crm.ActionBook, crm.CallFailed); result.Reason != "calendar_unauthorized" {
		t.Errorf("%+v", result)
	}
	links, err := r.Calendars(t.Context(), r.ids["bo"])
	if err != nil || links[0].State != crm.CalendarUnauthorized {
		t.Errorf("%+v, %v", links, err)
	}
	if result := r.want(t, r.asked(t, "late", ""), crm.ActionFind, crm.MeetingNone).Result.(booking.Found); !strings.Contains(result.Notes[0], "bo cannot be asked") {
		t.Errorf("found %+v", result)
	}
	r.gates["bo"].Fail(0, nil, 0)
	r.want(t, id, crm.ActionBook, crm.MeetingWritten)
	r.consistentOf(t, "ada", id)
}

// TestUnknownIsBusy holds that beyond what was last known of a calendar nothing is offered.
func TestUnknownIsBusy(t *testing.T) {
	t.Parallel()
	r := duo(t)
	r.offered(t, "first")           // knows the week until Saturday
	r.set(start().AddDate(0, 0, 3)) // Thursday; asks until Tuesday
	r.gates["bo"].Fail(http.StatusServiceUnavailable, nil, 1000)
	r.loop.Loop.Rounds[0].Offer.Slots = 20
	id := r.offered(t, "ana")
	for _, s := range r.meeting(t, id).Offered {
		if s.EndsAt.After(start().AddDate(0, 0, 5)) {
			t.Errorf("offered %s", s.StartsAt)
		}
	}
}

// consistentOf looks at one calendar alone.
func (r *rig) consistentOf(t *testing.T, name string, meetings ...string) {
	t.Helper()
	for other := range r.gates {
		if other != name {
			delete(r.gates, other)
		}
	}
	r.consistent(t, meetings...)
}

// TestTakenMeanwhile holds that what is in a calendar now counts, also of a time that was free when it was offered.
func TestTakenMeanwhile(t *testing.T) {
	t.Parallel()
	r := duo(t)
	id := r.offered(t, "ana")
	if err := r.pick(t.Context(), id, 0); err != nil {
		t.Fatal(err)
	}
	m := r.meeting(t, id)
	r.appointment(t, "bo", "dentist", crm.Span{Start: m.StartsAt.Add(-time.Hour), End: m.StartsAt.Add(time.Minute)})
	r.want(t, id, crm.ActionBook, crm.MeetingTaken)
	after := r.meeting(t, id)
	if after.State != crm.MeetingOffered || after.Reason != crm.MeetingTaken || len(after.Offered) != 3 {
		t.Errorf("it is %+v", after)
	}
	r.settle(t)
	r.consistentOf(t, "ada", id)
}

// TestTooLate holds that nothing is booked that should have begun already.
func TestTooLate(t *testing.T) {
	t.Parallel()
	r := newRig(t, one()...)
	r.person(t, "cleo", "leads")
	id := r.offered(t, "ana")
	if err := r.pick(t.Context(), id, 0); err != nil {
		t.Fatal(err)
	}
	r.set(r.meeting(t, id).StartsAt)
	r.want(t, id, crm.ActionBook, crm.MeetingTaken)
	if m := r.meeting(t, id); m.State != crm.MeetingOffered {
		t.Errorf("it is %s", m.State)
	}
}

// TestManyAtOnce has fifty candidates want the same three people at once.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, two()...)
	r.loop.Loop.Rounds[0].Offer.Slots = 10
	r.withCalendar(t, "ada", "leads")
	r.withCalendar(t, "bo", "leads")
	r.person(t, "cleo", "leads")
	const runs = 50
	all := make([]string, runs)
	for i := range all {
		all[i] = r.asked(t, "c"+string(rune('A'+i%26))+string(rune('a'+i/26)), "")
	}
	done := make(chan error, runs)
	for i, id := range all {
		go func() { done <- r.struggle(t.Context(), id, i) }()
	}
	for range runs {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	r.settle(t)
	r.consistent(t, all...)
	var booked int
	held := map[string][]crm.Span{}
	for _, id := range all {
		m := r.meeting(t, id)
		if m.State != crm.MeetingBooked {
			continue
		}
		booked++
		for _, who := range m.Seats {
			s := crm.Span{Start: m.StartsAt, End: m.EndsAt}
			if slices.ContainsFunc(held[who], s.Overlaps) {
				t.Errorf("%s is twice at %s", who, s.Start)
			}
			held[who] = append(held[who], s)
		}
	}
	if booked < 20 { // three people, four days of eight hours, two at a time
		t.Errorf("%d booked", booked)
	}
}

// struggle is a candidate who picks until a time is booked, or there is none.
func (r *rig) struggle(ctx context.Context, id string, nth int) error {
	for try := range 20 {
		found, err := r.act(ctx, id, crm.ActionFind)
		if kindOf(err) == "changed_meanwhile" || kindOf(err) == "calendar_unavailable" {
			continue
		}
		if err != nil || found.Outcome == crm.MeetingNone {
			return err
		}
		if err := r.pick(ctx, id, (nth+try)%5); crm.CodeOf(err) == crm.CodeConflict {
			continue
		} else if err != nil {
			return err
		}
		for range 5 {
			result, err := r.act(ctx, id, crm.ActionBook)
			if err == nil && result.Outcome == crm.MeetingWritten {
				return nil
			}
			if err == nil {
				break
			}
			if kindOf(err) != "calendar_unavailable" {
				return err
			}
		}
	}
	return nil
}
