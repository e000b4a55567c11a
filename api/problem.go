package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/store"
)

// Code says what is wrong in one word that does not change.
type Code string

// The codes. Those that crm has mean the same here.
const (
	CodeInvalid      = Code(crm.CodeInvalid)
	CodeNotFound     = Code(crm.CodeNotFound)
	CodeConflict     = Code(crm.CodeConflict)
	CodeUnavailable  = Code(crm.CodeUnavailable)
	CodeUnauthorized = Code("unauthorized")           // no key, or one that is not in force
	CodeForbidden    = Code("forbidden")              // the key lacks the scope, or the name is Rapport's own
	CodeSignature    = Code("signature")              // a webhook that is not the provider's
	CodeTooLarge     = Code("too_large")              // the body, or a list in it
	CodeMediaType    = Code("unsupported_media_type") //
	CodeMethod       = Code("method_not_allowed")     //
	CodeInternal     = Code("internal")               // a mistake of ours; it is in the log under the request id
)

// Problem is every answer that is not a success (RFC 9457).
type Problem struct { //nolint:errname // RFC 9457 calls it that
	Type      string        `json:"type" doc:"Where the code is explained." example:"/docs#invalid"`
	Title     string        `json:"title" doc:"The status in words."`
	Status    int           `json:"status" doc:"The HTTP status."`
	Code      Code          `json:"code" doc:"What is wrong, in one word that does not change." example:"invalid"`
	Detail    string        `json:"detail" doc:"What is wrong, in one sentence."`
	Next      string        `json:"next,omitempty" doc:"What to do about it."`
	RequestID string        `json:"request_id,omitempty" doc:"Names this request in the log."`
	Errors    []Located     `json:"errors,omitempty" doc:"Everything that is wrong, with its place in the request."`
	Problems  []crm.Problem `json:"problems,omitempty" doc:"Of definitions: everything that is wrong, with its place in the files."`

	retryAfter time.Duration
	cause      error
}

// Located is one thing that is wrong with a request.
type Located struct {
	Location string `json:"location" doc:"Where it is, such as body.email or query.limit."`
	Message  string `json:"message" doc:"What is wrong with it."`
}

// Error is the sentence and what to do next.
func (p *Problem) Error() string { return strings.TrimSpace(p.Detail + " " + p.Next) }

// Unwrap returns the cause, which is logged and never shown.
func (p *Problem) Unwrap() error { return p.cause }

// GetStatus is the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType is that of RFC 9457.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// GetHeaders says when to come back.
func (p *Problem) GetHeaders() http.Header {
	header := http.Header{}
	if p.retryAfter > 0 {
		header.Set("Retry-After", strconv.Itoa(int(p.retryAfter/time.Second)))
	}
	if p.Status == http.StatusUnauthorized {
		header.Set("WWW-Authenticate", `Bearer realm="rapport"`)
	}
	return header
}

// complete fills in what follows from the code and the request.
func (p *Problem) complete(requestID string) *Problem {
	p.Type, p.Title, p.RequestID = "/docs#"+string(p.Code), http.StatusText(p.Status), requestID
	return p
}

func invalid(detail, next string, errs ...Located) *Problem {
	return &Problem{Status: http.StatusUnprocessableEntity, Code: CodeInvalid, Detail: detail, Next: next, Errors: errs}
}

func notFound(detail, next string) *Problem {
	return &Problem{Status: http.StatusNotFound, Code: CodeNotFound, Detail: detail, Next: next}
}

// retryPause is when to come back after a 503.
const retryPause = 2 * time.Second

func unavailable(cause error) *Problem {
	return &Problem{
		Status: http.StatusServiceUnavailable, Code: CodeUnavailable, Detail: "The database does not answer, so nothing was stored.",
		Next: "Send the same request again in a moment.", retryAfter: retryPause, cause: cause,
	}
}

// problemOf turns any error into a problem.
func problemOf(err error) *Problem {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p
	}
	if known, ok := errors.AsType[*crm.Error](err); ok {
		p := &Problem{Status: statusOf(known.Code), Code: Code(known.Code), Detail: known.Message, Next: known.Next, cause: err}
		if known.Code == crm.CodeUnavailable {
			p.retryAfter = retryPause
		}
		return p
	}
	if transient(err) {
		return unavailable(err)
	}
	return &Problem{
		Status: http.StatusInternalServerError, Code: CodeInternal, Detail: "Something went wrong inside Rapport.",
		Next: "Look for the request id in the log of the server.", cause: err,
	}
}

func statusOf(code crm.ErrorCode) int {
	switch code {
	case crm.CodeInvalid:
		return http.StatusUnprocessableEntity
	case crm.CodeNotFound:
		return http.StatusNotFound
	case crm.CodeConflict:
		return http.StatusConflict
	case crm.CodeUnavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// transient tells whether the same request may succeed later: the database is away, overloaded or was contended.
func transient(err error) bool {
	var network net.Error
	if errors.As(err, &network) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return true
	}
	state := store.SQLState(err)
	if len(state) != 5 {
		return strings.Contains(err.Error(), "closed pool") || strings.Contains(err.Error(), "conn closed")
	}
	switch state[:2] {
	case "08", "53", "57", "40", "58": // connection, resources, operator, rollback, system (PostgreSQL, appendix A)
		return true
	}
	return state == "25P03" || state == "55P03" // idle too long, lock not available
}

// explain turns what huma says into our problems, and completes ours.
func (s *server) explain(ctx huma.Context, _ string, v any) (any, error) {
	id := requestID(ctx.Context())
	switch p := v.(type) {
	case *Problem:
		s.logProblem(ctx.Context(), p)
		return p.complete(id), nil
	case *huma.ErrorModel:
		return fromHuma(p).complete(id), nil
	}
	return v, nil
}

func fromHuma(e *huma.ErrorModel) *Problem {
	p := &Problem{Status: e.Status, Code: CodeInvalid, Detail: sentence(e.Detail), Next: "Correct the request and send it again."}
	switch e.Status {
	case http.StatusRequestEntityTooLarge:
		p.Code, p.Next = CodeTooLarge, "Send it in smaller parts."
	case http.StatusUnsupportedMediaType:
		p.Code, p.Next = CodeMediaType, "Send application/json."
	case http.StatusInternalServerError:
		p.Code, p.Next = CodeInternal, "Look for the request id in the log of the server."
	}
	for _, detail := range e.Errors {
		if detail != nil {
			p.Errors = append(p.Errors, Located{Location: detail.Location, Message: detail.Message})
		}
	}
	if len(p.Errors) > 0 {
		p.Detail = "The request is not valid: " + p.Errors[0].Location + ": " + p.Errors[0].Message + "."
	}
	return p
}

func sentence(text string) string {
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + strings.TrimSuffix(text[1:], ".") + "."
}

// nameProblem puts our problem in the place of huma's in the OpenAPI document.
func (s *server) nameProblem() {
	registry := s.huma.OpenAPI().Components.Schemas
	schemas := registry.Map()
	if old, ok := schemas["ErrorModel"]; ok {
		*old = *huma.SchemaFromType(registry, reflect.TypeFor[Problem]())
		old.Description = "What is wrong, and what to do about it (RFC 9457)."
	}
	delete(schemas, "ErrorDetail")
}

// refuse answers a request that huma does not handle.
func (s *server) refuse(c *gin.Context, err error) {
	p := problemOf(err)
	s.logProblem(c.Request.Context(), p)
	for name, values := range p.GetHeaders() {
		c.Header(name, values[0])
	}
	c.Header("Content-Type", p.ContentType(""))
	c.AbortWithStatusJSON(p.Status, p.complete(requestID(c.Request.Context())))
}

func (s *server) logProblem(ctx context.Context, p *Problem) {
	if p.Status >= http.StatusInternalServerError && p.cause != nil {
		s.Log.ErrorContext(ctx, "request failed", "code", string(p.Code), "request_id", requestID(ctx), "error", p.cause)
	}
}

func indented(v any) ([]byte, error) {
	compact, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := json.Indent(&out, compact, "", "  "); err != nil {
		return nil, err
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}
