package dsl

import (
	"encoding/json"
	"math"
	"strings"
	"time"

	"github.com/google/cel-go/common/types"

	"github.com/rapport-crm/rapport/crm"
)

// Values of fields. Of what may be unknown, an empty text and a zero time count as absent.

func knownText(v string) (any, bool)     { return v, v != "" }
func knownTime(v time.Time) (any, bool)  { return v, !v.IsZero() }
func knownList(v []string) (any, bool)   { return v, true }
func knownAs[T any](v T) (any, bool)     { return v, true }
func textList() *types.Type              { return types.NewListType(types.StringType) }
func applicationList() *types.Type       { return types.NewListType(types.NewObjectType(typeApplication)) }
func knownIf(v any, ok bool) (any, bool) { return v, ok }

func candidateFields() map[string]field {
	of := func(typ *types.Type, get func(c *crm.Candidate) (any, bool)) field {
		return field{typ, func(obj any) (any, bool) {
			env, ok := obj.(*candidateView)
			if !ok || env.Facts == nil {
				return nil, false
			}
			return get(&env.Facts.Candidate)
		}}
	}
	apps := func(open bool) field {
		return field{applicationList(), func(obj any) (any, bool) {
			env, ok := obj.(*candidateView)
			if !ok || env.Facts == nil {
				return nil, false
			}
			return applicationsOf(env.Facts.Applications, open), true
		}}
	}
	str, at := types.StringType, types.TimestampType
	return map[string]field{
		"id":                of(str, func(c *crm.Candidate) (any, bool) { return knownText(c.ID) }),
		"first_name":        of(str, func(c *crm.Candidate) (any, bool) { return knownText(c.FirstName) }),
		"last_name":         of(str, func(c *crm.Candidate) (any, bool) { return knownText(c.LastName) }),
		"email":             of(str, func(c *crm.Candidate) (any, bool) { return knownText(c.Email) }),
		"phone":             of(str, func(c *crm.Candidate) (any, bool) { return knownText(c.Phone) }),
		"country":           of(str, func(c *crm.Candidate) (any, bool) { return knownText(c.Country) }),
		"region":            of(str, func(c *crm.Candidate) (any, bool) { return knownText(c.Region) }),
		"city":              of(str, func(c *crm.Candidate) (any, bool) { return knownText(c.City) }),
		"time_zone":         of(str, func(c *crm.Candidate) (any, bool) { return knownText(c.TimeZone) }),
		"locale":            of(str, func(c *crm.Candidate) (any, bool) { return knownText(c.Locale) }),
		"status":            of(str, func(c *crm.Candidate) (any, bool) { return knownText(c.Status) }),
		"source":            of(str, func(c *crm.Candidate) (any, bool) { return knownText(c.Source) }),
		"owner":             of(str, func(c *crm.Candidate) (any, bool) { return knownText(c.Owner) }),
		"seniority":         of(str, func(c *crm.Candidate) (any, bool) { return knownText(c.Seniority) }),
		"functions":         of(textList(), func(c *crm.Candidate) (any, bool) { return knownList(c.Functions) }),
		"skills":            of(textList(), func(c *crm.Candidate) (any, bool) { return knownList(c.Skills) }),
		"tags":              of(textList(), func(c *crm.Candidate) (any, bool) { return knownList(c.Tags) }),
		"score":             {types.IntType, scoreNow},
		"legal_hold":        of(types.BoolType, func(c *crm.Candidate) (any, bool) { return knownAs(c.LegalHold) }),
		"created_at":        of(at, func(c *crm.Candidate) (any, bool) { return knownTime(c.CreatedAt) }),
		"last_activity_at":  of(at, func(c *crm.Candidate) (any, bool) { return knownTime(c.LastActivityAt) }),
		"last_contacted_at": of(at, func(c *crm.Candidate) (any, bool) { return knownTime(c.LastContactedAt) }),
		"last_decision_at":  of(at, func(c *crm.Candidate) (any, bool) { return knownTime(c.LastDecisionAt) }),
		"attributes":        of(types.NewMapType(str, types.DynType), func(c *crm.Candidate) (any, bool) { return freeMap(c.Attributes) }),
		"applications":      apps(false),
		"open_applications": apps(true),
	}
}

// scoreNow is the score as it is worth now, in whole points.
func scoreNow(obj any) (any, bool) {
	env, ok := obj.(*candidateView)
	if !ok || env.Facts == nil {
		return nil, false
	}
	return int64(math.Round(env.Workspace.Score(&env.Facts.Candidate, env.Now))), true
}

func freeMap(m map[string]any) (any, bool) {
	if m == nil {
		m = map[string]any{}
	}
	return m, true
}

func applicationsOf(all []crm.Application, open bool) []*crm.Application {
	list := make([]*crm.Application, 0, len(all))
	for i := range all {
		if !open || all[i].Status == crm.ApplicationOpen {
			list = append(list, &all[i])
		}
	}
	return list
}

func applicationFields() map[string]field {
	of := func(typ *types.Type, get func(a *crm.Application) (any, bool)) field {
		return field{typ, func(obj any) (any, bool) {
			if a, ok := obj.(*crm.Application); ok && a != nil {
				return get(a)
			}
			return nil, false
		}}
	}
	str, at := types.StringType, types.TimestampType
	return map[string]field{
		"id":            of(str, func(a *crm.Application) (any, bool) { return knownText(applicationID(a)) }),
		"role":          of(str, func(a *crm.Application) (any, bool) { return knownText(a.Role) }),
		"role_function": of(str, func(a *crm.Application) (any, bool) { return knownText(a.RoleFunction) }),
		"stage":         of(str, func(a *crm.Application) (any, bool) { return knownText(a.Stage) }),
		"status":        of(str, func(a *crm.Application) (any, bool) { return knownText(a.Status) }),
		"reason":        of(str, func(a *crm.Application) (any, bool) { return knownText(a.Reason) }),
		"source":        of(str, func(a *crm.Application) (any, bool) { return knownText(a.Source) }),
		"applied_at":    of(at, func(a *crm.Application) (any, bool) { return knownTime(a.AppliedAt) }),
		"closed_at":     of(at, func(a *crm.Application) (any, bool) { return knownTime(a.ClosedAt) }),
	}
}

// applicationID is the id by which events name an application: the system of record's, else ours.
func applicationID(a *crm.Application) string {
	if a.ExternalID != "" {
		return a.ExternalID
	}
	return a.ID
}

func eventFields() map[string]field {
	of := func(typ *types.Type, get func(e *crm.Event) (any, bool)) field {
		return field{typ, func(obj any) (any, bool) {
			if e, ok := obj.(*crm.Event); ok && e != nil {
				return get(e)
			}
			return nil, false
		}}
	}
	return map[string]field{
		"id":     of(types.StringType, func(e *crm.Event) (any, bool) { return knownText(e.ID) }),
		"type":   of(types.StringType, func(e *crm.Event) (any, bool) { return knownText(e.Type) }),
		"source": of(types.StringType, func(e *crm.Event) (any, bool) { return knownText(e.Source) }),
		"time":   of(types.TimestampType, func(e *crm.Event) (any, bool) { return knownTime(e.Time) }),
		"data":   of(types.DynType, func(e *crm.Event) (any, bool) { return (*dataView)(e), true }), // typed by dataType
	}
}

// dataType is the type of event.data for some event types: an object with the fields of all of them, or a free map when
// there is a custom one.
func dataType(of string) *types.Type {
	for t := range strings.SplitSeq(of, ",") {
		if strings.HasPrefix(t, "custom.") {
			return types.NewMapType(types.StringType, types.DynType)
		}
	}
	return types.NewObjectType(typeData + ":" + of)
}

func dataFields(eventTypes []string) map[string]field {
	fields := map[string]field{}
	for _, t := range eventTypes {
		kinds, _ := crm.EventFields(t)
		for name, kind := range kinds {
			fields[name] = field{kindType(kind), func(obj any) (any, bool) {
				if e, ok := obj.(*dataView); ok && e != nil {
					return dataValue(e.Data[name], kind)
				}
				return nil, false
			}}
		}
	}
	return fields
}

func kindType(kind crm.FieldKind) *types.Type {
	switch kind {
	case crm.KindText:
		return types.StringType
	case crm.KindInt:
		return types.IntType
	case crm.KindBool:
		return types.BoolType
	case crm.KindTime:
		return types.TimestampType
	case crm.KindList:
		return textList()
	case crm.KindMap:
		return types.NewMapType(types.StringType, types.DynType)
	case crm.KindAny:
	}
	return types.DynType
}

// dataValue converts a value of JSON to the declared kind. A value of another kind counts as absent.
func dataValue(v any, kind crm.FieldKind) (any, bool) {
	switch kind {
	case crm.KindText:
		s, _ := v.(string)
		return knownText(s)
	case crm.KindInt:
		return wholeNumber(v)
	case crm.KindBool:
		b, ok := v.(bool)
		return knownIf(b, ok)
	case crm.KindTime:
		return parseTime(v)
	case crm.KindList:
		return textsOf(v)
	case crm.KindMap:
		m, ok := v.(map[string]any)
		return knownIf(m, ok)
	case crm.KindAny:
	}
	return v, v != nil
}

func wholeNumber(v any) (any, bool) {
	switch n := v.(type) {
	case float64:
		return int64(n), n == float64(int64(n))
	case int:
		return int64(n), true
	case int64:
		return n, true
	case json.Number:
		i, err := n.Int64()
		return i, err == nil
	}
	return nil, false
}

func parseTime(v any) (any, bool) {
	if t, ok := v.(time.Time); ok {
		return knownTime(t)
	}
	s, _ := v.(string)
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return nil, false
}

func textsOf(v any) (any, bool) {
	switch list := v.(type) {
	case []string:
		return list, true
	case []any:
		texts := make([]string, 0, len(list))
		for _, entry := range list {
			if s, ok := entry.(string); ok {
				texts = append(texts, s)
			}
		}
		return texts, true
	}
	return nil, false
}

func enrollmentFields() map[string]field {
	of := func(typ *types.Type, get func(f *crm.Facts) (any, bool)) field {
		return field{typ, func(obj any) (any, bool) {
			if env, ok := obj.(*enrollmentView); ok && env.Facts != nil {
				return get(env.Facts)
			}
			return nil, false
		}}
	}
	return map[string]field{
		"id":         of(types.StringType, func(f *crm.Facts) (any, bool) { return knownText(f.Enrollment.ID) }),
		"sequence":   of(types.StringType, func(f *crm.Facts) (any, bool) { return knownText(f.Enrollment.Definition) }),
		"version":    of(types.IntType, func(f *crm.Facts) (any, bool) { return knownAs(f.Enrollment.Version) }),
		"started_at": of(types.TimestampType, func(f *crm.Facts) (any, bool) { return knownTime(f.Enrollment.StartedAt) }),
		"sends":      of(types.IntType, func(f *crm.Facts) (any, bool) { return knownAs(sends(f.Messages)) }),
		"event":      of(types.DynType, func(f *crm.Facts) (any, bool) { return f.Enrollment.Event, f.Enrollment.Event != nil }),
	}
}

// sends counts the messages that were sent or may yet be.
func sends(messages []crm.Message) int {
	n := 0
	for i := range messages {
		if o := messages[i].Outcome(); o == crm.OutcomeSent || o == "" {
			n++
		}
	}
	return n
}

func stepsField(id string) field {
	return field{types.NewObjectType(typeStep), func(obj any) (any, bool) {
		env, ok := obj.(*stepsView)
		if !ok || env.Facts == nil {
			return nil, false
		}
		_, taken := env.Facts.Enrollment.Progress.Steps[id]
		return &stepView{(*Env)(env), id}, taken
	}}
}

func stepFields() map[string]field {
	of := func(typ *types.Type, get func(s crm.StepState, m *crm.Message) (any, bool)) field {
		return field{typ, func(obj any) (any, bool) {
			v, ok := obj.(*stepView)
			if !ok {
				return nil, false
			}
			state := v.env.Facts.Enrollment.Progress.Steps[v.id]
			return get(state, messageOf(v.env.Facts.Messages, state.MessageID))
		}}
	}
	return map[string]field{
		"outcome": of(types.StringType, func(s crm.StepState, m *crm.Message) (any, bool) {
			if m != nil {
				return knownText(m.Outcome())
			}
			return knownText(s.Outcome)
		}),
		"at":      of(types.TimestampType, func(s crm.StepState, _ *crm.Message) (any, bool) { return knownTime(s.At) }),
		"opened":  of(types.BoolType, func(_ crm.StepState, m *crm.Message) (any, bool) { return m != nil && !m.OpenedAt.IsZero(), true }),
		"clicked": of(types.BoolType, func(_ crm.StepState, m *crm.Message) (any, bool) { return m != nil && !m.ClickedAt.IsZero(), true }),
		"replied": of(types.BoolType, func(_ crm.StepState, m *crm.Message) (any, bool) { return m != nil && !m.RepliedAt.IsZero(), true }),
		"result":  of(types.DynType, func(s crm.StepState, _ *crm.Message) (any, bool) { return s.Result, s.Result != nil }),
	}
}

func messageOf(messages []crm.Message, id string) *crm.Message {
	for i := range messages {
		if id != "" && messages[i].ID == id {
			return &messages[i]
		}
	}
	return nil
}
