package record

import (
	"maps"
	"slices"
	"strings"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
)

// data says what a definition reads, by category, in the order of crm.Categories.
func (m *maker) data(reads *dsl.Reads, purpose string) []Data {
	found := map[crm.Category]map[string]bool{}
	add := func(c crm.Category, field string) {
		if c == "" {
			return
		}
		if found[c] == nil {
			found[c] = map[string]bool{}
		}
		found[c][field] = true
	}
	for _, path := range reads.Fields {
		add(m.category(path))
	}
	for _, event := range reads.Events {
		add(categoryOfEvent(event), "event "+event)
	}
	for _, ch := range reads.Channels {
		field := "email"
		if ch == string(crm.SMS) {
			field = "phone"
		}
		add(crm.CategoryContact, field)
		add(crm.CategoryPreference, "consents and suppressions") // looked at before each send
		add(crm.CategoryPreference, "locale")
		add(crm.CategoryLocation, "time zone")
	}
	if t := m.ws.Tracks(purpose); slices.Contains(reads.Channels, string(crm.Email)) {
		if t.Clicks {
			add(crm.CategoryBehaviour, "clicks on links")
		}
		if t.Opens {
			add(crm.CategoryBehaviour, "opens")
		}
	}
	if t := m.ws.Tracks(purpose); t.Texts && slices.Contains(reads.Channels, string(crm.SMS)) {
		add(crm.CategoryBehaviour, "clicks on links")
	}
	if reads.Meets {
		add(crm.CategoryApplication, "times of interviews")
		add(crm.CategoryAssessment, "scorecards")
	}
	out := []Data{}
	for _, c := range append(crm.Categories(), Undeclared) {
		if fields := found[c]; fields != nil {
			out = append(out, Data{Category: c, Fields: slices.Sorted(maps.Keys(fields))})
		}
	}
	return out
}

// category says of what category a field is, and how a record names it; "" where it says nothing of a person, or an event does.
func (m *maker) category(path string) (category crm.Category, name string) {
	root, field, _ := strings.Cut(path, ".")
	if attribute, ok := strings.CutPrefix(path, "candidate.attributes."); ok {
		if f, declared := m.ws.Fields[attribute]; declared {
			return f.Category, path[len("candidate."):]
		}
		return Undeclared, path[len("candidate."):]
	}
	switch root {
	case "candidate":
		c, _ := crm.CategoryOf(field)
		return c, plain(field)
	case "application":
		return crm.CategoryApplication, "application " + plain(field)
	case "interview":
		return crm.CategoryApplication, "times of interviews"
	case "rounds":
		return crm.CategoryAssessment, "scorecards"
	case "consents":
		return crm.CategoryPreference, "consents"
	case "enrollments":
		return crm.CategoryTechnical, "other sequences they are in"
	case "steps":
		if slices.Contains([]string{"opened", "clicked", "replied"}, field) {
			return crm.CategoryBehaviour, field
		}
	}
	return "", ""
}

func plain(field string) string { return strings.ReplaceAll(field, "_", " ") }

// categoryOfEvent says of what category the data of an event are.
func categoryOfEvent(event string) crm.Category {
	switch family, _, _ := strings.Cut(event, "."); family {
	case "candidate":
		return crm.CategoryIdentity
	case "consent", "survey":
		return crm.CategoryPreference
	case "application", "offer", "interview", "referral":
		return crm.CategoryApplication
	case "role": // of no candidate
		return ""
	case "scorecard":
		return crm.CategoryAssessment
	case "pool":
		return crm.CategoryProfessional
	case "task":
		return crm.CategoryCommunication
	}
	return crm.CategoryBehaviour
}
