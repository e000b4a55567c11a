package dsl

import "github.com/rapport-crm/rapport/crm"

// Template is a message, compiled.
type Template struct {
	Name    string
	Locale  string
	Hash    string
	Channel crm.Channel
	Subject *Text // nil for SMS
	Preview *Text // nil when there is none
	Body    *Text
}

// Text is a parsed Liquid text.
type Text struct {
	Source string
}

// Render renders plain text: values are not escaped.
func (t *Text) Render(vars map[string]any) (string, error) { return "", nil }

// Vars builds the variables of a template.
func Vars(c *crm.Candidate, app *crm.Application, en *crm.Enrollment, owner string, links map[string]string) map[string]any {
	return nil
}

// Rendered is a message ready to send.
type Rendered struct {
	Subject string
	Preview string
	HTML    string
	Text    string
	Links   []string // absolute http and https links of the body, in order
}

// Footer is what every email that is not transactional ends with.
type Footer struct {
	Address     string // postal
	Unsubscribe string // link
	Preferences string // link, or ""
}

// Render renders the message. The footer is nil for transactional mail, and not used for SMS.
func (t *Template) Render(vars map[string]any, f *Footer) (*Rendered, error) { return nil, nil }
