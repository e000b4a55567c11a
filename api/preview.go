package api

import (
	"context"
	"maps"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
)

// MessagePreview asks how a message would look.
type MessagePreview struct {
	Name      string `json:"name" maxLength:"200" doc:"Of a message in force." example:"silver-medallist-thanks"`
	Candidate string `json:"candidate,omitempty" maxLength:"1000" doc:"Id or external id. Without it, somebody who does not exist."`
	Locale    string `json:"locale,omitempty" maxLength:"100" doc:"Instead of the candidate's."`
}

func (s *server) registerPreview() {
	huma.Register(s.huma, changes(operation(http.MethodPost, "/v1/messages/preview", "preview-message", "Definitions", ScopeCandidatesRead, "Preview a message",
		"As it would go to a candidate. Nothing is sent or stored. What only a run would know stands in square brackets, and links lead nowhere."), crm.AuditRead, "preview"), s.previewMessage)
}

func (s *server) previewMessage(ctx context.Context, in *body[MessagePreview]) (*body[dsl.Preview], error) {
	set, err := s.inForce.get(ctx)
	if err != nil {
		return nil, problemOf(err)
	}
	candidate := dsl.SampleCandidate(in.Body.Locale)
	if in.Body.Candidate != "" {
		if candidate, _, err = s.Store.Candidate(ctx, in.Body.Candidate); err != nil {
			return nil, problemOf(err)
		}
		if err := s.saw(ctx, crm.AuditRead, "preview", candidate.ID); err != nil {
			return nil, err
		}
		if in.Body.Locale != "" {
			candidate.Locale = in.Body.Locale
		}
	}
	preview, err := set.Preview(in.Body.Name, &candidate, s.Now())
	if err != nil {
		s.Log.WarnContext(ctx, "message not rendered", "name", in.Body.Name, "error", err)
		return nil, problemOf(invalid("The message cannot be rendered for this candidate.", "Look at what it shows of them: a value may be too long."))
	}
	if preview == nil {
		names := slices.Collect(maps.Keys(set.Templates))
		return nil, problemOf(notFound("There is no message "+in.Body.Name+"."+didYouMean(in.Body.Name, names), "See GET /v1/definitions for those in force."))
	}
	return &body[dsl.Preview]{Body: *preview}, nil
}
