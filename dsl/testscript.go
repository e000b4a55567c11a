package dsl

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/rapport-crm/rapport/crm"
)

// script reads what happens.
func (t *testReader) script(n *yaml.Node) {
	for _, e := range t.list(n, "script", false) {
		m := t.mapping(e, placeScript)
		if m == nil {
			continue
		}
		h := Happening{Line: e.Line, Source: "test"}
		t.when(e, m, &h)
		kinds := 0
		for _, key := range happenings() {
			if m.get(key) != nil {
				kinds++
			}
		}
		if kinds != 1 && len(m.values) == len(e.Content)/2 {
			t.add(e, codeMissingKey, "An entry of the script is one of an event, a change and an enrollment, or of what is done about an interview.",
				"Give it one of `on`, `set` and `enroll: hand`; in the test of an interview also of `pick`, `ask`, `cancel`, `decline`, `no_show`, `scorecard` and `busy`.")
			continue
		}
		switch {
		case m.get("on") != nil:
			t.event(m, &h)
		case m.get("set") != nil:
			t.set(m.get("set"), &h)
		case m.get("enroll") != nil:
			t.choice(m.get("enroll"), placeScript, "enroll")
			h.Enroll = t.t.Of
		default:
			h.Deed = t.deed(m)
		}
		for _, key := range []string{"data", "step", "source"} {
			if m.get(key) != nil && m.get("on") == nil {
				t.add(m.keys[key], codeConflict, key+" belongs to an event.", "Take it out.")
			}
		}
		t.t.Script = append(t.t.Script, h)
	}
}

// when reads when an entry happens, and makes sure that the script does not go back in time.
func (t *testReader) when(e *yaml.Node, m *mapping, h *Happening) {
	if n := m.get("after"); n != nil {
		h.After = t.duration(n, "after")
	}
	n := m.get("at")
	if n == nil {
		if t.ws != nil {
			t.clock = h.After.Add(t.clock, t.loc, t.ws.Calendar)
		}
		return
	}
	if m.get("after") != nil {
		t.add(e, codeConflict, "An entry has `after` or `at`.", "Keep one of them.")
	}
	h.At = t.moment(n, "at")
	at := h.At.In(t.loc)
	if !h.At.IsZero() && at.Before(t.clock) && !t.moved {
		t.add(n, codeTestTime, "This is before the entry above it, or before the start.", "A script is in order.")
	}
	t.clock = latest(t.clock, at)
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// event reads an event of the script.
func (t *testReader) event(m *mapping, h *Happening) {
	h.Event, _ = t.eventType(m.get("on"))
	if n := m.get("source"); n != nil {
		h.Source, _ = t.text(n, "source")
		if h.Source == crm.SourceControl {
			t.add(n, codeValue, fmt.Sprintf("Nobody but Rapport itself is %q.", h.Source), "Name another source.")
		}
	}
	h.Data = map[string]any{}
	if n := m.get("data"); n != nil && h.Event != "" {
		h.Data = t.data(n, h.Event)
	}
	n := m.get("step")
	switch {
	case h.Event == "":
	case n != nil:
		if step, ok := t.text(n, "step"); ok {
			h.Step = step
			t.eventStep(n, h.Event)
		}
	case h.Event == eventTaskDone:
		t.taskElsewhere(m, h)
	case h.Event == eventAnswered:
		t.surveyElsewhere(m, h)
	}
}

// taskElsewhere checks a task that is not the tested run's: it says of which other sequence it is.
func (t *testReader) taskElsewhere(m *mapping, h *Happening) {
	of, _ := h.Data["sequence"].(string)
	if of == "" {
		t.add(m.get("on"), codeTestStep, h.Event+" is about a step.", "Name it: `step: ID`; another sequence's task: `data: {sequence: NAME, step: ID}`.")
		return
	}
	n := valueOf(m.get("data"), "sequence")
	if of == t.t.Of {
		t.add(n, codeTestStep, "This is a task of the tested sequence.", "Name its step: `step: ID`.")
		return
	}
	if t.voc != nil && !slices.Contains(t.voc.sequences, of) {
		t.add(n, codeSequence, fmt.Sprintf("There is no sequence %q.", clip(of)), suggest(of, t.voc.sequences))
		return
	}
	step, _ := h.Data["step"].(string)
	if p := t.programs[of]; p != nil && step != "" && !slices.Contains(p.ids(OpTask), step) {
		t.add(valueOf(m.get("data"), "step"), codeTestStep, fmt.Sprintf("%s has no task %q.", of, clip(step)), suggest(step, p.ids(OpTask)))
	}
}

// surveyElsewhere checks a survey that the tested run has not asked: it says which one it is.
func (t *testReader) surveyElsewhere(m *mapping, h *Happening) {
	survey, _ := h.Data["survey"].(string)
	if survey == "" {
		t.add(m.get("on"), codeTestStep, h.Event+" is about a step.", "Name it: `step: ID`; a survey that others ask: `data: {survey: NAME}`.")
		return
	}
	t.surveyNamed(valueOf(m.get("data"), "survey"))
	if t.p == nil {
		return
	}
	step, _ := h.Data["step"].(string)
	if _, asks := t.p.Texts(); slices.Contains(asks, survey) && (step == "" || slices.Contains(t.p.ids(OpSurvey), step)) {
		t.add(m.get("on"), codeTestStep, t.p.Name+" asks this survey itself.", "Name its step: `step: ID`; if others asked it, name theirs: `data: {step: ID}`.")
	}
}

// eventStep checks the step that an event is about.
func (t *testReader) eventStep(n *yaml.Node, event string) {
	switch {
	case strings.HasPrefix(event, "message."):
		t.step(n, "one that sends", OpSend, OpSurvey)
	case event == eventTaskDone:
		t.step(n, "a task", OpTask)
	case event == eventAnswered:
		t.step(n, "a survey", OpSurvey)
	default:
		t.add(n, codeTestStep, event+" is about no step.", "step goes with message.*, task.completed and survey.answered.")
	}
}

// data reads the data of an event and checks it against the fields that the type has.
func (t *testReader) data(n *yaml.Node, event string) map[string]any {
	entries, _ := t.entries(n, "data")
	fields, _ := crm.EventFields(event)
	data := make(map[string]any, len(entries))
	for _, e := range entries {
		name := e.key.Value
		kind, known := fields[name]
		switch {
		case fields == nil:
			data[name] = t.free(e.value)
		case !known:
			t.add(e.key, codeTestData, fmt.Sprintf("%s has no %q in its data.", event, clip(name)), suggest(name, slices.Collect(maps.Keys(fields))))
		default:
			data[name] = t.dataValue(e.value, name, kind)
		}
	}
	return data
}

// dataValue reads a value of a declared field. Texts may be written without quotes, and moments without an offset.
func (t *testReader) dataValue(n *yaml.Node, name string, kind crm.FieldKind) any {
	if kind == crm.KindText && n.Kind == yaml.ScalarNode {
		v, _ := t.text(n, name)
		return v
	}
	value := t.free(n)
	if text, ok := value.(string); ok && kind == crm.KindTime {
		if m, err := ParseMoment(text); err == nil && len(text) > len(time.DateOnly) {
			value = m.In(t.loc).Format(time.RFC3339)
		}
	}
	if _, fits := dataValue(value, kind); !fits && (kind != crm.KindList || n.Kind != yaml.SequenceNode) {
		t.add(n, codeTestData, fmt.Sprintf("%s is %s.", name, kindWords(kind)), "")
	}
	return value
}

func kindWords(kind crm.FieldKind) string {
	switch kind {
	case crm.KindText:
		return "a text"
	case crm.KindInt:
		return "a whole number"
	case crm.KindBool:
		return "true or false"
	case crm.KindTime:
		return "a date, or a date with a time"
	case crm.KindList:
		return "a list of texts"
	case crm.KindMap:
		return "a mapping"
	case crm.KindAny:
	}
	return "a value"
}

// set reads a change of the candidate's facts.
func (t *testReader) set(n *yaml.Node, h *Happening) {
	entries, _ := t.entries(n, "set")
	h.Set = make(map[string]any, len(entries))
	fields := keyNames(placeTestSet)
	for _, e := range entries {
		name := e.key.Value
		if strings.HasPrefix(name, "attributes.") {
			if v, ok := t.attribute(e.key, name, e.value); ok {
				h.Set[name] = v
			}
			continue
		}
		if !slices.Contains(fields, name) {
			fix := suggest(name, append(fields, "attributes.NAME"))
			if name == "consents" {
				fix = "Tell of it by an event: {on: consent.granted, data: {purpose: PURPOSE}}."
			}
			t.add(e.key, codeUnknownKey, fmt.Sprintf("A candidate has no field %q to set.", clip(name)), fix)
			continue
		}
		if v, ok := t.fact(name, e.value); ok {
			h.Set[name] = v
			t.moved = t.moved || slices.Contains([]string{"time_zone", "country", "region"}, name)
		}
	}
}
