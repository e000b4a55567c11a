package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/dsl/record"
)

func (s *server) registerRecord() {
	huma.Register(s.huma, unaudited(operation(http.MethodGet, "/v1/record-of-processing", "get-record-of-processing", "Privacy", ScopePrivacyRead, "Get the record of processing activities",
		"What GDPR Art. 30 asks for, made of the definitions in force and the settings: who is responsible, what is done with whose data and why, who gets some of it, and how long it is kept. What nobody has said is under missing. There is no candidate in it."), "what is done with data, and no candidates"), s.getRecord)
}

func (s *server) getRecord(ctx context.Context, _ *struct{}) (*body[*record.Record], error) {
	set, err := s.inForce.get(ctx)
	if err != nil {
		return nil, problemOf(err)
	}
	attributes, err := s.Store.Attributes(ctx)
	if err != nil {
		return nil, problemOf(err)
	}
	calendars, err := s.Store.HasCalendars(ctx)
	if err != nil {
		return nil, problemOf(err)
	}
	known := &record.Installation{Recipients: append([]string{}, s.Recipients...), Attributes: attributes}
	if calendars {
		known.Recipients = append(known.Recipients, dsl.RecipientCalendars)
	}
	return &body[*record.Record]{Body: record.Of(set, known, s.Now())}, nil
}
