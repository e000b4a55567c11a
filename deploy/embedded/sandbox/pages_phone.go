package sandbox

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// conversationLength is how many texts a phone shows.
const conversationLength = 100

type phoneData struct {
	page
	Number   string
	Partner  string // the number of Rapport that a reply goes to
	Partners []string
	Bubbles  []bubble
	OptedOut bool
}

type bubble struct {
	Message

	Mine    bool // written on this phone
	History []happening
	Ignored []string
}

// phonePage is GET /phones/{number}: the conversation of one phone with Rapport's numbers.
func (s *Sandbox) phonePage(w http.ResponseWriter, r *http.Request) {
	data, err := s.loadPhone(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.show(w, r, "phone", data)
}

func (s *Sandbox) loadPhone(r *http.Request) (data phoneData, err error) {
	ctx := r.Context()
	data.Number = r.PathValue("number")
	if !e164Format.MatchString(data.Number) {
		return data, ErrNotFound
	}
	if data.page, err = s.frame(r, data.Number, "texts"); err != nil {
		return data, err
	}
	c := &conditions{}
	c.add("provider = ?", Twilio)
	c.add("(recipient = ? or sender = ?)", data.Number)
	messages, err := s.selectMessages(ctx, c, " order by seq desc limit "+strconv.Itoa(conversationLength))
	if err != nil {
		return data, err
	}
	slices.Reverse(messages)
	if err := s.fillBubbles(r, &data, messages); err != nil {
		return data, err
	}
	data.Partners = s.config.SMSNumbers
	if data.Partner == "" && len(data.Partners) > 0 {
		data.Partner = data.Partners[0]
	}
	reason, err := s.suppression(ctx, Twilio, data.Partner, data.Number)
	data.OptedOut = reason != ""
	return data, err
}

// fillBubbles joins texts with their history, and finds out whom the phone talks to.
func (s *Sandbox) fillBubbles(r *http.Request, data *phoneData, messages []Message) error {
	seqs := make([]int64, len(messages))
	for i, m := range messages {
		seqs[i] = m.Seq
	}
	history, err := s.history(r.Context(), seqs...)
	if err != nil {
		return err
	}
	requests, err := s.rawRequests(r.Context(), seqs)
	if err != nil {
		return err
	}
	for _, m := range messages {
		b := bubble{Message: m, Mine: m.From == data.Number}
		for _, h := range history {
			if h.Message == m.Seq {
				b.History = append(b.History, h)
			}
		}
		if m.Direction == Outbound {
			b.Ignored = ignoredParameters(requests[m.Seq])
		}
		data.Bubbles = append(data.Bubbles, b)
		data.Partner = m.From
		if b.Mine {
			data.Partner = m.To
		}
	}
	return nil
}

// replyByText is POST /phones/{number}/reply with to, and quick or body.
func (s *Sandbox) replyByText(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxReply)
	phone, number := r.PathValue("number"), r.PostFormValue("to")
	body := r.PostFormValue("quick")
	if body == "" {
		body = strings.TrimSpace(strings.ReplaceAll(r.PostFormValue("body"), "\r\n", "\n"))
	}
	if number == "" && len(s.config.SMSNumbers) > 0 {
		number = s.config.SMSNumbers[0]
	}
	if !e164Format.MatchString(phone) || !slices.Contains(s.config.SMSNumbers, number) {
		writeProblem(w, http.StatusBadRequest, "A text needs a phone in E.164 and one of the account's numbers to go to.")
		return
	}
	if body != "" {
		if err := s.textBack(r.Context(), phone, number, withoutNUL(body)); err != nil {
			s.fail(w, r, err)
			return
		}
	}
	http.Redirect(w, r, "/phones/"+url.PathEscape(phone)+"#latest", http.StatusSeeOther)
}

// failText is POST /texts/{id}/undelivered: the network reports after all that a text did not arrive. code is 30003, an
// unreachable phone, unless the form says 30005, an unknown one.
func (s *Sandbox) failText(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxReply)
	m, err := s.Message(r.Context(), r.PathValue("id"))
	if err == nil && (m.Provider != Twilio || m.Direction != Outbound) {
		err = ErrNotFound
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	code := codeUnreachable
	if r.PostFormValue("code") == "30005" {
		code = codeUnknownDestination
	}
	if err := s.happen(r.Context(), m.Seq, s.statusCallback(m, "undelivered", code)); err != nil {
		s.fail(w, r, err)
		return
	}
	http.Redirect(w, r, "/phones/"+url.PathEscape(m.To)+"#latest", http.StatusSeeOther)
}
