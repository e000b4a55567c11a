package dsl

import (
	"slices"

	"github.com/rapport-crm/rapport/crm"
)

// update changes the candidate, for this run's later conditions at once and for everybody with the commit.
func (r *run) update(in *Instr) (int, bool) {
	u := in.Update
	err := r.f.Candidate.Apply(&crm.CandidateChange{Set: assignments(u.Set), Tag: u.Tag, Untag: u.Untag, Score: u.Score})
	if err != nil { // the definition was checked by a version of Rapport that knew other fields
		r.stuck(err.Error())
		return 0, false
	}
	if r.d.Change == nil {
		r.d.Change = &crm.CandidateChange{}
	}
	change := r.d.Change
	for _, a := range u.Set {
		if change.Set == nil {
			change.Set = map[string]any{}
		}
		change.Set[a.Field] = a.Value
	}
	change.Tag = append(slices.DeleteFunc(change.Tag, in.removes), u.Tag...)
	change.Untag = append(slices.DeleteFunc(change.Untag, in.adds), u.Untag...)
	change.Score += u.Score
	r.note(crm.Note{Kind: crm.NoteUpdated, Step: in.ID})
	return r.record(in, "", crm.StepState{}), true
}

func (in *Instr) removes(tag string) bool { return slices.Contains(in.Update.Untag, tag) }
func (in *Instr) adds(tag string) bool    { return slices.Contains(in.Update.Tag, tag) }

func assignments(set []Assign) map[string]any {
	m := make(map[string]any, len(set))
	for _, a := range set {
		m[a.Field] = a.Value
	}
	return m
}
