package dsl

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"github.com/rapport-crm/rapport/crm"
)

var (
	namePattern = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	wordPattern = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)
)

// docReader reads one document and collects its problems. Its methods return zero values for what is wrong, after saying
// so, so that reading goes on and finds the rest.
type docReader struct {
	src      *source
	envs     *environments
	engines  *engines
	voc      *vocabulary            // nil: what the document refers to is not checked
	channels map[string]crm.Channel // of messages, by name
	problems []crm.Problem

	sequenceRead *sequenceReader // of a sequence: its steps as they are written
	serves       string          // of a sequence or interview: its purpose; of a pool noPurpose; else ""
}

// add reports a problem at a node.
func (r *docReader) add(n *yaml.Node, code, message, fix string) {
	r.addAt(n.Line, n.Column, crm.SeverityError, code, message, fix)
}

// note reports a warning or a hint at a node.
func (r *docReader) note(n *yaml.Node, severity crm.Severity, code, message, fix string) {
	r.addAt(n.Line, n.Column, severity, code, message, fix)
}

// maxProblems is where a document is given up: nobody reads further, and finding places takes time.
const maxProblems = 500

func (r *docReader) addAt(line, column int, severity crm.Severity, code, message, fix string) {
	if r.full() {
		return
	}
	r.problems = append(r.problems, crm.Problem{
		File: r.src.file, Line: max(line, 1), Column: max(column, 1), Code: code, Severity: severity, Message: message, Fix: fix,
	})
}

// full tells whether the document is given up.
func (r *docReader) full() bool { return len(r.problems) >= maxProblems }

// failed tells whether a problem was an error.
func (r *docReader) failed() bool {
	return slices.ContainsFunc(r.problems, func(p crm.Problem) bool { return p.Severity == crm.SeverityError })
}

// mapping is a YAML mapping whose keys are known.
type mapping struct {
	node   *yaml.Node
	values map[string]*yaml.Node
	keys   map[string]*yaml.Node

	incomplete bool // a key that the place needs is missing, which was reported
}

// get returns the value of a key, or nil.
func (m *mapping) get(key string) *yaml.Node { return m.values[key] }

// entry is a key with its value.
type entry struct {
	key, value *yaml.Node
}

// mapping reads a mapping with the keys that the grammar has for its place. It is nil when the node is something else.
func (r *docReader) mapping(n *yaml.Node, p place) *mapping {
	entries, ok := r.entries(n, p)
	if !ok {
		return nil
	}
	m := &mapping{node: n, values: make(map[string]*yaml.Node, len(entries)), keys: make(map[string]*yaml.Node, len(entries))}
	known := keyNames(p)
	for _, e := range entries {
		key := e.key.Value
		switch {
		case slices.Contains(known, key):
			m.values[key], m.keys[key] = e.value, e.key
		default:
			r.add(e.key, codeUnknownKey, fmt.Sprintf("%s has no key %q.", sentence(p), key), suggest(key, known))
		}
	}
	for _, k := range keysOf(p) {
		if k.must && m.values[k.name] == nil {
			m.incomplete = true
			r.add(m.node, codeMissingKey, fmt.Sprintf("%s needs the key %q.", sentence(p), k.name), "")
		}
	}
	return m
}

// entries returns the entries of a mapping with free keys, in order.
func (r *docReader) entries(n *yaml.Node, place string) ([]entry, bool) {
	if !r.plain(n) {
		return nil, false
	}
	if n.Kind != yaml.MappingNode {
		r.add(n, codeShape, fmt.Sprintf("%s is a mapping of keys to values, not %s.", sentence(place), kindName(n)), "")
		return nil, false
	}
	entries := make([]entry, 0, len(n.Content)/2)
	seen := make(map[string]bool, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		switch {
		case k.Tag == "!!merge":
			r.add(k, codeAlias, "Merge keys are not used in definitions.", "Write the keys out.")
		case !r.plain(k):
		case k.Kind != yaml.ScalarNode:
			r.add(k, codeShape, "A key is a word, not "+kindName(k)+".", "")
		case seen[k.Value]:
			r.add(k, codeDuplicate, fmt.Sprintf("The key %q is there twice.", k.Value), "Keep one of them.")
		default:
			seen[k.Value] = true
			entries = append(entries, entry{k, v})
		}
		if isExpressionKey(k.Value) && n.Style&yaml.FlowStyle != 0 && cutByComma(v) {
			r.addQuote(v.Line, v.Column)
			return entries[:max(len(entries)-1, 0)], true // what follows is cut as well
		}
	}
	return entries, true
}

// plain refuses anchors, aliases and tags.
func (r *docReader) plain(n *yaml.Node) bool {
	switch {
	case n.Kind == yaml.AliasNode:
		r.add(n, codeAlias, "Aliases are not used in definitions.", "Write the value out.")
		return false
	case n.Anchor != "":
		r.add(n, codeAlias, "Anchors are not used in definitions.", fmt.Sprintf("Take &%s out.", n.Anchor))
		return false
	case n.Style&yaml.TaggedStyle != 0 && strings.ContainsAny(n.Tag, "(."): // !has(candidate.phone)
		r.addQuote(n.Line, n.Column)
		return false
	case n.Style&yaml.TaggedStyle != 0:
		r.add(n, codeAlias, fmt.Sprintf("The tag %q is not used in definitions.", n.Tag), "Take it out.")
		return false
	}
	return true
}

// list returns the entries of a list; a single value that is no list is taken as a list of one when lone is set.
func (r *docReader) list(n *yaml.Node, place string, lone bool) []*yaml.Node {
	if !r.plain(n) {
		return nil
	}
	if n.Kind == yaml.SequenceNode {
		return n.Content
	}
	if lone && scalarKind(n) != scalarNull {
		return []*yaml.Node{n}
	}
	r.add(n, codeShape, fmt.Sprintf("%s is a list, not %s.", sentence(place), kindName(n)), "")
	return nil
}

// text returns a scalar's text.
func (r *docReader) text(n *yaml.Node, place string) (string, bool) {
	if !r.plain(n) {
		return "", false
	}
	if n.Kind != yaml.ScalarNode {
		r.add(n, codeShape, fmt.Sprintf("%s is a text, not %s.", sentence(place), kindName(n)), "")
		return "", false
	}
	if strings.TrimSpace(n.Value) == "" || scalarKind(n) == scalarNull {
		r.add(n, codeShape, sentence(place)+" is empty.", "")
		return "", false
	}
	return n.Value, true
}

// texts returns a list of texts.
func (r *docReader) texts(n *yaml.Node, place string) []string {
	var all []string
	for _, c := range r.list(n, place, true) {
		if t, ok := r.text(c, "an entry of "+place); ok {
			all = append(all, t)
		}
	}
	return all
}

// choice returns the text of a key that holds one of a few words.
func (r *docReader) choice(n *yaml.Node, p place, key string) string {
	t, ok := r.text(n, key)
	known := wordsOf(p, key)
	if !ok {
		return ""
	}
	if !slices.Contains(known, t) {
		r.add(n, codeValue, fmt.Sprintf("%s cannot be %q.", sentence(key), t), suggest(t, known))
		return ""
	}
	return t
}

// number returns a whole number in a range.
func (r *docReader) number(n *yaml.Node, place string, low, high int) int {
	t, ok := r.text(n, place)
	if !ok {
		return 0
	}
	v, err := strconv.Atoi(t)
	if err != nil || scalarKind(n) != scalarInt || v < low || v > high {
		r.add(n, codeNumber, fmt.Sprintf("%s is a whole number from %d to %d, not %q.", sentence(place), low, high, t), "")
		return 0
	}
	return v
}

// duration returns a duration.
func (r *docReader) duration(n *yaml.Node, place string) Duration {
	t, ok := r.text(n, place)
	if !ok {
		return Duration{}
	}
	d, err := ParseDuration(t)
	if err != nil {
		r.add(n, codeDuration, fmt.Sprintf("%s is a duration such as 30m, 3d, 2w, 6mo or 2bd, not %q.", sentence(place), t), "")
		return Duration{}
	}
	return d
}

// flag returns true or false.
func (r *docReader) flag(n *yaml.Node, place string) bool {
	t, ok := r.text(n, place)
	if ok && scalarKind(n) != scalarBool {
		r.add(n, codeShape, fmt.Sprintf("%s is true or false, not %q.", sentence(place), clip(t)), "")
	}
	return strings.EqualFold(t, "true")
}

// require reports a missing key.
func (r *docReader) require(m *mapping, place string, keys ...string) bool {
	complete := true
	for _, k := range keys {
		if m.values[k] == nil {
			r.add(m.node, codeMissingKey, fmt.Sprintf("%s needs the key %q.", sentence(place), k), "")
			complete = false
		}
	}
	return complete
}

// name checks a definition's name: lower-case words joined by hyphens.
func (r *docReader) name(n *yaml.Node) string {
	if n == nil { // it is missing, which was reported
		return ""
	}
	t, ok := r.text(n, "a name")
	if ok && (!namePattern.MatchString(t) || len(t) > 100 || scalarKind(n) == scalarBool) {
		r.add(n, codeName, fmt.Sprintf("%q is not a name.", t), "Use lower-case words joined by hyphens, such as silver-medallist-nurses.")
	}
	return t
}

// word checks an id, an outcome or a branch: lower-case words joined by underscores.
func (r *docReader) word(n *yaml.Node, place string) string {
	t, ok := r.text(n, place)
	if !ok {
		return ""
	}
	if !wordPattern.MatchString(t) || len(t) > 60 || scalarKind(n) != scalarText { // true is no word
		r.add(n, codeID, fmt.Sprintf("%q cannot be %s.", t, place), "Use lower-case words joined by underscores, such as second_letter.")
		return ""
	}
	return t
}

type scalar int

const (
	scalarNone scalar = iota // not a scalar
	scalarText
	scalarNull
	scalarBool
	scalarInt
	scalarFloat
)

// scalarKind types a scalar by YAML 1.2's core schema: on, off, yes and no are text.
func scalarKind(n *yaml.Node) scalar {
	if n.Kind != yaml.ScalarNode {
		return scalarNone
	}
	if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		return scalarText
	}
	switch n.Value {
	case "", "~", "null", "Null", "NULL":
		return scalarNull
	case "true", "True", "TRUE", "false", "False", "FALSE":
		return scalarBool
	}
	if _, err := strconv.ParseInt(n.Value, 10, 64); err == nil {
		return scalarInt
	}
	if strings.Trim(n.Value, "+-.0123456789eE") == "" {
		if _, err := strconv.ParseFloat(n.Value, 64); err == nil {
			return scalarFloat
		}
	}
	return scalarText
}

// constant returns the value of a scalar, or a list of them, as Go's text, bool, int64, float64 or list.
func (r *docReader) constant(n *yaml.Node, place string) (any, bool) {
	if n.Kind == yaml.SequenceNode {
		return r.texts(n, place), true
	}
	t, ok := r.text(n, place)
	if !ok {
		return nil, false
	}
	switch scalarKind(n) {
	case scalarBool:
		return strings.EqualFold(t, "true"), true
	case scalarInt:
		v, err := strconv.ParseInt(t, 10, 64)
		return v, err == nil
	case scalarFloat:
		v, err := strconv.ParseFloat(t, 64)
		return v, err == nil
	case scalarNone, scalarText, scalarNull:
	}
	return t, true
}

func kindName(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case scalarKind(n) == scalarNull:
		return "empty"
	}
	return strconv.Quote(clip(n.Value))
}

// clip keeps messages to one line of a sane length.
func clip(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if utf8.RuneCountInString(s) > 60 {
		return string([]rune(s)[:57]) + "..."
	}
	return s
}

// sentence begins a sentence with a place: words get a capital letter, a key stays as it is written.
func sentence(place string) string {
	if strings.HasPrefix(place, "a ") || strings.HasPrefix(place, "an ") {
		return upperFirst(place)
	}
	return place
}

func upperFirst(s string) string {
	first, size := utf8.DecodeRuneInString(s)
	if size == 0 {
		return s
	}
	return string(unicode.ToUpper(first)) + s[size:]
}
