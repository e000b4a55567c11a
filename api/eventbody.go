package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"slices"
)

// Media types that events come in.
const (
	mediaJSON  = "application/json"
	mediaEvent = "application/cloudevents+json"
	mediaBatch = "application/cloudevents-batch+json"
)

// checkForm tells whether the body is a list, and holds it to its media type.
func checkForm(contentType string, body []byte) (list bool, problem *Problem) {
	media := mediaJSON
	if contentType != "" {
		var err error
		if media, _, err = mime.ParseMediaType(contentType); err != nil {
			media = contentType
		}
	}
	trimmed := bytes.TrimLeft(body, " \t\r\n")
	list = len(trimmed) > 0 && trimmed[0] == '['
	switch {
	case media != mediaJSON && media != mediaEvent && media != mediaBatch:
		return false, &Problem{
			Status: http.StatusUnsupportedMediaType, Code: CodeMediaType, Detail: "Events do not come as " + media + ".",
			Next: "Send " + mediaEvent + ", " + mediaBatch + " or " + mediaJSON + ".",
		}
	case media == mediaEvent && list:
		return false, invalid("A list of events was sent as a single one.", "Send it as "+mediaBatch+".")
	case media == mediaBatch && !list:
		return false, invalid("A batch of events is a JSON list.", "Send a single event as "+mediaEvent+".")
	}
	return list, nil
}

// readAtOnce reads a body of CloudEvents in one go, which is what most bodies are. It says no when anything is unusual: the
// body is then read item by item, to say what is wrong with which.
func readAtOnce(body []byte, list bool) ([]*wireEvent, bool) {
	if len(body) > maxEventBytes || !bytes.Contains(body, []byte(`"specversion"`)) {
		return nil, false
	}
	var wires []*wireEvent
	if list {
		if err := json.Unmarshal(body, &wires); err != nil {
			return nil, false
		}
	} else {
		wire, err := readItem(body)
		if err != nil {
			return nil, false
		}
		wires = []*wireEvent{wire}
	}
	unusual := func(wire *wireEvent) bool { return wire == nil || wire.SpecVersion == "" }
	return wires, len(wires) <= MaxEvents && !slices.ContainsFunc(wires, unusual)
}

// splitBody tells the items of a body apart.
func splitBody(body []byte, list bool) ([]json.RawMessage, *Problem) {
	if !list {
		if !json.Valid(body) {
			return nil, malformed(body)
		}
		return []json.RawMessage{body}, nil
	}
	var items []json.RawMessage
	if err := json.Unmarshal(body, &items); err != nil {
		return nil, malformed(body)
	}
	if len(items) > MaxEvents {
		return nil, &Problem{
			Status: http.StatusRequestEntityTooLarge, Code: CodeTooLarge, Detail: fmt.Sprintf("There are %d events; a request holds at most %d.", len(items), MaxEvents),
			Next: "Send them in several requests.",
		}
	}
	return items, nil
}

func malformed(body []byte) *Problem {
	var v any
	err := json.Unmarshal(body, &v)
	detail := "The body is not JSON."
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		detail = fmt.Sprintf("The body is not JSON: %s at byte %d.", syntax.Error(), syntax.Offset)
	}
	return &Problem{Status: http.StatusBadRequest, Code: CodeInvalid, Detail: detail, Next: "Correct it and send it again: nothing was stored."}
}
