package dsl

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/rapport-crm/rapport/crm"
)

// Meet is what an instruction does about the meeting of a round.
type Meet struct {
	Do    MeetDo
	Round int // place in Interview.Rounds

	// Of MeetAnswer: how long after the times were offered, zero for ever; of MeetPause, after it was reached; of MeetUntil and
	// MeetScores, after the end, of which MeetScores waits for ever without one.
	After  Duration
	Plus   Duration  // of MeetScores: this much later still
	Before *Reminder // of MeetUntil: before the beginning instead
	Close  string    // of MeetClose: a round's outcome
}

// MeetDo is what is done.
type MeetDo string

// What is done about a meeting, and the ways in which it can end.
const (
	MeetBegin   MeetDo = "begin"   // another meeting of the round
	MeetFind    MeetDo = "find"    // times are looked for
	MeetAnswer  MeetDo = "answer"  // the candidate is waited for
	MeetPause   MeetDo = "pause"   // what could not be done is tried again later
	MeetBook    MeetDo = "book"    // what they picked is written to the calendars
	MeetInvite  MeetDo = "invite"  // invitations go out
	MeetUntil   MeetDo = "until"   // a moment before or after the meeting is waited for
	MeetReplace MeetDo = "replace" // somebody else takes a place on the panel
	MeetReopen  MeetDo = "reopen"  // the agreed time is given up, and another is looked for
	MeetAgain   MeetDo = "again"   // whether times are offered after a no-show
	MeetScores  MeetDo = "scores"  // scorecards are waited for
	MeetClose   MeetDo = "close"   // the meeting is over
)

// Outcomes of what is done about a meeting, beside those of its actions.
const (
	meetPicked    = "picked"          // the candidate has picked a time
	meetMore      = "times_requested" // the candidate asks for other times, or may be offered them
	meetStale     = "stale"           // the times that were offered are gone
	meetCancelled = "cancelled"       // by the candidate
	meetUnable    = "declined"        // somebody of the panel cannot come
	meetNoShow    = "no_show"
	meetPast      = "past" // the moment was over when it was reached
	meetIn        = "in"   // all scorecards are
)

// outcomes lists how what is done can end.
func (m *Meet) outcomes() []string {
	during := []string{OutcomeTimeout, meetPast, meetPicked, meetCancelled, meetUnable, meetNoShow}
	switch m.Do {
	case MeetFind:
		return []string{crm.MeetingFound, crm.MeetingNone, crm.CallFailed}
	case MeetAnswer:
		return []string{meetPicked, meetMore, meetStale, meetCancelled, OutcomeTimeout, meetPast}
	case MeetPause:
		return []string{meetCancelled, OutcomeTimeout}
	case MeetBook:
		return []string{crm.MeetingWritten, crm.MeetingTaken, meetCancelled, crm.CallFailed}
	case MeetUntil:
		return during
	case MeetReplace:
		return []string{crm.MeetingReplaced, crm.MeetingNone, crm.CallFailed}
	case MeetAgain:
		return []string{meetMore, crm.MeetingNone}
	case MeetScores:
		return []string{meetIn, OutcomeTimeout, meetNoShow}
	case MeetBegin, MeetInvite, MeetReopen, MeetClose:
	}
	return nil
}

// builtinScorecard is the message that asks an interviewer for their scorecard. No document can have such a name.
const builtinScorecard = "rapport/scorecard"

// tryAgain is how long until calendars, or people's time, are looked at again that had nothing for us.
func tryAgain() Duration { return Duration{Days: 1} }

// loopCoder lays an interview out flat. The instructions of a round have its id, a dot and a word as theirs, so that the
// timeline and the Temporal UI read like the definition: "screen.book", "screen.remind_1". Jumps go to such ids.
type loopCoder struct {
	loop  *Interview
	p     *Program
	round int
	jumps []jump
}

// jump leads from an outcome of an instruction, or without one from its end, to the id of another.
type jump struct {
	from    int
	outcome string
	to      string
}

// compile lays out the rounds, one after the other.
func (l *Interview) compile(p *Program) *Program {
	c := &loopCoder{loop: l, p: p}
	p.index, p.contains, p.layout = map[string]int{}, map[string][]string{}, map[string]site{}
	for at := range l.Rounds {
		c.round = at
		c.lay()
	}
	for pc := range p.Code {
		p.index[p.Code[pc].ID] = pc
	}
	for _, j := range c.jumps {
		to, ok := p.Find(j.to)
		if !ok {
			continue // a round whose id was refused
		}
		in := &p.Code[j.from]
		if j.outcome == "" {
			in.Next = to
			continue
		}
		if in.Then == nil {
			in.Then = map[string]int{}
		}
		in.Then[j.outcome] = to
	}
	p.Loop, p.Listens = l, loopListens(p)
	return p
}

// loopListens lists every event type that an interview looks at.
func loopListens(p *Program) []string {
	return sorted(unionOf(listens(p), meetingEvents()))
}

func unionOf(lists ...[]string) map[string]bool {
	all := map[string]bool{}
	for _, list := range lists {
		for _, s := range list {
			all[s] = true
		}
	}
	return all
}

// meetingEvents are those by which a meeting changes from outside.
func meetingEvents() []string {
	return []string{crm.EventPicked, crm.EventTimesRequested, crm.EventCancelled, crm.EventDeclined, crm.EventNoShow, crm.EventScored}
}

func (c *loopCoder) id(word string) string {
	if word == "" {
		return c.loop.Rounds[c.round].ID
	}
	return c.loop.Rounds[c.round].ID + "." + word
}

// after is the id where the round after this one begins.
func (c *loopCoder) after() string {
	if c.round+1 < len(c.loop.Rounds) {
		return c.loop.Rounds[c.round+1].ID
	}
	return EndID
}

// add appends an instruction, which goes on to the one that is added next, and leads its outcomes to ids: pairs of both.
func (c *loopCoder) add(word string, in Instr, leads ...string) {
	in.ID, in.Next = c.id(word), len(c.p.Code)+1
	for i := 0; i+1 < len(leads); i += 2 {
		c.jumps = append(c.jumps, jump{len(c.p.Code), leads[i], leads[i+1]})
	}
	c.p.layout[in.ID] = site{c.loop.Rounds[c.round].ID, len(c.p.Code) + 1}
	c.p.Code = append(c.p.Code, in)
}

func (c *loopCoder) meet(word string, m Meet, leads ...string) {
	m.Round = c.round
	c.add(word, Instr{Op: OpMeet, Implied: true, Meet: &m}, leads...)
}

// lay lays out one round: finding a time, then the time until the interview, then what follows from it; at the end what is
// only jumped to.
func (c *loopCoder) lay() {
	begin := Instr{Op: OpMeet, Meet: &Meet{Do: MeetBegin, Round: c.round}, If: c.loop.Rounds[c.round].If}
	c.add("", begin, crm.OutcomeSkipped, c.after())
	c.meet("find", Meet{Do: MeetFind}, crm.MeetingNone, c.id("none"), crm.CallFailed, c.id("none"))
	c.notes("invite", c.loop.Invite, "")
	c.asking()
	c.agreed()
	c.held()
	c.meet("done", Meet{Do: MeetClose, Close: crm.RoundCompleted}, "", c.after())
	c.trouble()
}

// asking waits for the candidate, and asks again until the loop is given up.
func (c *loopCoder) asking() {
	picked := []string{meetPicked, c.id("book"), meetMore, c.id("wish"), meetStale, c.id("fresh"), meetCancelled, c.id("cancelled")}
	for i, n := range c.loop.Nudges {
		next := c.answer(i + 1)
		c.meet("answer_"+strconv.Itoa(i+1), Meet{Do: MeetAnswer, After: n.After}, append(slices.Clone(picked), meetPast, c.id(next))...)
		c.notes("nudge_"+strconv.Itoa(i+1), n.Notes, "")
	}
	last := Meet{Do: MeetAnswer}
	if c.loop.GiveUp == nil {
		c.meet(c.answer(len(c.loop.Nudges)), last, picked...)
		return
	}
	last.After = c.loop.GiveUp.After
	c.meet(c.answer(len(c.loop.Nudges)), last, picked...)
	c.task("give_up", c.loop.GiveUp.Task)
	c.end("given_up", crm.RoundGaveUp)
}

// answer is the word of the instruction that waits for the candidate after some nudges.
func (c *loopCoder) answer(nudges int) string {
	return "answer_" + strconv.Itoa(nudges+1)
}

// agreed books what was picked, tells everybody, and reminds them.
func (c *loopCoder) agreed() {
	c.meet("book", Meet{Do: MeetBook}, crm.MeetingTaken, c.id("fresh"), crm.CallFailed, c.id("unreachable"), meetCancelled, c.id("cancelled"))
	c.meet("invitations", Meet{Do: MeetInvite})
	for i := range c.loop.Reminders {
		remind, word := &c.loop.Reminders[i], "remind_"+strconv.Itoa(i+1)
		next := "held"
		if i+1 < len(c.loop.Reminders) {
			next = "before_" + strconv.Itoa(i+2)
		}
		c.meet("before_"+strconv.Itoa(i+1), Meet{Do: MeetUntil, Before: remind}, append(c.changes(), meetPast, c.id(next))...)
		to := ""
		if remind.ToInterviewers {
			to = toInterviewers
		}
		c.notes(word, remind.Notes, to)
	}
}

// changes lead away from any wait before the end of a meeting.
func (c *loopCoder) changes() []string {
	return []string{
		meetPicked, c.id("book"), meetCancelled, c.id("cancelled"), meetUnable, c.id("replace"), meetNoShow, c.id("no_show"),
	}
}

// held waits for the end of the meeting, asks its people what they thought of it, and waits for that. A survey that comes earlier
// than scorecards are due does not wait for them.
func (c *loopCoder) held() {
	c.meet("held", Meet{Do: MeetUntil}, c.changes()...)
	s, rule := c.loop.Survey, c.loop.Scorecard
	asked := s != nil && c.after() == EndID
	late := asked && rule != nil && longer(s.After, rule.Due)
	if rule != nil {
		c.askScores("scorecards")
	}
	if asked && !late {
		c.survey()
	}
	next := "done"
	if late {
		next = "over"
	}
	if rule != nil {
		c.scores(rule, next)
	}
	if late {
		c.survey()
	}
}

// longer tells whether one duration usually is longer than another.
func longer(a, b Duration) bool { return usually(a) > usually(b) }

// usually is about how long a duration is: a business day is a day, a month has thirty.
func usually(d Duration) time.Duration {
	return d.Exact + time.Duration(d.Days+d.BusinessDays+30*d.Months)*24*time.Hour
}

// survey asks the candidate after the last round.
func (c *loopCoder) survey() {
	s := c.loop.Survey
	c.meet("over", Meet{Do: MeetUntil, After: s.After}, meetNoShow, c.id("no_show"))
	c.add("survey", Instr{Op: OpSurvey, Send: &Send{Channel: s.By, OnUnknown: "skip"}, Survey: &Ask{Use: s.Use}})
}

// askScores asks those who owe a scorecard for it.
func (c *loopCoder) askScores(word string) {
	c.add(word, Instr{Op: OpSend, Send: &Send{Channel: crm.Email, Use: []string{builtinScorecard}, To: toOwing, OnUnknown: "skip"}})
}

// scores waits for scorecards, reminds those who owe one, and tells the owner. Then it waits on, as long as a later round asks
// for them: a missing one never counts as a yes. next is where it goes on when all are in.
func (c *loopCoder) scores(rule *ScorecardRule, next string) {
	leads := []string{meetIn, c.id(next), meetNoShow, c.id("no_show")}
	if !rule.Nudge.IsZero() {
		c.meet("scorecards_due", Meet{Do: MeetScores, After: rule.Due, Plus: rule.Nudge}, leads...)
		c.askScores("scorecards_nudge")
	}
	if !rule.Escalate.IsZero() {
		c.meet("scorecards_late", Meet{Do: MeetScores, After: rule.Due, Plus: rule.Escalate}, leads...)
		c.say("escalate", "Scorecards are missing")
	}
	if c.scoresNeeded() {
		c.meet("scorecards_owed", Meet{Do: MeetScores}, leads...)
	}
}

// scoresNeeded tells whether a later round asks what the people of this one thought.
func (c *loopCoder) scoresNeeded() bool {
	return slices.ContainsFunc(c.loop.Rounds[c.round+1:], func(r Round) bool {
		return r.If != nil && slices.Contains(r.If.Rounds, c.loop.Rounds[c.round].ID)
	})
}

// trouble is what is only jumped to.
func (c *loopCoder) trouble() {
	c.say("none", "There are no times to offer")
	c.meet("wait", Meet{Do: MeetPause, After: tryAgain()}, meetCancelled, c.id("cancelled"))
	c.meet("retry", Meet{Do: MeetFind}, crm.MeetingFound, c.id("invite"), crm.MeetingNone, c.id("wait"), crm.CallFailed, c.id("wait"))

	c.say("wish", "The candidate asks for other times")
	c.meet("fresh", Meet{Do: MeetFind}, crm.MeetingFound, c.id(c.answer(0)), crm.MeetingNone, c.id("none"), crm.CallFailed, c.id("none"))

	c.say("unreachable", "The interview could not be written to a calendar")
	c.meet("rest", Meet{Do: MeetPause, After: Duration{Exact: time.Hour}}, "", c.id("book"), meetCancelled, c.id("cancelled"))

	c.meet("replace", Meet{Do: MeetReplace}, crm.MeetingReplaced, c.id("invitations"), crm.MeetingNone, c.id("reopen"), crm.CallFailed, c.id("reopen"))
	c.meet("reopen", Meet{Do: MeetReopen}, "", c.id("find"))

	c.say("cancelled", "The candidate has cancelled an interview")
	c.end("called_off", crm.RoundCancelled)

	if rule := c.loop.NoShow; rule != nil && rule.Task != nil {
		c.task("no_show", rule.Task)
	} else {
		c.say("no_show", "The candidate did not join")
	}
	c.meet("missed", Meet{Do: MeetClose, Close: crm.RoundNoShow})
	c.meet("offer_again", Meet{Do: MeetAgain}, meetMore, c.id(""))
	c.add("not_again", Instr{Op: OpExit, Exit: crm.RoundGaveUp})
}

// end closes the round and with it the run.
func (c *loopCoder) end(word, outcome string) {
	c.meet(word, Meet{Do: MeetClose, Close: outcome})
	c.add(word+"_exit", Instr{Op: OpExit, Exit: outcome})
}

// notes sends messages that go out together. The first can be jumped to by the word alone.
func (c *loopCoder) notes(word string, n Notes, to string) {
	at := word
	if n.Email != "" {
		c.add(at, Instr{Op: OpSend, Send: &Send{Channel: crm.Email, Use: []string{n.Email}, To: to, OnUnknown: "skip"}})
		at = word + "_sms"
	}
	if n.SMS != "" {
		c.add(at, Instr{Op: OpSend, Send: &Send{Channel: crm.SMS, Use: []string{n.SMS}, To: to, OnUnknown: "skip"}})
	}
}

// task asks the owner to do what the definition says.
func (c *loopCoder) task(word string, title *Text) {
	c.add(word, Instr{Op: OpTask, Task: &Task{Title: title, Assign: "owner"}})
}

// say asks the owner to look at what the loop cannot do alone.
func (c *loopCoder) say(word, what string) {
	title := fmt.Sprintf("%s: %s, %s", what, c.loop.Name, c.loop.Rounds[c.round].ID)
	c.task(word, &Text{Source: title})
}
