package dsl

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/rapport-crm/rapport/crm"
)

// wait reads a duration, or {until, on, timeout}.
func (q *sequenceReader) wait(n *yaml.Node) *Wait {
	if n.Kind != yaml.MappingNode {
		return &Wait{For: q.duration(n, "wait")}
	}
	w := &Wait{}
	m := q.mapping(n, placeWait)
	if m == nil {
		return w
	}
	if t := m.get("timeout"); t != nil {
		w.Timeout = q.duration(t, "timeout")
	}
	if on := m.get("on"); on != nil {
		w.Days = q.days(on)
	}
	until := m.get("until")
	switch {
	case until == nil && m.get("on") == nil:
		if len(m.values) == len(n.Content)/2 {
			q.add(n, codeMissingKey, `wait needs the key "until", or "on".`, "For a duration write: wait: 3d.")
		}
	case until != nil:
		q.until(w, until, m)
	}
	return w
}

// until reads a time of day, or an expression for a moment.
func (q *sequenceReader) until(w *Wait, n *yaml.Node, m *mapping) {
	if minutes, ok := parseClock(n.Value); ok && n.Kind == yaml.ScalarNode {
		if minutes == minutesPerDay {
			q.add(n, codeHours, "24:00 is the next day's 00:00.", "")
		}
		w.Clock = minutes
		return
	}
	if on := m.keys["on"]; on != nil {
		q.add(on, codeConflict, "on goes with a time of day.", `Write for example: {until: "09:00", on: mon}.`)
	}
	w.Until = q.timing(n, &q.sc)
	if w.Until != nil && m.get("timeout") == nil {
		q.untilEnds(n, w.Until)
	}
}

// untilEnds warns of a moment that may never come.
func (q *sequenceReader) untilEnds(n *yaml.Node, until *Condition) {
	switch {
	case until.moves:
		q.warn(n, codeTimeout, "now moves on while the run waits, so this moment may never come.", "Count from something that stays, such as enrollment.started_at, or write a duration: wait: 3d.")
	case until.unsure && len(until.Reads) == 0 && len(until.Events) == 0:
		q.warn(n, codeTimeout, "Nothing ends this wait if the moment is not known: no event changes it.", "Add `timeout: 30d`.")
	case until.unsure:
		q.warn(n, codeTimeout, "Nothing ends this wait while the moment cannot be computed.", "Add `timeout: 30d`.")
	}
}

func (q *sequenceReader) waitFor(n *yaml.Node) *WaitFor {
	w := &WaitFor{}
	entries, ok := q.entries(n, "wait_for")
	timeout := false
	for _, e := range entries {
		if e.key.Value == OutcomeTimeout {
			timeout, w.Timeout = true, q.duration(e.value, OutcomeTimeout)
			continue
		}
		name := q.word(e.key, "a branch")
		if m := q.match(e.value, placeBranch); m != nil && name != "" {
			w.Branches = append(w.Branches, Branch{Name: name, Match: m})
		}
	}
	switch {
	case !ok:
	case !timeout:
		q.add(n, codeTimeout, "wait_for needs a timeout: a run must not wait for ever.", "Add `timeout: 14d`.")
	case len(entries) == 1:
		q.add(n, codeMissingKey, "This wait_for waits for nothing but its timeout.", "Name a branch with a match, or use `wait`.")
	}
	return w
}

func (q *sequenceReader) choose(s *step, n *yaml.Node) {
	entries := q.list(n, "choose", false)
	for i, e := range entries {
		m := q.mapping(e, placeChoice)
		if m == nil {
			continue
		}
		if otherwise := m.get("else"); otherwise != nil {
			if i < len(entries)-1 || len(m.values) > 1 {
				q.add(m.keys["else"], codeConflict, "else stands alone, as the last alternative.", "")
			}
			s.otherwise, s.hasElse = q.block(otherwise, "else"), true
			continue
		}
		if !q.require(m, placeChoice, "if", "do") {
			continue
		}
		s.arms = append(s.arms, arm{q.condition(m.get("if"), &q.sc), q.block(m.get("do"), "do")})
	}
	if n.Kind == yaml.SequenceNode && (len(entries) == 0 || len(entries) == 1 && s.hasElse) {
		q.add(n, codeNoSteps, "choose has no alternative with a condition.", "Write a list of {if, do}, and {else: [..]} at its end.")
	}
}

// repeat reads how often and how long; what is repeated is the step's `do`.
func (q *sequenceReader) repeat(n *yaml.Node, step *mapping) *Repeat {
	r := &Repeat{}
	if step.get("do") == nil {
		q.add(step.node, codeMissingKey, `repeat needs the key "do" beside it: the steps that repeat.`, "")
	}
	m := q.mapping(n, placeRepeat)
	if m == nil {
		return r
	}
	if every := m.get("every"); every != nil {
		r.Every = q.duration(every, "every")
	}
	if times := m.get("times"); times != nil {
		r.Times = q.number(times, "times", 1, 1000)
	}
	if while := m.get("while"); while != nil {
		r.While = q.condition(while, &q.sc)
	}
	if first := m.get("first"); first != nil {
		r.Now = q.choice(first, placeRepeat, "first") == "now"
	}
	return r
}

// experiment reads the arms of an experiment, and what is measured.
func (q *sequenceReader) experiment(s *step, n *yaml.Node) {
	m := q.mapping(n, placeExperiment)
	if m == nil {
		return
	}
	x := s.instr.Experiment
	if arms := m.get("arms"); arms != nil {
		q.arms(s, arms)
	}
	if measure := m.get("measure"); measure != nil {
		if x.Measure = q.matchInside(s, measure, placeMeasure); x.Measure != nil && x.Measure.State() {
			q.add(measure, codeMissingKey, `measure needs an event: the key "on".`, "")
		}
		if within := valueOf(measure, "within"); within != nil {
			x.Within = q.duration(within, "within")
		}
	}
	if settle := m.get("settle"); settle != nil {
		q.settle(x, settle, m.get("measure") != nil)
	}
}

func (q *sequenceReader) arms(s *step, n *yaml.Node) {
	entries, ok := q.entries(n, "arms")
	weighed := 0
	for _, e := range entries {
		a := ExperimentArm{Name: q.word(e.key, "an arm"), Weight: 1}
		m := q.mapping(e.value, placeArm)
		if m == nil {
			continue
		}
		if w := m.get("weight"); w != nil {
			a.Weight = q.number(w, "weight", 1, 1000)
			weighed++
		}
		var steps []*step
		if do := m.get("do"); do != nil {
			steps = q.block(do, "do")
		}
		s.instr.Experiment.Arms = append(s.instr.Experiment.Arms, a)
		s.arms = append(s.arms, arm{steps: steps})
	}
	switch {
	case ok && len(entries) < 2:
		q.add(n, codeArms, "An experiment has at least two arms.", "")
	case weighed > 0 && weighed < len(entries):
		q.add(n, codeArms, "Some arms have a weight and some have none.", "Give every arm a weight, or none.")
	}
}

// matchInside reads a match that may name steps inside s, although s is not finished.
func (q *sequenceReader) matchInside(s *step, n *yaml.Node, p place) *Match {
	if id := valueOf(n, "step"); id != nil && q.steps[id.Value] == nil && s.node != nil {
		if own := valueOf(s.node, "id"); own != nil && own.Value == id.Value {
			q.steps[id.Value] = s
			defer delete(q.steps, id.Value)
		}
	}
	return q.match(n, p)
}

func (q *sequenceReader) settle(x *Experiment, n *yaml.Node, measured bool) {
	m := q.mapping(n, placeSettle)
	if m == nil || m.incomplete {
		return
	}
	x.Settle = &Settle{After: q.number(m.get("after"), "after", 1, 10_000_000)}
	to, ok := q.text(m.get("to"), "to")
	switch {
	case !ok:
	case !measured:
		q.add(n, codeArms, "An experiment without a measure cannot be settled.", "Add `measure: {on: message.clicked, within: 14d}`.")
	case to == "winner":
	case !slices.ContainsFunc(x.Arms, func(a ExperimentArm) bool { return a.Name == to }):
		names := make([]string, len(x.Arms))
		for i, a := range x.Arms {
			names[i] = a.Name
		}
		q.add(m.get("to"), codeArms, fmt.Sprintf("The experiment has no arm %q.", clip(to)), suggest(to, append(names, "winner")))
	default:
		x.Settle.To = to
	}
}

// other reads the name of a sequence that the candidate is to enter or to leave.
func (q *sequenceReader) other(n *yaml.Node) string {
	name := q.name(n)
	if q.voc == nil || name == "" {
		return name
	}
	switch {
	case name == q.p.Name:
		q.add(n, codeConflict, "A run cannot enroll in, or leave, its own sequence.", "To end the run use `exit`; to begin again, `reenroll`.")
	case !slices.Contains(q.voc.sequences, name):
		q.add(n, codeSequence, fmt.Sprintf("There is no sequence %q.", clip(name)), suggest(name, q.voc.sequences))
	}
	return name
}

// interviewNamed reads the name of an interview that the run holds.
func (q *sequenceReader) interviewNamed(n *yaml.Node) string {
	name := q.name(n)
	if q.voc == nil || name == "" {
		return name
	}
	if !slices.Contains(q.voc.interviews, name) {
		q.add(n, codeInterview, fmt.Sprintf("There is no interview %q.", clip(name)), suggest(name, q.voc.interviews))
	}
	if !q.p.PerApp {
		q.add(n, codeApplication, "An interview belongs to an application, and the runs of this sequence to none.", "Add `per: application`.")
	}
	return name
}

// survey reads a survey step: what is asked, and the message that brings the link.
func (q *sequenceReader) survey(in *Instr, n *yaml.Node) {
	in.Survey, in.Send = &Ask{Timeout: answerWithin()}, &Send{Channel: crm.Email, OnUnknown: "skip"}
	m := q.mapping(n, placeAsk)
	if m == nil {
		return
	}
	if use := m.get("use"); use != nil {
		in.Survey.Use = q.surveyNamed(use)
	}
	if by := m.get("by"); by != nil {
		in.Send.Channel = crm.Channel(q.choice(by, placeAsk, "by"))
	}
	q.sender(n, in.Send.Channel)
	if t := m.get("timeout"); t != nil {
		in.Survey.Timeout = q.duration(t, "timeout")
	}
	in.Send.Inline = q.invitation(in.Send.Channel)
}

// answerWithin is how long a survey step waits that does not say: most answers come within days.
func answerWithin() Duration { return Duration{Days: 14} }

// invitation is the message that brings a survey's link.
func (q *sequenceReader) invitation(ch crm.Channel) *Template {
	t := &Template{Channel: ch, Hash: "survey-invitation-1"}
	text := func(src string, plain bool) *Text {
		engine := q.engines.markdown
		if plain {
			engine = q.engines.plain
		}
		parsed, _, err := parseText(engine, src)
		if err != nil {
			q.failure(err)
		}
		return parsed
	}
	if ch == crm.SMS {
		t.Body = text("{{ survey.intro }} {{ links.survey }}", true)
		return t
	}
	t.Subject = text("{{ survey.intro }}", true)
	t.Body = text("Hi {{ candidate.first_name | default: \"there\" }},\n\n{{ survey.intro }}\n\n[Answer in a minute]({{ links.survey }})\n", false)
	t.markdown = q.engines.converter
	return t
}

// failure reports what can only be a mistake of ours.
func (q *sequenceReader) failure(err error) {
	q.add(q.src.root, codeLiquid, "A text of Rapport's own is not well formed: "+err.Error()+".", "")
}

// isAttribute tells whether a name is attributes.NAME.
func isAttribute(name string) bool {
	attribute, ok := strings.CutPrefix(name, "attributes.")
	return ok && attribute != "" && !strings.ContainsAny(attribute, ". ")
}
