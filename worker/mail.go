package worker

import (
	"net/mail"
	"slices"
	"strings"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
)

// maxReferences bounds how many earlier mails a mail names: the first of the thread and the newest, as RFC 5322 programs do
// that shorten the list.
const maxReferences = 10

// address fills in who a mail is from and who is answered.
func (w *Worker) address(out *crm.Outgoing, ws *dsl.Workspace, owner dsl.Person, fromOwner bool) {
	out.From = ws.Sender(owner, fromOwner)
	from, err := mail.ParseAddress(out.From)
	if err != nil {
		return // the provider refuses it, and says why
	}
	switch {
	case w.replyDomain != "":
		reply := mail.Address{Name: from.Name, Address: w.replyAddress(out.MessageID)}
		out.ReplyTo, out.ReturnPath = reply.String(), reply.Address // bounces are read as well
	case fromOwner && owner.Email != "":
		out.ReplyTo = (&mail.Address{Name: owner.Name, Address: owner.Email}).String()
	}
}

// replyAddress is where answers to a message are read by Rapport.
func (w *Worker) replyAddress(messageID string) string {
	return "reply+" + messageID + "@" + w.replyDomain
}

// headers are what makes mail answerable and easy to stop: an own Message-ID, so that a reply names the message it answers,
// the earlier mails of the run, which mail programs show as one conversation, and for all but transactional mail the one-click
// unsubscribe of RFC 8058.
func headers(m *crm.Message, earlier []crm.Message, from, unsubscribe string) map[string]string {
	domain := "localhost"
	if address, err := mail.ParseAddress(from); err == nil {
		domain = address.Address[strings.LastIndexByte(address.Address, '@')+1:]
	}
	messageID := func(id string) string { return "<" + id + "@" + domain + ">" }
	h := map[string]string{"Message-ID": messageID(m.ID)}
	if thread := threadOf(m, earlier); len(thread) > 0 {
		h["In-Reply-To"] = messageID(thread[len(thread)-1])
		for i := range thread {
			thread[i] = messageID(thread[i])
		}
		h["References"] = strings.Join(thread, " ")
	}
	if !m.Transactional() && unsubscribe != "" {
		h["List-Unsubscribe"] = "<" + unsubscribe + ">"
		h["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
	}
	return h
}

// threadOf lists the mails of a run that the same person was sent before this one, oldest first, shortened in the middle.
func threadOf(m *crm.Message, earlier []crm.Message) []string {
	sent := slices.DeleteFunc(slices.Clone(earlier), func(e crm.Message) bool {
		return e.ID == m.ID || e.Recipient != m.Recipient || e.Channel != crm.Email || e.EnrollmentID != m.EnrollmentID || e.Outcome() != crm.OutcomeSent || e.AcceptedAt.IsZero()
	})
	slices.SortStableFunc(sent, func(a, b crm.Message) int { return a.AcceptedAt.Compare(b.AcceptedAt) })
	ids := make([]string, len(sent))
	for i := range sent {
		ids[i] = sent[i].ID
	}
	if len(ids) > maxReferences {
		ids = append(ids[:1:1], ids[len(ids)-maxReferences+1:]...)
	}
	return ids
}
