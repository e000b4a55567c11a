package sendgrid

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	stdmail "net/mail"
	"net/textproto"
	"strings"
)

// maxDepth bounds how deep the parts of a mail are nested.
const maxDepth = 8

// parseRaw reads a complete mail: its header and its first plain text.
func parseRaw(raw string) (textproto.MIMEHeader, string, error) {
	message, err := stdmail.ReadMessage(strings.NewReader(raw))
	if err != nil {
		return nil, "", fmt.Errorf("read inbound mail: %w", err)
	}
	header := textproto.MIMEHeader(message.Header)
	return header, plainText(header, message.Body, maxDepth), nil
}

// plainText finds the first plain text of a part. A part that cannot be read has none: the reply itself still counts.
func plainText(header textproto.MIMEHeader, body io.Reader, depth int) string {
	mediaType, params, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err != nil {
		mediaType, params = "text/plain", nil // RFC 2045, 5.2
	}
	if strings.HasPrefix(mediaType, "multipart/") && depth > 0 {
		return firstText(multipart.NewReader(body, params["boundary"]), depth-1)
	}
	if mediaType != "text/plain" {
		return ""
	}
	switch strings.ToLower(header.Get("Content-Transfer-Encoding")) {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	text, err := io.ReadAll(io.LimitReader(body, MaxInboundField))
	if err != nil && len(text) == 0 {
		return ""
	}
	return toUTF8(string(text), params["charset"])
}

func firstText(parts *multipart.Reader, depth int) string {
	for range maxInboundParts {
		part, err := parts.NextRawPart()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				return ""
			}
			break
		}
		if part.FileName() != "" {
			continue
		}
		if text := plainText(part.Header, part, depth); text != "" {
			return text
		}
	}
	return ""
}
