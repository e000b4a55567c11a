package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/store"
)

// EnrollmentDetails is a run and where its workflow is.
type EnrollmentDetails struct {
	crm.Enrollment
	WorkflowID  string `json:"workflow_id"`
	WorkflowURL string `json:"workflow_url,omitempty" doc:"In the Temporal UI, when it is known."`
}

// EnrollmentRequest asks for a run by hand.
type EnrollmentRequest struct {
	Candidate   string `json:"candidate" minLength:"1" maxLength:"1000" doc:"The candidate's id or external id."`
	Sequence    string `json:"sequence" minLength:"1" maxLength:"200"`
	Application string `json:"application,omitempty" maxLength:"1000" doc:"The application's external id, for a sequence per application."`
}

// Requested names the event that a request became. What came of it is on the timeline.
type Requested struct {
	Event string `json:"event"`
}

// Told is the answer to a control.
type Told struct {
	Enrollment string `json:"enrollment"`
	Told       string `json:"told" enum:"pause,resume,stop"`
}

type enrollmentID struct {
	ID string `path:"id" maxLength:"100"`
}

func (s *server) registerEnrollments() {
	audited(s, operation(http.MethodGet, "/v1/enrollments", "list-enrollments", "Enrollments", ScopeEnrollmentsRead, "List enrollments", "The newest first."), crm.AuditList, "enrollments", s.listEnrollments, pageAbout(func(x *EnrollmentDetails) string { return x.CandidateID }))
	audited(s, operation(http.MethodGet, "/v1/enrollments/{id}", "get-enrollment", "Enrollments", ScopeEnrollmentsRead, "Get an enrollment", ""), crm.AuditRead, "enrollment", s.getEnrollment, oneAbout(func(x *body[EnrollmentDetails]) string { return x.Body.CandidateID }))
	enroll := operation(http.MethodPost, "/v1/enrollments", "enroll", "Enrollments", ScopeEnrollmentsWrite, "Enroll a candidate by hand",
		"The request is stored and carried out in order with the candidate's events: consent, caps and one run at a time hold as always. Whether a run begins, and why not, is on the timeline.")
	enroll.DefaultStatus = http.StatusAccepted
	huma.Register(s.huma, changes(enroll, crm.AuditCreate, "enrollment"), s.enroll)
	for _, c := range []struct{ verb, event, summary, doc string }{
		{"pause", crm.ControlPause, "Pause an enrollment", "Exits still happen and time runs on."},
		{"resume", crm.ControlResume, "Resume an enrollment", "A step that is overdue takes the next window."},
		{"stop", crm.ControlStop, "Stop an enrollment", "It ends with the outcome stopped; messages that are not sent yet are cancelled."},
	} {
		op := operation(http.MethodPost, "/v1/enrollments/{id}/"+c.verb, c.verb+"-enrollment", "Enrollments", ScopeEnrollmentsWrite, c.summary,
			c.doc+" It is recorded and carried out even while Temporal is down.")
		op.DefaultStatus = http.StatusAccepted
		huma.Register(s.huma, changes(op, c.verb, "enrollment"), s.tell(c.verb, c.event)) // the log has the same verbs
	}
}

func (s *server) listEnrollments(ctx context.Context, in *struct {
	Paging
	Candidate string `query:"candidate" maxLength:"1000" doc:"Id or external id."`
	Sequence  string `query:"sequence" maxLength:"200"`
	Status    string `query:"status" enum:"starting,running,closed"`
},
) (*body[Page[EnrollmentDetails]], error) {
	filter := store.EnrollmentFilter{Candidate: in.Candidate, Definition: in.Sequence, Status: crm.EnrollmentStatus(in.Status), Limit: in.Limit, After: in.After}
	if in.Candidate != "" {
		c, _, err := s.Store.Candidate(ctx, in.Candidate)
		if err != nil {
			return nil, problemOf(err)
		}
		filter.Candidate = c.ID
	}
	found, next, err := s.Store.ListEnrollments(ctx, filter)
	items := make([]EnrollmentDetails, len(found))
	for i := range found {
		items[i] = s.enrollment(&found[i])
	}
	return pageOf(items, next, err)
}

func (s *server) enrollment(e *crm.Enrollment) EnrollmentDetails {
	return EnrollmentDetails{Enrollment: *e, WorkflowID: e.WorkflowID(), WorkflowURL: s.workflowURL(e.WorkflowID())}
}

func (s *server) getEnrollment(ctx context.Context, in *enrollmentID) (*body[EnrollmentDetails], error) {
	e, err := s.Store.Enrollment(ctx, in.ID)
	if err != nil {
		return nil, problemOf(err)
	}
	return &body[EnrollmentDetails]{Body: s.enrollment(&e)}, nil
}

func (s *server) enroll(ctx context.Context, in *body[EnrollmentRequest]) (*body[Requested], error) {
	if err := s.sequenceExists(ctx, in.Body.Sequence); err != nil {
		return nil, problemOf(err)
	}
	c, _, err := s.Store.Candidate(ctx, in.Body.Candidate)
	if err != nil {
		return nil, problemOf(err)
	}
	event, err := s.Store.RequestEnrollment(ctx, c.ID, in.Body.Sequence, in.Body.Application, caller(ctx), s.Now())
	if err != nil {
		return nil, problemOf(err)
	}
	return &body[Requested]{Body: Requested{Event: event}}, nil
}

func (s *server) tell(verb, event string) func(context.Context, *enrollmentID) (*body[Told], error) {
	return func(ctx context.Context, in *enrollmentID) (*body[Told], error) {
		if err := s.Store.Control(ctx, in.ID, event, caller(ctx), s.Now()); err != nil {
			return nil, problemOf(err)
		}
		return &body[Told]{Body: Told{Enrollment: in.ID, Told: verb}}, nil
	}
}
