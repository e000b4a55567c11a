package dsl

import "slices"

// rule says which keys of a mapping go together. The parser tells breaches in its own words; the schema is made of these, and
// a test holds the two against each other.
type rule struct {
	given  string // it applies where this key is there; "": always
	has    *shape // and has such a value
	hasKey string // and is a mapping with this key

	one   []string // exactly one of these is there
	any   []string // at least one of these is there
	needs []string // all of these are there
	bars  []string // none of these is there
	holds *key     // this key, where it is there, has such a value
	least int      // so many keys are there
}

// openKeys describes the keys of a place beyond those of its table, and their values.
func openKeys(p place) (name, value shape, ok bool) {
	switch p {
	case placeWaitFor:
		return a(formWord), mappingOf(placeBranch), true
	case placeSet:
		return a(formAttribute), a(formConstant), true
	case placeTestSet:
		return a(formAttribute), a(formAny), true
	}
	return shape{}, shape{}, false
}

// rulesOf returns the rules of a place.
func rulesOf(p place) []rule {
	for _, table := range []func(place) []rule{documentRules, matchRules, stepRules, effectRules, interviewRules, testRules} {
		if rules := table(p); rules != nil {
			return rules
		}
	}
	return nil
}

func documentRules(p place) []rule {
	switch p {
	case placePurpose:
		return []rule{{given: "basis", has: new(oneOf("consent")), bars: []string{"expires"}}}
	case placeMessage:
		return []rule{
			{one: []string{"body", "mjml"}},
			{any: []string{"channel", "locale"}},
			{given: "channel", has: new(oneOf("email")), needs: []string{"subject"}},
			{given: "channel", has: new(oneOf("sms")), bars: []string{"subject", "preview", "mjml"}},
		}
	case placePool:
		return []rule{{one: []string{"when", "members"}}}
	case placeQuestion:
		return []rule{
			{given: "kind", has: new(oneOf(QuestionChoice)), needs: []string{"of"}},
			{given: "of", holds: &key{name: "kind", shape: oneOf(QuestionChoice)}},
		}
	}
	return nil
}

func matchRules(p place) []rule {
	either := rule{any: []string{"on", "when"}}
	events := []rule{{given: "step", needs: []string{"on"}}, {given: "since", needs: []string{"on"}}}
	switch p {
	case placeEnroll:
		broadcast := oneOf("role.opened", "role.closed")
		return []rule{
			{any: []string{"on", "in"}},
			{given: "at", needs: []string{"in"}, bars: []string{"on"}},
			{given: "every", needs: []string{"at"}},
			{given: "pace", needs: []string{"at"}},
			{given: "when", any: []string{"on", "at"}},
			{given: "on", has: new(oneOrMore(broadcast)), needs: []string{"in"}},
		}
	case placeExit:
		return append(events, either, rule{needs: []string{"outcome"}})
	case placeGoal, placeBranch:
		return append(events, either)
	case placeMeasure:
		return []rule{{needs: []string{"on"}}}
	case placeInterviewExit:
		return []rule{either, {needs: []string{"outcome"}}}
	}
	return nil
}

func stepRules(p place) []rule {
	switch p {
	case placeStep:
		kinds := stepKinds()
		rules := []rule{
			{one: kinds},
			{given: "repeat", needs: []string{"do"}},
			{given: "do", needs: []string{"repeat"}},
			{given: "then", any: slices.DeleteFunc(slices.Clone(kinds), func(kind string) bool { return !branches(kind) })},
		}
		for _, kind := range kinds {
			if needsID(kind) {
				rules = append(rules, rule{given: kind, needs: []string{"id"}})
			}
		}
		return rules
	case placeChoice:
		return []rule{
			{one: []string{"if", "else"}},
			{given: "if", needs: []string{"do"}},
			{given: "else", bars: []string{"do"}},
		}
	case placeWait:
		return []rule{{any: []string{"until", "on"}}, {given: "on", holds: &key{name: "until", shape: a(formClock)}}}
	case placeWaitFor:
		return []rule{{least: 2}}
	case placeExperiment:
		return []rule{{given: "settle", needs: []string{"measure"}}}
	}
	return nil
}

func effectRules(p place) []rule {
	switch p {
	case placeSend:
		return []rule{{one: []string{"use", "body"}}, {given: "use", bars: []string{"subject"}}}
	case placeTask:
		waits := &key{name: "wait", shape: shape{form: formBool, low: 1}}
		return []rule{
			{given: "timeout", needs: []string{"wait"}, holds: waits},
			{given: "outcomes", needs: []string{"wait"}, holds: waits},
		}
	case placeUpdate, placePools, placeATS:
		return []rule{{least: 1}}
	case placeCall:
		return []rule{{given: "method", has: new(oneOf("GET")), bars: []string{"body"}}}
	}
	return nil
}

func interviewRules(p place) []rule {
	switch p {
	case placeInterviewers:
		return []rule{
			{one: []string{"any", "all"}},
			{given: "any", needs: []string{"of"}},
			{given: "of", needs: []string{"any"}},
		}
	case placeInvite, placeNudge, placeRemind:
		return []rule{{any: channels()}}
	case placeRetention:
		return []rule{
			{given: "keep", hasKey: "for", needs: []string{"then"}},
			{given: "keep", hasKey: "at_least", bars: []string{"then", "notice", "guard"}},
		}
	case placeKeep:
		return []rule{{one: []string{"for", "at_least"}}}
	case placeNotice:
		return []rule{{given: "extend", needs: []string{"on"}}, {given: "on", needs: []string{"extend"}}}
	}
	return nil
}
