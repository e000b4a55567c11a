package dsl

import (
	"cmp"
	"math"
	"net/mail"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rapport-crm/rapport/crm"
)

// Workspace is the workspace document: what holds for every definition of an installation. It is read live, so a change
// is in force at the next decision of every run.
type Workspace struct {
	Name       string
	Locale     string // BCP 47, of Rapport's own pages and mails where the candidate's is not known; "": English
	Calendar   *Calendar
	QuietEmail *Span // nil: no quiet hours
	QuietSMS   *Span // default 21:00-08:00
	Limit      *Limit
	Purposes   map[string]Purpose
	Track      map[string]Tracking // by purpose: where it is not the default; see Tracks
	From       From
	Privacy    string            // address of who answers requests for erasure; "": the candidate's owner
	Team       map[string]Person // by address, in lower case
	Statuses   []string          // nil: any
	Scoring    *Scoring          // nil: only updates change a score
	Controller Controller
	Fields     map[string]Field     // attributes of candidates, by name; nil: none is declared
	Recipients map[string]Recipient // by name, or host
}

// Scoring is how engagement is counted: points for events, which lose half their value in every Decay.
type Scoring struct {
	Decay  time.Duration      // zero: points keep their value
	Points map[string]float64 // by event type
}

// Score returns what a candidate's score is worth at a moment.
func (ws *Workspace) Score(c *crm.Candidate, at time.Time) float64 {
	if ws == nil || ws.Scoring == nil {
		return c.Score
	}
	return ws.Scoring.worth(c.Score, c.ScoredAt, at)
}

// worth returns what points that were given at one moment are worth at another.
func (s *Scoring) worth(points float64, given, at time.Time) float64 {
	if s.Decay <= 0 || given.IsZero() || !at.After(given) {
		return points
	}
	return points * math.Exp2(-float64(at.Sub(given))/float64(s.Decay))
}

// Purpose is what a candidate can agree to hear about.
type Purpose struct {
	Basis   crm.Basis
	Wording string
	// DoubleOptIn has a consent that somebody else reports confirmed by the candidate before it counts.
	DoubleOptIn bool
	Expires     Duration // of a legitimate interest, from the candidate's creation; zero: never
}

// Person is somebody who owns candidates or sequences.
type Person struct {
	Email string
	Name  string // "" when only the address is known
	Phone string // E.164, or ""
}

// Person returns who has an email address, as far as the workspace knows. Without an address it is nobody.
func (ws *Workspace) Person(email string) Person {
	p := Person{Email: email}
	if ws != nil {
		known := ws.Team[strings.ToLower(email)]
		p.Name, p.Phone = known.Name, known.Phone
	}
	return p
}

// From is who writes.
type From struct {
	Email    string // address, with or without a display name (RFC 5322 mailbox)
	SMS      string // E.164
	SMSPrice Price  // of one part of a text message
	Address  string // the postal address that commercial mail must carry (CAN-SPAM, 16 CFR 316.2(p))
}

// Company returns who writes: the name of the sender of email, else the workspace's, and the address.
func (ws *Workspace) Company() (name, address string) {
	from, err := mail.ParseAddress(ws.From.Email)
	if err != nil {
		return ws.Name, ""
	}
	return cmp.Or(from.Name, ws.Name), from.Address
}

// Wording is what candidates read of a purpose: the workspace's words, else its name.
func (ws *Workspace) Wording(purpose string) string {
	if w := ws.Purposes[purpose].Wording; w != "" || purpose == "" {
		return w
	}
	name := strings.ReplaceAll(purpose, "-", " ")
	first, size := utf8.DecodeRuneInString(name)
	return strings.ToUpper(string(first)) + name[size:]
}
