package dsl

import (
	"maps"
	"slices"
	"strings"
)

// GrammarKey is a key of the grammar, for the test of the page that lists them.
type GrammarKey struct {
	Must  bool
	Words []string // that its value can be
}

// Grammar returns the keys of every mapping that a document can hold, by place.
func Grammar() map[string]map[string]GrammarKey {
	all := map[string]map[string]GrammarKey{}
	var visit func(s shape)
	visit = func(s shape) {
		for _, inner := range s.of {
			visit(inner)
		}
		if s.place == "" || all[s.place] != nil {
			return
		}
		keys := map[string]GrammarKey{}
		all[s.place] = keys
		for _, k := range keysOf(s.place) {
			keys[k.name] = GrammarKey{k.must, wordsIn(k.shape)}
			visit(k.shape)
		}
		if _, value, open := openKeys(s.place); open {
			visit(value)
		}
	}
	for _, p := range []place{
		placeWorkspace, placeSequence, placeMessage, placePool, placeSurvey, placeInterview, placeRetention, placeTest,
	} {
		visit(mappingOf(p))
	}
	return all
}

// wordsIn are what a choice can be, also inside other shapes.
func wordsIn(s shape) []string {
	var list []string
	if s.form == formChoice {
		list = slices.Clone(s.words)
	}
	for _, inner := range s.of {
		list = append(list, wordsIn(inner)...)
	}
	return list
}

// Fields returns the fields of the objects that conditions can see, by what the page calls them.
func Fields() map[string][]string {
	names := func(fields map[string]field) []string { return slices.Sorted(maps.Keys(fields)) }
	return map[string][]string{
		"candidate": names(candidateFields()), "application": names(applicationFields()), "event": names(eventFields()),
		"enrollment": names(enrollmentFields()), "a step": names(stepFields()),
		"a round": names(roundFields()), "a scorecard": names(scorecardFields()),
	}
}

// Functions returns the functions and macros of conditions.
func Functions() ([]string, error) {
	env, err := baseEnvironment()
	if err != nil {
		return nil, err
	}
	known := map[string]bool{}
	for name := range env.Functions() {
		if !strings.ContainsAny(name, "@_") && name != "in" { // operators, and what is behind macros
			known[name] = true
		}
	}
	for _, m := range env.Macros() {
		known[m.Function()] = true
	}
	return sorted(known), nil
}

// Liquid returns the filters and tags of texts.
func Liquid() []string { return append(templateFilters(), templateTags()...) }
