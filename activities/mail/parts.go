package mail

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/textproto"
	"strings"
)

// MaxPart bounds how much of one part of a mail is kept, in bytes; the rest of a longer one is only counted.
const MaxPart = 1 << 20

// Bounds of a mail: how deep its parts are nested, and how many there are on one level.
const (
	maxDepth = 8
	maxParts = 1000
)

func readParts(header textproto.MIMEHeader, body []byte) *content {
	c := &content{}
	c.read(header, bytes.NewReader(body), maxDepth)
	return c
}

// read takes what a part holds: its parts, the first text, the first HTML, or a file.
func (c *content) read(header textproto.MIMEHeader, body io.Reader, depth int) {
	mediaType, params, err := mime.ParseMediaType(header.Get("Content-Type"))
	if mediaType == "" { // RFC 2045, 5.2
		mediaType = "text/plain"
		c.damaged = c.damaged || err != nil && header.Get("Content-Type") != ""
	}
	if strings.HasPrefix(mediaType, "multipart/") && params["boundary"] != "" && depth > 0 {
		c.readAll(multipart.NewReader(body, params["boundary"]), depth-1)
		return
	}
	kept, size, err := keep(transfer(header.Get("Content-Transfer-Encoding"), body))
	c.damaged = c.damaged || err != nil
	name := fileName(header, params)
	switch {
	case strings.HasPrefix(mediaType, "multipart/"): // without a boundary, or too deep: what stands there may be read by a person
		c.damaged = true
		c.text = first(c.text, ToUTF8(string(kept), params["charset"]))
	case name == "" && mediaType == "text/plain" && c.text == "":
		c.text = unfold(ToUTF8(string(kept), params["charset"]), header)
	case name == "" && mediaType == "text/html" && c.html == "":
		c.html = ToUTF8(string(kept), params["charset"])
	default:
		if mediaType == "text/calendar" {
			kept = []byte(ToUTF8(string(kept), params["charset"]))
		}
		c.files = append(c.files, File{Attachment: Attachment{Name: name, Size: size, Type: mediaType}, Content: kept})
	}
}

func (c *content) readAll(parts *multipart.Reader, depth int) {
	for range maxParts {
		part, err := parts.NextRawPart()
		if err != nil {
			c.damaged = c.damaged || !errors.Is(err, io.EOF)
			return
		}
		c.read(part.Header, part, depth)
	}
	c.damaged = true
}

// fileName is the name of an attachment, or "" for what is to be read. A file without one still is a file.
func fileName(header textproto.MIMEHeader, params map[string]string) string {
	disposition, more, err := mime.ParseMediaType(header.Get("Content-Disposition"))
	if err != nil && disposition == "" && header.Get("Content-Disposition") != "" {
		disposition = "attachment"
	}
	name := decodeWords(first(more["filename"], params["name"]))
	if name == "" && disposition == "attachment" {
		return "attachment"
	}
	return name
}

func transfer(encoding string, body io.Reader) io.Reader {
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "quoted-printable":
		return quotedprintable.NewReader(body)
	case "base64":
		return base64.NewDecoder(base64.RawStdEncoding, &alphabet{from: body})
	}
	return body
}

// keep reads a part to its end and keeps its beginning. What was read before an error counts.
func keep(body io.Reader) (kept []byte, size int, err error) {
	kept, err = io.ReadAll(io.LimitReader(body, MaxPart))
	if err != nil {
		return kept, len(kept), err
	}
	rest, err := io.Copy(io.Discard, body)
	return kept, len(kept) + int(rest), err
}

// alphabet lets only the characters of base64 through: "any characters outside of the base64 alphabet are to be ignored"
// (RFC 2045, 6.8), padding among them.
type alphabet struct{ from io.Reader }

func (a *alphabet) Read(p []byte) (int, error) {
	for {
		n, err := a.from.Read(p)
		kept := 0
		for _, b := range p[:n] {
			if b >= 'A' && b <= 'Z' || b >= 'a' && b <= 'z' || b >= '0' && b <= '9' || b == '+' || b == '/' {
				p[kept] = b
				kept++
			}
		}
		if kept > 0 || err != nil || len(p) == 0 {
			return kept, err
		}
	}
}
