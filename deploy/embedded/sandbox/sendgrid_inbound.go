package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"mime"
	"mime/multipart"
	"net/mail"
	"strings"
	"time"
)

// replyToMail writes the recipient's answer to a mail and posts it as SendGrid's Inbound Parse would.
func (s *Sandbox) replyToMail(ctx context.Context, m Message, text string) error {
	id := newRequestID()
	at := s.now()
	reply := Message{
		ID: id, RequestID: id, Provider: SendGrid, Direction: Inbound, Status: "received",
		From: m.To, FromName: m.ToName, To: m.From, ToName: m.FromName, Subject: replySubject(m.Subject), Text: text,
		MessageID: "<" + id + "@mail.example>", AcceptedAt: at, parent: &m.Seq,
	}
	if m.ReplyTo != "" {
		reply.To, reply.ToName = m.ReplyTo, ""
	}
	reply.Headers = map[string]string{"In-Reply-To": m.MessageID, "References": m.MessageID}
	form, contentType, err := inboundParse(reply)
	if err != nil {
		return fmt.Errorf("encode reply: %w", err)
	}
	err = s.accept(ctx, draft{message: reply, webhooks: []webhook{{
		target: targetSendGridInbound, event: "received", url: s.webhookURL(pathSendGridInbound),
		contentType: contentType, payload: form,
	}}})
	s.hasten()
	return err
}

func replySubject(subject string) string {
	if len(subject) >= 3 && strings.EqualFold(subject[:3], "re:") {
		return subject
	}
	return "Re: " + subject
}

// inboundParse encodes a mail as the multipart form of SendGrid's Inbound Parse webhook.
func inboundParse(m Message) (body []byte, contentType string, err error) {
	envelope, err := json.Marshal(struct {
		To   []string `json:"to"`
		From string   `json:"from"`
	}{[]string{m.To}, m.From})
	if err != nil {
		return nil, "", fmt.Errorf("encode envelope: %w", err)
	}
	_, domain, _ := strings.Cut(m.From, "@")
	from := (&mail.Address{Name: m.FromName, Address: m.From}).String()
	to := (&mail.Address{Name: m.ToName, Address: m.To}).String()
	var buffer bytes.Buffer
	form := multipart.NewWriter(&buffer)
	for _, field := range [][2]string{
		{"headers", inboundHeaders(m, from, to)},
		{"dkim", "{@" + domain + " : pass}"},
		{"to", to},
		{"from", from},
		{"text", m.Text},
		{"html", replyHTML(m.Text)},
		{"sender_ip", readerIP},
		{"envelope", string(envelope)},
		{"attachments", "0"},
		{"subject", m.Subject},
		{"charsets", `{"to":"UTF-8","from":"UTF-8","subject":"UTF-8","html":"UTF-8","text":"UTF-8"}`},
		{"SPF", "pass"},
	} {
		if err := form.WriteField(field[0], field[1]); err != nil {
			return nil, "", fmt.Errorf("encode %s: %w", field[0], err)
		}
	}
	if err := form.Close(); err != nil {
		return nil, "", fmt.Errorf("encode form: %w", err)
	}
	return buffer.Bytes(), form.FormDataContentType(), nil
}

func inboundHeaders(m Message, from, to string) string {
	lines := []string{
		"MIME-Version: 1.0",
		"Date: " + m.AcceptedAt.Format(time.RFC1123Z),
		"Message-ID: " + m.MessageID,
		"In-Reply-To: " + m.Headers["In-Reply-To"],
		"References: " + m.Headers["References"],
		"Subject: " + mime.QEncoding.Encode("UTF-8", m.Subject),
		"From: " + from,
		"To: " + to,
		`Content-Type: multipart/alternative; boundary="sandbox"`,
	}
	return strings.Join(lines, "\n") + "\n"
}

func replyHTML(text string) string {
	escaped := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "\n", "<br>").Replace(text)
	return `<div dir="ltr">` + escaped + `</div>`
}
