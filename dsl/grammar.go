package dsl

import (
	"slices"

	"github.com/rapport-crm/rapport/crm"
)

// The grammar is a table: for every place where a mapping stands, its keys, what each may hold, and one sentence about it.
// The parser takes the keys and the words of choices from it, and the JSON Schema is made of it, so the two cannot drift.

// place names a mapping of the grammar, as problems call it.
type place = string

// Places of the grammar.
const (
	placeDocument   place = "a document"
	placeWorkspace  place = "a workspace"
	placeSequence   place = "a sequence"
	placeMessage    place = "a message"
	placePool       place = "a pool"
	placeSurvey     place = "a survey"
	placeQuestion   place = "a question"
	placeTest       place = "a test"
	placeEnroll     place = "enroll"
	placeExit       place = "exit"
	placeGoal       place = "goal"
	placeBranch     place = "a branch of wait_for"
	placeMeasure    place = "measure"
	placeStep       place = "a step"
	placeSend       place = "an email or sms step"
	placeWait       place = "wait"
	placeWaitFor    place = "wait_for"
	placeTask       place = "task"
	placeChoice     place = "an alternative of choose"
	placeExperiment place = "experiment"
	placeArm        place = "an arm"
	placeSettle     place = "settle"
	placeRepeat     place = "repeat"
	placeUpdate     place = "update"
	placeSet        place = "set"
	placeScoreAdd   place = "score"
	placePools      place = "pool"
	placeAsk        place = "a survey step"
	placeCall       place = "call"
	placeATS        place = "ats"
	placeEmit       place = "emit"
	placeCalendar   place = "a calendar"
	placeQuiet      place = "quiet"
	placePurpose    place = "a purpose"
	placeTrack      place = "what is tracked"
	placeFrom       place = "from"
	placePerson     place = "a person"
	placeScore      place = "the score"
	placeVariable   place = "a template"
	placeController place = "the controller"
	placeField      place = "a field"
	placeRecipient  place = "a recipient"
)

// form is the kind of value that a shape describes.
type form int

const (
	formText      form = iota // any text that is not empty; numbers and yes or no are texts as well
	formString                // a text that YAML reads as one
	formName                  // lower-case words joined by hyphens; of names what it is the name of
	formWord                  // lower-case words joined by underscores
	formNumber                // a whole number from low to high
	formBool                  // true or false
	formDuration              // 30m, 3d, 2w, 6mo, 2bd
	formLimit                 // 3/7d
	formShare                 // 5%
	formHours                 // "09:00-17:30"
	formClock                 // "09:00"
	formMoment                // a date with a time
	formSpan                  // 2026-10-26, or 2026-10-26 10:00-12:00
	formZone                  // an IANA time zone
	formAddress               // a bare email address
	formPhone                 // E.164
	formPrice                 // 0.04 GBP
	formMailbox               // an email address, with or without a display name
	formDays                  // mon-fri, or days joined by commas
	formLocale                // BCP 47
	formCondition             // a CEL expression of type bool
	formTime                  // a CEL expression of type timestamp
	formLiquid                // a text with variables
	formEvent                 // an event type
	formCustom                // an event type of one's own
	formAttribute             // attributes.NAME
	formCountry               // ISO 3166-1: two capital letters
	formChoice                // one of words
	formConstant              // any scalar, or a list of texts
	formAny                   // whatever JSON can say
	formList                  // a list of of[0]
	formMapping               // the mapping of a place
	formEntries               // a mapping with free keys, described by of[0], to of[1]
	formEither                // one of of
)

// shape describes a value.
type shape struct {
	form      form
	of        []shape
	words     []string // of a choice
	units     []string // of a duration, where it takes only some
	names     string   // formName: the kind of document that the name is of, or "" where it is given
	place     place
	rules     []rule // of a mapping, beside those of its place
	low, high int    // of a number; low also of how many entries a list or mapping has at least
}

// key is a key of a mapping.
type key struct {
	name  string
	shape shape
	doc   string // a sentence, shown by editors
	must  bool
}

func a(f form) shape                       { return shape{form: f} }
func nameOf(kind string) shape             { return shape{form: formName, names: kind} }
func number(low, high int) shape           { return shape{form: formNumber, low: low, high: high} }
func oneOf(words ...string) shape          { return shape{form: formChoice, words: words} }
func listOf(s shape) shape                 { return shape{form: formList, of: []shape{s}} }
func mappingOf(p place) shape              { return shape{form: formMapping, place: p} }
func entriesOf(key, value shape) shape     { return shape{form: formEntries, of: []shape{key, value}} }
func either(of ...shape) shape             { return shape{form: formEither, of: of} }
func oneOrMore(s shape) shape              { return either(s, some(listOf(s))) }
func some(list shape) shape                { return atLeast(1, list) }
func atLeast(n int, s shape) shape         { s.low = n; return s }
func needed(k key) key                     { k.must = true; return k }
func k(name string, s shape, d string) key { return key{name: name, shape: s, doc: d} }

// matchKeys are the keys of a match, of which each place has some.
func matchKeys(names ...string) []key {
	all := []key{
		k("on", oneOrMore(a(formEvent)), "The event type, or a list of them."),
		k("when", a(formCondition), "A condition on the event, or, without `on`, on the state."),
		k("step", a(formWord), "Only message.* events of this step's messages, or of the steps inside it."),
		k("since", either(oneOf("enroll"), a(formWord)), "Count events since enrollment, or since a step, instead of since now."),
		k("outcome", a(formWord), "The word that the run ends with."),
		k("within", a(formDuration), "How long after the start it counts."),
	}
	return slices.DeleteFunc(all, func(x key) bool { return !slices.Contains(names, x.name) })
}

// steps is a list of steps.
func stepList() shape { return listOf(mappingOf(placeStep)) }

// keysOf returns the keys of a place, in the order in which they are written. It is nil for what is no place.
func keysOf(p place) []key {
	for _, table := range []func(place) []key{documentKeys, interviewKeys, retentionKeys, workspaceKeys, recordKeys, stepKeys, effectKeys, loopKeys, testKeys} {
		if keys := table(p); keys != nil {
			return keys
		}
	}
	return nil
}

// keyNames returns the names of a place's keys.
func keyNames(p place) []string {
	keys := keysOf(p)
	names := make([]string, len(keys))
	for i := range keys {
		names[i] = keys[i].name
	}
	return names
}

// wordsOf returns the words of a choice, also where it is one of several shapes.
func wordsOf(p place, name string) []string {
	for _, x := range keysOf(p) {
		if x.name == name {
			return x.shape.choices()
		}
	}
	return nil
}

func (s shape) choices() []string {
	words := slices.Clone(s.words) // only a choice has some
	for _, inner := range s.of {
		words = append(words, inner.choices()...)
	}
	return words
}

func channels() []string { return []string{string(crm.Email), string(crm.SMS)} }
