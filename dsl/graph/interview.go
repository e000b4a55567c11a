package graph

import (
	"strings"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
)

// A round of an interview is some forty instructions. What is drawn is its story: how it goes when nothing comes between, and
// at each stop what else can happen there. As that is the same in all rounds, only the first tells it.

// round is the story of one round.
type round struct {
	id    string
	title string
	asked *stop // before it; nil: always held
	stops []stop
}

// all are the stops with the question before them.
func (r *round) all() []stop {
	if r.asked == nil {
		return r.stops
	}
	return append([]stop{*r.asked}, r.stops...)
}

// stop is a node of the story, and what else can happen at it.
type stop struct {
	node   *Node
	asides []aside
}

// aside is a node beside the story, and the node that the run goes on with; "" when it ends.
type aside struct {
	node *Node
	to   string
}

// interview draws the rounds, one after the other.
func (b *graphBuilder) interview() {
	loop := b.p.Loop
	b.g.Facts = append(b.g.Facts, Fact{"Early end", "interviews to come are cancelled, everybody is told"})
	for i := range loop.Rounds {
		t := teller{graphBuilder: b, loop: loop, at: i, round: &loop.Rounds[i]}
		b.g.rounds = append(b.g.rounds, t.tell())
	}
	b.node(&Node{ID: dsl.EndID, Kind: NodeEnd, Text: []string{endsAs(crm.OutcomeCompleted)}})
	before := Edge{From: StartID}
	for _, r := range b.g.rounds {
		for _, s := range r.all() {
			before.To = s.node.ID
			b.g.Edges = append(b.g.Edges, before)
			before = Edge{From: s.node.ID}
			for _, a := range s.asides {
				b.g.Edges = append(b.g.Edges, Edge{From: s.node.ID, To: a.node.ID})
				if a.to != "" {
					b.g.Edges = append(b.g.Edges, Edge{From: a.node.ID, To: a.to, Back: true})
				}
			}
		}
	}
	before.To = dsl.EndID
	b.g.Edges = append(b.g.Edges, before)
}

// teller tells the story of one round.
type teller struct {
	*graphBuilder

	loop  *dsl.Interview
	at    int // place in loop.Rounds
	round *dsl.Round
	stops []stop
}

func (t *teller) tell() round {
	r := round{id: t.round.ID, title: t.round.ID}
	if t.at > 0 {
		r.title += " · what else can happen is as in " + t.loop.Rounds[0].ID
	}
	if t.round.If != nil {
		t.question()
		r.asked, t.stops = &t.stops[0], nil
	}
	t.offer()
	t.pick()
	t.booked()
	t.held()
	r.stops = t.stops
	return r
}

func (t *teller) id(word string) string { return t.round.ID + "." + word }

// first is the id of the node with which a round begins.
func (t *teller) first(at int) string {
	if at >= len(t.loop.Rounds) {
		return dsl.EndID
	}
	r := &t.loop.Rounds[at]
	if r.If != nil {
		return r.ID
	}
	return r.ID + ".find"
}

// stop adds a node to the story.
func (t *teller) stop(n *Node) {
	n.Round = t.round.ID
	t.stops = append(t.stops, stop{node: t.node(n)})
}

// aside adds what else can happen at the last stop: the run goes on at another node, or ends.
func (t *teller) aside(word, when, to string, then ...string) {
	if t.at > 0 {
		return
	}
	kind := NodeDetour
	if to == "" {
		kind = NodeStop
	}
	t.beside(&Node{ID: t.id(word), Kind: kind, Title: when, Notes: then}, to)
}

func (t *teller) beside(n *Node, to string) {
	n.Round, n.beside = t.round.ID, true
	last := &t.stops[len(t.stops)-1]
	last.asides = append(last.asides, aside{t.node(n), to})
}

const (
	ownerTask = "a task for the owner"
	newTimes  = "new times are offered"
)

func (t *teller) question() {
	n := t.node(&Node{ID: t.round.ID, Kind: NodeChoice, Title: "Before the round", Text: []string{question(t.round.If)}})
	no := t.node(&Node{ID: t.id("no"), Kind: NodeDetour, Title: "If not", Notes: []string{"this round is left out"}})
	t.stops = []stop{{node: n, asides: []aside{{no, t.first(t.at + 1)}}}}
}

// offer is what the candidate can choose from.
func (t *teller) offer() {
	o := t.round.Offer
	n := &Node{ID: t.id("find"), Kind: NodeOffer, Title: "Find times", Text: []string{counted(o.Slots, "time") + " for " + t.meeting()}}
	when := "within " + durationWords(o.Within)
	if !o.Notice.IsZero() {
		when += ", from " + durationWords(o.Notice) + " on"
	}
	n.Notes = append(n.Notes, when)
	where := "in their working hours"
	if o.Close > 0 {
		where = clockWords(o.Open) + " to " + clockWords(o.Close) + " their time"
	}
	n.Notes = append(n.Notes, where)
	if o.Buffer > 0 {
		n.Notes = append(n.Notes, durationWords(dsl.Duration{Exact: o.Buffer})+" free around it")
	}
	t.stop(n)
	t.aside("none", "No time is free", n.ID, ownerTask, "looks again "+t.after("wait")+" later")
}

// meeting says how long, how, and with whom.
func (t *teller) meeting() string {
	return durationWords(dsl.Duration{Exact: t.round.Duration}) + mediumWords(t.round.Medium) + " with " + seatsWords(t.round.Interviewers)
}

// after says how long an instruction of the round waits.
func (t *teller) after(word string) string {
	pc, ok := t.p.Find(t.id(word))
	if !ok || t.p.Code[pc].Meet == nil {
		return "some time"
	}
	return durationWords(t.p.Code[pc].Meet.After)
}

// pick is the candidate's choice.
func (t *teller) pick() {
	n := &Node{ID: t.id("answer"), Kind: NodeAwait, Title: "Candidate picks", Text: []string{t.message(t.loop.Invite)}}
	for _, nudge := range t.loop.Nudges {
		n.Notes = append(n.Notes, "again after "+durationWords(nudge.After)+" "+channels(nudge.Notes))
	}
	t.stop(n)
	t.aside("wish", "Asks for other times", t.id("find"), ownerTask, newTimes)
	t.aside("cancelled", "Cancels, now or later", "", ownerTask, "ends as cancelled")
	if g := t.loop.GiveUp; g != nil {
		t.aside("give_up", "Silent for "+durationWords(g.After), "", taskQuote(g.Task), "ends as gave up")
	}
}

// message says which messages go out together.
func (t *teller) message(n dsl.Notes) string {
	switch {
	case n.Email == "" && n.SMS == "":
		return "is not asked by a message"
	case n.Email == "":
		return t.words.message(n.SMS, crm.SMS) + " by text message"
	}
	return t.words.message(n.Email, crm.Email) + " " + channels(n)
}

// channels says how messages go out.
func channels(n dsl.Notes) string {
	var by []string
	if n.Email != "" {
		by = append(by, "email")
	}
	if n.SMS != "" {
		by = append(by, "text message")
	}
	return "by " + listed(by, "and")
}

// booked is all from the choice to the interview.
func (t *teller) booked() {
	n := &Node{ID: t.id("book"), Kind: NodeBook, Title: "Booked", Text: []string{"in all calendars; everybody is invited"}}
	for i := range t.loop.Reminders {
		r := &t.loop.Reminders[i]
		who := ""
		if r.ToInterviewers {
			who = "interviewers reminded "
		} else if i == 0 {
			who = "reminded "
		}
		n.Notes = append(n.Notes, who+durationWords(r.Before)+" before "+channels(r.Notes))
	}
	t.stop(n)
	t.aside("fresh", "Time gone meanwhile", t.id("find"), newTimes)
	t.aside("unreachable", "No calendar answers", n.ID, ownerTask, "tried again "+t.after("rest")+" later")
	t.aside("replace", "Interviewer unable", n.ID, "somebody else takes the place; if nobody can, "+newTimes)
	if r := t.loop.Reschedule; r != nil && r.Limit > 0 {
		how := "at most " + times(r.Limit)
		if !r.Until.IsZero() {
			how += ", until " + durationWords(r.Until) + " before"
		}
		t.aside("moved", "Picks another time", n.ID, how)
	}
}

// held is the interview, and what follows from it.
func (t *teller) held() {
	t.stop(&Node{ID: t.id("held"), Kind: NodeInterview, Title: "Interview", Text: []string{t.meeting()}})
	var then []string
	to, end := "", "ends as gave up"
	if rule := t.loop.NoShow; rule != nil {
		then = append(then, "can be said "+durationWords(dsl.Duration{Exact: rule.After})+" after it began")
		if rule.Task != nil {
			then = append(then, taskQuote(rule.Task))
		}
		if rule.OfferAgain > 0 {
			to, end = t.first(t.at), newTimes+" "+times(rule.OfferAgain)+", then it ends as gave up"
		}
	}
	t.aside("no_show", "Candidate not there", to, append(then, end)...)
	survey, asked := t.p.Find(t.id("survey"))
	scores, scored := t.p.Find(t.id("scorecards"))
	if asked && (!scored || survey < scores) {
		t.survey(survey)
	}
	if scored {
		t.scorecards()
	}
	if asked && scored && survey > scores {
		t.survey(survey)
	}
}

func (t *teller) survey(pc int) {
	n := &Node{ID: t.id("survey")}
	t.words.survey(&t.p.Code[pc], n)
	n.Notes, n.Text = []string{n.Text[0], durationWords(t.loop.Survey.After) + " after the interview"}, nil
	to := dsl.EndID
	if _, scored := t.p.Find(t.id("scorecards")); scored && t.stops[len(t.stops)-1].node.Kind == NodeInterview {
		to = t.id("scorecards")
	}
	t.beside(n, to)
}

func (t *teller) scorecards() {
	rule := t.loop.Scorecard
	n := &Node{ID: t.id("scorecards"), Kind: NodeScorecard, Title: "Scorecards", Text: []string{"due " + durationWords(rule.Due) + " later"}}
	if !rule.Nudge.IsZero() {
		n.Notes = append(n.Notes, "asked for again "+durationWords(rule.Nudge)+" later")
	}
	if !rule.Escalate.IsZero() {
		n.Notes = append(n.Notes, "late by "+durationWords(rule.Escalate)+": "+ownerTask)
	}
	if _, waits := t.p.Find(t.id("scorecards_owed")); waits {
		n.Notes = append(n.Notes, "waits until all are in")
	}
	t.stop(n)
}

func taskQuote(task *dsl.Text) string { return ownerTask + ": " + quoted(shown(task, 90)) }

func mediumWords(medium string) string {
	switch medium {
	case "":
		return ""
	case "onsite":
		return " on site"
	case "phone":
		return " by phone"
	}
	return " by " + medium
}

// seatsWords says who holds a round.
func seatsWords(all []dsl.Seat) string {
	words := make([]string, len(all))
	for i, s := range all {
		switch {
		case s.HiringManager:
			words[i] = "the hiring manager"
		case s.Any == 0:
			words[i] = "all of " + s.Group
		case s.Any == 1:
			words[i] = "one of " + s.Group
		default:
			words[i] = counted(s.Any, "person") + " of " + s.Group
		}
	}
	return strings.ReplaceAll(listed(words, "and"), "persons", "people")
}

// story tells an interview in plain sentences.
func (g *Graph) story() string {
	var b strings.Builder
	b.WriteString(" " + g.Nodes[0].sentence())
	for _, r := range g.rounds {
		b.WriteString(" Round " + r.title + ".")
		for _, s := range r.all() {
			b.WriteString(" " + s.node.sentence())
			for _, a := range s.asides {
				b.WriteString(" " + a.node.sentence())
			}
		}
	}
	b.WriteString(" " + g.Nodes[len(g.Nodes)-1].sentence())
	return b.String()
}
