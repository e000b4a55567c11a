package api

import (
	"context"
	"net/http"
	"net/mail"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/rapport-crm/rapport/crm"
)

// NewNote is what a person writes down about a candidate.
type NewNote struct {
	Kind   crm.RemarkKind `json:"kind,omitempty" enum:"call,meeting,email,note" doc:"note if it is left out."`
	Text   string         `json:"text" minLength:"1" maxLength:"20000"`
	At     time.Time      `json:"at,omitzero" doc:"When it took place; now if it is left out. Not in the future."`
	By     string         `json:"by,omitempty" maxLength:"320" doc:"The email address of who wrote it; the name of the API key if it is left out." example:"maya@north.example"`
	Source string         `json:"source,omitempty" maxLength:"200" doc:"Where it comes from. With id it is the note's identity: the same again is not kept twice."`
	ID     string         `json:"id,omitempty" maxLength:"200" doc:"The source's id."`
}

// KeptNote is a note with what became of it.
type KeptNote struct {
	crm.Remark
	Duplicate bool `json:"duplicate,omitempty" doc:"It was sent before: this is the first one, and nothing was done."`
}

// noteKeySource is the source of notes whose id is an Idempotency-Key.
const noteKeySource = "idempotency-key"

func (s *server) registerNotes() {
	add := operation(http.MethodPost, "/v1/candidates/{id}/notes", "add-note", "Candidates", ScopeNotesWrite, "Add a note",
		"A call, a meeting, anything a person wants others to know. It stands on the timeline, and nothing follows from it: the candidate's last activity stays.")
	add.DefaultStatus = http.StatusCreated
	huma.Register(s.huma, changes(add, crm.AuditCreate, "note"), s.addNote)
	auditedOf(s, operation(http.MethodGet, "/v1/candidates/{id}/notes", "list-notes", "Candidates", ScopeNotesRead, "List a candidate's notes", "The newest first."), "notes", s.listNotes)
	huma.Register(s.huma, changes(operation(http.MethodDelete, "/v1/candidates/{id}/notes/{note}", "delete-note", "Candidates", ScopeNotesWrite, "Delete a note", ""), crm.AuditRemove, "note"), s.deleteNote)
}

func (s *server) addNote(ctx context.Context, in *struct {
	CandidateRef
	IdempotencyKey string `header:"Idempotency-Key" maxLength:"200" doc:"Makes a note without an id idempotent: this becomes its id."`
	Body           NewNote
},
) (*body[KeptNote], error) {
	note := &in.Body
	if found := s.checkNote(note); len(found) > 0 {
		return nil, invalid("The note is not valid: "+found[0].Location+": "+found[0].Message+".", "Correct every field in errors and send it again.", found...)
	}
	remark := crm.Remark{
		CandidateID: in.ID, Kind: note.Kind, Text: note.Text, By: note.By, At: note.At, Source: note.Source, ExternalID: note.ID,
	}
	if remark.ExternalID == "" && in.IdempotencyKey != "" {
		remark.Source, remark.ExternalID = noteKeySource, in.IdempotencyKey
	}
	if remark.Kind == "" {
		remark.Kind = crm.RemarkNote
	}
	if remark.By == "" {
		remark.By = caller(ctx)
	}
	if remark.At.IsZero() {
		remark.At = s.Now()
	}
	kept, duplicate, err := s.Store.AddNote(ctx, remark)
	if err != nil {
		return nil, problemOf(err)
	}
	if duplicate { // it may say more than what was sent
		if err := s.saw(ctx, crm.AuditRead, "notes", kept.CandidateID); err != nil {
			return nil, err
		}
	}
	return &body[KeptNote]{Body: KeptNote{Remark: kept, Duplicate: duplicate}}, nil
}

// checkNote finds what is wrong with a note beyond what its schema says.
func (s *server) checkNote(n *NewNote) []Located {
	var found []Located
	if strings.TrimSpace(n.Text) == "" || strings.ContainsRune(n.Text, 0) {
		found = append(found, Located{Location: "body.text", Message: "it is empty, or holds a NUL character"})
	}
	if n.At.After(s.Now()) {
		found = append(found, Located{Location: "body.at", Message: "it is in the future"})
	}
	if n.By != "" {
		if address, err := mail.ParseAddress(n.By); err != nil || address.Address != n.By {
			found = append(found, Located{Location: "body.by", Message: "it is no email address"})
		}
	}
	if (n.ID == "") != (n.Source == "") || n.Source == noteKeySource {
		found = append(found, Located{Location: "body.source", Message: "source and id go together, and the source is not " + noteKeySource})
	}
	return found
}

func (s *server) listNotes(ctx context.Context, in *struct {
	CandidateRef
	Paging
},
) (*body[Page[crm.Remark]], error) {
	return pageOf(s.Store.NotesOf(ctx, in.ID, in.Limit, in.After))
}

func (s *server) deleteNote(ctx context.Context, in *struct {
	CandidateRef
	Note string `path:"note" maxLength:"100"`
},
) (*struct{}, error) {
	if err := s.Store.DeleteNote(ctx, in.ID, in.Note); err != nil {
		return nil, problemOf(err)
	}
	return nil, nil //nolint:nilnil // no content
}
