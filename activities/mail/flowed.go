package mail

import (
	"mime"
	"net/textproto"
	"strings"
)

// unfold makes paragraphs of the lines of a text that is format=flowed (RFC 3676); other texts stay as they are.
func unfold(text string, header textproto.MIMEHeader) string {
	mediaType, params, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err != nil || mediaType != "text/plain" || !strings.EqualFold(params["format"], "flowed") {
		return text
	}
	var out strings.Builder
	flows, depth := false, 0 // of the line before
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		rest := strings.TrimLeft(line, ">")
		quoted := len(line) - len(rest)
		rest = strings.TrimPrefix(rest, " ") // stuffed
		if joined := flows && quoted == depth && rest != "-- "; !joined {
			if out.Len() > 0 {
				out.WriteString("\n")
			}
			if quoted > 0 {
				out.WriteString(strings.Repeat(">", quoted) + " ")
			}
		}
		flows, depth = strings.HasSuffix(rest, " ") && rest != "-- ", quoted
		if flows && strings.EqualFold(params["delsp"], "yes") {
			rest = rest[:len(rest)-1]
		}
		out.WriteString(rest)
	}
	if out.Len() > 0 {
		out.WriteString("\n")
	}
	return out.String()
}
