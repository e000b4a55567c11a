package dsl

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/yuin/goldmark"

	"github.com/rapport-crm/rapport/crm"
)

// Template is a message, compiled: a document of kind message in one language, or what a step says itself. It is immutable
// and safe for concurrent use.
type Template struct {
	Name    string // "" when written in a step
	Locale  string // BCP 47, or ""
	Hash    string // of its content
	Channel crm.Channel
	Subject *Text // nil for SMS
	Preview *Text // nil when there is none
	Body    *Text // Markdown for email; HTML when it was written in MJML

	data     []string          // fields of enrollment.event.data that it shows
	needs    []string          // variables that it shows and only some places have
	shows    []string          // attributes of candidates that it shows
	markdown goldmark.Markdown // of email that is written in Markdown
}

// Rendered is a message ready to send.
type Rendered struct {
	Subject string
	Preview string
	HTML    string   // a complete page; "" for SMS
	Text    string   // the text part of an email, or the SMS
	Links   []string // absolute http and https links of the body, in order
}

// Footer is what every email that is not transactional ends with: who writes from where (CAN-SPAM, 16 CFR 316.2(p)) and how
// to make it stop (RFC 8058 needs the link in a header as well).
type Footer struct {
	Address     string // postal
	Unsubscribe string // link
	Preferences string // link, or ""
}

// Render renders the message with the variables of Vars. The footer is nil for transactional mail and not used for SMS.
func (t *Template) Render(vars map[string]any, f *Footer) (*Rendered, error) {
	body, err := t.Body.Render(vars)
	if err != nil {
		return nil, fmt.Errorf("render body: %w", err)
	}
	if t.Channel == crm.SMS {
		body = strings.TrimSpace(body)
		if utf8.RuneCountInString(body) > maxSMSRunes {
			return nil, fmt.Errorf("render body: %w", errTooLong)
		}
		return &Rendered{Text: body}, nil
	}
	subject, err := t.Subject.Render(vars)
	if err != nil {
		return nil, fmt.Errorf("render subject: %w", err)
	}
	preview, err := t.Preview.Render(vars)
	if err != nil {
		return nil, fmt.Errorf("render preview: %w", err)
	}
	out := &Rendered{Subject: clipTo(oneLine(subject), maxSubjectRunes), Preview: oneLine(preview)}
	if t.markdown == nil {
		t.renderPage(out, body, f)
	} else if err := t.renderMarkdown(out, body, f); err != nil {
		return nil, fmt.Errorf("render body: %w", err)
	}
	if len(out.HTML) > maxRenderedBytes {
		return nil, fmt.Errorf("render body: %w", errTooLong)
	}
	return out, nil
}

func (t *Template) renderMarkdown(out *Rendered, body string, f *Footer) error {
	content, links, err := convert(t.markdown, body)
	if err != nil {
		return err
	}
	out.Links = links
	out.HTML, out.Text = emailPage(out, content, t.Locale, f), emailText(content, t.Locale, f)
	return nil
}

// maxSubjectRunes keeps a subject well inside a header line (RFC 5322, 2.1.1: 998 characters).
const maxSubjectRunes = 250

// Vars builds the variables of a template: candidate, application, enrollment.event.data, owner, links. What is not known is
// left out. Times are in the candidate's zone. app, en and links may be nil; an owner without an address is none.
func Vars(c *crm.Candidate, app *crm.Application, en *crm.Enrollment, owner Person, links map[string]string) map[string]any {
	zone := ZoneOf(c, nil)
	env := &Env{Facts: &crm.Facts{Candidate: *c}}
	vars := map[string]any{
		"candidate": object2map(candidateFields(), (*candidateView)(env), zone),
		"owner":     map[string]any{},
		"links":     map[string]any{},
	}
	if app != nil {
		vars["application"] = object2map(applicationFields(), app, zone)
	}
	if en != nil && en.Event != nil {
		vars["enrollment"] = map[string]any{"event": map[string]any{"data": en.Event.Data}}
	}
	if owner.Email != "" {
		vars["owner"] = owner.vars()
	}
	if len(links) > 0 {
		all := make(map[string]any, len(links))
		for name, link := range links {
			all[name] = link
		}
		vars["links"] = all
	}
	return vars
}

// vars are what a template knows of a person.
func (p Person) vars() map[string]any {
	vars := map[string]any{"email": p.Email}
	if p.Name != "" {
		vars["name"] = p.Name
	}
	if p.Phone != "" {
		vars["phone"] = p.Phone
	}
	return vars
}

// object2map reads the known fields of an object.
func object2map(fields map[string]field, obj any, zone *time.Location) map[string]any {
	values := make(map[string]any, len(fields))
	for name, f := range fields {
		v, ok := f.get(obj)
		if !ok {
			continue
		}
		if t, isTime := v.(time.Time); isTime {
			v = t.In(zone)
		}
		values[name] = v
	}
	delete(values, "applications")
	delete(values, "open_applications")
	return values
}
