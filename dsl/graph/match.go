package graph

import (
	"slices"
	"strings"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
)

// matchWords says what a match is about, of a candidate: "clicks a link in “thanks”", "status is hired".
func matchWords(m *dsl.Match) string {
	if m.State() {
		return inWords(m.When)
	}
	events := make([]string, len(m.On))
	for i, t := range m.On {
		events[i] = eventWords(t, m.Step)
	}
	words := listed(events, "or")
	switch m.Since {
	case "":
	case "enroll":
		words += " since the start"
	default:
		words += " since " + quoted(spaced(m.Since))
	}
	if m.When != nil {
		words += ", if " + inWords(m.When)
	}
	return words
}

// branchWords says what a branch of a wait_for is about. What has no words goes by its name as well.
func branchWords(b *dsl.Branch) string {
	if wordless(b.Match.When) {
		return spaced(b.Name) + ": " + matchWords(b.Match)
	}
	return matchWords(b.Match)
}

// someoneWords is matchWords with a subject.
func someoneWords(m *dsl.Match) string {
	words := matchWords(m)
	if m.State() && wordless(m.When) {
		return "this is true: " + words
	}
	if m.State() || strings.HasPrefix(words, "the event ") || strings.HasPrefix(words, "a role ") {
		return words
	}
	return "the candidate " + words
}

// eventWords says what happened to a candidate. Messages of a step go by its id.
func eventWords(eventType, step string) string {
	words, known := map[string]string{
		"candidate.created":         "is new",
		"candidate.updated":         "changes",
		"candidate.merged":          "turns out to be another one",
		"consent.granted":           "gives consent",
		"consent.revoked":           "takes back consent",
		"application.submitted":     "applies",
		"application.stage_changed": "gets to another stage",
		"application.rejected":      "is rejected",
		"application.withdrawn":     "withdraws",
		"application.hired":         "is hired",
		"message.sent":              "is sent MESSAGE",
		"message.delivered":         "gets MESSAGE",
		"message.opened":            "opens MESSAGE",
		"message.clicked":           "clicks a link in MESSAGE",
		"message.replied":           "replies to MESSAGE",
		"message.auto_replied":      "has an automatic reply to MESSAGE",
		"message.bounced":           "cannot be reached by MESSAGE",
		"message.complained":        "reports MESSAGE as spam",
		"message.failed":            "does not get MESSAGE",
		"page.viewed":               "looks at a page",
		"event.registered":          "registers for an event",
		"event.attended":            "comes to an event",
		"interview.invited":         "is invited to an interview",
		"interview.booked":          "books an interview",
		"interview.rescheduled":     "moves an interview",
		"interview.cancelled":       "has an interview cancelled",
		"interview.declined":        "declines an interview",
		"interview.answered":        "answers the invitation to an interview",
		"interview.completed":       "has had an interview",
		"interview.no_show":         "misses an interview",
		"scorecard.submitted":       "has a new scorecard",
		"survey.answered":           "answers a survey",
		"offer.extended":            "gets an offer",
		"offer.accepted":            "accepts an offer",
		"offer.declined":            "declines an offer",
		"role.opened":               "a role opens",
		"role.closed":               "a role closes",
		"pool.entered":              "enters a pool",
		"pool.left":                 "leaves a pool",
		"task.completed":            "has a task done",
		"referral.received":         "is referred",
	}[eventType]
	if !known {
		return "the event " + eventType + " happens"
	}
	message := "a message"
	if step != "" {
		message = quoted(spaced(step))
	} else if eventType == "message.replied" {
		return "replies"
	}
	return strings.ReplaceAll(words, "MESSAGE", message)
}

// enrolls says who gets a run.
func (b *graphBuilder) enrolls() []string {
	var lines []string
	for _, r := range b.p.Enroll {
		line := ruleWords(r)
		if len(lines) > 0 {
			line = "or " + line
		}
		lines = append(lines, line)
	}
	switch {
	case b.p.ByHand && len(lines) > 0:
		lines = append(lines, "or a person enrolls the candidate")
	case b.p.ByHand:
		lines = append(lines, "a person enrolls the candidate")
	}
	if len(lines) > 0 {
		lines[0] = upperFirst(lines[0])
	}
	return lines
}

func ruleWords(r *dsl.Rule) string {
	members, when := ", for the members of the pool "+r.In, ""
	if r.When != nil {
		when = ", if " + inWords(r.When)
	}
	switch {
	case r.In == "":
		return someoneWords(&r.Match)
	case !r.At.IsZero():
		words := "it is " + momentWords(r.At)
		if !r.Every.IsZero() {
			words += ", and again every " + strings.TrimPrefix(durationWords(r.Every), "1 ")
		}
		words += members
		if r.Pace != nil {
			words += ", at most " + limitWords(r.Pace)
		}
		return words + when
	case len(r.On) == 0:
		return "the candidate is in the pool " + r.In + ", now or later"
	}
	events := make([]string, len(r.On))
	for i, t := range r.On {
		events[i] = eventWords(t, "")
		if !crm.Broadcast(t) {
			events[i] = "the candidate " + events[i]
		}
	}
	return listed(events, "or") + members + when
}

// facts lists what holds for every run.
func (b *graphBuilder) facts() []Fact {
	var all []Fact
	add := func(name, text string) {
		if text != "" {
			all = append(all, Fact{name, text})
		}
	}
	p, ws := b.p, b.words.set.Workspace
	add("Purpose", b.purpose(ws))
	if g := p.Goal; g != nil {
		goal := someoneWords(g.Match)
		if !g.Within.IsZero() {
			goal += " within " + durationWords(g.Within)
		}
		add("Goal", upperFirst(goal))
	}
	add("Sends", b.window(ws))
	add("At most", b.caps(ws))
	per := "candidate"
	if p.PerApp {
		per = "application"
	}
	switch {
	case p.Reenroll.Never:
		add("Runs", "once per "+per)
	case p.Reenroll.After.IsZero():
		add("Runs", "again and again per "+per+", one at a time")
	default:
		add("Runs", "per "+per+", again "+durationWords(p.Reenroll.After)+" after the last one's end")
	}
	add("Owner", p.Owner)
	return all
}

// caps says how many messages a candidate gets at most.
func (b *graphBuilder) caps(ws *dsl.Workspace) string {
	var caps []string
	if own := b.p.Limit; own != nil {
		caps = append(caps, limitWords(own))
	}
	if ws != nil && ws.Limit != nil {
		caps = append(caps, limitWords(ws.Limit))
	}
	if caps = slices.Compact(caps); len(caps) == 0 || b.p.Transactional() {
		return ""
	}
	return "messages: " + listed(caps, "and") + ", counting those of other sequences"
}

func (b *graphBuilder) purpose(ws *dsl.Workspace) string {
	if b.p.Transactional() {
		return "transactional: about an application or interview, needs no consent"
	}
	words := b.p.Purpose
	if ws == nil {
		return words
	}
	known := ws.Purposes[words]
	if known.Basis != "" {
		words += ", by " + strings.ReplaceAll(string(known.Basis), "_", " ")
	}
	if known.Wording != "" {
		words += ": " + quoted(known.Wording)
	}
	return words
}

// window says when messages go.
func (b *graphBuilder) window(ws *dsl.Workspace) string {
	switch {
	case b.p.Window != nil:
		return calendarWords(b.p.Window)
	case b.p.Transactional():
		return "at any hour"
	case ws != nil && ws.Calendar != nil:
		c := *ws.Calendar
		c.Zone = "" // the workspace's hours are read where the candidate is
		return calendarWords(&c)
	}
	return ""
}

// exits lists what ends a run wherever it is.
func (b *graphBuilder) exits() []Ending {
	var all []Ending
	for _, m := range b.p.Exits {
		all = append(all, Ending{someoneWords(m), endsAs(m.Outcome)})
	}
	for _, r := range b.p.Enroll {
		if r.In != "" && len(r.On) == 0 && r.At.IsZero() {
			all = append(all, Ending{"the candidate leaves the pool " + r.In, endsAs(crm.OutcomeLeft)})
		}
	}
	if !b.p.Transactional() && b.p.Purpose != "" {
		all = append(all, Ending{"the candidate takes back consent to " + b.p.Purpose, endsAs(crm.OutcomeOptedOut)})
	}
	return all
}
