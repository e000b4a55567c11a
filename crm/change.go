package crm

import (
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
)

// Apply carries out a change: fields first, then tags, then the score. It stops at the first field that does not exist or
// cannot hold its value. Slices and maps that the candidate shares with copies of it are left alone.
func (c *Candidate) Apply(change *CandidateChange) error {
	for _, field := range slices.Sorted(maps.Keys(change.Set)) {
		if err := c.set(field, change.Set[field]); err != nil {
			return err
		}
	}
	tags := slices.Clone(c.Tags)
	for _, tag := range change.Tag {
		if !slices.Contains(tags, tag) {
			tags = append(tags, tag)
		}
	}
	c.Tags = slices.DeleteFunc(tags, func(tag string) bool { return slices.Contains(change.Untag, tag) })
	if change.Score != nil {
		c.Score, c.ScoredAt = change.Score.Points, change.Score.At
	}
	return nil
}

// Merge takes over from given the fields that present names by their JSON names, empty ones too; a nil present names those
// that are not empty. Attributes are merged by key, and one whose value is nil is removed (RFC 7396). Ids and times are
// left alone, except that the last activity and the last decision may move forward.
func (c *Candidate) Merge(given *Candidate, present map[string]bool) {
	takes := func(field string, empty bool) bool {
		if present == nil {
			return !empty
		}
		return present[field]
	}
	from := given.texts()
	for field, place := range c.texts() {
		if takes(field, *from[field] == "") {
			*place = *from[field]
		}
	}
	lists := given.lists()
	for field, place := range c.lists() {
		if takes(field, len(*lists[field]) == 0) {
			*place = slices.Clone(*lists[field])
		}
	}
	if takes("score", given.Score == 0) {
		c.Score, c.ScoredAt = given.Score, given.ScoredAt
	}
	if takes("legal_hold", !given.LegalHold) {
		c.LegalHold = given.LegalHold
	}
	if takes("attributes", len(given.Attributes) == 0) {
		c.Attributes = maps.Clone(c.Attributes)
		for name, value := range given.Attributes {
			c.attribute(name, value)
		}
	}
	if given.LastActivityAt.After(c.LastActivityAt) {
		c.LastActivityAt = given.LastActivityAt
	}
	if given.LastDecisionAt.After(c.LastDecisionAt) {
		c.LastDecisionAt = given.LastDecisionAt
	}
}

// Changed lists the JSON names of the fields that differ from before, sorted: what candidate.updated says of itself. The
// candidate's times are not fields in this sense, they follow from events.
func (c *Candidate) Changed(before *Candidate) []string {
	var changed []string
	was := before.texts()
	for field, place := range c.texts() {
		if *place != *was[field] {
			changed = append(changed, field)
		}
	}
	lists := before.lists()
	for field, place := range c.lists() {
		if !slices.Equal(*place, *lists[field]) {
			changed = append(changed, field)
		}
	}
	if c.Score != before.Score || !c.ScoredAt.Equal(before.ScoredAt) { // the same points at a later time are worth more
		changed = append(changed, "score")
	}
	if c.LegalHold != before.LegalHold {
		changed = append(changed, "legal_hold")
	}
	if len(c.Attributes)+len(before.Attributes) > 0 && !reflect.DeepEqual(plain(c.Attributes), plain(before.Attributes)) {
		changed = append(changed, "attributes")
	}
	slices.Sort(changed)
	return changed
}

func (c *Candidate) set(field string, value any) error {
	if name, ok := strings.CutPrefix(field, "attributes."); ok {
		c.Attributes = maps.Clone(c.Attributes)
		c.attribute(name, value)
		return nil
	}
	if place, ok := c.texts()[field]; ok {
		text, ok := value.(string)
		if !ok {
			return fmt.Errorf("set candidate field %s: not a text", field)
		}
		*place = text
		return nil
	}
	if place, ok := c.lists()[field]; ok {
		texts, ok := textList(value)
		if !ok {
			return fmt.Errorf("set candidate field %s: not a list of texts", field)
		}
		*place = texts
		return nil
	}
	switch field {
	case "score":
		n, ok := number(value)
		if !ok {
			return fmt.Errorf("set candidate field %s: not a number", field)
		}
		c.Score = n
		return nil
	case "legal_hold":
		b, ok := value.(bool)
		if !ok {
			return fmt.Errorf("set candidate field %s: not true or false", field)
		}
		c.LegalHold = b
		return nil
	}
	return fmt.Errorf("set candidate field %s: no such field", field)
}

// attribute sets or, with nil, removes one attribute of a map that the caller owns.
func (c *Candidate) attribute(name string, value any) {
	if value == nil {
		delete(c.Attributes, name)
		return
	}
	if c.Attributes == nil {
		c.Attributes = map[string]any{}
	}
	c.Attributes[name] = plain(value)
}

// plain brings a value to the form in which JSON is read, so that one that is set again is found to be the same.
func plain(value any) any {
	switch v := value.(type) {
	case int:
		return float64(v)
	case int64:
		return float64(v)
	case []string:
		items := make([]any, len(v))
		for i := range v {
			items[i] = v[i]
		}
		return items
	case []any:
		items := make([]any, len(v))
		for i := range v {
			items[i] = plain(v[i])
		}
		return items
	case map[string]any:
		fields := make(map[string]any, len(v))
		for name := range v {
			fields[name] = plain(v[name])
		}
		return fields
	}
	return value
}

func (c *Candidate) texts() map[string]*string {
	return map[string]*string{
		"external_id": &c.ExternalID, "first_name": &c.FirstName, "last_name": &c.LastName, "email": &c.Email, "phone": &c.Phone,
		"country": &c.Country, "region": &c.Region, "city": &c.City, "time_zone": &c.TimeZone, "locale": &c.Locale,
		"status": &c.Status, "source": &c.Source, "owner": &c.Owner, "seniority": &c.Seniority,
	}
}

func (c *Candidate) lists() map[string]*[]string {
	return map[string]*[]string{"functions": &c.Functions, "skills": &c.Skills, "tags": &c.Tags}
}

func textList(value any) ([]string, bool) {
	switch items := value.(type) {
	case []string:
		return slices.Clone(items), true
	case []any:
		texts := make([]string, 0, len(items))
		for _, item := range items {
			text, ok := item.(string)
			if !ok {
				return nil, false
			}
			texts = append(texts, text)
		}
		return texts, true
	}
	return nil, false
}

// number reads a number in the forms in which YAML and JSON decoders give it.
func number(value any) (float64, bool) {
	switch n := value.(type) {
	case int:
		return float64(n), true
	case int64:
		return float64(n), true
	case float64:
		return n, !math.IsNaN(n) && !math.IsInf(n, 0)
	}
	return 0, false
}
