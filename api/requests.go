package api

import (
	"bytes"
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/store"
)

// NewRequest is what a candidate asks for by one of their rights, as a colleague writes it down.
type NewRequest struct {
	Candidate  string          `json:"candidate" minLength:"1" maxLength:"200" doc:"Id or external id."`
	Kind       crm.RequestKind `json:"kind" enum:"access,portability,rectification,restriction,objection,deletion"`
	Purpose    string          `json:"purpose,omitempty" maxLength:"100" doc:"Of an objection: what they object to; everything if it is left out."`
	Wish       string          `json:"wish,omitempty" maxLength:"8000" doc:"In their own words. Needed for a rectification."`
	ReceivedAt time.Time       `json:"received_at,omitzero" doc:"When it reached you; now if it is left out. The time to answer runs from here."`
	Verified   bool            `json:"verified,omitempty" doc:"You are sure who asks. Else they are asked by a mail to the known address."`
}

// OpenedRequest is a request, and whether it was open already.
type OpenedRequest struct {
	crm.PrivacyRequest
	Duplicate bool `json:"duplicate,omitempty" doc:"They have asked for the same before, and it is open: this is that request."`
}

// RequestAnswer is what the candidate is told.
type RequestAnswer struct {
	Answer string `json:"answer,omitempty" maxLength:"8000" doc:"What was done or changed, for the candidate to read. Needed for rectifications and objections."`
}

// RequestRefusal says why a request is refused.
type RequestRefusal struct {
	Ground crm.RefusalCode `json:"ground" minLength:"1" maxLength:"100" doc:"One of the codes of /v1/requests/grounds." example:"legal_obligation"`
	Answer string          `json:"answer,omitempty" maxLength:"8000" doc:"For the candidate to read."`
	Until  string          `json:"until,omitempty" format:"date" doc:"Of a deletion: the day on which the ground ends. The candidate is told, and from noon (UTC) of that day the data is deleted without being asked for again, unless something else stands against it." example:"2027-06-30"`
	// Verified is needed with until, as the deletion is done on that day.
	Verified bool `json:"verified,omitempty" doc:"You are sure who asks. Needed with until, unless that is known already."`
}

// until is noon of the day: that is the same day nearly everywhere, also where the candidate reads of it.
func (r *RequestRefusal) until() (time.Time, error) {
	if r.Until == "" {
		return time.Time{}, nil
	}
	day, err := time.Parse(time.DateOnly, r.Until)
	if err != nil {
		return day, &crm.Error{Code: crm.CodeInvalid, Message: "The day is none.", Next: "Write it like 2027-06-30.", Err: err}
	}
	return day.Add(12 * time.Hour), nil
}

// RequestExtension says why answering takes longer.
type RequestExtension struct {
	Why string `json:"why" minLength:"1" maxLength:"2000" doc:"The candidate has to be told within the first month (GDPR Art. 12(3))."`
}

// RequestRef names a request.
type RequestRef struct {
	ID string `path:"id" maxLength:"100" doc:"The request's id."`
}

func (s *server) registerRequests() {
	post := func(path, id, summary, description string) huma.Operation {
		return changes(operation(http.MethodPost, path, id, "Privacy", ScopePrivacyWrite, summary, description), crm.AuditChange, "request")
	}
	open := post("/v1/requests", "open-request", "Write down a request of a candidate", "It is due within a month. What needs no person is answered at once when it is known who asks: a copy of the data, a restriction, an objection to one purpose, a deletion.")
	open.DefaultStatus = http.StatusCreated
	huma.Register(s.huma, changes(open, crm.AuditCreate, "request"), s.openRequest)
	audited(s, operation(http.MethodGet, "/v1/requests", "list-requests", "Privacy", ScopePrivacyRead, "List requests of candidates", "The newest first; those that are open, unless all is true."),
		crm.AuditList, "requests", s.listRequests, pageAbout(func(x *crm.PrivacyRequest) string { return x.CandidateID }))
	huma.Register(s.huma, unaudited(operation(http.MethodGet, "/v1/requests/grounds", "list-grounds", "Privacy", ScopePrivacyRead, "List the grounds on which a request can be refused", "With the articles of the GDPR that they rest on."), "a list that never changes"),
		func(context.Context, *struct{}) (*body[[]crm.Refusal], error) {
			return &body[[]crm.Refusal]{Body: crm.Refusals()}, nil
		})
	audited(s, operation(http.MethodGet, "/v1/requests/{id}", "get-request", "Privacy", ScopePrivacyRead, "See a request", ""), crm.AuditRead, "request",
		func(ctx context.Context, in *RequestRef) (*body[crm.PrivacyRequest], error) {
			return requestBody(s.Store.Request(ctx, in.ID))
		}, oneAbout(func(x *body[crm.PrivacyRequest]) string { return x.Body.CandidateID }))
	export := operation(http.MethodGet, "/v1/requests/{id}/export", "export-request", "Privacy", ScopePrivacyRead, "Get the copy of the data that a request is for",
		"A ZIP of JSON files and a page to read. Of a request for portability, what the candidate has provided.")
	export.Responses = map[string]*huma.Response{"200": {Description: "The copy", Content: map[string]*huma.MediaType{mediaZIP: {}}}}
	huma.Register(s.huma, changes(export, crm.AuditExport, "request"), s.exportRequest)
	huma.Register(s.huma, post("/v1/requests/{id}/verify", "verify-request", "Say that it is the candidate who asks", ""),
		func(ctx context.Context, in *RequestRef) (*body[crm.PrivacyRequest], error) {
			return requestBody(s.Store.VerifyRequest(ctx, in.ID, caller(ctx)))
		})
	huma.Register(s.huma, post("/v1/requests/{id}/answer", "answer-request", "Close a request as answered", "A deletion is answered by deleting."), func(ctx context.Context, in *struct {
		RequestRef
		Body RequestAnswer
	},
	) (*body[crm.PrivacyRequest], error) {
		if err := s.publishRequestMails(ctx); err != nil {
			return nil, problemOf(err)
		}
		return requestBody(s.Store.AnswerRequest(ctx, in.ID, in.Body.Answer, caller(ctx)))
	})
	huma.Register(s.huma, post("/v1/requests/{id}/refuse", "refuse-request", "Refuse a request", "Data whose deletion is refused is restricted: kept, and not used; for good, or until a day."), s.refuseRequest)
	huma.Register(s.huma, post("/v1/requests/{id}/extend", "extend-request", "Extend a request by two months", "Once, and before it is due."), func(ctx context.Context, in *struct {
		RequestRef
		Body RequestExtension
	},
	) (*body[crm.PrivacyRequest], error) {
		if err := s.publishRequestMails(ctx); err != nil {
			return nil, problemOf(err)
		}
		return requestBody(s.Store.ExtendRequest(ctx, in.ID, in.Body.Why))
	})
	huma.Register(s.huma, post("/v1/requests/{id}/withdraw", "withdraw-request", "Close a request that the candidate takes back", ""),
		func(ctx context.Context, in *RequestRef) (*body[crm.PrivacyRequest], error) {
			return requestBody(s.Store.WithdrawRequest(ctx, in.ID, caller(ctx)))
		})
	huma.Register(s.huma, changes(operation(http.MethodDelete, "/v1/candidates/{id}/restriction", "lift-restriction", "Privacy", ScopePrivacyWrite, "Use a candidate's data again",
		"The candidate has to be told before (GDPR Art. 18(3))."), crm.AuditRelease, "restriction"), func(ctx context.Context, in *CandidateRef) (*struct{}, error) {
		if err := s.Store.LiftRestriction(ctx, in.ID); err != nil {
			return nil, problemOf(err)
		}
		return nil, nil //nolint:nilnil // no content
	})
}

func requestBody(r crm.PrivacyRequest, err error) (*body[crm.PrivacyRequest], error) {
	if err != nil {
		return nil, problemOf(err)
	}
	return &body[crm.PrivacyRequest]{Body: r}, nil
}

func (s *server) refuseRequest(ctx context.Context, in *struct {
	RequestRef
	Body RequestRefusal
},
) (*body[crm.PrivacyRequest], error) {
	until, err := in.Body.until()
	if err != nil {
		return nil, problemOf(err)
	}
	if err := s.publishRequestMails(ctx); err != nil {
		return nil, problemOf(err)
	}
	return requestBody(s.Store.RefuseRequest(ctx, in.ID, crm.Decline{Ground: in.Body.Ground, Answer: in.Body.Answer, Until: until, By: caller(ctx), Verified: in.Body.Verified}))
}

func (s *server) openRequest(ctx context.Context, in *body[NewRequest]) (*body[OpenedRequest], error) {
	r := crm.PrivacyRequest{
		CandidateID: in.Body.Candidate, Kind: in.Body.Kind, Purpose: in.Body.Purpose, Wish: in.Body.Wish, Source: "staff", By: caller(ctx), ReceivedAt: in.Body.ReceivedAt,
	}
	if in.Body.Verified {
		r.VerifiedBy = caller(ctx)
	}
	if err := s.publishRequestMails(ctx); err != nil {
		return nil, problemOf(err)
	}
	opened, duplicate, err := s.Store.OpenRequest(ctx, r)
	if err != nil {
		return nil, problemOf(err)
	}
	if duplicate { // what they have asked for before
		if err := s.saw(ctx, crm.AuditRead, "request", opened.CandidateID); err != nil {
			return nil, err
		}
	}
	return &body[OpenedRequest]{Body: OpenedRequest{PrivacyRequest: opened, Duplicate: duplicate}}, nil
}

func (s *server) listRequests(ctx context.Context, in *struct {
	Paging
	Candidate string          `query:"candidate" maxLength:"200" doc:"Id or external id."`
	Kind      crm.RequestKind `query:"kind" enum:"access,portability,rectification,restriction,objection,deletion"`
	All       bool            `query:"all" doc:"Also those that are closed."`
},
) (*body[Page[crm.PrivacyRequest]], error) {
	return pageOf(s.Store.ListRequests(ctx, store.RequestFilter{Candidate: in.Candidate, Kind: in.Kind, Closed: in.All, Limit: in.Limit, After: in.After}))
}

// zipAnswer is a ZIP file as an answer.
type zipAnswer struct {
	ContentType string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	Body        []byte
}

func (s *server) exportRequest(ctx context.Context, in *RequestRef) (*zipAnswer, error) {
	r, err := s.Store.Request(ctx, in.ID)
	if err != nil {
		return nil, problemOf(err)
	}
	if err := s.saw(ctx, crm.AuditExport, "request", r.CandidateID); err != nil {
		return nil, err
	}
	var file bytes.Buffer
	if err := s.writeExport(ctx, &file, &r); err != nil {
		return nil, problemOf(err)
	}
	return &zipAnswer{ContentType: mediaZIP, Disposition: `attachment; filename="` + exportName(&r) + `"`, Body: file.Bytes()}, nil
}
