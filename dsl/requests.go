package dsl

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v4"
)

// headerPattern is the names of headers that are in use; the standard would allow more (RFC 9110, 5.6.2).
var headerPattern = regexp.MustCompile(`^[a-z0-9_]+(-[a-z0-9_]+)*$`)

// call reads an HTTP request. Which hosts may be reached is not the definition's business but the operator's.
func (q *sequenceReader) call(n *yaml.Node) *Call {
	c := &Call{Method: "POST"}
	m := q.mapping(n, placeCall)
	if m == nil {
		return c
	}
	if method := m.get("method"); method != nil {
		c.Method = q.choice(method, placeCall, "method")
	}
	if u := m.get("url"); u != nil {
		c.URL = q.textOf(u, q.engines.plain, q.stepTexts())
		q.callURL(u, c.URL)
	}
	if h := m.get("headers"); h != nil {
		c.Headers = q.headers(h)
	}
	if b := m.get("body"); b != nil {
		q.callBody(c, b)
		if c.Asks() {
			q.add(m.keys["body"], codeConflict, "A GET request has no body.", "Use method: POST, or put the values into the url.")
		}
	}
	if s := m.get("secret"); s != nil {
		c.Secret = q.name(s)
	}
	if s := m.get("save"); s != nil {
		if name, ok := q.text(s, "save"); ok && !isAttribute(name) {
			q.add(s, codeID, fmt.Sprintf("%q is not an attribute to save into.", clip(name)), "Write attributes.one_word.")
		} else if ok {
			c.Save = name
			q.attribute(strings.TrimPrefix(name, "attributes."), s.Line, s.Column)
		}
	}
	return c
}

// stepTexts is what texts of a step may show.
func (q *sequenceReader) stepTexts() *templateScope {
	return &templateScope{application: q.p.PerApp, data: q.sc.enroll}
}

// callURL checks that the host stands in the definition: a variable there could lead anywhere.
func (q *sequenceReader) callURL(n *yaml.Node, t *Text) {
	if t == nil {
		return
	}
	host, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(t.Source, "https://"), "http://"), "/")
	u, err := url.Parse(liquidPattern.ReplaceAllString(t.Source, "x"))
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		q.add(n, codeLink, "This is not an address of the web.", "Begin it with https://.")
	case strings.Contains(host, "{"):
		q.add(n, codeLink, "The host of a call stands in the definition, not in a variable.", "Put variables after the host.")
	case u.User != nil:
		q.add(n, codeLink, "An address with a password in it would be readable by everybody.", "Name a `secret`.")
	}
}

func (q *sequenceReader) headers(n *yaml.Node) []TextField {
	entries, _ := q.entries(n, "headers")
	fields := make([]TextField, 0, len(entries))
	for _, e := range entries {
		switch name := strings.ToLower(e.key.Value); {
		case !headerPattern.MatchString(name):
			q.add(e.key, codeValue, fmt.Sprintf("%q is not the name of a header.", clip(e.key.Value)), "")
		case name == "authorization":
			q.add(e.key, codeConflict, "A password in a definition would be readable by everybody.", "Name a `secret`: it is sent as a bearer token.")
		default:
			fields = append(fields, TextField{Name: e.key.Value, Text: q.textOf(e.value, q.engines.plain, q.stepTexts())})
		}
	}
	return fields
}

// callBody reads a text, or values that are sent as JSON.
func (q *sequenceReader) callBody(c *Call, n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		c.Body = q.textOf(n, q.engines.plain, q.stepTexts())
		return
	}
	c.Fields = q.textFields(n, "body")
}

// textFields reads named values: texts may have variables, other values stay what they are.
func (q *sequenceReader) textFields(n *yaml.Node, place string) []TextField {
	entries, _ := q.entries(n, place)
	fields := make([]TextField, 0, len(entries))
	for _, e := range entries {
		f := TextField{Name: e.key.Value}
		if scalarKind(e.value) == scalarText {
			f.Text = q.textOf(e.value, q.engines.plain, q.stepTexts())
		} else if v, ok := q.constant(e.value, place+"."+e.key.Value); ok {
			f.Value = v
		}
		fields = append(fields, f)
	}
	return fields
}

// emit reads an event that the step tells of.
func (q *sequenceReader) emit(n *yaml.Node) *Emit {
	e := &Emit{}
	m := q.mapping(n, placeEmit)
	if m == nil {
		return e
	}
	if event := m.get("event"); event != nil {
		e.Event, _ = q.eventType(event)
		if e.Event != "" && !strings.HasPrefix(e.Event, "custom.") {
			q.add(event, codeEventType, fmt.Sprintf("A step cannot tell of %s: that is for those to whom it happens.", e.Event), "Emit an event of your own: custom.NAME.")
		}
	}
	if data := m.get("data"); data != nil {
		e.Data = q.textFields(data, "data")
	}
	return e
}
