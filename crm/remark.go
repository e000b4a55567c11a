package crm

import "time"

// Remark is what a person wrote down about a candidate: a call, a meeting. The API calls it a note; Note is a line that explains a
// decision. It is no event: nothing follows from it.
type Remark struct {
	ID          string     `json:"id"`
	CandidateID string     `json:"candidate_id"`
	Kind        RemarkKind `json:"kind"`
	Text        string     `json:"text"`
	By          string     `json:"by"` // who wrote it: an email address, else the name of an API key
	At          time.Time  `json:"at"` // when it took place
	Source      string     `json:"source,omitempty"`
	ExternalID  string     `json:"external_id,omitempty"` // the source's id: the same pair again is the same note
	CreatedAt   time.Time  `json:"created_at"`
}

// RemarkKind says what a note is about.
type RemarkKind string

// The kinds.
const (
	RemarkCall    RemarkKind = "call"
	RemarkMeeting RemarkKind = "meeting"
	RemarkEmail   RemarkKind = "email" // that was written outside of Rapport
	RemarkNote    RemarkKind = "note"  // anything else
)
