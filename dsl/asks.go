package dsl

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/rapport-crm/rapport/crm"
)

// ask asks another sequence to enroll the candidate, or to let them go. It does not wait for either.
func (r *run) ask(in *Instr) int {
	e := crm.Event{Source: crm.SourceControl, Type: crm.ControlEnroll, Data: map[string]any{"definition": in.Sequence}}
	if in.Op == OpLeave {
		e.Type = crm.ControlLeave
	}
	if r.env.Application != nil {
		e.Data["application"] = r.env.Application.ExternalID
	}
	r.tell(in, e)
	r.note(crm.Note{Kind: crm.NoteAsked, Step: in.ID, Outcome: string(in.Op), Text: in.Sequence})
	return r.record(in, "", crm.StepState{})
}

// interview asks for an interview about the run's application, and waits until it is over. One that is under way already is the
// one that is waited for.
func (r *run) interview(in *Instr) (int, bool) {
	app := ""
	if r.env.Application != nil {
		app = r.env.Application.ExternalID
	}
	if !r.at.Begun {
		r.at.Begun = true
		data := map[string]any{"definition": in.Sequence, "application": app}
		r.tell(in, crm.Event{Source: crm.SourceControl, Type: crm.ControlEnroll, Data: data})
		r.note(crm.Note{Kind: crm.NoteAsked, Step: in.ID, Outcome: string(in.Op), Text: in.Sequence})
	}
	for i := range r.f.Events {
		e := &r.f.Events[i]
		if e.Type != crm.ControlEnded || e.Position <= r.at.ReachedPos || e.Text("definition") != in.Sequence || e.Text("application") != app {
			continue
		}
		outcome := e.Text("outcome")
		if outcome != crm.RoundCompleted && outcome != crm.RoundGaveUp { // by an exit, a person, a merge
			outcome = crm.RoundCancelled
		}
		n := eventNote(e)
		n.Kind, n.Step, n.Outcome = crm.NoteBranch, in.ID, outcome
		r.note(n)
		return r.record(in, outcome, crm.StepState{}), true
	}
	r.d.Awaits = append(r.d.Awaits, crm.ControlEnded)
	return r.sleep(time.Time{}, in.ID+": the interview "+in.Sequence, "**"+in.ID+"**: waiting for the interview `"+in.Sequence+"` to be over.")
}

// emit tells that something happened.
func (r *run) emit(in *Instr) int {
	data := make(map[string]any, len(in.Emit.Data)+1)
	for _, f := range in.Emit.Data {
		data[f.Name] = r.value(in, f)
	}
	r.tell(in, crm.Event{Source: crm.SourceRapport, Type: in.Emit.Event, Data: data})
	r.note(crm.Note{Kind: crm.NoteEmitted, Step: in.ID, EventType: in.Emit.Event})
	return r.record(in, "", crm.StepState{})
}

// tell adds an event to the decision. It says which run it is by, so that it never matches that run.
func (r *run) tell(in *Instr, e crm.Event) {
	run := &r.f.Enrollment
	key := in.ID + "/" + strconv.Itoa(len(r.d.Events)) + "/" + strconv.FormatInt(r.d.Seq, 10)
	e.ID = crm.DeriveID(crm.PrefixEvent, r.now, run.ID, key)
	e.ExternalID = run.ID + "/" + key
	e.CandidateID, e.Subject, e.Time, e.ReceivedAt = run.CandidateID, run.CandidateID, r.now, r.now
	e.Data["by"] = run.ID
	r.d.Events = append(r.d.Events, e)
}

// value is a constant, or a text with its variables filled in. What cannot be rendered is empty, and a problem on the
// timeline.
func (r *run) value(in *Instr, f TextField) any {
	if f.Text == nil {
		return f.Value
	}
	return r.render(in, f.Text)
}

func (r *run) render(in *Instr, t *Text) string {
	text, err := t.Render(r.vars(r.owner()))
	if err != nil {
		r.note(crm.Note{Kind: crm.NoteProblem, Step: in.ID, Reason: "template", Text: "a text could not be rendered"})
	}
	return text
}

// vars are the variables of a text that the run itself renders.
func (r *run) vars(owner string) map[string]any {
	c := r.f.Candidate
	c.Score = r.ws.Score(&c, r.now)
	vars := Vars(&c, r.env.Application, &r.f.Enrollment, r.ws.Person(owner), nil)
	if m := r.current(); m != nil {
		vars["interview"] = InterviewVars(m, appointment(m), PanelNames(m.Panel, ""), r.loc)
	}
	return vars
}

// callWithin is longer than all attempts at a call take together. A run that still stands there then has lost its workflow,
// and is woken as overdue.
const callWithin = time.Hour

// call asks for an HTTP request, and goes on when its answer is there.
func (r *run) call(in *Instr) (int, bool) {
	if done := r.answer(); done != nil {
		r.note(crm.Note{Kind: crm.NoteCall, Step: in.ID, Outcome: done.Outcome, Reason: done.Reason})
		r.keep(in, done)
		return r.record(in, done.Outcome, crm.StepState{Result: done.Result}), true
	}
	c := in.Call
	request := &crm.Call{Method: c.Method, URL: r.render(in, c.URL), Secret: c.Secret, Body: r.body(in)}
	for _, h := range c.Headers {
		if request.Headers == nil {
			request.Headers = map[string]string{}
		}
		request.Headers[h.Name] = r.render(in, h.Text)
	}
	return r.request(in, request, "an HTTP request")
}

// answer is what came of the request that the run has asked for, nil as long as that is not known.
func (r *run) answer() *crm.CallResult {
	if done := r.f.Call; done != nil && r.at.Calling != 0 && done.Seq == r.at.Calling {
		return done
	}
	return nil
}

// request asks for something outside. A run that was restarted before the answer came asks again, with the same key.
func (r *run) request(in *Instr, c *crm.Call, what string) (int, bool) {
	occurrence := r.at.Steps[in.ID].Occurrence + 1
	c.Key = crm.DeriveID("call", r.f.Enrollment.StartedAt, r.f.Enrollment.ID, in.ID, strconv.Itoa(occurrence))
	r.at.Begun, r.at.Calling = true, r.d.Seq
	r.sleep(r.now.Add(callWithin), in.ID+": "+what, "**"+in.ID+"**: "+what+".")
	r.d.Command, r.d.Call = crm.CommandCall, c
	return 0, false
}

// body is the text of a request: as it is written, or its values as JSON.
func (r *run) body(in *Instr) string {
	if in.Call.Body != nil {
		return r.render(in, in.Call.Body)
	}
	if len(in.Call.Fields) == 0 {
		return ""
	}
	values := make(map[string]any, len(in.Call.Fields))
	for _, f := range in.Call.Fields {
		values[f.Name] = r.value(in, f)
	}
	text, err := json.Marshal(values)
	if err != nil { // constants and texts always have a JSON form
		r.note(crm.Note{Kind: crm.NoteProblem, Step: in.ID, Reason: "template", Text: "the body could not be written"})
	}
	return string(text)
}

// keep writes the answer to the attribute that the step names.
func (r *run) keep(in *Instr, done *crm.CallResult) {
	if in.Call.Save == "" || done.Outcome != crm.CallOK {
		return
	}
	set := map[string]any{in.Call.Save: done.Result}
	if err := r.f.Candidate.Apply(&crm.CandidateChange{Set: set}); err != nil {
		r.note(crm.Note{Kind: crm.NoteProblem, Step: in.ID, Reason: "save", Text: err.Error()})
		return
	}
	if r.d.Change == nil {
		r.d.Change = &crm.CandidateChange{}
	}
	if r.d.Change.Set == nil {
		r.d.Change.Set = map[string]any{}
	}
	r.d.Change.Set[in.Call.Save] = done.Result
	r.fresh = true
}
