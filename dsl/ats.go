package dsl

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/rapport-crm/rapport/crm"
)

// eventATS is the type of what the applicant tracking system is sent.
const eventATS = "application.update"

// ats reads what the applicant tracking system is told.
func (q *sequenceReader) ats(n *yaml.Node) *ATS {
	out := &ATS{}
	m := q.mapping(n, placeATS)
	if m == nil {
		return out
	}
	if len(n.Content) == 0 {
		q.add(n, codeMissingKey, "This step tells the applicant tracking system nothing.", "Give it move_to, push or note.")
	}
	if to := m.get("move_to"); to != nil {
		out.MoveTo, _ = q.text(to, "move_to")
		q.needsApplication(m.keys["move_to"])
	}
	if push := m.get("push"); push != nil {
		out.Push = q.pushed(push)
	}
	if note := m.get("note"); note != nil {
		out.Note = q.textOf(note, q.engines.plain, q.stepTexts())
	}
	return out
}

// pushed reads the fields that are written back.
func (q *sequenceReader) pushed(n *yaml.Node) []string {
	entries := q.list(n, "push", false)
	if n.Kind == yaml.SequenceNode && len(entries) == 0 {
		q.add(n, codeNoSteps, "This list names no field.", "Take it out, or name fields of the candidate.")
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		name, ok := q.text(e, "a field")
		switch known := pushedFields(); {
		case !ok:
		case !slices.Contains(known, name) && !isAttribute(name):
			fix := suggest(name, append(known, "attributes.NAME"))
			if fix == "" {
				fix = "Name a field of the candidate, or attributes.NAME."
			}
			q.add(e, codeValue, fmt.Sprintf("%q is not a field that can be pushed.", clip(name)), fix)
		default:
			names = append(names, name)
			if attribute, own := strings.CutPrefix(name, "attributes."); own {
				q.attribute(attribute, e.Line, e.Column)
			}
		}
	}
	return names
}

// pushedFields are the fields of the candidate that can be written back. Attributes are named one by one, so that nothing
// leaves by accident; applications are the other system's own.
func pushedFields() []string {
	names := slices.Sorted(maps.Keys(candidateFields()))
	return slices.DeleteFunc(names, func(name string) bool {
		return name == "attributes" || name == "applications" || name == "open_applications"
	})
}

// needsApplication reports a step that is about an application, where no run has one. A custom event may name one.
func (q *sequenceReader) needsApplication(n *yaml.Node) {
	if q.p.PerApp || len(q.p.Enroll) == 0 && !q.p.ByHand { // that nobody is enrolled was reported
		return
	}
	for _, t := range q.sc.enroll {
		if strings.HasPrefix(t, "custom.") || namesApplication([]string{t}) {
			return
		}
	}
	q.add(n, codeApplication, "No run of this sequence has an application to move.", "Add `per: application`, or enroll on an event that names an application.")
}

// atsUpdate is what the applicant tracking system is sent: all keys are always there.
type atsUpdate struct {
	Type      string     `json:"type"`
	Timestamp string     `json:"timestamp"` // of the decision, RFC 3339
	Data      atsChanges `json:"data"`
}

// atsChanges says what is to be changed. Candidate and application are named by the ids of the system of record; a candidate
// that it does not know yet by Rapport's.
type atsChanges struct {
	Candidate   string         `json:"candidate"`
	Application *string        `json:"application"`
	MoveTo      *string        `json:"move_to"`
	Fields      map[string]any `json:"fields"` // by name; null is not known
	Note        *string        `json:"note"`
	Sequence    string         `json:"sequence"`
	Step        string         `json:"step"`
}

// ats tells the applicant tracking system, and goes on when it has answered.
func (r *run) ats(in *Instr) (int, bool) {
	if done := r.answer(); done != nil {
		return r.told(in, done), true
	}
	app := r.about()
	if in.ATS.MoveTo != "" && app == nil {
		return r.told(in, &crm.CallResult{Outcome: crm.CallFailed, Reason: ReasonNoApplication}), true
	}
	c := &r.f.Candidate
	update := atsUpdate{Type: eventATS, Timestamp: r.now.UTC().Format(time.RFC3339), Data: atsChanges{
		Candidate: c.ExternalID, MoveTo: given(in.ATS.MoveTo), Fields: r.fields(in.ATS.Push), Sequence: r.p.Name, Step: in.ID,
	}}
	if c.ExternalID == "" {
		update.Data.Candidate = c.ID
	}
	if app != nil {
		update.Data.Application = given(applicationID(app))
	}
	if in.ATS.Note != nil {
		update.Data.Note = given(r.render(in, in.ATS.Note))
	}
	body, err := json.Marshal(update)
	if err != nil { // what came in as JSON goes out as JSON
		r.note(crm.Note{Kind: crm.NoteProblem, Step: in.ID, Reason: "template", Text: "the fields could not be written"})
	}
	return r.request(in, &crm.Call{Body: string(body), ATS: true}, "an HTTP request")
}

// told ends a step that has told the applicant tracking system, or could not.
func (r *run) told(in *Instr, done *crm.CallResult) int {
	r.note(crm.Note{Kind: crm.NoteATS, Step: in.ID, Outcome: done.Outcome, Reason: done.Reason})
	return r.record(in, done.Outcome, crm.StepState{Result: done.Result})
}

// about is the application that the run is about: its own, else the one that the enrolling event names; nil when there is
// none.
func (r *run) about() *crm.Application {
	if r.env.Application != nil || r.f.Enrollment.Event == nil {
		return r.env.Application
	}
	return namedApplication(r.f.Applications, r.f.Enrollment.Event)
}

// fields are the values of fields of the candidate as they are now. What is not known is nil.
func (r *run) fields(names []string) map[string]any {
	known, values := candidateFields(), make(map[string]any, len(names))
	for _, name := range names {
		if attribute, ok := strings.CutPrefix(name, "attributes."); ok {
			values[name] = r.f.Candidate.Attributes[attribute]
			continue
		}
		values[name] = nil
		f, ok := known[name]
		if !ok {
			continue
		}
		if v, is := f.get((*candidateView)(&r.env)); is {
			values[name] = v
		}
		if list, is := values[name].([]string); is && len(list) == 0 {
			values[name] = []string{} // a list without entries, whichever store it comes from
		}
	}
	return values
}

// given is nil for what is not said.
func given(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
