package memory

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rapport-crm/rapport/crm"
)

// Store holds candidates and all that belongs to them. It is safe for concurrent use; what is done for one candidate waits
// for what is being done for any other.
type Store struct {
	now func() time.Time

	mu      sync.Mutex
	people  map[string]*person // by candidate id
	order   []string           // ids of the people, as they came
	runs    map[string]*run    // by enrollment id
	seen    map[[2]string]bool // events by source and external id
	settled map[[2]string]string
	made    int // events made here, for their ids
}

// person is a candidate and everything that is theirs.
type person struct {
	crm.Candidate
	position     int64
	consents     []line // by time, then as they came
	suppressions []suppression
	applications []crm.Application
	events       []stored // as they arrived
	runs         []*run   // as they began
	messages     []*crm.Message
	tasks        []*crm.Task
	pools        []string // sorted
}

// run is an enrollment with its decisions.
type run struct {
	crm.Enrollment
	withdrawn bool
	decisions []crm.Decision // by seq, from 1
	calls     []crm.CallResult
	assigned  []Assigned
	meetings  []crm.Meeting
}

// Assigned is the arm of an experiment that a run was given, and when its measure was met.
type Assigned struct {
	crm.Assignment
	MeasuredAt time.Time
}

// stored is an event with what became of it.
type stored struct {
	crm.Event
	aside string
}

// line is a line of a consent history, with the opt-out that caused it, if one did.
type line struct {
	crm.Consent
	cause crm.SuppressionReason
}

// suppression is an address that must not be written to.
type suppression struct {
	crm.Suppression
	address string // in its normal form
}

// New returns an empty store that takes its time from now.
func New(now func() time.Time) *Store {
	return &Store{
		now: now, people: map[string]*person{}, runs: map[string]*run{}, seen: map[[2]string]bool{}, settled: map[[2]string]string{},
	}
}

// Seed is a candidate as they are before anything happens, without an event that tells of it.
type Seed struct {
	Candidate    crm.Candidate
	Consents     []crm.Consent
	Applications []crm.Application
	Pools        []string
}

// Add adds a candidate. The error has crm.CodeConflict when there is one with the id.
func (s *Store) Add(seed Seed) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := seed.Candidate.ID
	if s.people[id] != nil || id == "" {
		return &crm.Error{Code: crm.CodeConflict, Message: "There is a candidate with this id.", Next: "Use another one."}
	}
	p := &person{Candidate: plainCandidate(seed.Candidate), applications: slices.Clone(seed.Applications)}
	for i := range p.applications {
		p.applications[i].CandidateID = id
	}
	slices.SortFunc(p.applications, func(a, b crm.Application) int { return cmp.Compare(a.ID, b.ID) })
	for _, c := range seed.Consents {
		c.CandidateID = id
		p.addConsent(line{Consent: c})
	}
	p.pools = slices.Compact(slices.Sorted(slices.Values(seed.Pools)))
	s.people[id], s.order = p, append(s.order, id)
	return nil
}

// Settle gives every later run of a definition the same arm of an experiment.
func (s *Store) Settle(definition, step, arm string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, done := s.settled[[2]string{definition, step}]; !done {
		s.settled[[2]string{definition, step}] = arm
	}
}

func notFound(message string) error {
	return &crm.Error{Code: crm.CodeNotFound, Message: message, Next: "Check the id."}
}

func conflict(message, next string) error {
	return &crm.Error{Code: crm.CodeConflict, Message: message, Next: next}
}

// instant brings a time to the form in which Postgres gives it back.
func instant(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.UTC().Truncate(time.Microsecond)
}

// plain brings free data to the form in which JSON is read: lists of any, numbers as float64.
func plain[T any](value T) (T, error) {
	var read T
	text, err := json.Marshal(value)
	if err != nil {
		return read, fmt.Errorf("encode data: %w", err)
	}
	if err := json.Unmarshal(text, &read); err != nil {
		return read, fmt.Errorf("encode data: %w", err)
	}
	return read, nil
}

func plainCandidate(c crm.Candidate) crm.Candidate {
	if len(c.Attributes) > 0 {
		if read, err := plain(c.Attributes); err == nil {
			c.Attributes = read
		} else {
			c.Attributes = maps.Clone(c.Attributes)
		}
	}
	for _, t := range []*time.Time{&c.PausedUntil, &c.ScoredAt, &c.CreatedAt, &c.UpdatedAt, &c.LastActivityAt, &c.LastContactedAt, &c.LastDecisionAt} {
		*t = instant(*t)
	}
	return c
}

// fact is an event that Rapport makes itself.
func (s *Store) fact(eventType, candidateID string, at time.Time, data map[string]any) crm.Event {
	s.made++
	id := crm.DeriveID(crm.PrefixEvent, at, eventType, candidateID, strconv.Itoa(s.made))
	return crm.Event{
		ID: id, Source: crm.SourceRapport, ExternalID: id, Type: eventType, Subject: candidateID, CandidateID: candidateID,
		Time: instant(at), ReceivedAt: instant(at), Data: data,
	}
}

// queue adds an event to its candidate's queue. One that was there before, by source and external id, is left out.
func (s *Store) queue(e crm.Event) error {
	identity := [2]string{e.Source, e.ExternalID}
	p := s.people[e.CandidateID]
	if p == nil || s.seen[identity] {
		return nil
	}
	data, err := plain(e.Data)
	if err != nil {
		return err
	}
	if e.Data = data; data == nil {
		e.Data = map[string]any{}
	}
	e.Time, e.ReceivedAt = instant(e.Time), instant(e.ReceivedAt)
	s.seen[identity] = true
	p.events = append(p.events, stored{Event: e})
	return nil
}

// message returns a message of the candidate, or nil.
func (p *person) message(id string) *crm.Message {
	for _, m := range p.messages {
		if m.ID == id {
			return m
		}
	}
	return nil
}

// joined returns an event with the message that it is about. A source cannot speak of somebody else's.
func (p *person) joined(e crm.Event) crm.Event {
	if strings.HasPrefix(e.Type, "message.") {
		if m := p.message(e.Text("message")); m != nil {
			e.EnrollmentID, e.Step = m.EnrollmentID, m.Step
		}
	}
	return e
}
