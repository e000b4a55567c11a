package api

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // zones are checked on machines that have none

	"github.com/danielgtaylor/huma/v2"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/store"
)

// CandidateInput is what a source says about a candidate. A field that is left out stays as it is; an empty one is cleared.
type CandidateInput struct {
	ExternalID     string         `json:"external_id,omitempty" doc:"The id in the system of record; unique." example:"ATS-7-000123"`
	FirstName      string         `json:"first_name,omitempty"`
	LastName       string         `json:"last_name,omitempty"`
	Email          string         `json:"email,omitempty" example:"sarah@example.org"`
	Phone          string         `json:"phone,omitempty" doc:"Kept as E.164; may come as it is dialled in the country that comes with it, else in the one that is known of the candidate." example:"+447700900123"`
	Country        string         `json:"country,omitempty" doc:"ISO 3166-1." example:"GB"`
	Region         string         `json:"region,omitempty"`
	City           string         `json:"city,omitempty"`
	TimeZone       string         `json:"time_zone,omitempty" doc:"IANA name." example:"Europe/London"`
	Locale         string         `json:"locale,omitempty" doc:"BCP 47." example:"en-GB"`
	Status         string         `json:"status,omitempty" doc:"One of the workspace's statuses." example:"silver_medallist"`
	Source         string         `json:"source,omitempty"`
	Owner          string         `json:"owner,omitempty" doc:"The recruiter's email address."`
	Seniority      string         `json:"seniority,omitempty"`
	Functions      []string       `json:"functions,omitempty" nullable:"false"`
	Skills         []string       `json:"skills,omitempty" nullable:"false"`
	Tags           []string       `json:"tags,omitempty" nullable:"false"`
	Attributes     map[string]any `json:"attributes,omitempty" doc:"Anything else, merged by name; null removes one."`
	LegalHold      bool           `json:"legal_hold,omitempty"`
	Consents       []ConsentInput `json:"consents,omitempty" nullable:"false" doc:"Only what differs from what is in force is added to the history."`
	CreatedAt      time.Time      `json:"created_at,omitzero" doc:"When the candidate became known; counts when they are created."`
	LastActivityAt time.Time      `json:"last_activity_at,omitzero" doc:"Only ever moves forward."`
	LastDecisionAt time.Time      `json:"last_decision_at,omitzero" doc:"Only ever moves forward."`

	present map[string]bool
	stored  string // the country that is known of them; their number is read as it is dialled there, unless the source names one
}

// ConsentInput is a consent that is given or taken back.
type ConsentInput struct {
	Purpose  string        `json:"purpose" example:"talent-community"`
	Channels []crm.Channel `json:"channels,omitempty" nullable:"false" enum:"email,sms" doc:"email if it is left out."`
	Granted  *bool         `json:"granted,omitempty" doc:"true if it is left out; false revokes."`
	Source   string        `json:"source,omitempty" doc:"Where it was given." example:"application form"`
	Wording  string        `json:"wording,omitempty" doc:"What the candidate read when they agreed."`
	At       time.Time     `json:"at,omitzero" doc:"When; now if it is left out."`
	// ConfirmedAt is proof, as far as the source has it.
	ConfirmedAt time.Time `json:"confirmed_at,omitzero" doc:"When the candidate confirmed it (double opt-in). Without it a consent to a purpose that asks for double opt-in stays pending, and the candidate is asked."`
}

// UnmarshalJSON remembers which fields are given.
func (in *CandidateInput) UnmarshalJSON(text []byte) error {
	type plain CandidateInput
	var err error
	in.present, err = readFields(text, (*plain)(in))
	return err
}

// readFields reads a JSON object into a struct and returns the names of its fields, so that what is left out is not taken for what
// is empty.
func readFields(text []byte, into any) (present map[string]bool, err error) {
	if err := json.Unmarshal(text, into); err != nil {
		return nil, err
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		return nil, err
	}
	present = make(map[string]bool, len(fields))
	for name := range fields {
		present[name] = true
	}
	return present, nil
}

// write is what the store is asked to do. A consent that the candidate still has to confirm is written as one.
func (in *CandidateInput) write(set *dsl.Set) store.Write {
	if in.ExternalID != "" && in.present != nil { // it may come from the address
		in.present["external_id"] = true
	}
	w := store.Write{Present: in.present, Candidate: crm.Candidate{
		ExternalID: in.ExternalID, FirstName: in.FirstName, LastName: in.LastName, Email: in.Email, Phone: in.Phone, Country: in.Country,
		Region: in.Region, City: in.City, TimeZone: in.TimeZone, Locale: in.Locale, Status: in.Status, Source: in.Source, Owner: in.Owner,
		Seniority: in.Seniority, Functions: in.Functions, Skills: in.Skills, Tags: in.Tags, Attributes: in.Attributes, LegalHold: in.LegalHold,
		CreatedAt: in.CreatedAt, LastActivityAt: in.LastActivityAt, LastDecisionAt: in.LastDecisionAt,
	}}
	for _, consent := range in.Consents {
		channels := consent.Channels
		if len(channels) == 0 {
			channels = []crm.Channel{crm.Email}
		}
		for _, channel := range channels {
			line := crm.Consent{
				Purpose: consent.Purpose, Channel: channel, Granted: consent.Granted == nil || *consent.Granted,
				Source: consent.Source, Wording: consent.Wording, At: consent.At,
			}
			if line.Granted {
				line.ConfirmedAt = consent.ConfirmedAt
			}
			line.Pending = set.Workspace.Pending(&line)
			w.Consents = append(w.Consents, line)
		}
	}
	return w
}

// CandidateDetails is a candidate with the history of their consents, oldest first.
type CandidateDetails struct {
	crm.Candidate
	Consents []crm.Consent `json:"consents" nullable:"false"`
}

// WrittenCandidate is what became of a write.
type WrittenCandidate struct {
	ID      string   `json:"id"`
	Created bool     `json:"created"`
	Changed []string `json:"changed" nullable:"false" doc:"The fields that got new values."`
}

// CandidateBatch is several candidates.
type CandidateBatch struct {
	Items []CandidateInput `json:"items" minItems:"1" maxItems:"1000" nullable:"false"`
}

// CandidateResult is what became of one item of a batch.
type CandidateResult struct {
	Index    int       `json:"index" doc:"Its place in the request, from 0."`
	Status   string    `json:"status" enum:"created,changed,unchanged,rejected"`
	ID       string    `json:"id,omitempty"`
	Errors   []Located `json:"errors,omitempty"`
	Warnings []Located `json:"warnings,omitempty" doc:"What was written although it is not right: with keep_numbers, telephone numbers that nobody can read."`
}

// CandidateResults is what became of every item, in their order.
type CandidateResults struct {
	Results []CandidateResult `json:"results" nullable:"false"`
}

// CandidateMerge says who survives.
type CandidateMerge struct {
	Into string `json:"into" minLength:"1" maxLength:"1000" doc:"The id or external id of the candidate who survives." example:"ATS-7-000123"`
}

// MergedCandidate is what became of a merge.
type MergedCandidate struct {
	ID     string `json:"id" doc:"The survivor's."`
	Merged bool   `json:"merged" doc:"false: it was done before, and nothing has changed."`
}

// Page is one page of a list.
type Page[T any] struct {
	Items []T    `json:"items" nullable:"false"`
	Next  string `json:"next,omitempty" doc:"The cursor of the next page; absent on the last."`
}

// Paging asks for a page of a list.
type Paging struct {
	Limit int    `query:"limit" minimum:"1" maximum:"500" default:"50"`
	After string `query:"after" doc:"The cursor that the page before gave as next."`
}

// CandidateRef names a candidate.
type CandidateRef struct {
	ID string `path:"id" doc:"The candidate's id or external id."`
}

func (r *CandidateRef) candidateName() string { return r.ID }

func (s *server) registerCandidates() {
	create := changes(operation(http.MethodPost, "/v1/candidates", "create-candidate", "Candidates", ScopeCandidatesWrite, "Create a candidate",
		"Refused when the external id is taken: use the upsert then."), crm.AuditChange, "consent")
	create.DefaultStatus = http.StatusCreated
	huma.Register(s.huma, create, s.createCandidate)
	huma.Register(s.huma, changes(operation(http.MethodPut, "/v1/candidates/by-external-id/{external_id}", "upsert-candidate", "Candidates", ScopeCandidatesWrite,
		"Create or change a candidate by external id", "Sending the same again changes nothing. Events that were kept for the candidate become theirs."), crm.AuditChange, "consent"), s.upsertCandidate)
	batch := changes(operation(http.MethodPost, "/v1/candidates/batch", "upsert-candidates", "Candidates", ScopeCandidatesWrite,
		"Create or change up to 1,000 candidates", "Each item is judged alone and has an external_id. With keep_numbers a telephone number that cannot be read is kept as it was "+
			"written, with a warning, and gets no texts; else its item is rejected."), crm.AuditChange, "consent")
	batch.MaxBodyBytes, batch.RequestBody = maxEventsBody, &huma.RequestBody{Required: true}
	huma.Register(s.huma, batch, s.upsertBatch)
	schema := s.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[CandidateBatch](), true, "")
	batch.RequestBody.Content = map[string]*huma.MediaType{mediaJSON: {Schema: schema}} // judged by upsertBatch, item by item
	audited(s, operation(http.MethodGet, "/v1/candidates", "list-candidates", "Candidates", ScopeCandidatesRead, "List candidates", "The newest first."), crm.AuditList, "candidates", s.listCandidates, pageAbout(func(x *crm.Candidate) string { return x.ID }))
	audited(s, operation(http.MethodGet, "/v1/candidates/{id}", "get-candidate", "Candidates", ScopeCandidatesRead, "Get a candidate",
		"The id or external id of somebody who was merged into another gives the survivor."), crm.AuditRead, "candidate", s.getCandidate, oneAbout(func(x *body[CandidateDetails]) string { return x.Body.ID }))
	huma.Register(s.huma, changes(operation(http.MethodPost, "/v1/candidates/{id}/merge", "merge-candidate", "Candidates", ScopeCandidatesWrite, "Merge a candidate into another",
		"Both are the same person. What the survivor has stays; what is missing comes from the other: fields, consents, applications, messages, runs and the timeline. "+
			"Of two runs of a sequence the further one goes on. The ids of the one who goes stay known and mean the survivor. It cannot be undone; doing it again changes nothing."), crm.AuditMerge, "candidate"), s.mergeCandidate)
	auditedOf(s, operation(http.MethodGet, "/v1/candidates/{id}/timeline", "get-timeline", "Candidates", ScopeCandidatesRead, "Get a candidate's timeline",
		"Everything that happened to them and why, the oldest first: events, decisions with the expression and its result, messages, consents, tasks and notes. Of an event's data only declared fields, without free texts and answers. "+
			"What was said, in replies, notes and the subjects of messages, is there for keys with "+ScopeNotesRead+"."), "timeline", s.getTimeline)
	auditedOf(s, operation(http.MethodGet, "/v1/candidates/{id}/events", "list-events", "Candidates", ScopeEventsRead, "List a candidate's events",
		"As their sources told them, with all of their data, the oldest first: for simulations and exports. Custom data, notes and answers may hold anything that a source has put there."), "events", s.getEvents)
}

func (s *server) createCandidate(ctx context.Context, in *body[CandidateInput]) (*body[WrittenCandidate], error) {
	if problem := refuseCandidate(&in.Body); problem != nil {
		return nil, problem
	}
	set, err := s.inForce.get(ctx)
	if err != nil {
		return nil, problemOf(err)
	}
	written, err := s.Store.CreateCandidate(ctx, in.Body.write(set), s.Now())
	if err != nil {
		return nil, problemOf(err)
	}
	return writtenCandidate(written), nil
}

func (s *server) upsertCandidate(ctx context.Context, in *struct {
	ExternalID string `path:"external_id" maxLength:"1000"`
	Body       CandidateInput
},
) (*body[WrittenCandidate], error) {
	if given := in.Body.ExternalID; given != "" && given != in.ExternalID {
		return nil, invalid("The body names another external id than the address.", "Leave it out of the body.", Located{Location: "body.external_id", Message: "it differs from the address"})
	}
	in.Body.ExternalID = in.ExternalID
	if err := s.findCountries(ctx, []*CandidateInput{&in.Body}); err != nil {
		return nil, problemOf(err)
	}
	if problem := refuseCandidate(&in.Body); problem != nil {
		return nil, problem
	}
	set, err := s.inForce.get(ctx)
	if err != nil {
		return nil, problemOf(err)
	}
	written, err := s.Store.UpsertCandidates(ctx, []store.Write{in.Body.write(set)}, s.Now())
	if err == nil {
		err = written[0].Err
	}
	if err != nil {
		return nil, problemOf(err)
	}
	return writtenCandidate(written[0]), nil
}

func writtenCandidate(u store.Upserted) *body[WrittenCandidate] {
	return &body[WrittenCandidate]{Body: WrittenCandidate{ID: u.ID, Created: u.Created, Changed: notNil(u.Changed)}}
}

func refuseCandidate(in *CandidateInput) *Problem {
	return located("The candidate is not valid", checkCandidate(in))
}

func (s *server) upsertBatch(ctx context.Context, in *struct {
	KeepNumbers bool `query:"keep_numbers" doc:"Keep telephone numbers that cannot be read, instead of rejecting their candidates."`
	RawBody     []byte
},
) (*body[CandidateResults], error) {
	items, problem := batchItems(in.RawBody)
	if problem != nil {
		return nil, problem
	}
	set, err := s.inForce.get(ctx)
	if err != nil {
		return nil, problemOf(err)
	}
	results := CandidateResults{Results: make([]CandidateResult, len(items))}
	inputs := make([]*CandidateInput, len(items))
	for i, item := range items {
		inputs[i] = &CandidateInput{}
		results.Results[i] = CandidateResult{Index: i, Status: string(ItemRejected), Errors: readCandidate(item, inputs[i])}
	}
	if err := s.findCountries(ctx, inputs); err != nil {
		return nil, problemOf(err)
	}
	var writes []store.Write
	var places []int
	for i, input := range inputs {
		if r := &results.Results[i]; len(r.Errors) == 0 {
			r.Errors, r.Warnings = checkItem(input, in.KeepNumbers)
		}
		if len(results.Results[i].Errors) == 0 {
			writes, places = append(writes, input.write(set)), append(places, i)
		}
	}
	written, err := s.Store.UpsertCandidates(ctx, writes, s.Now())
	if err != nil {
		return nil, problemOf(err)
	}
	for i := range written {
		results.Results[places[i]].became(&written[i])
	}
	return &body[CandidateResults]{Body: results}, nil
}

// findCountries finds the countries of candidates that are known, for those whose number comes without one.
func (s *server) findCountries(ctx context.Context, inputs []*CandidateInput) error {
	var externalIDs []string
	for _, in := range inputs {
		if in.dialled() {
			externalIDs = append(externalIDs, in.ExternalID)
		}
	}
	if len(externalIDs) == 0 {
		return nil
	}
	countries, err := s.Store.Countries(ctx, externalIDs)
	for _, in := range inputs {
		if in.dialled() {
			in.stored = countries[in.ExternalID]
		}
	}
	return err
}

// dialled tells whether the number is written as it is dialled somewhere, and the source does not say where.
func (in *CandidateInput) dialled() bool {
	return in.ExternalID != "" && in.Phone != "" && !strings.HasPrefix(strings.TrimSpace(in.Phone), "+") && !in.present["country"]
}

// readCandidate reads one item of a batch.
func readCandidate(item json.RawMessage, input *CandidateInput) []Located {
	if err := json.Unmarshal(item, input); err != nil {
		if typed, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			return []Located{{Location: typed.Field, Message: "it is a " + typed.Value + " and should be a " + typed.Type.String()}}
		}
		return []Located{{Location: "", Message: "it is not an object with a candidate's fields: times are like 2026-11-06T10:00:00Z"}}
	}
	return nil
}

// checkItem returns everything that is wrong with an item of a batch, and apart from that what may be written all the same. Without an
// external id, sending a batch again would create everybody twice.
func checkItem(input *CandidateInput, keepNumbers bool) (found, warnings []Located) {
	found = checkCandidate(input)
	if written := input.Phone; keepNumbers && len(written) <= maxField && !strings.ContainsRune(written, 0) {
		unread := func(l Located) bool { return l.Location == fieldPhone }
		if i := slices.IndexFunc(found, unread); i >= 0 {
			warnings, found = found[i:i+1:i+1], slices.DeleteFunc(slices.Clone(found), unread)
		}
	}
	if input.ExternalID == "" {
		found = append(found, Located{Location: "external_id", Message: "it is missing"})
	}
	for name := range input.present {
		if !candidateFields()[name] {
			found = append(found, Located{Location: name, Message: "there is no such field"})
		}
	}
	return found, warnings
}

func candidateFields() map[string]bool {
	return map[string]bool{
		"external_id": true, "first_name": true, "last_name": true, "email": true, "phone": true, "country": true, "region": true, "city": true,
		"time_zone": true, "locale": true, "status": true, "source": true, "owner": true, "seniority": true, "functions": true, "skills": true,
		"tags": true, "attributes": true, "legal_hold": true, "consents": true, "created_at": true, "last_activity_at": true, "last_decision_at": true,
	}
}

func (r *CandidateResult) became(u *store.Upserted) {
	r.ID = u.ID
	switch {
	case u.Err != nil:
		p := problemOf(u.Err)
		r.Errors = []Located{{Message: p.Error()}}
	case u.Created:
		r.Status = "created"
	case len(u.Changed) > 0:
		r.Status = "changed"
	default:
		r.Status = "unchanged"
	}
}

func (s *server) listCandidates(ctx context.Context, in *struct {
	Paging
	Query  string `query:"q" maxLength:"200" doc:"Part of a name, an email address, a number or an external id."`
	Status string `query:"status" maxLength:"200"`
},
) (*body[Page[crm.Candidate]], error) {
	items, next, err := s.Store.ListCandidates(ctx, store.CandidateFilter{Query: in.Query, Status: in.Status, Limit: in.Limit, After: in.After})
	if err == nil {
		err = s.score(ctx, items)
	}
	return pageOf(items, next, err)
}

// score makes the scores of candidates those that they are worth now, in whole points, as conditions see them.
func (s *server) score(ctx context.Context, candidates []crm.Candidate) error {
	set, err := s.inForce.get(ctx)
	if err != nil {
		return err
	}
	for i := range candidates {
		c := &candidates[i]
		c.Score, c.ScoredAt = math.Round(set.Workspace.Score(c, s.Now())), time.Time{}
	}
	return nil
}

func (s *server) getCandidate(ctx context.Context, in *CandidateRef) (*body[CandidateDetails], error) {
	c, consents, err := s.Store.Candidate(ctx, in.ID)
	if err != nil {
		return nil, problemOf(err)
	}
	shown := []crm.Candidate{c}
	if err := s.score(ctx, shown); err != nil {
		return nil, problemOf(err)
	}
	return &body[CandidateDetails]{Body: CandidateDetails{Candidate: shown[0], Consents: notNil(consents)}}, nil
}

func (s *server) mergeCandidate(ctx context.Context, in *struct {
	CandidateRef
	Body CandidateMerge
},
) (*body[MergedCandidate], error) {
	set, err := s.inForce.get(ctx)
	if err != nil {
		return nil, problemOf(err)
	}
	now := s.Now()
	worth := func(c *crm.Candidate) float64 { return set.Workspace.Score(c, now) }
	merged, err := s.Store.Merge(ctx, in.ID, in.Body.Into, caller(ctx), now, worth)
	if err != nil {
		return nil, problemOf(err)
	}
	return &body[MergedCandidate]{Body: MergedCandidate{ID: merged.ID, Merged: !merged.Already}}, nil
}

func pageOf[T any](items []T, next string, err error) (*body[Page[T]], error) {
	if err != nil {
		return nil, problemOf(err)
	}
	return &body[Page[T]]{Body: Page[T]{Items: notNil(items), Next: next}}, nil
}

// notNil makes an empty list of no list: JSON has [] for it, not null.
func notNil[T any](items []T) []T {
	if items == nil {
		return []T{}
	}
	return items
}
