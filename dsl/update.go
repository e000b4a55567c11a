package dsl

import (
	"maps"
	"slices"
	"strings"

	"github.com/rapport-crm/rapport/crm"
)

// update changes the candidate, for this run's later conditions at once and for everybody with the commit.
func (r *run) update(in *Instr) (int, bool) {
	u := in.Update
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
	Apply(&r.f.Candidate, &crm.CandidateChange{Set: assignments(u.Set), Tag: u.Tag, Untag: u.Untag, Score: u.Score})
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

// Apply applies a change to a candidate, without touching the slices and maps it had.
func Apply(c *crm.Candidate, change *crm.CandidateChange) {
	for field, value := range change.Set {
		if name, ok := strings.CutPrefix(field, "attributes."); ok {
			attributes := make(map[string]any, len(c.Attributes)+1)
			maps.Copy(attributes, c.Attributes)
			attributes[name] = value
			c.Attributes = attributes
			continue
		}
		if text, ok := value.(string); ok {
			setText(c, field, text)
		}
	}
	tags := slices.Clone(c.Tags)
	for _, tag := range change.Tag {
		if !slices.Contains(tags, tag) {
			tags = append(tags, tag)
		}
	}
	c.Tags = slices.DeleteFunc(tags, func(tag string) bool { return slices.Contains(change.Untag, tag) })
	c.Score += change.Score
}

// setText sets one of the text fields that an update may set.
func setText(c *crm.Candidate, field, value string) {
	fields := map[string]*string{
		"country": &c.Country, "region": &c.Region, "city": &c.City, "time_zone": &c.TimeZone, "locale": &c.Locale,
		"status": &c.Status, "source": &c.Source, "owner": &c.Owner, "seniority": &c.Seniority,
	}
	if p, ok := fields[field]; ok {
		*p = value
	}
}
