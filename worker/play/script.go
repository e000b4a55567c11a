package play

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/store/memory"
)

// aim finds out when the next entry of the script happens.
func (p *player) aim() {
	if p.err != nil || p.script >= len(p.part.Script) {
		return
	}
	h := &p.part.Script[p.script]
	if h.At.IsZero() {
		p.due = h.After.Add(p.last, p.zone(), p.set.Workspace.Calendar)
		return
	}
	if p.due = h.At.In(p.zone()).Truncate(precision); p.due.Before(p.last) {
		p.err = p.cannot(h, "it is before the entry above it")
	}
}

func (p *player) cannot(h *dsl.Happening, why string) error {
	if p.part.Lenient {
		return nil
	}
	return &crm.Error{Code: crm.CodeInvalid, Message: fmt.Sprintf("The entry of the script on line %d cannot happen: %s.", h.Line, why)}
}

// happen lets an entry of the script happen.
func (p *player) happen(h *dsl.Happening) error {
	switch {
	case h.Enroll != "":
		p.add(Line{Kind: LineEvent, Name: "enrolled by hand", Definition: h.Enroll})
		return p.store.Receive(p.control(crm.ControlEnroll, map[string]any{"definition": h.Enroll, "by": "script", "application": p.application()}))
	case h.Set != nil:
		p.add(Line{Kind: LineEvent, Name: "set " + strings.Join(slices.Sorted(maps.Keys(h.Set)), ", ")})
		change := &crm.CandidateChange{Set: maps.Clone(h.Set)}
		if points, ok := change.Set["score"].(int); ok {
			delete(change.Set, "score")
			change.Score = &crm.Score{Points: float64(points), At: p.clock}
		}
		return p.store.Change(p.id, change, p.clock)
	case h.Deed != nil:
		return p.do(h)
	}
	return p.event(h)
}

// application is the open application that came last, by its external id: what a run per application is about that a person
// begins.
func (p *player) application() string {
	for _, app := range slices.Backward(p.part.Applications) {
		if app.Status == crm.ApplicationOpen {
			return app.ExternalID
		}
	}
	return ""
}

func (p *player) control(eventType string, data map[string]any) crm.Event {
	id := crm.DeriveID(crm.PrefixEvent, p.clock, eventType, fmt.Sprint(data), strconv.Itoa(p.script))
	return crm.Event{
		ID: id, Source: crm.SourceControl, ExternalID: id, Type: eventType, Subject: p.id, CandidateID: p.id, Time: p.clock,
		ReceivedAt: p.clock, Data: data,
	}
}

// event tells of an event.
func (p *player) event(h *dsl.Happening) error {
	e := crm.Event{
		Source: h.Source, ExternalID: h.ID, Type: h.Event, Subject: p.id, CandidateID: p.id, Time: p.clock, ReceivedAt: p.clock,
		Data: map[string]any{},
	}
	maps.Copy(e.Data, h.Data)
	if e.ExternalID == "" {
		e.ExternalID = "script/" + strconv.Itoa(p.script)
	}
	if crm.Broadcast(e.Type) {
		e.Source = crm.SourceFanout
	}
	p.set.Workspace.Ask(&e)
	line := p.add(Line{Kind: LineEvent, Name: h.Event, Step: h.Step})
	if p.part.Lenient && !p.possible(h) {
		p.lines[line].Reason = "not_here"
		return nil
	}
	switch {
	case p.elsewhere(h):
		return p.store.Receive(e)
	case h.Event == "task.completed":
		task := p.task(h)
		if task == nil {
			return p.cannot(h, h.Step+" has given nobody a task that is open")
		}
		return p.store.CompleteTask(task.ID, e.Text("outcome"), e.Text("note"), "script", p.clock)
	case strings.HasPrefix(h.Event, "message."), h.Event == "survey.answered":
		m := p.message(h)
		if m == nil && h.Step != "" {
			return p.cannot(h, h.Step+" has sent nothing yet")
		}
		if m != nil {
			return p.about(&e, m)
		}
	}
	return p.store.Receive(e)
}

// elsewhere tells whether an entry is about a task or a survey of a sequence that is not played: it happens as it is told.
func (p *player) elsewhere(h *dsl.Happening) bool {
	if h.Event != "task.completed" && h.Event != "survey.answered" {
		return false
	}
	sequence, _ := h.Data["sequence"].(string)
	return h.Step == "" || p.part.Lenient && sequence != "" && p.set.Programs[sequence] == nil
}

// about tells of an event of a message: also what a provider's report of it means for consent.
func (p *player) about(e *crm.Event, m *crm.Message) error {
	own := map[string]any{"message": m.ID, "step": m.Step, "sequence": m.Definition, "channel": string(m.Channel)}
	if e.Type == "survey.answered" {
		own = map[string]any{"message": m.ID, "step": m.Step}
	}
	maps.Copy(e.Data, own) // a recorded event names a message that is not here
	var why crm.SuppressionReason
	switch {
	case e.Type == "message.bounced" && e.Data["hard"] != false:
		e.Data["hard"], why = true, crm.SuppressedBounce
	case e.Type == "message.complained":
		why = crm.SuppressedComplaint
	case e.Type == "message.auto_replied" && m.Channel == crm.SMS && e.Text("text_kind") == "stop":
		why = crm.SuppressedStop
	}
	if err := p.store.Receive(*e); err != nil || why == "" {
		return err
	}
	return p.store.OptOut(p.id, memory.OptOut{Channel: m.Channel, Reason: why, Source: e.Source, At: p.clock})
}

// of is the sequence whose step an entry names, or "".
func (p *player) of(h *dsl.Happening) string {
	if sequence, ok := h.Data["sequence"].(string); ok && p.part.Lenient {
		return sequence
	}
	return p.part.Of
}

// message is the one that an entry is about: the last that was sent, by the step and the sequence if it names them.
func (p *player) message(h *dsl.Happening) *crm.Message {
	messages, of := p.store.Messages(p.id), p.of(h)
	for i := range slices.Backward(messages) {
		m := &messages[i]
		if h.Step != "" && (m.Step != h.Step || of != "" && m.Definition != of) || m.AcceptedAt.IsZero() {
			continue
		}
		return m
	}
	return nil
}

// task is the open one of the step that an entry names.
func (p *player) task(h *dsl.Happening) *crm.Task {
	tasks, of := p.store.Tasks(p.id), p.of(h)
	for i := range slices.Backward(tasks) {
		if t := &tasks[i]; t.State == crm.TaskOpen && t.Step == h.Step && (of == "" || t.Definition == of) {
			return t
		}
	}
	return nil
}

// possible tells whether an entry can happen as things are.
func (p *player) possible(h *dsl.Happening) bool {
	switch {
	case h.Deed != nil:
		return p.doable(h.Deed)
	case h.Step == "" || p.elsewhere(h):
		return true
	case h.Event == "task.completed":
		return p.task(h) != nil
	}
	return p.message(h) != nil
}

// date is when a campaign comes to the candidate next.
type date struct {
	sequence, pool string
	rule           *dsl.Rule
	n              int
	at             time.Time
}

// plan finds the dates of campaigns, and the days on which pools are looked at.
func (p *player) plan() {
	for _, name := range slices.Sorted(maps.Keys(p.set.Programs)) {
		for _, rule := range p.set.Programs[name].Enroll {
			if rule.At.IsZero() {
				continue
			}
			d := date{sequence: name, pool: rule.In, rule: rule, n: -1}
			if d = p.following(d); !d.at.IsZero() {
				p.dates = append(p.dates, d)
			}
		}
	}
	p.tomorrow = p.morning(p.clock)
}

// following is the next date of a campaign from now on; its time is zero when there is none.
func (p *player) following(d date) date {
	loc := dsl.ZoneOf(nil, p.set.Workspace)
	first := d.rule.At.In(loc)
	for {
		d.n++
		switch {
		case d.n == 0:
			d.at = first
		case d.rule.Every.IsZero():
			d.at = time.Time{}
			return d
		default:
			d.at = repeated(d.rule.Every, d.n).Add(first, loc, p.set.Workspace.Calendar)
		}
		if !d.at.Before(p.part.Start) {
			return d
		}
	}
}

// repeated is a duration n times.
func repeated(d dsl.Duration, n int) dsl.Duration {
	return dsl.Duration{Exact: d.Exact * time.Duration(n), Days: d.Days * n, Months: d.Months * n, BusinessDays: d.BusinessDays * n}
}

// dailyHour is when pools are looked at that depend on the day.
const dailyHour = 3

// morning is the first three o'clock in the workspace's zone after a time.
func (p *player) morning(after time.Time) time.Time {
	loc := dsl.ZoneOf(nil, p.set.Workspace)
	y, m, d := after.In(loc).Date()
	at := time.Date(y, m, d, dailyHour, 0, 0, 0, loc)
	if !at.After(after) {
		at = time.Date(y, m, d+1, dailyHour, 0, 0, 0, loc)
	}
	return at
}

// calendar lets happen what the calendar brings, and tells whether it was anything.
func (p *player) calendar() bool {
	for i := range p.dates {
		d := p.dates[i]
		if d.at.IsZero() || d.at.After(p.clock) {
			continue
		}
		if p.dates[i] = p.following(d); p.dates[i].at.IsZero() {
			p.dates = slices.Delete(p.dates, i, i+1)
		}
		p.err = p.store.Receive(p.control(crm.ControlMember, map[string]any{
			"definition": d.sequence, "pool": d.pool, "date": d.at.UTC().Format(time.RFC3339),
		}))
		return true
	}
	if p.daily && !p.tomorrow.After(p.clock) {
		p.tomorrow = p.morning(p.clock)
		p.err = p.store.Receive(p.control(crm.ControlPools, map[string]any{}))
		return true
	}
	return false
}

// members enrolls the candidate in the sequences for the pools that they are in from the start.
func (p *player) members() error {
	in := p.store.Pools(p.id)
	for _, name := range slices.Sorted(maps.Keys(p.set.Programs)) {
		for _, rule := range p.set.Programs[name].Enroll {
			if len(rule.On) > 0 || !rule.At.IsZero() || !slices.Contains(in, rule.In) {
				continue
			}
			if err := p.store.Receive(p.control(crm.ControlMember, map[string]any{"definition": name, "pool": rule.In})); err != nil {
				return err
			}
		}
	}
	p.settle()
	return p.err
}
