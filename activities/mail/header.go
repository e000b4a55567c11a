package mail

import (
	"bufio"
	"bytes"
	stdmail "net/mail"
	"net/textproto"
	"strings"
)

// splitHeader divides a mail at its first empty line. whole is false when a line of the header is none: what stands before it
// still counts, and what follows is the body.
func splitHeader(raw []byte) (header textproto.MIMEHeader, body []byte, whole bool) {
	raw = bytes.TrimLeft(raw, "\r\n")
	end := len(raw)
	for _, gap := range []string{"\n\n", "\n\r\n"} {
		if at := bytes.Index(raw, []byte(gap)); at >= 0 && at < end {
			end, body = at+1, raw[at+len(gap):]
		}
	}
	header, whole = parseHeader(string(raw[:end]))
	return header, body, whole
}

// parseHeader reads the header of a mail, folded lines included. A line that is none is left out, without being an error:
// mail programs write all kinds of things. whole tells whether there was none.
func parseHeader(text string) (header textproto.MIMEHeader, whole bool) {
	var lines strings.Builder
	whole = true
	known := false // the line before was one, so that this one may continue it
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		folded := strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t")
		name, _, colon := strings.Cut(line, ":")
		switch {
		case strings.TrimSpace(line) == "":
			continue
		case folded && known, !folded && colon && plainName(name):
			known = true
			lines.WriteString(line + "\r\n")
		default:
			known, whole = false, false
		}
	}
	header, err := textproto.NewReader(bufio.NewReader(strings.NewReader(lines.String() + "\r\n"))).ReadMIMEHeader()
	if header == nil {
		header = textproto.MIMEHeader{}
	}
	for _, values := range header {
		for i := range values {
			values[i] = ToUTF8(values[i], "")
		}
	}
	return header, whole && err == nil
}

// plainName tells whether a text may name a field: printable ASCII without blanks (RFC 5322, 2.2).
func plainName(name string) bool {
	return name != "" && strings.IndexFunc(name, func(r rune) bool { return r <= ' ' || r > '~' }) < 0
}

func bareAddresses(list string) []string {
	if strings.TrimSpace(list) == "" {
		return nil
	}
	parser := stdmail.AddressParser{WordDecoder: wordDecoder()}
	addresses, err := parser.ParseList(list)
	if err != nil {
		return looseAddresses(list)
	}
	bare := make([]string, len(addresses))
	for i, a := range addresses {
		bare[i] = strings.ToLower(a.Address)
	}
	return bare
}

// looseAddresses finds the addresses in a header that is not quite RFC 5322, such as an unquoted name with a comma.
func looseAddresses(list string) []string {
	var bare []string
	for text := range strings.SplitSeq(list, ",") {
		if open := strings.LastIndexByte(text, '<'); open >= 0 {
			text, _, _ = strings.Cut(text[open+1:], ">")
		}
		text = strings.ToLower(strings.TrimSpace(text))
		if at := strings.LastIndexByte(text, '@'); at > 0 && at < len(text)-1 && !strings.ContainsAny(text, " \t;<>\"") {
			bare = append(bare, text)
		}
	}
	return bare
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
