package crm

// Call is one HTTP request of a call step, rendered.
type Call struct {
	Method  string            `json:"method"`
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers,omitempty"`
	Body    string            `json:"body,omitempty"`   // JSON text, or ""
	Secret  string            `json:"secret,omitempty"` // the name of a secret: sent as a bearer token
	Key     string            `json:"key"`              // Idempotency-Key: the same for every attempt
}

// CallResult is what came of a call.
type CallResult struct {
	Seq     int64  `json:"seq"`              // of the decision that asked for it
	Outcome string `json:"outcome"`          // ok or failed
	Reason  string `json:"reason,omitempty"` // of a failure: a code such as status_404, host_not_allowed, private_address, timeout, too_large, no_secret
	Result  any    `json:"result,omitempty"` // the JSON of the answer
}
