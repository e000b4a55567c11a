package sendgrid

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"

	"github.com/rapport-crm/rapport/activities/mail"
)

// maxRaw bounds a mail that is posted whole, in bytes: what Inbound Parse takes.
const maxRaw = 30 << 20

// maxInboundParts bounds the fields and attachments of one inbound mail.
const maxInboundParts = 1000

// ParseInbound reads the form that Inbound Parse posts, given its Content-Type: a mail that SendGrid has taken apart, or with "post
// the raw, full MIME message" the mail itself. Files are not kept, but for what they are. It fails when the body is no such
// form, or nobody has sent the mail; a form that breaks off is a damaged mail.
func ParseInbound(contentType string, body []byte) (*mail.Mail, error) {
	f, err := readForm(contentType, body)
	if err != nil {
		return nil, err
	}
	m := mail.Compose(&mail.Taken{
		From: f.text("from"), To: f.text("to"), Subject: f.text("subject"), Raw: f.fields["email"],
		Header: f.text("headers"), Text: f.text("text"), HTML: f.text("html"), Files: f.files, Damaged: f.damaged,
	}, mail.ParseEnvelope(f.text("envelope")))
	if m.From == "" {
		return nil, errors.New("read inbound mail: no sender")
	}
	return m, nil
}

// form is what Inbound Parse posts.
type form struct {
	fields   map[string][]byte
	charsets map[string]string
	files    []mail.File
	damaged  bool // it broke off
}

// text is a field in UTF-8: each is in the charset that the field charsets names for it.
func (f *form) text(name string) string {
	charset := f.charsets[name]
	if charset == "" {
		charset = "utf-8"
	}
	return mail.ToUTF8(string(f.fields[name]), charset)
}

func readForm(contentType string, body []byte) (*form, error) {
	mediaType, params, err := mime.ParseMediaType(contentType)
	if err != nil || mediaType != "multipart/form-data" || params["boundary"] == "" {
		return nil, errors.New("read inbound mail: not multipart/form-data")
	}
	f := &form{fields: map[string][]byte{}, charsets: map[string]string{}}
	parts := multipart.NewReader(bytes.NewReader(body), params["boundary"])
	for n := 0; ; n++ {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil && n < maxInboundParts {
			err = f.read(part)
		} else if err == nil {
			err = errors.New("too many parts")
		}
		if err != nil {
			if len(f.fields) == 0 {
				return nil, fmt.Errorf("read inbound mail: %w", err)
			}
			f.damaged = true
			break
		}
	}
	_ = json.Unmarshal(f.fields["charsets"], &f.charsets) // absent or odd: UTF-8
	return f, nil
}

// read takes one field, or what there is to know of a file.
func (f *form) read(part *multipart.Part) error {
	limit := int64(mail.MaxPart)
	if part.FormName() == "email" {
		limit = maxRaw
	}
	kept, err := io.ReadAll(io.LimitReader(part, limit))
	rest, more := io.Copy(io.Discard, part)
	if err == nil {
		err = more
	}
	switch {
	case part.FileName() != "":
		mediaType, _, typeErr := mime.ParseMediaType(part.Header.Get("Content-Type"))
		if typeErr != nil {
			mediaType = "application/octet-stream"
		}
		f.files = append(f.files, mail.File{
			Attachment: mail.Attachment{Name: mail.ToUTF8(part.FileName(), ""), Size: len(kept) + int(rest), Type: mediaType}, Content: kept,
		})
	case part.FormName() != "" && len(kept) > 0:
		f.fields[part.FormName()] = kept
	}
	if err != nil {
		return fmt.Errorf("read part: %w", err)
	}
	return nil
}
