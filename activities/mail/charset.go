package mail

import (
	"fmt"
	"io"
	"mime"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
)

// ToUTF8 turns a text in a charset into valid UTF-8 without NUL. Where the charset is not known, or the text is not in
// it, the text is UTF-8 if it can be, else windows-1252, in which every byte means something.
func ToUTF8(text, charset string) string {
	charset = strings.ToLower(strings.TrimSpace(charset))
	if enc, err := htmlindex.Get(charset); err == nil && charset != "utf-8" {
		if decoded, err := enc.NewDecoder().String(text); err == nil {
			return storable(decoded)
		}
	}
	if !utf8.ValidString(text) && charset != "utf-8" {
		if decoded, err := charmap.Windows1252.NewDecoder().String(text); err == nil {
			return storable(decoded)
		}
	}
	return storable(text)
}

func storable(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\ufffd"), "\x00", "")
}

// decodeWords decodes the encoded words of a header (RFC 2047).
func decodeWords(text string) string {
	if decoded, err := wordDecoder().DecodeHeader(text); err == nil {
		return storable(decoded)
	}
	return storable(text)
}

func wordDecoder() *mime.WordDecoder { return &mime.WordDecoder{CharsetReader: charsetReader} }

func charsetReader(charset string, input io.Reader) (io.Reader, error) {
	text, err := io.ReadAll(input)
	if err != nil {
		return nil, fmt.Errorf("read encoded word: %w", err)
	}
	return strings.NewReader(ToUTF8(string(text), charset)), nil
}
