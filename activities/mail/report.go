package mail

import (
	"bufio"
	"bytes"
	"net/textproto"
	"regexp"
	"slices"
	"strings"
)

// Bounce is what a mail server says of a mail that it could not deliver (RFC 3464).
type Bounce struct {
	Recipient string // bare address, lower case; "" when it does not say
	Status    string // the enhanced status code (RFC 3463), such as 5.1.1; "" when it does not say
	Hard      bool   // the address will never take mail
	MessageID string // of the returned mail, without angle brackets; "" when none came back
}

// statusOf returns the delivery status of a report, or "".
func statusOf(files []File) string {
	for i := range files {
		if files[i].Type == "message/delivery-status" || files[i].Type == "message/global-delivery-status" {
			return string(files[i].Content)
		}
	}
	return ""
}

// bounceOf reads a delivery status. Rapport writes to one recipient at a time, so the first that failed is the one; that a mail is
// late, or has arrived, is a notice.
func bounceOf(status string, files []File) (Kind, *Bounce) {
	lines := textproto.NewReader(bufio.NewReader(strings.NewReader(strings.ReplaceAll(strings.TrimSpace(status), "\r\n", "\n") + "\n\n")))
	for {
		group, err := lines.ReadMIMEHeader()
		if strings.EqualFold(strings.TrimSpace(group.Get("Action")), "failed") {
			b := &Bounce{Recipient: recipient(group), Status: code(group), MessageID: returned(files)}
			b.Hard = hard(b.Status)
			return KindBounce, b
		}
		if err != nil {
			return KindNotice, nil
		}
	}
}

// recipient is the address that we wrote to, as far as the report knows: mail is forwarded.
func recipient(group textproto.MIMEHeader) string {
	for _, field := range []string{"Original-Recipient", "Final-Recipient"} {
		if _, address, typed := strings.Cut(group.Get(field), ";"); typed {
			if list := bareAddresses(address); len(list) > 0 {
				return list[0]
			}
		}
	}
	return ""
}

// code is the enhanced status code of a recipient, else that of the server's answer, else the class of its answer.
func code(group textproto.MIMEHeader) string {
	if found := enhancedCode.FindString(group.Get("Status")); found != "" {
		return found
	}
	diagnostic := group.Get("Diagnostic-Code")
	if found := enhancedCode.FindString(diagnostic); found != "" {
		return found
	}
	if found := replyCode.FindString(diagnostic); found != "" {
		return found[:1] + ".0.0"
	}
	return ""
}

// What status codes and answers of servers look like.
var (
	enhancedCode = regexp.MustCompile(`\b[245]\.\d{1,3}\.\d{1,3}\b`)
	replyCode    = regexp.MustCompile(`\b[45]\d\d\b`)
)

// hard tells whether a status code means that the address is dead. Codes of class 5 do, but for those that are about the one mail
// or about us: a full mailbox, a mail too large, its content, and policy (RFC 3463, 3).
func hard(status string) bool {
	if !strings.HasPrefix(status, "5.") || slices.Contains([]string{"5.2.2", "5.2.3", "5.3.4"}, status) {
		return false
	}
	return !strings.HasPrefix(status, "5.6.") && !strings.HasPrefix(status, "5.7.")
}

// returned is the Message-ID of the mail that came back, or "".
func returned(files []File) string {
	for i := range files {
		switch files[i].Type {
		case "message/rfc822", "message/global", "text/rfc822-headers", "message/rfc822-headers", "message/global-headers":
			header, _, _ := splitHeader(bytes.Clone(files[i].Content))
			if id := firstID(header.Get("Message-Id")); id != "" {
				return id
			}
		}
	}
	return ""
}
