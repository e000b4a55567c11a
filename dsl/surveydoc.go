package dsl

import (
	"fmt"
	"maps"
	"slices"

	"go.yaml.in/yaml/v4"
)

// Survey is a page of questions.
type Survey struct {
	Name           string
	Hash           string
	Intro          string
	Questions      []Question
	AnonymousBelow int // results with fewer answers are not shown
}

// Kinds of questions.
const (
	QuestionNPS    = "nps"    // 0 to 10: how likely the candidate is to recommend
	QuestionRating = "rating" // 1 to 5
	QuestionChoice = "choice" // one of Of
	QuestionText   = "text"
)

// Question is one question of a survey.
type Question struct {
	ID       string
	Ask      string
	Kind     string
	Of       []string
	Optional bool
}

// survey reads a survey document.
func (r *docReader) survey() *Survey {
	m := r.mapping(r.src.root, placeSurvey)
	if m == nil {
		return nil
	}
	s := &Survey{Name: r.name(m.get("survey")), Hash: hash(r.src.root)}
	if n := m.get("intro"); n != nil {
		s.Intro, _ = r.text(n, "intro")
	}
	if n := m.get("anonymous_below"); n != nil {
		s.AnonymousBelow = r.number(n, "anonymous_below", 1, 1000)
	}
	n := m.get("questions")
	if n == nil {
		return s
	}
	entries := r.list(n, "questions", false)
	if n.Kind == yaml.SequenceNode && len(entries) == 0 {
		r.add(n, codeNoSteps, "A survey has at least one question.", "")
	}
	lines := map[string]int{}
	for _, e := range entries {
		q := r.question(e)
		if first := lines[q.ID]; first != 0 && q.ID != "" {
			r.add(e, codeStepID, fmt.Sprintf("The id %q is used twice: also on line %d.", q.ID, first), "Ids are unique in a survey.")
			continue
		}
		lines[q.ID] = e.Line
		s.Questions = append(s.Questions, q)
	}
	return s
}

func (r *docReader) question(n *yaml.Node) (q Question) {
	m := r.mapping(n, placeQuestion)
	if m == nil {
		return q
	}
	if id := m.get("id"); id != nil {
		q.ID = r.word(id, "an id")
	}
	if ask := m.get("ask"); ask != nil {
		q.Ask, _ = r.text(ask, "ask")
	}
	if kind := m.get("kind"); kind != nil {
		q.Kind = r.choice(kind, placeQuestion, "kind")
	}
	if optional := m.get("optional"); optional != nil {
		q.Optional = r.flag(optional, "optional")
	}
	of := m.get("of")
	if of != nil {
		q.Of = r.texts(of, "of")
	}
	switch {
	case q.Kind == QuestionChoice && len(q.Of) < 2:
		r.add(n, codeMissingKey, "A question of kind choice needs `of` with at least two choices.", "Write for example: of: [yes, partly, no].")
	case q.Kind != QuestionChoice && q.Kind != "" && of != nil:
		r.add(m.keys["of"], codeConflict, fmt.Sprintf("A question of kind %s has no choices.", q.Kind), "Take `of` out, or make it `kind: choice`.")
	}
	return q
}

// surveyNamed checks the name of a survey.
func (r *docReader) surveyNamed(n *yaml.Node) string {
	name := r.name(n)
	if r.voc == nil || name == "" {
		return name
	}
	if _, known := r.voc.surveys[name]; !known {
		r.add(n, codeSurvey, fmt.Sprintf("There is no survey %q.", clip(name)), suggest(name, slices.Collect(maps.Keys(r.voc.surveys))))
	}
	return name
}
