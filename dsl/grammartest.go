package dsl

import (
	"slices"
	"strings"
)

// Places of a test.
const (
	placeTestCandidate   place = "a test's candidate"
	placeTestApplication place = "a test's application"
	placeTestCall        place = "the answer of a call"
	placeScript          place = "an entry of the script"
	placeTestSet         place = "set in a script"
	placeExpect          place = "an expectation"
	placeAttendant       place = "an interviewer of a test"
	placeTestScorecard   place = "a scorecard in a script"
)

// testHead are the keys of a test.
func testHead() []key {
	return []key{
		needed(k("test", a(formText), "What must be true, as a sentence.")),
		needed(k("of", nameOf(KindSequence), "The definition that is tested: a sequence or an interview.")),
		needed(k("start", a(formMoment), "When the script begins.")),
		k("candidate", mappingOf(placeTestCandidate), "The candidate; they have an email address unless it says `email: none`."),
		k("applications", listOf(mappingOf(placeTestApplication)), "Applications that are there from the start."),
		k("beside", oneOrMore(nameOf(KindRetention)), "Retention policies that are in force beside the tested one."),
		k("interviewers", entriesOf(a(formWord), mappingOf(placeAttendant)), "Who can hold an interview's rounds, by what the test calls them."),
		k("arms", entriesOf(a(formWord), a(formWord)), "Fixes the arm of an experiment, by the step's id."),
		k("calls", entriesOf(a(formWord), either(oneOf("ok", "failed"), mappingOf(placeTestCall))), "How a call or an ats step is answered, by the step's id; ok without it."),
		k("script", listOf(mappingOf(placeScript)), "What happens, in order."),
		k("until", a(formMoment), "When the test stops looking; the end of the run, or of the script plus a year, without it."),
		needed(k("expect", listOf(mappingOf(placeExpect)), "All that must come of it, in order.")),
	}
}

// testKeys are the keys of a test and of what stands in it.
func testKeys(p place) []key {
	switch p {
	case placeTest:
		return testHead()
	case placeTestCandidate:
		return testCandidateKeys()
	case placeTestApplication:
		return []key{
			needed(k("id", a(formText), "The id by which events name it.")),
			k("role", a(formText), "The role."),
			k("role_function", a(formText), "The role's function."),
			k("stage", a(formText), "The stage it is in."),
			k("status", oneOf("open", "rejected", "withdrawn", "hired"), "Open without it."),
			k("reason", a(formText), "Why it was closed."),
			k("source", a(formText), "Where it came from."),
			k("hiring_manager", a(formWord), "Who decides about the role: one of the test's interviewers."),
			k("applied_at", a(formMoment), "When it was made."),
			k("closed_at", a(formMoment), "When it was closed."),
		}
	case placeTestCall:
		return []key{
			needed(k("outcome", oneOf("ok", "failed"), "What the step ends with.")),
			k("reason", a(formWord), "Why it failed, such as status_500."),
			k("result", a(formAny), "The JSON of the answer."),
		}
	case placeScript:
		return scriptKeys()
	case placeAttendant:
		return []key{
			k("groups", oneOrMore(nameOf("group")), "What rounds ask for."),
			k("zone", a(formZone), "Where they work; the workspace's zone without it."),
			k("days", oneOrMore(a(formDays)), "The days they work; mon-fri without it."),
			k("hours", a(formHours), "The hours they work; the workspace's, or the round's, without it."),
			k("busy", oneOrMore(a(formSpan)), "What is in their calendar, on their clocks."),
			k("daily_limit", number(1, 50), "How many interviews they hold a day."),
		}
	case placeTestScorecard:
		return []key{
			needed(k("by", a(formWord), "Whose it is.")),
			needed(k("rating", number(1, 5), "From 1 to 5.")),
			k("recommend", oneOf("strong_no", "no", "yes", "strong_yes"), "What they advise."),
		}
	case placeTestSet: // and attributes.NAME: see openKeys
		return slices.DeleteFunc(testCandidateKeys(), func(x key) bool {
			return strings.HasSuffix(x.name, "_at") || slices.Contains([]string{"attributes", "consents", "pools"}, x.name)
		})
	case placeExpect:
		return expectKeys()
	}
	return nil
}

func scriptKeys() []key {
	return []key{
		k("after", a(formDuration), "How long after the entry before; of the first, after the start."),
		k("at", a(formMoment), "When, instead of `after`."),
		k("on", a(formEvent), "An event."),
		k("data", entriesOf(a(formText), a(formAny)), "The event's data."),
		k("step", a(formText), "The step whose message, task or survey the event is about."),
		k("source", a(formText), "Who tells of the event."),
		k("set", mappingOf(placeTestSet), "Fields of the candidate, or attributes.NAME, and their new values."),
		k("enroll", oneOf("hand"), "A person enrolls the candidate."),
		k("pick", either(oneOf("first"), a(formMoment)), "The candidate picks a time for the interview: the first, or one that is offered."),
		k("ask", oneOf("times"), "The candidate asks for other times."),
		k("cancel", a(formText), "The candidate cancels the interview, and says why."),
		k("decline", a(formWord), "An interviewer declines."),
		k("no_show", a(formWord), "An interviewer reports that the candidate is not there."),
		k("scorecard", mappingOf(placeTestScorecard), "An interviewer hands in their scorecard."),
		k("busy", entriesOf(a(formWord), oneOrMore(a(formSpan))), "What comes up in interviewers' calendars, on their clocks."),
	}
}

func testCandidateKeys() []key {
	return []key{
		k("external_id", a(formText), "The id in the system of record."),
		k("first_name", a(formText), "The first name."),
		k("last_name", a(formText), "The last name."),
		k("email", either(oneOf("none"), a(formAddress)), "The address; there is one without it."),
		k("phone", either(oneOf("none"), a(formPhone)), "The number; there is none without it."),
		k("country", a(formText), "The country, as ISO 3166 writes it."),
		k("region", a(formText), "The region."),
		k("city", a(formText), "The city."),
		k("time_zone", a(formZone), "The time zone."),
		k("locale", a(formLocale), "The language."),
		k("status", either(oneOf("none"), a(formWord)), "The status; the first of the workspace's without it."),
		k("source", a(formText), "Where they came from."),
		k("owner", a(formAddress), "The recruiter."),
		k("seniority", a(formText), "How senior they are."),
		k("functions", either(a(formText), listOf(a(formText))), "What they do."),
		k("skills", either(a(formText), listOf(a(formText))), "What they can do."),
		k("tags", either(a(formText), listOf(a(formText))), "Their tags."),
		k("attributes", entriesOf(a(formWord), a(formAny)), "Further fields."),
		k("score", number(-100_000, 100_000), "The engagement score at the start."),
		k("legal_hold", a(formBool), "Nothing may be erased."),
		k("created_at", a(formMoment), "When they became known; the start without it."),
		k("last_activity_at", a(formMoment), "When they last did something."),
		k("last_contacted_at", a(formMoment), "When they were last written to."),
		k("last_decision_at", a(formMoment), "When an application was last decided."),
		k("consents", entriesOf(nameOf("purpose"), either(a(formBool), oneOf(channels()...), listOf(oneOf(channels()...)))), "What they agreed to, and for which channels; true is email only."),
		k("pools", oneOrMore(nameOf(KindPool)), "Pools kept by hand that they are in."),
	}
}

func expectKeys() []key {
	return []key{
		k("email", a(formText), "An email that is sent: the message's name, or the step's id if it is written in the step."),
		k("sms", a(formText), "A text message that is sent."),
		k("skipped", a(formText), "A step that is not taken: the message's name, or the step's id."),
		k("task", a(formText), "A task that a person gets, by the step's id; of an interview with or without the round, as screen.give_up."),
		k("survey", a(formText), "A survey whose link is sent: the step's id, or the name of an interview's survey."),
		k("update", a(formWord), "An update, by the step's id."),
		k("enroll", a(formText), "An enrollment in another sequence, by its name or the step's id."),
		k("leave", a(formText), "An end of another sequence's run, by its name or the step's id."),
		k("emit", a(formWord), "An event that is told, by the step's id."),
		k("call", a(formWord), "An HTTP request, by the step's id."),
		k("ats", a(formWord), "What the applicant tracking system is told, by the step's id."),
		k("arm", a(formWord), "The arm of an experiment; it need not be listed."),
		k("outcome", a(formWord), "The end of a run; beside `call` or `ats`, what the step ends with. Of a retention policy: anonymized, erased or kept."),
		k("invitation", a(formWord), "A calendar invitation, or its update: to an interviewer, or to the candidate."),
		k("cancellation", a(formWord), "The cancellation of a calendar invitation."),
		k("scorecard", a(formWord), "An interviewer is asked for their scorecard."),
		k("offered", number(0, 50), "How many times are found for the candidate; it need not be listed."),
		k("booked", a(formWord), "A round that is booked, or whose people change; it need not be listed."),
		k("of", a(formWord), "The experiment's step, beside `arm`."),
		k("reason", a(formWord), "Why it is skipped; beside `outcome: kept`, why the data are kept."),
		k("until", a(formMoment), "Until when the data are kept, beside `outcome: kept`."),
		k("at", a(formMoment), "When, to the minute; any time without it."),
		k("within", a(formDuration), "How much later it may be."),
		k("to", a(formWord), "The interviewer who gets a message; the candidate without it."),
		k("starts", a(formMoment), "When the interview begins, beside `booked`."),
		k("with", oneOrMore(a(formWord)), "Who holds the interview, beside `booked`."),
	}
}

// happenings are the keys that say what an entry of a script is about.
func happenings() []string {
	keys := []string{"on", "set", "enroll"}
	for _, kind := range deeds() {
		keys = append(keys, string(kind))
	}
	return keys
}

// withOutcome tells whether the outcome beside an expectation is that of its step.
func withOutcome(kind, other string) bool {
	return other == string(ExpectOutcome) && (kind == string(ExpectCall) || kind == string(ExpectATS))
}

// testRules are the rules of a test's places.
func testRules(p place) []rule {
	switch p {
	case placeScript:
		return []rule{
			{one: happenings()},
			{given: "data", needs: []string{"on"}},
			{given: "step", needs: []string{"on"}},
			{given: "source", needs: []string{"on"}},
			{given: "at", bars: []string{"after"}},
		}
	case placeExpect:
		var kinds []string
		for _, kind := range expectations() {
			kinds = append(kinds, string(kind))
		}
		rules := []rule{
			{any: kinds},
			{given: "within", needs: []string{"at"}},
			{given: "reason", any: []string{"skipped", "outcome"}},
			{given: "until", needs: []string{"outcome"}},
			{given: "of", needs: []string{"arm"}},
			{given: "to", any: []string{"email", "sms"}},
			{given: "starts", needs: []string{"booked"}},
			{given: "with", needs: []string{"booked"}},
		}
		for _, kind := range kinds {
			rules = append(rules, rule{given: kind, bars: slices.DeleteFunc(slices.Clone(kinds), func(other string) bool {
				return kind == other || withOutcome(kind, other) || withOutcome(other, kind)
			})})
		}
		return rules
	}
	return nil
}
