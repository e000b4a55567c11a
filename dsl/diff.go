package dsl

import (
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// ChangeKind says in one word what a change of a definition is about.
type ChangeKind string

// The kinds.
const (
	ChangeAdded         ChangeKind = "added"         // a step
	ChangeRemoved       ChangeKind = "removed"       // a step
	ChangeMoved         ChangeKind = "moved"         // a step stands at another place
	ChangeReworded      ChangeKind = "reworded"      // texts
	ChangeRetimed       ChangeKind = "retimed"       // durations, times, windows
	ChangeReconditioned ChangeKind = "reconditioned" // CEL expressions
	ChangeRerouted      ChangeKind = "rerouted"      // events, branches, exits, outcomes
	ChangeOther         ChangeKind = "changed"
)

// Change is one difference between two versions of a definition. Before is empty for what is new, After for what is gone.
type Change struct {
	Kind   ChangeKind `json:"kind"`
	Step   string     `json:"step,omitempty"`   // the step's id, or the one that the compiler gives it; "": the definition itself
	What   string     `json:"what,omitempty"`   // the key, such as task.title; of a step that is new, gone or moved: ""
	Before string     `json:"before,omitempty"` // as YAML, or what kind of step it was, or its place
	After  string     `json:"after,omitempty"`
	Place  string     `json:"place,omitempty"` // of a new step
	Words  string     `json:"words,omitempty"` // of a text: what has changed of it, as [-old-] {+new+}
}

// String writes the change as a line of a plan.
func (c Change) String() string {
	sign, what := "~", c.What
	switch c.Kind {
	case ChangeAdded:
		return "+ " + c.Step + ": " + c.After + ", " + c.Place
	case ChangeRemoved:
		return "- " + c.Step + ": " + c.Before
	case ChangeMoved, ChangeReworded, ChangeRetimed, ChangeReconditioned, ChangeRerouted, ChangeOther:
	}
	if c.Step != "" {
		what = strings.TrimSpace(c.Step + " " + string(c.Kind) + " " + what)
	}
	switch {
	case c.Words != "":
		return sign + " " + what + ": " + c.Words
	case c.Before == "":
		return sign + " " + what + ": + " + c.After
	case c.After == "":
		return sign + " " + what + ": - " + c.Before
	}
	return sign + " " + what + ": " + c.Before + " → " + c.After
}

// Diff says what has changed from one version of a definition to another, as people see it: steps by their ids, settings by
// their keys. Layout and comments are no change. It is empty exactly when the content hashes are the same.
func Diff(before, after *Document) []Change {
	if before.Hash == after.Hash {
		return nil
	}
	d := &differ{}
	a, b := rootOf(before), rootOf(after)
	switch {
	case a == nil || b == nil:
	case after.Kind == KindSequence:
		d.sequence(a, b)
	default:
		d.node(nil, a, b)
	}
	if len(d.changes) == 0 {
		d.changes = []Change{{Kind: ChangeOther, What: "content", Before: shortHash(before.Hash), After: shortHash(after.Hash)}}
	}
	return d.changes
}

func shortHash(hash string) string { return hash[:min(8, len(hash))] }

// rootOf parses a document. It is nil where that cannot be done.
func rootOf(d *Document) *yaml.Node {
	parts := splitDocuments(d.File, d.Source)
	if len(parts) == 0 || parts[0].parse() != nil {
		return nil
	}
	return parts[0].root
}

// differ gathers changes.
type differ struct {
	changes []Change
	step    string // whose keys are compared
}

func (d *differ) change(path []string, before, after *yaml.Node) {
	c := Change{Kind: kindOfChange(path), Step: d.step, What: strings.Join(path, ".")}
	switch {
	case before == nil:
		c.After = shown(after)
	case after == nil:
		c.Before = shown(before)
	case c.Kind == ChangeReworded && before.Kind == yaml.ScalarNode && after.Kind == yaml.ScalarNode:
		c.Words = wordDiff(before.Value, after.Value)
	default:
		c.Before, c.After = shown(before), shown(after)
	}
	d.changes = append(d.changes, c)
}

// kindOfChange tells by the innermost key that says something.
func kindOfChange(path []string) ChangeKind {
	for i, key := range slices.Backward(path) {
		if i > 0 && path[i-1] == "then" { // an outcome's name, whatever it is
			return ChangeRerouted
		}
		switch key {
		case "subject", "body", "preview", "title", "intro", "ask", "wording", "description", "note", "text":
			return ChangeReworded
		case "wait", "timeout", "every", "within", "due", "by", "window", "hours", "days", "calendar", "quiet", "until", "zone", "at", "pace",
			"reenroll", "expires", "decay", "daily", "duration", "before", "after", "holidays", "first", "nudge", "remind":
			return ChangeRetimed
		case "when", "if", "while", "applies_to":
			return ChangeReconditioned
		case "on":
			if i > 0 && path[i-1] == "wait" {
				return ChangeRetimed
			}
			return ChangeRerouted
		case "step", "since", "outcome", "outcomes", "exit", "then", "goal", "in", "enroll", "wait_for":
			return ChangeRerouted
		}
	}
	return ChangeOther
}

// node compares two values under a key.
func (d *differ) node(path []string, a, b *yaml.Node) {
	switch {
	case a == nil && b == nil, a != nil && b != nil && canonicalText(a) == canonicalText(b):
	case a == nil || b == nil || a.Kind != b.Kind:
		d.change(path, a, b)
	case a.Kind == yaml.MappingNode:
		d.mapping(path, a, b)
	case a.Kind == yaml.SequenceNode:
		d.list(path, a, b)
	default:
		d.change(path, a, b)
	}
}

func canonicalText(n *yaml.Node) string {
	var b strings.Builder
	canonical(&b, n)
	return b.String()
}

// mapping compares two mappings key by key; the order of keys counts, as it is the order of branches.
func (d *differ) mapping(path []string, a, b *yaml.Node) {
	was, is := keysIn(a), keysIn(b)
	for _, key := range was {
		d.node(with(path, key), valueOf(a, key), valueOf(b, key))
	}
	for _, key := range is {
		if !slices.Contains(was, key) {
			d.change(with(path, key), nil, valueOf(b, key))
		}
	}
	d.order(path, was, is)
}

// order compares the order of what is in both of two lists of words.
func (d *differ) order(path, was, is []string) {
	common := func(list, other []string) string {
		list = slices.DeleteFunc(slices.Clone(list), func(w string) bool { return !slices.Contains(other, w) })
		return strings.Join(list, ", ")
	}
	if x, y := common(was, is), common(is, was); x != y {
		c := Change{Kind: kindOfChange(path), Step: d.step, What: strings.Join(with(path, "order"), "."), Before: x, After: y}
		d.changes = append(d.changes, c)
	}
}

func keysIn(n *yaml.Node) []string {
	keys := make([]string, 0, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		keys = append(keys, n.Content[i].Value)
	}
	return keys
}

func with(path []string, key string) []string { return append(slices.Clip(slices.Clone(path)), key) }

// list compares two lists: by id where their entries have one, else by content.
func (d *differ) list(path []string, a, b *yaml.Node) {
	was, is := names(a), names(b)
	if was == nil || is == nil {
		d.entries(path, a.Content, b.Content)
		return
	}
	for i, name := range was {
		if j := slices.Index(is, name); j < 0 {
			d.change(path, a.Content[i], nil)
		} else {
			d.node(with(path, name), a.Content[i], b.Content[j])
		}
	}
	for j, name := range is {
		if !slices.Contains(was, name) {
			d.change(path, nil, b.Content[j])
		}
	}
	d.order(path, was, is)
}

// names are the ids of a list's entries, or the entries themselves where they are words. It is nil when they do not tell all
// entries apart.
func names(n *yaml.Node) []string {
	all := make([]string, 0, len(n.Content))
	for _, e := range n.Content {
		if id := valueOf(e, "id"); e.Kind == yaml.MappingNode && id != nil {
			e = id
		}
		if e.Kind != yaml.ScalarNode || slices.Contains(all, e.Value) {
			return nil
		}
		all = append(all, e.Value)
	}
	return all
}

// entries compares lists of what has no name. Those that are in both are left out; of the rest, the first is compared with the
// first and so on, if there are as many.
func (d *differ) entries(path []string, a, b []*yaml.Node) {
	was, is := canonicalTexts(a), canonicalTexts(b)
	keptA, keptB := aligned(was, is)
	var gone, come []int
	for i := range a {
		if !keptA[i] {
			gone = append(gone, i)
		}
	}
	for j := range b {
		if !keptB[j] {
			come = append(come, j)
		}
	}
	if len(gone) == len(come) {
		for k := range gone {
			d.node(with(path, strconv.Itoa(come[k]+1)), a[gone[k]], b[come[k]])
		}
		return
	}
	for _, i := range gone {
		d.change(path, a[i], nil)
	}
	for _, j := range come {
		d.change(path, nil, b[j])
	}
}

func canonicalTexts(nodes []*yaml.Node) []string {
	texts := make([]string, len(nodes))
	for i, n := range nodes {
		texts[i] = canonicalText(n)
	}
	return texts
}
