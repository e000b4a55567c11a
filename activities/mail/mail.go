package mail

import (
	"net/textproto"
	"strings"
)

// Kind says who wrote a mail.
type Kind string

// The kinds.
const (
	KindPerson    Kind = "person"
	KindAutomatic Kind = "automatic" // out of office, a list, a robot
	KindBounce    Kind = "bounce"    // a mail server gave up on a mail of ours
	KindNotice    Kind = "notice"    // a read receipt, or word that a mail is late or has arrived: it means nothing here
)

// Mail is a mail that somebody sent to us, as far as Rapport needs it. Every text is UTF-8 without NUL, which Postgres cannot
// store.
type Mail struct {
	From        string   // the bare address, lower case; "" when there is none
	To          []string // bare addresses, lower case: those of the envelope, else those of the header
	Subject     string
	Text        string // all of it: the text part, else the HTML as text, with "> " before what it quotes
	MessageID   string // without angle brackets; "" when the mail has none
	InReplyTo   string
	References  []string // oldest first
	Kind        Kind
	Bounce      *Bounce // of KindBounce
	Attachments []Attachment
	Calendar    []byte // the first part that is iCalendar (RFC 6047); nil: there is none
	Damaged     bool   // not all of it could be read
}

// Attachment is a file that came with a mail. The file itself is not kept.
type Attachment struct {
	Name string `json:"name"`
	Size int    `json:"size"` // in bytes; 0 when it is not known
	Type string `json:"type"` // the media type, as the sender says
}

// Envelope is what the mail servers said to each other.
type Envelope struct {
	From *string  `json:"from"` // nil: not known; "": the null reverse path of bounces (RFC 5321, 4.5.5)
	To   []string `json:"to"`
}

// Taken is a mail as a provider gives it: whole, as it is on the wire (RFC 5322), or taken apart. From, To and Subject go before
// what the header says.
type Taken struct {
	From, To, Subject string
	Raw               []byte // the whole mail; nil: what follows
	Header            string // as it was
	Text, HTML        string
	Files             []File
	Damaged           bool
}

// File is a part of a mail that has a name, or that is no text. Content may be cut off at MaxPart.
type File struct {
	Attachment

	Content []byte
}

// isCalendar tells whether it is iCalendar, also where a program between them and us has made an attachment of it.
func (f *File) isCalendar() bool {
	return f.Type == "text/calendar" || f.Type == "application/ics" || f.Type == "application/octet-stream" && strings.HasSuffix(strings.ToLower(f.Name), ".ics")
}

// content is what the parts of a mail hold.
type content struct {
	text, html string
	files      []File
	damaged    bool
}

// Compose puts a mail together from what a provider gave.
func Compose(t *Taken, envelope Envelope) *Mail {
	if t.Raw == nil {
		header, _ := parseHeader(t.Header)
		return compose(header, t, &content{text: unfold(t.Text, header), html: t.HTML, files: t.Files, damaged: t.Damaged}, envelope)
	}
	header, body, whole := splitHeader(t.Raw)
	c := readParts(header, body)
	c.damaged = c.damaged || t.Damaged || !whole
	return compose(header, t, c, envelope)
}

func compose(header textproto.MIMEHeader, t *Taken, c *content, envelope Envelope) *Mail {
	m := &Mail{
		Subject: decodeWords(first(t.Subject, header.Get("Subject"))), Text: c.text,
		InReplyTo: firstID(header.Get("In-Reply-To")), MessageID: firstID(header.Get("Message-Id")),
		References: messageIDs(header.Get("References")), Damaged: c.damaged,
	}
	if strings.TrimSpace(m.Text) == "" && c.html != "" {
		m.Text = htmlText(c.html)
	}
	m.addresses(header, t, envelope)
	for i := range c.files {
		m.Attachments = append(m.Attachments, c.files[i].Attachment)
		if m.Calendar == nil && c.files[i].isCalendar() {
			m.Calendar = c.files[i].Content
		}
	}
	m.Kind, m.Bounce = kindOf(header, m.Subject, c.files, envelope)
	return m
}

// addresses takes the sender from the header, since a candidate is known by what they write as, and the recipients from the
// envelope, since that is where the mail really went: a reply token must not be lost to a display name or a Bcc.
func (m *Mail) addresses(header textproto.MIMEHeader, t *Taken, envelope Envelope) {
	senders := []string{t.From, header.Get("From"), header.Get("Sender")}
	if envelope.From != nil {
		senders = append(senders, *envelope.From)
	}
	for _, from := range senders {
		if list := bareAddresses(from); len(list) > 0 {
			m.From = list[0]
			break
		}
	}
	for _, to := range envelope.To {
		m.To = append(m.To, strings.ToLower(strings.TrimSpace(to)))
	}
	if len(m.To) == 0 {
		m.To = bareAddresses(first(t.To, header.Get("To")))
	}
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
