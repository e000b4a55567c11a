package dsl

import (
	"fmt"
	"maps"
	"net/mail"
	"slices"
	"strings"
	"time"

	"github.com/rapport-crm/rapport/crm"
)

// Preview is a message as it would go to a candidate.
type Preview struct {
	Name     string      `json:"name"`
	Locale   string      `json:"locale,omitempty" doc:"Of the version that the candidate reads; empty: the one for everybody."`
	Channel  crm.Channel `json:"channel" enum:"email,sms"`
	From     string      `json:"from"`
	To       string      `json:"to,omitempty"`
	Subject  string      `json:"subject,omitempty"`
	Preview  string      `json:"preview,omitempty" doc:"What mail programs show behind the subject."`
	HTML     string      `json:"html,omitempty" doc:"A complete page."`
	Text     string      `json:"text" doc:"The text part of an email, or the text message."`
	Segments int         `json:"segments,omitempty" doc:"Of a text message: as how many it is sent and paid for."`
	Unicode  bool        `json:"unicode,omitempty" doc:"It has a character that phones do not have in their alphabet, which more than halves what a segment holds."`
	Price    string      `json:"price,omitempty" doc:"Of a text message, when the workspace knows what a segment costs: 0.08 GBP."`
	Links    []string    `json:"links,omitempty"`
}

// Preview renders a message for a candidate. What only a run would know, such as the data of the event that enrolled or the
// time of an interview, stands in square brackets; links lead nowhere. It is nil when the message does not exist.
func (s *Set) Preview(name string, c *crm.Candidate, now time.Time) (*Preview, error) {
	t := s.Template(name, c.Locale)
	if t == nil {
		return nil, nil //nolint:nilnil // as said
	}
	use := s.useOf(t)
	candidate := *c
	candidate.Score = s.Workspace.Score(c, now)
	owner := use.owner
	if c.Owner != "" {
		owner = c.Owner
	}
	person := s.Workspace.Person(owner)
	vars := Vars(&candidate, sampleApplication(c, now), sampleRun(t), person, sampleLinks())
	vars["interview"] = map[string]any{"starts_at": now.AddDate(0, 0, 2), "ends_at": now.AddDate(0, 0, 2).Add(time.Hour), "place": "[place]", "with": "[with]"}
	vars["retention"] = map[string]any{"due": now.AddDate(0, 1, 0)}
	vars["survey"] = map[string]any{"intro": "[intro]"}
	var footer *Footer
	var from From
	if s.Workspace != nil {
		from = s.Workspace.From
	}
	if t.Channel == crm.Email && !use.transactional {
		footer = &Footer{Address: from.Address, Unsubscribe: sampleLink + "unsubscribe", Preferences: sampleLink + "preferences"}
	}
	r, err := t.Render(vars, footer)
	if err != nil {
		return nil, fmt.Errorf("render %s: %w", name, err)
	}
	p := &Preview{
		Name: name, Locale: t.Locale, Channel: t.Channel, From: from.SMS, To: c.Address(t.Channel),
		Subject: r.Subject, Preview: r.Preview, HTML: r.HTML, Text: r.Text, Links: r.Links,
	}
	if t.Channel == crm.SMS {
		p.Segments, p.Unicode = SMSSegments(p.Text)
		p.Price = from.SMSPrice.Of(p.Segments).String()
		return p, nil
	}
	p.From = s.Workspace.Sender(person, use.fromOwner)
	return p, nil
}

// Sender is what From says (RFC 5322, 3.6.2). Only the address that the workspace has authenticated is ever in it: a person
// writes "via" it, or their mail would fail DMARC (RFC 7489, 3.1).
func (ws *Workspace) Sender(owner Person, fromOwner bool) string {
	if ws == nil {
		return ""
	}
	from, err := mail.ParseAddress(ws.From.Email)
	if err != nil || !fromOwner || owner.Name == "" {
		return ws.From.Email
	}
	name := owner.Name
	if from.Name != "" {
		name += " via " + from.Name
	}
	return (&mail.Address{Name: name, Address: from.Address}).String()
}

// use is how a message is sent.
type use struct {
	owner         string
	transactional bool // only ever
	fromOwner     bool
}

// useOf looks for the sequences that send a message. Where they differ, what more candidates see is shown: the footer.
func (s *Set) useOf(t *Template) use {
	u := use{transactional: slices.ContainsFunc(t.needs, func(v string) bool { return slices.Contains(interviewVariables(), v) })}
	used := false
	for _, name := range slices.Sorted(maps.Keys(s.Programs)) {
		p := s.Programs[name]
		for i := range p.Code {
			send := p.Code[i].Send
			if send == nil || !slices.Contains(send.Use, t.Name) {
				continue
			}
			transactional := p.Purpose == crm.PurposeTransactional
			if !used || u.transactional && !transactional {
				u = use{owner: p.Owner, transactional: transactional, fromOwner: send.FromOwner}
			}
			used = true
		}
	}
	return u
}

const sampleLink = "https://preview.invalid/" // RFC 2606: never a host

func sampleLinks() map[string]string {
	links := map[string]string{}
	for _, name := range []string{"preferences", "schedule", "consent", "profile", "survey", "request"} {
		links[name] = sampleLink + name
	}
	return links
}

// sampleRun has the data that the message shows, by name.
func sampleRun(t *Template) *crm.Enrollment {
	data := map[string]any{}
	for _, name := range t.data {
		data[name] = "[" + name + "]"
		if strings.HasSuffix(name, "url") {
			data[name] = sampleLink + name
		}
	}
	return &crm.Enrollment{Event: &crm.Event{Data: data}}
}

// sampleApplication stands for the one that a run would be about.
func sampleApplication(c *crm.Candidate, now time.Time) *crm.Application {
	return &crm.Application{
		CandidateID: c.ID, Role: "[role]", RoleFunction: "[role_function]", Stage: "[stage]", Status: "open", Reason: "[reason]", AppliedAt: now.AddDate(0, 0, -14),
	}
}

// SampleCandidate is somebody who does not exist, to preview messages without a server.
func SampleCandidate(locale string) crm.Candidate {
	return crm.Candidate{
		ID: "cnd_sample", FirstName: "Sarah", LastName: "Example", Email: "sarah@example.com", Phone: "+447700900123", Country: "GB",
		Region: "North West", City: "Manchester", TimeZone: "Europe/London", Locale: locale, Functions: []string{"nursing"}, Skills: []string{"theatre"},
	}
}
