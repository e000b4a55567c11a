package dsl

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl/wallclock"
)

// send reads an email or sms step: a message's name, or a mapping.
func (q *sequenceReader) send(n *yaml.Node, ch crm.Channel) *Send {
	s := &Send{Channel: ch, OnUnknown: "skip"}
	q.sender(n, ch)
	if n.Kind == yaml.MappingNode {
		q.sendMapping(n, s)
		return s
	}
	s.Use = q.uses(n, ch)
	return s
}

func (q *sequenceReader) sendMapping(n *yaml.Node, s *Send) {
	m := q.mapping(n, placeSend)
	if m == nil {
		return
	}
	switch use, body := m.get("use"), m.get("body"); {
	case use != nil && (body != nil || m.get("subject") != nil):
		q.add(m.keys["use"], codeConflict, "A step either uses a message or says it itself.", "Keep `use`, or subject and body.")
	case use != nil:
		s.Use = q.uses(use, s.Channel)
	case body == nil:
		q.add(n, codeMissingKey, "This step says nothing: it needs `use`, or a body.", "")
	default:
		s.Inline = q.inline(m, s.Channel)
	}
	if f := m.get("from"); f != nil {
		s.FromOwner = q.choice(f, placeSend, "from") == "owner"
	}
	if w := m.get("window"); w != nil {
		s.Window = q.calendar(w)
	}
	if b := m.get("by"); b != nil {
		s.By = q.duration(b, "by")
	}
	if u := m.get("on_unknown"); u != nil {
		s.OnUnknown = q.choice(u, placeSend, "on_unknown")
	}
}

// inline reads a message written in a step.
func (q *sequenceReader) inline(m *mapping, ch crm.Channel) *Template {
	t := &Template{Channel: ch, Hash: hash(m.node)}
	sc := q.stepTexts()
	q.messageParts(t, m, sc)
	return t
}

// uses reads the name of a message, or a list of names.
func (q *sequenceReader) uses(n *yaml.Node, ch crm.Channel) []string {
	entries := q.list(n, "a list of messages", true)
	if n.Kind == yaml.SequenceNode && len(entries) == 0 {
		q.add(n, codeNoSteps, "This list names no message.", "")
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		name := q.use(e, ch)
		if slices.Contains(names, name) && name != "" {
			q.add(e, codeConflict, fmt.Sprintf("The message %q is in the list twice; nobody gets it twice.", name), "Take one out.")
			continue
		}
		names = append(names, name)
	}
	return names
}

// use reads the name of a message and checks that it exists on the channel.
func (q *sequenceReader) use(n *yaml.Node, ch crm.Channel) string {
	name := q.name(n)
	if q.voc == nil || name == "" {
		return name
	}
	versions := q.voc.messages[name]
	if len(versions) == 0 {
		known := make([]string, 0, len(q.voc.messages))
		for k := range q.voc.messages {
			known = append(known, k)
		}
		q.add(n, codeMessage, fmt.Sprintf("There is no message %q.", clip(name)), suggest(name, known))
		return name
	}
	for _, t := range versions {
		if t.Channel != "" && t.Channel != ch {
			q.add(n, codeChannel, fmt.Sprintf("The message %q is for %s, this step sends by %s.", name, t.Channel, ch), "")
			break
		}
		q.dataOf(n, t)
		q.special(n, t)
	}
	return name
}

// dataOf checks that the events which enroll, and the place that sends, have what a message shows.
func (q *sequenceReader) dataOf(n *yaml.Node, t *Template) {
	for _, f := range t.data {
		if !dataKnown(f, q.sc.enroll) {
			q.add(n, codeVariable, fmt.Sprintf("The message %q shows enrollment.event.data.%s, which no event that enrolls here has.", t.Name, f), "")
		}
	}
	for _, v := range t.needs {
		if !slices.Contains(q.placed, v) {
			q.add(n, codeVariable, fmt.Sprintf("The message %q shows %s, which is not known here.", t.Name, v), "Use another message, or take it out of the text.")
		}
	}
}

// sender checks that the workspace says who writes.
func (q *sequenceReader) sender(n *yaml.Node, ch crm.Channel) {
	if q.voc == nil || q.voc.workspace == nil {
		return
	}
	from := q.voc.workspace.From
	switch {
	case ch == crm.Email && from.Email == "":
		q.add(n, codeSender, "The workspace names no sender for email.", "Add from.email to the workspace.")
	case ch == crm.SMS && from.SMS == "":
		q.add(n, codeSender, "The workspace names no sender for text messages.", "Add from.sms to the workspace.")
	case ch == crm.Email && from.Address == "" && !q.p.Transactional():
		q.add(n, codeSender, "Mail that is not transactional must carry a postal address.", "Add from.address to the workspace.")
	}
}

func (q *sequenceReader) task(n *yaml.Node) *Task {
	t := &Task{Assign: "owner"}
	m := q.mapping(n, placeTask)
	if m == nil || m.incomplete {
		return t
	}
	t.Title = q.textOf(m.get("title"), q.engines.plain, q.stepTexts())
	if a := m.get("assign"); a != nil {
		if v, ok := q.text(a, "assign"); ok && v != "owner" {
			t.Assign = q.emailAddress(a, "assign")
		}
	}
	if v := m.get("via"); v != nil {
		t.Via = q.choice(v, placeTask, "via")
	}
	if d := m.get("due"); d != nil {
		t.Due = q.duration(d, "due")
	}
	q.taskWait(t, m)
	return t
}

// taskWait reads how long a task step waits for the person, and how the task can end.
func (q *sequenceReader) taskWait(t *Task, m *mapping) {
	if w := m.get("wait"); w != nil {
		t.Wait = q.flag(w, "wait")
	}
	if d := m.get("timeout"); d != nil {
		t.Timeout = q.duration(d, "timeout")
	}
	if o := m.get("outcomes"); o != nil {
		for _, e := range q.list(o, "outcomes", false) {
			switch word := q.word(e, "an outcome"); word {
			case OutcomeTimeout, crm.OutcomeSkipped, outcomeCreated:
				q.add(e, codeReserved, fmt.Sprintf("%q is not an outcome that a person gives.", word), "Use another word.")
			default:
				t.Outcomes = append(t.Outcomes, word)
			}
		}
	}
	for _, key := range []string{"timeout", "outcomes"} {
		if m.get(key) != nil && !t.Wait {
			q.add(m.keys[key], codeConflict, key+" belongs to a task that is waited for.", "Add `wait: true`.")
		}
	}
}

func settableFields() []string { return keyNames(placeSet) }

func (q *sequenceReader) update(n *yaml.Node) *Update {
	u := &Update{}
	m := q.mapping(n, placeUpdate)
	if m == nil {
		return u
	}
	if len(n.Content) == 0 {
		q.add(n, codeMissingKey, "This update changes nothing.", "Give it set, tag, untag, score or pool.")
	}
	if s := m.get("set"); s != nil {
		entries, _ := q.entries(s, "set")
		for _, e := range entries {
			if a, ok := q.assign(e); ok {
				u.Set = append(u.Set, a)
			}
		}
	}
	if t := m.get("tag"); t != nil {
		u.Tag = q.texts(t, "tag")
	}
	if t := m.get("untag"); t != nil {
		u.Untag = q.texts(t, "untag")
	}
	if s := m.get("score"); s != nil {
		if score := q.mapping(s, placeScoreAdd); score != nil && !score.incomplete {
			u.Score = float64(q.number(score.get("add"), "score", -1_000, 1_000))
		}
	}
	if p := m.get("pool"); p != nil {
		q.updatePools(u, p)
	}
	return u
}

// updatePools reads which pools the candidate is put into and taken out of.
func (q *sequenceReader) updatePools(u *Update, n *yaml.Node) {
	m := q.mapping(n, placePools)
	if m == nil {
		return
	}
	if len(n.Content) == 0 {
		q.add(n, codeMissingKey, "This changes no pool.", "Name pools under add or remove.")
	}
	for _, e := range q.optionalList(m.get("add"), "add") {
		u.Enter = append(u.Enter, q.poolNamed(e, true))
	}
	for _, e := range q.optionalList(m.get("remove"), "remove") {
		name := q.poolNamed(e, true)
		if slices.Contains(u.Enter, name) && name != "" {
			q.add(e, codeConflict, fmt.Sprintf("The candidate is put into %q and taken out of it.", name), "Keep one of them.")
		}
		u.Leave = append(u.Leave, name)
	}
}

// assign reads one field of `set` with its new value.
func (q *sequenceReader) assign(e entry) (Assign, bool) {
	name := e.key.Value
	value, ok := q.constant(e.value, name)
	if strings.HasPrefix(name, "attributes.") {
		if !isAttribute(name) {
			q.add(e.key, codeID, fmt.Sprintf("%q is not the name of an attribute.", clip(name)), "Write attributes.one_word.")
			return Assign{}, false
		}
		q.attribute(strings.TrimPrefix(name, "attributes."), e.key.Line, e.key.Column)
		return Assign{name, value}, ok
	}
	if !slices.Contains(settableFields(), name) {
		q.add(e.key, codeUnknownKey, fmt.Sprintf("An update cannot set %q.", clip(name)), suggest(name, append(settableFields(), "attributes.NAME")))
		return Assign{}, false
	}
	if !ok {
		return Assign{}, false
	}
	text, isText := value.(string)
	if !isText {
		q.add(e.value, codeShape, name+" is a text.", "Put it in quotes.")
		return Assign{}, false
	}
	q.assigned(e, text)
	return Assign{name, text}, true
}

// assigned checks a value that a field of the candidate gets.
func (q *sequenceReader) assigned(e entry, value string) {
	switch e.key.Value {
	case "status":
		if q.voc != nil && q.voc.workspace != nil && len(q.voc.workspace.Statuses) > 0 && !slices.Contains(q.voc.workspace.Statuses, value) {
			q.add(e.value, codeStatus, fmt.Sprintf("The workspace has no status %q.", clip(value)), suggest(value, q.voc.workspace.Statuses))
		}
	case "time_zone":
		if _, err := wallclock.Zone(value); err != nil {
			q.add(e.value, codeZone, fmt.Sprintf("There is no time zone %q.", clip(value)), "Use an IANA name such as Europe/London.")
		}
	case "locale":
		q.localeOf(e.value)
	case "owner":
		q.emailAddress(e.value, "owner")
	}
}
