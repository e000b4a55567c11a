package dsl

import (
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"

	"github.com/rapport-crm/rapport/crm"
)

// The object types of the expression environment. A name that begins with @ cannot be written in an expression. Types of
// events carry the event types they stand for: "@event:message.clicked,message.replied".
const (
	typeCandidate   = "@candidate"
	typeApplication = "@application"
	typeEnrollment  = "@enrollment"
	typeEvent       = "@event"
	typeData        = "@data"
	typeSteps       = "@steps"
	typeStep        = "@step"
	typeRounds      = "@rounds"
	typeRound       = "@round"
	typeScorecard   = "@scorecard"
	typeEnv         = "@env"
)

// Views of an Env, so that a variable is a pointer and nothing is copied for an evaluation.
type (
	candidateView  Env
	enrollmentView Env
	stepsView      Env
	roundsView     Env
	stepView       struct {
		env *Env
		id  string
	}
	dataView crm.Event
)

// unknownError says that an expression read something that is not known. It names the field, never a value.
type unknownError string

func (e unknownError) Error() string { return string(e) + " is not known" }

// field is a field of an object type. get is false when the field has no value: then has() is false and reading it is an
// error.
type field struct {
	typ *types.Type
	get func(obj any) (any, bool)
}

// schema is the type provider of the environment: closed objects whose fields may be absent. The names of fields are in one
// place, its tables.
type schema struct {
	types.Provider
	candidate, application, event, enrollment, step, round, scorecard map[string]field
}

func newSchema() (*schema, error) {
	base, err := types.NewRegistry()
	if err != nil {
		return nil, err
	}
	return &schema{
		Provider:  base,
		candidate: candidateFields(), application: applicationFields(), event: eventFields(), enrollment: enrollmentFields(),
		step: stepFields(), round: roundFields(), scorecard: scorecardFields(),
	}, nil
}

// FindStructType tells whether a name is one of the object types.
func (s *schema) FindStructType(name string) (*types.Type, bool) {
	base, _, _ := strings.Cut(name, ":")
	switch base {
	case typeCandidate, typeApplication, typeEnrollment, typeEvent, typeData, typeSteps, typeStep, typeRounds, typeRound, typeScorecard:
		return types.NewTypeTypeWithParam(types.NewObjectType(name)), true
	}
	return nil, false
}

// FindStructFieldNames lists the fields of an object type.
func (s *schema) FindStructFieldNames(name string) ([]string, bool) {
	fields := s.fields(name)
	return slices.Sorted(maps.Keys(fields)), fields != nil
}

// FindStructFieldType returns a field of an object type.
func (s *schema) FindStructFieldType(structType, name string) (*types.FieldType, bool) {
	base, of, _ := strings.Cut(structType, ":")
	f, ok := s.fields(structType)[name]
	switch {
	case base == typeSteps: // which steps there are is checked on the expression's tree, for a better message
		f, ok = stepsField(name), true
	case base == typeRounds: // as of steps
		f, ok = roundsField(name), true
	case ok && base == typeEvent && name == "data":
		f.typ = dataType(of)
	case ok && base == typeEnrollment && name == "event":
		f.typ = types.NewObjectType(typeEvent + ":" + of)
	}
	if !ok {
		return nil, false
	}
	path := strings.TrimPrefix(base, "@") + "." + name
	if base == typeData {
		path = "event.data." + name
	}
	return &types.FieldType{
		Type:  f.typ,
		IsSet: func(obj any) bool { _, set := f.get(obj); return set },
		GetFrom: func(obj any) (any, error) {
			if v, set := f.get(obj); set {
				return v, nil
			}
			return nil, unknownError(path)
		},
	}, true
}

func (s *schema) fields(structType string) map[string]field {
	base, of, _ := strings.Cut(structType, ":")
	switch base {
	case typeCandidate:
		return s.candidate
	case typeApplication:
		return s.application
	case typeEvent:
		return s.event
	case typeEnrollment:
		return s.enrollment
	case typeStep:
		return s.step
	case typeRound:
		return s.round
	case typeScorecard:
		return s.scorecard
	case typeData:
		return dataFields(strings.Split(of, ","))
	}
	return nil
}

// adapter makes CEL values of Go values. Objects stay what they are, in a thin wrapper.
type adapter struct{}

// NativeToValue implements types.Adapter.
func (a adapter) NativeToValue(v any) ref.Val {
	switch o := v.(type) {
	case *candidateView:
		return &object{typeCandidate, o}
	case *crm.Application:
		return &object{typeApplication, o}
	case *enrollmentView:
		return &object{typeEnrollment, o}
	case *stepsView:
		return &object{typeSteps, o}
	case *stepView:
		return &object{typeStep, o}
	case *roundsView:
		return &object{typeRounds, o}
	case *crm.Round:
		return &object{typeRound, o}
	case *crm.Scorecard:
		return &object{typeScorecard, o}
	case *crm.Event:
		return &object{typeEvent, o}
	case *Env:
		return &object{typeEnv, o}
	case *dataView: // of a custom event, whose data is a map
		m, _ := freeMap(o.Data)
		return a.NativeToValue(m)
	case []*crm.Application:
		return types.NewDynamicList(a, o)
	case []*crm.Scorecard:
		return types.NewDynamicList(a, o)
	case map[string]any:
		return types.NewStringInterfaceMap(a, o)
	}
	return types.DefaultTypeAdapter.NativeToValue(v)
}

// object is a Go object as a CEL value. Its fields are read through the schema.
type object struct {
	name  string
	value any
}

var errNotConvertible = errors.New("an object has no other form")

// ConvertToNative implements ref.Val: objects have no other form.
func (o *object) ConvertToNative(reflect.Type) (any, error) { return nil, errNotConvertible }

// ConvertToType implements ref.Val: an object has a type and nothing else.
func (o *object) ConvertToType(t ref.Type) ref.Val {
	if t == types.TypeType {
		return types.NewObjectType(o.name)
	}
	return types.WrapErr(errNotConvertible)
}

// Equal implements ref.Val: an object is only equal to itself.
func (o *object) Equal(other ref.Val) ref.Val {
	p, ok := other.(*object)
	return types.Bool(ok && p.name == o.name && p.value == o.value)
}

// Type implements ref.Val.
func (o *object) Type() ref.Type { return types.NewObjectType(o.name) }

// Value implements ref.Val.
func (o *object) Value() any { return o.value }
