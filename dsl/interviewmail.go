package dsl

import (
	"fmt"

	"go.yaml.in/yaml/v4"

	"github.com/rapport-crm/rapport/crm"
)

// asks reads how a candidate is asked for a time, and asked again.
func (i *interviewReader) asks(m *mapping) {
	i.placed = []string{"links.schedule"} // there is no time yet
	if n := m.get("invite"); n != nil {
		if invite := i.mapping(n, placeInvite); invite != nil {
			i.loop.Invite = i.notes(invite)
		}
	}
	for _, n := range i.optionalList(m.get("nudge"), "nudge") {
		nudge := i.mapping(n, placeNudge)
		if nudge == nil || nudge.incomplete {
			continue
		}
		x := Nudge{After: i.duration(nudge.get("after"), "after"), Notes: i.notes(nudge)}
		if g := valueOf(i.src.root, "give_up"); g != nil {
			i.beforeGivingUp(nudge.get("after"), x.After, valueOf(g, "after"))
		}
		i.loop.Nudges = append(i.loop.Nudges, x)
	}
	if n := m.get("give_up"); n != nil {
		if g := i.mapping(n, placeGiveUp); g != nil && !g.incomplete {
			i.loop.GiveUp = &GiveUp{After: i.duration(g.get("after"), "after"), Task: i.taskText(g.get("task"))}
		}
	}
}

// beforeGivingUp warns of a nudge that never goes out.
func (i *interviewReader) beforeGivingUp(n *yaml.Node, after Duration, giveUp *yaml.Node) {
	if giveUp == nil {
		return
	}
	if end, err := ParseDuration(giveUp.Value); err == nil && notShorter(after, end) {
		i.note(n, crm.SeverityWarning, codeUnreachable, fmt.Sprintf("This never goes out: the interview is given up after %s.", end), "Nudge earlier, or give up later.")
	}
}

// notes reads the messages that go out together.
func (i *interviewReader) notes(m *mapping) (x Notes) {
	email, sms := m.get("email"), m.get("sms")
	if email == nil && sms == nil && len(m.values) == len(m.node.Content)/2 {
		i.add(m.node, codeMissingKey, `A message is missing: the key "email", or "sms".`, "")
	}
	if email != nil {
		i.sender(email, crm.Email)
		x.Email = i.use(email, crm.Email)
	}
	if sms != nil {
		i.sender(sms, crm.SMS)
		x.SMS = i.use(sms, crm.SMS)
	}
	return x
}

// taskText reads what a person is to do.
func (i *interviewReader) taskText(n *yaml.Node) *Text {
	return i.textOf(n, i.engines.plain, &templateScope{application: true, data: i.sc.enroll, placed: i.placed})
}

// around reads what happens before and after each interview.
func (i *interviewReader) around(m *mapping) {
	i.placed = interviewVariables()
	for _, n := range i.optionalList(m.get("remind"), "remind") {
		remind := i.mapping(n, placeRemind)
		if remind == nil || remind.incomplete {
			continue
		}
		x := Reminder{Before: i.duration(remind.get("before"), "before"), Notes: i.notes(remind)}
		if to := remind.get("to"); to != nil {
			x.ToInterviewers = i.choice(to, placeRemind, "to") == toInterviewers
		}
		i.loop.Reminders = append(i.loop.Reminders, x)
	}
	if n := m.get("reschedule"); n != nil {
		i.loop.Reschedule = i.reschedule(n)
	}
	if n := m.get("no_show"); n != nil {
		i.loop.NoShow = i.noShow(n)
	}
	if n := m.get("scorecard"); n != nil {
		i.loop.Scorecard = i.scorecard(n)
	}
	if n := m.get("survey"); n != nil {
		i.loop.Survey = i.surveyAfter(n)
	}
}

func (i *interviewReader) reschedule(n *yaml.Node) *Reschedule {
	m := i.mapping(n, placeReschedule)
	if m == nil || m.incomplete {
		return nil
	}
	x := &Reschedule{Limit: i.number(m.get("limit"), "limit", 0, 20)}
	if until := m.get("until"); until != nil {
		x.Until = i.duration(until, "until")
	}
	return x
}

func (i *interviewReader) noShow(n *yaml.Node) *NoShow {
	m := i.mapping(n, placeNoShow)
	if m == nil || m.incomplete {
		return nil
	}
	x := &NoShow{After: i.exact(m.get("after"), "after")}
	if task := m.get("task"); task != nil {
		x.Task = i.taskText(task)
	}
	if again := m.get("offer_again"); again != nil {
		x.OfferAgain = i.number(again, "offer_again", 0, 10)
	}
	return x
}

func (i *interviewReader) scorecard(n *yaml.Node) *ScorecardRule {
	m := i.mapping(n, placeScorecard)
	if m == nil || m.incomplete {
		return nil
	}
	x := &ScorecardRule{Due: i.duration(m.get("due"), "due")}
	if nudge := m.get("nudge"); nudge != nil {
		x.Nudge = i.duration(nudge, "nudge")
	}
	if escalate := m.get("escalate"); escalate != nil {
		x.Escalate = i.duration(escalate, "escalate")
	}
	return x
}

func (i *interviewReader) surveyAfter(n *yaml.Node) *LoopSurvey {
	m := i.mapping(n, placeLoopSurvey)
	if m == nil || m.incomplete {
		return nil
	}
	x := &LoopSurvey{After: i.duration(m.get("after"), "after"), Use: i.surveyNamed(m.get("use")), By: crm.Email}
	if by := m.get("by"); by != nil {
		x.By = crm.Channel(i.choice(by, placeLoopSurvey, "by"))
	}
	i.sender(n, x.By)
	return x
}
