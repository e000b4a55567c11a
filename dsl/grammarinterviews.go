package dsl

import "github.com/rapport-crm/rapport/crm"

// Places of an interview.
const (
	placeInterview       place = "an interview"
	placeInterviewEnroll place = "an interview's enroll"
	placeInterviewExit   place = "an interview's exit"
	placeRound           place = "a round"
	placeInterviewers    place = "interviewers"
	placeAnyOf           place = "an entry of all"
	placeOffer           place = "offer"
	placeInvite          place = "invite"
	placeNudge           place = "nudge"
	placeGiveUp          place = "give_up"
	placeRemind          place = "remind"
	placeReschedule      place = "reschedule"
	placeNoShow          place = "no_show"
	placeScorecard       place = "scorecard"
	placeLoopSurvey      place = "an interview's survey"
)

// Places of a retention policy.
const (
	placeRetention place = "a retention policy"
	placeDaily     place = "daily"
	placeKeep      place = "keep"
	placeNotice    place = "notice"
	placeGuard     place = "guard"
)

// interviewKeys are the keys of an interview.
func interviewKeys(p place) []key {
	switch p {
	case placeInterview:
		return interviewHead()
	case placeInterviewEnroll:
		return []key{
			needed(k("on", oneOrMore(a(formEvent)), "The event that begins the loop; it names the application.")),
			k("when", a(formCondition), "A condition on the event."),
		}
	case placeInterviewExit:
		return matchKeys("on", "when", "outcome")
	case placeRound:
		return []key{
			needed(k("id", a(formWord), "Names the round; stable.")),
			k("if", a(formCondition), "Hold the round only when this is true; looked at when all scorecards of the round before are in."),
			needed(k("duration", exactly(), "How long the interview takes.")),
			needed(k("interviewers", interviewersShape(), "Who holds it.")),
			needed(k("offer", mappingOf(placeOffer), "Which times the candidate may pick from.")),
			k("attributes", listOf(a(formText)), "What the round looks at: the scorecard asks for notes on each."),
			k("medium", oneOf("video", "phone", "onsite"), "How it takes place."),
			k("place", a(formText), "Where: an address, a room or a link. Without it a video interview is held at the link of who holds it, and the candidate is phoned at their number."),
		}
	case placeInterviewers:
		return []key{
			k("any", number(1, 20), "How many of the group."),
			k("of", nameOf("group"), "The group of interviewers."),
			k("all", some(listOf(either(seatShape(), mappingOf(placeAnyOf)))), "All of these."),
		}
	case placeAnyOf:
		return []key{
			needed(k("any", number(1, 20), "How many of the group.")),
			needed(k("of", nameOf("group"), "The group of interviewers.")),
		}
	case placeOffer:
		return []key{
			needed(k("slots", number(1, 50), "How many times to offer at once.")),
			needed(k("within", a(formDuration), "How far ahead the times may be.")),
			k("notice", a(formDuration), "How much earlier than an interview the candidate must be able to pick it."),
			k("hours", a(formHours), "The hours of the day, in the interviewer's zone; their working hours without it."),
			k("buffer", exactly(), "Time that stays free before and after."),
		}
	}
	return loopHabits(p)
}

// seatShape is an interviewer without a choice: the hiring manager, or everybody in a group.
func seatShape() shape { return either(oneOf(hiringManager), nameOf("group")) }

func interviewersShape() shape { return either(seatShape(), mappingOf(placeInterviewers)) }

// exactly is a duration in hours, minutes or seconds.
func exactly() shape { return shape{form: formDuration, units: []string{"s", "m", "h"}} }

func interviewHead() []key {
	return []key{
		needed(k("interview", nameOf(""), "The interview's name.")),
		k("description", a(formText), "What it is for, for people."),
		k("owner", a(formAddress), "Who answers for it, and owns the tasks of candidates without a recruiter."),
		needed(k("purpose", nameOf("purpose"), "What candidates agreed to hear about, or transactional.")),
		needed(k("enroll", oneOrMore(either(oneOf("by hand"), mappingOf(placeInterviewEnroll))), "Which applications it is for, and when it begins.")),
		k("exit", oneOrMore(mappingOf(placeInterviewExit)), "What ends it early."),
		needed(k("rounds", some(listOf(mappingOf(placeRound))), "The rounds, in order.")),
		needed(k("invite", mappingOf(placeInvite), "The messages that ask the candidate to pick a time.")),
		k("nudge", oneOrMore(mappingOf(placeNudge)), "The messages that ask again."),
		k("give_up", mappingOf(placeGiveUp), "When to stop asking."),
		k("remind", oneOrMore(mappingOf(placeRemind)), "The messages before an interview."),
		k("reschedule", mappingOf(placeReschedule), "How often, and until when, the candidate may change the time."),
		k("no_show", mappingOf(placeNoShow), "What happens when the candidate does not come."),
		k("scorecard", mappingOf(placeScorecard), "When interviewers hand in their scorecards."),
		k("survey", mappingOf(placeLoopSurvey), "A survey for the candidate after the last round."),
	}
}

// loopHabits are the keys of what an interview does around its rounds.
func loopHabits(p place) []key {
	email, sms := k("email", nameOf(KindMessage), "An email, by its name."), k("sms", nameOf(KindMessage), "A text message, by its name.")
	switch p {
	case placeInvite:
		return []key{email, sms}
	case placeNudge:
		return []key{needed(k("after", a(formDuration), "How long after the invitation.")), email, sms}
	case placeGiveUp:
		return []key{
			needed(k("after", a(formDuration), "How long after the invitation.")),
			needed(k("task", a(formLiquid), "What somebody is to do then.")),
		}
	case placeRemind:
		return []key{
			needed(k("before", a(formDuration), "How long before the interview begins.")),
			k("to", oneOf(toCandidate, toInterviewers), "Who is reminded; the candidate without it."),
			email, sms,
		}
	case placeReschedule:
		return []key{
			needed(k("limit", number(0, 20), "How often.")),
			k("until", a(formDuration), "How long before the interview begins it is too late."),
		}
	case placeNoShow:
		return []key{
			needed(k("after", exactly(), "How long after the beginning somebody counts as not there.")),
			k("task", a(formLiquid), "What somebody is to do then."),
			k("offer_again", number(0, 10), "How often new times are offered."),
		}
	case placeScorecard:
		return []key{
			needed(k("due", a(formDuration), "How long after the interview a scorecard is due.")),
			k("nudge", a(formDuration), "How long after that the interviewer is reminded."),
			k("escalate", a(formDuration), "How long after that the owner gets a task."),
		}
	case placeLoopSurvey:
		return []key{
			needed(k("after", a(formDuration), "How long after the last interview.")),
			needed(k("use", nameOf(KindSurvey), "The survey's name.")),
			k("by", oneOf(channels()...), "How the link is sent; by email without it."),
		}
	}
	return nil
}

// Who a reminder is for.
const (
	toCandidate    = "candidate"
	toInterviewers = "interviewers"
	toOwing        = "owing" // interviewers who owe a scorecard; nothing that is written in a definition
	hiringManager  = "hiring_manager"
)

// retentionKeys are the keys of a retention policy.
func retentionKeys(p place) []key {
	switch p {
	case placeRetention:
		return []key{
			needed(k("retention", nameOf(""), "The policy's name.")),
			k("description", a(formText), "What it is for, for people."),
			needed(k("basis", a(formText), "The law, contract or policy that it follows.")),
			needed(k("daily", mappingOf(placeDaily), "When it runs.")),
			needed(k("applies_to", a(formCondition), "Whom it is about: a condition on the candidate.")),
			needed(k("keep", mappingOf(placeKeep), "How long their data are kept: at most, or at least.")),
			k("notice", mappingOf(placeNotice), "How candidates are told before, and can ask to stay."),
			k("then", oneOf(crm.RetentionAnonymize, crm.RetentionErase), "What happens then: anonymizing keeps the counts."),
			k("guard", mappingOf(placeGuard), "When a run stops and asks."),
		}
	case placeDaily:
		return []key{
			needed(k("at", a(formClock), "The time of day.")),
			needed(k("zone", a(formZone), "The time zone it is in.")),
		}
	case placeKeep:
		return []key{
			k("for", a(formDuration), "The longest time: then the data go."),
			k("at_least", a(formDuration), "The shortest time: no other policy takes the data earlier."),
			needed(k("after", a(formTime), "An expression for the moment that the time counts from.")),
		}
	case placeNotice:
		return []key{
			needed(k("before", a(formDuration), "How long before the data go.")),
			needed(k("email", nameOf(KindMessage), "The message, by its name.")),
			k("extend", a(formDuration), "How much longer the data are kept for somebody who wants to stay, from when they say so."),
			k("on", oneOrMore(a(formEvent)), "The event by which they say so."),
		}
	case placeGuard:
		return []key{needed(k("max_share", a(formShare), "The largest part of all it is about that one run may take."))}
	}
	return nil
}
