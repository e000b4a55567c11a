package api

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"mime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rapport-crm/rapport/crm"
)

// Bounds of one event. Postgres would refuse a few things that JSON allows, and one of them must not hold up the others.
const (
	MaxEvents     = 1000      // of a request
	maxEventBytes = 256 << 10 // of one event's JSON
	maxDataDepth  = 32
	maxIDLength   = 512
	maxSkew       = 5 * time.Minute // how far an event may be in the future, as clocks differ
)

// defaultSource is the source of a simple event that names none.
const defaultSource = "api"

// parsedEvent is an item of a request: an event, or why it is none.
type parsedEvent struct {
	event  crm.Event
	reason *ItemProblem
}

// intake is what the parser knows besides the body.
type intake struct {
	now        time.Time
	key        string // Idempotency-Key
	recordOnly bool
}

// parse reads a body. It fails as a whole only when it cannot be told apart into items.
func (in *intake) parse(contentType string, body []byte) ([]parsedEvent, *Problem) {
	list, problem := checkForm(contentType, body)
	if problem != nil {
		return nil, problem
	}
	if wires, ok := readAtOnce(body, list); ok {
		parsed := make([]parsedEvent, len(wires))
		for i, wire := range wires {
			parsed[i] = in.check(wire, nil, i)
		}
		return parsed, nil
	}
	items, problem := splitBody(body, list)
	if problem != nil {
		return nil, problem
	}
	parsed := make([]parsedEvent, len(items))
	for i, item := range items {
		wire, err := readItem(item)
		if err != nil {
			parsed[i].reason = reasonOf(err)
			continue
		}
		parsed[i] = in.check(wire, item, i)
	}
	return parsed, nil
}

// wireEvent is an event as it is sent: CloudEvents 1.0 in JSON, or the simple form without specversion.
type wireEvent struct {
	SpecVersion string          `json:"specversion"`
	ID          string          `json:"id"`
	Source      string          `json:"source"`
	Type        string          `json:"type"`
	Subject     string          `json:"subject"`
	Candidate   string          `json:"candidate"` // simple form: the same as subject
	Time        string          `json:"time"`
	DataType    string          `json:"datacontenttype"`
	Data        any             `json:"data"`
	Binary      json.RawMessage `json:"data_base64"`
}

// readItem reads one item alone.
func readItem(item json.RawMessage) (*wireEvent, error) {
	if len(item) > maxEventBytes {
		return nil, reject("too_large", "An event has at most %d kB.", maxEventBytes>>10)
	}
	wire := &wireEvent{}
	err := json.Unmarshal(item, wire)
	switch kind, ok := errors.AsType[*json.UnmarshalTypeError](err); {
	case ok && kind.Field == "data": // a number out of range
		wire.Data = false // is refused when everything else is known
	case err != nil || item[0] == 'n':
		return nil, reject("invalid", "An event is a JSON object with text in type, id, source, subject and time.")
	}
	return wire, nil
}

// check makes an event of what was read. item is its JSON, which a CloudEvent does not need.
func (in *intake) check(wire *wireEvent, item json.RawMessage, index int) parsedEvent {
	parsed := parsedEvent{event: crm.Event{
		ExternalID: wire.ID, Source: wire.Source, Type: wire.Type, Subject: wire.Subject,
		ReceivedAt: in.now, Time: in.now, RecordOnly: in.recordOnly,
	}}
	if err := in.fill(&parsed.event, wire, item, index); err != nil {
		parsed.reason = reasonOf(err)
	}
	return parsed
}

func (in *intake) fill(e *crm.Event, wire *wireEvent, item json.RawMessage, index int) error {
	if err := in.complete(e, wire, item, index); err != nil {
		return err
	}
	if err := checkEnvelope(e); err != nil {
		return err
	}
	if err := in.readTime(e, wire.Time); err != nil {
		return err
	}
	var err error
	e.Data, err = checkData(wire.Type, wire.Data)
	return err
}

// complete holds a CloudEvent to its specification, and fills in what a simple event may leave out.
func (in *intake) complete(e *crm.Event, wire *wireEvent, item json.RawMessage, index int) error {
	if wire.SpecVersion != "" {
		switch {
		case wire.SpecVersion != "1.0":
			return reject("invalid", "CloudEvents %s is not known; specversion must be 1.0.", wire.SpecVersion)
		case wire.ID == "":
			return reject("invalid", "The id is missing: source and id make an event idempotent.")
		case wire.Source == "":
			return reject("invalid", "The source is missing: source and id make an event idempotent.")
		case len(wire.Binary) > 0:
			return reject("invalid", "The data must be JSON: put an object in data instead of data_base64.")
		case wire.DataType != "" && !jsonMedia(wire.DataType):
			return reject("invalid", "The data must be JSON, not %s.", wire.DataType)
		}
		return nil
	}
	if err := onlyKnown(item); err != nil {
		return err
	}
	if e.Subject == "" {
		e.Subject = wire.Candidate
	}
	if e.Source == "" {
		e.Source = defaultSource
	}
	if e.ExternalID == "" && in.key != "" {
		e.ExternalID = in.key + "/" + strconv.Itoa(index)
	}
	if e.ExternalID == "" {
		e.ExternalID = rand.Text()
	}
	return nil
}

func jsonMedia(contentType string) bool {
	media, _, err := mime.ParseMediaType(contentType)
	return err == nil && (media == mediaJSON || media == "text/json" || strings.HasSuffix(media, "+json"))
}

// onlyKnown refuses misspelt fields of a simple event. CloudEvents may have extension attributes, which are left out.
func onlyKnown(item json.RawMessage) error {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(item, &fields); err != nil {
		return reject("invalid", "An event is a JSON object.")
	}
	known := []string{"type", "candidate", "subject", "id", "source", "time", "data"}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if !slices.Contains(known, name) {
			return reject("invalid", "The field %s is not known.%s Details belong in data.", name, didYouMean(name, known))
		}
	}
	return nil
}

func checkEnvelope(e *crm.Event) error {
	for _, field := range [...]struct{ name, text string }{{"id", e.ExternalID}, {"source", e.Source}, {"subject", e.Subject}, {"type", e.Type}} {
		if len(field.text) > maxIDLength || strings.ContainsRune(field.text, 0) {
			return reject("invalid", "The %s is longer than %d bytes or holds a NUL character.", field.name, maxIDLength)
		}
	}
	if e.Source == crm.SourceRapport || strings.HasPrefix(e.Source, crm.SourceRapport+"/") {
		return reject("forbidden", "The source %s is Rapport's own. Name the system that the event comes from.", e.Source)
	}
	if e.Type == "" {
		return reject("invalid", "The type is missing.")
	}
	if _, ok := crm.EventFields(e.Type); !ok {
		return reject("unknown_type", "There is no event type %s.%s Use custom.<name> for one of your own.", e.Type, didYouMean(e.Type, crm.EventTypes()))
	}
	if e.Type == "candidate.merged" && !e.RecordOnly {
		return reject("forbidden", "Candidates are not merged by an event: POST /v1/candidates/{candidate}/merge merges them, and tells of it by one.")
	}
	if e.Subject == "" && !crm.Broadcast(e.Type) {
		return reject("invalid", "The subject is missing: the candidate's id or external id.")
	}
	return nil
}

func (in *intake) readTime(e *crm.Event, text string) error {
	if text == "" {
		return nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return reject("invalid", "The time is not like 2026-11-06T10:00:00Z (RFC 3339).")
	}
	if at.After(in.now.Add(maxSkew)) {
		return reject("invalid", "The time is in the future. It is when the event happened, and now it is %s.", in.now.UTC().Format(time.RFC3339))
	}
	e.Time = at.UTC()
	return nil
}

// checkData holds the declared fields of an event's data to their kinds. Fields that are not declared are kept.
func checkData(eventType string, value any) (map[string]any, error) {
	if value == nil {
		return nil, nil //nolint:nilnil // an event without data
	}
	data, ok := value.(map[string]any)
	if !ok {
		return nil, reject("invalid", "The data is not a JSON object with numbers in the usual range.")
	}
	if err := storable(data, 0); err != nil {
		return nil, err
	}
	fields, _ := crm.EventFields(eventType)
	wrong := "" // the first by name, so that the answer is always the same
	for name, value := range data {
		if value == nil { // says nothing, and conditions ask with has()
			delete(data, name)
			continue
		}
		if kind, ok := fields[name]; ok && !ofKind(kind, value) && (wrong == "" || name < wrong) {
			wrong = name
		}
	}
	if wrong != "" {
		return nil, reject("invalid", "data.%s must be %s.", wrong, describeKind(fields[wrong]))
	}
	if manager, given := data["hiring_manager"].(string); given && fields["hiring_manager"] != "" && !isEmail(strings.TrimSpace(manager)) {
		return nil, reject("invalid", "data.hiring_manager must be the email address of the person who decides about the role.")
	}
	return data, nil
}

// storable refuses what Postgres cannot hold in jsonb.
func storable(value any, depth int) error {
	if depth > maxDataDepth {
		return reject("invalid", "The data is nested deeper than %d levels.", maxDataDepth)
	}
	switch v := value.(type) {
	case string:
		if strings.ContainsRune(v, 0) {
			return reject("invalid", "The data holds a NUL character.")
		}
	case []any:
		for _, item := range v {
			if err := storable(item, depth+1); err != nil {
				return err
			}
		}
	case map[string]any:
		for name, item := range v {
			if strings.ContainsRune(name, 0) {
				return reject("invalid", "The data holds a NUL character.")
			}
			if err := storable(item, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

func ofKind(kind crm.FieldKind, value any) bool {
	switch v := value.(type) {
	case string:
		if kind == crm.KindTime {
			return isTime(v)
		}
		return kind == crm.KindText || kind == crm.KindAny
	case float64:
		return kind == crm.KindAny || kind == crm.KindInt && v == math.Trunc(v) && math.Abs(v) < 1<<53
	case bool:
		return kind == crm.KindBool || kind == crm.KindAny
	case []any:
		return kind == crm.KindAny || kind == crm.KindList && !slices.ContainsFunc(v, func(item any) bool { _, ok := item.(string); return !ok })
	case map[string]any:
		return kind == crm.KindMap || kind == crm.KindAny
	}
	return false
}

func isTime(text string) bool {
	if _, err := time.Parse(time.RFC3339, text); err == nil {
		return true
	}
	_, err := time.Parse(time.DateOnly, text)
	return err == nil
}

func describeKind(kind crm.FieldKind) string {
	switch kind {
	case crm.KindText:
		return "text"
	case crm.KindInt:
		return "a whole number"
	case crm.KindBool:
		return "true or false"
	case crm.KindTime:
		return "a time like 2026-11-06T10:00:00Z, or a date"
	case crm.KindList:
		return "a list of texts"
	case crm.KindMap:
		return "an object"
	case crm.KindAny:
		return "anything but null"
	}
	return string(kind)
}

func reject(code, format string, args ...any) error {
	return &ItemProblem{Code: code, Detail: fmt.Sprintf(format, args...)}
}

func reasonOf(err error) *ItemProblem {
	if reason, ok := errors.AsType[*ItemProblem](err); ok {
		return reason
	}
	return &ItemProblem{Code: string(CodeInternal), Detail: "The event could not be read."}
}
