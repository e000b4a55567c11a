package dsl

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl/wallclock"
)

// attendantDomain is that of the addresses which a test's interviewers have.
const attendantDomain = "@interviewer.example"

// attendants reads who can hold the interviews.
func (t *testReader) attendants(n *yaml.Node) {
	if n == nil {
		return
	}
	if t.p != nil && t.p.Loop == nil {
		t.add(n, codeConflict, t.p.Name+" is no interview.", "Take interviewers out.")
	}
	entries, _ := t.entries(n, "interviewers")
	for _, e := range entries {
		id := t.word(e.key, "what an interviewer is called")
		m := t.mapping(e.value, placeAttendant)
		if id == "" || m == nil {
			continue
		}
		t.t.Interviewers = append(t.t.Interviewers, t.attendant(id, m))
	}
}

func (t *testReader) attendant(id string, m *mapping) Attendant {
	who := Attendant{Interviewer: crm.Interviewer{
		ID: id, Email: id + attendantDomain, Name: upperFirst(strings.ReplaceAll(id, "_", " ")), Active: true,
	}}
	if id == toCandidate {
		t.add(m.node, codeReserved, "An interviewer cannot be called candidate.", "Use another word.")
	}
	if n := m.get("groups"); n != nil {
		for _, g := range t.optionalList(n, "groups") {
			who.Groups = append(who.Groups, t.name(g))
		}
	}
	if n := m.get("zone"); n != nil {
		who.Zone, _ = t.text(n, "zone")
		if _, err := wallclock.Zone(who.Zone); err != nil && who.Zone != "" {
			t.add(n, codeZone, fmt.Sprintf("There is no time zone %q.", who.Zone), "Use an IANA name such as Europe/London.")
			who.Zone = ""
		}
	}
	if hours, days := m.get("hours"), m.get("days"); hours != nil || days != nil {
		c := &Calendar{Days: weekdays(), Open: 9 * 60, Close: 17 * 60}
		if days != nil {
			c.Days = t.days(days)
		}
		if hours != nil {
			t.hours(hours, c)
		}
		who.Hours = c.Week()
	}
	if n := m.get("busy"); n != nil {
		who.Busy = t.spans(n, &who.Interviewer)
	}
	if n := m.get("daily_limit"); n != nil {
		who.DailyLimit = t.number(n, "daily_limit", 1, 50)
	}
	return who
}

// spans reads what is in somebody's calendar.
func (t *testReader) spans(n *yaml.Node, who *crm.Interviewer) (spans []crm.Span) {
	loc := ZoneOf(nil, t.ws)
	if zone, err := wallclock.Zone(who.Zone); err == nil && who.Zone != "" {
		loc = zone
	}
	for _, e := range t.optionalList(n, "busy") {
		text, ok := t.text(e, "a time in a calendar")
		if !ok {
			continue
		}
		span, ok := parseSpan(text, loc)
		if !ok {
			t.add(e, codeHours, fmt.Sprintf("%q is not a time in a calendar.", clip(text)), `Write it as "2026-10-26 10:00-12:00", or 2026-10-26 for the whole day.`)
			continue
		}
		spans = append(spans, span)
	}
	return spans
}

// parseSpan reads a part of a day, or a day, on the clocks of a zone.
func parseSpan(text string, loc *time.Location) (crm.Span, bool) {
	day, hours, part := strings.Cut(strings.TrimSpace(text), " ")
	date, err := time.Parse(time.DateOnly, day)
	from, to := 0, minutesPerDay
	if part {
		var ok bool
		if from, to, ok = parseHours(hours); !ok || from >= to {
			return crm.Span{}, false
		}
	}
	at := func(minutes int) time.Time { return wallclock.At(date.Add(time.Duration(minutes)*time.Minute), loc) }
	return crm.Span{Start: at(from), End: at(to)}, err == nil
}

// known returns an interviewer of the test.
func (t *testReader) known(n *yaml.Node) *Attendant {
	id := t.word(n, "an interviewer")
	if id == "" {
		return nil
	}
	for i := range t.t.Interviewers {
		if t.t.Interviewers[i].ID == id {
			return &t.t.Interviewers[i]
		}
	}
	var ids []string
	for i := range t.t.Interviewers {
		ids = append(ids, t.t.Interviewers[i].ID)
	}
	t.add(n, codeTestStep, fmt.Sprintf("The test has no interviewer %q.", id), suggest(id, ids))
	return nil
}

// who returns the id of an interviewer of the test, or "".
func (t *testReader) who(n *yaml.Node) string {
	if a := t.known(n); a != nil {
		return a.ID
	}
	return ""
}

// deed reads what somebody does about the interview; nil when the entry is about something else.
func (t *testReader) deed(m *mapping) *Deed {
	for _, kind := range deeds() {
		n := m.get(string(kind))
		if n == nil {
			continue
		}
		if t.p != nil && t.p.Loop == nil {
			t.add(m.keys[string(kind)], codeConflict, t.p.Name+" is no interview.", "Take this out.")
		}
		return t.deedOf(kind, n)
	}
	return nil
}

func (t *testReader) deedOf(kind DeedKind, n *yaml.Node) *Deed {
	d := &Deed{Do: kind}
	switch kind {
	case DeedPick:
		if n.Value != "first" {
			d.At = t.moment(n, "pick")
		}
	case DeedAsk:
		t.choice(n, placeScript, string(kind))
	case DeedCancel:
		d.Text, _ = t.text(n, "cancel")
	case DeedDecline, DeedNoShow:
		d.Who = t.who(n)
	case DeedScorecard:
		t.card(n, d)
	case DeedBusy:
		entries, _ := t.entries(n, "busy")
		d.Busy = map[string][]crm.Span{}
		for _, e := range entries {
			if a := t.known(e.key); a != nil {
				d.Busy[a.ID] = t.spans(e.value, &a.Interviewer)
			}
		}
	}
	return d
}

func (t *testReader) card(n *yaml.Node, d *Deed) {
	m := t.mapping(n, placeTestScorecard)
	if m == nil || m.incomplete {
		return
	}
	d.Who, d.Card.Rating = t.who(m.get("by")), t.number(m.get("rating"), "rating", 1, 5)
	if r := m.get("recommend"); r != nil {
		d.Card.Recommend = t.choice(r, placeTestScorecard, "recommend")
	}
}

// meetingDetails reads what an expectation says of interviews.
func (t *testReader) meetingDetails(m *mapping, x *Expected) {
	if n := m.get("to"); n != nil {
		x.To = t.who(n)
		if x.Kind != ExpectEmail && x.Kind != ExpectSMS {
			t.add(m.keys["to"], codeConflict, "to names the interviewer who gets a message.", "Take it out.")
		}
	}
	for _, key := range []string{"starts", "with"} {
		if m.get(key) != nil && x.Kind != ExpectBooked {
			t.add(m.keys[key], codeConflict, key+" is about a round that is booked.", "Take it out.")
		}
	}
	if n := m.get("starts"); n != nil {
		x.Starts = t.moment(n, "starts")
	}
	if n := m.get("with"); n != nil {
		for _, e := range t.optionalList(n, "with") {
			x.With = append(x.With, t.who(e))
		}
	}
}

// meetingExpected reports an expectation of an interview that can never be met, and tells whether it was one.
func (t *testReader) meetingExpected(n *yaml.Node, x *Expected) bool {
	switch x.Kind { //nolint:exhaustive // the others are of sequences as well
	case ExpectInvitation, ExpectCancellation, ExpectScorecard, ExpectOffered, ExpectBooked:
	default:
		return false
	}
	if t.p.Loop == nil {
		t.add(n, codeTestNever, t.p.Name+" is no interview.", "")
		return true
	}
	switch x.Kind { //nolint:exhaustive // as above
	case ExpectOffered:
		t.number(n, "offered", 0, 50)
	case ExpectBooked:
		rounds := map[string]bool{}
		for i := range t.p.Loop.Rounds {
			rounds[t.p.Loop.Rounds[i].ID] = true
		}
		if !rounds[x.Name] {
			t.add(n, codeTestNever, fmt.Sprintf("%s has no round %q.", t.p.Name, clip(x.Name)), suggest(x.Name, slices.Collect(maps.Keys(rounds))))
		}
	default:
		if x.Name != toCandidate || x.Kind == ExpectScorecard {
			t.known(n)
		}
	}
	return true
}
