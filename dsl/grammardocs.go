package dsl

// documentKeys are the keys of the kinds of documents, except the workspace.
func documentKeys(p place) []key {
	switch p {
	case placeSequence:
		return sequenceKeys()
	case placeMessage:
		return []key{
			needed(k("message", nameOf(""), "The message's name.")),
			k("locale", a(formLocale), "The language this version is in; without it, the one that all others fall back to."),
			k("channel", oneOf(channels()...), "How it is sent."),
			k("subject", a(formLiquid), "The subject of an email, with variables."),
			k("preview", a(formLiquid), "What mail programs show after the subject."),
			k("body", a(formLiquid), "The text: Markdown with variables for an email, plain for a text message."),
			k("mjml", a(formLiquid), "The body as MJML instead of Markdown."),
		}
	case placePool:
		return []key{
			needed(k("pool", nameOf(""), "The pool's name.")),
			k("description", a(formText), "Who is in it, for people."),
			k("when", a(formCondition), "Who is in it: kept up to date as candidates change."),
			k("members", oneOf("by hand"), "The pool is a list kept by hand."),
		}
	case placeSurvey:
		return []key{
			needed(k("survey", nameOf(""), "The survey's name.")),
			k("intro", a(formText), "The heading of its page."),
			needed(k("questions", some(listOf(mappingOf(placeQuestion))), "The questions, in order.")),
			k("anonymous_below", number(1, 1000), "Results with fewer answers than this are not shown."),
		}
	case placeQuestion:
		return []key{
			needed(k("id", a(formWord), "Names the answer; stable.")),
			needed(k("ask", a(formText), "The question.")),
			needed(k("kind", oneOf("nps", "rating", "choice", "text"), "How it is answered: 0 to 10, 1 to 5, one of a few, or in words.")),
			k("of", atLeast(2, listOf(a(formText))), "The choices."),
			k("optional", a(formBool), "It may be left empty."),
		}
	}
	return nil
}

func sequenceKeys() []key {
	return []key{
		needed(k("sequence", nameOf(""), "The sequence's name.")),
		k("description", a(formText), "What it is for, for people."),
		k("owner", a(formAddress), "Who answers for it, and owns the tasks of candidates without a recruiter."),
		needed(k("purpose", nameOf("purpose"), "What candidates agreed to hear about, or transactional.")),
		k("per", oneOf("candidate", "application"), "Whether a run belongs to a candidate (the default) or to one application."),
		needed(k("enroll", either(oneOf("by hand"), mappingOf(placeEnroll), some(listOf(either(oneOf("by hand"), mappingOf(placeEnroll))))), "Who is enrolled, and when.")),
		k("reenroll", either(oneOf("never", "always"), a(formDuration)), "When somebody who had a run may get another: after the last one's end."),
		k("exit", oneOrMore(mappingOf(placeExit)), "What ends a run early."),
		k("goal", mappingOf(placeGoal), "What the sequence is for; it is counted and changes nothing."),
		k("limit", a(formLimit), "At most so many messages to a candidate in so much time."),
		k("window", mappingOf(placeCalendar), "When it may send."),
		needed(k("steps", some(stepList()), "What happens, in order.")),
	}
}

// workspaceHead are the keys of the workspace.
func workspaceHead() []key {
	return []key{
		needed(k("workspace", nameOf(""), "The installation's name.")),
		k("locale", a(formLocale), "The language of Rapport's own pages and mails for candidates whose language is not known; English without it."),
		k("calendar", mappingOf(placeCalendar), "Working hours: when sequences send, and what business days are."),
		k("quiet", mappingOf(placeQuiet), "Hours in which no message is sent, by channel."),
		k("limit", a(formLimit), "At most so many messages to a candidate in so much time, over everything but transactional mail."),
		k("purposes", entriesOf(nameOf(""), mappingOf(placePurpose)), "What candidates can agree to hear about."),
		k("track", entriesOf(nameOf("purpose"), mappingOf(placeTrack)), "What is noticed of how messages are read, by purpose: clicks where candidates have agreed, unless this says otherwise."),
		k("from", mappingOf(placeFrom), "Who writes."),
		k("privacy", a(formAddress), "Who answers requests for erasure; the candidate's owner without it."),
		k("team", entriesOf(a(formAddress), mappingOf(placePerson)), "The people who own candidates and sequences, by address."),
		k("statuses", listOf(a(formWord)), "The statuses a candidate can have."),
		k("score", mappingOf(placeScore), "How engagement is counted."),
		k("controller", mappingOf(placeController), "Who is responsible for the data, for the record of processing."),
		k("fields", entriesOf(a(formText), mappingOf(placeField)), "The attributes that candidates have: of what kind each is, and what it is for."),
		k("recipients", entriesOf(a(formText), mappingOf(placeRecipient)), "Who else gets data, and where: sendgrid, twilio, ats, the host of a call, or a name of your own."),
	}
}

// workspaceKeys are the keys of the workspace and of what stands in it.
func workspaceKeys(p place) []key {
	switch p {
	case placeWorkspace:
		return workspaceHead()
	case placeCalendar:
		return []key{
			k("days", oneOrMore(a(formDays)), "The days, such as mon-fri."),
			k("hours", a(formHours), "The hours, such as \"09:00-17:30\": the first minute is inside, the last is not."),
			k("zone", either(oneOf("candidate"), a(formZone)), "The time zone they are in; the candidate's without it."),
			k("holidays", oneOf(holidayRegions()...), "The holidays that are left out."),
		}
	case placeQuiet:
		return []key{
			k("email", either(oneOf("none"), a(formHours)), "Quiet hours for email."),
			k("sms", either(oneOf("none"), a(formHours)), "Quiet hours for text messages."),
		}
	case placePurpose:
		return []key{
			needed(k("basis", oneOf("consent", "legitimate_interest"), "The legal basis (GDPR Art. 6(1) (a) or (f)).")),
			k("wording", a(formText), "What the candidate reads when they agree."),
			k("double_opt_in", a(formBool), "Whether a consent that a form or an import reports counts only once the candidate has confirmed it by a link."),
			k("expires", a(formDuration), "How long a legitimate interest lasts."),
		}
	case placeTrack:
		return []key{
			k("opens", a(formBool), "Opens of email: false unless it is said here."),
			k("clicks", a(formBool), "Clicks on links of email: true where the purpose rests on consent, unless it is said here."),
			k("texts", a(formBool), "Clicks on links of text messages, which makes them longer: false unless it is said here."),
		}
	case placeFrom:
		return []key{
			k("email", a(formMailbox), "The sender of email: Name <address>."),
			k("sms", a(formPhone), "The sender of text messages, with the country code."),
			k("address", a(formText), "The postal address that mail carries."),
			k("sms_price", a(formPrice), "What one part of a text message costs, such as 0.04 GBP: for hints about costs."),
		}
	case placePerson:
		return []key{
			needed(k("name", a(formText), "What candidates know them by.")),
			k("phone", a(formPhone), "Their number, with the country code."),
		}
	case placeScore:
		return []key{
			k("decay", shape{form: formDuration, units: []string{"s", "m", "h", "d", "w"}}, "How long it takes for points to lose half their value."),
			k("points", entriesOf(a(formEvent), number(-1000, 1000)), "Points for each event."),
		}
	}
	return nil
}
