package dsl

import (
	"fmt"
	"regexp"
	"slices"

	"go.yaml.in/yaml/v4"

	"github.com/rapport-crm/rapport/crm"
)

var countryPattern = regexp.MustCompile(`^[A-Z]{2}$`)

// Controller is who is responsible for the data (GDPR Art. 4(7)). What is not said is "".
type Controller struct {
	Name, Address, Email       string
	Country                    string // ISO 3166-1, two letters
	Joint, Representative, DPO string
	Transactional              string   // the legal basis of what is transactional, in words
	Measures                   []string // beside Rapport's own
}

// Field is what the workspace says of an attribute of candidates.
type Field struct {
	Category crm.Category
	Purpose  string // a purpose of the workspace, or transactional
	Note     string
}

// Recipient is somebody else who gets data. What is not said is "".
type Recipient struct {
	Name, For, Country, Safeguard string
}

// Recipients that Rapport itself hands data to; others are hosts that steps call, or of the installation's own.
const (
	RecipientSendGrid  = "sendgrid"
	RecipientSMTP      = "smtp"
	RecipientTwilio    = "twilio"
	RecipientATS       = "ats"
	RecipientCalendars = "calendars"
)

// processing reads what the workspace says for the record of processing.
func (r *docReader) processing(m *mapping, ws *Workspace) {
	if n := m.get("controller"); n != nil {
		ws.Controller = r.controller(n)
	}
	if n := m.get("fields"); n != nil {
		r.fields(n, ws)
	}
	if n := m.get("recipients"); n != nil {
		r.recipients(n, ws)
	}
}

func (r *docReader) controller(n *yaml.Node) (c Controller) {
	m := r.mapping(n, placeController)
	if m == nil {
		return c
	}
	for key, to := range map[string]*string{"name": &c.Name, "address": &c.Address, "joint": &c.Joint, "representative": &c.Representative, "dpo": &c.DPO, "transactional": &c.Transactional} {
		if v := m.get(key); v != nil {
			*to, _ = r.text(v, key)
		}
	}
	if v := m.get("email"); v != nil {
		c.Email = r.emailAddress(v, "email")
	}
	if v := m.get("country"); v != nil {
		c.Country = r.country(v)
	}
	if v := m.get("measures"); v != nil {
		entries := r.list(v, "measures", false)
		if v.Kind == yaml.SequenceNode && len(entries) == 0 {
			r.add(v, codeNoSteps, "This list names no measure.", "Take it out, or say what protects the data.")
		}
		for _, e := range entries {
			if t, ok := r.text(e, "a measure"); ok {
				c.Measures = append(c.Measures, t)
			}
		}
	}
	return c
}

// country reads a country of ISO 3166-1.
func (r *docReader) country(n *yaml.Node) string {
	t, ok := r.text(n, "country")
	if ok && !countryPattern.MatchString(t) {
		r.add(n, codeValue, fmt.Sprintf("%q is not a country.", clip(t)), "Write the two capital letters of ISO 3166-1, such as GB.")
		return ""
	}
	return t
}

// fields reads of what kind attributes are. An empty mapping says as well that there are none.
func (r *docReader) fields(n *yaml.Node, ws *Workspace) {
	entries, _ := r.entries(n, "fields")
	ws.Fields = make(map[string]Field, len(entries))
	known := append(purposeNames(ws), crm.PurposeTransactional)
	for _, e := range entries {
		name, ok := r.text(e.key, "the name of a field")
		m := r.mapping(e.value, placeField)
		if m == nil || m.incomplete || !ok {
			continue
		}
		f := Field{Category: crm.Category(r.choice(m.get("category"), placeField, "category")), Purpose: r.name(m.get("purpose"))}
		if namePattern.MatchString(f.Purpose) && !slices.Contains(known, f.Purpose) {
			r.add(m.get("purpose"), codePurpose, fmt.Sprintf("There is no purpose %q.", clip(f.Purpose)), suggest(f.Purpose, known))
		}
		if note := m.get("note"); note != nil {
			f.Note, _ = r.text(note, "note")
		}
		ws.Fields[name] = f
	}
}

// recipients reads who else gets data. Any name may stand there, so one that is nearly that of a known recipient is only doubted.
func (r *docReader) recipients(n *yaml.Node, ws *Workspace) {
	entries, _ := r.entries(n, "recipients")
	ws.Recipients = make(map[string]Recipient, len(entries))
	known := []string{RecipientSendGrid, RecipientSMTP, RecipientTwilio, RecipientATS, RecipientCalendars}
	for _, e := range entries {
		name, ok := r.text(e.key, "the name of a recipient")
		m := r.mapping(e.value, placeRecipient)
		if m == nil || !ok {
			continue
		}
		if near := nearest(name, known); near != "" && !slices.Contains(known, name) {
			r.warn(e.key, codeValue, fmt.Sprintf("Rapport hands no data to %q by itself.", clip(name)), fmt.Sprintf("Did you mean %q?", near))
		}
		var x Recipient
		for key, to := range map[string]*string{"name": &x.Name, "for": &x.For, "safeguard": &x.Safeguard} {
			if v := m.get(key); v != nil {
				*to, _ = r.text(v, key)
			}
		}
		if v := m.get("country"); v != nil {
			x.Country = r.country(v)
		}
		ws.Recipients[name] = x
	}
}
