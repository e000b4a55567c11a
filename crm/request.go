package crm

import (
	"slices"
	"strings"
	"time"
)

// RequestKind is a right that a candidate makes use of.
type RequestKind string

// The kinds.
const (
	RequestAccess        RequestKind = "access"        // GDPR Art. 15
	RequestPortability   RequestKind = "portability"   // GDPR Art. 20
	RequestRectification RequestKind = "rectification" // GDPR Art. 16
	RequestRestriction   RequestKind = "restriction"   // GDPR Art. 18
	RequestObjection     RequestKind = "objection"     // GDPR Art. 21
	RequestDeletion      RequestKind = "deletion"      // GDPR Art. 17
)

// RequestKinds lists the kinds in the order in which people are shown them.
func RequestKinds() []RequestKind {
	return []RequestKind{RequestAccess, RequestPortability, RequestRectification, RequestRestriction, RequestObjection, RequestDeletion}
}

// RequestState is how far a request has come.
type RequestState string

// The states.
const (
	RequestVerifying RequestState = "verifying" // the known address was asked
	RequestOpen      RequestState = "open"      // it is theirs; it is to be answered
	RequestAnswered  RequestState = "answered"
	RequestRefused   RequestState = "refused"
	RequestWithdrawn RequestState = "withdrawn"
)

// Time limits of requests.
const (
	RequestDays            = 30 // within one month of receipt (GDPR Art. 12(3)), and within these days
	RequestExtensionMonths = 2  // by which that may be extended (GDPR Art. 12(3))
	RequestLinkDays        = 7  // how long a link that confirms a request, or opens the answer, works
	// RequestAgainDays is how long a deletion rests that something stands against of which nobody knows when it ends.
	RequestAgainDays = 30
	// RequestTellHours is how long a deletion waits for the mail that tells of it: nights and weekends are shorter.
	RequestTellHours = 72
)

// Types of events of requests. Their data is the request's id, kind and due date; nothing that a candidate wrote.
const (
	EventRequestReceived = "request.received" // data: verify, whether they are to be asked if it was them
	EventRequestReady    = "request.ready"    // the copy of the data can be fetched
	EventRequestClosed   = "request.closed"   // data: state, ground, tell
	EventRequestExtended = "request.extended" // data: tell
	EventRequestDeleting = "request.deleting" // the data is about to be deleted; data: tell
	EventRequestKept     = "request.kept"     // a deletion that was refused cannot be done yet either; data: ground, tell
)

// TaskRequest is the step of a task that asks the privacy contact to answer a request.
const TaskRequest = "request"

// PrivacyRequest is one use of a right by a candidate.
type PrivacyRequest struct {
	ID          string       `json:"id"`
	CandidateID string       `json:"candidate_id"`
	ExternalID  string       `json:"external_id,omitempty"` // the candidate's, where there is one; as it is read, not as it is written
	Kind        RequestKind  `json:"kind"`
	State       RequestState `json:"state"`
	Purpose     string       `json:"purpose,omitempty"` // that is objected to; "": all of them
	Wish        string       `json:"wish,omitempty"`    // in the candidate's own words
	Source      string       `json:"source"`            // where it came in
	By          string       `json:"by,omitempty"`      // who wrote it down, if not the candidate
	ReceivedAt  time.Time    `json:"received_at"`
	VerifiedAt  time.Time    `json:"verified_at,omitzero"`
	VerifiedBy  string       `json:"verified_by,omitempty"` // the message whose link they used, or who looked at it
	DueAt       time.Time    `json:"due_at"`
	ExtendedAt  time.Time    `json:"extended_at,omitzero"`
	ExtendedWhy string       `json:"extended_why,omitempty"`
	ClosedAt    time.Time    `json:"closed_at,omitzero"`
	ClosedBy    string       `json:"closed_by,omitempty"`
	Ground      RefusalCode  `json:"ground,omitempty"`    // of a refusal
	Answer      string       `json:"answer,omitempty"`    // what the candidate is told
	KeptUntil   time.Time    `json:"kept_until,omitzero"` // of a refused deletion: until when the data is kept; zero: that is not known, or a hold keeps it
	KeptBy      string       `json:"kept_by,omitempty"`   // what that law is, as the policy names its basis
	AgainAt     time.Time    `json:"again_at,omitzero"`   // of a refused deletion: when it is looked at again; zero: never
	ToldAt      time.Time    `json:"told_at,omitzero"`    // of a deletion: since when the candidate is being told of it
	Reminded    int          `json:"-"`                   // how many reminders of DueAt are out
}

// WorkflowID is the id of the request's workflow: request/<id>.
func (r *PrivacyRequest) WorkflowID() string { return "request/" + r.ID }

// Who closes requests where no person does.
const (
	ByRapport = "rapport"                  // what needs nobody is answered
	ByRequest = "request of the candidate" // a deletion that they asked for is done, or refused
)

// ByPerson tells whether a person has closed it, whose words the answer are.
func (r *PrivacyRequest) ByPerson() bool {
	return r.Closed() && r.ClosedBy != ByRapport && r.ClosedBy != ByRequest
}

// Closed tells whether it was answered, refused or withdrawn.
func (r *PrivacyRequest) Closed() bool {
	return r.State == RequestAnswered || r.State == RequestRefused || r.State == RequestWithdrawn
}

// RequestDue is by when a request that was received at a moment must be answered: after 30 days, or after a month where that is shorter.
// A month from 31 January ends on the last day of February (Regulation (EEC, Euratom) No 1182/71, Art. 3(2)(c)).
func RequestDue(received time.Time) time.Time {
	days, month := received.AddDate(0, 0, RequestDays), addMonths(received, 1)
	if month.Before(days) {
		return month
	}
	return days
}

// RequestExtended is the due date of one that was extended: two months later.
func RequestExtended(due time.Time) time.Time { return addMonths(due, RequestExtensionMonths) }

// addMonths is the same day some months later, or the last day of that month where it has no such day.
func addMonths(t time.Time, months int) time.Time {
	later := t.AddDate(0, months, 0)
	if later.Day() != t.Day() { // 31 December and two months are 3 March to Go
		later = later.AddDate(0, 0, -later.Day())
	}
	return later
}

// RequestReminders are the moments at which the privacy contact is reminded of a due date: seven and two days before, and when it has
// passed.
func RequestReminders(due time.Time) []time.Time {
	return []time.Time{due.AddDate(0, 0, -7), due.AddDate(0, 0, -2), due}
}

// Bounds of what is written down about a request, in bytes.
const (
	maxWish   = 8000
	maxAnswer = 8000
)

// Check says what is wrong with a request that is to be opened. The error has CodeInvalid.
func (r *PrivacyRequest) Check() error {
	switch {
	case !slices.Contains(RequestKinds(), r.Kind):
		return &Error{Code: CodeInvalid, Message: "There is no such kind of request.", Next: "Say access, portability, rectification, restriction, objection or deletion."}
	case r.Kind == RequestRectification && strings.TrimSpace(r.Wish) == "":
		return &Error{Code: CodeInvalid, Message: "It is not said what is to be corrected.", Next: "Write what is wrong and what is right."}
	case r.Purpose != "" && r.Kind != RequestObjection:
		return &Error{Code: CodeInvalid, Message: "Only an objection is to one purpose.", Next: "Leave the purpose out."}
	case len(r.Wish) > maxWish:
		return &Error{Code: CodeInvalid, Message: "The text is too long.", Next: "Use at most 8,000 bytes."}
	}
	return nil
}

// CheckAnswer says what is wrong with what a candidate is to be told. The error has CodeInvalid.
func CheckAnswer(answer string, needed bool) error {
	switch {
	case needed && strings.TrimSpace(answer) == "":
		return &Error{Code: CodeInvalid, Message: "It is not said what was done.", Next: "Write what has changed, for the candidate to read."}
	case len(answer) > maxAnswer:
		return &Error{Code: CodeInvalid, Message: "The answer is too long.", Next: "Use at most 8,000 bytes."}
	}
	return nil
}

// RefusalCode is a ground on which a request may be refused.
type RefusalCode string

// The grounds.
const (
	RefusalIdentity    RefusalCode = "identity_not_shown"
	RefusalUnfounded   RefusalCode = "unfounded"
	RefusalExcessive   RefusalCode = "excessive"
	RefusalOthers      RefusalCode = "rights_of_others"
	RefusalObligation  RefusalCode = "legal_obligation"
	RefusalClaims      RefusalCode = "legal_claims"
	RefusalCompelling  RefusalCode = "compelling_grounds"
	RefusalNotPortable RefusalCode = "not_portable"
	RefusalAccurate    RefusalCode = "data_accurate"
	RefusalNoCondition RefusalCode = "no_ground_for_restriction"
	RefusalStillNeeded RefusalCode = "still_needed"
	RefusalPublic      RefusalCode = "public_interest"
)

// Refusal is a ground with what it rests on.
type Refusal struct {
	Code    RefusalCode   `json:"code"`
	Article string        `json:"article"` // of Regulation (EU) 2016/679
	Text    string        `json:"text"`
	Kinds   []RequestKind `json:"kinds"` // that it can be said to
}

// Refusals lists the grounds. There is no other: a refusal says which of them (GDPR Art. 12(4)).
func Refusals() []Refusal {
	return []Refusal{
		{RefusalIdentity, "12(6), 11(2)", "The person who asks cannot be identified.", RequestKinds()},
		{RefusalUnfounded, "12(5)(b)", "The request is manifestly unfounded.", RequestKinds()},
		{RefusalExcessive, "12(5)(b)", "The request is excessive, in particular because it is repeated.", RequestKinds()},
		{RefusalOthers, "15(4), 20(4)", "It would adversely affect the rights and freedoms of others.", []RequestKind{RequestAccess, RequestPortability}},
		{RefusalNotPortable, "20(1)", "The data is not processed on consent or a contract, or was not provided by the candidate.", []RequestKind{RequestPortability}},
		{RefusalAccurate, "16", "The data is accurate and complete.", []RequestKind{RequestRectification}},
		{RefusalNoCondition, "18(1)", "None of the conditions of a restriction is met.", []RequestKind{RequestRestriction}},
		{RefusalCompelling, "21(1)", "There are compelling legitimate grounds that override the candidate's interests.", []RequestKind{RequestObjection}},
		{RefusalObligation, "17(3)(b)", "A law requires that the data is kept.", []RequestKind{RequestDeletion}},
		{RefusalClaims, "17(3)(e), 21(1)", "The data is needed for the establishment, exercise or defence of legal claims.", []RequestKind{RequestDeletion, RequestObjection}},
		{RefusalPublic, "17(3)(c), (d)", "The data is needed for public health, archiving or research in the public interest.", []RequestKind{RequestDeletion}},
		{RefusalStillNeeded, "17(1)", "None of the grounds for deletion applies: the data is still needed for what it was collected for.", []RequestKind{RequestDeletion}},
	}
}

// CheckRefusal says what is wrong with a ground on which a request of a kind is to be refused. The error has CodeInvalid.
func CheckRefusal(kind RequestKind, code RefusalCode) error {
	var fit []string
	for _, r := range Refusals() {
		if !slices.Contains(r.Kinds, kind) {
			continue
		}
		if r.Code == code {
			return nil
		}
		fit = append(fit, string(r.Code))
	}
	return &Error{Code: CodeInvalid, Message: "A refusal needs a ground that the law has for such a request.", Next: "Say one of " + strings.Join(fit, ", ") + "."}
}

// Decline is a person's refusal of a request.
type Decline struct {
	Ground RefusalCode
	Answer string    // for the candidate to read
	Until  time.Time // of a deletion: when the ground ends, and it is done without being asked for again; zero: that is not known
	By     string
	// Verified says that By is sure who asks. Until needs that, unless it was known before: the deletion would be done on that day.
	Verified bool
}

// Check says what is wrong with refusing a request so. The error has CodeInvalid.
func (d *Decline) Check(r *PrivacyRequest, now time.Time) error {
	if err := CheckRefusal(r.Kind, d.Ground); err != nil {
		return err
	}
	if err := CheckAnswer(d.Answer, false); err != nil || d.Until.IsZero() {
		return err
	}
	switch {
	case r.Kind != RequestDeletion:
		return &Error{Code: CodeInvalid, Message: "Only a deletion is refused until a day.", Next: "Leave the day out."}
	case !slices.Contains([]RefusalCode{RefusalObligation, RefusalClaims, RefusalPublic, RefusalStillNeeded}, d.Ground):
		return &Error{Code: CodeInvalid, Message: "A refusal on this ground does not end by itself.", Next: "Leave the day out, or say another ground."}
	case r.VerifiedAt.IsZero() && !d.Verified:
		return &Error{Code: CodeInvalid, Message: "It is not known yet who asks, so nothing may be deleted on that day.", Next: "Say verified if you are sure who asks, or leave the day out."}
	case !d.Until.After(now):
		return &Error{Code: CodeInvalid, Message: "The day until which the data is kept has passed.", Next: "Say one that is to come, or let the deletion be done."}
	}
	return nil
}

// Keeping is what stands against a deletion that a candidate has asked for. The zero Keeping is nothing.
type Keeping struct {
	Ground RefusalCode
	By     string    // the law, as the policy names its basis; "" of a claim
	Until  time.Time // that the candidate is told; zero: it is not known, or they are not told
	Again  time.Time // when it is to be looked at again
}

// Stands tells whether it is a deletion that was refused for a time, and is done when what stands against it has ended.
func (r *PrivacyRequest) Stands() bool {
	return r.Kind == RequestDeletion && r.State == RequestRefused && !r.AgainAt.IsZero()
}

// AdvancedRequest is a request once it was looked at what it needs now.
type AdvancedRequest struct {
	PrivacyRequest
	Seen      int64     // the wake-up that was looked at
	At        time.Time // when it was looked at
	Reachable bool      // there is an address for mail that takes it
	Telling   bool      // the mail that tells of the deletion is not out yet
}

// Erases tells whether the request is to be answered by an erasure now.
func (r *AdvancedRequest) Erases() bool {
	return r.Kind == RequestDeletion && r.State == RequestOpen || r.Stands() && !r.At.Before(r.AgainAt)
}

// RemindsNext is the moment of the next reminder; zero: all are out.
func (r *AdvancedRequest) RemindsNext() time.Time {
	if reminders := RequestReminders(r.DueAt); r.Reminded < len(reminders) {
		return reminders[r.Reminded]
	}
	return time.Time{}
}

// RequestInput asks what a request needs now.
type RequestInput struct {
	RequestID string `json:"request_id"`
}

// RequestStep is what the workflow of a request does next: it waits until a time, or ends.
type RequestStep struct {
	Done    bool      `json:"done,omitempty"`
	Outcome string    `json:"outcome,omitempty"` // a state, or erased
	Seen    int64     `json:"seen,omitempty"`    // the wake-up that was looked at
	Until   time.Time `json:"until,omitzero"`    // by the real clock
	Summary string    `json:"summary,omitempty"`
}
