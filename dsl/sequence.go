package dsl

import (
	"fmt"
	"net/mail"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/rapport-crm/rapport/crm"
)

// sequenceReader reads a sequence document: what was read so far is what later parts may refer to.
type sequenceReader struct {
	*docReader
	p     *Program
	sc    scope
	steps map[string]*step // by id, as they are read
	all   []*step

	placed []string // variables that only some places have, and this one does
}

// sequence reads a sequence document and compiles it.
func (r *docReader) sequence() *Program {
	m := r.mapping(r.src.root, placeSequence)
	if m == nil {
		return nil
	}
	q := &sequenceReader{docReader: r, p: &Program{Name: r.name(m.get("sequence")), Hash: hash(r.src.root), Reenroll: Reenroll{Never: true}}, steps: map[string]*step{}}
	r.sequenceRead = q
	q.head(m)
	if n := m.get("enroll"); n != nil {
		q.enroll(n)
	}
	q.sc = scope{inRun: true, enroll: q.enrollTypes(), application: q.p.PerApp, steps: q.steps}
	if n := m.get("steps"); n != nil {
		q.all = q.block(n, "steps")
	}
	if n := m.get("exit"); n != nil {
		q.exits(n, placeExit)
	}
	if n := m.get("goal"); n != nil {
		q.goal(n)
	}
	q.transactional(m)
	q.compile()
	return q.p
}

func (q *sequenceReader) head(m *mapping) {
	if n := m.get("description"); n != nil {
		q.p.Description, _ = q.text(n, "description")
	}
	if n := m.get("owner"); n != nil {
		q.p.Owner = q.emailAddress(n, "owner")
	}
	if n := m.get("purpose"); n != nil {
		q.purpose(n)
	}
	if n := m.get("per"); n != nil {
		q.p.PerApp = q.choice(n, placeSequence, "per") == "application"
	}
	if n := m.get("limit"); n != nil {
		q.p.Limit = q.limit(n)
	}
	if n := m.get("window"); n != nil {
		q.p.Window = q.calendar(n)
	}
	if n := m.get("reenroll"); n != nil {
		q.reenroll(n)
	}
}

// emailAddress reads a bare email address.
func (r *docReader) emailAddress(n *yaml.Node, place string) string {
	t, ok := r.text(n, place)
	if a, err := mail.ParseAddress(t); ok && (err != nil || a.Address != t) {
		r.add(n, codeAddress, fmt.Sprintf("%q is not an email address.", clip(t)), "")
		return ""
	}
	return t
}

func (q *sequenceReader) purpose(n *yaml.Node) {
	q.p.Purpose = q.name(n)
	q.serves = q.p.Purpose
	if q.p.Purpose == crm.PurposeTransactional || q.voc == nil || q.p.Purpose == "" {
		return
	}
	ws := q.voc.workspace
	if ws == nil {
		q.add(n, codePurpose, fmt.Sprintf("There is no workspace document that declares the purpose %q.", q.p.Purpose), "Check the workspace file together with this one.")
		return
	}
	if _, ok := ws.Purposes[q.p.Purpose]; !ok {
		q.add(n, codePurpose, fmt.Sprintf("The workspace declares no purpose %q.", q.p.Purpose), suggest(q.p.Purpose, append(purposeNames(ws), crm.PurposeTransactional)))
	}
}

func (q *sequenceReader) reenroll(n *yaml.Node) {
	t, ok := q.text(n, "reenroll")
	switch {
	case !ok, t == "never":
	case t == "always":
		q.p.Reenroll = Reenroll{}
	default:
		d, err := ParseDuration(t)
		if err != nil {
			q.add(n, codeDuration, fmt.Sprintf("reenroll is never, always or a duration such as 180d, not %q.", clip(t)), "")
			return
		}
		q.p.Reenroll = Reenroll{After: d}
	}
}

// enroll reads who is enrolled: rules, or `by hand`.
func (q *sequenceReader) enroll(n *yaml.Node) {
	q.p.ByHand = q.rules(n, "This sequence enrolls nobody.", "enroll is {on, when}, {in: POOL}, a list of those, or `by hand`", q.rule)
}

// rules reads a list of rules of enrollment, or `by hand`, and tells whether that is among them.
func (r *docReader) rules(n *yaml.Node, nobody, forms string, rule func(*yaml.Node)) (byHand bool) {
	entries := r.list(n, "enroll", true)
	if n.Kind == yaml.SequenceNode && len(entries) == 0 {
		r.add(n, codeNoSteps, nobody, "Name an event, or write: enroll: by hand.")
	}
	for _, e := range entries {
		switch {
		case e.Kind == yaml.ScalarNode && e.Value == "by hand":
			byHand = true
		case e.Kind == yaml.ScalarNode:
			r.add(e, codeShape, fmt.Sprintf("%s, not %s.", forms, kindName(e)), "")
		default:
			rule(e)
		}
	}
	return byHand
}

// rule reads one rule of enrollment.
func (q *sequenceReader) rule(n *yaml.Node) {
	m := q.mapping(n, placeEnroll)
	if m == nil {
		return
	}
	r := &Rule{}
	if in := m.get("in"); in != nil {
		r.In = q.poolNamed(in, false)
	}
	for _, t := range q.optionalList(m.get("on"), "on") {
		if name, ok := q.eventType(t); ok {
			r.On = append(r.On, name)
		}
	}
	if at := m.get("at"); at != nil {
		r.At = q.moment(at, "at")
	}
	if every := m.get("every"); every != nil {
		r.Every = q.duration(every, "every")
	}
	if pace := m.get("pace"); pace != nil {
		r.Pace = q.limit(pace)
	}
	if !q.ruleFits(n, m, r) {
		return
	}
	if w := m.get("when"); w != nil {
		if len(r.On) > 0 {
			r.When = q.condition(w, q.sc.matching(r.On))
		} else {
			r.When = q.condition(w, &scope{})
		}
	}
	q.p.Enroll = append(q.p.Enroll, r)
	q.enrollsPer(n, &r.Match)
}

// ruleFits checks that the keys of a rule go together.
func (q *sequenceReader) ruleFits(n *yaml.Node, m *mapping, r *Rule) bool {
	has := func(key string) bool { return m.get(key) != nil }
	switch {
	case has("on") && len(r.On) == 0:
	case !has("in") && !has("on"):
		if len(m.values) == len(n.Content)/2 {
			q.add(n, codeMissingKey, `enroll needs an event or a pool: the key "on", or "in".`, "")
		}
	case has("at") && !has("in"):
		q.add(m.keys["at"], codeConflict, "A campaign is for the members of a pool.", "Add `in: POOL`.")
	case has("at") && has("on"):
		q.add(m.keys["at"], codeConflict, "A rule has either an event or a date.", "Make two rules of it.")
	case !has("at") && (has("every") || has("pace")):
		q.add(n, codeConflict, "every and pace belong to a campaign.", "Say when it begins: at: 2027-01-15T09:00.")
	case has("in") && !has("on") && !has("at") && has("when"):
		q.add(m.keys["when"], codeConflict, "Members are enrolled as they enter the pool; there is no other condition.", "Put the condition into the pool.")
	case has("in") && q.p.PerApp && !namesApplication(r.On):
		q.add(n, codeConflict, "A run per application cannot begin with a pool, whose members are candidates.", "Take out `per: application`.")
	case !has("in") && slices.ContainsFunc(r.On, crm.Broadcast):
		q.add(m.get("on"), codeConflict, r.On[0]+" has no candidate of its own.", "Say whom to tell: add `in: POOL`.")
	default:
		return true
	}
	return false
}

// enrollsPer checks that a sequence per application enrolls on events that name one.
func (q *sequenceReader) enrollsPer(n *yaml.Node, match *Match) {
	for _, t := range match.On {
		if q.p.PerApp && !strings.HasPrefix(t, "custom.") && !namesApplication([]string{t}) {
			q.add(n, codeConflict, fmt.Sprintf("A run per application cannot begin with %s, which names no application.", t), "Take out `per: application`, or enroll on an application.* event.")
		}
	}
}

// enrollTypes lists the types of the events that a run may have begun with.
func (q *sequenceReader) enrollTypes() []string {
	types := map[string]bool{}
	for _, r := range q.p.Enroll {
		for _, t := range r.On {
			types[t] = true
		}
		if r.In != "" && len(r.On) == 0 && r.At.IsZero() {
			types["pool.entered"] = true
		}
	}
	return sorted(types)
}

// transactional refuses the purpose for what is not about an application or interview.
func (q *sequenceReader) transactional(m *mapping) {
	if !q.p.Transactional() || q.voc == nil {
		return
	}
	for _, t := range q.enrollTypes() {
		family, _, _ := strings.Cut(t, ".")
		if slices.Contains([]string{crm.EventConsentRequested, crm.EventPreferencesWanted, crm.EventErasureRequested}, t) || family == "request" {
			continue // what the candidate asked for, or must be asked, is answered
		}
		if !slices.Contains([]string{"application", "interview", "offer", "scorecard", "survey", "custom"}, family) {
			q.add(m.get("purpose"), codeTransaction, fmt.Sprintf("transactional is for messages about an application or interview; %s is neither.", t), "Use a purpose that candidates consent to.")
		}
	}
}

func (q *sequenceReader) exits(n *yaml.Node, p place) {
	for _, e := range q.optionalList(n, "exit") {
		m := q.match(e, p)
		if m == nil {
			continue
		}
		if m.Outcome == "" && e.Kind == yaml.MappingNode && !hasKey(e, "outcome") {
			q.add(e, codeMissingKey, `An exit needs the key "outcome".`, "Say in a word how the run ended.")
		}
		q.p.Exits = append(q.p.Exits, m)
	}
}

func (q *sequenceReader) goal(n *yaml.Node) {
	m := q.match(n, placeGoal)
	if m == nil {
		return
	}
	q.p.Goal = &Goal{Match: m}
	if within := valueOf(n, "within"); within != nil {
		q.p.Goal.Within = q.duration(within, "within")
	}
}

// match reads a match. It is nil when it is no mapping.
func (q *sequenceReader) match(n *yaml.Node, place string) *Match {
	m := q.mapping(n, place)
	if m == nil {
		return nil
	}
	out := &Match{}
	for _, t := range q.optionalList(m.get("on"), "on") {
		if name, ok := q.eventType(t); ok {
			out.On = append(out.On, name)
		}
	}
	if m.get("on") == nil && m.get("when") == nil && len(m.values) == len(n.Content)/2 {
		q.add(n, codeMissingKey, sentence(place)+` needs the key "on" or "when".`, "")
	}
	if w := m.get("when"); w != nil && (m.get("on") == nil || len(out.On) > 0) {
		out.When = q.when(w, out)
	}
	if s := m.get("step"); s != nil {
		out.Step = q.matchStep(s, out)
	}
	if s := m.get("since"); s != nil {
		out.Since = q.since(s, out)
	}
	if o := m.get("outcome"); o != nil {
		out.Outcome = q.outcome(o)
	}
	return out
}

func (r *docReader) optionalList(n *yaml.Node, place string) []*yaml.Node {
	if n == nil {
		return nil
	}
	entries := r.list(n, place, true)
	if n.Kind == yaml.SequenceNode && len(entries) == 0 {
		r.add(n, codeNoSteps, sentence(place)+" names nothing.", "")
	}
	return entries
}

func (q *sequenceReader) when(n *yaml.Node, m *Match) *Condition {
	if !m.State() {
		return q.condition(n, q.sc.matching(m.On))
	}
	c := q.condition(n, &q.sc)
	if c != nil && c.UsesNow {
		q.note(n, crm.SeverityHint, codeExprTime, "The passing of time alone does not wake a run: this is checked before effects and at every wake.", "")
	}
	return c
}

// matchStep reads the step whose messages a match is about.
func (q *sequenceReader) matchStep(n *yaml.Node, m *Match) string {
	id, ok := q.text(n, "step")
	if !ok {
		return ""
	}
	for _, t := range m.On {
		if !strings.HasPrefix(t, "message.") {
			q.add(n, codeMatchStep, fmt.Sprintf("step limits message.* events; %s is none.", t), "Take step out.")
			return ""
		}
	}
	switch s := q.steps[id]; {
	case m.State():
		q.add(n, codeMatchStep, "step limits message.* events, and this match has none.", "Use steps."+id+" in the condition.")
	case s == nil:
		q.add(n, codeMatchStep, fmt.Sprintf("No step %q comes before this.", id), suggest(id, stepIDs(q.steps)))
	case !s.sends():
		q.add(n, codeMatchStep, fmt.Sprintf("The step %q sends nothing.", id), "Name an email or sms step.")
	}
	return id
}

func (q *sequenceReader) since(n *yaml.Node, m *Match) string {
	id, ok := q.text(n, "since")
	if ok && id != "enroll" && q.steps[id] == nil {
		q.add(n, codeMatchStep, fmt.Sprintf("since is `enroll` or the id of an earlier step, not %q.", clip(id)), suggest(id, append(stepIDs(q.steps), "enroll")))
	}
	if m.State() {
		q.add(n, codeConflict, "since goes with events: a condition on the state is about now.", "Take since out.")
	}
	return id
}

// outcome reads the word a run ends with.
func (q *sequenceReader) outcome(n *yaml.Node) string {
	word := q.word(n, "an outcome")
	switch word {
	case crm.OutcomeOptedOut, crm.OutcomeStopped, crm.OutcomeLeft, crm.OutcomeMerged, crm.OutcomeErased:
		q.add(n, codeReserved, fmt.Sprintf("Rapport itself ends runs with %q.", word), "Use another word.")
	}
	return word
}

func hasKey(n *yaml.Node, key string) bool { return valueOf(n, key) != nil }

// valueOf returns the value of a key of a mapping node, or nil.
func valueOf(n *yaml.Node, key string) *yaml.Node {
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}
