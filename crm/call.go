package crm

import (
	"fmt"
	"time"
)

// Call is what a step asks of the world outside: one HTTP request, rendered, or what calendars are asked for a meeting. What
// goes to the applicant tracking system has only a body and a key: the operator says where that is, and the request is
// signed.
type Call struct {
	Method  string            `json:"method"`
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers,omitempty"`
	Body    string            `json:"body,omitempty"`   // JSON text, or ""
	Secret  string            `json:"secret,omitempty"` // the name of a secret: sent as a bearer token
	Key     string            `json:"key"`              // Idempotency-Key: the same for every attempt
	ATS     bool              `json:"ats,omitempty"`    // of an ats step

	Action  MeetingAction `json:"action,omitempty"`  // of an interview; then there is no request
	Meeting string        `json:"meeting,omitempty"` // its id
	Round   string        `json:"round,omitempty"`   // its round
}

// CallResult is what came of a call.
type CallResult struct {
	Seq     int64  `json:"seq"`              // of the decision that asked for it
	Outcome string `json:"outcome"`          // ok or failed; of an action also its own outcomes
	Reason  string `json:"reason,omitempty"` // of a failure: a code such as status_404 or host_not_allowed
	Result  any    `json:"result,omitempty"` // the JSON of the answer
}

// Outcomes of a call.
const (
	CallOK     = "ok"
	CallFailed = "failed"
)

// CallError says that a call came to nothing and is worth another attempt. It has no cause, since that may quote a secret.
type CallError struct {
	Host       string        // that was asked last
	Reason     string        // a code, as in CallResult
	RetryAfter time.Duration // what the host asked for, at most an hour; 0 if it did not
}

func (e *CallError) Error() string {
	if e.RetryAfter > 0 {
		return fmt.Sprintf("call %s: %s, to be tried again in %s", e.Host, e.Reason, e.RetryAfter)
	}
	return fmt.Sprintf("call %s: %s", e.Host, e.Reason)
}

// Result is what came of the call if there is no other attempt.
func (e *CallError) Result() CallResult { return CallResult{Outcome: CallFailed, Reason: e.Reason} }
