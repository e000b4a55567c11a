package retention_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl/retention"
)

// term is a random policy, known to the test without being read again.
type term struct {
	name           string
	days, before   int // before: 0 without a notice
	least, applies bool
	activity       bool // counts from activity, else from the decision
	erases         bool
	extend         int // days; 0: never
}

func (x *term) text() string {
	after, country := decision, "DE"
	if x.activity {
		after = activity
	}
	if !x.applies {
		country = "FR"
	}
	applies := fmt.Sprintf("applies_to: candidate.country == %q", country)
	if x.least {
		return policy(x.name, fmt.Sprintf("at_least: %dd", x.days), after, applies)
	}
	more := []string{applies, "then: anonymize"}
	if x.erases {
		more[1] = "then: erase"
	}
	switch {
	case x.extend > 0:
		more = append(more, fmt.Sprintf("notice: {before: %dd, email: stay, extend: %dd, on: consent.granted}", x.before, x.extend))
	case x.before > 0:
		more = append(more, fmt.Sprintf("notice: {before: %dd, email: stay}", x.before))
	}
	return policy(x.name, fmt.Sprintf("for: %dd", x.days), after, more...)
}

// world is random policies and a random candidate.
type world struct {
	terms []term
	facts *crm.RetentionCase
	rules *retention.Rules
	grant time.Time
	zone  *time.Location
}

func newWorld(tb testing.TB, rnd *rand.Rand) *world {
	tb.Helper()
	w := &world{facts: rejected(tb)}
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		tb.Fatal(err)
	}
	w.zone = zone
	var texts []string
	for i := range 1 + rnd.IntN(5) {
		x := term{name: string(rune('a' + i)), days: 31 + rnd.IntN(60), applies: rnd.IntN(4) > 0, activity: rnd.IntN(2) == 0, least: rnd.IntN(3) == 0}
		if !x.least {
			x.erases = rnd.IntN(2) == 0
			if rnd.IntN(2) == 0 {
				x.before = 1 + rnd.IntN(30)
				if rnd.IntN(2) == 0 {
					x.extend = 20 + rnd.IntN(60)
				}
			}
		}
		w.terms = append(w.terms, x)
		texts = append(texts, x.text())
	}
	rnd.Shuffle(len(texts), func(i, j int) { texts[i], texts[j] = texts[j], texts[i] })
	w.rules = rules(tb, documents(texts...))
	base := on(tb, "2026-01-01").Add(time.Duration(rnd.IntN(90*24*60)) * time.Minute) // over the change of clocks in March
	w.facts.Facts.Candidate.LastDecisionAt = base
	w.facts.Facts.Candidate.LastActivityAt = base.Add(time.Duration(rnd.IntN(30*24*60)) * time.Minute)
	if rnd.IntN(2) == 0 {
		w.grant = base.Add(time.Duration(rnd.IntN(60*24*60)) * time.Minute)
		w.facts.Facts.Consents = []crm.Consent{{Purpose: "p", Channel: crm.Email, Granted: true, At: w.grant}}
	}
	return w
}

// plus is a number of days later by the clocks of Berlin. No random moment falls into a changed hour twice a year by chance: those
// that do are the first instant after, which is what Go makes of it for one-hour gaps when asked for the offset before.
func (w *world) plus(t time.Time, days int) time.Time {
	l := t.In(w.zone)
	return time.Date(l.Year(), l.Month(), l.Day()+days, l.Hour(), l.Minute(), l.Second(), 0, w.zone)
}

func (w *world) end(x *term) time.Time {
	from := w.facts.Facts.Candidate.LastDecisionAt
	if x.activity {
		from = w.facts.Facts.Candidate.LastActivityAt
	}
	end := w.plus(from, x.days)
	if yes := w.plus(w.grant, x.extend); x.extend > 0 && !w.grant.IsZero() && yes.After(end) {
		end = yes
	}
	return end
}

// taker is the policy that takes the data, and until when they are kept, by going over all policies once for each sentence of the
// language: nothing before the latest at_least, then at the earliest for.
func (w *world) taker() (taker *term, until time.Time) {
	for i := range w.terms {
		x := &w.terms[i]
		if !x.applies || x.least {
			continue
		}
		first := true
		for j := range w.terms {
			y := &w.terms[j]
			if j == i || !y.applies || y.least {
				continue
			}
			ex, ey := w.end(x), w.end(y)
			switch {
			case ey.Before(ex):
				first = false
			case ey.Equal(ex) && (y.before > 0) != (x.before > 0):
				first = first && x.before > 0
			case ey.Equal(ex) && y.erases != x.erases:
				first = first && x.erases
			case ey.Equal(ex):
				first = first && i < j
			}
		}
		if first {
			taker, until = x, w.end(x)
		}
	}
	for i := range w.terms {
		if x := &w.terms[i]; x.least && x.applies && w.end(x).After(until) {
			until = w.end(x)
		}
	}
	return taker, until
}

// TestLives plays random candidates under random policies from run to run, with notices that are sent late or not at all, and holds
// every verdict against what the sentences of the language say.
func TestLives(t *testing.T) {
	t.Parallel()
	for seed := range uint64(150) {
		rnd := rand.New(rand.NewPCG(6, seed))
		w := newWorld(t, rnd)
		taker, until := w.taker()
		run := w.plus(on(t, "2026-01-01T03:00"), rnd.IntN(200)) // some have long been due
		var sent, named time.Time
		taken, delayed := false, false
		from, days := rnd.IntN(200), rnd.IntN(60) // for so long their data is restricted
		for n := range 400 {
			run = w.plus(run, 1)
			restricted := n >= from && n < from+days
			w.facts.Restricted = restricted
			v := w.rules.Judge(w.facts, run)
			if restricted && (v.State == retention.Notify || v.State == retention.Noticed || !v.DueAt.IsZero() || !v.NextAt.IsZero()) {
				t.Fatalf("seed %d, %s: %s of restricted data\n%v", seed, run, v.State, v.Explain())
			}
			over := taker != nil && until.Before(run)
			want := over && !restricted && (taker.before == 0 || !sent.IsZero() && w.plus(sent, taker.before).Before(run))
			if got := v.State == retention.Due; got != want || want && v.Policy != taker.name {
				t.Fatalf("seed %d, %s: %s by %q, wanted due: %v by %+v until %s\n%v", seed, run, v.State, v.Policy, want, taker, until, v.Explain())
			}
			delayed = delayed || restricted && run.Equal(named)
			if v.State == retention.Notify {
				if !sent.IsZero() {
					t.Fatalf("seed %d: told twice", seed)
				}
				sent, named = run.Add(time.Duration(rnd.IntN(23*60))*time.Minute), v.DueAt
				w.facts.Notices = append(w.facts.Notices, crm.RetentionNotice{Policy: v.Policy, Until: v.Until, Due: v.DueAt, At: sent, State: crm.NoticeSent})
			}
			if v.State == retention.Due {
				if !named.IsZero() && !named.Equal(run) && (!delayed || run.Before(named)) {
					t.Fatalf("seed %d: the candidate was told %s, and it was %s", seed, named, run)
				}
				taken = true
				break
			}
		}
		if taken != (taker != nil) {
			t.Errorf("seed %d: taken: %v, by %+v", seed, taken, taker)
		}
	}
}

// TestWhatNeverMatters changes what must make no difference, and what may make only one.
func TestWhatNeverMatters(t *testing.T) {
	t.Parallel()
	same := cmpopts.IgnoreUnexported(retention.Verdict{}, retention.Rule{})
	for seed := range uint64(100) {
		rnd := rand.New(rand.NewPCG(7, seed))
		w := newWorld(t, rnd)
		now := on(t, "2026-02-01").Add(time.Duration(rnd.IntN(200*24)) * time.Hour)
		for i := range w.terms {
			w.facts.Notices = append(w.facts.Notices, crm.RetentionNotice{
				Policy: w.terms[i].name, Until: w.end(&w.terms[i]), At: now.AddDate(0, 0, -rnd.IntN(60)), State: crm.NoticeSent,
			})
		}
		v := w.rules.Judge(w.facts, now)
		if !v.NextAt.IsZero() && !v.NextAt.After(now) {
			t.Fatalf("seed %d: next at %s, and now is %s", seed, v.NextAt, now)
		}
		if !v.NextAt.IsZero() {
			if soon := w.rules.Judge(w.facts, v.NextAt.Add(-time.Second)); soon.State != v.State {
				t.Errorf("seed %d: %s before the time", seed, soon.State)
			}
			if then := w.rules.Judge(w.facts, v.NextAt); then.State == v.State {
				t.Errorf("seed %d: still %s when the time has come", seed, then.State)
			}
		}
		// The order of policies and of facts.
		slices.Reverse(w.facts.Notices)
		slices.Reverse(w.terms)
		texts := make([]string, len(w.terms))
		for i := range w.terms {
			texts[i] = w.terms[i].text()
		}
		if diff := cmp.Diff(v, rules(t, documents(texts...)).Judge(w.facts, now), same); diff != "" {
			t.Errorf("seed %d: the order matters: %s", seed, diff)
		}
		// One more minimum never takes data earlier.
		more := rules(t, documents(append(texts, minimum("z", "60d", activity))...)).Judge(w.facts, now)
		if more.Until.Before(v.Until) || v.State != retention.Due && more.State == retention.Due {
			t.Errorf("seed %d: a minimum made it earlier: %s, %s", seed, v.State, more.State)
		}
		// A hold, an interview, an open application, a restriction: nothing is taken, and nobody is told.
		stopped := *w.facts
		switch rnd.IntN(4) {
		case 0:
			stopped.Holds = []crm.RetentionHold{{Why: "a claim"}}
		case 1:
			stopped.Interviews = []string{"onsite"}
		case 2:
			stopped.Restricted = true
		default:
			stopped.Facts.Applications = []crm.Application{{Status: crm.ApplicationOpen}}
		}
		if got := w.rules.Judge(&stopped, now); got.State == retention.Due || got.State == retention.Notify || !got.DueAt.IsZero() {
			t.Errorf("seed %d: %s in spite of %+v", seed, got.State, stopped)
		}
	}
}
