package dsl

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

// SchemaID names the JSON Schema of this version of the language. It is a name; nothing has to be there.
const SchemaID = "https://rapport.example/schema/definitions-v1.json"

// JSONSchema returns the JSON Schema (draft-07) of one definition document, made of the grammar. It is for editors: keys,
// values and what goes with what, each with a sentence. What it accepts can still be wrong in ways that only Check sees:
// names that do not exist, expressions, variables. The same version of Rapport always returns the same bytes.
func JSONSchema() []byte {
	w := &schemaWriter{written: map[place]jsonObject{}}
	root := jsonObject{
		{"$schema", "http://json-schema.org/draft-07/schema#"},
		{"$id", SchemaID},
		{"title", "Rapport definition"},
		{"description", "A definition: its first key names its kind, its value the definition's name."},
		{"type", "object"},
	}
	root = append(root, w.kinds()...)
	if w.events {
		w.written[placeEventType], w.order = eventType(), append(w.order, placeEventType)
	}
	var definitions jsonObject
	for _, p := range slices.SortedFunc(slices.Values(w.order), strings.Compare) {
		definitions = append(definitions, member{slug(p), w.written[p]})
	}
	root = append(root, member{"definitions", definitions})
	var b bytes.Buffer
	if err := json.Indent(&b, root.text(), "", "  "); err != nil {
		return nil // the text was made by the same package
	}
	return append(b.Bytes(), '\n')
}

// schemaWriter writes the places that a schema needs, each once.
type schemaWriter struct {
	written map[place]jsonObject
	order   []place
	events  bool // event types are described as well
}

// placeEventType is no mapping, but what many refer to.
const placeEventType place = "an event type"

// kindPlaces lists the kinds of documents and their places. Where a document has the keys of two kinds, the first one counts:
// an interview has a survey.
func kindPlaces() []struct{ kind, place string } {
	return []struct{ kind, place string }{
		{KindWorkspace, placeWorkspace},
		{KindSequence, placeSequence},
		{KindMessage, placeMessage},
		{KindPool, placePool},
		{KindInterview, placeInterview},
		{KindSurvey, placeSurvey},
		{KindRetention, placeRetention},
		{kindTest, placeTest},
	}
}

// kinds tells the kinds apart by their keys. The last else is for a document without any: it lists them.
func (w *schemaWriter) kinds() jsonObject {
	var names []any
	var keys jsonObject
	for _, x := range kindPlaces() {
		names = append(names, jsonObject{{"required", []string{x.kind}}})
		name := keysOf(x.place)[0]
		keys = append(keys, member{x.kind, described(w.shape(name.shape), name.doc, name.shape.hint())})
	}
	rest := jsonObject{{"properties", keys}, {"anyOf", names}, {"defaultSnippets", snippetList(placeDocument)}}
	for _, x := range slices.Backward(kindPlaces()) {
		rest = jsonObject{
			{"if", jsonObject{{"required", []string{x.kind}}}},
			{"then", w.mapping(x.place)},
			{"else", rest},
		}
	}
	return rest
}

// mapping refers to the schema of a place, which is written with the first reference.
func (w *schemaWriter) mapping(p place) jsonObject {
	if _, done := w.written[p]; !done {
		w.written[p], w.order = nil, append(w.order, p)
		w.written[p] = w.place(p)
	}
	return jsonObject{{"$ref", "#/definitions/" + slug(p)}}
}

// place describes the mapping of a place.
func (w *schemaWriter) place(p place) jsonObject {
	out := jsonObject{{"title", p}, {"type", "object"}}
	keys := keysOf(p)
	if keys == nil {
		return out
	}
	properties, required := make(jsonObject, 0, len(keys)), []string{}
	for _, x := range keys {
		properties = append(properties, member{x.name, described(w.shape(x.shape), x.doc, x.shape.hint())})
		if x.must {
			required = append(required, x.name)
		}
	}
	out = append(out, member{"properties", properties})
	if name, value, open := openKeys(p); open {
		names := []any{jsonObject{{"enum", keyNames(p)}}, jsonObject{{"pattern", name.pattern()}}}
		out = append(out, member{"propertyNames", jsonObject{{"anyOf", names}}}, member{"additionalProperties", w.shape(value)})
	} else {
		out = append(out, member{"additionalProperties", false})
	}
	if len(required) > 0 {
		out = append(out, member{"required", required})
	}
	if rules := w.rules(rulesOf(p)); len(rules) > 0 {
		out = append(out, member{"allOf", rules})
	}
	if snippets := snippetList(p); len(snippets) > 0 {
		out = append(out, member{"defaultSnippets", snippets})
	}
	return out
}

// rules writes which keys go together.
func (w *schemaWriter) rules(rules []rule) []any {
	all := make([]any, 0, len(rules))
	for _, r := range rules {
		if then := w.consequence(r); r.given == "" {
			all = append(all, then)
		} else {
			all = append(all, jsonObject{{"if", w.premise(r)}, {"then", then}})
		}
		for _, k := range r.one { // so that an editor marks the second key, and not the whole
			others := slices.DeleteFunc(slices.Clone(r.one), func(other string) bool { return other == k })
			bars := rule{given: k, bars: others}
			all = append(all, jsonObject{{"if", w.premise(bars)}, {"then", w.consequence(bars)}})
		}
	}
	return all
}

func (w *schemaWriter) premise(r rule) jsonObject {
	given := jsonObject{{"required", []string{r.given}}}
	switch {
	case r.has != nil:
		given = append(given, member{"properties", jsonObject{{r.given, w.shape(*r.has)}}})
	case r.hasKey != "":
		given = append(given, member{"properties", jsonObject{{r.given, jsonObject{{"type", "object"}, {"required", []string{r.hasKey}}}}}})
	}
	return given
}

func (w *schemaWriter) consequence(r rule) jsonObject {
	var then jsonObject
	var some []any
	for _, k := range slices.Concat(r.one, r.any) {
		some = append(some, jsonObject{{"required", []string{k}}})
	}
	if some != nil {
		then = append(then, member{"anyOf", some})
	}
	if len(r.needs) > 0 {
		then = append(then, member{"required", r.needs})
	}
	var properties jsonObject
	for _, k := range r.bars {
		properties = append(properties, member{k, false})
	}
	if r.holds != nil {
		properties = append(properties, member{r.holds.name, w.shape(r.holds.shape)})
	}
	if len(properties) > 0 {
		then = append(then, member{"properties", properties})
	}
	if r.least > 0 {
		then = append(then, member{"minProperties", r.least})
	}
	return then
}

// described adds the sentence that editors show.
func described(s jsonObject, doc, hint string) jsonObject {
	s = append(s, member{"description", strings.TrimSpace(strings.ReplaceAll(doc+" "+hint, "`", ""))})
	return append(s, member{"markdownDescription", strings.TrimSpace(doc + "\n\n" + hint)})
}

var notSlug = regexp.MustCompile(`[^a-z0-9_]+`)

// slug names a place inside the schema: "a branch of wait_for" is a-branch-of-wait_for.
func slug(p place) string { return notSlug.ReplaceAllString(p, "-") }

// jsonObject is a JSON object whose members keep their order.
type jsonObject []member

type member struct {
	name  string
	value any
}

// MarshalJSON implements json.Marshaler.
func (o jsonObject) MarshalJSON() ([]byte, error) { return o.text(), nil }

func (o jsonObject) text() []byte {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(jsonText(m.name))
		b.WriteByte(':')
		b.Write(jsonText(m.value))
	}
	b.WriteByte('}')
	return b.Bytes()
}

// jsonText writes a value without the escapes that only HTML needs.
func jsonText(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return []byte("null") // texts, numbers and lists of them always have a JSON form
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}
