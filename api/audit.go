package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/store"
)

// auditNote is the name under which the OpenAPI document says what an operation leaves in the audit log.
const auditNote = "x-audit"

// audited registers an operation that shows candidates to whoever calls it. Before it answers, the audit log has an entry with whom the
// answer tells about, or there is no answer.
func audited[I, O any](s *server, op huma.Operation, action, kind string, handler func(context.Context, *I) (*O, error), about func(*O) []string) {
	leaves(&op, action, kind)
	huma.Register(s.huma, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := handler(ctx, in)
		if err != nil {
			return nil, err
		}
		if err := s.saw(ctx, action, kind, about(out)...); err != nil {
			return nil, err
		}
		return out, nil
	})
}

// leaves says in the document what an operation leaves in the audit log.
func leaves(op *huma.Operation, action, kind string) {
	if op.Extensions == nil {
		op.Extensions = map[string]any{}
	}
	op.Extensions[auditNote] = action + " " + kind
}

// changes is an operation that the audit log tells of, by the store in the transaction of the change, or by the operation itself.
func changes(op huma.Operation, action, kind string) huma.Operation {
	leaves(&op, action, kind)
	return op
}

// unauditedNote is the name under which the document says why an operation leaves nothing there.
const unauditedNote = "x-not-audited"

// unaudited is an operation that leaves nothing in the audit log, and why.
func unaudited(op huma.Operation, why string) huma.Operation {
	if op.Extensions == nil {
		op.Extensions = map[string]any{}
	}
	op.Extensions[unauditedNote] = why
	return op
}

// nobody is about whom an answer is that names no candidate of whom anything is kept.
func nobody[O any](*O) []string { return nil }

// saw has the audit log say that the caller was shown candidates.
func (s *server) saw(ctx context.Context, action, kind string, candidates ...string) error {
	record := crm.AuditRecord{Action: action, Kind: kind, Parts: crm.About(candidates...)}
	if action == crm.AuditList {
		record.Detail = strconv.Itoa(len(record.Parts)) + " candidates"
		if len(record.Parts) == 1 {
			record.Detail = "1 candidate"
		}
	}
	if err := s.Store.Audit(ctx, record); err != nil {
		return problemOf(&crm.Error{Code: crm.CodeUnavailable, Message: "What you asked for cannot be shown, as the audit log cannot be written.", Next: "Try again in a moment.", Err: err})
	}
	return nil
}

// pageAbout returns whom the items of a page are about.
func pageAbout[T any](id func(*T) string) func(*body[Page[T]]) []string {
	return func(out *body[Page[T]]) []string {
		ids := make([]string, len(out.Body.Items))
		for i := range out.Body.Items {
			ids[i] = id(&out.Body.Items[i])
		}
		return ids
	}
}

// oneAbout returns whom an answer is about.
func oneAbout[O any](id func(*O) string) func(*O) []string {
	return func(out *O) []string { return []string{id(out)} }
}

// namer is a question that names a candidate, by id or external id.
type namer interface{ candidateName() string }

// auditedOf is audited for an operation whose question says whom the answer is about.
func auditedOf[I, O any](s *server, op huma.Operation, kind string, handler func(context.Context, *I) (*O, error)) {
	leaves(&op, crm.AuditRead, kind)
	huma.Register(s.huma, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := handler(ctx, in)
		if err != nil {
			return nil, err
		}
		named, ok := any(in).(namer)
		if !ok {
			return nil, problemOf(errors.New("an operation that is audited names no candidate"))
		}
		c, _, err := s.Store.Candidate(ctx, named.candidateName())
		if err != nil {
			return nil, problemOf(err)
		}
		if err := s.saw(ctx, crm.AuditRead, kind, c.ID); err != nil {
			return nil, err
		}
		return out, nil
	})
}

// sawAs notes that an interviewer has seen a candidate on one of the pages. When it cannot be written they have been told.
func (s *server) sawAs(c *gin.Context, interviewer, kind, candidate string) bool {
	ctx := crm.WithActor(c.Request.Context(), interviewer)
	if err := s.saw(ctx, crm.AuditRead, kind, candidate); err != nil {
		return s.linkLeads(c, err)
	}
	return true
}

// AuditQuery says which entries are meant. Fields that are left out do not filter.
type AuditQuery struct {
	From time.Time `query:"from" doc:"Entries from then on."`
	To   time.Time `query:"to" doc:"Entries before then."`
}

func (s *server) registerAudit() {
	const tag = "Privacy"
	list := operation(http.MethodGet, "/v1/audit", "list-audit", tag, ScopeAuditRead, "List the audit log",
		"The newest first: who read, changed or erased what. Who was read is there as long as they are not erased; after that there is only the commitment.")
	leaves(&list, crm.AuditRead, "audit")
	huma.Register(s.huma, list, s.listAudit)
	export := operation(http.MethodGet, "/v1/audit/export", "export-audit", tag, ScopeAuditRead, "Export the audit log",
		"As lines of JSON: first a checkpoint of what follows, signed if the installation has a receipt key, then the entries in order. `rapport audit verify` checks it.")
	leaves(&export, crm.AuditExport, "audit")
	huma.Register(s.huma, export, s.exportAudit)
}

func (s *server) listAudit(ctx context.Context, in *struct {
	AuditQuery
	Limit     int    `query:"limit" minimum:"1" maximum:"500" default:"50"`
	After     string `query:"after" pattern:"^[0-9]{0,18}$" doc:"The cursor that the page before gave as next."`
	Candidate string `query:"candidate" maxLength:"1000" doc:"Id or external id: entries about them."`
	Actor     string `query:"actor" maxLength:"200" doc:"The id of a key or an interviewer, candidate, or rapport." example:"key_06cq3v9k7rk1bn2c5x0e8m4t2g"`
	Action    string `query:"action" enum:"read,list,export,create,change,remove,publish,pause,resume,migrate,stop,hold,release,merge,erase,run,confirm"`
	Kind      string `query:"kind" maxLength:"100" doc:"Of what: candidate, timeline, definition, key." example:"timeline"`
},
) (*body[Page[crm.AuditLine]], error) {
	f := &store.AuditFilter{Actor: in.Actor, Action: in.Action, Kind: in.Kind, From: in.From, To: in.To, Limit: in.Limit}
	if in.After != "" {
		f.Before, _ = strconv.ParseInt(in.After, 10, 64) // the pattern has checked it
	}
	var about []string
	if in.Candidate != "" {
		c, _, err := s.Store.Candidate(ctx, in.Candidate)
		if err != nil {
			return nil, problemOf(err)
		}
		f.Candidate, about = c.ID, []string{c.ID}
	}
	lines, next, err := s.Store.ListAudit(ctx, f)
	if err != nil {
		return nil, problemOf(err)
	}
	if err := s.saw(ctx, crm.AuditRead, "audit", about...); err != nil {
		return nil, err
	}
	cursor := ""
	if next > 0 {
		cursor = strconv.FormatInt(next, 10)
	}
	return pageOf(lines, cursor, nil)
}

// auditPage is how many entries of an export are in memory at once.
const auditPage = 1000

// exportTimeout bounds an export.
const exportTimeout = 30 * time.Minute

func (s *server) exportAudit(ctx context.Context, in *struct {
	AuditQuery
	Openings bool `query:"openings" doc:"With what is still known of whom entries are about. Without it there is nothing personal in the export."`
},
) (*huma.StreamResponse, error) {
	record := crm.AuditRecord{Action: crm.AuditExport, Kind: "audit"}
	if in.Openings {
		record.Detail = "with openings"
	}
	if err := s.Store.Audit(ctx, record); err != nil {
		return nil, problemOf(err)
	}
	span, err := s.Store.AuditSpan(ctx, in.From, in.To)
	if err != nil {
		return nil, problemOf(err)
	}
	head, err := s.Store.SignCheckpoint(span)
	if err != nil {
		return nil, problemOf(err)
	}
	return &huma.StreamResponse{Body: func(stream huma.Context) { //nolint:contextcheck // it takes longer than a request may
		stream.SetHeader("Content-Type", "application/jsonl")
		stream.SetHeader("Content-Disposition", `attachment; filename="audit.jsonl"`)
		ctx, cancel := context.WithTimeout(context.WithoutCancel(stream.Context()), exportTimeout)
		defer cancel()
		if err := s.writeAudit(ctx, stream.BodyWriter(), head, &span, in.Openings); err != nil {
			s.Log.WarnContext(ctx, "export of the audit log cut off", "error", err) // whoever checks it finds that it is
		}
	}}, nil
}

func (s *server) writeAudit(ctx context.Context, out io.Writer, head crm.SignedCheckpoint, span *crm.AuditCheckpoint, openings bool) error {
	lines := json.NewEncoder(out)
	if err := lines.Encode(head); err != nil {
		return err
	}
	for from := span.First; from <= span.Number; from += auditPage {
		entries, err := s.Store.AuditPage(ctx, from, min(from+auditPage-1, span.Number), auditPage, openings)
		if err != nil {
			return err
		}
		for i := range entries {
			if err := lines.Encode(&entries[i]); err != nil {
				return err
			}
		}
	}
	return nil
}
