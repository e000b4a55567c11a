package sendgrid

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	stdmail "net/mail"
	"net/textproto"
	"strings"

	"golang.org/x/text/encoding/htmlindex"
)

// MaxInboundField bounds one form field of an inbound mail that is read; the rest of a longer one is cut off.
const MaxInboundField = 1 << 20

// maxInboundParts bounds the fields and attachments of one inbound mail.
const maxInboundParts = 1000

// Inbound is a mail that a candidate sent, as far as Rapport needs it. Attachments are not read.
type Inbound struct {
	From       string   // the bare address, lower case
	To         []string // bare addresses: those of the envelope, else those of the header
	Subject    string
	Text       string // the text part, UTF-8
	MessageID  string // without angle brackets; "" when the mail has none
	InReplyTo  string
	References []string // oldest first
	Automatic  bool     // written by a machine: out of office, a bounce, a list
}

// ParseInbound reads the form that Inbound Parse posts, given its Content-Type. Every field is in the charset that the
// form's field charsets names for it.
func ParseInbound(contentType string, body []byte) (*Inbound, error) {
	fields, err := formFields(contentType, body)
	if err != nil {
		return nil, err
	}
	header, text := parseHeader(fields["headers"]), fields["text"]
	if raw, ok := fields["email"]; ok { // "post the raw, full MIME message" is on
		if header, text, err = parseRaw(raw); err != nil {
			return nil, err
		}
	}
	in := &Inbound{
		Subject: decodeWords(first(fields["subject"], header.Get("Subject"))), Text: text,
		InReplyTo: firstID(header.Get("In-Reply-To")), MessageID: firstID(header.Get("Message-Id")),
		References: messageIDs(header.Get("References")),
	}
	in.addresses(fields, header)
	if in.From == "" {
		return nil, errors.New("read inbound mail: no sender")
	}
	in.Automatic = automatic(header, fields["envelope"])
	return in, nil
}

// addresses takes the sender from the header, since a candidate is known by what they write as, and the recipients from the
// envelope, since that is where the mail really went: a reply token must not be lost to a display name or a Bcc.
func (in *Inbound) addresses(fields map[string]string, header textproto.MIMEHeader) {
	var envelope struct {
		From string   `json:"from"`
		To   []string `json:"to"`
	}
	_ = json.Unmarshal([]byte(fields["envelope"]), &envelope) // absent or odd: the header has to do
	for _, from := range []string{fields["from"], header.Get("From"), envelope.From} {
		if list := bareAddresses(from); len(list) > 0 {
			in.From = list[0]
			break
		}
	}
	for _, to := range envelope.To {
		in.To = append(in.To, strings.ToLower(strings.TrimSpace(to)))
	}
	if len(in.To) == 0 {
		in.To = bareAddresses(first(fields["to"], header.Get("To")))
	}
}

func formFields(contentType string, body []byte) (map[string]string, error) {
	mediaType, params, err := mime.ParseMediaType(contentType)
	if err != nil || mediaType != "multipart/form-data" || params["boundary"] == "" {
		return nil, errors.New("read inbound mail: not multipart/form-data")
	}
	fields := map[string]string{}
	form := multipart.NewReader(bytes.NewReader(body), params["boundary"])
	for range maxInboundParts {
		part, err := form.NextRawPart()
		if errors.Is(err, io.EOF) {
			return decodeCharsets(fields), nil
		}
		if err != nil {
			return nil, fmt.Errorf("read inbound mail: %w", err)
		}
		if part.FileName() != "" || part.FormName() == "" {
			continue
		}
		value, err := io.ReadAll(io.LimitReader(part, MaxInboundField))
		if err != nil {
			return nil, fmt.Errorf("read inbound mail: %w", err)
		}
		fields[part.FormName()] = string(value)
	}
	return nil, errors.New("read inbound mail: too many parts")
}

// decodeCharsets turns every field into valid UTF-8 without NUL, which Postgres cannot store.
func decodeCharsets(fields map[string]string) map[string]string {
	charsets := map[string]string{}
	_ = json.Unmarshal([]byte(fields["charsets"]), &charsets) // absent or odd: UTF-8
	for name, value := range fields {
		fields[name] = toUTF8(value, charsets[name])
	}
	return fields
}

func toUTF8(value, charset string) string {
	if charset != "" && !strings.EqualFold(charset, "utf-8") {
		if enc, err := htmlindex.Get(charset); err == nil {
			if decoded, err := enc.NewDecoder().String(value); err == nil {
				value = decoded
			}
		}
	}
	return strings.ReplaceAll(strings.ToValidUTF8(value, "\ufffd"), "\x00", "")
}

// parseHeader reads the header of a mail, folded lines included. A line that is none ends it, without being an error:
// mail programs write all kinds of things.
func parseHeader(text string) textproto.MIMEHeader {
	header, _ := textproto.NewReader(bufio.NewReader(strings.NewReader(strings.TrimLeft(text, "\r\n") + "\r\n\r\n"))).ReadMIMEHeader()
	if header == nil {
		header = textproto.MIMEHeader{}
	}
	return header
}

// autoResponseHeaders mark mail that a machine wrote. RFC 3834 (5) has Auto-Submitted; the others are older habits.
func autoResponseHeaders() []string {
	return []string{"X-Autoreply", "X-Autorespond", "X-Auto-Response-Suppress", "List-Id", "X-Loop"}
}

func automatic(header textproto.MIMEHeader, envelope string) bool {
	if by, _, _ := strings.Cut(header.Get("Auto-Submitted"), ";"); by != "" && !strings.EqualFold(strings.TrimSpace(by), "no") {
		return true
	}
	for _, name := range autoResponseHeaders() {
		if header.Get(name) != "" {
			return true
		}
	}
	switch strings.ToLower(strings.TrimSpace(header.Get("Precedence"))) {
	case "bulk", "junk", "list", "auto_reply":
		return true
	}
	if mediaType, _, err := mime.ParseMediaType(header.Get("Content-Type")); err == nil && mediaType == "multipart/report" {
		return true // a delivery status notification (RFC 3464)
	}
	var path struct {
		From *string `json:"from"`
	}
	// The empty reverse path is that of bounces (RFC 5321, 4.5.5).
	return json.Unmarshal([]byte(envelope), &path) == nil && path.From != nil && *path.From == ""
}

func bareAddresses(list string) []string {
	addresses, err := stdmail.ParseAddressList(list)
	if err != nil {
		return looseAddress(list)
	}
	bare := make([]string, len(addresses))
	for i, a := range addresses {
		bare[i] = strings.ToLower(a.Address)
	}
	return bare
}

// looseAddress finds the address in a header that is not quite RFC 5322, such as an unquoted name with a comma.
func looseAddress(text string) []string {
	if open := strings.LastIndexByte(text, '<'); open >= 0 {
		text, _, _ = strings.Cut(text[open+1:], ">")
	}
	text = strings.ToLower(strings.TrimSpace(text))
	if at := strings.LastIndexByte(text, '@'); at <= 0 || at == len(text)-1 || strings.ContainsAny(text, " \t,;<>\"") {
		return nil
	}
	return []string{text}
}

// messageIDs reads a list of message ids (RFC 5322, 3.6.4) without their angle brackets.
func messageIDs(text string) []string {
	var ids []string
	for {
		_, rest, found := strings.Cut(text, "<")
		if !found {
			return ids
		}
		id, after, closed := strings.Cut(rest, ">")
		if !closed {
			return ids
		}
		ids = append(ids, strings.TrimSpace(id))
		text = after
	}
}

func firstID(text string) string {
	if ids := messageIDs(text); len(ids) > 0 {
		return ids[0]
	}
	return ""
}

func decodeWords(text string) string {
	decoder := mime.WordDecoder{CharsetReader: charsetReader}
	if decoded, err := decoder.DecodeHeader(text); err == nil {
		return decoded
	}
	return text
}

func charsetReader(charset string, input io.Reader) (io.Reader, error) {
	enc, err := htmlindex.Get(charset)
	if err != nil {
		return nil, fmt.Errorf("read charset: %w", err)
	}
	return enc.NewDecoder().Reader(input), nil
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
