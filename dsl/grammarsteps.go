package dsl

// stepKeys are the keys of steps and of matches.
func stepKeys(p place) []key {
	switch p {
	case placeEnroll:
		return append(matchKeys("on", "when"),
			k("in", nameOf(KindPool), "The members of a pool: now and later, or those that the event or the date finds in it."),
			k("at", a(formMoment), "When a campaign begins, in the workspace's zone."),
			k("every", a(formDuration), "How often it comes again."),
			k("pace", a(formLimit), "At most so many candidates in so much time."))
	case placeExit:
		return matchKeys("on", "when", "step", "since", "outcome")
	case placeGoal:
		return matchKeys("on", "when", "step", "since", "within")
	case placeBranch:
		return matchKeys("on", "when", "step", "since")
	case placeMeasure:
		return matchKeys("on", "when", "step", "within")
	case placeStep:
		return []key{
			k("id", a(formWord), "Names the step: progress, statistics and migrations go by it."),
			k("if", a(formCondition), "Skip the step when this is false."),
			k("email", sendShape(rule{given: "body", needs: []string{"subject"}}), "Send an email: a message's name, a list of names of which the first not yet had is sent, or the text itself."),
			k("sms", sendShape(rule{bars: []string{"subject"}}), "Send a text message, as an email step does."),
			k("task", mappingOf(placeTask), "Ask a person to do something."),
			k("wait", either(a(formDuration), mappingOf(placeWait)), "Let time pass."),
			k("wait_for", mappingOf(placeWaitFor), "Go on with the first of several matches, or after the timeout."),
			k("choose", some(listOf(mappingOf(placeChoice))), "Take the first alternative whose condition is true."),
			k("experiment", mappingOf(placeExperiment), "Split candidates over arms, and count which does better."),
			k("repeat", mappingOf(placeRepeat), "Do the steps of `do` again and again."),
			k("do", stepList(), "The steps that repeat."),
			k("update", mappingOf(placeUpdate), "Change the candidate."),
			k("enroll", nameOf(KindSequence), "Enroll the candidate in another sequence."),
			k("leave", nameOf(KindSequence), "End the candidate's run of another sequence."),
			k("interview", nameOf(KindInterview), "Hold an interview loop, and go on when it is over."),
			k("survey", mappingOf(placeAsk), "Ask the candidate to answer a survey."),
			k("call", mappingOf(placeCall), "Make an HTTP request to an allowed host."),
			k("ats", mappingOf(placeATS), "Change something in the applicant tracking system."),
			k("emit", mappingOf(placeEmit), "Tell that something happened."),
			k("exit", a(formWord), "End the run with this outcome."),
			k("then", entriesOf(a(formWord), stepList()), "The steps that follow each outcome."),
		}
	case placeChoice:
		return []key{
			k("if", a(formCondition), "When this alternative is taken."),
			k("do", stepList(), "Its steps."),
			k("else", stepList(), "The steps when no condition is true; the last alternative."),
		}
	}
	return nil
}

// texts is a text or a list of them, which may be empty.
func texts() shape { return either(a(formText), listOf(a(formText))) }

// sendShape is what an email or sms step holds; the rule is its channel's.
func sendShape(own rule) shape {
	return either(nameOf(KindMessage), some(listOf(nameOf(KindMessage))), shape{form: formMapping, place: placeSend, rules: []rule{own}})
}

// effectKeys are the keys of what steps do.
func effectKeys(p place) []key {
	switch p {
	case placeSend:
		return []key{
			k("use", oneOrMore(nameOf(KindMessage)), "A message's name, or a list of them."),
			k("subject", a(formLiquid), "The subject, when the text is written here."),
			k("body", a(formLiquid), "The text, when it is written here."),
			k("from", oneOf("owner"), "Answers go to the candidate's recruiter."),
			k("window", mappingOf(placeCalendar), "When this step may send."),
			k("by", a(formDuration), "How long it may be late; then it is skipped."),
			k("on_unknown", oneOf("skip", "resend_once"), "What to do when nobody knows whether the provider took it."),
		}
	case placeTask:
		return []key{
			needed(k("title", a(formLiquid), "What to do.")),
			k("assign", either(oneOf("owner"), a(formAddress)), "Who does it: the candidate's recruiter, or an address."),
			k("via", oneOf("phone", "linkedin", "in_person", "email"), "How."),
			k("due", a(formDuration), "By when."),
			k("wait", a(formBool), "Go on when it is done."),
			k("timeout", a(formDuration), "How long to wait for it."),
			k("outcomes", listOf(a(formWord)), "How it can end, instead of done."),
		}
	case placeUpdate:
		return []key{
			k("set", mappingOf(placeSet), "Fields of the candidate, or attributes.NAME, and their new values."),
			k("tag", texts(), "Tags to add."),
			k("untag", texts(), "Tags to take away."),
			k("score", mappingOf(placeScoreAdd), "Changes the engagement score."),
			k("pool", mappingOf(placePools), "Pools kept by hand to put the candidate into, or to take them out of."),
		}
	case placeSet:
		return []key{
			k("country", a(formString), "The country, by its two letters (ISO 3166-1)."),
			k("region", a(formString), "The region, state or county."),
			k("city", a(formString), "The city."),
			k("time_zone", a(formZone), "The time zone."),
			k("locale", a(formLocale), "The language."),
			k("status", a(formString), "One of the workspace's statuses."),
			k("source", a(formString), "Where they came from."),
			k("owner", a(formAddress), "Their recruiter."),
			k("seniority", a(formString), "How senior they are."),
		}
	case placeScoreAdd:
		return []key{needed(k("add", number(-1000, 1000), "Points to add."))}
	case placePools:
		return []key{
			k("add", oneOrMore(nameOf(KindPool)), "Pools to put the candidate into."),
			k("remove", oneOrMore(nameOf(KindPool)), "Pools to take the candidate out of."),
		}
	}
	return askKeys(p)
}

// askKeys are the keys of steps that ask somebody else.
func askKeys(p place) []key {
	switch p {
	case placeAsk:
		return []key{
			needed(k("use", nameOf(KindSurvey), "The survey's name.")),
			k("by", oneOf(channels()...), "How the link is sent; by email without it."),
			k("timeout", a(formDuration), "How long to wait for an answer."),
		}
	case placeCall:
		return []key{
			k("method", oneOf("GET", "POST", "PUT", "PATCH", "DELETE"), "POST without it."),
			needed(k("url", a(formLiquid), "The address, of an allowed host.")),
			k("headers", entriesOf(a(formText), a(formLiquid)), "Request headers."),
			k("body", either(a(formLiquid), entriesOf(a(formText), a(formConstant))), "What is sent: a text, or values that are sent as JSON."),
			k("secret", nameOf("secret"), "The name of a secret that is sent as a bearer token."),
			k("save", a(formAttribute), "An attribute of the candidate to keep the answer in: attributes.NAME."),
		}
	case placeATS:
		return []key{
			k("move_to", a(formText), "The stage to move the run's application to."),
			k("push", some(listOf(either(oneOf(pushedFields()...), a(formAttribute)))), "Fields of the candidate to write back, or attributes.NAME."),
			k("note", a(formLiquid), "A note on the candidate."),
		}
	case placeEmit:
		return []key{
			needed(k("event", a(formCustom), "The event type: custom.NAME.")),
			k("data", entriesOf(a(formText), a(formConstant)), "Its data."),
		}
	}
	return nil
}

// loopKeys are the keys of what holds other steps, and of waits.
func loopKeys(p place) []key {
	switch p {
	case placeWait:
		return []key{
			k("until", either(a(formClock), a(formTime)), "A time of day, or an expression for a moment."),
			k("on", oneOrMore(a(formDays)), "The day of the week, or days."),
			k("timeout", a(formDuration), "How long to wait at most."),
		}
	case placeWaitFor:
		return []key{needed(k("timeout", a(formDuration), "How long to wait at most; a branch of `then` as well."))}
	case placeRepeat:
		return []key{
			needed(k("every", a(formDuration), "How long after a round began the next one begins.")),
			k("times", number(1, 1000), "How many rounds."),
			k("while", a(formCondition), "Go on as long as this is true; looked at before each round."),
			k("first", oneOf("now"), "The first round begins at once, not after `every`."),
		}
	case placeExperiment:
		return []key{
			needed(k("arms", atLeast(2, entriesOf(a(formWord), mappingOf(placeArm))), "The arms, by their names.")),
			k("measure", mappingOf(placeMeasure), "What counts as success."),
			k("settle", mappingOf(placeSettle), "When everybody gets the same arm."),
		}
	case placeArm:
		return []key{
			k("weight", number(1, 1000), "Its share, in relation to the others."),
			k("do", stepList(), "Its steps."),
		}
	case placeSettle:
		return []key{
			needed(k("after", number(1, 10_000_000), "How many candidates have to be measured first.")),
			needed(k("to", either(oneOf("winner"), a(formWord)), "The winner, or an arm by its name.")),
		}
	}
	return nil
}
