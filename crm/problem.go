package crm

import (
	"errors"
	"fmt"
	"strconv"
)

// Severity of a problem. Only errors make a check fail.
type Severity string

// The severities.
const (
	SeverityError   Severity = "error"
	SeverityWarning Severity = "warning"
	SeverityHint    Severity = "hint"
)

// Problem is something wrong with a definition, with the place where it is.
type Problem struct {
	File     string   `json:"file"`
	Line     int      `json:"line"`   // from 1
	Column   int      `json:"column"` // from 1, in characters
	Code     string   `json:"code"`   // R and four digits, stable
	Severity Severity `json:"severity"`
	Message  string   `json:"message"` // one sentence
	Fix      string   `json:"fix,omitempty"`
}

// String formats the problem as compilers do: file:line:column: severity code: message (fix).
func (p Problem) String() string {
	s := fmt.Sprintf("%s:%d:%d: %s %s: %s", p.File, p.Line, p.Column, p.Severity, p.Code, p.Message)
	if p.Fix != "" {
		s += " " + p.Fix
	}
	return s
}

// ErrorCode classifies an error for those who have to act on it.
type ErrorCode string

// The codes.
const (
	CodeInvalid     ErrorCode = "invalid"     // the request cannot be right; do not repeat it
	CodeNotFound    ErrorCode = "not_found"   //
	CodeConflict    ErrorCode = "conflict"    // it contradicts the present state
	CodeUnavailable ErrorCode = "unavailable" // nothing was done; try again later
)

// Error is an error for a person: a code, one sentence, and what to do next. Err, the cause, is logged and never shown.
type Error struct {
	Code    ErrorCode
	Message string
	Next    string
	Err     error
}

func (e *Error) Error() string {
	s := e.Message
	if e.Next != "" {
		s += " " + e.Next
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// CodeOf returns the code of an error, or "" when it has none.
func CodeOf(err error) ErrorCode {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return ""
}

func itoa(n int) string { return strconv.Itoa(n) }
