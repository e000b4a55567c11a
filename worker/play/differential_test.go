package play_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rapport-crm/rapport/activities"
	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/dsl/dsltest"
)

const surroundings = `
workspace: north
calendar: {days: mon-fri, hours: "09:00-17:30", zone: Europe/London, holidays: gb-eng}
quiet: {sms: "20:00-08:00", email: "22:00-06:00"}
limit: 3/7d
purposes:
  news: {basis: consent, wording: "Hear from us"}
  jobs: {basis: consent}
  sourced: {basis: legitimate_interest, expires: 30d}
from: {email: "North <careers@north.example>", sms: "+447700900000", address: "1 Way, Leeds"}
statuses: [lead, applicant, hired]
score: {decay: 30d, points: {message.clicked: 5, page.viewed: 2, message.sent: 1}}
---
pool: club
members: by hand
---
pool: warm
when: candidate.score >= 4 && candidate.status != "hired"
---
message: one
channel: email
subject: One
body: One.
---
message: two
channel: email
subject: Two
body: Two.
---
message: three
channel: email
subject: Three
body: Three.
---
message: four
channel: email
subject: Four
body: Four.
---
survey: evening
intro: How was it?
questions:
  - {id: nps, ask: "Would you come again?", kind: nps}
---
sequence: club-life
purpose: sourced
enroll: {in: club}
reenroll: always
steps:
  - {id: hello, email: four}
  - {id: rest, wait: 10d}
  - {id: bye, sms: {body: "Bye."}}
---
sequence: letter
purpose: news
enroll: by hand
reenroll: always
exit: [{on: message.replied, outcome: replied}]
steps:
  - {id: dear, email: three}
  - {id: rest, wait: 30d}
---
sequence: warmed
purpose: news
enroll: {in: warm}
reenroll: 2d
exit: [{when: 'in_pool("club")', outcome: joined}]
steps:
  - {id: s1, email: {use: two, by: 20d}}
  - {id: s2, wait: 2w}
---
sequence: keen
purpose: news
enroll: [{on: custom.keen}, {on: custom.met}]
reenroll: always
goal: {on: page.viewed, within: 9d}
steps:
  - id: s1
    repeat: {every: 6d, times: 2, first: now}
    do:
      - id: s2
        experiment:
          arms: {x: {do: [{id: xx, email: [two, four]}]}, y: {do: [{id: yy, update: {set: {attributes.rank: 3}, tag: [keen]}}]}}
          measure: {on: [message.clicked, page.viewed], within: 60d}
---
`

// head draws what stands above the steps of a sequence.
func head(t *rapid.T, name, enroll string) string {
	pick := func(lines ...string) string { return rapid.SampledFrom(lines).Draw(t, "head") }
	purposes := []string{"news", "sourced", "jobs"}
	if strings.Contains(enroll, "application") {
		purposes = append(purposes, crm.PurposeTransactional)
	}
	return "sequence: " + name + "\n" + enroll + "purpose: " + pick(purposes...) + "\n" +
		pick("", "reenroll: always\n", "reenroll: 3d\n") + pick("", "limit: 1/3d\n", "limit: 2/4w\n") +
		pick("", `window: {days: tue-sat, hours: "10:00-15:00", zone: candidate}`+"\n") +
		pick("", "goal: {on: application.submitted, within: 30d}\n") +
		pick("", "exit: [{on: message.replied, outcome: replied}]\n", "exit: [{when: 'candidate.status == \"hired\"', outcome: hired}, {on: application.withdrawn, outcome: withdrawn}]\n",
			"exit: [{when: 'candidate.score > 12', outcome: hot}]\n") + "steps:\n"
}

// definitions draws sequences that one candidate can be in at the same time. They share caps and pools, enroll in each other
// and end each other.
func definitions(t *rapid.T) string {
	pick := func(lines ...string) string { return rapid.SampledFrom(lines).Draw(t, "enroll") }
	return surroundings +
		head(t, "first", pick("enroll: {on: event.attended}\n", "enroll: [{on: page.viewed, when: 'event.data.path == \"/jobs\"'}, {on: referral.received}]\n",
			"enroll: {in: warm, on: page.viewed, when: 'event.data.seconds > 3'}\n")) + dsltest.Steps(t, "second", "third", "club-life") + "---\n" +
		head(t, "second", pick("enroll: by hand\n", "per: application\nenroll: {on: [application.submitted, application.rejected]}\n")) + dsltest.Steps(t, "third") + "---\n" +
		head(t, "third", pick("enroll: by hand\n", "enroll: {on: message.clicked}\n", "enroll: {on: application.submitted, when: 'application.role_function != \"engineering\"'}\n")) + dsltest.Steps(t)
}

func candidateID() string { return crm.DeriveID(crm.PrefixCandidate, start(), "sarah") }

// TestPostgresAndMemory lets the same random script happen to the same random sequences on Postgres and in memory. Both stores
// have to hand over the same facts at every decision, every dispatch and every last check, and keep the same.
func TestPostgresAndMemory(t *testing.T) {
	t.Parallel()
	postgres := openPostgres(t)
	rapid.Check(t, func(rt *rapid.T) {
		text := definitions(rt)
		set, problems := dsl.Check([]dsl.File{{Path: "test.yaml", Text: []byte(text)}}, nil)
		for _, p := range problems {
			if p.Severity == crm.SeverityError {
				rt.Fatalf("definitions: %s\n%s", p, text)
			}
		}
		script := scripts().Draw(rt, "script")
		bare := crm.Candidate{ID: candidateID(), CreatedAt: start().AddDate(0, 0, -12), UpdatedAt: start()}

		var mine *drive
		clock := func() time.Time { return mine.clock }
		remembered, err := newInMemory(clock, bare)
		if err != nil {
			rt.Fatal(err)
		}
		mine = newDrive(t.Context(), remembered, set, activities.LibraryOf(set))
		finish(rt, mine, script)

		var theirs *drive
		theirClock := func() time.Time {
			if theirs == nil { // the definitions are published before anything is played
				return start()
			}
			return theirs.clock
		}
		if err := postgres.begin(t.Context(), theirClock, bare); err != nil {
			rt.Fatal(err)
		}
		if _, err := postgres.ApplyDefinitions(t.Context(), set.Documents, start()); err != nil {
			rt.Fatal(err)
		}
		theirs = newDrive(t.Context(), postgres, set, postgres.library(t))
		finish(rt, theirs, script)
		if theirs.lines, err = postgres.lines(t.Context()); err != nil {
			rt.Fatal(err)
		}
		if diff := difference(theirs, mine); diff != "" {
			rt.Fatalf("%s\nscript:\n%s\n%s", diff, listed(script), strings.TrimPrefix(text, surroundings))
		}
	})
}

// finish plays a whole script to a store, and tells how the store is left.
func finish(t *rapid.T, d *drive, script []happening) {
	err := d.play(append(beginning(), script...))
	if err != nil && !errors.Is(err, errEnough) {
		t.Fatal(err)
	}
	runs, err := d.runs(d.ctx)
	if err != nil {
		t.Fatal(err)
	}
	d.tell("runs at the end", runs)
	for i := range runs {
		arms, err := d.arms(d.ctx, runs[i].ID)
		if err != nil {
			t.Fatal(err)
		}
		d.tell("arms of "+runs[i].ID, arms)
	}
	messages, err := d.messages(d.ctx)
	if err != nil {
		t.Fatal(err)
	}
	d.tell("messages at the end", messages)
	tasks, err := d.tasks(d.ctx)
	if err != nil {
		t.Fatal(err)
	}
	d.tell("tasks at the end", tasks)
	// An inbox holds all that is known of the candidate.
	if err := d.receive(d.ctx, d.made("end", "custom.end", nil), nil); err != nil {
		t.Fatal(err)
	}
	_, err = d.dispatch(d.ctx, func(in *crm.Inbox) (*crm.Dispatched, error) {
		d.name(in)
		d.tell("the candidate at the end", in)
		return nil, errEnough
	})
	if !errors.Is(err, errEnough) {
		t.Fatal(err)
	}
}

// beginning is what makes a candidate of the bare one, who agrees to everything and is busy.
func beginning() []happening {
	return []happening{
		{what: "set", word: "email"},
		{what: "set", word: "phone"},
		{what: "set", word: "time_zone"},
		{what: "set", word: "status"},
		{what: "consent", word: "granted", n: 12},
		{what: "consent", word: "granted", n: 14},
		{what: "application", word: "submitted"},
		{what: "hand", word: "first"},
		{what: "hand", word: "second", n: 1},
		{what: "hand", word: "third"},
		{what: "event", word: "custom.met"},
	}
}

// tell keeps a value as text, in a form that does not depend on where it came from.
func (d *drive) tell(what string, value any) {
	text, err := json.Marshal(value)
	if err != nil {
		text = []byte(err.Error())
	}
	d.told = append(d.told, entry{d.clock.Format(time.RFC3339) + " " + what, string(text)})
}

// difference says where two drives have told different things first, or kept different explanations; "" when nowhere.
func difference(postgres, memory *drive) string {
	for i := range min(len(postgres.told), len(memory.told)) {
		p, m := postgres.told[i], memory.told[i]
		theirs, mine := postgres.plain(p.text), memory.plain(m.text)
		if p.what != m.what || !reflect.DeepEqual(theirs, mine) {
			var before strings.Builder
			for _, e := range postgres.told[max(0, i-8):i] {
				before.WriteString(e.what + "\n")
			}
			return fmt.Sprintf("after\n%sPostgres (-): %s\nmemory (+): %s\n%s", before.String(), p.what, m.what, cmp.Diff(theirs, mine))
		}
	}
	if p, m := len(postgres.told), len(memory.told); p != m {
		return fmt.Sprintf("Postgres has told %d things, memory %d", p, m)
	}
	return cmp.Diff(postgres.plainLines(), memory.plainLines())
}

func listed(script []happening) string {
	var b strings.Builder
	for i := range script {
		b.WriteString(script[i].String() + "\n")
	}
	return b.String()
}

func (d *drive) plainLines() any {
	text, err := json.Marshal(d.lines)
	if err != nil {
		return err.Error()
	}
	return d.plain(string(text))
}

// plain reads a text back as what can be compared: times in UTC, events by their place in the order, nothing that is empty.
func (d *drive) plain(text string) any {
	var value any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		return text
	}
	return d.normal("", value)
}

var (
	timePattern  = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d`)
	eventPattern = regexp.MustCompile(`evt_[0-9a-z]{26}`)
)

func (d *drive) normal(key string, value any) any {
	switch v := value.(type) {
	case map[string]any:
		for k, inner := range v {
			if plain := d.normal(k, inner); plain != nil && !unlike(k) {
				v[k] = plain
			} else {
				delete(v, k)
			}
		}
		if len(v) == 0 {
			return nil
		}
	case []any:
		if len(v) == 0 {
			return nil
		}
		for i := range v {
			v[i] = d.normal("", v[i])
		}
		if key == "Enrolled" { // a set
			slices.SortFunc(v, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		}
	case string:
		if at, err := time.Parse(time.RFC3339Nano, v); err == nil && timePattern.MatchString(v) {
			if at.IsZero() {
				return nil
			}
			return at.UTC().Format(time.RFC3339Nano)
		}
		if v == "" {
			return nil
		}
		return eventPattern.ReplaceAllStringFunc(v, func(id string) string {
			if place, ok := d.events[id]; ok {
				return place
			}
			return id
		})
	}
	return value
}

// unlike tells whether a field legitimately differs: memory knows one version of each definition, and no sender that could die
// with a claim.
func unlike(field string) bool { return field == "version" || field == "lease_until" }
