package sandbox

import (
	"bytes"
	"encoding/json"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// mailError is one entry of SendGrid's error answer. Field and Help are null when the error concerns the whole request.
type mailError struct {
	Message string  `json:"message"`
	Field   *string `json:"field"`
	Help    *string `json:"help"`
}

// fieldError makes the error of one field, with the link into SendGrid's documentation that it answers with.
func fieldError(field, message string) mailError {
	var words []string
	for word := range strings.SplitSeq(field, ".") {
		if _, err := strconv.Atoi(word); err != nil {
			words = append(words, word)
		}
	}
	help := "http://sendgrid.com/docs/API_Reference/Web_API_v3/Mail/errors.html#message." + strings.Join(words, ".")
	return mailError{Message: message, Field: &field, Help: &help}
}

func requestError(message string) mailError { return mailError{Message: message} }

// decodeMail reads a request. Everything that does not fit the documented shape is reported at once.
func decodeMail(body []byte) (*mailRequest, []mailError) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var document any
	if err := decoder.Decode(&document); err != nil {
		return nil, []mailError{requestError("Bad Request")}
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, []mailError{requestError("Bad Request")}
	}
	if problems := checkShape(document, reflect.TypeFor[mailRequest](), ""); len(problems) > 0 {
		return nil, problems
	}
	var request mailRequest
	if err := json.Unmarshal(body, &request); err != nil {
		return nil, []mailError{requestError("Bad Request")}
	}
	return &request, nil
}

// checkShape compares decoded JSON with a Go type: names exactly, types strictly, nothing null.
func checkShape(value any, want reflect.Type, path string) []mailError {
	if want.Kind() == reflect.Pointer {
		want = want.Elem()
	}
	var problems []mailError
	switch want.Kind() { //nolint:exhaustive // the kinds that mailRequest is made of
	case reflect.Interface:
		return nil
	case reflect.Struct:
		object, ok := value.(map[string]any)
		if !ok {
			return wrongType(path, "object", value)
		}
		fields := jsonFields(want)
		for _, name := range sortedKeys(object) {
			field, known := fields[name]
			if !known {
				problems = append(problems, fieldError(join(path, name), "Additional property "+name+" is not allowed"))
				continue
			}
			problems = append(problems, checkShape(object[name], field, join(path, name))...)
		}
	case reflect.Map:
		object, ok := value.(map[string]any)
		if !ok {
			return wrongType(path, "object", value)
		}
		for _, name := range sortedKeys(object) {
			problems = append(problems, checkShape(object[name], want.Elem(), join(path, name))...)
		}
	case reflect.Slice:
		list, ok := value.([]any)
		if !ok {
			return wrongType(path, "array", value)
		}
		for i, item := range list {
			problems = append(problems, checkShape(item, want.Elem(), join(path, strconv.Itoa(i)))...)
		}
	default:
		return checkScalar(value, want, path)
	}
	return problems
}

func checkScalar(value any, want reflect.Type, path string) []mailError {
	expected, ok := "string", false
	switch want.Kind() { //nolint:exhaustive // as above
	case reflect.Bool:
		expected = "boolean"
		_, ok = value.(bool)
	case reflect.Int64:
		expected = "integer"
		if number, isNumber := value.(json.Number); isNumber {
			_, err := number.Int64()
			ok = err == nil
		}
	default:
		_, ok = value.(string)
	}
	if ok {
		return nil
	}
	return wrongType(path, expected, value)
}

func wrongType(path, expected string, value any) []mailError {
	given := "object"
	switch v := value.(type) {
	case nil:
		given = "null"
	case string:
		given = "string"
	case bool:
		given = "boolean"
	case []any:
		given = "array"
	case json.Number:
		given = "number"
		if _, err := v.Int64(); err == nil {
			given = "integer"
		}
	}
	return []mailError{fieldError(path, "Invalid type. Expected: "+expected+", given: "+given+".")}
}

// jsonFields returns a struct's fields by their JSON names.
func jsonFields(t reflect.Type) map[string]reflect.Type {
	fields := make(map[string]reflect.Type, t.NumField())
	for field := range t.Fields() {
		fields[field.Tag.Get("json")] = field.Type
	}
	return fields
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
