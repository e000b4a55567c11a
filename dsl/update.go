package dsl

import (
	"slices"

	"github.com/rapport-crm/rapport/crm"
)

// update changes the candidate, for this run's later conditions at once and for everybody with the commit.
func (r *run) update(in *Instr) (int, bool) {
	u := in.Update
	var score *crm.Score
	if u.Score != 0 {
		score = &crm.Score{Points: r.ws.Score(&r.f.Candidate, r.now) + u.Score, At: r.now}
	}
	err := r.f.Candidate.Apply(&crm.CandidateChange{Set: assignments(u.Set), Tag: u.Tag, Untag: u.Untag, Score: score})
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
	if score != nil {
		change.Score = score
	}
	r.pools(u)
	r.fresh = true
	r.note(crm.Note{Kind: crm.NoteUpdated, Step: in.ID})
	return r.record(in, "", crm.StepState{}), true
}

// pools puts the candidate into pools that are kept by hand, and takes them out.
func (r *run) pools(u *Update) {
	for _, name := range u.Enter {
		if !slices.Contains(r.f.Pools, name) {
			r.f.Pools = append(r.f.Pools, name)
			r.d.Change.Enter = append(without(r.d.Change.Enter, name), name)
			r.d.Change.Leave = without(r.d.Change.Leave, name)
		}
	}
	for _, name := range u.Leave {
		if slices.Contains(r.f.Pools, name) {
			r.f.Pools = without(r.f.Pools, name)
			r.d.Change.Leave = append(without(r.d.Change.Leave, name), name)
			r.d.Change.Enter = without(r.d.Change.Enter, name)
		}
	}
}

func without(list []string, word string) []string {
	return slices.DeleteFunc(list, func(w string) bool { return w == word })
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
