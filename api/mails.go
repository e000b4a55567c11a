package api

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/rapport-crm/rapport/activities/mail"
	"github.com/rapport-crm/rapport/activities/provider"
	"github.com/rapport-crm/rapport/activities/sendgrid"
	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/store"
)

// receivedMail is what a mail leads to. body is what it came in: the identity of a mail that has none.
func (s *server) receivedMail(ctx context.Context, m *mail.Mail, body []byte) (received, error) {
	var r received
	var err error
	answer := replyOf(m, body)
	if invited := s.answerIn(m); invited != nil {
		r.answered = true
		return r, s.heardAnswer(ctx, m, invited, answer.mentions)
	}
	switch m.Kind {
	case mail.KindNotice:
	case mail.KindBounce:
		return s.bounced(ctx, m, answer)
	case mail.KindAutomatic:
		r.events, err = s.event(ctx, answer)
	case mail.KindPerson:
		if r.events, err = s.event(ctx, answer); err != nil {
			return received{}, err
		}
		words := cmp.Or(answer.text, m.Subject)
		if provider.MailRefusal(words) != "" {
			r.removals, err = s.removals(ctx, r.events, words)
		}
	}
	return r, err
}

// bounced is what a mail server's report of a bounce leads to: the same as a provider's. It has to name a message of ours, and it
// speaks of that message's address alone: anybody can write such a mail.
func (s *server) bounced(ctx context.Context, m *mail.Mail, answer *reply) (received, error) {
	message, err := s.mentioned(ctx, answer.mentions)
	if err != nil || message == nil {
		return received{}, err
	}
	answer.text, answer.more = "", map[string]any{"hard": m.Bounce.Hard}
	if m.Bounce.Status != "" {
		answer.more["status"] = m.Bounce.Status
	}
	r := received{events: s.add(nil, s.replyEvent(answer), message)}
	report := provider.Report{Address: message.Address, OptOut: crm.SuppressedBounce}
	if optOut, ok := s.optOut(crm.Email, answer.provider, &report, message); ok && m.Bounce.Hard && message.Address != "" {
		optOut.Event = answer.externalID
		r.optOuts = []store.OptOut{optOut}
	}
	return r, nil
}

func replyOf(m *mail.Mail, body []byte) *reply {
	r := &reply{
		provider: sendgrid.Provider, channel: crm.Email, from: m.From, eventType: eventReplied, text: mail.Reply(m.Text),
		externalID: "mail/" + m.MessageID, mentions: mentions(m), more: about(m),
	}
	switch m.Kind {
	case mail.KindAutomatic:
		r.eventType = eventAutoReplied
	case mail.KindBounce:
		r.eventType = eventBounced
	case mail.KindPerson, mail.KindNotice:
	}
	if m.MessageID == "" || len(r.externalID) > maxIDLength {
		sum := sha256.Sum256(body)
		r.externalID = "mail/" + hex.EncodeToString(sum[:])
	}
	return r
}

// about is what an event tells of a mail beside what is new in it: the subject, the whole text where it is more, what files came with
// it, which are not kept, and whether some of it could not be read.
func about(m *mail.Mail) map[string]any {
	data := map[string]any{}
	if m.Subject != "" {
		data["subject"] = firstCharacters(m.Subject, maxReplySubject)
	}
	if whole := strings.TrimSpace(strings.ReplaceAll(m.Text, "\r\n", "\n")); whole != mail.Reply(m.Text) {
		data["whole_text"] = firstCharacters(whole, maxReplyText)
	}
	var files []any
	for _, file := range m.Attachments[:min(len(m.Attachments), maxReplyFiles)] {
		files = append(files, map[string]any{"name": firstCharacters(file.Name, maxFileName), "size": file.Size, "type": file.Type})
	}
	if len(files) > 0 {
		data["attachments"] = files
	}
	if m.Damaged {
		data["damaged"] = true
	}
	return data
}

// mentions are the messages that a mail names: by the token of the address it was sent to (reply+ID@), by In-Reply-To, by
// References, of which the last is the nearest, and by the mail that came back with a bounce. Our Message-ID is <ID@domain>.
func mentions(m *mail.Mail) []string {
	var ids []string
	for _, to := range m.To {
		local, _, _ := strings.Cut(to, "@")
		if _, id, ok := strings.Cut(local, "+"); ok {
			ids = append(ids, id)
		}
	}
	references := slices.Clone(m.References)
	slices.Reverse(references)
	references = append([]string{m.InReplyTo}, references...)
	if m.Bounce != nil {
		references = append([]string{m.Bounce.MessageID}, references...)
	}
	for _, reference := range references {
		id, _, _ := strings.Cut(reference, "@")
		ids = append(ids, strings.ToLower(id))
	}
	return slices.DeleteFunc(ids, func(id string) bool { return !crm.HasPrefix(id, crm.PrefixMessage) })
}
