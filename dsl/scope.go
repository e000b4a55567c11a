package dsl

import (
	"maps"
	"slices"
	"strings"

	"github.com/rapport-crm/rapport/crm"
)

// vocabulary is what definitions may refer to. It is nil where documents are loaded that were checked before.
type vocabulary struct {
	workspace  *Workspace // nil when there is none
	sequences  []string
	interviews []string
	messages   map[string][]*Template
	pools      map[string]*Pool // nil values while they are read
	surveys    map[string]*Survey
}

// scope is what an expression at some place may refer to.
type scope struct {
	inRun       bool     // enrollment is there, and steps or rounds
	events      []string // types of the event; none: there is no event
	enroll      []string // types of the events that enroll
	application bool
	steps       map[string]*step // that have come; nil: names of steps are not checked
	interview   bool             // the run is an interview: it has rounds, not steps
	rounds      map[string]bool  // ids of those that have come
}

// matching returns the scope of a match on some event types.
func (s scope) matching(eventTypes []string) *scope {
	s.events = slices.Sorted(slices.Values(eventTypes))
	s.application = s.application || namesApplication(eventTypes)
	return &s
}

// namesApplication tells whether events of all these types name an application.
func namesApplication(eventTypes []string) bool {
	for _, t := range eventTypes {
		if fields, _ := crm.EventFields(t); fields["application"] == "" {
			return false
		}
	}
	return len(eventTypes) > 0
}

// words returns the vocabulary of a field of the environment, or nil when it takes any value. operand is the object's type,
// path how the expression names it.
func (s *scope) words(voc *vocabulary, operand, path, name string) []string {
	base, of, _ := strings.Cut(operand, ":")
	switch {
	case base == typeCandidate && name == "status" && voc.workspace != nil:
		return voc.workspace.Statuses
	case base == typeApplication && name == "status":
		return []string{crm.ApplicationOpen, crm.ApplicationRejected, crm.ApplicationWithdrawn, crm.ApplicationHired}
	case base == typeEvent && name == "type":
		return strings.Split(of, ",")
	case base == typeStep && name == "outcome":
		if st := s.steps[strings.TrimPrefix(path, "steps.")]; st != nil {
			return st.states()
		}
	case base == typeRound && name == "outcome":
		return []string{crm.RoundCompleted, crm.RoundSkipped, crm.RoundNoShow, crm.RoundCancelled, crm.RoundGaveUp}
	}
	return nil
}

// names lists what an expression may call something by, for suggestions.
func (s *scope) names(path string) []string {
	switch {
	case path == "":
		names := []string{
			"candidate", "now", "consented", "in_pool", "enrolled", "days", "days_since", "date", "has", "size", "matches",
			"startsWith", "endsWith", "contains", "timestamp", "duration",
		}
		if len(s.events) > 0 {
			names = append(names, "event")
		}
		switch {
		case s.interview:
			names = append(names, "enrollment", "rounds")
		case s.inRun:
			names = append(names, "enrollment", "steps")
		}
		return names
	case path == "candidate":
		return slices.Collect(maps.Keys(candidateFields()))
	case path == "application":
		return slices.Collect(maps.Keys(applicationFields()))
	case path == "event" || path == "enrollment.event":
		return slices.Collect(maps.Keys(eventFields()))
	case path == "event.data":
		return slices.Collect(maps.Keys(dataFields(s.events)))
	case path == "enrollment.event.data":
		return slices.Collect(maps.Keys(dataFields(s.enroll)))
	case path == "enrollment":
		return slices.Collect(maps.Keys(enrollmentFields()))
	case strings.HasPrefix(path, "steps."):
		return slices.Collect(maps.Keys(stepFields()))
	case strings.HasPrefix(path, "rounds."):
		return slices.Collect(maps.Keys(roundFields()))
	}
	return nil
}
