package dsl

import (
	"github.com/rapport-crm/rapport/crm"
)

// Workspace is the workspace document: what holds for every definition of an installation. It is read live, so a change
// is in force at the next decision of every run.
type Workspace struct {
	Name       string
	Calendar   *Calendar
	QuietEmail *Span // nil: no quiet hours
	QuietSMS   *Span // default 21:00-08:00
	Limit      *Limit
	Purposes   map[string]Purpose
	From       From
	Statuses   []string // nil: any
}

// Purpose is what a candidate can agree to hear about.
type Purpose struct {
	Basis   crm.Basis
	Wording string
	Expires Duration // of a legitimate interest, from the candidate's creation; zero: never
}

// From is who writes.
type From struct {
	Email   string // address, with or without a display name (RFC 5322 mailbox)
	SMS     string // E.164
	Address string // the postal address that commercial mail must carry (CAN-SPAM, 16 CFR 316.2(p))
}
